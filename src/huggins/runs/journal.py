"""The journal of a run: results on disk as they come, so that none is ever lost."""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError
from huggins.runs.database import Database
from huggins.runs.locks import claim
from huggins.runs.resume import check_same_run, move_aside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION: Final = 1
_TABLE: Final = """
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY,  -- 0 holds what the results depend on, as its state
    state TEXT NOT NULL,         -- JSON
    checksum INTEGER NOT NULL,   -- CRC-32 of the content
    content BLOB NOT NULL
)"""


class Journal(Database):
    """A sequence of blocks of bytes, each with the state that the run is in after it.

    Parameters
    ----------
    path
        Of the journal, an SQLite database.
    depends
        What the results depend on, as plain JSON values.
    resume
        Continue a journal that is there. Otherwise it is renamed to ``NAME.old``.

    Attributes
    ----------
    state : dict
        Of the last block; empty if there is none.

    Raises
    ------
    OutputError
        If the journal cannot be written, or another run is writing it.
    InputError
        If the journal to resume belongs to another run.
    """

    def __init__(self, path: Path, depends: dict[str, Any], *, resume: bool = False) -> None:
        if not resume and path.exists() and path.stat().st_size > 0:
            with claim(path):
                move_aside(path)
        super().__init__(path, _TABLE, _VERSION)
        self.state: dict[str, Any] = {}
        self._count = 0
        try:
            begun = self.execute("SELECT state FROM blocks WHERE number = 0").fetchone()
            if begun is None:
                self._insert(json.dumps(depends), b"")
            else:
                check_same_run(path, json.loads(begun[0]), depends)
                self._recover()
        except BaseException:
            self.close()
            raise

    def append(self, content: bytes, state: dict[str, Any]) -> None:
        """Add a block and the state that it brings the run to.

        Raises
        ------
        OutputError
            If the disk is full or gone. What was appended before is safe.
        """
        self._insert(json.dumps(state), content)
        self.state = state

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content of the blocks."""
        for (content,) in self.execute(
            "SELECT content FROM blocks WHERE number > 0 ORDER BY number"
        ):
            yield content

    def remove(self) -> None:
        """Close and delete the file: its content is in the output."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _insert(self, state: str, content: bytes) -> None:
        self.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?)",
            (self._count, state, zlib.crc32(content), content),
        )
        self._count += 1

    def _recover(self) -> None:
        """Find the last block that is whole, and delete what is behind it."""
        try:
            for number, state, checksum, content in self._connection.execute(
                "SELECT * FROM blocks ORDER BY number"
            ):
                if number != self._count or zlib.crc32(content) != checksum:
                    break
                self._count += 1
                if number:
                    self.state = json.loads(state)
        except (sqlite3.Error, ValueError) as error:
            raise InputError(
                f"{self.path}: is damaged ({error}): leave out --resume to begin anew"
            ) from error
        self.execute("DELETE FROM blocks WHERE number >= ?", (self._count,))
