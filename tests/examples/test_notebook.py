"""The notebook runs, and what it shows is kept in it."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "demo.ipynb"
# Nothing listens there: the notebook sees no network, whatever this machine has.
NO_NETWORK = "http://127.0.0.1:9"


def read():
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(notebook):
    return "".join(
        output.get("text", "") for cell in code(notebook) for output in cell.get("outputs", [])
    )


def pictures(notebook):
    return sum("image/png" in o.get("data", {}) for c in code(notebook) for o in c.outputs)


def test_outputs_are_kept():
    notebook = read()
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )
    assert pictures(notebook) == 3
    assert NOTEBOOK.stat().st_size < 1_000_000
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert all(output.output_type in ("stream", "execute_result") for output in outputs)
    assert "stderr" not in [output.get("name") for output in outputs]


@pytest.mark.slow
def test_it_runs_without_a_network(monkeypatch, tmp_path):
    source = Path(__file__).resolve().parents[2] / "src"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NO_NETWORK)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(source), path])))
    notebook = read()
    for cell in code(notebook):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    said = text(notebook)
    assert "26 spectra, simulated, as there is no network" in said
    assert "(faint)" in said
    assert pictures(notebook) == 3
    right, count = said.split("no warning:   ")[1].split(" broad")[0].split(" of ")
    assert int(right) >= 0.9 * int(count)


@pytest.mark.parametrize("word", ["/work", "/tmp", "/home"])
def test_no_path_of_a_machine_is_in_it(word):
    assert word not in NOTEBOOK.read_text(encoding="utf-8").replace("data/image", "")
