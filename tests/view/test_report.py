import base64
import gzip
import json
import re
import shutil
from contextlib import closing

import pytest

from huggins.cli import main
from huggins.errors import InputError
from huggins.view import report as module
from huggins.view.inspections import Inspection, Inspections
from huggins.view.report import document, report_of


@pytest.fixture
def page(session):
    session.inspections.add(Inspection(session.results.key(0), "ada", "QSO", 4, 1.9))
    return report_of(session)


def embedded(page):
    [text] = re.findall(r'id="embedded">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_all_is_inside(page, spectra_set):
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    data = embedded(page)
    assert data["session"]["count"] == len(spectra_set)
    assert data["inspections"]["0"]["quality"] == 4
    first = json.loads(gzip.decompress(base64.b64decode(data["spectra"][1])))
    assert first["results"]["SUBCLASS"] == "BAL"
    assert first["why"]["class"] == "BAL"
    [imports] = re.findall(r'type="importmap">(.*?)</script>', page, re.DOTALL)
    for name, url in json.loads(imports)["imports"].items():
        text = base64.b64decode(url.partition(",")[2]).decode()
        assert 'from "./' not in text, name
    assert len(page) < 300_000 * len(spectra_set) + 300_000


def test_no_text_ends_the_script():
    page = document({"session": {"name": "</script><script>alert(1)</script>"}})
    assert "alert(1)</script>" not in page
    assert embedded(page)["session"]["name"].startswith("</script>")


def test_none_and_too_many(session, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    with pytest.raises(InputError, match=r"6 spectra.*at most 5.*--where"):
        report_of(session)


def test_a_spectrum_that_has_moved_is_told_in_its_place(session):
    session.results.table.values["FILE"][2] = "gone.fits"
    data = embedded(report_of(session))
    said = json.loads(gzip.decompress(base64.b64decode(data["spectra"][2])))
    assert "gone.fits: the file is not there any more" in said["failed"]


def test_the_command(spectra_set, tmp_path, capsys):
    table = tmp_path / "results.fits"
    shutil.copy(spectra_set.table, table)
    with closing(Inspections(tmp_path / "results.fits.inspections.sqlite", "ben")) as kept:
        path = spectra_set.folder / "spec-7102-56666-0001.fits"
        kept.add(Inspection(f"{path}[0]", "ben", "QSO", 3, 1.9))
    out = tmp_path / "page.html"
    arguments = ["report", str(table), "-o", str(out), "--where", "CLASS == 'QSO'"]
    assert main(arguments) == 0
    data = embedded(out.read_text(encoding="utf-8"))
    assert data["session"]["count"] == 3
    assert data["inspections"]["0"]["scanner"] == "ben"
    assert main(arguments) == 0  # its own output may be replaced
    out.write_text("mine")
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["report", str(table), "-o", str(tmp_path / "page.txt")]) == 2


def test_the_command_on_files_leaves_nothing_behind(spectra_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [str(spectra_set.folder / f"spec-7102-56666-{n:04d}.fits") for n in (1, 2)]
    assert main(["report", *files, "-o", "page.html", "-q"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (
        embedded((tmp_path / "page.html").read_text(encoding="utf-8"))["session"]["count"] == 2
    )


def test_some_files_without_a_spectrum_are_named_with_status_1(spectra_set, tmp_path, capsys):
    (tmp_path / "labels.csv").write_text("path,class\na.fits,QSO\n")
    files = [
        str(spectra_set.folder / "spec-7102-56666-0001.fits"),
        str(tmp_path / "labels.csv"),
    ]
    page = tmp_path / "page.html"
    assert main(["report", *files, "-o", str(page)]) == 1
    said = capsys.readouterr().err
    assert f"{files[1]}: no known format" in said
    assert page.exists()
    assert main(["report", files[0], "-o", str(page)]) == 0
    assert "huggins: 1 spectrum, " in capsys.readouterr().err
