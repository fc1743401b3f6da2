"""Spec files made small: what later steps need, to the bit, and nothing else.

The small file is a spec file like any other, so every reader takes it: the primary header,
the table of pixels with fewer columns, and the pipeline's row with its header. Exposures,
model, sky and the table of lines are left out.
"""

from __future__ import annotations

import contextlib
import gzip as gzip_
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins import __version__
from huggins.errors import OutputError, ReadError
from huggins.fits import Fits
from huggins.fits.cards import BLOCK, CARD, keyword
from huggins.fits.layout import CODES
from huggins.fits.source import Source
from huggins.formats import open_file
from huggins.formats.foreign import unknown
from huggins.formats.spec import find_coadd, find_pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.fits.hdu import Hdu
    from huggins.spectrum import Spectrum

#: Columns of pixels that are kept, and the one that is kept on request.
COLUMNS: Final = ("FLUX", "LOGLAM", "IVAR", "AND_MASK", "OR_MASK")
WDISP: Final = "WDISP"

_NUMBERED = re.compile(rb"T([A-Z]{2,5})([1-9]\d{0,2}) *=")
# Of the data as they were.
_STALE = (b"CHECKSUM=", b"DATASUM =")
_END = b"END".ljust(CARD)


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
        Bytes of the whole file that it is from.
    """

    primary: bytes
    header: bytes
    pixels: NDArray[np.uint8]
    row_header: bytes
    row: bytes
    size: int


def read_small(path: str, *, wdisp: bool = False) -> Small:
    """Read of a spec file what is to be kept.

    Raises
    ------
    ReadError
        If it cannot be read or is no spec file.
    """
    wanted = (*COLUMNS, WDISP) if wdisp else COLUMNS
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
        if coadd.layout.behind:
            raise ReadError("its table has columns of variable length: leave it", path)
        numbers = _numbers(coadd, wanted)
        rows, width = coadd.shape
        data = source.read(coadd.start, rows * width)
        raw = np.frombuffer(data, np.uint8).reshape(rows, width)
        columns = [coadd.layout.columns[name] for name in numbers]
        sizes = [column.repeat * CODES[column.code][1] for column in columns]
        pixels = np.concatenate(
            [
                raw[:, column.offset : column.offset + size]
                for column, size in zip(columns, sizes, strict=True)
            ],
            axis=1,
        )
        header = _fewer_columns(coadd.header, list(numbers.values()), sum(sizes))
        pipeline = find_pipeline(fits, coadd)
        row_header = row = b""
        if pipeline is not None:
            row_header = _cards(pipeline.header)
            row = source.read(pipeline.start, pipeline.size)
        return Small(_cards(primary.header), header, pixels, row_header, row, source.size)


def to_bytes(small: Small, *history: str) -> bytes:
    """Return the small file, with lines of history in its primary header."""
    primary = without_checksums(small.primary) + b"".join(
        f"HISTORY {line}"[:CARD].ljust(CARD).encode("ascii") for line in history
    )
    parts = [
        padded_header(primary),
        padded_header(small.header),
        padded(small.pixels.tobytes()),
    ]
    if small.row_header:
        parts += [padded_header(small.row_header), padded(small.row)]
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Bytes of a file before and after."""

    before: int
    after: int


def shrink(
    source: Path, target: Path, *, wdisp: bool = False, gzip: bool = False, name: str = ""
) -> Shrunk:
    """Write a small copy of a spec file, and make sure that it is a copy.

    The copy is written to a temporary name, read back from disk and compared with the source;
    only then it gets its name, which may be that of the source.

    Parameters
    ----------
    source, target
        Paths.
    wdisp
        Whether to keep the resolution too.
    gzip
        Whether to compress the copy: smaller by half, and slower to read.
    name
        What the copy calls the source in its history; its own name by default.

    Returns
    -------
    Shrunk

    Raises
    ------
    ReadError
        If the source cannot be read or is no spec file.
    OutputError
        If the copy cannot be written, or is no true copy. The source is left as it was.
    """
    small = read_small(os.fspath(source), wdisp=wdisp)
    before = source.stat().st_size
    content = to_bytes(small, *_history(source, name or source.name, before))
    if gzip:
        content = gzip_.compress(content, 6, mtime=0)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        verify(source, temporary, wdisp=wdisp)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written: {error.strerror or error}; the source is left"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Shrunk(before, len(content))


