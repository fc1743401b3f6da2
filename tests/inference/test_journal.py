"""The journal keeps what is done, whatever happens."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from huggins.errors import OutputError
from huggins.inference.journal import Place, RowJournal, extend
from huggins.inference.table import TEXTS, Rows

DEPENDS = {"huggins": "1", "model": "tiny 12ab", "threshold": None}


def make_rows(count: int, *, start: int = 0) -> Rows:
    rows = Rows.empty(count)
    rows.numbers["PLATE"] = np.arange(start, start + count)
    rows.numbers["Z"] = 0.25
    rows.texts["FILE"] = [f"späc-{start + i}.fits" for i in range(count)]
    rows.texts["ERROR"] = ["broken" if (start + i) % 3 == 0 else "" for i in range(count)]
    return rows


def fill(path, blocks: int) -> None:
    """Write a journal of blocks of 5 rows."""
    with closing(RowJournal(path, DEPENDS)) as journal:
        for i in range(blocks):
            journal.append(make_rows(5, start=5 * i), Place(5 * i + 5, 1, extend(b"", str(i))))


def plates(journal: RowJournal) -> list[int]:
    return [plate for rows in journal for plate in rows.numbers["PLATE"].tolist()]


def test_rows_come_back_as_they_were(tmp_path):
    rows = make_rows(7)
    with closing(RowJournal(tmp_path / "t.part", DEPENDS)) as journal:
        journal.append(rows, Place(7, 1, b"x" * 20))
        journal.append(Rows.empty(0), Place(7, 1, b"x" * 20))
        journal.append(make_rows(2, start=7), Place(9, 2, b"y" * 20))
        back = list(journal)
        assert [len(part) for part in back] == [7, 0, 2]
        assert back[0].numbers.tobytes() == rows.numbers.tobytes()
        assert back[0].texts == rows.texts
        assert set(back[0].texts) == set(TEXTS)
        assert (journal.rows, journal.failed) == (9, 3)
        assert journal.place == Place(9, 2, b"y" * 20)
        assert journal.widths["FILE"] == len("sp%C3%A4c-0.fits")
        assert journal.widths["SURVEY"] == 1


def test_resume_goes_on_behind_the_last_block(tmp_path):
    path = tmp_path / "t.part"
    fill(path, 2)
    with closing(RowJournal(path, DEPENDS, resume=True)) as journal:
        assert (journal.rows, journal.failed, journal.place.inputs) == (10, 4, 10)
        assert journal.widths["FILE"] == len("sp%C3%A4c-0.fits")
        journal.append(make_rows(3, start=10), Place(13, 1, b"z" * 20))
        assert plates(journal) == list(range(13))


def test_two_runs_into_one_output_are_refused(tmp_path):
    path = tmp_path / "t.part"
    with closing(RowJournal(path, DEPENDS)) as journal:
        for resume in (False, True):
            with pytest.raises(OutputError, match="another huggins is writing it"):
                RowJournal(path, DEPENDS, resume=resume)
        journal.append(make_rows(1), Place(1, 1, b"x" * 20))
        assert plates(journal) == [0]


def test_remove(tmp_path):
    path = tmp_path / "t.part"
    RowJournal(path, DEPENDS).remove()
    assert not path.exists()
