"""What the user names, as paths."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

from factories import write_text
from huggins.errors import InputError
from huggins.inference import Inputs


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of (empty) spectra with what else lies in such folders."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "data/b.fits",
        "data/a.FITS.gz",
        "data/a/2.fit",
        "data/a/10.fits.fz",
        "data/.hidden.fits",
        "data/.cache/x.fits",
        "data/spZbest-0266-51602.fits",
        "data/redrock-5-169.fits",
        "data/README",
        "data/labels.csv",
        "data/all.fits.part",
        "none/notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("path,class,z\nx.fits,QSO,2.1\n")
    x = np.linspace(4000, 5000, 50)
    write_text(tmp_path / "data" / "c.txt", [x, x, x])
    return tmp_path


FOUND = ["data/a.FITS.gz", "data/a/10.fits.fz", "data/a/2.fit", "data/b.fits", "data/c.txt"]


def test_a_folder_is_searched_in_order_of_names_and_only_spectra_are_taken(tree):
    inputs = Inputs(["data"])
    assert list(inputs) == FOUND
    # spZbest and redrock are known to hold none; hidden ones are not even seen.
    assert [file.path for file in inputs.left_out.files] == [
        "data/README",
        "data/all.fits.part",
        "data/labels.csv",
    ]
    assert inputs.left_out.count == 3
    assert inputs.missed == 0


def test_order_is_the_same_each_time(tree):
    assert list(Inputs(["data"])) == list(Inputs(["data"]))


def test_an_excluded_output_is_no_input(tree):
    assert "data/b.fits" not in list(Inputs(["data"], exclude=tree / "data" / "b.fits"))


def test_named_files_are_taken_whatever_they_are(tree):
    names = ["data/README", "data/spZbest-0266-51602.fits", "gone.fits"]
    assert list(Inputs(names)) == names


def test_patterns(tree):
    assert list(Inputs(["data/*.fits"])) == [
        "data/b.fits",
        "data/redrock-5-169.fits",
        "data/spZbest-0266-51602.fits",
    ]
    assert list(Inputs(["data/**/2.fit"])) == ["data/a/2.fit"]


def test_a_name_with_brackets_is_a_file_first(tree):
    (tree / "x[1].fits").touch()
    assert list(Inputs(["x[1].fits"])) == ["x[1].fits"]


def test_lists(tree, monkeypatch):
    text = "# mine\n\ndata/b.fits\r\n  gone.fits  \ndata/a\n"
    expected = ["data/b.fits", "gone.fits", "data/a/10.fits.fz", "data/a/2.fit"]
    (tree / "list.txt").write_text(text)
    assert list(Inputs(["@list.txt"])) == expected
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    inputs = Inputs(["-"])
    assert inputs.count(10.0) is None
    assert list(inputs) == expected


def test_a_list_may_come_through_a_pipe(tree):
    read, write = os.pipe()
    os.write(write, b"data/b.fits\ngone.fits\n")
    os.close(write)
    inputs = Inputs([f"@/dev/fd/{read}"])
    assert inputs.count(10.0) is None
    assert list(inputs) == ["data/b.fits", "gone.fits"]


def test_count(tree):
    inputs = Inputs(["data", "gone.fits"])
    assert inputs.count(60.0) == len(FOUND) + 1
    assert inputs.left_out.count == 0
    many = tree / "many.txt"
    many.write_text("x.fits\n" * 1000)
    assert Inputs([f"@{many}"]).count(-1.0) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no input"),
        (["none"], "none: no spectra in this folder"),
        (["data/*.xyz"], "nothing matches"),
        (["@gone.txt"], "gone.txt: cannot read this list: No such file"),
        (["@none"], "none: cannot read this list: Is a directory"),
        (["@empty.txt"], "names no files"),
        (["-"], "names no files"),
        (["none", "data/*.xyz"], "none: no spectra in this folder.*; data/.*nothing matches"),
    ],
)
def test_nothing_to_do(tree, monkeypatch, arguments, said):
    (tree / "empty.txt").write_text("# nothing\n\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(InputError, match=said):
        Inputs(arguments)


def test_what_stands_for_nothing_ends_no_run(tree):
    inputs = Inputs(["none", "data/b.fits", "@gone.txt"])
    assert list(inputs) == ["data/b.fits"]
    assert inputs.missed == 2
    assert inputs.empty[0].startswith("none: no spectra")


def test_a_folder_of_unreadable_spectra_says_so(tree):
    rows = "".join(f"{4000 + i} 1.0 x\n" for i in range(50))
    for i in range(5):
        (tree / "none" / f"{i}.txt").write_text("wave sky note\n" + rows)
    with pytest.raises(InputError, match=r"none/0\.txt: .*none/2\.txt: .*; and 2 more"):
        Inputs(["none"])


def test_left_out_files_may_be_kept(tree):
    found = list(Inputs(["data"], keep_left_out=True))
    assert set(found) - set(FOUND) == {"data/README", "data/all.fits.part", "data/labels.csv"}


def test_home(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    expected = [str(tree / "data" / "b.fits")]
    assert list(Inputs(["~/data/b.fits"])) == expected
    assert list(Inputs(["~/data/b*"])) == expected
    (tree / "list.txt").write_text("~/data/b.fits\n")
    assert list(Inputs(["@~/list.txt"])) == expected


def test_a_loop_of_links_ends(tree):
    (tree / "data" / "a" / "up").symlink_to(tree / "data")
    assert len(list(Inputs(["data"]))) == len(FOUND)


def test_a_broken_link_named_as_a_spectrum_is_kept(tree):
    (tree / "data" / "z.fits").symlink_to("gone.fits")
    assert list(Inputs(["data"]))[-1] == "data/z.fits"


def test_a_pipe_in_a_folder_is_left_alone(tree):
    os.mkfifo(tree / "data" / "pipe.fits")
    assert "data/pipe.fits" not in list(Inputs(["data"]))


def test_a_folder_that_cannot_be_searched_gets_a_row(tree, monkeypatch):
    real = os.scandir

    def scandir(path):
        if path == "data/a":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert "data/a" in list(Inputs(["data"]))
