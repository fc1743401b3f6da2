"""What a long run shows."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from factories import make_truth, write_boss_spec
from huggins.cli import progress
from huggins.cli.progress import Progress
from huggins.inference import Inputs
from huggins.inference.table import Rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        write_boss_spec(tmp_path / f"{i}.fits", make_truth(seed=i))
    return tmp_path


def on_a_terminal(*argv: str) -> tuple[int, str]:
    """Run the command with its standard error on a terminal."""
    ours, theirs = pty.openpty()
    code = "import sys; from huggins.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *argv], stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end has closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    with process.stdout as out:
        assert out.read() == b""
    return process.wait(timeout=60), seen.decode()


@pytest.mark.slow
def test_a_bar_on_a_terminal(folder, model_path):
    argv = ["classify", ".", "gone.fits", "-o", "t.csv", "--model", str(model_path)]
    status, seen = on_a_terminal(*argv)
    assert status == 1
    assert "4/4" in seen
    assert "spectra/s" in seen
    assert "huggins: gone.fits: there is no such file" in seen
    assert "huggins: 4 spectra in " in seen


@pytest.mark.slow
def test_no_bar_where_quiet(folder, model_path):
    argv = ["classify", ".", "-o", "t.csv", "--model", str(model_path), "-q"]
    assert on_a_terminal(*argv) == (0, "")


def test_lines_where_there_is_no_terminal(folder, monkeypatch, caplog):
    monkeypatch.setattr(progress, "LOGGER", logging.getLogger("test_progress"))
    clock = iter([0.0, 4.0, 10.0, 11.0, 20.5])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO), Progress(Inputs(["."])) as shown:
        for _ in range(4):
            shown.add(Rows.empty(500))
    assert [record.message for record in caplog.records] == [
        "1000 spectra done, 100 spectra/s",
        "2000 spectra done, 98 spectra/s",
    ]
