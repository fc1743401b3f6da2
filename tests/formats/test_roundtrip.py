"""Arrays written by the factories come back to the bit, whatever the format."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import factories as make
from factories import Truth
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read


def _spspec_truth(truth: Truth) -> Truth:
    """What spSpec can hold: log-linear pixels in double precision, ivar by way of noise."""
    with np.errstate(all="ignore"):
        noise = np.where(truth.ivar > 0, 1 / np.sqrt(truth.ivar), 0).astype(np.float32)
        ivar = np.where(noise > 0, 1 / np.square(noise), 0).astype(np.float32)
    ivar[~np.isfinite(ivar)] = 0
    size = len(truth.flux)
    loglam = float(truth.loglam[0]) + 1e-4 * np.arange(size)
    return Truth(loglam, truth.flux, ivar, truth.and_mask)


def _single(truth: Truth) -> Truth:
    """LAMOST stores wavelengths, in single precision."""
    wavelength = truth.wavelength.astype(np.float32).astype(np.float64)
    return Truth(np.log10(wavelength), truth.flux, truth.ivar, truth.and_mask)


# Writer, what comes back, reader's name.
WRITERS = {
    "boss-lite": (make.write_boss_spec, lambda t: t, "spec"),
    "boss-full": (lambda p, t: make.write_boss_spec(p, t, exposures=3), lambda t: t, "spec"),
    "boss-upper": (
        lambda p, t: make.write_boss_spec(p, t, upper=True, named=False),
        lambda t: t,
        "spec",
    ),
    "sdss": (make.write_sdss_spec, lambda t: t, "spec"),
    "sdss-v": (make.write_sdss5_spec, lambda t: t, "spec"),
    "spSpec": (make.write_spspec, _spspec_truth, "spSpec"),
    "lamost-image": (make.write_lamost_image, _single, "lamost"),
    "lamost-table": (make.write_lamost_table, _single, "lamost"),
}


@st.composite
def truths(draw):
    size = draw(st.integers(1, 60))
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    flux = draw(arrays(np.float32, size, elements=st.one_of(st.floats(width=32), finite)))
    ivar = draw(arrays(np.float32, size, elements=st.floats(0, 1e10, width=32)))
    flux[0], ivar[0] = 1.5, 4.0  # one good pixel at least
    start = draw(st.floats(3.4, 3.9))
    loglam = (start + 1e-4 * np.arange(size)).astype(np.float32)
    mask = draw(arrays(np.int32, size, elements=st.integers(0, 2**24 - 1)))
    return Truth(loglam, flux, ivar, mask)


def _same(spectrum, truth):
    np.testing.assert_array_equal(spectrum.loglam, truth.loglam.astype(np.float64))
    assert spectrum.loglam.dtype == np.float64
    # Bits, not values: NaN and -0 too.
    assert spectrum.flux.tobytes() == truth.flux.tobytes()
    assert spectrum.ivar.tobytes() == truth.ivar.tobytes()
    np.testing.assert_array_equal(spectrum.and_mask, truth.and_mask.view(np.uint32))


@pytest.mark.slow
@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=15)  # each writes a file
@given(truth=truths(), packed=st.booleans())
def test_what_was_written_is_read(form, truth, packed):
    write, expected, name = WRITERS[form]
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "spectrum.any", truth)
        if packed:
            path.write_bytes(gzip.compress(path.read_bytes(), 1))
        (spectrum,) = open_file(path)
        assert not isinstance(spectrum, ReadError), spectrum
        _same(spectrum, expected(truth))
        assert spectrum.file == str(path)
        assert spectrum.format == identify(path) == name
        assert not spectrum.air


@pytest.mark.parametrize("form", [key for key in WRITERS if key != "spSpec"])
def test_identity_and_pipeline_are_kept(form, tmp_path):
    truth = make.make_truth(100, cls="STAR", subclass="F5 (30743)", z=0.25)
    (spectrum,) = read(WRITERS[form][0](tmp_path / "a.fits", truth))
    assert (spectrum.mjd, spectrum.ra, spectrum.dec) == (truth.mjd, truth.ra, truth.dec)
    pipeline = spectrum.pipeline
    assert (pipeline.cls, pipeline.subclass, pipeline.z) == ("STAR", "F5 (30743)", 0.25)
    assert spectrum.index == 0


def test_columns_in_double_precision_stay_so(tmp_path):
    truth = make.make_truth(50)
    truth.loglam = 3.6 + 1e-4 * np.arange(50)
    (spectrum,) = read(make.write_boss_spec(tmp_path / "a.fits", truth))
    np.testing.assert_array_equal(spectrum.loglam, truth.loglam)


@given(
    flux=arrays(np.float32, (3, 7), elements=st.floats(-10, 10, width=32)),
    columns=st.sampled_from([",", ";", "\t", " ", "  "]),
)
def test_text_comes_back_to_the_bit(flux, columns):
    wavelength = 4000.0 + np.arange(7)
    flux[0, 0] = 1
    with tempfile.TemporaryDirectory() as folder:
        path = make.write_text(
            Path(folder) / "a.txt",
            [wavelength, flux[0], np.abs(flux[1]) + 1],
            f"wavelength{columns}flux{columns}ivar",
            delimiter=columns,
        )
        (spectrum,) = read(path)
        assert identify(path) == "text"
    np.testing.assert_array_equal(spectrum.loglam, np.log10(wavelength))
    np.testing.assert_array_equal(spectrum.flux, flux[0].astype(np.float64))
    np.testing.assert_array_equal(spectrum.ivar, (np.abs(flux[1]) + 1).astype(np.float64))


@pytest.mark.slow
@settings(max_examples=15)
@given(
    flux=arrays(np.float32, (5, 40), elements=st.floats(-100, 100, width=32)),
    ivar=arrays(np.float32, (5, 40), elements=st.floats(0, 100, width=32)),
)
def test_files_of_many_spectra_come_back_to_the_bit(flux, ivar):
    flux[:, 0], ivar[:, 0] = 1, 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = read(make.write_spplate(folder / "plate", flux, ivar))
        table = read(make.write_hdf5(folder / "table", flux, ivar))
        wavelength = 3600 + 0.8 * np.arange(40)
        desi = read(
            make.write_desi(folder / "desi", {"B": (wavelength, flux, ivar)}, compress=False)
        )
    for i in range(5):
        for spectra in (plate, table, desi):
            assert spectra[i].index == i
            np.testing.assert_array_equal(spectra[i].ivar, ivar[i])
            good = ivar[i] > 0
            np.testing.assert_array_equal(spectra[i].flux[good], flux[i][good])
    np.testing.assert_allclose(plate[0].loglam, 3.55 + 1e-4 * np.arange(40), rtol=1e-15)
    np.testing.assert_allclose(table[0].loglam, 3.55 + 5e-4 * (np.arange(40) + 0.5))
    np.testing.assert_allclose(desi[0].wavelength, wavelength)
