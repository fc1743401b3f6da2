"""Small surveys on disk, and files of spectra compared."""

from __future__ import annotations

import shutil

import h5py
import pytest

from factories import make_truth, write_boss_spec

SIZE = 300


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Thirty spectra of two plates in PLATE/; every tenth is a star without a type."""
    root = tmp_path_factory.mktemp("survey")
    for i in range(30):
        plate, fibre = 3586 + i // 15, i % 15 + 1
        truth = make_truth(
            SIZE,
            seed=i,
            plate=plate,
            mjd=55181,
            fiberid=fibre,
            ra=10 + i,
            dec=i / 10,
            z=i / 10,
            cls="STAR" if i % 10 == 9 else "QSO",
            subclass="",
        )
        folder = root / str(plate)
        folder.mkdir(exist_ok=True)
        write_boss_spec(folder / f"spec-{plate}-55181-{fibre:04d}.fits", truth)
    return root


@pytest.fixture
def survey(written, tmp_path):
    """A copy of them in in/; their paths, in order."""
    shutil.copytree(written, tmp_path / "in")
    return sorted(map(str, (tmp_path / "in").rglob("*.fits")))


@pytest.fixture
def arrays():
    """Read a file whole: names to arrays."""

    def read(path):
        with h5py.File(path) as file:
            return {name: file[name][:] for name in file}

    return read


@pytest.fixture
def check_same(arrays):
    """Compare two files byte for byte."""

    def check(one, two):
        first, second = arrays(one), arrays(two)
        assert list(first) == list(second)
        for name, values in first.items():
            assert values.dtype == second[name].dtype, name
            assert values.shape == second[name].shape, name
            assert values.tobytes() == second[name].tobytes(), name

    return check
