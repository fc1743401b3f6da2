"""Threads of linear algebra."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from huggins.inference import blas


def test_one_thread_while_anybody_fits(monkeypatch):
    state = SimpleNamespace(count=4)
    functions = (lambda: state.count, lambda n: setattr(state, "count", n))
    monkeypatch.setattr(blas, "_functions", lambda: functions)
    with blas.one_thread():
        assert state.count == 1
        with pytest.raises(ValueError, match="x"), blas.one_thread():
            raise ValueError("x")
        assert state.count == 1
    assert state.count == 4


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(blas, "_functions", lambda: None)
    with blas.one_thread():
        pass


def test_numpy_of_this_environment_obeys():
    code = (
        "from huggins.inference import blas\n"
        "found = blas._functions()\n"
        "assert found is None or found[0]() == 2\n"
        "with blas.one_thread(): assert found is None or found[0]() == 1\n"
        "assert found is None or found[0]() == 2\n"
    )
    env = {"OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
