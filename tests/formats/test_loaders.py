"""specutils reads the files of huggins."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import huggins
from factories import make_truth, write_boss_spec, write_hdf5
from huggins.dataset.pack import Packed, pack
from huggins.errors import InputError
from huggins.formats import register_specutils

specutils = pytest.importorskip("specutils")
Single = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A container of three spectra and an HDF5 file of four; the first spec file."""
    register_specutils()
    folder = tmp_path_factory.mktemp("loaders")
    paths = []
    for fibre in (1, 2, 3):
        truth = make_truth(300 + fibre, seed=fibre, fiberid=fibre, ra=10.0 + fibre)
        paths.append(str(write_boss_spec(folder / f"spec-{fibre}.fits", truth)))
    (container,) = [item for item in pack(paths, folder / "out") if isinstance(item, Packed)]
    rng = np.random.default_rng(1)
    flux = rng.normal(5.0, 1.0, (4, 960))
    return container.path, write_hdf5(folder / "train.h5", flux, np.ones_like(flux)), paths[0]


@pytest.mark.parametrize("form", [{}, {"format": "huggins"}])
@pytest.mark.parametrize("which", [0, 1])
def test_every_spectrum_of_a_container_and_of_a_training_file(files, which, form):
    spectra = specutils.SpectrumList.read(str(files[which]), **form)
    truth = huggins.read(files[which])
    assert isinstance(spectra, specutils.SpectrumList)
    assert len(spectra) == len(truth) == 3 + which
    for spectrum, own in zip(spectra, truth, strict=True):
        np.testing.assert_allclose(spectrum.spectral_axis.to_value("AA"), own.wavelength)
        np.testing.assert_array_equal(spectrum.flux.value[own.good], own.flux[own.good])
        np.testing.assert_array_equal(spectrum.uncertainty.array, own.ivar)
        assert spectrum.meta["fiberid"] == own.fiberid


def test_one_spectrum(files):
    container, _, single = files
    (own,) = huggins.read(single)
    for spectrum in (
        Single.read(single, format="huggins"),
        Single.read(str(container), format="huggins", index=0),
    ):
        np.testing.assert_array_equal(spectrum.flux.value[own.good], own.flux[own.good])
    with pytest.raises(InputError, match=r"3 spectra in this file: .* SpectrumList\.read"):
        Single.read(str(container), format="huggins")


def test_files_of_others_keep_their_loaders(files, tmp_path):
    """Only containers and HDF5 files of ours are recognised without being named."""
    from astropy.io import registry

    def found(path):
        return registry.identify_format(
            "read", specutils.SpectrumList, str(path), None, [str(path)], {}
        )

    assert "huggins" in found(files[0])
    assert "huggins" in found(files[1])
    assert "huggins" not in found(files[2])
    Table({"a": [1]}).write(tmp_path / "t.csv")
    assert "huggins" not in found(tmp_path / "t.csv")


@pytest.mark.slow
def test_a_file_in_the_users_folder_registers_it_for_good(files, tmp_path):
    folder = tmp_path / ".specutils"
    folder.mkdir()
    (folder / "readers.py").write_text(
        "from huggins.formats import register_specutils\nregister_specutils()\n"
    )
    code = (
        "import specutils\n"
        f"print(len(specutils.SpectrumList.read({str(files[0])!r}, format='huggins')))"
    )
    source = Path(huggins.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "3", done.stderr
