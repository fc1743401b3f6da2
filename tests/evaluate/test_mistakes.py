"""The pictures of mistakes: the spectrum, the fit where it is the table's, or why not."""

import base64
import struct

import numpy as np
import pytest

from huggins import classify
from huggins.demo import mocks
from huggins.evaluate import evaluate
from huggins.evaluate.mistakes import mistakes_section, read_spectrum
from made_up_table import Case, write_results, write_truth


@pytest.fixture(scope="module")
def quasar(tmp_path_factory):
    """A mock quasar as a text file, and the redshift that it gets."""
    spectrum = mocks.load()[0].spectrum
    path = tmp_path_factory.mktemp("quasar") / "quasar.csv"
    good = spectrum.good
    table = [spectrum.wavelength[good], spectrum.flux[good], spectrum.ivar[good]]
    np.savetxt(
        path, np.stack(table, axis=1), delimiter=",", header="wavelength,flux,ivar", comments=""
    )
    return path, float(classify(str(path))["Z"][0])


def section(tmp_path, path, **changed):
    cases = [Case(true="GAL", predicted="QSO", z_true=0.2, path=path.name, **changed)]
    results = write_results(tmp_path / "r.fits", cases, prefix=f"{path.parent}/")
    return mistakes_section(evaluate(results, write_truth(tmp_path / "t.csv", cases)))


def height_over_width(page):
    """Of the first picture in a page, from the header of the PNG."""
    start = page.index("data:image/png;base64,") + len("data:image/png;base64,")
    width, height = struct.unpack(">II", base64.b64decode(page[start : start + 64])[16:24])
    return height / width


def test_the_fit_and_what_it_leaves_are_drawn(quasar, tmp_path):
    path, z = quasar
    page = section(tmp_path, path, z=z)
    assert "No fit is drawn" not in page
    # 12 by 6 inches, and 1.25 for the residuals.
    assert height_over_width(page) == pytest.approx(7.25 / 12.0, abs=0.01)


@pytest.mark.parametrize("changed", [{"z": 0.3}, {"z": None}], ids=str)
def test_a_fit_that_is_not_the_tables_is_not_drawn(quasar, tmp_path, changed):
    path, z = quasar
    page = section(tmp_path, path, **changed)
    assert f"another network or fit; this huggins' own is QSO at z = {z:.4f}" in " ".join(
        page.replace("&#x27;", "'").split()
    )
    assert height_over_width(page) == pytest.approx(6.0 / 12.0, abs=0.01)


def test_without_the_file_there_is_no_picture(tmp_path):
    page = section(tmp_path, tmp_path / "gone.csv", z=1.0)
    assert "<img" not in page
    assert "No picture: the file is not where the table says" in page


def test_the_right_spectrum_of_a_file_is_read(quasar):
    path, _ = quasar
    assert read_spectrum(str(path), 3) == "the file holds no spectrum 3"
    assert len(read_spectrum(str(path), 0)) > 4000
