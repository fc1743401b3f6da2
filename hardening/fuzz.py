"""Give the package damaged inputs, many, and record where it does what it must not.

    python -m hardening.fuzz --inputs 100000

A child process tries the inputs, with bounded memory and time: what kills it, fills the memory
or takes more than `_SECONDS` is a finding, as is an exception that is not ours. Findings go to
hardening/findings, one file each, smaller than they were found where that is possible; put them
into tests/corpus when the reader is mended. The summary goes to hardening/results/fuzz.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

from hardening.targets import TARGETS

_HERE: Final = Path(__file__).resolve().parent
#: Memory of the child above what it has when it starts, bytes, and time of one input, seconds.
_MEMORY: Final = 1 << 30
_SECONDS: Final = 20
#: Inputs of one child: what leaks would show, and all begins anew.
_ROUND: Final = 4000


class _HangError(BaseException):
    """An input took longer than it may; no `except Exception` catches it."""


def main() -> int:
    """Fuzz, and print and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--output", type=Path, default=_HERE / "results" / "fuzz.json")
    args = parser.parse_args()
    names = args.target or list(TARGETS)
    total = sum(TARGETS[name].share for name in names)
    record: dict[str, Any] = {
        "command": "python -m hardening.fuzz " + " ".join(sys.argv[1:]),
        "seed": args.seed,
        "python": platform.python_version(),
        "targets": {},
    }
    for name in names:
        count = round(args.inputs * TARGETS[name].share / total)
        record["targets"][name] = _target(name, count, args.seed)
        args.output.parent.mkdir(exist_ok=True)
        args.output.write_text(json.dumps(record, indent=2) + "\n")
    record["inputs"] = sum(found["inputs"] for found in record["targets"].values())
    record["findings"] = sum(len(found["findings"]) for found in record["targets"].values())
    args.output.write_text(json.dumps(record, indent=2) + "\n")
    print(f"{record['inputs']} inputs, {record['findings']} findings: {args.output}")
    return 1 if record["findings"] else 0


def _target(name: str, count: int, seed: int) -> dict[str, Any]:
    """Try `count` inputs of one target in children, one after another."""
    context = multiprocessing.get_context("spawn")
    counts: Counter[str] = Counter()
    findings: dict[str, dict[str, Any]] = {}
    begun = time.monotonic()
    done = 0
    while done < count:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(
            target=_child, args=(theirs, name, seed, done, min(count, done + _ROUND))
        )
        child.start()
        theirs.close()
        last = done
        current: tuple[str, bytes] | None = None
        try:
            while True:
                if not ours.poll(15 * _SECONDS):  # it hangs in a library that hears no alarm
                    child.kill()
                kind, number, payload = ours.recv()
                if kind == "try":
                    current = payload
                    continue
                current, last = None, number + 1
                if kind == "done":
                    counts.update([payload])
                else:
                    _keep(findings, name, number, *payload)
        except EOFError:
            child.join()
        if current is not None:  # the child died of it
            why = f"the process died with status {child.exitcode}"
            _keep(findings, name, last, current[0], current[1], why, why)
            last += 1
        elif last == done:
            raise SystemExit(
                f"{name}: the child ended with {child.exitcode} before the first input"
            )
        done = last
        took = time.monotonic() - begun
        print(f"{name}: {done} of {count}, {len(findings)} findings, {took:.0f} s", flush=True)
    return {
        "inputs": done,
        "seconds": round(time.monotonic() - begun),
        "outcomes": dict(counts.most_common()),
        "findings": list(findings.values()),
    }


def _keep(
    findings: dict[str, dict[str, Any]],
    target: str,
    number: int,
    name: str,
    content: bytes,
    place: str,
    what: str,
) -> None:
    """Keep one input for each place in the code that failed."""
    if place in findings:
        findings[place]["times"] += 1
        return
    folder = _HERE / "findings"
    folder.mkdir(exist_ok=True)
    ending = name if name.startswith(".") else ""
    stem = f"{target}-{hashlib.sha256(place.encode()).hexdigest()[:10]}{ending}"
    (folder / stem).write_bytes(content)
    (folder / f"{stem}.why").write_text(f"{name}, input {number}\n{what}\n")
    findings[place] = {"file": stem, "whole": name, "input": number, "place": place, "times": 1}
    print(f"FINDING {target} ({name}): {place}", flush=True)


def _child(pipe: Any, name: str, seed: int, first: int, end: int) -> None:
    """Try inputs `first` to `end`, telling the parent of each before and after."""
    if not os.environ.get("FUZZ_TALK"):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain of every input
    with tempfile.TemporaryDirectory() as folder:
        target = TARGETS[name](Path(folder))
        target.attempt(*target.make(Random(0)))  # imports everything
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, -1))
        signal.signal(signal.SIGPROF, _alarm)
        for number in range(first, end):
            what, content = target.make(Random(f"{seed} {name} {number}"))
            pipe.send(("try", number, (what, content)))
            try:
                _limit(_SECONDS)
                outcome = target.attempt(what, content)
                _limit(0)
            except BaseException as error:
                _limit(0)
                small = (
                    _smaller(target, what, content, _place(error))
                    if name in ("readers", "tables")
                    else content
                )
                pipe.send(
                    ("finding", number, (what, small, _place(error), traceback.format_exc()))
                )
            else:
                pipe.send(("done", number, outcome))
        os.chdir("/")


def _limit(seconds: int) -> None:
    """Limit the time of the processor, whatever else the machine does; 0: no more."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _alarm(number: int, frame: Any) -> None:
    raise _HangError(f"more than {_SECONDS} s")


def _place(error: BaseException) -> str:
    """Where an exception came from: the last line of ours, and its kind."""
    ours = "outside"
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if "/huggins/" in file or "/hardening/" in file:
            ours = f"{file.rpartition('/src/')[2].rpartition('/hardening/')[2]}:{line}"
    message = str(error) if isinstance(error, AssertionError) else ""
    return f"{ours} {type(error).__name__} {message[:80]}".strip()


def _smaller(target: Any, name: str, content: bytes, place: str) -> bytes:
    """Cut pieces off the end while it still fails at the same place."""
    size = len(content) // 2
    while size > 64:
        try:
            _limit(_SECONDS)
            target.attempt(name, content[:-size])
        except BaseException as error:
            if _place(error) == place:
                content = content[:-size]
                continue
        finally:
            _limit(0)
        size //= 2
    return content


if __name__ == "__main__":
    sys.exit(main())
