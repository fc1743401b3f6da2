"""The table as DESI's tools read that of redrock, and the models of the best fits."""

import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from factories import make_truth, write_boss_spec
from huggins import __version__
from huggins.errors import InputError
from huggins.formats import read
from huggins.inference import Inputs, Settings, classify_to_file, fit_details, load_model
from huggins.inference.bestfit import COEFFICIENTS, LOGLAM
from huggins.inference.fitting import load_fitter
from huggins.inference.redrock import target_ids
from huggins.inference.table import Rows
from huggins.quality import ZWarning
from huggins.tables.read import read_columns

COUNT = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory, model_path):
    """Results of three spectra and a missing file: the table of redrock, ours, the models."""
    folder = tmp_path_factory.mktemp("run")
    names = [str(folder / f"é{i}.fits") for i in range(COUNT)]
    for i, name in enumerate(names):
        write_boss_spec(
            folder / name, make_truth(4600, seed=i, fiberid=i + 1, start=3.55, step=1e-4)
        )
    names.append(str(folder / "missing.fits"))
    for output, form, models in (
        ("rr.fits", "redrock", "m.fits"),
        ("t.fits", "", "m.npz"),
    ):
        classify_to_file(
            Inputs(names),
            folder / output,
            model=model_path,
            form=form,
            models=folder / models,
            command="huggins classify é",
        )
    return folder, names


def test_rows_are_those_of_the_table(run):
    folder, _ = run
    redshifts = Table.read(folder / "rr.fits", "REDSHIFTS")
    fibers = Table.read(folder / "rr.fits", "FIBERMAP")
    ours = read_columns(folder / "t.fits")
    assert len(redshifts) == len(fibers) == COUNT + 1
    assert redshifts["TARGETID"].tolist() == fibers["TARGETID"].tolist()
    assert len(set(redshifts["TARGETID"].tolist())) == COUNT + 1
    assert np.ma.filled(redshifts["SPECTYPE"], "").tolist() == ours.text("CLASS").tolist()
    for name, own in (("Z", "Z"), ("ZERR", "Z_ERR"), ("ZWARN", "ZWARNING")):
        wanted = ours.number(own)
        np.testing.assert_allclose(np.ma.filled(redshifts[name], np.nan), wanted, rtol=1e-6)
    assert redshifts["ZWARN"][COUNT] & int(ZWarning.NODATA)
    assert (redshifts["NCOEFF"][:COUNT] > 0).all()
    assert (redshifts["NPIXELS"][:COUNT] > 2000).all()
    assert (redshifts["CHI2"][:COUNT] > 0).all()
    for row in redshifts[:COUNT]:
        assert (row["COEFF"][row["NCOEFF"] :] == 0).all()
        assert row["COEFF"][: row["NCOEFF"]].any()
    assert fibers["FIBER"].tolist() == [1, 2, 3, -1]
    assert str(fibers["FILE"][0]).endswith("%C3%A90.fits")


def test_templates_are_named_in_the_headers(run):
    folder, _ = run
    with fits.open(folder / "rr.fits") as hdus:
        hdus.verify("exception")
        for hdu in hdus[:2]:
            assert [hdu.header[f"TEMNAM{i:02d}"] for i in range(3)] == ["GALAXY", "QSO", "STAR"]
            assert hdu.header["TEMVER00"] == hdu.header["BASISSHA"]
            assert hdu.header["CREATOR"].startswith("huggins ")


def test_fitsio_reads_it_as_desis_tools_do(run):
    fitsio = pytest.importorskip("fitsio")
    folder, _ = run
    redshifts = fitsio.read(str(folder / "rr.fits"), "REDSHIFTS")
    kinds = {name: redshifts.dtype[name].base.str[1:] for name in redshifts.dtype.names}
    assert kinds == {
        **dict.fromkeys(("TARGETID", "ZWARN", "NPIXELS", "NCOEFF"), "i8"),
        **dict.fromkeys(("CHI2", "COEFF", "Z", "ZERR", "DELTACHI2"), "f8"),
        "SPECTYPE": "U6",
        "SUBTYPE": "U20",
    }
    assert redshifts["COEFF"].shape == (COUNT + 1, COEFFICIENTS)


def test_bits_below_16_are_those_of_redrock():
    zwarning = pytest.importorskip("redrock.zwarning")
    for bit in ZWarning:
        if bit < 1 << 16:
            assert getattr(zwarning.ZWarningMask, bit.name) == bit


