"""A table as FITS, in chunks of rows."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from huggins.fits.cards import BLOCK, card, padded_header
from huggins.fits.paths import percent
from huggins.tables.output import OutputTable, Texts, ascii_only, length, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_PRIMARY: Final = b"".join(
    (
        card("SIMPLE", True, "conforms to FITS standard"),
        card("BITPIX", 8, "array data type"),
        card("NAXIS", 0, "number of array dimensions"),
        card("EXTEND", True),
    )
)
_CODES: Final = {"i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
_TFORMS: Final = {"int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}


def write_fits(file: IO[bytes], table: OutputTable) -> None:
    """Write a FITS file with one binary table, and one for each behind it."""
    file.write(padded_header(_PRIMARY))
    for each in (table, *table.behind):
        _write_hdu(file, each)


def _write_hdu(file: IO[bytes], table: OutputTable) -> None:
    layout: list[tuple[str, str]] = []
    cards: list[bytes] = []
    for i, column in enumerate(table.columns, start=1):
        if column.text:
            cards.append(card(f"TFORM{i}", f"{column.width}A"))
            layout.append((column.name, f"S{column.width}"))
        else:
            cards.append(card(f"TFORM{i}", _TFORMS[column.kind]))
            layout.append((column.name, np.dtype(column.kind).newbyteorder(">").str))
        cards.append(card(f"TTYPE{i}", column.name))
        if column.null is not None:
            cards.append(card(f"TNULL{i}", column.null))
        if column.unit:
            cards.append(card(f"TUNIT{i}", column.unit))
        cards.append(card(f"TCOMM{i}", column.description))
        if column.ucd:
            cards.append(card(f"TUCD{i}", column.ucd))
    record = np.dtype(layout)
    _write_header(file, table.name, record, table.count, cards, metadata(table))
    size = 0
    for chunk in table.chunks:
        rows = np.zeros(length(chunk), dtype=record)
        for column, cells in zip(table.columns, chunk, strict=True):
            field = rows[column.name]
            if isinstance(cells, Texts):
                texts = list(map(percent, cells.words)) if column.path else cells.words
                words = _encoded(texts, field.dtype)
                field[:] = words if cells.codes is None else words[cells.codes]
            else:
                field[:] = cells.values
                if field.dtype.kind == "f":  # infinite is missing too
                    field[cells.missing] = np.nan
        size += file.write(rows.tobytes())
    file.write(b"\0" * (-size % BLOCK))


def fits_table(
    file: IO[bytes],
    name: str,
    record: np.dtype[Any],
    count: int,
    chunks: Iterable[NDArray[np.void]],
    cards: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> None:
    """Append a binary table whose rows are records; arrays in them become vectors.

    Parameters
    ----------
    file
        At the end of an HDU.
    name
        EXTNAME.
    record
        Type of a row, big-endian.
    count, chunks
        Number of rows, and the rows in order.
    cards
        Further cards of its header.
    units
        Of columns, by name.
    """
    described: list[bytes] = []
    for i, column in enumerate(record.names or (), start=1):
        kind = record[column]
        length = int(np.prod(kind.shape, dtype=int)) if kind.shape else ""
        code = f"{kind.itemsize}A" if kind.kind == "S" else _CODES[kind.base.str[1:]]
        described.append(card(f"TTYPE{i}", column))
        described.append(card(f"TFORM{i}", f"{length}{code}"))
        if units and column in units:
            described.append(card(f"TUNIT{i}", units[column]))
    _write_header(file, name, record, count, described, cards or {})
    size = sum(file.write(rows.tobytes()) for rows in chunks)
    file.write(b"\0" * (-size % BLOCK))


def _write_header(
    file: IO[bytes],
    name: str,
    record: np.dtype[Any],
    count: int,
    columns: list[bytes],
    metadata: Mapping[str, str],
) -> None:
    cards = (
        card("XTENSION", "BINTABLE", "binary table"),
        card("BITPIX", 8),
        card("NAXIS", 2),
        card("NAXIS1", record.itemsize, "bytes in a row"),
        card("NAXIS2", count, "rows"),
        card("PCOUNT", 0),
        card("GCOUNT", 1),
        card("TFIELDS", len(record.names or ()), "columns"),
        card("EXTNAME", name),
        *columns,
        *(card(key, ascii_only(value)) for key, value in metadata.items()),
    )
    file.write(padded_header(b"".join(cards)))


def _encoded(words: list[str], dtype: np.dtype[Any]) -> NDArray[np.bytes_]:
    try:
        encoded = np.array(words, dtype)
    except UnicodeEncodeError:
        encoded = np.array([ascii_only(word) for word in words], dtype)
    return encoded
