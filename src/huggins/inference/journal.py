"""Rows of the table in the journal of a run, which says how far the run has come."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from huggins.fits.paths import percent
from huggins.inference.bestfit import BEST_FIT
from huggins.inference.table import NUMBERS, TEXTS, Rows
from huggins.redshift.alternatives import ALTERNATIVE
from huggins.runs.journal import Journal
from huggins.tables.output import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How FITS gets texts that are not ASCII, where not as escapes.
_ASCII: Final = {"FILE": percent}
_COUNT: Final = np.dtype("<u4")


class Place(NamedTuple):
    """How far a run has come.

    Attributes
    ----------
    inputs : int
        Inputs that are done, the last one possibly in part.
    rows_of_last : int
        Rows of the last of them so far.
    digest : bytes
        Hash of the paths of these inputs, to check that a resumed run has the same.
    """

    inputs: int = 0
    rows_of_last: int = 0
    digest: bytes = b""


def extend(digest: bytes, path: str) -> bytes:
    """Return the hash of the inputs so far and one more path, 20 bytes."""
    more = digest + path.encode("utf-8", "surrogateescape")
    return hashlib.sha1(more, usedforsecurity=False).digest()


class RowJournal:
    """The rows of a run, on disk as they come.

    Parameters
    ----------
    path, depends, resume
        As for `huggins.runs.journal.Journal`.

    Attributes
    ----------
    place : Place
        How far the journal goes.
    rows, failed : int
        Rows in it, and how many of them are failed inputs.
    candidates : int
        Different redshifts of all rows together, where they were asked for.
    widths : dict of str to int
        Bytes of the longest text of each column, at least 1.
    """

    def __init__(self, path: Path, depends: dict[str, Any], *, resume: bool = False) -> None:
        self._journal = Journal(path, depends, resume=resume)
        state = self._journal.state
        self.place = Place()
        if state:
            inputs, rows_of_last, digest = state["place"]
            self.place = Place(inputs, rows_of_last, bytes.fromhex(digest))
        self.rows: int = state.get("rows", 0)
        self.failed: int = state.get("failed", 0)
        self.candidates: int = state.get("candidates", 0)
        self.widths: dict[str, int] = state.get("widths", dict.fromkeys(TEXTS, 1))
        self.close = self._journal.close
        self.remove = self._journal.remove

    def append(self, rows: Rows, place: Place) -> None:
        """Add rows and say how far they bring the run.

        Raises
        ------
        OutputError
            If the disk is full or gone. What was appended before is safe.
        """
        widths = {
            name: max(self.widths[name], _width(name, texts), 1)
            for name, texts in rows.texts.items()
        }
        count = self.rows + len(rows)
        failed = self.failed + sum(map(bool, rows.texts["ERROR"]))
        others = rows.alternatives
        found = 0 if others is None else int(np.count_nonzero(others["broad"] >= 0))
        candidates = self.candidates + found
        content = b"".join(
            (
                _COUNT.type(len(rows)).tobytes(),
                _COUNT.type(rows.best is not None).tobytes(),
                _COUNT.type(0 if others is None else others.shape[1]).tobytes(),
                rows.numbers.tobytes(),
                b"" if rows.best is None else rows.best.tobytes(),
                b"" if others is None else others.tobytes(),
                *(("\0".join(rows.texts[name]) + "\0").encode() for name in TEXTS if len(rows)),
            )
        )
        state = {
            "place": (place.inputs, place.rows_of_last, place.digest.hex()),
            "rows": count,
            "failed": failed,
            "candidates": candidates,
            "widths": widths,
        }
        self._journal.append(content, state)
        self.place, self.rows, self.failed, self.widths = place, count, failed, widths
        self.candidates = candidates

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows, block by block."""
        return map(_decode, self._journal)


def _width(name: str, texts: list[str]) -> int:
    """Return the bytes of the longest of some texts of a column as FITS gets them."""
    if name not in _ASCII and "".join(texts).isascii():
        return max(map(len, texts), default=0)
    return max(map(len, map(_ASCII.get(name, ascii_only), texts)), default=0)


def _decode(content: bytes) -> Rows:
    count, has_best, most = np.frombuffer(content, _COUNT, 3).tolist()
    at = 3 * _COUNT.itemsize
    numbers = np.frombuffer(content, NUMBERS, count, at)
    at += numbers.nbytes
    best = np.frombuffer(content, BEST_FIT, count, at) if has_best else None
    at += 0 if best is None else best.nbytes
    others = None
    if most:
        others = np.frombuffer(content, ALTERNATIVE, count * most, at).reshape(count, most)
        at += others.nbytes
    texts = content[at:].decode().split("\0")
    columns = {name: texts[i * count : (i + 1) * count] for i, name in enumerate(TEXTS)}
    return Rows(numbers, columns, best, others)