def test_models_are_those_of_fit_details(run, model_path):
    folder, names = run
    with fits.open(folder / "m.fits") as hdus:
        hdus.verify("exception")
        wavelength, models = hdus["WAVELENGTH"].data, hdus["MODEL"].data.astype(float)
        rows = Table(hdus["ROWS"].data)
    arrays = np.load(folder / "m.npz")
    np.testing.assert_array_equal(arrays["model"], models)
    np.testing.assert_allclose(wavelength, 10.0**LOGLAM)
    assert arrays["file"].tolist() == names
    assert len(rows) == len(models) == COUNT + 1
    assert np.isnan(models[COUNT]).all()
    for name, model in zip(names[:COUNT], models, strict=False):
        (spectrum,) = read(name)
        wanted = fit_details(spectrum, model=model_path).best.model
        found = np.interp(spectrum.loglam, LOGLAM, model)
        both = np.isfinite(wanted) & np.isfinite(found)
        assert both.sum() > 4500
        scale = np.nanmax(np.abs(wanted))
        np.testing.assert_allclose(found[both], wanted[both], atol=0.01 * scale)
        assert np.isnan(model[spectrum.loglam.max() + 1e-3 < LOGLAM]).all()


def test_models_tell_version_and_hashes_in_both_formats(run, model_path):
    folder, _ = run
    network = load_model(model_path)
    with zipfile.ZipFile(folder / "m.npz") as archive:
        said = archive.comment.decode()
    header = fits.getheader(folder / "m.fits")
    assert header["MODELSHA"] == network.hash
    assert said.startswith(f"huggins {__version__}; MODEL {network.name}; ")
    assert f"MODELSHA {network.hash}; BASISSHA {header['BASISSHA']}" in said


def test_an_interrupted_run_keeps_the_best_fits(run, tmp_path, model_path):
    folder, names = run

    def stop(rows):
        raise KeyboardInterrupt

    settings = Settings(batch_size=1)
    again = {"model": model_path, "settings": settings, "models": tmp_path / "m.npz"}
    with pytest.raises(KeyboardInterrupt):
        classify_to_file(Inputs(names), tmp_path / "t.fits", watch=stop, **again)
    assert not (tmp_path / "m.npz").exists()
    summary = classify_to_file(Inputs(names), tmp_path / "t.fits", resume=True, **again)
    assert summary.resumed > 0
    one, two = np.load(folder / "m.npz"), np.load(tmp_path / "m.npz")
    np.testing.assert_allclose(one["model"], two["model"], rtol=1e-5)


@pytest.mark.slow
def test_models_from_worker_processes(tmp_path, model_path):
    names = [
        write_boss_spec(tmp_path / f"{i}.fits", make_truth(3000, seed=i)) for i in range(80)
    ]
    settings = Settings(jobs=2, batch_size=8)
    classify_to_file(
        Inputs(list(map(str, names))),
        tmp_path / "t.csv",
        model=model_path,
        settings=settings,
        models=tmp_path / "m.npz",
    )
    models = np.load(tmp_path / "m.npz")["model"]
    assert len(models) == 80
    assert (np.isfinite(models).sum(axis=1) > 2500).all()


def test_identifiers_are_whole_numbers():
    rows = Rows.empty(4)
    rows.texts["TARGETID"] = ["39627866878511337", "", "abc", "-7"]
    rows.texts["SPECOBJID"] = ["1", "5855818157717954560", str(2**64), ""]
    assert target_ids(rows, 10).tolist() == [39627866878511337, 5855818157717954560, -13, -7]


def test_every_coefficient_has_a_place():
    basis, settings = load_fitter().basis, load_fitter().search.settings
    most = max(
        len(basis.quasar.vectors) + settings.quasar_terms,
        len(basis.galaxy.vectors) + settings.galaxy_terms,
        1 + settings.star_terms,
    )
    assert most <= COEFFICIENTS


def test_models_need_the_fit(run, tmp_path, model_path):
    _, names = run
    settings = Settings(redshift=False)
    for more in ({"form": "redrock"}, {"models": tmp_path / "m.fits"}):
        with pytest.raises(InputError, match="need the redshift fit"):
            classify_to_file(
                Inputs(names), tmp_path / "t.fits", model=model_path, settings=settings, **more
            )
