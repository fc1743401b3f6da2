"""The journal keeps what is done, whatever happens."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError, OutputError
from huggins.inference.journal import Journal, Place, extend
from huggins.inference.table import TEXTS, Rows

DEPENDS = {"huggins": "1", "model": "tiny 12ab", "threshold": None}


def make_rows(count: int, *, start: int = 0) -> Rows:
    rows = Rows.empty(count)
    rows.numbers["PLATE"] = np.arange(start, start + count)
    rows.numbers["Z"] = 0.25
    rows.texts["FILE"] = [f"späc-{start + i}.fits" for i in range(count)]
    rows.texts["ERROR"] = ["broken" if (start + i) % 3 == 0 else "" for i in range(count)]
    return rows


def fill(path, blocks: int = 4) -> list[int]:
    """Write a journal of blocks of 5 rows; return the file's size after each."""
    sizes = []
    with Journal(path, DEPENDS) as journal:
        sizes.append(path.stat().st_size)
        for i in range(blocks):
            journal.append(make_rows(5, start=5 * i), Place(5 * i + 5, 1, extend(b"", str(i))))
            sizes.append(path.stat().st_size)
    return sizes


def plates(journal: Journal) -> list[int]:
    return [plate for rows in journal for plate in rows.numbers["PLATE"].tolist()]


def test_rows_come_back_as_they_were(tmp_path):
    rows = make_rows(7)
    with Journal(tmp_path / "t.part", DEPENDS) as journal:
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
        assert journal.widths["FILE"] == len(r"sp\xe4c-0.fits")
        assert journal.widths["SURVEY"] == 1


def test_resume_goes_on_behind_the_last_block(tmp_path):
    path = tmp_path / "t.part"
    fill(path, 2)
    with Journal(path, DEPENDS, resume=True) as journal:
        assert (journal.rows, journal.failed, journal.place.inputs) == (10, 4, 10)
        assert journal.widths["FILE"] == len(r"sp\xe4c-0.fits")
        journal.append(make_rows(3, start=10), Place(13, 1, b"z" * 20))
        assert plates(journal) == list(range(13))


@given(st.data())
def test_a_kill_at_any_byte_loses_one_block_at_most(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("kill") / "t.part"
    sizes = fill(path)
    cut = data.draw(st.integers(sizes[0], sizes[-1]))
    os.truncate(path, cut)
    whole = sum(size <= cut for size in sizes[1:])
    with Journal(path, DEPENDS, resume=True) as journal:
        assert journal.rows == 5 * whole
        assert journal.place.inputs == 5 * whole
        journal.append(make_rows(1, start=999), Place(5 * whole + 1, 1, b"z" * 20))
        assert plates(journal) == [*range(5 * whole), 999]


@given(st.data())
def test_a_damaged_byte_is_noticed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "t.part"
    sizes = fill(path)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(sizes[0], sizes[-1] - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with Journal(path, DEPENDS, resume=True) as journal:
        whole = sum(size <= at for size in sizes[1:])
        assert plates(journal) == list(range(5 * whole))


def test_without_resume_an_old_journal_is_moved_aside(tmp_path):
    path = tmp_path / "t.part"
    fill(path)
    old = path.read_bytes()
    with Journal(path, DEPENDS) as journal:
        assert journal.rows == 0
        assert journal.moved == tmp_path / "t.part.old"
        assert journal.moved.read_bytes() == old


def test_resume_without_a_journal_begins(tmp_path):
    with Journal(tmp_path / "t.part", DEPENDS, resume=True) as journal:
        assert (journal.rows, journal.moved) == (0, None)


def test_resume_with_other_options_is_refused(tmp_path):
    path = tmp_path / "t.part"
    fill(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"threshold was None and is 0\.5 now: give the same"):
        Journal(path, {**DEPENDS, "threshold": 0.5}, resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"hello", b"huggins journal 1\n", b"huggins journal 1\n[1]\n", b"\0" * 99]
)
def test_something_else_in_its_place_is_refused(tmp_path, content):
    path = tmp_path / "t.part"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no journal of this huggins: delete it"):
        Journal(path, DEPENDS, resume=True)
    assert path.read_bytes() == content


def test_two_runs_into_one_output_are_refused(tmp_path):
    path = tmp_path / "t.part"
    with Journal(path, DEPENDS) as journal:
        for resume in (False, True):
            with pytest.raises(OutputError, match="another huggins is writing it"):
                Journal(path, DEPENDS, resume=resume)
        journal.append(make_rows(1), Place(1, 1, b"x" * 20))
        assert plates(journal) == [0]


def test_a_full_disk_keeps_what_is_done(tmp_path, monkeypatch):
    path = tmp_path / "t.part"
    with Journal(path, DEPENDS) as journal:
        journal.append(make_rows(5), Place(5, 1, b"x" * 20))
        whole = path.stat().st_size
        file = journal._file

        class Full:
            """A file that takes 10 bytes more, and then no more."""

            def __init__(self):
                self.room = 10

            def write(self, data):
                if self.room == 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
                self.room -= min(self.room, len(data))
                return file.write(data[:10])

            def __getattr__(self, name):
                return getattr(file, name)

        monkeypatch.setattr(journal, "_file", Full())
        with pytest.raises(OutputError, match=r"t\.part: cannot write: No space.*--resume"):
            journal.append(make_rows(5, start=5), Place(10, 1, b"y" * 20))
        assert path.stat().st_size == whole
    with Journal(path, DEPENDS, resume=True) as journal:
        assert plates(journal) == list(range(5))


def test_remove(tmp_path):
    path = tmp_path / "t.part"
    Journal(path, DEPENDS).remove()
    assert not path.exists()
