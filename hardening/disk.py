"""Let every long verb run on a disk that fills up at a random moment, and then go on.

    sudo python -m hardening.disk --times 10

Each run works on a memory disk (tmpfs) that is smaller than what it writes. It must end with
one clear line and status 2, or 1 where a part could be done, and leave no file that looks like
a result and is none. Then the disk is made larger, and the same command (with --resume, where
the verb has it) must end as a run in peace does. Only root may mount such disks. Results go to
hardening/results/disk.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from hardening.kills import CASES, Case, View, _call, _fork, _imports

_HERE: Final = Path(__file__).resolve().parent
#: The file that each verb promises; it must not be there unless it is whole.
_OUTPUTS: Final = {
    "classify": "t.csv", "classify with the fit": "t.csv", "build": "set.h5",
    "simulate": "mocks.h5", "train": "runs/own/own.safetensors",
}  # fmt: skip


def main() -> int:
    """Fill disks, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--output", type=Path, default=_HERE / "results" / "disk.json")
    args = parser.parse_args()
    os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    _imports()
    record = json.loads(args.output.read_text()) if args.output.exists() else {}
    record |= {
        "command": "python -m hardening.disk " + " ".join(sys.argv[1:]),
        "seed": args.seed,
    }
    failures = 0
    for name in args.case or CASES:
        if name == "view":
            continue
        with tempfile.TemporaryDirectory() as place:
            found = _case(name, Path(place), args.times, args.seed)
        failures += len(found["failures"])
        record.setdefault("verbs", {})[name] = found
        args.output.parent.mkdir(exist_ok=True)
        args.output.write_text(json.dumps(record, indent=1) + "\n")
        print(name, found, flush=True)
    return 1 if failures else 0


def _case(name: str, place: Path, times: int, seed: int) -> dict[str, Any]:
    random = Random(f"{seed} {name}")
    for folder in ("inputs", "peace", "disk", "home"):
        (place / folder).mkdir()
    os.environ["XDG_STATE_HOME"] = os.environ["XDG_CACHE_HOME"] = str(place / "home")
    case = CASES[name](place / "inputs")
    assert not isinstance(case, View)
    begun = time.monotonic()
    _call(case.first(), place / "peace")
    expected = case.left(place / "peace")
    size = sum(p.stat().st_size for p in (place / "peace").rglob("*") if p.is_file())
    full, failures, said = 0, [], set()
    for number in range(times):
        room = max(8192, round(random.uniform(0.02, 1.0) * size))
        disk = place / "disk"
        _mount(disk, f"size={room}")
        try:
            status, text = _run(case, disk, place / f"err{number}")
            if status == 0:  # it fitted
                continue
            full += 1
            said.add(text.strip().splitlines()[-1].replace(str(place), "")[:200])
            assert status in (1, 2), f"status {status}: {text[-1500:]}"
            assert "Traceback" not in text, text[-2500:]
            assert "space" in text, f"nothing is said of the space: {text[-500:]}"
            output = disk / _OUTPUTS.get(name, "none")
            assert not output.exists(), f"{output.name} is there, and is not whole"
            _mount(disk, f"remount,size={4 * size + (1 << 20)}")
            _call(case.again(), disk)
            assert case.left(disk) == expected, "it left something else than in peace"
        except Exception as error:
            failures.append(
                f"run {number}, {room} bytes: {type(error).__name__}: {error!s:.900}"
            )
            print(name, failures[-1], flush=True)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    return {
        "times": times, "full before the end": full, "failures": failures,
        "last lines": sorted(said)[:5], "seconds": round(time.monotonic() - begun),
    }  # fmt: skip


def _mount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


def _run(case: Case, disk: Path, err: Path) -> tuple[int, str]:
    _, status = os.waitpid(_fork(case.first(), disk, err=err), 0)
    return os.waitstatus_to_exitcode(status), err.read_text()


if __name__ == "__main__":
    sys.exit(main())
