"""The mistakes in the report: each spectrum, the fit where it is the table's, or why not."""

import base64
import gzip
import json
import re

import numpy as np
import pytest

from huggins import classify
from huggins.demo import mocks
from huggins.evaluate import evaluate, write_report
from huggins.evaluate.mistakes import mistakes_section, show
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


def evaluated(tmp_path, path, **changed):
    cases = [Case(true="GAL", predicted="QSO", z_true=0.2, path=path.name, **changed)]
    results = write_results(tmp_path / "r.fits", cases, prefix=f"{path.parent}/")
    return evaluate(results, write_truth(tmp_path / "t.csv", cases))


def embedded(page, name):
    [text] = re.findall(rf'id="{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def drawn(page):
    """The one spectrum that a report draws."""
    [text] = embedded(page, "embedded-spectra")
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_mistake_is_drawn_and_linked_to_its_page(quasar, tmp_path):
    path, z = quasar
    written, _ = write_report(evaluated(tmp_path, path, z=z), tmp_path / "out")
    page = written.read_text()
    assert "no answer of this huggins" not in page
    assert page.count('href="mistakes.html#row=0"') == 2  # the heading and the picture
    spectrum = drawn(page)
    assert len(spectrum["flux"]) == len(spectrum["model"]) > 4000
    assert spectrum["z"] == pytest.approx(z, abs=1e-3)
    assert {"C IV", "Mg II"} & {line["name"] for line in spectrum["lines"]}
    everything = embedded((tmp_path / "out" / "mistakes.html").read_text(), "embedded")
    assert everything["columns"]["TRUE_CLASS"]["words"] == ["GAL"]
    assert everything["columns"]["MISTAKE"]["words"] == ["CLASS"]


def test_relative_paths_are_those_of_the_table(quasar, tmp_path, monkeypatch):
    path, z = quasar
    case = [Case(true="GAL", predicted="QSO", z_true=0.2, z=z, path=path.name)]
    results = write_results(path.parent / "r.fits", case, prefix="")
    monkeypatch.chdir(tmp_path)
    found = show(evaluate(results, write_truth(tmp_path / "t.csv", case)))
    assert "failed" not in found.spectra[0]


@pytest.mark.parametrize("changed", [{"z": 0.3}, {"predicted": "F", "z": 0.02}], ids=str)
def test_a_fit_that_is_not_the_tables_is_not_drawn(quasar, tmp_path, changed):
    path, z = quasar
    cases = [Case(**({"true": "GAL", "z_true": 0.2, "path": path.name} | changed))]
    results = write_results(tmp_path / "r.fits", cases, prefix=f"{path.parent}/")
    evaluation = evaluate(results, write_truth(tmp_path / "t.csv", cases))
    page = mistakes_section(evaluation, show(evaluation))
    assert f"its first: QSO at z = {z:.4f}" in " ".join(page.split())
    assert drawn(page)["model"] is None
    assert drawn(page)["z"] == pytest.approx(changed["z"], abs=1e-6)


def test_without_the_file_there_is_no_picture_and_no_page(quasar, tmp_path):
    path, z = quasar
    out = tmp_path / "out"
    write_report(evaluated(tmp_path, path, z=z), out)
    written, _ = write_report(evaluated(tmp_path, tmp_path / "gone.csv", z=1.0), out)
    page = written.read_text()
    assert "<canvas" not in page
    assert "mistakes.html" not in page
    assert "No picture: the file is not where the table says" in page
    assert not (out / "mistakes.html").exists()  # that of the report before is gone
