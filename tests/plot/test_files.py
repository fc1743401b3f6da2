import pytest
from matplotlib.figure import Figure

from huggins import __version__
from huggins.errors import InputError, OutputError
from huggins.plot import save
from huggins.runs.ours import written_by_huggins


def figures(*names):
    for name in names:
        figure = Figure(figsize=(1, 1))
        figure.text(0.1, 0.5, name)
        yield name, figure


def hidden(folder):
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


def test_folder_gets_a_png_each(tmp_path):
    folder = tmp_path / "new" / "pictures"
    assert list(save(figures("a", "b"), folder)) == [folder / "a.png", folder / "b.png"]
    for name in ("a.png", "b.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG\r\n")
    assert hidden(folder) == []


def test_pdf_gets_a_page_each(tmp_path):
    path = tmp_path / "all.pdf"
    assert list(save(figures("a", "b", "c"), path)) == [path]
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"/Count 3" in content
    assert hidden(tmp_path) == []


def test_one_picture_takes_one_figure(tmp_path):
    path = tmp_path / "a.PNG"
    assert list(save(figures("x"), path)) == [path]
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match=r"several spectra .* folder or a \.pdf"):
        list(save(figures("x", "y"), tmp_path / "b.png"))
    assert not (tmp_path / "b.png").exists()


def test_other_kinds_of_pictures_are_refused_and_not_taken_for_folders(tmp_path):
    with pytest.raises(InputError, match=r"unknown kind of picture '\.jpg'"):
        list(save(figures("x"), tmp_path / "a.jpg"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "plots.new").mkdir()
    assert list(save(figures("x"), tmp_path / "plots.new")) == [
        tmp_path / "plots.new" / "x.png"
    ]


def test_nothing_to_draw_leaves_nothing(tmp_path):
    assert list(save(figures(), tmp_path / "a.pdf")) == []
    assert list(save(figures(), tmp_path / "a.png")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.pdf", "folder"])
def test_place_that_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written: Not a directory; name another"):
        list(save(figures("x"), tmp_path / "file" / name))


def test_existing_file_survives_a_failure(tmp_path):
    path = tmp_path / "all.pdf"
    path.write_text("old")

    def broken():
        yield from figures("a")
        raise RuntimeError("reading stops")

    with pytest.raises(RuntimeError, match="reading stops"):
        list(save(broken(), path, overwrite=True))
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.pdf"]


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("png", b"Software\0huggins"),
        ("pdf", b"/Creator (huggins"),
        ("svg", b"<dc:title>huggins"),
    ],
)
def test_a_picture_tells_version_and_network(tmp_path, ending, said):
    path = tmp_path / f"a.{ending}"
    list(save(figures("x"), path, model="tiny 0123456789abcdef"))
    content = path.read_bytes()
    assert said in content
    assert f"huggins {__version__}, model tiny 0123456789abcdef".encode() in content
    assert written_by_huggins(path)  # and may be replaced
    list(save(figures("y"), path, model="tiny 0123456789abcdef"))
