import getpass
import subprocess
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from astropy.table import Table

from huggins.cli import main
from huggins.errors import HugginsError, InputError
from huggins.inference import classify_rows
from huggins.view import background
from huggins.view.open import is_results, open_session, results_of, view


def test_tables_and_spectra_are_told_by_their_content(spectra_set, tmp_path):
    assert is_results(spectra_set.table)
    assert not is_results(spectra_set.folder / "spec-7102-56666-0001.fits")
    (tmp_path / "w.csv").write_text("wavelength,flux,error\n4000,1,1\n")
    assert not is_results(tmp_path / "w.csv")


def test_inspections_are_kept_beside_the_table(spectra_set):
    results, classification = results_of([str(spectra_set.table)])
    assert classification is None
    session = open_session(results)
    try:
        assert session.inspections.path == spectra_set.table.with_name(
            "results.fits.inspections.sqlite"
        )
        assert session.inspections.scanner == getpass.getuser()
    finally:
        session.close()


def test_a_run_that_hangs_does_not_keep_the_command(spectra_set, tmp_path, monkeypatch):
    monkeypatch.setattr("huggins.view.background._PATIENCE", 0.05)
    name = "spec-7102-56666-0001.fits"
    (tmp_path / name).write_bytes((spectra_set.folder / name).read_bytes())
    _, classification = results_of([str(tmp_path)])
    hanging = threading.Event()
    classification._thread = threading.Thread(target=hanging.wait, daemon=True)
    classification.start(lambda event: None)
    classification.stop()
    assert classification.running
    hanging.set()
    classification.wait()
    assert not classification.running


def test_rows_of_a_folder_come_while_it_is_open(spectra_set, tmp_path, model_path):
    for i in (1, 2):
        name = f"spec-7102-56666-{i:04d}.fits"
        (tmp_path / name).write_bytes((spectra_set.folder / name).read_bytes())
    results, classification = results_of([str(tmp_path)], model=str(model_path))
    assert len(results) == 0
    session = open_session(
        results,
        inspections=tmp_path / "i.sqlite",
        model=str(model_path),
        classification=classification,
    )
    try:
        end = time.monotonic() + 60
        while not session.about()["classified"] and time.monotonic() < end:
            time.sleep(0.05)
        assert session.about()["progress"] == {"done": 2, "total": 2, "error": ""}
        assert len(results) == 2
        assert len(session.detail(1)["flux"]) > 1000
    finally:
        session.close()


def test_rows_from_before_an_error_are_shown(spectra_set, tmp_path, model_path, monkeypatch):
    path = tmp_path / "spec-7102-56666-0001.fits"
    path.write_bytes((spectra_set.folder / path.name).read_bytes())
    results, classification = results_of([str(tmp_path)], model=str(model_path))

    def rows_and_an_error(inputs, *, settings, **options):
        (rows,) = classify_rows(inputs, settings=settings, **options)
        yield rows
        yield rows  # too few to be put at once
        raise HugginsError("the disk is gone")

    monkeypatch.setattr("huggins.inference.classify_rows", rows_and_an_error)
    monkeypatch.setattr(background, "_STEP", 0.1)
    classification.start(lambda event: None)
    with pytest.raises(HugginsError, match="the disk is gone"):
        classification.wait()
    assert len(results) == 2


def test_nothing_to_show(tmp_path):
    with pytest.raises(InputError, match="no spectra"):
        results_of([str(tmp_path)])
    with pytest.raises(InputError, match=r"gone\.fits: there is no such file"):
        results_of([str(tmp_path / "gone.fits")])
    with pytest.raises(InputError, match="--where chooses rows of a table"):
        results_of([str(tmp_path)], where="Z > 1")


def test_view_of_a_table_in_memory(spectra_set, tmp_path):
    page = view(Table.read(spectra_set.table), inspections=tmp_path / "i.sqlite", scanner="ada")
    try:
        assert page.url.startswith("http://127.0.0.1:")
        assert page.url in page._repr_html_()
        assert "<iframe" in page._repr_html_()
        assert page.session.about()["count"] == len(spectra_set)
    finally:
        page.close()


def test_view_of_spectra_in_memory(mocks, tmp_path):
    page = view([mocks[0].spectrum], inspections=tmp_path / "i.sqlite")
    try:
        assert page.session.about()["count"] == 1
        assert np.isfinite(page.session.results.value("Z", 0))
        assert page.session.detail(0)["results"]["CLASS"] == "QSO"
    finally:
        page.close()


@pytest.mark.parametrize("first", ["", "from huggins.view.open import view"])
def test_the_package_is_the_call(spectra_set, tmp_path, first):
    code = (
        f"import huggins\n{first}\n"
        f"page = huggins.view({str(spectra_set.table)!r}, inspections='i.sqlite')\n"
        "print(page.url, page.session.about()['count'])\n"
        "page.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.startswith("http://127.0.0.1"), done.stderr
    assert done.stdout.endswith(f" {len(spectra_set)}\n")


def test_files_without_a_spectrum_are_refused_and_nothing_is_left(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text("path,class\na.fits,QSO\n")
    (tmp_path / "nan.csv").write_text("wavelength,flux,error\n4000,nan,nan\n4001,nan,nan\n")
    for verb in (["view", "--no-browser"], ["report", "-o", "p.html"]):
        assert main([*verb, "labels.csv", "nan.csv"]) == 2
        said = capsys.readouterr().err
        assert "no spectrum to show: labels.csv: no known format" in said
        assert "nan.csv: no good pixel" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "nan.csv"]


def test_the_current_folder_has_a_name(spectra_set, tmp_path, monkeypatch, model_path):
    name = "spec-7102-56666-0001.fits"
    (tmp_path / name).write_bytes((spectra_set.folder / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    results, classification = results_of(["."], model=str(model_path))
    assert results.name == tmp_path.name
    with closing(open_session(results, classification=classification)) as session:
        assert session.inspections.path.name == f"{tmp_path.name}.inspections.sqlite"
        assert not session.inspections.path.exists()


def test_rows_that_do_not_exist_are_refused(spectra_set):
    with pytest.raises(InputError, match="holds for none of the rows of"):
        results_of([str(spectra_set.table)], where="CLASS == 'X'")


def test_a_table_for_desi_is_refused_with_the_remedy(spectra_set, tmp_path, capsys):
    spectrum = str(spectra_set.folder / "spec-7102-56666-0001.fits")
    table = str(tmp_path / "rr.fits")
    assert main(["classify", spectrum, "-o", table, "--format", "redrock", "-q"]) == 0
    (tmp_path / "truth.csv").write_text("path,class13\na,QSO\n")
    for verb in (
        ["report", "-o", str(tmp_path / "p.html")],
        ["view", "--no-browser"],
        ["plot"],
        ["evaluate", "--truth", str(tmp_path / "truth.csv")],
    ):
        assert main([*verb, table]) == 2
        assert "write a .fits table for this" in capsys.readouterr().err
