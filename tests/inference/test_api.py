"""`huggins.classify` from Python."""

from __future__ import annotations

import numpy as np
import pytest

import huggins
from factories import make_truth, write_boss_spec, write_spplate
from huggins.errors import InputError, ModelError
from huggins.inference.table import COLUMNS
from huggins.quality import ZWarning


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for i in range(3):
        write_boss_spec(folder / f"{i}.fits", make_truth(seed=i, fiberid=i + 1))
    return folder


@pytest.mark.slow
def test_paths_and_spectra_give_the_same_table(folder, model):
    paths = sorted(folder.glob("*.fits"))
    tables = [
        huggins.classify(paths, model=model),
        huggins.classify([str(path) for path in paths], model=model, jobs=3, batch_size=1),
        huggins.classify(folder, model=model),
        huggins.classify(f"{folder}/*.fits", model=model),
        huggins.classify([huggins.read(path)[0] for path in paths], model=model),
        huggins.classify([paths[0], *huggins.read(paths[1]), str(paths[2])], model=model),
    ]
    assert tables[0].colnames == [column.name for column in COLUMNS]
    assert tables[0]["FIBERID"].tolist() == [1, 2, 3]
    for table in tables[1:]:
        assert table["FILE"].tolist() == tables[0]["FILE"].tolist()
        assert table["SUBCLASS"].tolist() == tables[0]["SUBCLASS"].tolist()
        np.testing.assert_allclose(table["PROB"], tables[0]["PROB"], rtol=1e-4)


def test_one_spectrum(folder, model):
    (spectrum,) = huggins.read(folder / "0.fits")
    table = huggins.classify(spectrum, model=model)
    assert len(table) == 1
    assert table.meta["MODEL"] == "tiny"
    assert table.meta["COMMAND"] == "huggins.classify(..., model='tiny', redshift=True)"


def test_the_fit_is_done_unless_it_is_left_out(model):
    from huggins.redshift import Fitter
    from huggins.redshift.frames import SIZE, START

    # The mean quasar at z = 2.1, with noise: this model's own answer is no matter.
    part = Fitter().basis.quasar
    pixel = np.arange(300, SIZE - 300)
    at = pixel + START - part.start - round(1e4 * np.log10(3.1))
    flux = part.vectors[0, at] + np.random.default_rng(1).normal(0.0, 0.05, len(at))
    wavelength = 10.0 ** ((pixel + START) * 1e-4)
    spectrum = huggins.Spectrum.from_arrays(wavelength, flux, np.full(len(at), 400.0))
    fitted = huggins.classify(spectrum, model=model)
    plain = huggins.classify(spectrum, model=model, redshift=False)
    # The network has learned nothing, so it may be believed as to the class.
    if fitted["CLASS"][0] == "QSO":
        assert fitted["Z"][0] == pytest.approx(2.1, abs=0.003)
    assert np.isfinite(fitted["DELTACHI2"][0])
    assert fitted["Z"][0] != plain["Z"][0]
    assert fitted["Z_NET"][0] == plain["Z_NET"][0] == plain["Z"][0]
    assert plain["DELTACHI2"].mask[0]


def test_missing_is_masked(model):
    wavelength = np.linspace(4000.0, 9000.0, 500)
    spectrum = huggins.Spectrum.from_arrays(wavelength, np.ones(500), np.ones(500))
    table = huggins.classify(spectrum, model=model, redshift=False)
    for name in ("SURVEY", "PLATE", "RA", "TARGETID", "DELTACHI2", "PIPE_Z"):
        assert table[name].mask[0], name
    for name in ("FILE", "CLASS", "PROB", "Z", "ZWARNING", "ERROR"):
        assert not table[name].mask[0], name


def test_what_fails_has_its_row(folder, model, tmp_path):
    ivar = np.ones((3, 400))
    ivar[1] = 0
    write_spplate(tmp_path / "p.fits", np.ones((3, 400)), ivar)
    table = huggins.classify([tmp_path / "p.fits", tmp_path / "gone.fits"], model=model)
    assert [bool(error) for error in table["ERROR"]] == [False, True, False, True]
    assert table["PROB"].mask.tolist() == [False, True, False, True]
    assert table["ZWARNING"][3] == ZWarning.NODATA


def test_a_spectrum_that_cannot_be_has_its_row(model):
    good = huggins.Spectrum.from_arrays([4000.0, 5000.0], [1.0, 1.0], [1.0, 1.0], plate=5)
    good.loglam = good.loglam[::-1]
    table = huggins.classify([good], model=model)
    assert "unsorted" in table["ERROR"][0]
    assert table["PLATE"][0] == 5


def test_no_spectra_no_rows(model):
    table = huggins.classify([], model=model)
    assert len(table) == 0
    assert table.colnames == [column.name for column in COLUMNS]


def test_desi_columns(folder, model):
    table = huggins.classify(folder, model=model, desi_columns=True)
    assert {"SPECTYPE", "SUBTYPE", "ZERR", "ZWARN"} <= set(table.colnames)


def test_specutils(folder, model):
    specutils = pytest.importorskip("specutils")
    spectra = [huggins.read(folder / f"{i}.fits")[0] for i in range(2)]
    expected = huggins.classify(spectra, model=model)
    objects = [spectrum.to_specutils() for spectrum in spectra]
    for given in (objects, specutils.SpectrumList(objects)):
        table = huggins.classify(given, model=model)
        assert table["SUBCLASS"].tolist() == expected["SUBCLASS"].tolist()
        np.testing.assert_allclose(table["PROB"], expected["PROB"], rtol=1e-4)
    assert len(huggins.classify(objects[0], model=model)) == 1


@pytest.mark.parametrize("inputs", [3, None, [4.0]])
def test_what_is_no_input(model, inputs):
    with pytest.raises(TypeError, match="is no spectrum: give a path"):
        huggins.classify(inputs, model=model)


def test_wrong_settings(folder, model):
    with pytest.raises(InputError, match="threshold"):
        huggins.classify(folder, model=model, threshold=7)
    with pytest.raises(ModelError, match="no model 'x': shipped models are"):
        huggins.classify(folder, model="x")


def test_a_table_goes_to_disk_as_astropy_writes_it(folder, model, tmp_path):
    table = huggins.classify(folder, model=model)
    for name in ("t.fits", "t.ecsv", "t.csv"):
        table.write(tmp_path / name)


def test_the_shipped_model_knows_a_quasar_from_a_star(shared_data):
    """Two clear cases of training folds; figures are measured elsewhere."""
    boss = shared_data / "spectra" / "boss"
    table = huggins.classify(sorted(boss.glob("civclqs/spec-5201-55832-*.fits"))[:5])
    assert table["CLASS"].tolist() == table["PIPE_CLASS"].tolist()
