"""Small copies of spec files: what later steps need, to the bit, and nothing else.

A small copy is a spec file like any other and every reader takes it: the primary header, the
table of pixels with fewer columns, and the pipeline's row with its header. Exposures, model,
sky and the table of lines are left out.
"""

from __future__ import annotations

import gzip as gzip_
import hashlib
import os
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins import __version__
from huggins.errors import OutputError, ReadError
from huggins.fits import Fits, Source
from huggins.fits.cards import (
    CARD,
    padded,
    padded_header,
    split,
    without_checksums,
    without_end,
)
from huggins.formats import open_file
from huggins.formats.foreign import unknown
from huggins.formats.spec import find_coadd, find_pipeline
from huggins.runs.files import temporary_path
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.fits.hdu import Hdu
    from huggins.fits.layout import FitsColumn

#: Columns of pixels that are kept, and the one that is kept on request.
COLUMNS: Final = ("FLUX", "LOGLAM", "IVAR", "AND_MASK", "OR_MASK")
WDISP: Final = "WDISP"

# HDUs of spec files, of all generations: pixels, rows of pipelines, lines, exposures.
_HDUS: Final = re.compile(
    r"COADD|SPALL|ZALL|SPECOBJ|SPZLINE|ZLINE|[BR][12]-\d{8}(?:-\d{8})*", re.IGNORECASE
)
# Columns of pixels that are left out.
_DROPPED: Final = ("SKY", "MODEL", "WRESL", "CALIB_CORR")
# Everything that any reader gives of a spectrum, but for its place.
_COMPARED: Final = tuple(
    each.name
    for each in fields(Spectrum)
    if each.name not in ("file", "index", "format", "pipeline")
)
_NUMBERED: Final = re.compile(rb"T([A-Z]{2,5})([1-9]\d{0,2}) *=")


@dataclass(frozen=True, slots=True)
class Small:
    """What is kept of a spec file.

    Attributes
    ----------
    primary : bytes
        Cards of the primary header, without END.
    header : bytes
        Cards of the table of pixels, without END.
    pixels : ndarray of uint8, shape (rows, bytes)
        Its data.
    row_header : bytes
        Cards of the pipeline's table, without END; empty where the file has none.
    row : bytes
        Its one row.
    size : int
        Bytes of the original file.
    """

    primary: bytes
    header: bytes
    pixels: NDArray[np.uint8]
    row_header: bytes
    row: bytes
    size: int


def read_small(path: str, *, wdisp: bool = False) -> Small:
    """Read what is kept of a spec file.

    Parameters
    ----------
    path
        The file.
    wdisp
        Whether the resolution is kept too.

    Raises
    ------
    ReadError
        If it cannot be read or is no spec file.
    """
    names = (*COLUMNS, WDISP) if wdisp else COLUMNS
    with Source(path) as source:
        if not source.fits:
            raise ReadError(f"only spec files can be made small: {unknown(source.head)}", path)
        fits = Fits(source)
        coadd = find_coadd(fits)
        primary = fits.hdu(0)
        if coadd is None or primary is None or primary.size or coadd.layout.kind != "table":
            raise ReadError(
                "only spec files of SDSS can be made small, and this is none: leave it so",
                path,
            )
        _check_known(fits, coadd, path)
        if coadd.layout.behind:
            raise ReadError("its table has columns of variable length: leave it as it is", path)
        columns = sorted(
            (coadd.columns[name] for name in names if name in coadd),
            key=lambda column: column.number,
        )
        rows, width = coadd.shape
        raw = np.frombuffer(source.read(coadd.start, rows * width), np.uint8)
        raw = raw.reshape(rows, width)
        pixels = np.concatenate([raw[:, c.offset : c.offset + c.size] for c in columns], axis=1)
        pipeline = find_pipeline(fits, coadd)
        row_header = row = b""
        if pipeline is not None:
            row_header = without_end(pipeline.header)
            row = source.read(pipeline.start, pipeline.size)
        return Small(
            without_end(primary.header),
            _header_of(columns, coadd.header),
            pixels,
            row_header,
            row,
            source.size,
        )


