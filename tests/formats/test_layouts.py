"""One quasar in every shape: each gives the class and the redshift of the original."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import huggins
from factories import survey_layouts as survey
from factories.array_layouts import ARRAYS
from factories.fits_layouts import FITS, FITS_BARE, RAGGED, linear, multispec, save, table
from factories.hdf5_layouts import HDF5
from factories.layouts import BARE, TEXT, quasar_arrays
from factories.survey_layouts import SURVEYS
from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.quality import ZWarning
from huggins.spectrum import Spectrum


@pytest.fixture(scope="module")
def quasar():
    return quasar_arrays()


@pytest.fixture(scope="module")
def original(quasar):
    wavelength, flux, error = quasar
    row = huggins.classify(Spectrum.from_arrays(wavelength, flux, error**-2.0))[0]
    assert row["SUBCLASS"] == "QSO"
    assert row["Z"] == pytest.approx(1.9, abs=0.02)
    return row


def agrees(row, original):
    """Whether a row says the same as that of the spectrum from memory."""
    assert row["ERROR"] == ""
    assert row["SUBCLASS"] == original["SUBCLASS"]
    assert row["Z"] == pytest.approx(original["Z"], abs=1.5 * float(original["Z_ERR"]))
    assert row["SN_MEDIAN"] == pytest.approx(original["SN_MEDIAN"], rel=0.15)
    assert row["ZWARNING"] == original["ZWARNING"]


@pytest.mark.parametrize("layout", TEXT)
def test_text(layout, quasar, original, tmp_path):
    path = TEXT[layout](tmp_path / "quasar", *quasar)
    assert identify(path) == "text"
    agrees(huggins.classify(str(path))[0], original)


@pytest.mark.parametrize("layout", FITS)
def test_fits(layout, quasar, original, tmp_path):
    path = FITS[layout](tmp_path / "quasar", *quasar)
    table = huggins.classify(str(path))
    assert len(table) == 1
    agrees(table[0], original)


@pytest.mark.parametrize("layout", [*BARE, *FITS_BARE])
def test_without_uncertainties(layout, quasar, original, tmp_path):
    path = {**BARE, **FITS_BARE}[layout](tmp_path / "quasar", *quasar)
    row = huggins.classify(str(path))[0]
    assert row["SUBCLASS"] == "QSO"
    assert row["Z"] == pytest.approx(original["Z"], abs=3.0 * float(original["Z_ERR"]))
    assert row["SN_MEDIAN"] == pytest.approx(original["SN_MEDIAN"], rel=0.2)
    assert row["ZWARNING"] & ZWarning.NO_UNCERTAINTY
    assert "measured" in " ".join(read(path)[0].notes)


def test_a_long_table_holds_many(quasar, original, tmp_path):
    path = tmp_path / "long.csv"
    rows = ["object,wave,flux,err"]
    for name in ("one", "two"):
        rows += [f"{name},{w!r},{f!r},{e!r}" for w, f, e in np.array(quasar).T.tolist()]
    path.write_text("\n".join(rows))
    table = huggins.classify(str(path))
    assert list(table["INDEX"]) == [0, 1]
    assert list(table["Z"]) == pytest.approx([original["Z"]] * 2)


def test_a_wide_table_holds_many(quasar, original, tmp_path):
    wavelength, flux, error = quasar
    path = tmp_path / "wide.csv"
    columns = np.array([wavelength, flux, error, 2 * flux, 2 * error]).T.tolist()
    rows = ["wave,flux_1,err_1,flux_2,err_2", *(",".join(map(repr, row)) for row in columns)]
    path.write_text("\n".join(rows))
    table = huggins.classify(str(path))
    assert len(table) == 2
    assert list(table["Z"]) == pytest.approx([original["Z"]] * 2, abs=1e-5)


def test_columns_with_names_of_their_own_are_spectra(quasar, tmp_path):
    wavelength, flux, _ = quasar
    path = tmp_path / "named.csv"
    rows = [
        "wave,NGC 1,NGC 2",
        *(
            f"{w!r},{f!r},{3 * f!r}"
            for w, f in zip(wavelength.tolist(), flux.tolist(), strict=True)
        ),
    ]
    path.write_text("\n".join(rows))
    assert list(huggins.classify(str(path))["SUBCLASS"]) == ["QSO", "QSO"]


def test_a_row_per_spectrum_without_wavelengths_is_refused_in_a_short_message(tmp_path):
    path = tmp_path / "rows.csv"
    names = ",".join(["objid", *(f"flux_{i}" for i in range(300))])
    path.write_text(names + "\n" + ",".join(["7"] * 301) + "\n")
    (row,) = huggins.classify([str(path)])
    assert "no column of wavelengths" in row["ERROR"]
    assert len(row["ERROR"]) < 300


def test_air_that_is_denied_by_the_file_is_a_contradiction(quasar, tmp_path):
    wavelength, flux, error = quasar
    path = tmp_path / "vac.csv"
    path.write_text(
        "\n".join(
            [
                "wavelength_vac,flux,err",
                *(
                    ",".join(map(repr, r))
                    for r in np.array([wavelength, flux, error]).T.tolist()
                ),
            ]
        )
    )
    (row,) = huggins.classify([str(path)], air=True)
    assert "in vacuum" in row["ERROR"]


def test_air_named_twice_is_converted_once(quasar, tmp_path):
    path = TEXT["wavelength_air"](tmp_path / "air", *quasar)
    (said,) = read(path)
    (both,) = read(path, air=True)
    np.testing.assert_array_equal(said.loglam, both.loglam)
    np.testing.assert_allclose(said.wavelength, quasar[0], rtol=1e-8)
    assert any("air" in note for note in said.notes)


def test_a_third_column_that_is_neither_is_refused(quasar, tmp_path):
    wavelength, flux, error = quasar
    path = tmp_path / "odd.txt"
    path.write_text(
        "\n".join(f"{w} {f} {1e5 * e}" for w, f, e in zip(wavelength, flux, error, strict=True))
    )
    (row,) = huggins.classify([str(path)])
    assert "third column" in row["ERROR"]
    assert "header" in row["ERROR"]


@pytest.mark.parametrize("layout", HDF5)
def test_hdf5(layout, quasar, original, tmp_path):
    path, columns = HDF5[layout](tmp_path / "quasar", *quasar)
    assert columns or identify(path) == "hdf5"
    spectra = read(path, columns=columns)
    for row in huggins.classify(spectra):
        agrees(row, original)


def test_flags_of_multimodal_universe(quasar, tmp_path):
    path, _ = HDF5["Multimodal Universe, DESI"](tmp_path / "a", *quasar)
    good, bad = read(path)
    assert good.targetid == "39627866878511337"
    assert (good.ra, good.dec) == (10.0, -2.0)
    # ZWARN is a good redshift where it is a truth value, DESI's bits where it is a number.
    assert (good.pipeline.z, good.pipeline.zwarning) == (1.9, 0)
    assert bad.pipeline.zwarning is None
    path, _ = HDF5["Multimodal Universe, SDSS"](tmp_path / "b", *quasar)
    assert [s.pipeline.zwarning for s in read(path)] == [0, 4]
    # Rows are padded with wavelengths of -1.
    assert [len(s) for s in read(path)] == [len(quasar[0])] * 2


def test_two_spectra_in_two_hdus_are_two(quasar, original, tmp_path):
    w, f, e = quasar
    for name, hdus in {
        "tables": [
            table({"wave": w, "flux": k * f, "err": k * e}, f"SPEC{k}") for k in (1, 2)
        ],
        "images": [
            fits.PrimaryHDU(), fits.ImageHDU(w, name="WAVE"),
            *(fits.ImageHDU(k * f, name=f"FLUX_{k}") for k in (1, 2)),
        ],
    }.items():  # fmt: skip
        spectra = read(save(tmp_path / name, *hdus))
        assert [s.index for s in spectra] == [0, 1]
        np.testing.assert_allclose(spectra[1].flux, 2 * spectra[0].flux)
        rows = huggins.classify(spectra)
        assert list(rows["Z"]) == pytest.approx([original["Z"]] * 2, abs=0.01)


def test_sky_and_models_beside_are_no_spectra(quasar, tmp_path):
    w, f, e = quasar
    columns = {"wave": w, "flux": f, "err": e}
    path = save(
        tmp_path / "a", table(columns, "SKY"), table(columns, "OBJ"), table(columns, "MODEL")
    )
    assert len(read(path)) == 1
    assert len(read(save(tmp_path / "b", table(columns, "SKY_SUBTRACTED")))) == 1


def test_vectors_of_variable_length(quasar, tmp_path):
    w, f, _ = quasar
    first, second = read(RAGGED(tmp_path / "a", *quasar))
    np.testing.assert_allclose(first.flux, f)
    np.testing.assert_allclose(second.wavelength, w[:3000])


@pytest.mark.parametrize("kind", [0, 1])
def test_multispec_has_a_dispersion_for_each_row(kind, quasar, tmp_path):
    w, f, _ = quasar
    if kind == 0:
        w, f, _ = linear(*quasar)
    hdu = fits.PrimaryHDU(np.array([f, 2 * f]))
    multispec(hdu, w, 2, kind)
    for spectrum in read(save(tmp_path / "a", hdu)):
        np.testing.assert_allclose(spectrum.wavelength, w, rtol=1e-6)
    hdu.header["WAT2_001"] = "wtype=multispec spec1 = nonsense"
    with pytest.raises(ReadError):
        read(save(tmp_path / "b", hdu))


def test_iraf_polynomials(tmp_path):
    hdu = fits.PrimaryHDU(np.full((1, 100), 5.0) + np.arange(100))
    hdu.header.update({"WAT0_001": "system=multispec", "CTYPE1": "MULTISPE"})
    # Chebyshev of order 3 over pixels 1 to 100: 5000 + 1000 x + 10 (2 x^2 - 1).
    text = (
        'wtype=multispec spec1 = "1 1 2 4000. 20. 100 0. 1 5 1. 0. 1 3 1. 100. 5000. 1000. 10."'
    )
    hdu.header.update({"WAT2_001": text[:68], "WAT2_002": text[68:]})
    (spectrum,) = read(save(tmp_path / "a", hdu))
    x = np.linspace(-1, 1, 100)
    np.testing.assert_allclose(spectrum.wavelength, 5000 + 1000 * x + 10 * (2 * x**2 - 1))


@pytest.mark.parametrize(
    ("cards", "shape", "message"),
    [
        ({"CTYPE1": "RA---TAN", "CRVAL1": 150.0, "CDELT1": 1e-4}, (50, 50), "no known format"),
        ({"CTYPE1": "PIXEL", "CRVAL1": 1.0, "CDELT1": 1.0}, (50,), "no known format"),
        ({}, (50,), "no known format"),
        ({"CRVAL1": 4000.0, "CDELT1": 1.0}, (20, 30, 50), "cube"),
        ({"CRVAL1": 20.0, "CDELT1": 1.0}, (50,), "cannot be Angstrom"),
        ({"CRVAL1": 4000.0, "CDELT1": 1.0, "CUNIT1": "furlong"}, (50,), "furlong"),
        ({"CRVAL1": 4000.0, "CDELT1": 1e300}, (50,), "wavelengths are not"),
    ],
)
def test_images_that_are_no_spectra(cards, shape, message, tmp_path):
    hdu = fits.PrimaryHDU(np.ones(shape))
    hdu.header.update(cards)
    (error,) = open_file(save(tmp_path / "a", hdu))
    assert message in error.what


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"wave": np.full(50, np.nan), "flux": np.ones(50)}, "no wavelength is a number"),
        ({"wave": 4000.0 + np.arange(50), "flux": np.full(50, np.nan)}, "no good pixel"),
        ({"flux": np.ones(50), "err": np.ones(50)}, "no column of wavelengths"),
        ({"wave": np.full((3, 50), 4e3), "flux": np.ones((3, 50))}, "no good pixel"),
        ({"flux": np.ones((3, 50)), "err": np.ones((3, 50))}, "no column of wavelengths"),
        ({"wave": 4000.0 + np.arange(0), "flux": np.ones(0)}, "no known format"),
        ({"wave": np.array(["x"] * 50), "flux": np.ones(50)}, "wavelengths are not numbers"),
        ({"wave": np.ones((2, 40)), "flux": np.ones((2, 50))}, "no column of wavelengths"),
    ],
)
def test_tables_that_are_no_spectra(columns, message, tmp_path):
    items = list(open_file(save(tmp_path / "a", table(columns))))
    assert items
    assert all(isinstance(item, ReadError) for item in items)
    assert message in items[0].what
    assert [item.index for item in items] == list(range(len(items)))


def test_identity_of_rows(quasar, tmp_path):
    w, f, e = quasar
    two = {"WAVE": np.array([w, w]), "FLUX": np.array([f, f]), "ERR": np.array([e, e])}
    two |= {"OBJECT": np.array(["one", "two"]), "RA": np.array([10.0, 20.0])}
    two |= {"DEC": np.array([-1.0, 1.0]), "MJD": np.array([55000.25, 55001.5])}
    two |= {"Z": np.array([1.9, 1.8]), "CLASS": np.array(["QSO", "GALAXY"])}
    spectra = read(save(tmp_path / "a", table(two)))
    assert [s.targetid for s in spectra] == ["one", "two"]
    assert [(s.ra, s.dec, s.mjd) for s in spectra] == [(10, -1, 55000), (20, 1, 55001)]
    assert [(s.pipeline.cls, s.pipeline.z) for s in spectra] == [("QSO", 1.9), ("GALAXY", 1.8)]


def test_manga_is_refused(quasar, tmp_path):
    w, f, _ = quasar
    primary = fits.PrimaryHDU()
    primary.header["PLATEIFU"] = "7443-12701"
    images = [fits.ImageHDU(np.array([f] * 20), name="FLUX"), fits.ImageHDU(w, name="WAVE")]
    (error,) = open_file(save(tmp_path / "a", primary, *images))
    assert "MaNGA" in error.what
    assert "one place" in error.what


@pytest.mark.parametrize("layout", SURVEYS)
def test_surveys(layout, quasar, original, tmp_path):
    write, reader = SURVEYS[layout]
    path = write(tmp_path / "quasar", *quasar)
    assert identify(path) == reader
    spectra = read(path)
    assert [s.index for s in spectra] == list(range(len(spectra)))
    for row, spectrum in zip(huggins.classify(spectra), spectra, strict=True):
        if not spectrum.zwarning:  # else a fibre of the sky
            agrees(row, original)


@pytest.mark.parametrize("layout", ARRAYS)
def test_arrays(layout, quasar, original, tmp_path):
    path = ARRAYS[layout](tmp_path / "quasar", *quasar)
    assert identify(path) == "arrays"
    for row in huggins.classify(str(path)):
        agrees(row, original)


def test_identity_in_the_files_of_surveys(quasar, tmp_path):
    star, *_ = read(survey.mwm_star(tmp_path / "a", *quasar))
    assert (star.survey, star.targetid) == ("SDSS-V", "54392544")
    np.testing.assert_allclose(star.wavelength, quasar[0], rtol=1e-9)
    assert "300.0 km/s is undone" in star.notes[0]
    first, second = read(survey.pypeit_spec1d(tmp_path / "b", *quasar))
    assert (first.targetid, second.targetid) == (
        "SPAT0076-SLIT0185-DET01", "SPAT0176-SLIT0185-DET01",
    )  # fmt: skip
    assert len(first) == len(quasar[0])
    galaxy, sky, _ = read(survey.marz(tmp_path / "c", *quasar))
    assert (galaxy.targetid, galaxy.ra, galaxy.dec) == (
        "G0",
        pytest.approx(30),
        pytest.approx(-4.5),
    )
    assert (galaxy.zwarning, sky.zwarning) == (0, ZWarning.SKY)
    assert [s.targetid for s in read(survey.weave(tmp_path / "d", *quasar), fiber=2)] == ["W1"]
    (one,) = read(survey.pfs(tmp_path / "e", *quasar), targetid=120731449862702301)
    assert (one.survey, one.index, one.ra) == ("PFS", 1, 31.0)
    assert (~one.good).sum() == (np.arange(len(one)) % 60 == 0).sum()
    seven, _ = read(ARRAYS["JSON of SPARCL"](tmp_path / "f", *quasar))
    assert (seven.targetid, seven.pipeline.cls, seven.pipeline.z) == ("7", "QSO", 1.9)


def test_infrared_spectra_alone_are_refused(tmp_path):
    cells = {name: np.ones((1, 50)) for name in ("wavelength", "flux", "ivar")}
    with pytest.raises(ReadError, match="only infrared spectra of APOGEE"):
        read(save(tmp_path / "a", table(cells, "APOGEE/APO")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"flux": [1, 2]}), "pickle"),
        (b"PAR1" + bytes(100) + b"PAR1", "Parquet"),
        (b'{"wavelength": [1, 2', "cannot be read"),
        (b'{"name": "x"}', "no arrays of a spectrum"),
        (b'{"flux": [1, 2, 3]}', "no column of wavelengths"),
        (b'{"flux": [[1, 2, 3], [1, 2, 3]]}', "no wavelengths for the fluxes"),
        (b"[" * 100000, "no known format"),
        (b'<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE>', "VOTable"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (9999999999,), }", "damaged"),
        (b"\x93NUMPY", "damaged"),
    ],
)  # fmt: skip
def test_damaged_arrays(content, message, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(content)
    (error,) = open_file(path)
    assert isinstance(error, ReadError)
    assert message in error.what


def test_arrays_that_lie(tmp_path):
    array = np.arange(50.0)
    np.save(tmp_path / "a.npy", array)
    content = (tmp_path / "a.npy").read_bytes().replace(b"(50,)", b"(99,)")
    (tmp_path / "b.npy").write_bytes(content)
    for name, message in {"a": "without names", "b": "truncated"}.items():
        (error,) = open_file(tmp_path / f"{name}.npy")
        assert message in error.what
    np.save(tmp_path / "c.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    (error,) = open_file(tmp_path / "c.npy")
    assert "pickle" in error.what


@pytest.mark.slow
@pytest.mark.parametrize(
    "layout", [*SURVEYS, "ESO Phase 3", "GAMA", "IRAF bands", "npz", "VOTable"]
)
def test_damage_gives_errors_or_spectra(layout, quasar, tmp_path):
    writers = {**FITS, **ARRAYS, **{name: write for name, (write, _) in SURVEYS.items()}}
    few = [values[::8] for values in quasar]
    whole = writers[layout](tmp_path / "whole", *few).read_bytes()
    rng = np.random.default_rng(len(layout))
    path = tmp_path / "damaged"
    for _ in range(60):
        content = bytearray(whole)
        for place in rng.integers(0, min(len(content), 12000), 4):
            content[place] = rng.choice(list(b"0123456789 ATEJKDPQ'/=-.+\xff"))
        if rng.uniform() < 0.3:
            del content[rng.integers(1, len(content)) :]
        path.write_bytes(bytes(content))
        items = list(open_file(path))
        assert items
        assert all(isinstance(item, Spectrum | ReadError) for item in items)


def test_several_spectra_of_specutils_in_one_table(quasar, tmp_path):
    import specutils
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty

    w, f, e = quasar
    made = specutils.Spectrum(
        spectral_axis=w * u.AA,
        flux=np.array([f, 2 * f, 3 * f]) * u.Unit("erg / (s cm2 AA)"),
        uncertainty=StdDevUncertainty(np.array([e, 2 * e, 3 * e])),
    )
    made.write(tmp_path / "a.fits", format="tabular-fits")
    spectra = read(tmp_path / "a.fits")
    assert len(spectra) == 3
    np.testing.assert_allclose(spectra[2].flux, 3 * f)
    np.testing.assert_allclose(spectra[2].wavelength, w)


def test_a_mask_of_the_other_convention_is_noticed(quasar, tmp_path):
    w, f, e = quasar
    good = np.arange(len(w)) % 2 == 0
    columns = {"wave": w, "flux": f, "ivar": np.where(good, e**-2.0, 0.0)}
    for mask in (good, ~good):
        path = save(tmp_path / "a", table({**columns, "mask": mask.astype(int)}))
        (spectrum,) = read(path)
        np.testing.assert_array_equal(spectrum.good, good)


def test_an_image_and_a_table_are_two_spectra(quasar, tmp_path):
    w, f, e = quasar
    primary = fits.PrimaryHDU(3 * f)
    step = float(np.log10(w[-1] / w[0]) / (len(w) - 1))
    primary.header.update({"CRVAL1": float(np.log10(w[0])), "CDELT1": step, "DC-FLAG": 1})
    path = save(tmp_path / "a", primary, table({"wave": w, "flux": f, "err": e}))
    first, second = read(path)
    assert (first.format, second.format) == ("fits-image", "fits-table")
    np.testing.assert_allclose(first.flux, 3 * second.flux)
    assert [first.index, second.index] == [0, 1]


@pytest.mark.parametrize("card", ["COMMENT", "HISTORY"])
@pytest.mark.parametrize("kind", ["table", "image"])
def test_remarks_of_headers(card, kind, tmp_path):
    wave, flux = 4000.0 + np.arange(50), np.linspace(1.0, 2.0, 50)

    def one(remark):
        if kind == "table":
            hdu = fits.BinTableHDU(Table({"wavelength": wave, "flux": flux}))
        else:
            hdu = fits.PrimaryHDU(flux)
            hdu.header.update(CRVAL1=4000.0, CDELT1=1.0, CRPIX1=1.0, CTYPE1="WAVE")
        hdu.header[card] = remark
        hdu.writeto(tmp_path / "a.fits", overwrite=True)
        return next(open_file(tmp_path / "a.fits"))

    assert one("Wavelengths are in air").air
    assert not one("Wavelengths were converted from air to vacuum").air
    assert not one("Airmass 1.2, wavelengths in Angstrom").air
    assert "give observed wavelengths" in one("rest-frame wavelengths").what


def test_images_along_frequencies(tmp_path):
    def one(**cards):
        hdu = fits.PrimaryHDU(np.linspace(1.0, 2.0, 50))
        hdu.header.update(CRVAL1=6e14, CDELT1=1e11, CRPIX1=1.0, CTYPE1="FREQ", CUNIT1="Hz")
        hdu.header.update(cards)
        hdu.writeto(tmp_path / "a.fits", overwrite=True)
        return next(open_file(tmp_path / "a.fits"))

    assert "'flux_lambda'" in one().what
    ratio = one(BUNIT="Jy").flux / one(BUNIT="erg/s/cm2/A").flux
    wave = one(BUNIT="Jy").wavelength
    np.testing.assert_allclose(ratio, (5000.0 / wave) ** 2)


def test_columns_of_fits_tables_that_are_not_used_are_named(tmp_path):
    flux = 5.0 + np.random.default_rng(0).normal(size=200)
    columns = {"wave": 4000.0 + np.arange(200), "flux": flux, "snr": flux}
    (spectrum,) = read(save(tmp_path / "a", table(columns)))
    assert any("columns not used: SNR" in note for note in spectrum.notes)
