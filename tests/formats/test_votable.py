"""The quick reader of plain VOTables gives what astropy gives, and leaves it the others."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from astropy import units as u
from astropy.io import votable as by_astropy
from astropy.table import Table

from huggins.errors import ReadError
from huggins.formats import open_bytes, votable

ROWS = 50

pytestmark = pytest.mark.filterwarnings("ignore")  # of astropy, on units


def plain(**more):
    table = Table(
        {
            "wavelength": np.linspace(400.0, 900.0, ROWS) * u.nm,
            "flux": np.linspace(1, 2, ROWS, dtype="f4") * u.Unit("1e-17 erg / (s cm2 AA)"),
            "error": np.full(ROWS, 0.1, "f4") * u.Unit("1e-17 erg / (s cm2 AA)"),
            "mask": (np.arange(ROWS) % 7 == 0).astype("i4"),
            **more,
        }
    )
    table["flux"][3] = np.nan
    return table


def written(table, layout="tabledata"):
    file = io.BytesIO()
    table.write(file, format="votable", tabledata_format=layout)
    return file.getvalue()


@pytest.mark.parametrize("layout", ["tabledata", "binary", "binary2"])
def test_as_astropy(layout):
    content = written(plain(), layout)
    columns = votable.columns(content)
    expected = by_astropy.parse(io.BytesIO(content)).get_first_table().to_table()
    assert [c.name for c in columns] == expected.colnames
    for column in columns:
        other = expected[column.name]
        assert column.unit == str(other.unit or "")
        assert column.values.dtype == other.dtype
        masked = np.ma.asarray(other, np.float64)
        np.testing.assert_array_equal(column.values, masked.filled(np.nan))


@pytest.mark.parametrize("layout", ["tabledata", "binary", "binary2"])
def test_the_spectrum_is_the_same(layout, monkeypatch):
    content = written(plain(), layout)
    (quick,) = open_bytes(content)
    monkeypatch.setattr(votable, "columns", lambda _: None)
    (slow,) = open_bytes(content)
    for name in ("loglam", "flux", "ivar"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name))
    assert (~quick.good).sum() == 9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<TD>400", b"<TD encoding='base64'>400"),
        (b"<TD>400</TD>", b"<TD></TD>"),
        (b"<TD>400</TD>", b"<TD/>"),
        (b"<TD>400</TD>", b"<TD>4/5</TD>"),
        (b"<TD>400</TD>", b"<TD>40_0</TD>"),
        (b"<TD>400</TD>", b"<TD>4 00</TD>"),
        (b"<TD>400</TD>", b"<TD>&#52;00</TD>"),
        (b"<TD>400</TD>", b"<TD>400</TD><!-- first -->"),
        (b"<TD>400</TD>", b""),
        (b"<TD>1</TD>\n     </TR>", b"<TD>9999999999</TD>\n     </TR>"),
        (b'datatype="double"', b'datatype="long"'),
        (b'datatype="double"', b'datatype="double" arraysize="2"'),
        (b'name="flux"', b'name="wavelength"'),
        (b'ID="flux"', b'ID="flux (air)"'),
        (b"<TABLE>", b"<TABLE></TABLE><TABLE>"),
        (b"<VOTABLE", b"<!DOCTYPE VOTABLE [<!ENTITY a 'b'>]><VOTABLE"),
        (b"<DATA>", b"<DATA><!-- rows -->"),
    ],
)
def test_anything_unusual_is_left_to_astropy(old, new):
    content = written(plain())
    assert votable.columns(content) is not None
    changed = content.replace(old, new, 1)
    assert changed != content
    if new == b'name="wavelength"':
        changed = changed.replace(b'ID="flux"', b"").replace(b'ID="wavelength"', b"")
    assert votable.columns(changed) is None


@pytest.mark.parametrize("cut", [100, 900, 2000, -40])
def test_a_truncated_file_is_an_error_or_left_to_astropy(cut):
    content = written(plain())[:cut]
    for item in open_bytes(content):
        assert isinstance(item, ReadError)


@pytest.mark.parametrize("layout", ["tabledata", "binary", "binary2"])
def test_null_values_are_left_to_astropy(layout):
    content = written(plain(), layout)
    field, rest = content[content.index(b'<FIELD ID="mask"') :].split(b"/>", 1)
    null = field + b"><VALUES null='0'/></FIELD>" + rest
    assert votable.columns(content.replace(field + b"/>" + rest, null)) is None


def test_flags_of_nulls_are_left_to_astropy():
    table = Table({"wavelength": np.arange(5.0), "flux": np.arange(5.0)}, masked=True)
    assert votable.columns(written(table, "binary2")) is not None
    data = np.zeros(5, [("nulls", "u1"), ("wavelength", ">f8"), ("flux", ">f8")])
    data["nulls"][2] = 0x40
    content = written(table, "binary2")
    start = content.index(b">", content.index(b"<STREAM")) + 1
    stop = content.index(b"</STREAM>")
    flagged = content[:start] + base64.b64encode(data.tobytes()) + content[stop:]
    assert votable.columns(flagged) is None
