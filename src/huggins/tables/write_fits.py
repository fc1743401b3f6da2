"""A table as FITS, in chunks of rows."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from huggins.fits.paths import percent
from huggins.tables.output import OutputTable, Texts, ascii_only, length, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_FITS_BLOCK: Final = 2880
_CODES: Final = {"i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
_TFORMS: Final = {"int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}


def write_fits(file: IO[bytes], table: OutputTable) -> None:
    """Write a FITS file with one binary table, and one for each behind it."""
    from astropy.io import fits

    file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    for each in (table, *table.behind):
        _write_hdu(file, each)


def _write_hdu(file: IO[bytes], table: OutputTable) -> None:
    from astropy.io import fits

    layout: list[tuple[str, str]] = []
    cards = fits.Header()
    for i, column in enumerate(table.columns, start=1):
        if column.text:
            cards[f"TFORM{i}"] = f"{column.width}A"
            layout.append((column.name, f"S{column.width}"))
        else:
            cards[f"TFORM{i}"] = _TFORMS[column.kind]
            layout.append((column.name, np.dtype(column.kind).newbyteorder(">").str))
        cards[f"TTYPE{i}"] = column.name
        if column.null is not None:
            cards[f"TNULL{i}"] = column.null
        if column.unit:
            cards[f"TUNIT{i}"] = column.unit
        cards[f"TCOMM{i}"] = column.description
        if column.ucd:
            cards[f"TUCD{i}"] = column.ucd
    record = np.dtype(layout)
    header = fits.Header(
        [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", record.itemsize, "bytes in a row"),
            ("NAXIS2", table.count, "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(table.columns), "columns"),
            ("EXTNAME", table.name),
        ]
    )
    header.extend(cards, unique=True)
    header.update((key, ascii_only(value)) for key, value in metadata(table).items())
    file.write(header.tostring().encode("ascii"))
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
    file.write(b"\0" * (-size % _FITS_BLOCK))


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
    from astropy.io import fits

    header = fits.Header(
        [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", record.itemsize, "bytes in a row"),
            ("NAXIS2", count, "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(record.names or ()), "columns"),
            ("EXTNAME", name),
        ]
    )
    for i, column in enumerate(record.names or (), start=1):
        kind = record[column]
        length = int(np.prod(kind.shape, dtype=int)) if kind.shape else ""
        code = f"{kind.itemsize}A" if kind.kind == "S" else _CODES[kind.base.str[1:]]
        header[f"TTYPE{i}"] = column
        header[f"TFORM{i}"] = f"{length}{code}"
        if units and column in units:
            header[f"TUNIT{i}"] = units[column]
    header.update({key: ascii_only(value) for key, value in (cards or {}).items()})
    file.write(header.tostring().encode("ascii"))
    size = sum(file.write(rows.tobytes()) for rows in chunks)
    file.write(b"\0" * (-size % _FITS_BLOCK))


def _encoded(words: list[str], dtype: np.dtype[Any]) -> NDArray[np.bytes_]:
    try:
        encoded = np.array(words, dtype)
    except UnicodeEncodeError:
        encoded = np.array([ascii_only(word) for word in words], dtype)
    return encoded
