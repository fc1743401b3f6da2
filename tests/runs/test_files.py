"""Output files that are whole or not there at all."""

import errno
import os
from pathlib import Path

import pytest

from huggins.errors import InputError, OutputError
from huggins.runs.files import (
    cannot_write,
    check_distinct,
    check_writable,
    replacing,
    temporary_path,
    write_bytes,
    write_text,
)


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_library_gets_a_name_with_the_same_suffix(tmp_path):
    path = tmp_path / "figure.pdf"
    with temporary_path(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".pdf")
        temporary.write_bytes(b"%PDF")
    assert path.read_bytes() == b"%PDF"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_nothing_was_written_to_leaves_the_old_file(tmp_path):
    path = tmp_path / "figure.pdf"
    path.write_bytes(b"old")
    with temporary_path(path):
        pass
    assert path.read_bytes() == b"old"


def test_files_have_the_permissions_of_any_new_file(tmp_path):
    write_bytes(tmp_path / "a", b"a")
    (tmp_path / "b").write_bytes(b"b")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_text_is_utf_8(tmp_path):
    write_text(tmp_path / "a.txt", "Å\n")
    assert (tmp_path / "a.txt").read_bytes() == "Å\n".encode()


def test_errors_name_the_file_and_the_reason(tmp_path):
    path = tmp_path / "missing" / "a.txt"
    with pytest.raises(OutputError, match=f"{path}: cannot be written: No such file"):
        write_text(path, "a")


def test_a_full_disk_has_a_remedy(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(cannot_write(tmp_path, full)).endswith("; free space or name another output")


def test_outputs_are_checked_before_the_work(tmp_path):
    check_writable(tmp_path / "a.fits", [".csv", ".fits"])
    check_writable(tmp_path / "a")
    with pytest.raises(InputError, match=r"must end in \.csv, \.fits"):
        check_writable(tmp_path / "a.doc", [".csv", ".fits"])
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="make it first"):
        check_writable(tmp_path / "missing" / "a.csv")


def test_two_outputs_in_one_file_are_told(tmp_path):
    path = tmp_path / "a.fits"
    (tmp_path / "link").symlink_to(tmp_path)
    check_distinct({"-o": path, "--models": tmp_path / "b.fits", "--log": None})
    check_distinct({"-o": Path("-"), "--log": Path("-")})
    with pytest.raises(OutputError, match="-o and --log name the same file"):
        check_distinct({"-o": path, "--models": None, "--log": tmp_path / "link" / "a.fits"})


def test_only_a_file_of_the_same_kind_is_replaced(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"schema": "huggins-report"}')
    check_writable(path, same_kind=lambda path: path.name == "a.json")
    with pytest.raises(OutputError, match="another output of huggins, no page"):
        check_writable(path, kind="page", same_kind=lambda path: False)
    check_writable(path, same_kind=lambda path: False, overwrite=True)


def test_a_missing_ending_is_said(tmp_path):
    with pytest.raises(InputError, match=r"the ending is missing: .* in \.csv, or --format"):
        check_writable(tmp_path / "a", [".csv"], hint=", or --format")
