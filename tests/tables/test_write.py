"""One table in every format: text by code, missing numbers, escapes; see also test_output."""

import numpy as np
import pytest

from huggins.tables.read import read_columns
from huggins.tables.write import WRITERS, Numbers, OutputColumn, OutputTable, Texts, write_table

COLUMNS = (
    OutputColumn("WORD", "str", "a text by code", width=6),
    OutputColumn("COUNT", "int32", "a whole number", null=-1),
    OutputColumn("VALUE", "float32", "a number", "deg"),
)


def chunks():
    for count in (3, 0, 2):
        numbers = np.arange(count)
        codes = numbers % 2
        yield (
            Texts(["qso", "é"][: max(count, 1)], codes),
            Numbers(np.where(codes, -1, numbers).astype("i4"), codes == 1),
            Numbers(np.where(codes, np.inf, 0.1).astype("f4"), codes == 1),
        )


@pytest.mark.parametrize("extension", WRITERS)
def test_round_trip(tmp_path, extension):
    path = tmp_path / f"t{extension}"
    write_table(path, OutputTable("T", COLUMNS, 5, chunks(), {"CREATOR": "huggins"}))
    table = read_columns(path)
    other = r"\xe9" if extension == ".fits" else "é"
    assert table.text("WORD").tolist() == ["qso", other, "qso", "qso", other]
    missing = [False, True, False, False, True]
    for name, values in (("COUNT", [0, 2, 0]), ("VALUE", [0.1, 0.1, 0.1])):
        numbers = table.number(name)
        assert np.isnan(numbers).tolist() == missing
        assert np.allclose(numbers[~np.array(missing)], values)
