"""Folders of spectra: what in them is one, and why the rest is none."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError
from huggins.fits.cards import BLOCK, header_end
from huggins.formats import identify, open_file
from huggins.formats.names import AXES, Role, meaning
from huggins.inference.candidates import holds_candidates
from huggins.inference.table import holds_results
from huggins.runs.ours import FITS_CREATOR, written_by_huggins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_log = logging.getLogger(__name__)

# In a folder these are taken without a look inside, so that a damaged one gets its row too.
_SPECTRUM_NAME: Final = re.compile(
    r"\.(?:fits?(?:\.(?:gz|fz|bz2|xz|zst|Z))?|fz)$", re.IGNORECASE
)
# Names that the surveys give to spectra alone: these need no look whether they are ours.
_SURVEY_NAME: Final = re.compile(r"(?:spec|spSpec|spPlate|coadd|spectra)-", re.IGNORECASE)
# Files that the surveys keep beside their spectra and that hold none.
_COMPANION: Final = re.compile(
    r"(?:spZ(?:best|all|line)|sp(?:C?Frame|Sky|Arc|Flat|Flux\w*)|photo\w*Plate|spectroPhoto|"
    r"redrock|rrdetails|zbest|zmtl|emline|qso_(?:mgii|qn)|tile-qa|specObj|spAll|platelist)\b"
)
# Pictures, documents and the state of runs: nobody takes them for spectra.
_OTHER_MAGIC: Final = (
    b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"%PDF", b"<svg", b"SQLite format 3",
    b"7\x7f\x06\x82", b"7\x7f\x06\x83",
)  # fmt: skip
_HEAD: Final = 64 * 1024
# How lists that huggins writes begin: of targets, suspects, what was left out, what is missing.
_OUR_TEXT: Final = re.compile(
    rb"CATALOG,CATALOGS,SURVEY,|ROW,[^\n]*\bSUGGESTED_SUBCLASS,|file,index,reason\r?\n|"
    rb"path,url,status,reason\r?\n|# Data card: |# [^\n]*\n\n\| what \| value \|\n"
)
# Names of arrays that only spectra have.
_SPECTRAL: Final = re.compile(r"flux|wave|lambda|loglam|ivar", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[a-zA-Z]{1,2}[+-]?\d+)?|nan|--|null"
)
# Rows of numbers that make a text look like a spectrum, and how many columns without a name.
_ROWS: Final = 10
_WIDE: Final = 100
#: Files left out whose names are kept; the others are only counted.
KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file in a folder that is not taken.

    Attributes
    ----------
    path, reason : str
    spectral : bool
        Whether it looks like a spectrum nevertheless: someone will miss it.
    """

    path: str
    reason: str
    spectral: bool = False


@dataclass(slots=True)
class LeftOuts:
    """The files that a search leaves out.

    Attributes
    ----------
    files : list of LeftOut
        The first `KEPT` of them, those that look like spectra always among them.
    count, spectral : int
        How many there are, and how many of these look like spectra.
    reasons : Counter of str
        The same by reason.
    """

    files: list[LeftOut] = field(default_factory=list)
    count: int = 0
    spectral: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, file: LeftOut) -> None:
        """Count a file."""
        self.count += 1
        self.spectral += file.spectral
        self.reasons[file.reason] += 1
        if len(self.files) < KEPT or file.spectral:
            self.files.append(file)

    def clear(self) -> None:
        """Forget all: the search begins anew."""
        self.files.clear()
        self.reasons.clear()
        self.count = self.spectral = 0


