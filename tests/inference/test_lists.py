"""Lists of files as people have them."""

from __future__ import annotations

import io

import pytest

from huggins.inference.lists import paths_of, paths_of_text


def listed(text: str | bytes) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(paths_of(io.BytesIO(content)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark"])
def test_byte_order_marks(encoding):
    text = "a.fits\r\nb ä.fits\r\n"
    if encoding == "utf-16-le-mark":
        content = b"\xff\xfe" + text.encode("utf-16-le")
    else:
        content = text.encode(encoding)
    assert listed(content) == ["a.fits", "b ä.fits"]


def test_names_of_any_bytes_survive():
    assert listed(b"\xff.fits\n")[0].encode("utf-8", "surrogateescape") == b"\xff.fits"


def test_nul_between_names_as_find_print0_writes():
    assert listed(b"a b.fits\0new\nline.fits\0c.fits\0") == [
        "a b.fits",
        "new\nline.fits",
        "c.fits",
    ]


def test_a_second_column_as_in_lists_of_pyhammer():
    assert listed("spec/a.fits sdssdr12\nspec/b.txt\ttxt M3\n") == ["spec/a.fits", "spec/b.txt"]
    assert listed("a.fits,QSO,2.1\nb.fits;STAR\n") == ["a.fits", "b.fits"]


def test_a_name_with_blanks_is_a_file_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.fits b.fits").touch()
    assert listed("a.fits b.fits\nmy gone file.fits\n") == [
        "a.fits b.fits",
        "my gone file.fits",
    ]


def test_quotes():
    assert listed("'a b.fits' x\n\"c.fits\"\n") == ["a b.fits", "c.fits"]


@pytest.mark.parametrize(
    "text",
    [
        "z,filename,class\n1,a.fits,QSO\n2,b.fits,STAR\n",
        "Z;File Name\n1;a.fits\n2;b.fits\n",
        "z\tPATH\n1\ta.fits\n2\tb.fits\n",
        "FILE\na.fits\nb.fits\n",
        "file  z\na.fits   2\nb.fits   1\n",
        'z,"file_path"\n1,"a.fits"\n2,b.fits\n',
    ],
)
def test_a_header_names_the_column(text):
    assert listed(text) == ["a.fits", "b.fits"]


def test_rows_of_one_file_in_a_table_are_one_file():
    text = "FILE,INDEX\nplate.fits,0\nplate.fits,1\nb.fits,0\n"
    assert listed(text) == ["plate.fits", "b.fits"]


def test_a_file_called_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert listed("file\na.fits\n") == ["file", "a.fits"]


def test_home_and_addresses(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert listed("~/a.fits\nhttps://x.org/b.fits?c=1,2\n") == [
        "/home/me/a.fits",
        "https://x.org/b.fits?c=1,2",
    ]


def test_long_lists_come_in_blocks():
    names = [f"folder/spec-{i:07d}.fits" for i in range(10_000)]
    assert listed("\n".join(names)) == names
    assert listed("\0".join(names)) == names
    assert list(paths_of_text(f"{name}\n" for name in names)) == names


def test_nothing():
    assert listed("") == listed("# only a comment\n\n") == []
