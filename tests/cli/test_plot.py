import signal
from contextlib import suppress

import numpy as np
import pytest
from matplotlib.figure import Figure

from factories import make_truth, write_boss_spec, write_spplate
from huggins.cli import main
from huggins.cli.plot import _stem
from tiny_model import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny.onnx", favour="QSO", z=2.5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of the test: two spectra, and a file that is none."""
    for i in (1, 2):
        write_boss_spec(tmp_path / f"spec-{i}.fits", make_truth(300, seed=i))
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  =")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(model, capsys):
    def call(*arguments):
        status = main(["plot", *arguments, "--model", str(model)])
        said = capsys.readouterr()
        # On a slow machine there are lines of progress as well.
        err = [line for line in said.err.splitlines() if " figures done, " not in line]
        return status, said.out.splitlines(), err

    return call


def write_plate(folder, *, fibres):
    truths = [make_truth(300, seed=i) for i in range(fibres)]
    flux, ivar = (np.stack([getattr(t, name) for t in truths]) for name in ("flux", "ivar"))
    write_spplate(folder / "spPlate-7102-56666.fits", flux, ivar)


@pytest.mark.slow
def test_without_o_a_png_of_the_files_name_in_the_current_folder(folder, run):
    (folder / "elsewhere").mkdir()
    (folder / "spec-1.fits").rename(folder / "elsewhere" / "spec-1.fits")
    assert run("elsewhere/spec-1.fits") == (0, ["spec-1.png"], [])
    assert (folder / "spec-1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_several_files_into_one_pdf(folder, run):
    said = ["huggins: plotting 2 files, about 0:00:01"]
    assert run("spec-1.fits", "spec-2.fits", "-o", "both.pdf") == (0, ["both.pdf"], said)
    assert b"/Count 2" in (folder / "both.pdf").read_bytes()


@pytest.mark.slow
def test_several_files_into_a_folder(folder, run):
    status, out, _ = run("spec-*.fits", "-o", "pictures")
    assert status == 0
    assert out == ["pictures/spec-1.png", "pictures/spec-2.png"]


@pytest.mark.slow
def test_one_picture_of_several_files_is_refused(folder, run):
    status, out, err = run("spec-1.fits", "spec-2.fits", "-o", "a.png")
    assert (status, out) == (2, [])
    assert "give -o a folder or a .pdf file" in err[-1]
    assert not (folder / "a.png").exists()


@pytest.mark.slow
def test_bad_file_is_named_and_the_rest_drawn(folder, run):
    status, out, err = run("spec-1.fits", "broken.fits", "gone.fits", "spec-2.fits")
    assert status == 1
    assert out == ["spec-1.png", "spec-2.png"]
    assert len(err) == 3
    assert err[1].startswith("huggins: broken.fits: ")
    assert err[2].startswith("huggins: gone.fits: ")


def test_nothing_drawn_is_status_2(folder, run):
    status, out, err = run("broken.fits")
    assert (status, out, len(err)) == (2, [], 1)


@pytest.mark.slow
def test_files_of_one_name_do_not_overwrite_one_another(folder, run):
    (folder / "other").mkdir()
    write_boss_spec(folder / "other" / "spec-1.fits", make_truth(300, seed=9))
    _, out, _ = run("spec-1.fits", "other/spec-1.fits", "-o", "pictures")
    assert out == ["pictures/spec-1.png", "pictures/spec-1_2.png"]


@pytest.mark.slow
def test_index_chooses_fibres(folder, run):
    write_plate(folder, fibres=4)
    status, out, err = run("spPlate-7102-56666.fits", "--index", "1", "-i", "3")
    assert (status, err) == (0, [])
    assert out == ["spPlate-7102-56666-1.png", "spPlate-7102-56666-3.png"]
    status, out, err = run("spPlate-7102-56666.fits", "--index", "7", "-i", "0")
    assert (status, out) == (1, ["spPlate-7102-56666-0.png"])
    assert err == ["huggins: spPlate-7102-56666.fits: there is no spectrum 7: it holds 4"]


def test_index_of_a_broken_file_says_that_it_is_broken(folder, run):
    status, _, err = run("broken.fits", "--index", "7")
    assert status == 2
    assert len(err) == 1
    assert "there is no spectrum" not in err[0]


@pytest.mark.slow
def test_many_spectra_in_a_file_are_not_drawn_by_accident(folder, run, monkeypatch):
    monkeypatch.setattr("huggins.cli.plot._MANY", 2)
    write_plate(folder, fibres=3)
    status, out, err = run("spPlate-7102-56666.fits")
    assert (status, out) == (2, [])
    assert "holds more than 2 spectra: choose some with --index N" in err[0]
    status, out, _ = run("spPlate-7102-56666.fits", "--all", "--quiet")
    assert (status, out) == (0, [])
    assert len(list(folder.glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("a/spec-55859-F5902_sp01-013.fits.gz", "spec-55859-F5902_sp01-013"),
        ("spSpec-51630-0266-038.fit", "spSpec-51630-0266-038"),
        ("J1234.56+78.9.csv", "J1234.56+78.9"),
        ("plain", "plain"),
        ("a.b.c", "a.b.c"),
    ],
)
def test_name_of_the_picture(path, stem):
    assert _stem(path) == stem


@pytest.mark.slow
def test_second_and_no_redshift_change_what_is_drawn(folder, run, monkeypatch):
    drawn = []

    def draw(spectrum, row, *, fit, second):
        drawn.append((fit is not None, second, bool(row["DELTACHI2"] is not np.ma.masked)))
        return Figure()

    monkeypatch.setattr("huggins.plot.plot_spectrum", draw)
    for options in ((), ("--second",), ("--no-redshift",)):
        assert run("spec-1.fits", *options)[0] == 0
    assert drawn == [(True, False, True), (True, True, True), (False, False, False)]


@pytest.fixture
def results(folder, model):
    """A table of results of the two spectra, a plate of three, and one that is gone."""
    write_plate(folder, fibres=3)
    inputs = ["spec-1.fits", "spPlate-7102-56666.fits", "spec-2.fits", "gone.fits"]
    argv = ["classify", *inputs, "-o", "t.csv", "-q", "--model", str(model)]
    assert main(argv) == 1
    return folder / "t.csv"


@pytest.mark.slow
def test_rows_of_a_table_of_results(results, run):
    status, out, err = run("t.csv", "-w", "INDEX == 2 or FILE == 'spec-2.fits'", "-o", "p")
    assert status == 0
    assert out == ["p/spPlate-7102-56666-2.png", "p/spec-2.png"]
    assert err == ["huggins: plotting 2 spectra, about 0:00:01"]


@pytest.mark.slow
def test_rows_beside_the_table_and_rows_that_failed(results, run, monkeypatch):
    (results.parent / "elsewhere").mkdir()
    monkeypatch.chdir(results.parent / "elsewhere")
    status, out, err = run("../t.csv", "-w", "INDEX == 1 or ERROR != ''", "-o", "p")
    assert (status, out) == (1, ["p/spPlate-7102-56666-1.png"])
    assert "huggins: gone.fits: there is no such file: check the path" in err


@pytest.mark.slow
def test_at_most_so_many(results, run):
    status, out, err = run("t.csv", "-n", "2", "-o", "p")
    assert (status, len(out)) == (0, 2)
    assert err[0] == ("huggins: t.csv: the first 2 of 6 rows: -n N plots more, --all plots all")
    assert len(run(".", "-n", "1", "-o", "q")[1]) == 1


def test_where_needs_a_table_and_a_row(results, run):
    status, _, err = run("spec-1.fits", "-w", "ZWARNING != 0")
    assert status == 2
    assert "--where chooses rows of a table of results, and spec-1.fits is none" in err[0]
    status, _, err = run("t.csv", "-w", "INDEX > 5")
    assert status == 2
    assert "holds for none of the 6 rows of t.csv" in err[0]


def test_ctrl_c_that_a_callback_swallows_ends_it_all_the_same(folder, run, monkeypatch):
    def draw(*arguments, **options):
        with suppress(KeyboardInterrupt):  # as Python does in a callback of a weak reference
            signal.raise_signal(signal.SIGINT)
        return Figure()

    monkeypatch.setattr("huggins.plot.plot_spectrum", draw)
    before = signal.getsignal(signal.SIGINT)
    status, out, err = run("spec-1.fits", "spec-2.fits", "--no-redshift")
    assert (status, out) == (130, [])
    assert err[-1] == "huggins: interrupted"
    assert signal.getsignal(signal.SIGINT) is before
