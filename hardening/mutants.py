"""Change the code in small ways, one at a time, and see which changes no test notices.

    python -m hardening.mutants --count 400

A sample, by a stated seed, of all mutants (`hardening.mutate`) of the packages below. For each
mutant the tests of the mapped folders that execute its line run, fastest first, until one
fails. All are written to hardening/results/mutants.json, survivors with the reason that stands
for them in hardening/survivors.toml.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import py_compile
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

from hardening.mutate import Mutant, mutants_of

_ROOT: Final = Path(__file__).resolve().parent.parent
#: Which tests stand for which part of the package.
TESTS: Final = {
    "prepare": (
        "tests/prepare",
        "tests/redshift/test_fit.py",
        "tests/inference/test_network.py",
    ),
    "quality": ("tests/test_quality.py",),
    "inference": (
        "tests/inference",
        "tests/view/test_detail.py",
    ),
    "redshift": (
        "tests/redshift",
        "tests/inference/test_fitting.py",
        "tests/inference/test_details.py",
    ),
}
#: Files without computation of their own: start-up, imports, who works where.
SKIPPED: Final = ("__init__.py", "worker.py", "cluster.py", "runtime.py", "redrock.py")
#: Functions that make up spectra to verify an installation: any other numbers would do as well.
MADE_UP: Final = ("golden_spectra", "_ripple", "_artificial_spectra")
_SECONDS: Final = 120
#: Time of the tests of one mutant, seconds of the processor.
#: A mutant that lives on for that long is a survivor, whatever the other tests say.
_BUDGET: Final = 4.0
_WEIGHTS: Final = {"prepare": 0.28, "quality": 0.02, "inference": 0.32, "redshift": 0.38}


def main() -> int:
    """Run, and print and write what survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--package", choices=TESTS, action="append")
    parser.add_argument("--file", action="append", help="only files whose path ends so")
    parser.add_argument("--again", action="store_true", help="only the recorded survivors")
    parser.add_argument(
        "--near", action="store_true", help="only the test files of the module itself: quick"
    )
    parser.add_argument("--output", type=Path, default=_ROOT / "hardening/results/mutants.json")
    args = parser.parse_args()
    packages = args.package or list(TESTS)
    record: dict[str, Any] = {"mutants": []}
    if args.output.exists():
        record = json.loads(args.output.read_text())
    known = {m["name"]: m for m in record["mutants"]}
    todo = _sample(packages, args, known)
    print(f"{len(todo)} mutants", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tree = _copied(Path(folder))
        compileall.compile_dir(
            tree,
            quiet=1,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        _prepare(tree)
        cover = {}
        for package in {p for p, _, _ in todo}:
            cover[package] = [] if args.near else _covered(tree, package, Path(folder))
        for number, (package, name, mutant) in enumerate(todo, 1):
            begun = time.monotonic()
            status, killer = _try(tree, mutant, cover[package])
            known[name] = {
                "name": name, "package": package, "line": mutant.line, "status": status,
                "by": killer, "seconds": round(time.monotonic() - begun, 1),
            }  # fmt: skip
            print(f"{number} {status} {name} line {mutant.line} {killer}", flush=True)
            if number % 3 == 0 or number == len(todo):
                _write(args, known)
    return 0


def _sample(
    packages: list[str], args: argparse.Namespace, known: dict[str, Any]
) -> list[tuple[str, str, Mutant]]:
    todo = []
    for package in packages:
        found: dict[str, Mutant] = {}
        path = _ROOT / "src" / "huggins" / package
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            if file.name in SKIPPED or (
                args.file and not any(str(file).endswith(f) for f in args.file)
            ):
                continue
            name = str(file.relative_to(_ROOT / "src" / "huggins"))
            for mutant in mutants_of(name, file.read_text()):
                if mutant.function in MADE_UP:
                    continue
                name, same = mutant.name, 1
                while name in found:  # the same change elsewhere in the same statement
                    same += 1
                    name = f"{mutant.name} ({same})"
                found[name] = mutant
        if args.again:
            reasons = _reasons()
            chosen = [n for n in found if known.get(n, {}).get("status") == "survived"]
            chosen = [n for n in chosen if n not in reasons]
        else:
            share = _WEIGHTS[package] / sum(_WEIGHTS[p] for p in packages)
            count = min(len(found), max(1, round(args.count * share)))
            chosen = Random(f"{args.seed} {package}").sample(list(found), count)
            chosen = [name for name in chosen if name not in known]
        print(f"{package}: {len(chosen)} of {len(found)}", flush=True)
        todo += [(package, name, found[name]) for name in chosen]
    return todo


def _copied(folder: Path) -> Path:
    """Copy the repository, so that nothing changes under the tests; return its src."""
    root = folder / "repository"
    for name in ("src", "tests", "docs", "configs", "pyproject.toml"):
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    shared = _ROOT.parent / "shared"
    if shared.is_dir():  # real spectra, which some tests use where they are
        (folder / "shared").symlink_to(shared)
    os.chdir(root)
    return root / "src"


def _prepare(tree: Path) -> None:
    """Import once, before all forks, what every test needs; nothing of huggins."""
    os.environ |= {
        "ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree),
        "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg",
    }  # fmt: skip
    sys.dont_write_bytecode = True
    sys.path[:] = [str(tree), *(p for p in sys.path if not p.endswith("/src"))]
    import typer  # noqa: F401

    assert "huggins" not in sys.modules


def _run(arguments: list[str], plugins: list[Any]) -> int:
    import pytest

    return int(
        pytest.main(
            ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no",
             "--hypothesis-seed=0", "-m", "not slow",
             "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments],
            plugins=plugins,
        )
    )  # fmt: skip


class _Lines:
    """Plugin of pytest: which lines of the package each test executes, and how long."""

    def __init__(self, tree: Path) -> None:
        import coverage

        self.root = str(tree / "huggins") + "/"
        self.seconds: dict[str, float] = {}
        self._measured = coverage.Coverage(
            data_file=None, config_file=False, source=[self.root], concurrency=["thread"]
        )
        self._measured.start()

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self._measured.switch_context(nodeid)
        self._begun = time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        self.seconds[nodeid] = time.process_time() - self._begun
        self._measured.switch_context("")

    def lines(self) -> dict[str, set[tuple[str, int]]]:
        """Return what each test executed: files and lines."""
        self._measured.stop()
        data = self._measured.get_data()
        found: dict[str, set[tuple[str, int]]] = {test: set() for test in self.seconds}
        for file in data.measured_files():
            name = file.removeprefix(self.root)
            for line, tests in data.contexts_by_lineno(file).items():
                for test in tests:
                    if test in found:
                        found[test].add((name, line))
        return found


def _covered(tree: Path, package: str, folder: Path) -> list[dict[str, Any]]:
    """Return the tests of a package, fastest first, with the lines that they execute."""
    output, log = folder / f"{package}.json", folder / "cover.log"
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        plugin = _Lines(tree)
        status = _quiet(
            lambda: _run(list(TESTS[package]), [plugin]),
            str(log),
        )
        tests = [
            {"id": test, "seconds": plugin.seconds.get(test, 9.0), "lines": sorted(lines)}
            for test, lines in plugin.lines().items()
        ]
        output.write_text(json.dumps([status, tests]))
        os._exit(0)
    os.waitpid(child, 0)
    status, tests = json.loads(output.read_text())
    if status:
        print(log.read_text()[-3000:])
        raise SystemExit(f"{package}: the tests do not pass without a mutant")
    for test in tests:
        test["lines"] = {tuple(line) for line in test["lines"]}
    print(f"{package}: {len(tests)} tests, {time.monotonic() - begun:.0f} s", flush=True)
    return sorted(tests, key=lambda test: test["seconds"])


def _quiet(call: Any, log: str = os.devnull) -> int:
    with Path(log).open("w") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        return int(call())
    except BaseException:
        traceback.print_exc()
        return 99


def _try(tree: Path, mutant: Mutant, tests: list[dict[str, Any]]) -> tuple[str, str]:
    """Return whether a mutant lives, and which test killed it."""
    path = tree / "huggins" / mutant.file
    original = path.read_text()
    own = Path(mutant.file).stem
    chosen = [t for t in tests if (mutant.file, mutant.line) in t["lines"]]
    near = (f"test_{own}", "test_definitions", "test_thresholds")
    if not tests:
        files = [f"tests/{mutant.file.partition('/')[0]}/{name}.py" for name in near]
        chosen = [{"id": file, "seconds": 0.0} for file in files if Path(file).is_file()]
    elif not chosen or mutant.function in ("module", "ZWarning"):  # executed at import
        chosen = [
            t
            for t in tests
            if any(n in t["id"] for n in near) or any(f == mutant.file for f, _ in t["lines"])
        ]
    # Those of the module's own file know it best.
    chosen.sort(key=lambda t: (not any(n in t["id"] for n in near), t["seconds"]))
    if not chosen:
        return "survived", "no test executes it"
    room, some = _BUDGET, []
    for test in chosen:
        room -= test["seconds"]
        if room > 0 or not some:
            some.append(test)
    chosen = some
    for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        cached.unlink()
    path.write_text(mutant.source)
    try:
        ids = [t["id"] for t in chosen]
        return _forked(ids)
    finally:
        path.write_text(original)
        py_compile.compile(
            str(path), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )


class _First:
    """Plugin of pytest: which test failed first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.path.exists():
            self.path.write_text(report.nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.path.exists():
            self.path.write_text(f"collecting {report.nodeid}")


def _forked(ids: list[str]) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        child = os.fork()
        if child == 0:
            os.setsid()
            status = _quiet(lambda: _run([f"--basetemp={folder}/t", *ids], [_First(first)]))
            os._exit(min(status, 99))
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                killer = first.read_text() if first.exists() else ""
                return ("survived" if status == 0 else "killed"), killer
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "killed", f"timeout of {_SECONDS} s"


def _reasons() -> dict[str, str]:
    return tomllib.loads((_ROOT / "hardening" / "survivors.toml").read_text("utf-8"))


def _write(args: argparse.Namespace, known: dict[str, Any]) -> None:
    reasons = _reasons()
    made = sorted(known.values(), key=lambda m: m["name"])
    for mutant in made:
        mutant.pop("reason", None)
        if mutant["status"] == "survived":
            mutant["reason"] = reasons.get(mutant["name"], "")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    counts: dict[str, Any] = {}
    for package in TESTS:
        of = Counter(m["status"] for m in made if m["package"] == package)
        if of:
            counts[package] = {"mutants": of.total(), "killed": of["killed"]}
    total = sum(c["mutants"] for c in counts.values())
    killed = sum(c["killed"] for c in counts.values())
    record = {
        "command": "python -m hardening.mutants " + " ".join(sys.argv[1:]), "seed": args.seed,
        "commit": commit, "python": platform.python_version(), "packages": counts,
        "mutants_in_all": total, "killed": killed, "share": round(killed / max(total, 1), 4),
        "mutants": made,
    }  # fmt: skip
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
