"""Fixtures of tests that need some network, though not a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from huggins.inference import Model, load_model
from tiny_model import write_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


@pytest.fixture(scope="session")
def model(model_path: Path) -> Model:
    return load_model(model_path, threads=1)
