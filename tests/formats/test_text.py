"""Text tables: columns by name, units, separators, and what is missing."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from huggins.errors import ReadError
from huggins.formats import identify, open_file, read
from huggins.spectrum import air_to_vacuum

WAVE = np.array([4000.0, 4010.0, 4020.0, 4030.0])
ROWS = ["4000 1.5 0.1", "4010 2.5 0.2", "4020 3.5 0.25", "4030 4.5 0.5"]
FLUX = np.array([1.5, 2.5, 3.5, 4.5])
ERROR = np.array([0.1, 0.2, 0.25, 0.5])
IVAR = np.array([100.0, 25.0, 16.0, 4.0])


def _rows(*columns):
    rows = zip(*columns, strict=True)
    return "\n".join(",".join(repr(float(x)) for x in row) for row in rows)


def _read(text, folder, **options):
    path = folder / "spectrum.txt"
    path.write_text(text, encoding="utf-8")
    (spectrum,) = read(path, **options)
    return spectrum


def _is_plain(spectrum):
    np.testing.assert_allclose(spectrum.wavelength, WAVE, rtol=1e-12)
    np.testing.assert_array_equal(spectrum.flux, [1.5, 2.5, 3.5, 4.5])
    np.testing.assert_allclose(spectrum.ivar, IVAR)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "wavelength flux error\n",
        "# wavelength flux error\n",
        "# a comment\n#\n% another\n\nWAVE FLUX ERR\n",
        "#wavelength(Angstrom)   flux[1e-17 erg/s/cm2/A]   error[1e-17 erg/s/cm2/A]\n",
        "lambda flux sigma\nA 1 1\n",
        "Wavelength Flux Flux_Err\n---------- ---- --------\n",
        "# just a comment of six words\n",
        "# three words here\n",
        "\ufeffwavelength flux error\n",
    ],
)
def test_headers(header, tmp_path):
    _is_plain(_read(header + "\n".join(ROWS) + "\n\n# the end\n", tmp_path))


@pytest.mark.parametrize("mark", [",", ", ", ";", "\t", "   ", " | "])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators(mark, named, end, tmp_path):
    lines = ["wavelength flux error", *ROWS] if named else ROWS
    _is_plain(_read(end.join(line.replace(" ", mark) for line in lines), tmp_path))


def test_header_of_the_interface(tmp_path):
    header = "wavelength (Angstrom), flux [1e-17 erg/s/cm2/A], ivar\n"
    _is_plain(_read(header + _rows(WAVE, FLUX, IVAR), tmp_path))


def test_columns_are_found_in_any_order_among_others(tmp_path):
    lines = _rows(ERROR, WAVE, FLUX).splitlines()
    rows = "\n".join(f"{i},name {i},{line}" for i, line in enumerate(lines))
    _is_plain(_read("id,label,e_flux,Wavelength,Flux\n" + rows, tmp_path))


def test_title_before_the_header(tmp_path):
    _is_plain(_read("My spectrum\nwavelength flux error\n" + "\n".join(ROWS), tmp_path))


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nm", 0.1),
        ("um", 1e-4),
        ("micron", 1e-4),
        ("µm", 1e-4),
        ("Å", 1),
        ("m", 1e-10),
        ("vacuum nm", 0.1),
        ("AA", 1),
    ],
)
def test_units_of_wavelength(unit, factor, tmp_path):
    rows = _rows(WAVE * factor, FLUX, ERROR)
    _is_plain(_read(f"wave ({unit}),flux,err\n{rows}", tmp_path))


def test_log_wavelengths(tmp_path):
    _is_plain(_read("loglam,flux,ivar\n" + _rows(np.log10(WAVE), FLUX, IVAR), tmp_path))


def test_variances(tmp_path):
    _is_plain(_read("wave,flux,variance\n" + _rows(WAVE, FLUX, 1 / IVAR), tmp_path))


def test_flux_per_frequency_becomes_per_wavelength(tmp_path):
    # f_lambda is proportional to f_nu / lambda^2.
    rows = _rows(WAVE, FLUX * WAVE**2, ERROR * WAVE**2)
    spectrum = _read("wave,flux(mJy),error\n" + rows, tmp_path)
    np.testing.assert_allclose(spectrum.flux / spectrum.flux[0], FLUX / FLUX[0])
    np.testing.assert_allclose(spectrum.flux * np.sqrt(spectrum.ivar), FLUX / ERROR)


def test_air_wavelengths(tmp_path):
    spectrum = _read("\n".join(ROWS), tmp_path, air=True)
    np.testing.assert_allclose(spectrum.wavelength, air_to_vacuum(WAVE), rtol=1e-12)
    assert spectrum.air


def test_descending_wavelengths_are_turned(tmp_path):
    _is_plain(_read("\n".join(ROWS[::-1]), tmp_path))


@pytest.mark.parametrize("gap", ["nan", "", "null", "--", "NaN", "inf", "-1", "0"])
def test_gaps_and_impossible_errors_are_bad_pixels(gap, tmp_path):
    lines = [row.replace(" ", ",") for row in ROWS]
    lines[1] = f"4010,2.5,{gap}"
    spectrum = _read("wavelength,flux,error\n" + "\n".join(lines), tmp_path)
    assert list(spectrum.good) == [True, False, True, True]


def test_tiny_fluxes_keep_their_weight(tmp_path):
    rows = [f"{w} {1e-17} {1e-18}" for w in WAVE]
    spectrum = _read("\n".join(rows), tmp_path)
    np.testing.assert_allclose(spectrum.ivar, 1e36)


@pytest.mark.parametrize(("name", "factor"), [("wavelength_angstrom", 1.0), ("Wave_nm", 0.1)])
def test_a_unit_tied_to_the_name(name, factor, tmp_path):
    rows = _rows(WAVE * factor, FLUX, ERROR)
    _is_plain(_read(f"{name},flux,err\n{rows}", tmp_path))


def test_ecsv_with_units_and_masked_values(tmp_path):
    table = QTable(
        {
            "wavelength": WAVE / 10 * u.nm,
            "flux": np.array([1.5, 2.5, 3.5, 4.5]) * u.Unit("1e-17 erg / (s cm2 AA)"),
            "error": np.array([0.1, 0.2, 0.25, 0.5]) * u.Unit("1e-17 erg / (s cm2 AA)"),
            "note": ["a", "b", "c", "d"],
        }
    )
    path = tmp_path / "a.ecsv"
    table.write(path)
    assert identify(path) == "text"
    _is_plain(read(path)[0])


def test_latin_1_is_read(tmp_path):
    path = tmp_path / "a.csv"
    text = "wavelength (Å),flux,error\n" + _rows(WAVE, FLUX, ERROR)
    path.write_text(text, encoding="latin-1")
    _is_plain(read(path)[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x flux error\n4000 1 1\n",
            "no column of wavelengths: the columns are x, flux, error",
        ),
        ("wave count error\n4000 1 1\n", "no column of fluxes: the columns are wave, count"),
        ("wave(furlong) flux error\n4000 1 1\n", "in 'furlong', which is not known"),
        ("100 1 1\n110 1 1\n", "from 100 to 110 cannot be Angstrom: name the unit"),
        ("30 1 1\n37 1 1\n", "from 30 to 37 cannot be Angstrom"),
        ("rest_wave flux error\n4000 1 1\n4010 1 1\n", "wavelengths at rest.*give observed"),
        (
            "loglam flux error\n4000 1 1\n4010 1 1\n",
            "logarithms of wavelengths, but goes up to",
        ),
        ("4000 1 1\n4010 1\n", "line 2 has 2 columns, line 1 has 3"),
        ("wave flux error\n4000 1 1\n4010 one 1\n", "line 3: 'one' is no number"),
        ("4000 1 .1\n4010 1 .1\n4000 9 .1\n4010 7 .1\n", "several spectra under one another"),
        ("nan 1 1\nnan 1 1\n", "no wavelength is a number"),
        ("-4 1 1\n4010 1 1\n", "finite and positive"),
        ("wave flux\n4000 1 1\n", "'wave flux' does not name the 3 columns of line 2"),
        ("wave flux(Jy) error(kg)\n4000 1 1\n", "give both in one unit"),
        ("4000 1 1 1\n4010 1 1 1\n", "4 columns and no header"),
        ("4000 -1 1\n4010 -1 1\n", "nowhere positive"),
        ("1\n", "1 column and no header"),
        ("# %ECSV 1.0\n# ---\n# nonsense: [\nwavelength flux error\n1 2 3\n", "ECSV"),
        ("a\nb\nc\nd\n1 2 3\n", "line 4 begins with no number"),
        ("# 5 spectra\n", "no line of numbers"),
    ],
)
def test_what_is_wrong_is_said(text, message, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(ReadError, match=message):
        read(path)


def test_huge_text_is_not_read(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"1 2 3\n" * 1000)
        file.truncate(300 * 1024**2)
    (error,) = open_file(path)
    assert "256 MiB" in str(error)


@pytest.mark.parametrize(
    "said",
    ["# flux in Jy", "# Flux unit: mJy", "# wavelength in Angstrom, flux in uJy",
     "# flux is f_nu", "# flux in erg/s/cm2/Hz"],
)  # fmt: skip
def test_flux_per_frequency_in_a_comment(said, tmp_path):
    spectrum = _read(f"{said}\nwavelength flux error\n" + "\n".join(ROWS), tmp_path)
    scale = (5000.0 / WAVE) ** 2
    np.testing.assert_allclose(spectrum.flux, FLUX * scale)
    np.testing.assert_allclose(spectrum.ivar, IVAR / scale**2)
    assert any("as a comment says" in note for note in spectrum.notes)


@pytest.mark.parametrize(
    "said",
    ["# flux converted from Jy to erg/s/cm2/A", "# flux in 1e-17 erg/s/cm2/A", "# B = 0.3 mJy"],
)
def test_comments_on_other_units_of_flux(said, tmp_path):
    _is_plain(_read(f"{said}\nwavelength flux error\n" + "\n".join(ROWS), tmp_path))
    header = "# flux in Jy\nwavelength flux_lambda error\n"
    _is_plain(_read(header + "\n".join(ROWS), tmp_path))


@pytest.mark.parametrize("axis", ["frequency (Hz)", "energy (eV)", "wavenumber (cm-1)"])
def test_flux_along_frequencies_needs_a_unit(axis, tmp_path):
    values = {"f": 2.99792458e18 / WAVE, "e": 12398.419843 / WAVE, "w": 1e8 / WAVE}[axis[0]]
    rows = _rows(values, FLUX, ERROR)
    with pytest.raises(ReadError, match="name it 'fnu' or 'flux_lambda'"):
        _read(f"{axis},flux,error\n{rows}", tmp_path)
    spectrum = _read(f"{axis},flux_lambda,error\n{rows}", tmp_path)
    np.testing.assert_allclose(spectrum.flux, FLUX)
    spectrum = _read(f"# flux in Jy\n{axis},flux,error\n{rows}", tmp_path)
    np.testing.assert_allclose(spectrum.flux, FLUX * (5000.0 / WAVE) ** 2)


@pytest.mark.parametrize(
    "said", ["# rest frame", "# rest-frame wavelengths", "# Frame: rest frame"]
)
def test_comments_that_say_rest_frame_are_refused(said, tmp_path):
    with pytest.raises(ReadError, match="give observed wavelengths"):
        _read(f"{said}\nwavelength flux error\n" + "\n".join(ROWS), tmp_path)


@pytest.mark.parametrize(
    "said",
    ["# not rest frame", "# heliocentric rest frame", "# observed wavelengths, not rest frame",
     "# rest-frame equivalent widths of the lines are in table 2"],
)  # fmt: skip
def test_comments_on_other_frames(said, tmp_path):
    _is_plain(_read(f"{said}\nwavelength flux error\n" + "\n".join(ROWS), tmp_path))


@pytest.mark.parametrize(
    "names", ["flux_mjy,error_mjy", "flux_mJy,err_mJy", "flux,error_mjy", "fnu_mjy,fnu_err_mjy"]
)
def test_units_at_the_end_of_names(names, tmp_path):
    spectrum = _read(f"wavelength,{names}\n" + _rows(WAVE, FLUX, ERROR), tmp_path)
    scale = (5000.0 / WAVE) ** 2
    np.testing.assert_allclose(spectrum.flux, FLUX * scale)
    np.testing.assert_allclose(spectrum.ivar, IVAR / scale**2)


def test_units_of_flux_and_error_differ_in_their_names(tmp_path):
    table = "wavelength,flux_mjy,error_ujy\n" + _rows(WAVE, FLUX, 1000.0 * ERROR)
    np.testing.assert_allclose(_read(table, tmp_path).ivar, IVAR * (WAVE / 5000.0) ** 4)
    _is_plain(_read("wavelength,flux_cgs,error_cgs\n" + _rows(WAVE, FLUX, ERROR), tmp_path))


def test_columns_that_are_not_used_are_named(tmp_path):
    wave = 4000.0 + np.arange(200)
    flux = 5.0 + np.random.default_rng(0).normal(size=200)
    table = "wavelength,flux,snr,weights\n" + _rows(wave, flux, flux, flux)
    notes = "; ".join(_read(table, tmp_path).notes)
    assert "no column of uncertainties; columns not used: snr, weights" in notes
    table = "wavelength,flux,error,snr\n" + _rows(WAVE, FLUX, ERROR, ERROR)
    assert _read(table, tmp_path).notes == ()


def test_a_named_column_that_is_not_there(tmp_path):
    columns = {"wavelength": "LAM", "flux": "NOPE"}
    with pytest.raises(ReadError, match="there is no column NOPE: the columns are LAM, spec"):
        _read("LAM,spec\n" + _rows(WAVE, FLUX), tmp_path, columns=columns)
    with pytest.raises(ReadError, match="--columns flux=NAME"):
        _read("wavelength,abc\n" + _rows(WAVE, FLUX), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wavelength,flux,error\n", "the table has no rows"),
        ("# wavelength flux error\n", "the table has no rows"),
        ("# file 2 of 3\nwavelength flux\nAngstrom Jy\n", "the table has no rows"),
        ("wavelength,flux\nabc,1.0\ndef,2.0\n", "the wavelengths are not numbers"),
        (
            "wavelength,flux\nabc,1.0\ndef,2.0\nghi,3.0\njkl,4.0\n",
            "wavelengths are not numbers",
        ),
        ("Dear colleague,\n", "text that begins with 'Dear colleague,'"),
    ],
)
def test_tables_without_rows_or_numbers(text, message, tmp_path):
    with pytest.raises(ReadError, match=message):
        _read(text, tmp_path)


def test_quoted_cells_with_thousands_separators(tmp_path):
    rows = [f'"{w:,.2f}","{f}","{e}"' for w, f, e in zip(WAVE, FLUX, ERROR, strict=True)]
    _is_plain(_read("wavelength,flux,error\n" + "\n".join(rows), tmp_path))
    _is_plain(_read('"wavelength","flux","error"\n' + "\n".join(rows), tmp_path))
