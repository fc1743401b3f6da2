"""Nothing leaves the machine, and nothing is left on it but what was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factories import make_truth, write_boss_spec

SOURCE = Path(__file__).resolve().parent.parent / "src"

#: Run by every Python process of a test: notes each socket that is created by Python code, and
#: at the end those that are open, whoever opened them.
WATCH = """
import atexit, os, socket
log = os.environ["SOCKET_LOG"]
def note(what):
    with open(log, "a") as out:
        out.write(what + "\\n")
class Socket(socket.socket):
    def __init__(self, *arguments, **options):
        note(f"socket{arguments}")
        super().__init__(*arguments, **options)
socket.socket = Socket
def opened():
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:") and target not in inherited:
            note(f"{name} is {target}")
inherited = set()
for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
    try:
        inherited.add(os.readlink(f"/proc/self/fd/{name}"))
    except OSError:
        pass
atexit.register(opened)
"""

#: Many rows, so that worker processes fit as well.
IN_PYTHON = """
import huggins
if __name__ == "__main__":
    spectra = huggins.read("spec.fits")
    table = huggins.classify(spectra * 70)
    assert len(table) == 70, len(table)
    huggins.inference.fit_details(spectra[0])
"""


@pytest.fixture
def run(tmp_path):
    """Run Python in a folder with one spectrum, an empty HOME and sockets watched."""
    home, watch, work = (tmp_path / name for name in ("home", "watch", "work"))
    for folder in (home, watch, work):
        folder.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH)
    write_boss_spec(work / "spec.fits", make_truth())
    private = ("XDG_", "ORT_", "MPL", "ASTROPY")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(private)} | {
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(watch), str(SOURCE)]),
        "SOCKET_LOG": str(tmp_path / "sockets"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=work, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        left = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
        log = tmp_path / "sockets"
        return done, left, log.read_text().splitlines() if log.exists() else []

    return call


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "huggins", "classify", "spec.fits", "-o", "out.fits"),
        ("-m", "huggins", "classify", "spec.fits", "-o", "out.parquet", "--jobs", "2"),
        ("-m", "huggins", "classify", "spec.fits"),
        ("-m", "huggins", "info", "spec.fits"),
        ("-m", "huggins", "models"),
        ("-c", IN_PYTHON),
    ],
    ids=["fits", "parquet", "terminal", "info", "models", "python"],
)
def test_home_stays_empty_and_no_socket_is_opened(run, arguments):
    done, left, sockets = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert left == []
    assert sockets == []


@pytest.mark.slow
def test_the_watch_sees_sockets_and_what_is_left(run):
    """The test above can fail: a socket of Python, one of compiled code and a file are seen."""
    code = """
import os, pathlib, _socket
kept = _socket.socket()  # past the class that is watched, as a compiled library opens it
pathlib.Path.home().joinpath(".cache").mkdir()
"""
    _, left, sockets = run("-c", "import socket; socket.socket()")
    assert left == []
    assert sockets == ["socket()"]
    _, left, sockets = run("-c", code)
    assert left == [".cache"]
    assert any("is socket:" in line for line in sockets)


@pytest.mark.slow
def test_telemetry_is_off_before_onnx_runtime_is_imported(run):
    """The library reads the variable once, when it is loaded."""
    code = """
import sys, huggins, os
class Seen:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("telemetry", os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Seen())
huggins.classify("spec.fits")
"""
    done, _, _ = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert "telemetry 1" in done.stdout
