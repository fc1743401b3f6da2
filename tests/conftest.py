"""Fixtures shared by the tests of all stages."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from huggins.inference import Model

# A shell ignores SIGINT in background jobs, and the commands that the tests start would inherit
# this.
signal.signal(signal.SIGINT, signal.default_int_handler)
# On a busy machine reading and training may take any time: a deadline would make tests flaky.
settings.register_profile("huggins", deadline=None, max_examples=50)
settings.register_profile("fast", deadline=None, max_examples=10)
settings.load_profile("huggins")

_SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real spectra and templates beside the repository, or skip."""
    if not (_SHARED / "README.md").is_file():
        pytest.skip(f"no real data: {_SHARED} does not exist")
    return _SHARED


@pytest.fixture(scope="session")
def desi_files() -> list[Path]:
    """Real DESI files from the tests of specutils, or skip."""
    specutils = pytest.importorskip("specutils")
    folder = Path(specutils.__file__).parent / "io/default_loaders/tests/desi_test_data"
    files = sorted(folder.glob("*.fits"))
    if not files:
        pytest.skip("this specutils comes without its DESI files")
    return files


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights file of a tiny untrained network that keeps the input contract."""
    from tiny_model import write_model

    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


@pytest.fixture(scope="session")
def model(model_path: Path) -> Model:
    """The tiny network, loaded."""
    from huggins.inference import load_model

    return load_model(model_path, threads=1)
