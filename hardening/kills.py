"""Kill every long verb at random moments, go on with it, and compare with a run left in peace.

    python -m hardening.kills --times 50

Each time a process of its own works in a folder of its own, gets ``kill -9`` after a time drawn
between its start and its usual end, and the same command with --resume (where the verb has it)
then runs to its end. What it leaves must be what the run in peace left: every row once, every
array the same, no file half written. Results go to hardening/results/kills.json.

The processes are forked from one that has imported everything, so that the kills fall into the
work and not into the imports.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT / "tests"))
#: Exit status after Ctrl-C.
INTERRUPTED: Final = 130
_TRAIN: Final = """
name = "own"
steps = 10
batch = 16
warmup = 2
every = 2
workers = 0
threads = 1
bfloat16 = false
[data]
spectra = "{labels}"
real_share = 1.0
folds = [2, 3]
[standard]
widths = [4, 4, 4, 4]
kernels = [5, 3, 3, 3]
blocks = 1
hidden = 8
"""


class Case:
    """One verb: how it is called, how it goes on, and what it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prepare()

    def prepare(self) -> None:
        """Write the inputs."""

    def first(self) -> list[str]:
        """Return the arguments of the run that is killed, called in a folder of its own."""
        raise NotImplementedError

    def again(self) -> list[str]:
        """Return the arguments of the run that goes on."""
        return [*self.first(), "--resume"]

    def left(self, folder: Path) -> Any:
        """Return what a run left, to be compared; raises where something is half written."""
        raise NotImplementedError


