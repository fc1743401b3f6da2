"""Run the benchmarks and write what they measure beside the machine and versions they ran on.

``python -m benchmarks`` runs every module of this package, ``python -m benchmarks read`` those
named. Results go to ``benchmarks/results/VERSION-MACHINE.json``; modules that were not run keep
what the file says of them.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path

from huggins import __version__

HERE = Path(__file__).parent
PACKAGES = ("numpy", "astropy", "onnxruntime", "arro3-core", "h5py", "typer", "torch")


def main(names: list[str]) -> int:
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(
            f"no benchmark {', '.join(unknown)}: there are {', '.join(known)}", file=sys.stderr
        )
        return 2
    path = HERE / "results" / f"{__version__}-{platform.machine()}-{cores()}cores.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    report |= {"huggins": __version__, "machine": machine(), "packages": packages()}
    results = report.setdefault("results", {})
    for name in names or known:
        print(f"{name} ...", file=sys.stderr, flush=True)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        load = os.getloadavg()[0]
        figures = import_module(f"benchmarks.{name}").run()
        # A busy machine shows in the load before the start: figures are then too low.
        results[name] = {"date": date, "load_before": round(load, 2), **figures}
        print(json.dumps(results[name], indent=2))
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {path}", file=sys.stderr)
    return 0


def machine() -> dict[str, object]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu(),
        "cores": cores(),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0))


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def packages() -> dict[str, str]:
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
