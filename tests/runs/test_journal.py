"""The journal keeps what is done, whatever happens."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError, OutputError
from huggins.runs.journal import Journal

DEPENDS = {"huggins": "1", "model": "tiny 12ab", "threshold": None}
BLOCKS = [bytes([i]) * 9000 for i in range(1, 5)]


def fill(path) -> None:
    with Journal(path, DEPENDS) as journal:
        for i, block in enumerate(BLOCKS):
            journal.append(block, {"done": i + 1})


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The files of a process that was killed, and the length of the log after each block."""
    folder = tmp_path_factory.mktemp("killed")
    path, log = folder / "live.part", folder / "live.part-wal"
    sizes = []
    with Journal(path, DEPENDS) as journal:
        sizes.append(log.stat().st_size)
        for i, block in enumerate(BLOCKS):
            journal.append(block, {"done": i + 1})
            sizes.append(log.stat().st_size)
        shutil.copy(path, folder / "t.part")
        shutil.copy(log, folder / "t.part-wal")
    return folder, sizes


def copy(killed, folder):
    shutil.copytree(killed, folder, dirs_exist_ok=True)
    return folder / "t.part", folder / "t.part-wal"


def check(path, whole: int) -> None:
    with Journal(path, DEPENDS, resume=True) as journal:
        assert journal.state == ({"done": whole} if whole else {})
        assert list(journal) == BLOCKS[:whole]
        journal.append(b"more", {"done": 99})
        assert list(journal) == [*BLOCKS[:whole], b"more"]


@given(st.data())
def test_a_kill_at_any_byte_loses_one_block_at_most(tmp_path_factory, killed, data):
    folder, sizes = killed
    path, log = copy(folder, tmp_path_factory.mktemp("kill"))
    cut = data.draw(st.integers(sizes[0], sizes[-1]))
    log.write_bytes(log.read_bytes()[:cut])
    check(path, sum(size <= cut for size in sizes[1:]))


@given(st.data())
def test_a_damaged_byte_of_the_log_is_noticed(tmp_path_factory, killed, data):
    folder, sizes = killed
    path, log = copy(folder, tmp_path_factory.mktemp("damage"))
    content = bytearray(log.read_bytes())
    at = data.draw(st.integers(sizes[0] + 24, sizes[-1] - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    log.write_bytes(content)
    with Journal(path, DEPENDS, resume=True) as journal:
        whole = len(list(journal))
        assert whole >= sum(size <= at for size in sizes[1:])
        assert list(journal) == BLOCKS[:whole]


def test_a_block_that_is_damaged_later_is_noticed(tmp_path):
    path = tmp_path / "t.part"
    fill(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(BLOCKS[2][:50], b"?" * 50, 1))
    check(path, 2)


def test_a_file_that_is_cut_is_refused(tmp_path):
    path = tmp_path / "t.part"
    fill(path)
    path.write_bytes(path.read_bytes()[:40_000])
    with pytest.raises(InputError, match="is damaged"):
        Journal(path, DEPENDS, resume=True)


def test_without_resume_an_old_journal_is_moved_aside(tmp_path, killed, caplog):
    path, log = copy(killed[0], tmp_path)
    old = path.read_bytes(), log.read_bytes()
    with Journal(path, DEPENDS) as journal:
        assert journal.state == {}
        assert (tmp_path / "t.part.old").read_bytes() == old[0]
        assert (tmp_path / "t.part.old-wal").read_bytes() == old[1]
    assert "now in" in caplog.text


def test_resume_without_a_journal_begins(tmp_path):
    with Journal(tmp_path / "t.part", DEPENDS, resume=True) as journal:
        assert journal.state == {}


def test_resume_with_other_options_is_refused(tmp_path):
    path = tmp_path / "t.part"
    fill(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"--threshold was not given and is 0\.5 now: give"):
        Journal(path, {**DEPENDS, "threshold": 0.5}, resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"hello", b"huggins journal 1\n", b"\0" * 999])
def test_something_else_in_its_place_is_refused(tmp_path, content):
    path = tmp_path / "t.part"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not written by huggins"):
        Journal(path, DEPENDS, resume=True)
    assert path.read_bytes() == content


def test_two_runs_into_one_output_are_refused(tmp_path):
    path = tmp_path / "t.part"
    with Journal(path, DEPENDS) as journal:
        for resume in (False, True):
            with pytest.raises(OutputError, match="another huggins is writing it"):
                Journal(path, DEPENDS, resume=resume)
        journal.append(b"a", {"done": 1})
        assert list(journal) == [b"a"]


def test_a_full_disk_keeps_what_is_done(tmp_path):
    path = tmp_path / "t.part"
    with Journal(path, DEPENDS) as journal:
        journal.append(BLOCKS[0], {"done": 1})
        pages = journal.execute("PRAGMA page_count").fetchone()[0]
        journal.execute(f"PRAGMA max_page_count={pages + 1}")
        with pytest.raises(OutputError, match=r"t\.part: cannot be written: .*full"):
            journal.append(bytes(10**6), {"done": 2})
        assert journal.state == {"done": 1}
    check(path, 1)