def _check_known(fits: Fits, coadd: Hdu, path: str) -> None:
    """Check that nothing is left out but what is known to be dispensable.

    Raises
    ------
    ReadError
        If the file holds an HDU or a column that no spec file of SDSS has: it may be of
        another survey, or somebody's own work.
    """
    pipeline = find_pipeline(fits, coadd)
    for number, hdu in enumerate(fits):
        name = hdu.name
        if number == 0 or hdu is coadd or hdu is pipeline:
            continue
        known = _HDUS.fullmatch(name) if name else "LINENAME" in hdu.columns
        if not known or hdu.layout.kind != "table":
            what = f"HDU {name}" if name else f"HDU {number}, which has no name"
            raise ReadError(f"no spec file of SDSS has its {what}: leave it as it is", path)
    unknown_columns = sorted(
        name for name in coadd.columns if name not in (*COLUMNS, WDISP, *_DROPPED)
    )
    if coadd.name not in ("", "COADD") or unknown_columns:
        what = f"column {unknown_columns[0]}" if unknown_columns else f"HDU {coadd.name}"
        raise ReadError(f"no spec file of SDSS has its {what}: leave it as it is", path)


def to_bytes(small: Small, *history: str) -> bytes:
    """Return the small file, with lines of history in its primary header."""
    primary = without_checksums(small.primary) + b"".join(
        f"HISTORY {line}"[:CARD].ljust(CARD).encode("ascii") for line in history
    )
    content = padded_header(primary) + padded_header(small.header)
    content += padded(small.pixels.tobytes())
    if small.row_header:
        content += padded_header(small.row_header) + padded(small.row)
    return content


def shrink(
    source: Path, target: Path, *, wdisp: bool = False, gzip: bool = False, name: str = ""
) -> int:
    """Write a small copy of a spec file, and verify it.

    The copy is written to a temporary name, read back and compared with the source before it
    gets its own name, which may be that of the source.

    Parameters
    ----------
    source, target
        Paths.
    wdisp
        Whether to keep the resolution too.
    gzip
        Whether to compress the copy: half the size, and slower to read.
    name
        What the copy calls the source in its history; the source's own name by default.

    Returns
    -------
    int
        Bytes of the source.

    Raises
    ------
    ReadError
        If the source cannot be read or is no spec file.
    OutputError
        If the copy cannot be written or differs. The source is left as it was.
    """
    small = read_small(os.fspath(source), wdisp=wdisp)
    before = source.stat().st_size
    content = to_bytes(small, *_history(source, name or source.name, before))
    if gzip:
        content = gzip_.compress(content, 6, mtime=0)
    with temporary_path(target) as temporary:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        verify(source, temporary, wdisp=wdisp)
    return before


def verify(source: Path, copy: Path, *, wdisp: bool = False) -> None:
    """Compare a small copy with its source.

    Raises
    ------
    OutputError
        If the pixels, the pipeline's row, or the spectrum that is read from them differ.
    """
    try:
        one, two = (read_small(os.fspath(path), wdisp=wdisp) for path in (source, copy))
        same = (
            np.array_equal(one.pixels, two.pixels)
            and one.header == two.header
            and (one.row_header, one.row) == (two.row_header, two.row)
            and [plain(item) for item in open_file(source)]
            == [plain(item) for item in open_file(copy)]
        )
    except ReadError as error:
        raise OutputError(
            f"{copy}: what was written cannot be read back ({error.what}): check the disk; "
            "the source is left"
        ) from error
    if not same:
        raise OutputError(
            f"{copy}: what was written differs from the source: check the disk; the source is "
            "left"
        )


def plain(item: Spectrum | ReadError) -> tuple[object, ...]:
    """Return a spectrum without its file and index, or an error, in a form to be compared."""
    if isinstance(item, ReadError):
        return (item.what,)
    result = item.pipeline
    values = (getattr(item, name) for name in _COMPARED)
    return (
        *(value.tobytes() if isinstance(value, np.ndarray) else value for value in values),
        *(result.cls, result.subclass, result.z, result.zwarning),
    )


def _history(source: Path, name: str, size: int) -> tuple[str, ...]:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    safe = name.encode("ascii", "replace").decode()[-48:]
    return (
        f"made small by huggins {__version__}",
        f"from {safe}, {size} bytes",
        f"sha256 {digest[:32]}",
        f"       {digest[32:]}",
    )


def _header_of(columns: list[FitsColumn], header: bytes) -> bytes:
    """Return the cards of a table, without END, of which only some columns are left."""
    numbers = {column.number: i for i, column in enumerate(columns, 1)}
    cards = []
    for card in split(without_checksums(without_end(header))):
        match = _NUMBERED.match(card)
        if card.startswith(b"NAXIS1  ="):
            cards.append(b"NAXIS1  = %20d" % sum(c.size for c in columns) + card[30:])
        elif card.startswith(b"TFIELDS ="):
            cards.append(b"TFIELDS = %20d" % len(columns) + card[30:])
        elif not match:
            cards.append(card)
        elif int(match[2]) in numbers:
            cards.append((b"T%s%d" % (match[1], numbers[int(match[2])])).ljust(8) + card[8:])
    return b"".join(cards)
