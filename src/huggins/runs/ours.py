"""Whether huggins wrote a file, as its content tells: only then may it be replaced unasked."""

from __future__ import annotations

import csv
import json
import re
import zlib
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from huggins import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: What files of ours say of who made them.
CREATOR: Final = f"huggins {__version__}"

# Bytes at the beginning and at the end of a file that are looked at.
_LOOK: Final = 2**18
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FITS: Final = b"SIMPLE  ="
#: How a card of a FITS file says that we made it.
FITS_CREATOR: Final = b"CREATOR = 'huggins"
# Read at a time: the headers of most files at once.
_STEP: Final = 2**15
_NO_DATA: Final = re.compile(rb"NAXIS   = +0 ")
# What marks each kind of file, by what it begins with; looked for in its beginning and end.
_MARKS: Final = (
    (_FITS, re.compile(re.escape(FITS_CREATOR))),
    (b"# %ECSV", re.compile(rb"CREATOR: '?huggins")),
    (b"PAR1", re.compile(rb"CREATOR.{1,4}huggins ", re.DOTALL)),
    (_PNG, re.compile(rb"tEXtSoftware\0huggins ")),
    (b"%PDF", re.compile(rb"/Creator \(huggins ")),
    (b"PK\3\4", re.compile(rb"huggins \d[^\0]*\Z|\A.{0,400}checkpoint", re.DOTALL)),
)
# Of files that begin in many ways: pages, VOTables, drawings, reports, records, cards, weights.
_TEXT_MARKS: Final = re.compile(
    rb'<meta name="generator" content="huggins |<INFO [^>]*value="huggins |'
    rb"<dc:title>huggins |<!-- written by huggins |"
    rb'\A\{\s*"schema": "huggins-|\A\{\s*"format": \d+,[^{}]*"sha256"|'
    rb'\n\x07huggins\x12|\A.{8}\{"__metadata__":\{"huggins":',
    re.DOTALL,
)


def same_columns(names: Sequence[str]) -> Callable[[Sequence[str]], bool]:
    """Return a test of whether the columns of a table are those that we write.

    Formats without metadata (CSV, JSON lines) are told by their columns. Those of another
    version may be fewer, but one that is not ours is somebody's own work.

    Parameters
    ----------
    names
        The columns, in order.

    Examples
    --------
    >>> ours = same_columns(["FILE", "INDEX", "CLASS", "Z"])
    >>> ours(["FILE", "INDEX", "Z"]), ours(["FILE", "Z", "COMMENT"]), ours(["Z"])
    (True, False, False)
    """
    known = frozenset(names)

    def ours(found: Sequence[str]) -> bool:
        return len(found) * 2 >= len(names) and found[0] == names[0] and known.issuperset(found)

    return ours


def written_by_huggins(
    path: Path | str, columns: Callable[[Sequence[str]], bool] | None = None
) -> bool:
    """Return whether huggins wrote a file; an empty one counts as its own.

    Parameters
    ----------
    path
        An existing file.
    columns
        Whether a table without metadata that has these columns is of ours; None: none is.
    """
    with open(path, "rb") as file:  # noqa: PTH123 (5 million times)
        head = file.read(_STEP)
        if head.startswith(_FITS):
            return _of_fits(head, file)
        head += file.read(_LOOK - len(head))
        tail = b""
        if len(head) == _LOOK:  # else it has been read to its end
            size = file.seek(0, 2)
            file.seek(max(size - _LOOK, 0))
            tail = file.read()
    if not head:
        return True
    if head.startswith(b"\x1f\x8b"):
        head = tail = _unpacked(head)
    if head.startswith(_HDF5):
        return _of_hdf5(path)
    for begin, mark in _MARKS:
        if head.startswith(begin):
            return bool(mark.search(head) or mark.search(tail))
    if _TEXT_MARKS.search(head) or _TEXT_MARKS.search(tail):
        return True
    return columns is not None and bool(names := _names(head)) and columns(names)


def _of_fits(text: bytes, file: IO[bytes]) -> bool:
    """Return whether one of the first two headers of a FITS file names us.

    Only they are read, and not the first quarter of a megabyte: a folder may hold millions.

    Parameters
    ----------
    text
        The first bytes of the file.
    file
        Open behind them.
    """
    from huggins.fits.cards import BLOCK, header_end  # late, because numpy comes with it

    start = 0
    for _ in range(2):
        while (end := header_end(text, start)) < 0 and len(text) < _LOOK:
            if not (more := file.read(_STEP)):
                break
            text += more
        stop = len(text) if end < 0 else end
        if text.find(FITS_CREATOR, start, stop) >= 0:
            return True
        if end < 0 or not _NO_DATA.search(text, 0, BLOCK):
            return False
        start = stop + -stop % BLOCK
    return False


def _unpacked(head: bytes) -> bytes:
    """Return the first bytes of a gzipped file, as far as they can be unpacked."""
    with suppress(zlib.error):
        return zlib.decompressobj(wbits=31).decompress(head, _LOOK)
    return b""


def _of_hdf5(path: Path | str) -> bool:
    import h5py

    try:
        with h5py.File(path) as file:
            creator = str(file.attrs.get("creator", ""))
            return "huggins_schema" in file.attrs or creator.startswith("huggins ")
    except OSError:  # damaged, and whose it was cannot be told
        return False


def _names(head: bytes) -> list[str]:
    """Return the names of the columns of CSV, TSV or JSON lines; empty where it is none."""
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    if line.startswith("{"):
        with suppress(ValueError):
            return list(json.loads(line))
        return []
    try:
        return next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])
    except csv.Error:
        return []
