"""SQLite databases that hold the state of a run."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError, OutputError
from huggins.runs.closing import Closing
from huggins.runs.locks import claim

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Database(Closing):
    """An SQLite database that one process at a time reads and writes.

    Every statement is a transaction of its own. It survives that the process is killed, and
    after a power failure the database is whole, without the last few transactions at most.

    Parameters
    ----------
    path
        The file, which is made if it is missing.
    tables
        SQL that makes the tables if they are missing.
    version
        Of these tables.

    Raises
    ------
    OutputError
        If another process uses the database, or it cannot be written.
    InputError
        If the file is damaged, not a database, or of another version.
    """

    def __init__(self, path: Path, tables: str, version: int) -> None:
        self.path = path
        self._claim = claim(path)
        # Our own lock does the work of SQLite's, which fail on file systems without locks.
        vfs = "?vfs=unix-none" if os.name == "posix" else ""
        self._connection = sqlite3.connect(
            path.absolute().as_uri() + vfs, uri=True, isolation_level=None
        )
        try:
            self.execute("PRAGMA page_size=16384")
            # Needs no shared memory, which network file systems lack.
            self.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.execute("PRAGMA journal_mode=WAL")
            self.execute("PRAGMA synchronous=NORMAL")
            there = self.execute("PRAGMA user_version").fetchone()[0]
            if there not in (0, version):
                raise InputError(
                    f"{path}: is of version {there}, this huggins writes version {version}: "
                    "use the huggins that wrote it, or name another output"
                )
            if there == 0:
                self.execute(tables)
                self.execute(f"PRAGMA user_version={version}")
        except BaseException:
            self.close()
            raise

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement of SQL."""
        try:
            return self._connection.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise self.explained(error) from error

    def explained(self, error: sqlite3.Error) -> InputError | OutputError:
        """Return what to raise for an error of SQLite."""
        if isinstance(error, sqlite3.OperationalError):
            return OutputError(
                f"{self.path}: cannot be written: {error}; free space or name another output"
            )
        return InputError(
            f"{self.path}: is damaged, or not written by huggins ({error}): move it away to "
            "begin anew"
        )

    def close(self) -> None:
        """Close the file; other processes may then use it."""
        with suppress(sqlite3.Error):  # a disk that is full
            self._connection.close()
        self._claim.close()
