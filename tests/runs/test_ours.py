"""Which files are of huggins, as their content tells."""

import gzip
import io
import zipfile

import h5py
import numpy as np
import pytest
from astropy.io import fits

from factories import make_truth, write_boss_spec
from huggins.errors import OutputError
from huggins.runs.files import check_replaceable
from huggins.runs.ours import CREATOR, same_columns, written_by_huggins
from huggins.tables.write import WRITERS, Numbers, OutputColumn, OutputTable, Texts, write_table

OURS = same_columns(["NAME", "Z"])


def make_table(creator: str = CREATOR) -> OutputTable:
    columns = [OutputColumn("NAME", "str", "name"), OutputColumn("Z", "float32", "redshift")]
    values = np.ones(1, np.float32)
    chunk = [Texts(["a"]), Numbers(values, np.zeros(1, bool))]
    return OutputTable("T", columns, 1, [chunk], {"CREATOR": creator})


@pytest.mark.parametrize("extension", WRITERS)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_our_tables_are_ours(tmp_path, extension, packed):
    path = tmp_path / f"t{extension}{packed}"
    write_table(path, make_table())
    assert written_by_huggins(path, OURS)


@pytest.mark.parametrize("extension", [".fits", ".ecsv", ".parquet"])
def test_tables_of_others_are_not(tmp_path, extension):
    path = tmp_path / f"t{extension}"
    write_table(path, make_table("somebody"))
    assert not written_by_huggins(path, OURS)


def test_a_table_to_which_somebody_added_a_column_is_theirs(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("NAME,Z,COMMENT\na,1,look again\n")
    assert not written_by_huggins(path, OURS)
    path.write_text('{"NAME": "a", "Z": 1, "COMMENT": "look again"}\n')
    assert not written_by_huggins(path, OURS)


@pytest.mark.parametrize(
    "content",
    [
        b"a table\n",
        b"1 2 3\n4 5 6\n",
        b"%PDF-1.4",
        b"PK\3\4",
        b"\x89PNG\r\n\x1a\n",
        b"{",
    ],
)
def test_anything_else_is_somebody_s(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert not written_by_huggins(path, OURS)


def test_nothing_is_lost_with_an_empty_file(tmp_path):
    (tmp_path / "x").touch()
    assert written_by_huggins(tmp_path / "x")


def test_hdf5(tmp_path):
    for name, attribute in (("ours.h5", "huggins_schema"), ("theirs.h5", "schema")):
        with h5py.File(tmp_path / name, "w") as file:
            file.attrs[attribute] = 1
        assert written_by_huggins(tmp_path / name) == (name == "ours.h5")


def test_arrays_are_told_by_the_comment_of_the_archive(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    assert not written_by_huggins(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
        file.comment = CREATOR.encode()
    assert written_by_huggins(tmp_path / "a.npz")


def test_a_spectrum_of_the_survey_is_not_ours_packed_or_not(tmp_path):
    path = write_boss_spec(tmp_path / "spec.fits", make_truth())
    assert not written_by_huggins(path)
    packed = tmp_path / "spec.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert not written_by_huggins(packed)
    with pytest.raises(OutputError, match="no output of huggins: name another output, or add"):
        check_replaceable(packed)


def test_an_input_is_found_under_any_name(tmp_path):
    path = tmp_path / "t.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("Z", "E", array=[1.0])])
    table.header["CREATOR"] = CREATOR
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(content)
    path.write_bytes(content.getvalue())
    check_replaceable(path)
    (tmp_path / "link.fits").symlink_to(path)
    for name in (path, tmp_path / "link.fits", tmp_path / "." / "t.fits"):
        with pytest.raises(OutputError, match="is an input too"):
            check_replaceable(path, inputs=["gone.fits", name])


def test_a_fits_file_is_told_by_its_first_two_headers(tmp_path):
    path = tmp_path / "t.fits"
    ours = fits.Header([("CREATOR", CREATOR)])
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1])], header=ours)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    assert written_by_huggins(path)
    many = fits.Header([(f"KEY{n}", n) for n in range(200)] + [("CREATOR", CREATOR)])
    fits.HDUList([fits.PrimaryHDU(header=many)]).writeto(path, overwrite=True)
    assert written_by_huggins(path)
    image = fits.PrimaryHDU(np.zeros(4000), header=fits.Header([("ORIGIN", "a survey")]))
    fits.HDUList([image, table]).writeto(path, overwrite=True)
    assert not written_by_huggins(path)  # somebody's image, and behind it what we made
    path.write_bytes(path.read_bytes()[:2880])
    assert not written_by_huggins(path)
