"""A table as VOTable, in chunks of rows: https://www.ivoa.net/documents/VOTable/."""

from __future__ import annotations

from html import escape
from typing import IO, Any, Final

from huggins.tables.output import OutputColumn, OutputTable, metadata, python_rows

# Types of VOTable; text is Unicode, because a path may be.
_TYPES: Final = {
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
}


def write_votable(file: IO[bytes], table: OutputTable) -> None:
    """Write a VOTable 1.4 whose rows are text; an empty cell is a missing value."""
    infos = "".join(
        f'<INFO name="{_text(name)}" value="{_text(value)}"/>\n'
        for name, value in metadata(table).items()
    )
    fields = "".join(map(_field, table.columns))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results">\n{infos}'
        f'<TABLE name="{_text(table.name)}" nrows="{table.count}">\n{fields}'
        "<DATA><TABLEDATA>\n"
    )
    file.write(head.encode())
    for rows in python_rows(table):
        lines = (f"<TR>{''.join(map(_cell, row))}</TR>\n" for row in rows)
        file.write("".join(lines).encode("utf-8", "backslashreplace"))
    file.write(b"</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n")


def _field(column: OutputColumn) -> str:
    kind = 'datatype="unicodeChar" arraysize="*"'
    null = ""
    if not column.text:
        kind = f'datatype="{_TYPES[column.kind]}"'
        if column.null is not None:
            null = f'<VALUES null="{column.null}"/>'
    unit = f' unit="{_text(column.unit)}"' if column.unit else ""
    ucd = f' ucd="{_text(column.ucd)}"' if column.ucd else ""
    return (
        f'<FIELD name="{_text(column.name)}" {kind}{unit}{ucd}>'
        f"<DESCRIPTION>{_text(column.description)}</DESCRIPTION>{null}</FIELD>\n"
    )


def _cell(value: Any) -> str:
    if value is None:
        return "<TD/>"
    if isinstance(value, str):
        return f"<TD>{_text(value)}</TD>"
    return f"<TD>{'NaN' if value != value else value}</TD>"


def _text(value: str) -> str:
    return escape("".join(c for c in value if c.isprintable()))
