"""Classify many spectra in one run, and see that memory and open files stay flat.

    python -m hardening.soak --spectra 200000 --fits 2000

The same few hundred spectra, in one file, stand in a list again and again: once with the
network alone, once (fewer) with the fit. Every second the resident memory of all processes of
the run and their open files are noted. The results go to hardening/results/soak.json: what they
were after a tenth of the run, and the largest after that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).resolve().parent
_IN_FILE: Final = 500


def main() -> int:
    """Run, watch, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=200_000)
    parser.add_argument("--fits", type=int, default=2000)
    parser.add_argument("--output", type=Path, default=_HERE / "results" / "soak.json")
    args = parser.parse_args()
    record: dict[str, Any] = {"command": "python -m hardening.soak " + " ".join(sys.argv[1:])}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _call("simulate", "-n", _IN_FILE, "-o", "mocks.h5", "--templates", "shipped", at=folder)
        for name, count, options in (
            ("network", args.spectra, ["--no-redshift"]), ("fit", args.fits, []),
        ):  # fmt: skip
            # The same file under other names: inputs that are named twice are a mistake.
            files = []
            for number in range(-(-count // _IN_FILE)):
                link = folder / f"{name}{number}.h5"
                link.symlink_to("mocks.h5")
                files.append(str(link))
            (folder / "list").write_text("\n".join(files))
            record[name] = _watched(folder, f"{name}.parquet", options)
            args.output.parent.mkdir(exist_ok=True)
            args.output.write_text(json.dumps(record, indent=1) + "\n")
            print(name, record[name], flush=True)
    return 0


def _call(*arguments: object, at: Path) -> None:
    command = [sys.executable, "-m", "huggins", *map(str, arguments)]
    subprocess.run(command, cwd=at, check=True)


def _watched(folder: Path, output: str, options: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "huggins", "classify", "@list", "-o", output, *options]
    begun = time.monotonic()
    seen: list[tuple[float, int, int]] = []
    with (folder / "err").open("w") as err:
        run = subprocess.Popen([*command, "-j", "2"], cwd=folder, stderr=err)
        while run.poll() is None:
            seen.append((time.monotonic() - begun, *_used(run.pid)))
            time.sleep(1.0)
    assert run.returncode == 0, (folder / "err").read_text()[-2000:]
    took = time.monotonic() - begun
    from huggins.tables.read import read_columns

    rows = len(read_columns(folder / output, ["INDEX"]))
    # The end, when the table is written, is part of the run.
    early = [s for s in seen if 0.05 * took < s[0] < 0.2 * took] or seen[:1]
    late = [s for s in seen if s[0] >= 0.2 * took] or seen
    return {
        "rows": rows,
        "seconds": round(took),
        "MiB in the first fifth": round(max(s[1] for s in early) / 2**20),
        "MiB after it": round(max(s[1] for s in late) / 2**20),
        "MiB at nine tenths": round(
            max(s[1] for s in seen[: int(0.95 * len(seen))][-20:]) / 2**20
        ),
        "open files in the first fifth": max(s[2] for s in early),
        "open files after it": max(s[2] for s in late),
    }


def _used(pid: int) -> tuple[int, int]:
    """Return resident bytes (shared ones counted once) and open files of a process's tree."""
    memory = files = 0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        root = Path(f"/proc/{one}")
        try:
            lines = (root / "smaps_rollup").read_text().splitlines()
            memory += sum(int(n.split()[1]) * 1024 for n in lines if n.startswith("Pss:"))
            files += len(list((root / "fd").iterdir()))
            for task in (root / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError):  # it has just ended
            continue
    return memory, files


if __name__ == "__main__":
    sys.exit(main())
