"""Fixtures that tests of all stages share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Where the tests run in the background of a shell, Ctrl-C is ignored, and commands that they
# start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Reading and training take what they take on a busy machine; a deadline would only flicker.
settings.register_profile("huggins", deadline=None, max_examples=50)
settings.load_profile("huggins")

_SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real spectra and templates that lies beside the repository, or skip."""
    if not (_SHARED / "README.md").is_file():
        pytest.skip(f"no real data: {_SHARED} is not there")
    return _SHARED


@pytest.fixture(scope="session")
def desi_files() -> list[Path]:
    """The real DESI files among the tests of specutils, or skip."""
    specutils = pytest.importorskip("specutils")
    folder = Path(specutils.__file__).parent / "io/default_loaders/tests/desi_test_data"
    files = sorted(folder.glob("*.fits"))
    if not files:
        pytest.skip("this specutils came without its DESI files")
    return files
