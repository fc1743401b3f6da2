"""From a batch of spectra to rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huggins import Spectrum
from huggins.demo import mocks
from huggins.errors import ReadError
from huggins.inference import load_model
from huggins.inference.batch import classify_batch
from huggins.inference.settings import Settings
from huggins.inference.table import COLUMNS, NO_INTEGER
from huggins.prepare import SEED
from huggins.quality import ZWarning
from huggins.redshift.balnicity import COLUMNS as ABSORPTION
from huggins.spectrum import Pipeline
from huggins.taxonomy import CLASSES
from tiny_model import write_model

WAVELENGTH = np.linspace(3600.0, 10000.0, 2000)


def make_spectrum(**identity) -> Spectrum:
    flux = 2.0 + np.sin(WAVELENGTH / 50.0)
    return Spectrum.from_arrays(WAVELENGTH, flux, np.full(2000, 4.0), **identity)


NETWORK = Settings(redshift=False)
FIT = Settings()


def row(item, model, settings=NETWORK, **kwargs) -> dict[str, object]:
    rows = classify_batch([item], model, replace(settings, **kwargs))
    return {column.name: rows.values(column)[0] for column in COLUMNS}


def test_empty_sky_has_no_class(tmp_path):
    """Noise that the network takes for none of the classes; what it says besides stays."""
    model = load_model(write_model(tmp_path / "m.onnx", favour="NONE", none_threshold=0.05))
    noise = np.random.default_rng(1).normal(0.0, 1.0, 2000)
    spectrum = Spectrum.from_arrays(WAVELENGTH, noise, np.ones(2000))
    for found in (row(spectrum, model), row(spectrum, model, FIT)):
        assert found["ZWARNING"] & ZWarning.SKY
        assert found["CLASS"] == found["SUBCLASS"] == found["ERROR"] == ""
        assert found["PROB"] is found["PROB_CLASS"] is found["Z"] is found["Z_ERR"] is None
        assert sum(found[f"P_{name}"] for name in CLASSES) == pytest.approx(1.0, abs=1e-5)
        assert found["Z_NET"] is not None
    bright = row(make_spectrum(), model)  # none of the classes, and no sky
    assert bright["ZWARNING"] & ZWarning.NOT_A_CLASS
    assert bright["CLASS"] != ""


def test_a_suspicion_of_sky_leaves_the_class(tmp_path):
    model = load_model(write_model(tmp_path / "m.onnx", favour="F", none_threshold=-1.0))
    noise = np.random.default_rng(1).normal(0.0, 1.0, 2000)
    found = row(Spectrum.from_arrays(WAVELENGTH, noise, np.ones(2000)), model)
    assert found["ZWARNING"] & ZWarning.SKY
    assert (found["CLASS"], found["SUBCLASS"]) == ("STAR", "F")


def test_a_full_row(tmp_path):
    model = load_model(write_model(tmp_path / "m.onnx", favour="BAL", z=2.0))
    spectrum = make_spectrum(
        file="x.fits",
        index=3,
        survey="BOSS",
        plate=7102,
        mjd=56666,
        fiberid=82,
        targetid="39627866878511337",
        specobjid="7996123456789012345678",
        ra=1.5,
        dec=-2.5,
        pipeline=Pipeline("QSO", "BROADLINE", 2.25, 4),
    )
    found = row(spectrum, model)
    assert {name: found[name] for name in found if not name.startswith(("P_", "Z"))} == {
        "FILE": "x.fits",
        "INDEX": 3,
        "SURVEY": "BOSS",
        "PLATE": 7102,
        "MJD": 56666,
        "FIBERID": 82,
        "TARGETID": "39627866878511337",
        "SPECOBJID": "7996123456789012345678",
        "RA": 1.5,
        "DEC": -2.5,
        "SN_MEDIAN": pytest.approx(4.0, abs=0.1),
        "CLASS": "QSO",
        "SUBCLASS": "BAL",
        "PROB": pytest.approx(1.0, abs=1e-3),
        "PROB_CLASS": pytest.approx(found["P_QSO"] + found["P_BAL"], abs=1e-6),
        "SPTYPE": None,
        "SPTYPE_ERR": None,
        "DELTACHI2": None,
        **dict.fromkeys(ABSORPTION),
        "FRAC_HOST": None,
        "PIPE_CLASS": "QSO",
        "PIPE_SUBCLASS": "BROADLINE",
        "PIPE_Z": 2.25,
        "PIPE_ZWARNING": 4,
        "ERROR": "",
    }
    assert sum(found[f"P_{name}"] for name in CLASSES) == pytest.approx(1.0, abs=1e-5)
    assert found["P_BAL"] == found["PROB"]
    assert found["Z"] == found["Z_NET"] == pytest.approx(2.0, abs=0.01)
    assert found["Z_ERR"] > 0
    assert found["ZWARNING"] == 0


def test_what_the_file_does_not_tell_is_missing(model):
    found = row(make_spectrum(), model)
    for name in ("SURVEY", "PLATE", "MJD", "FIBERID", "TARGETID", "SPECOBJID", "RA", "DEC"):
        assert found[name] is None
    for name in ("PIPE_CLASS", "PIPE_SUBCLASS", "PIPE_Z", "PIPE_ZWARNING"):
        assert found[name] is None


def test_a_star_at_a_quasars_redshift_is_doubted(tmp_path):
    model = load_model(write_model(tmp_path / "m.onnx", favour="G", z=2.0))
    assert row(make_spectrum(), model)["ZWARNING"] == ZWarning.UNCERTAIN_Z


def test_threshold(model):
    assert not row(make_spectrum(), model)["ZWARNING"] & ZWarning.LOW_PROBABILITY
    found = row(make_spectrum(), model, threshold=1.0)
    assert found["ZWARNING"] & ZWarning.LOW_PROBABILITY


def test_bits_of_the_file_are_kept(model):
    found = row(make_spectrum(zwarning=int(ZWarning.BAD_TARGET)), model)
    assert found["ZWARNING"] & ZWarning.BAD_TARGET


def test_an_unreadable_file(model):
    found = row(ReadError("the file is\n  empty", "x\udce9.fits", 4), model)
    assert found["ERROR"] == "the file is empty"
    assert (found["FILE"], found["INDEX"]) == (r"x\udce9.fits", 4)
    assert found["ZWARNING"] == ZWarning.NODATA
    assert found["CLASS"] == found["SUBCLASS"] == ""
    missing = [name for name, value in found.items() if value is None]
    assert {"PROB", "P_QSO", "P_GAL", "Z", "Z_ERR", "Z_NET", "SN_MEDIAN"} <= set(missing)


def test_an_unusable_spectrum_keeps_its_identity(model):
    error = ReadError("no good pixel", "plate.fits", 7)
    error.spectrum = make_spectrum(
        plate=7102, fiberid=8, file="plate.fits", index=7, zwarning=int(ZWarning.UNPLUGGED)
    )
    found = row(error, model)
    assert (found["PLATE"], found["FIBERID"], found["INDEX"]) == (7102, 8, 7)
    assert found["ZWARNING"] == ZWarning.NODATA | ZWarning.UNPLUGGED
    assert found["ERROR"] == "no good pixel"
    assert found["PROB"] is None


def test_wavelengths_outside_the_grid(model):
    spectrum = Spectrum.from_arrays(
        np.linspace(15000.0, 17000.0, 500), np.ones(500), np.ones(500), file="h.fits"
    )
    found = row(spectrum, model)
    assert found["ERROR"] == (
        "no good pixel between 3548 and 10715 A, where model tiny looks; the spectrum covers "
        "15000 to 17000 A"
    )
    assert found["CLASS"] == ""
    assert found["PROB"] is found["Z"] is found["P_QSO"] is None
    assert found["ZWARNING"] == ZWarning.NODATA


def test_a_narrow_range_is_flagged(model):
    spectrum = Spectrum.from_arrays(
        np.linspace(5000.0, 5200.0, 500), np.ones(500), np.ones(500)
    )
    assert row(spectrum, model)["ZWARNING"] & ZWarning.LITTLE_COVERAGE


def test_rows_do_not_depend_on_their_neighbours(model):
    rng = np.random.default_rng(3)
    items = [
        Spectrum.from_arrays(WAVELENGTH, rng.normal(3, 1, 2000), rng.uniform(0.5, 2, 2000))
        for _ in range(5)
    ]
    items.insert(2, ReadError("gone", "x.fits"))
    items.insert(4, Spectrum.from_arrays([20000.0, 20001.0], [1, 1], [1, 1]))
    together = classify_batch(items, model, NETWORK)
    for i, item in enumerate(items):
        alone = classify_batch([item], model, NETWORK)
        for name in alone.numbers.dtype.names:
            np.testing.assert_allclose(
                together.numbers[name][i], alone.numbers[name][0], rtol=1e-4, atol=1e-6
            )
        assert [texts[i] for texts in together.texts.values()] == [
            texts[0] for texts in alone.texts.values()
        ]


@pytest.mark.parametrize("scale", [1e-30, 1e-17, 1.0, 1e17, 1e30])
def test_units_do_not_matter(model, scale):
    flux = 2.0 + np.sin(WAVELENGTH / 50.0)
    a = row(Spectrum.from_arrays(WAVELENGTH, flux, np.full(2000, 4.0)), model)
    b = row(Spectrum.from_arrays(WAVELENGTH, flux * scale, np.full(2000, 4 / scale**2)), model)
    assert b["PROB"] == pytest.approx(a["PROB"], rel=1e-3)
    assert b["SN_MEDIAN"] == pytest.approx(a["SN_MEDIAN"], rel=1e-3)


def test_a_model_without_redshift(tmp_path):
    model = load_model(write_model(tmp_path / "m.onnx", contract=SEED, redshift=None))
    found = row(make_spectrum(), model)
    assert found["Z"] is found["Z_ERR"] is found["Z_NET"] is None
    assert found["CLASS"]
    assert found["ZWARNING"] == 0


def test_numbers_that_cannot_be_are_missing(model):
    found = row(make_spectrum(plate=2**40, mjd=-(2**31), fiberid=2**31 - 1), model)
    assert (found["PLATE"], found["MJD"]) == (None, None)
    assert found["FIBERID"] == -NO_INTEGER - 1


def test_nothing(model):
    assert len(classify_batch([], model, NETWORK)) == 0


def test_a_fit_answers_for_class_and_redshift(tmp_path):
    # A network that knows nothing of the class and has the redshift a little wrong.
    galaxy = mocks.load()[24]
    model = load_model(write_model(tmp_path / "m.onnx", z=galaxy.z + 0.002))
    fitted, network = row(galaxy.spectrum, model, FIT), row(galaxy.spectrum, model)
    assert network["Z"] == network["Z_NET"] == fitted["Z_NET"]
    assert network["DELTACHI2"] is None
    assert fitted["Z"] == pytest.approx(galaxy.z, abs=0.001)
    assert 0.0 < fitted["Z_ERR"] < 0.001
    assert fitted["DELTACHI2"] is not None
    assert sum(fitted[f"P_{name}"] for name in CLASSES) == pytest.approx(1.0, abs=1e-5)
    assert fitted["PROB"] == fitted[f"P_{fitted['SUBCLASS']}"]


def test_nothing_is_left_of_a_fit_where_the_network_sees_nothing(tmp_path):
    # The fit looks from 3500 A on, the network from 3548 A on.
    model = load_model(write_model(tmp_path / "m.onnx"))
    wavelength = np.linspace(3501.0, 3540.0, 60)
    spectrum = Spectrum.from_arrays(wavelength, np.ones(60), np.ones(60))
    found = row(spectrum, model, FIT)
    assert "no good pixel" in found["ERROR"]
    assert found["CLASS"] == ""
    assert [found[name] for name in ("Z", "Z_ERR", "DELTACHI2", "PROB")] == [None] * 4


def test_no_class_where_the_fit_has_no_good_pixel(model):
    spectrum = make_spectrum()
    tiny = Spectrum.from_arrays(WAVELENGTH, spectrum.flux * 1e-200, spectrum.ivar)
    found = row(tiny, model, FIT)
    assert row(spectrum, model, FIT)["ERROR"] == ""
    assert found["ZWARNING"] == ZWarning.NODATA
    assert found["CLASS"] == found["SUBCLASS"] == ""
    assert found["Z"] is found["PROB"] is None
    assert "no pixel that the redshift fit can use" in found["ERROR"]