def _spec_files(folder: Path, count: int, size: int = 300) -> None:
    from factories import make_truth, write_boss_spec

    folder.mkdir(exist_ok=True)
    for i in range(count):
        truth = make_truth(size, seed=i, plate=3586 + i // 20, fiberid=i % 20 + 1, ra=i, z=0.1)
        write_boss_spec(folder / f"spec-{3586 + i // 20}-55181-{i % 20 + 1:04d}.fits", truth)


def _h5(path: Path) -> dict[str, bytes]:
    import h5py

    with h5py.File(path) as file:
        values = {name: file[name][()] for name in file}
    return {
        name: repr(v.tolist()).encode() if v.dtype.hasobject else v.tobytes()
        for name, v in values.items()
    }


class Classify(Case):
    """400 files by the network alone."""

    options: tuple[str, ...] = ("--no-redshift", "--batch-size", "16")
    count = 400

    def prepare(self) -> None:
        _spec_files(self.folder / "in", 40)
        names = [str(p) for p in sorted((self.folder / "in").iterdir())]
        (self.folder / "list").write_text("\n".join(names * (self.count // 40)))

    def first(self) -> list[str]:
        return ["classify", f"@{self.folder / 'list'}", "-o", "t.csv", *self.options]

    def left(self, folder: Path) -> Any:
        assert not list(folder.glob("*.part*")), "a journal is left"
        with (folder / "t.csv").open(newline="") as file:
            return list(csv.reader(file))


class ClassifyFit(Classify):
    """40 files with the fit, in batches of 4."""

    options = ("--batch-size", "4")
    count = 40


class Build(Case):
    """60 files into a data set."""

    def prepare(self) -> None:
        _spec_files(self.folder / "in", 60)

    def first(self) -> list[str]:
        return ["build", str(self.folder / "in"), "-o", "set.h5", "-j", "1"]

    def left(self, folder: Path) -> Any:
        assert not (folder / "set.parts").exists(), "parts are left"
        assert not (folder / "set.h5.parts").exists(), "parts are left"
        return _h5(folder / "set.h5")


class Simulate(Case):
    """400 mocks into a data set."""

    def first(self) -> list[str]:
        return [
            "simulate", "-n", "400", "-o", "mocks.h5", "--templates", "shipped", "-j", "1",
        ]  # fmt: skip

    def left(self, folder: Path) -> Any:
        return _h5(folder / "mocks.h5")


class Download(Case):
    """40 files from a server on this machine."""

    def prepare(self) -> None:
        from local_server import LocalServer

        self.server = LocalServer()
        self.server.linger = 0.03
        _spec_files(self.folder / "in", 40, 3000)
        for i, path in enumerate(sorted((self.folder / "in").iterdir())):
            self.server.files[f"/f{i}.fits"] = path.read_bytes()
        lines = "\n".join(f"{self.server.url}/f{i}.fits" for i in range(40))
        (self.folder / "list.txt").write_text(lines)

    def first(self) -> list[str]:
        return ["download", str(self.folder / "list.txt"), "-o", "got", "-j", "4"]

    def again(self) -> list[str]:
        return self.first()

    def left(self, folder: Path) -> Any:
        found = {p.name: p.read_bytes() for p in (folder / "got").rglob("*.fits")}
        assert not list((folder / "got").rglob(".*.part")), "a part is left"
        expected = {n[1:]: c for n, c in self.server.files.items()}
        assert found == expected, "files differ from those of the server"
        return sorted(found)


class Train(Case):
    """10 steps of a small network."""

    def prepare(self) -> None:
        import numpy as np

        from huggins.taxonomy import CLASSES

        rng = np.random.default_rng(0)
        wave = np.linspace(3600.0, 9000.0, 300)
        rows = ["path,class,z,fold"]
        for fold in (2, 3, 4):
            for i, name in enumerate((*CLASSES, "NONE")):
                flux = 1.0 + 0.1 * i + 0.1 * rng.standard_normal(300)
                np.savetxt(
                    self.folder / f"{name}{fold}.csv",
                    np.column_stack([wave, flux, np.full(300, 0.1)]),
                    delimiter=",", header="wavelength,flux,error", comments="",
                )  # fmt: skip
                rows.append(f"{name}{fold}.csv,{name},0.1,{fold}")
        (self.folder / "labels.csv").write_text("\n".join(rows) + "\n")
        text = _TRAIN.format(labels=self.folder / "labels.csv")
        (self.folder / "own.toml").write_text(text)

    def first(self) -> list[str]:
        return ["train", str(self.folder / "own.toml"), "--device", "cpu", "--runs", "runs"]

    def left(self, folder: Path) -> Any:
        with (folder / "runs/own/log.csv").open(newline="") as file:
            steps = [row["step"] for row in csv.DictReader(file)]
        assert len(steps) == len(set(steps)), "a step is logged twice"
        return steps, (folder / "runs/own/own.safetensors").read_bytes()


class Pack(Case):
    """60 files into one container per plate."""

    def prepare(self) -> None:
        _spec_files(self.folder / "in", 60, 2000)

    def first(self) -> list[str]:
        return ["shrink", str(self.folder / "in"), "-o", "out", "--pack"]

    def again(self) -> list[str]:
        return self.first()

    def left(self, folder: Path) -> Any:
        from huggins.formats import open_file

        found = {}
        for path in sorted((folder / "out").iterdir()):
            assert not path.name.startswith("."), f"{path.name} is left"
            spectra = list(open_file(path))
            found[path.name] = [
                (s.fiberid, s.flux.tobytes(), s.ivar.tobytes()) for s in spectra
            ]
        return found


class View(Case):
    """A page that is inspected as fast as it answers; what it acknowledged must be kept."""

    def prepare(self) -> None:
        _spec_files(self.folder / "in", 4)
        _call(["classify", str(self.folder / "in"), "-o", "t.fits"], self.folder)

    def first(self) -> list[str]:
        return [
            "view", str(self.folder / "t.fits"), "--no-browser", "--inspections", "k.sqlite",
            "--port", str(self.port),
        ]  # fmt: skip

    def kill(self, folder: Path, random: Random) -> None:
        """Inspect until the server is killed, and compare with what the file then holds."""
        import http.client

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        said = folder / "said"
        child = _fork(self.first(), folder, said)
        while "token=" not in (said.read_text() if said.exists() else ""):
            time.sleep(0.02)
        token = said.read_text().split("token=")[1].split()[0]
        end = time.monotonic() + random.uniform(0.0, 1.5)
        acknowledged, number, killed = [], 0, False
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                number += 1
                if not killed and time.monotonic() > end:
                    # At a random moment of the next request, from another process.
                    _later(child, random.uniform(0.0, 0.02))
                    killed = True
                link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                body = json.dumps(
                    {"row": number % 4, "quality": 4, "class": "QSO", "comment": str(number)}
                )
                headers = {"X-Huggins-Token": token, "X-Huggins-Scanner": f"s{number}"}
                link.request("POST", "/api/inspections", body, headers)
                if link.getresponse().status == 200:
                    acknowledged.append(str(number))
        os.waitpid(child, 0)
        with contextlib.closing(sqlite3.connect(folder / "k.sqlite")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept = [row[0] for row in file.execute("SELECT comment FROM inspection")]
        assert set(acknowledged) <= set(kept), "an acknowledged inspection is lost"
        assert len(kept) == len(set(kept)), "an inspection is there twice"
        assert len(kept) <= len(acknowledged) + 1
        self.posted = getattr(self, "posted", 0) + len(acknowledged)


CASES: Final[dict[str, type[Case]]] = {
    "classify": Classify, "classify with the fit": ClassifyFit, "build": Build,
    "download": Download, "simulate": Simulate, "train": Train, "pack": Pack, "view": View,
}  # fmt: skip


def _fork(
    arguments: list[str], folder: Path, out: Path | None = None, err: Path | None = None
) -> int:
    """Start a command in a process of its own."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        sink = os.open(out or os.devnull, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(sink, 1)
        log = os.open(err or folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        from huggins.cli import main

        status = main(arguments)
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 99
    os._exit(status)


def _later(child: int, wait: float) -> None:
    if os.fork() == 0:
        time.sleep(wait)
        os.killpg(child, signal.SIGKILL)
        os._exit(0)


def _call(arguments: list[str], folder: Path) -> None:
    """Run a command to its end."""
    _, status = os.waitpid(_fork(arguments, folder), 0)
    if status:
        said = (folder / "stderr").read_text()[-1500:]
        raise AssertionError(f"status {os.waitstatus_to_exitcode(status)}: {said}")


def _kill_once(
    case: Case, folder: Path, usual: float, random: Random, sign: signal.Signals
) -> bool:
    """Kill a run and let it go on; return whether the kill came before its end."""
    child = _fork(case.first(), folder)
    time.sleep(random.uniform(0.0 if sign == signal.SIGKILL else 0.1 * usual, usual))
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.killpg(child, sign)
        _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    if sign == signal.SIGINT and not done and status:
        said = (folder / "stderr").read_text()
        assert os.waitstatus_to_exitcode(status) == INTERRUPTED, f"status {status}: {said}"
        assert "Traceback" not in said, said[-1500:]
        lines = [line for line in said.splitlines() if "interrupted" in line]
        assert len(lines) == 1, f"{len(lines)} lines of interruption: {said[-500:]}"
        killed = True
    _call(case.again() if killed else case.first(), folder)
    return killed


def main() -> int:
    """Kill, compare, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--interrupt", action="store_true", help="Ctrl-C in place of kill -9")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    sign = signal.SIGINT if args.interrupt else signal.SIGKILL
    kind = "interrupts" if args.interrupt else "kills"
    args.output = args.output or _ROOT / "hardening" / "results" / f"{kind}.json"
    os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    _imports()
    record = json.loads(args.output.read_text()) if args.output.exists() else {}
    record |= {
        "command": "python -m hardening.kills " + " ".join(sys.argv[1:]),
        "seed": args.seed,
    }
    failures = 0
    for name in args.case or CASES:
        if args.interrupt and name == "view":
            continue  # it is ended so
        with tempfile.TemporaryDirectory() as place:
            # Two kinds of classify share the times of one verb.
            times = -(-args.times // 2) if name.startswith("classify") else args.times
            found = _case(name, Path(place), times, args.seed, sign)
        failures += len(found["failures"])
        record.setdefault("verbs", {})[name] = found
        args.output.parent.mkdir(exist_ok=True)
        args.output.write_text(json.dumps(record, indent=1) + "\n")
        print(name, found, flush=True)
    return 1 if failures else 0


def _case(
    name: str, place: Path, times: int, seed: int, sign: signal.Signals
) -> dict[str, Any]:
    random = Random(f"{seed} {name}")
    (place / "inputs").mkdir()
    os.environ["XDG_STATE_HOME"] = os.environ["XDG_CACHE_HOME"] = str(place / "home")
    case = CASES[name](place / "inputs")
    begun = time.monotonic()
    killed, failures = 0, []
    usual, expected = 0.0, None
    if not isinstance(case, View):
        (place / "peace").mkdir()
        start = time.monotonic()
        _call(case.first(), place / "peace")
        usual = time.monotonic() - start
        expected = case.left(place / "peace")
    for number in range(times):
        folder = place / f"run{number}"
        folder.mkdir()
        try:
            if isinstance(case, View):
                case.kill(folder, random)
                killed += 1
            else:
                killed += _kill_once(case, folder, usual, random, sign)
                assert case.left(folder) == expected, "it left something else than in peace"
        except Exception as error:
            failures.append(f"run {number}: {type(error).__name__}: {str(error)[:600]}")
            print(name, failures[-1], flush=True)
        shutil.rmtree(folder)
    found: dict[str, Any] = {
        "times": times, "killed before the end": killed, "failures": failures,
        "seconds of a run in peace": round(usual, 2),
        "seconds": round(time.monotonic() - begun),
    }  # fmt: skip
    if isinstance(case, View):
        found["inspections acknowledged and kept"] = getattr(case, "posted", 0)
    return found


def _imports() -> None:
    """Import before all forks what the verbs would import after them."""
    import torch
    import uvicorn  # noqa: F401

    from huggins.cli import VERBS

    torch.set_num_threads(1)
    for verb in VERBS:
        __import__(f"huggins.cli.{verb}")


if __name__ == "__main__":
    sys.exit(main())