def verify(source: Path, copy: Path, *, wdisp: bool = False) -> None:
    """Compare a small file with the file that it was made of.

    Raises
    ------
    OutputError
        If any pixel, the pipeline's row or what the readers make of them differs.
    """
    try:
        one, two = (read_small(os.fspath(path), wdisp=wdisp) for path in (source, copy))
        same = (
            np.array_equal(one.pixels, two.pixels)
            and one.header == two.header
            and (one.row_header, one.row) == (two.row_header, two.row)
            and _read(source) == _read(copy)
        )
    except ReadError as error:
        raise OutputError(
            f"{copy}: what was written cannot be read back ({error.what}): check the disk; "
            "the source is left"
        ) from error
    if not same:
        raise OutputError(
            f"{copy}: what was written is not what was meant: check the disk; the source is "
            "left"
        )


def _read(path: Path) -> list[object]:
    """Return what the readers make of a file, in a form that can be compared."""
    return [
        (item.what, item.index) if isinstance(item, ReadError) else plain(item)
        for item in open_file(path)
    ]


def plain(spectrum: Spectrum) -> tuple[object, ...]:
    """Return what a spectrum holds but its file and index, in a form that can be compared."""
    arrays = (spectrum.loglam, spectrum.flux, spectrum.ivar, spectrum.and_mask)
    pipeline = spectrum.pipeline
    return (
        *(None if array is None else array.tobytes() for array in arrays),
        *(
            getattr(spectrum, name)
            for name in (
                *("survey", "plate", "mjd", "fiberid", "targetid", "specobjid"),
                *("ra", "dec", "zwarning"),
            )
        ),
        *(pipeline.cls, pipeline.subclass, pipeline.z, pipeline.zwarning),
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


def _numbers(coadd: Hdu, wanted: tuple[str, ...]) -> dict[str, int]:
    """Return the numbers of the columns that are kept, in the file's order."""
    found: dict[str, int] = {}
    fields = keyword(coadd.header, "TFIELDS")
    for i in range(1, int(fields or 0) + 1):
        name = str(keyword(coadd.header, f"TTYPE{i}") or "").strip().upper()
        if name in wanted:
            found.setdefault(name, i)
    return found


def _fewer_columns(header: bytes, numbers: list[int], width: int) -> bytes:
    """Return the cards of a table of which only some columns are left."""
    place = {number: i for i, number in enumerate(numbers, 1)}
    cards = []
    for card in _split(_cards(header)):
        match = _NUMBERED.match(card)
        if card.startswith(b"NAXIS1  ="):
            cards.append(b"NAXIS1  = %20d" % width + card[30:])
        elif card.startswith(b"TFIELDS ="):
            cards.append(b"TFIELDS = %20d" % len(numbers) + card[30:])
        elif match:
            if int(match[2]) in place:
                key = b"T%s%d" % (match[1], place[int(match[2])])
                cards.append(key.ljust(8) + card[8:])
        elif not card.startswith(_STALE):
            cards.append(card)
    return b"".join(cards)


def _cards(header: bytes) -> bytes:
    """Return the cards before END."""
    for at in range(0, len(header), CARD):
        if header[at : at + CARD] == _END:
            return header[:at]
    return header


def without_checksums(cards: bytes) -> bytes:
    """Return cards without the checksums of data that are no longer what they were."""
    return b"".join(card for card in _split(cards) if not card.startswith(_STALE))


def _split(cards: bytes) -> list[bytes]:
    return [cards[at : at + CARD] for at in range(0, len(cards), CARD)]


def padded_header(cards: bytes) -> bytes:
    """Return a header with END, in whole blocks."""
    length = -(-(len(cards) + CARD) // BLOCK) * BLOCK
    return (cards + _END).ljust(length, b" ")


def padded(data: bytes) -> bytes:
    """Return data in whole blocks."""
    return data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")
