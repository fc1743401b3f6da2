"""How long `import huggins` and `huggins --help` take, each in a fresh process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 9
CALLS = {
    "python": "pass",
    "import_huggins": "import huggins",
    "help": "from huggins.cli import main; main(['--help'])",
    "help_of_classify": "from huggins.cli import main; main(['classify', '--help'])",
    "import_classify": "from huggins import classify",
}


def run() -> dict[str, object]:
    """Measure seconds from the start of the interpreter to its end, medians of 9."""
    results: dict[str, object] = {}
    for name, code in CALLS.items():
        call([sys.executable, "-c", code])
        times = [call([sys.executable, "-c", code]) for _ in range(ROUNDS)]
        results[f"{name}_seconds"] = round(statistics.median(times), 3)
    return results


def call(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
