"""The table of results as DESI's tools read that of redrock.

Data model: https://desidatamodel.readthedocs.io (redrock-*.fits). HDU REDSHIFTS has redrock's
columns; HDU FIBERMAP says which spectrum each row is. The coefficients are those of huggins'
own templates, which the header names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.fits.paths import percent
from huggins.inference.bestfit import COEFFICIENTS, blank
from huggins.inference.table import NO_INTEGER
from huggins.runs.files import replacing
from huggins.tables.output import ascii_only, header_values
from huggins.tables.write_fits import fits_table
from huggins.taxonomy import BROAD_CLASSES
from huggins.weights import BASIS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.inference.table import Rows

_REDSHIFTS: Final = np.dtype(
    [
        ("TARGETID", ">i8"), ("CHI2", ">f8"), ("COEFF", ">f8", (COEFFICIENTS,)), ("Z", ">f8"),
        ("ZERR", ">f8"), ("ZWARN", ">i8"), ("NPIXELS", ">i8"), ("SPECTYPE", "S6"),
        ("SUBTYPE", "S20"), ("NCOEFF", ">i8"), ("DELTACHI2", ">f8"),
    ]
)  # fmt: skip
_LARGEST: Final = 2**63


def write_redrock(
    path: Path,
    parts: Callable[[], Iterable[Rows]],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
) -> None:
    """Write REDSHIFTS and FIBERMAP, a row per row of the table, in order.

    Parameters
    ----------
    path, count, widths, metadata
        As for `huggins.inference.table.write_rows`.
    parts
        Returns the rows, with their best fits, from the first on.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    from astropy.io import fits

    fibermap = np.dtype(
        [
            ("TARGETID", ">i8"), ("TARGET_RA", ">f8"), ("TARGET_DEC", ">f8"), ("FIBER", ">i4"),
            ("OBJTYPE", "S3"), ("FILE", f"S{widths.get('FILE', 1)}"), ("INDEX", ">i4"),
        ]
    )  # fmt: skip
    cards = {key: ascii_only(value) for key, value in header_values(metadata).items()}
    for i, name in enumerate(sorted(BROAD_CLASSES)):
        cards |= {
            f"TEMNAM{i:02d}": name,
            f"TEMVER{i:02d}": metadata["BASISSHA"],
            f"TEMFIL{i:02d}": BASIS.name,
        }
    primary = fits.PrimaryHDU().header
    primary.update(cards)
    with replacing(path) as file:
        file.write(primary.tostring().encode("ascii"))
        redshifts = (_redshifts(rows, first) for first, rows in _numbered(parts()))
        fits_table(file, "REDSHIFTS", _REDSHIFTS, count, redshifts, cards)
        fibers = (_fibers(rows, first, fibermap) for first, rows in _numbered(parts()))
        units = {"TARGET_RA": "deg", "TARGET_DEC": "deg"}
        fits_table(file, "FIBERMAP", fibermap, count, fibers, units=units)


def _numbered(parts: Iterable[Rows]) -> Iterable[tuple[int, Rows]]:
    first = 0
    for rows in parts:
        yield first, rows
        first += len(rows)


def target_ids(rows: Rows, first: int) -> NDArray[np.int64]:
    """Return the identifiers of some rows as DESI has them: whole numbers of 64 bits.

    TARGETID where that is such a number, else SPECOBJID; where neither is, -1 less the number
    of the row, counted from 0, which no survey gives.
    """
    both = zip(rows.texts["TARGETID"], rows.texts["SPECOBJID"], strict=True)
    return np.array(
        [
            next((int(word) for word in words if _whole(word)), -1 - number)
            for number, words in enumerate(both, first)
        ],
        np.int64,
    )


def _whole(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.isascii() and digits.isdigit() and -_LARGEST <= int(word) < _LARGEST


def _redshifts(rows: Rows, first: int) -> NDArray[np.void]:
    best = blank(len(rows)) if rows.best is None else rows.best
    table = np.zeros(len(rows), _REDSHIFTS)
    table["TARGETID"] = target_ids(rows, first)
    table["CHI2"], table["COEFF"] = best["chi2"], best["coefficients"]
    table["NPIXELS"], table["NCOEFF"] = best["pixels"], best["count"]
    for name, own in (("Z", "Z"), ("ZERR", "Z_ERR"), ("DELTACHI2", "DELTACHI2")):
        # The shortest decimal that stands for a single-precision number.
        table[name] = rows.numbers[own].astype("U").astype(np.float64)
    table["ZWARN"] = rows.numbers["ZWARNING"]
    table["SPECTYPE"], table["SUBTYPE"] = rows.texts["CLASS"], rows.texts["SUBCLASS"]
    return table


def _fibers(rows: Rows, first: int, record: np.dtype[Any]) -> NDArray[np.void]:
    table = np.zeros(len(rows), record)
    table["TARGETID"] = target_ids(rows, first)
    table["TARGET_RA"], table["TARGET_DEC"] = rows.numbers["RA"], rows.numbers["DEC"]
    fiber = rows.numbers["FIBERID"]
    table["FIBER"] = np.where(fiber == NO_INTEGER, -1, fiber)
    table["OBJTYPE"] = b"TGT"
    table["FILE"] = list(map(percent, rows.texts["FILE"]))
    table["INDEX"] = rows.numbers["INDEX"]
    return table
