"""The journal of a run: results on disk as they come, so that none is ever lost.

Layout of the file, which lies beside the output under its name with ``.part`` behind it:

- the line ``huggins journal 1``;
- a line of JSON: what the results depend on (version, model, options);
- blocks: `_HEAD` (mark, length and CRC-32 of the body), then the body: `_PLACE`, the numbers
  of `huggins.inference.table.NUMBERS` row by row, and the texts, column by column, UTF-8, each
  ended by a NUL.

A run that is killed leaves at worst one torn block at the end, which its checksum gives away.
Rows are in the order of the inputs, so a block's place says which inputs are done.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError, OutputError
from huggins.inference.table import NUMBERS, TEXTS, Rows
from huggins.runs.locks import lock
from huggins.tables.write import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

_TITLE: Final = b"huggins journal 1\n"
_MARK: Final = b"rows"
_HEAD: Final = struct.Struct("<4sII")
_PLACE: Final = struct.Struct("<IQQ20s")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a run has come.

    Attributes
    ----------
    inputs : int
        Inputs that are done, the last one possibly in part.
    rows_of_last : int
        Rows that the last of them has given so far.
    digest : bytes
        Hash of the paths of these inputs, to tell whether a resumed run has the same.
    """

    inputs: int = 0
    rows_of_last: int = 0
    digest: bytes = b""


def extend(digest: bytes, path: str) -> bytes:
    """Return the hash of the inputs so far with one more path taken in, 20 bytes."""
    more = digest + path.encode("utf-8", "surrogateescape")
    return hashlib.sha1(more, usedforsecurity=False).digest()


class Journal:
    """The journal of a run, open for appending.

    Parameters
    ----------
    path
        Of the journal itself.
    depends
        What the results depend on, as plain JSON values.
    resume
        Go on with a journal that is there. Without it such a journal is moved aside, to
        ``.part.old``.

    Attributes
    ----------
    place : Place
        How far the journal goes.
    rows, failed : int
        Rows in it, and how many of them are failed inputs.
    widths : dict of str to int
        Bytes of the longest text of each column, at least 1.
    moved : Path or None
        Where an older journal was moved to.

    Raises
    ------
    OutputError
        If the journal cannot be written, or another run is writing it.
    InputError
        If the journal to resume belongs to another run.
    """

    def __init__(self, path: Path, depends: dict[str, Any], *, resume: bool = False) -> None:
        self.path = path
        self.place = Place()
        self.rows = self.failed = 0
        self.widths = dict.fromkeys(TEXTS, 1)
        self.moved: Path | None = None
        head = _TITLE + json.dumps(depends, sort_keys=True).encode() + b"\n"
        try:
            self._file = self._open(resume=resume)
            try:
                if path.stat().st_size == 0:
                    self._start = self._end = 0
                    self._write(head)
                    self._start = self._end
                else:
                    self._start = self._end = self._same_run(depends)
                    self._recover()
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise cannot_write(path, error, kept=resume) from error

    def _open(self, *, resume: bool) -> FileIO:
        old = self.path.exists() and self.path.stat().st_size > 0
        # Unbuffered, so that a failed write leaves nothing behind to fail again at the close.
        file = self.path.open("r+b" if old else "w+b", buffering=0)
        if not lock(file):
            file.close()
            raise OutputError(
                f"{self.path}: another huggins is writing it: wait for it, or name another "
                "output"
            )
        if old and not resume:
            self.moved = self.path.with_name(self.path.name + ".old")
            self.path.replace(self.moved)
            file.close()
            return self._open(resume=False)
        return file

    def append(self, rows: Rows, place: Place) -> None:
        """Add rows and say how far they bring the run.

        Raises
        ------
        OutputError
            If the disk is full or gone. What was appended before is safe.
        """
        body = b"".join(
            (
                _PLACE.pack(len(rows), place.inputs, place.rows_of_last, place.digest),
                rows.numbers.tobytes(),
                *(text.encode() + b"\0" for name in TEXTS for text in rows.texts[name]),
            )
        )
        try:
            self._write(_HEAD.pack(_MARK, len(body), zlib.crc32(body)) + body)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._count(rows, place)

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows, block by block."""
        for rows, _, _ in self._blocks():
            yield rows

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def remove(self) -> None:
        """Close and delete the file: its rows are in the output."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += len(data)

    def _count(self, rows: Rows, place: Place) -> None:
        self.place = place
        self.rows += len(rows)
        self.failed += sum(map(bool, rows.texts["ERROR"]))
        for name, texts in rows.texts.items():
            longest = max(map(len, map(ascii_only, texts)), default=0)
            self.widths[name] = max(self.widths[name], longest)

    def _same_run(self, depends: dict[str, Any]) -> int:
        """Check that this journal was begun by the same command; return where blocks begin."""
        with self.path.open("rb") as file:
            title, line = file.readline(), file.readline()
        try:
            begun = json.loads(line) if title == _TITLE else None
        except ValueError:
            begun = None
        if not isinstance(begun, dict):
            raise InputError(
                f"{self.path}: no journal of this huggins: delete it, or leave out --resume"
            )
        for key, value in depends.items():
            if begun.get(key) != value:
                raise InputError(
                    f"{self.path}: cannot resume, because {key} was {begun.get(key)!r} and is "
                    f"{value!r} now: give the same options, or leave out --resume"
                )
        return len(title) + len(line)

    def _recover(self) -> None:
        """Count what is whole and cut off a torn block."""
        for rows, place, end in self._blocks():
            self._count(rows, place)
            self._end = end
        self._file.truncate(self._end)
        self._file.seek(self._end)

    def _blocks(self) -> Iterator[tuple[Rows, Place, int]]:
        with self.path.open("rb") as file:
            file.seek(self._start)
            while len(head := file.read(_HEAD.size)) == _HEAD.size:
                mark, length, checksum = _HEAD.unpack(head)
                body = file.read(length) if mark == _MARK else b""
                if len(body) < max(length, 1) or zlib.crc32(body) != checksum:
                    return
                yield (*_decode(body), file.tell())


def cannot_write(path: Path, error: OSError, *, kept: bool = True) -> OutputError:
    """Say why nothing can be written, and what to do."""
    said = f"{path}: cannot write: {error.strerror or error}: "
    if not kept:
        return OutputError(f"{said}free space or name another output")
    return OutputError(
        f"{said}free space; what is done is kept, and --resume goes on from there"
    )


def _decode(body: bytes) -> tuple[Rows, Place]:
    count, inputs, rows_of_last, digest = _PLACE.unpack_from(body)
    numbers = np.frombuffer(body, NUMBERS, count, _PLACE.size)
    texts = body[_PLACE.size + numbers.nbytes :].decode().split("\0")
    columns = {name: texts[i * count : (i + 1) * count] for i, name in enumerate(TEXTS)}
    return Rows(numbers, columns), Place(inputs, rows_of_last, digest)
