"""The reference pages say what the code says."""

import re
from pathlib import Path

from huggins import formats
from huggins.formats import fits_images, fits_tables, hdf5, hdf5_arrays, memory
from huggins.inference.table import COLUMNS, DESI_NAMES
from huggins.quality import MEANING, ZWarning

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def rows(page, heading):
    """Rows of the table whose first line is `heading`, as lists of cells without backticks."""
    lines = (REFERENCE / page).read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines[lines.index(heading) + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return found


def test_columns_are_those_of_the_table_in_order():
    kinds = {"str": "text", "int32": "integer", "float32": "float32", "float64": "float64"}
    said = [row[:2] for row in rows("columns.md", "| column | type | meaning |")]
    assert said == [[column.name, kinds[column.kind]] for column in COLUMNS]


def test_names_for_desi_are_given():
    text = (REFERENCE / "columns.md").read_text(encoding="utf-8")
    for sdss, desi in DESI_NAMES.items():
        assert re.search(rf"`{desi}` for\s+`{sdss}`", text)


def test_header_keys_are_those_that_are_written(tmp_path):
    from huggins.inference import load_model
    from huggins.inference.table import provenance
    from tiny_model import write_model

    written = provenance(load_model(write_model(tmp_path / "tiny.onnx")), "huggins classify")
    assert [row[0] for row in rows("columns.md", "| key | meaning |")] == list(written)


def test_bits_have_their_numbers_and_words():
    said = rows("zwarning.md", "| bit | value | name | means |")
    assert said == [
        [str(bit.value.bit_length() - 1), str(bit.value), bit.name, MEANING[bit]]
        for bit in ZWarning
    ]


def test_every_bit_is_explained():
    text = (REFERENCE / "zwarning.md").read_text(encoding="utf-8")
    explained = text.partition("## When they are set")[2]
    for bit in ZWarning:
        assert f"`{bit.name}`" in explained


def test_formats_are_those_of_the_readers():
    said = {
        row[0]
        for row in rows("formats.md", "| reader | what | pixels | errors | wavelengths |")
    }
    readers = {module.NAME for module in formats._FITS if module is not formats.generic}
    readers |= {formats.arrays.NAME, fits_images.NAME, fits_tables.NAME, hdf5_arrays.NAME}
    readers |= {formats.text.NAME, hdf5.NAME, hdf5.SEED_NAME, memory.NAME, formats.sparcl.NAME}
    assert said == readers
