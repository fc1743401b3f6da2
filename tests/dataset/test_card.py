"""The data card counts what is in its file, and says what was left out."""

import csv
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from factories import make_truth, write_boss_spec, write_desi
from huggins.dataset import card as module
from huggins.dataset.build import build, skipped_path
from huggins.dataset.card import card_path, describe
from huggins.dataset.chunk import Options
from huggins.dataset.merge import Making
from huggins.errors import OutputError
from huggins.taxonomy import CLASSES


def tables(text):
    """Tables of a card by the heading they stand under, as lists of dicts."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        if rows:
            found[section.splitlines()[0]] = [
                dict(zip(rows[0], row, strict=True)) for row in rows[2:]
            ]
    return found


@pytest.fixture
def built(survey, tmp_path):
    """Thirty spectra, of which two are damaged; two copies; labels of trust 3, 2 and 1."""
    Path(survey[3]).write_bytes(b"")
    Path(survey[7]).write_bytes(Path(survey[7]).read_bytes()[:9000])
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["PATH", "CLASS", "SUBCLASS", "Z", "TRUST", "OBJECT"])
        for i, path in enumerate(survey):
            name = ("QSO", "BAL", "F", "", "GAL")[i % 5]
            broad = {"QSO": "QSO", "BAL": "QSO", "GAL": "GALAXY"}.get(name, "STAR")
            writer.writerow([path, broad, name, i / 10, 1 + i % 3, f"o{i // 2}"])
    out = tmp_path / "o.h5"
    build(
        [*survey, survey[0], survey[1]],
        out,
        targets=table,
        making=Making(provenance={"targets": "labels.csv", "command": "huggins build in"}),
    )
    return out


def test_counts_are_those_of_the_file(built):
    text = card_path(built).read_text()
    with h5py.File(built) as file:
        columns = {name: file[name][:] for name in file}
    assert "# Data card: o.h5\n\n28 optical spectra" in text
    assert "    huggins build in\n" in text
    assert "Schema 1" in text
    assert "960 pixels" in text
    assert "table `labels.csv`" in text
    classes = {row["class"]: row for row in tables(text)["Classes"]}
    for i, name in enumerate(CLASSES):
        some = columns["class_index"] == i
        row = classes[name]
        assert int(row["spectra"]) == some.sum()
        for trust in range(4):
            assert int(row[f"trust {trust}"]) == (columns["trust"][some] == trust).sum()
        for part, word in enumerate(("train", "validation", "test")):
            assert int(row[word]) == (columns["split"][some] == part).sum()
        if some.any():
            assert float(row["median S/N"]) == pytest.approx(
                np.median(columns["sn"][some]), rel=6e-3
            )
            low, high = np.quantile(columns["z"][some], [0.05, 0.95])
            assert row["redshift, 5 to 95 %"] == f"{low:.3g} to {high:.3g}"
    assert int(classes["STAR, type not known"]["spectra"]) == 5
    assert int(classes["all"]["spectra"]) == 28
    objects, sizes = np.unique(columns["object"], return_counts=True)
    assert f"of {len(objects)} objects; {sizes[sizes > 1].sum()} spectra" in text


def test_what_was_left_out_and_what_is_lacking_is_said(built):
    text = card_path(built).read_text()
    said = {row["reason"]: int(row["spectra"]) for row in tables(text)["Left out"]}
    assert said["a copy of another"] == 2
    assert sum(said.values()) == 4
    with skipped_path(built).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    mind = text.partition("## What to mind")[2]
    assert "no spectrum of O, B, A, G, K, M, L, WD, C" in mind
    assert "fewer than 30 to train on: QSO (" in mind
    assert re.search(r"^- \d+ QSO of trust below 3 may be BAL", mind, re.MULTILINE)


def test_surveys_have_their_paper_and_page(survey, tmp_path):
    ones = np.ones((3, 2750))
    desi = write_desi(tmp_path / "b.fits", {"B": (np.arange(3600, 5800, 0.8), *[ones] * 2)})
    build([*survey, str(desi)], tmp_path / "o.h5")
    text = card_path(tmp_path / "o.h5").read_text()
    assert "those of the surveys' pipelines" in text
    assert [row["survey"] for row in tables(text)["Surveys"]] == ["BOSS", "DESI"]
    cited = {row["survey"]: row["page"] for row in tables(text)["Terms and citation"]}
    assert "sdss.org" in cited["BOSS"]
    assert "desi.lbl.gov" in cited["DESI"]
    assert "none of these, or not known" in text


def test_every_survey_of_the_readers_is_cited():
    from huggins.formats import desi, lamost

    assert {desi.NAME.upper(), lamost.NAME.upper()} <= set(module._TERMS)
    assert {"SDSS", "BOSS", "EBOSS", "SDSS-V"} <= set(module._TERMS)


def test_layout_of_2019(survey, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 4)
    layout = {"options": Options(layout="seed")}
    build(survey, tmp_path / "o.h5", **layout)
    text = card_path(tmp_path / "o.h5").read_text()
    classes = {row["class"]: int(row["spectra"]) for row in tables(text)["Classes"]}
    with h5py.File(tmp_path / "o.h5") as file:
        assert list(classes.values()) == file["classes"][:].sum(axis=0).tolist()
    assert "The layout of 2019" in text


def test_many_reasons_are_summed_up_and_bars_do_not_break_the_table(built):
    reasons = {f"a|b {i}": i for i in range(1, 21)}
    said = describe(built, reasons).partition("## Left out")[2]
    assert r"| a\|b 20 | 20 |" in said
    assert f"| 5 other reasons | {1 + 2 + 3 + 4 + 5} |" in said


def test_spectra_without_redshift_or_signal_have_dashes(tmp_path):
    truth = make_truth(300, z=np.nan)
    build([str(write_boss_spec(tmp_path / "a.fits", truth))], tmp_path / "o.h5")
    rows = tables(card_path(tmp_path / "o.h5").read_text())["Classes"]
    assert rows[-1]["redshift, 5 to 95 %"] == "-"


def test_card_that_cannot_be_written_is_an_error(built):
    card_path(built).unlink()
    card_path(built).mkdir()
    with pytest.raises(OutputError, match=r"o\.h5\.card\.md: cannot be written"):
        module.write_card(built, {})
    assert list(built.parent.glob(".*")) == []
