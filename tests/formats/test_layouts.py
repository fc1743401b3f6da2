"""One quasar in every shape: each gives the class and the redshift of the original."""

from __future__ import annotations

import numpy as np
import pytest

import huggins
from factories.layouts import BARE, TEXT, quasar_arrays
from huggins.formats import identify, read
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


@pytest.mark.parametrize("layout", TEXT)
def test_text(layout, quasar, original, tmp_path):
    path = TEXT[layout](tmp_path / "quasar", *quasar)
    assert identify(path) == "text"
    row = huggins.classify(str(path))[0]
    assert row["ERROR"] == ""
    assert row["SUBCLASS"] == original["SUBCLASS"]
    assert row["Z"] == pytest.approx(original["Z"], abs=1.5 * float(original["Z_ERR"]))
    assert row["SN_MEDIAN"] == pytest.approx(original["SN_MEDIAN"], rel=0.15)
    assert row["ZWARNING"] == original["ZWARNING"]


@pytest.mark.parametrize("layout", BARE)
def test_without_uncertainties(layout, quasar, original, tmp_path):
    path = BARE[layout](tmp_path / "quasar", *quasar)
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