class Folders:
    """Searches folders for spectra.

    Parameters
    ----------
    exclude
        A path that is no input: the output.
    keep
        Whether files that hold no spectra are taken as well, so that each gets its row; files
        of huggins, pictures and the surveys' companions of spectra are not.

    Attributes
    ----------
    left_out : LeftOuts
        What the search has met so far and not taken.
    """

    def __init__(self, *, exclude: Path | None = None, keep: bool = False) -> None:
        self.left_out = LeftOuts()
        self._exclude = None if exclude is None else exclude.absolute()
        self._keep = keep

    def walk(self, folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
        """Yield the spectra in a folder and below, by name; only names are held."""
        try:
            status = Path(folder).stat()
            with os.scandir(folder) as entries:
                names = sorted(filter(None, map(_name, entries)))
        except OSError:
            yield folder  # it gets a row that says why it cannot be searched
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            _log.info("%s: a link to a folder above it, left out", folder)
            return
        for name in names:
            path = os.path.join(folder, name.rstrip("/"))  # noqa: PTH118 (5 million times)
            if name.endswith("/"):
                yield from self.walk(path, (*above, here))
            elif self._taken(path, name):
                yield path

    def _taken(self, path: str, name: str) -> bool:
        out = self._exclude
        if out is not None and name == out.name and Path(path).absolute() == out:
            return False
        if _COMPANION.match(name):
            _log.debug("%s: no spectrum but what a survey keeps beside them", path)
            return False
        if _SPECTRUM_NAME.search(name):
            if _SURVEY_NAME.match(name) or not _is_ours(path) or _is_read(path):
                return True
            _log.debug("%s: no spectrum, but written by huggins", path)
            return False
        found = _why_not(path)
        if found is None or (self._keep and found.reason):
            return True
        if found.reason:
            _log.debug("%s: no spectrum: %s", path, found.reason)
            self.left_out.add(found)
        return False


def _name(entry: os.DirEntry[str]) -> str:
    """Return the name of a file, of a folder with "/" behind it, or "" where it is neither."""
    if entry.name.startswith("."):
        return ""
    try:
        if entry.is_dir():
            return f"{entry.name}/"
        return entry.name if entry.is_file() or entry.is_symlink() else ""
    except OSError:  # a link to itself: reading it will say so
        return entry.name


def _is_read(path: str) -> bool:
    try:
        identify(path)
    except ReadError:
        return False
    return True


def _why_not(path: str) -> LeftOut | None:
    """Return why a file is no spectrum; None if it is one, no reason where nobody asks."""
    head = _head(path)
    if head.startswith(_OTHER_MAGIC):
        return LeftOut(path, "")
    try:
        reader = identify(path)
    except ReadError as error:
        return LeftOut(path, "" if _is_ours(path) else error.what, _looks_spectral(head))
    # Any text looks like text, and any archive like one: a look inside tells.
    if reader not in ("text", "arrays", "hdf5", "zip", "tar"):
        return None
    first = next(open_file(path), None)
    if first is None:
        return LeftOut(path, "no spectra in this file")
    if not isinstance(first, ReadError) or first.spectrum is not None:
        return None
    if _is_ours(path):
        return LeftOut(path, "")
    looks = _holds_arrays(path) if reader == "hdf5" else _looks_spectral(head)
    return LeftOut(path, first.what, looks)


def _is_ours(path: str) -> bool:
    """Whether huggins wrote a file; one of spectra may be of its making, too."""
    try:
        if path.endswith(".fits"):  # the most, and no text
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                first = file.read(BLOCK)
            # What is ours and no spectrum says so at once, or has a short primary header.
            if FITS_CREATOR in first:
                return True
            if not first or (first.startswith(b"SIMPLE  =") and header_end(first) < 0):
                return False
            return written_by_huggins(path, _holds_ours)
        head = _head(path)
        return bool(head) and (
            _OUR_TEXT.match(head) is not None or written_by_huggins(path, _holds_ours)
        )
    except (OSError, ValueError):
        return False


def _holds_ours(names: Sequence[str]) -> bool:
    return holds_results(names) or holds_candidates(names)


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEAD)
    except (OSError, ValueError):
        return b""


def _holds_arrays(path: str) -> bool:
    """Whether an HDF5 file has arrays named as those of spectra, or is too damaged to tell."""
    import h5py

    names: list[str] = []
    try:
        with h5py.File(path, "r") as file:
            file.visit(names.append)
    except Exception:  # h5py raises nearly anything for a damaged file
        return True
    return any(map(_SPECTRAL.search, names))


def _looks_spectral(head: bytes) -> bool:
    """Whether a text looks like a table of wavelengths and fluxes, readable or not."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:200]
    text = head.decode("utf-16" if wide and len(head) % 2 == 0 else "latin-1", "replace")
    lines = [line.strip("\ufeff \t|") for line in text.splitlines() if line.strip()]
    rows, heading = [], []
    for line in lines:
        words = re.split(r"[\s,;|]+", line)
        numbers = sum(_NUMBER.fullmatch(word.lower()) is not None for word in words)
        if len(words) > 1 and numbers > 1 and 2 * numbers >= len(words):
            rows.append(words)
        elif not rows:
            heading.extend(re.split(r"[\s,;|#()\[\]]+", line))
    if rows and len(rows[0]) >= _WIDE and any("flux" in word.lower() for word in heading):
        return True
    roles = {meaning(word).role for word in heading if word}
    if roles.intersection(AXES) and Role.FLUX in roles and rows:
        return True
    if len(rows) < _ROWS or 2 * len(rows) < len(lines):
        return False
    named = [word for word in heading if re.search(r"[A-Za-z]", word)]
    if roles.intersection(AXES) or len(rows[0]) >= _WIDE:
        return True
    return len(named) < len(rows[0]) and _ascends([row[0] for row in rows])


def _ascends(words: list[str]) -> bool:
    try:
        values = [float(word.replace(",", ".")) for word in words]
    except ValueError:
        return False
    return all(a < b for a, b in pairwise(values))
