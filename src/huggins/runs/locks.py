"""Locks that keep two processes from writing one output."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from huggins.errors import OutputError
from huggins.runs.files import cannot_write

if TYPE_CHECKING:
    from io import BufferedRandom, FileIO
    from pathlib import Path


def claim(path: Path, output: Path | None = None) -> FileIO:
    """Lock a file, which is made if it is missing, until it is closed.

    Parameters
    ----------
    path
        The file to lock.
    output
        What is named in the error; None: `path`.

    Raises
    ------
    OutputError
        If another process holds the lock, or the file cannot be opened.
    """
    output = output or path
    while True:
        try:
            file = path.open("ab", buffering=0)
        except OSError as error:
            raise cannot_write(output, error) from error
        if not lock(file):
            file.close()
            raise OutputError(
                f"{output}: another huggins is writing it: wait for it, or name another output"
            )
        # The process that held it may have removed or renamed it meanwhile.
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
        file.close()


def lock(file: FileIO | BufferedRandom) -> bool:
    """Lock an open file until it is closed.

    Returns
    -------
    bool
        False if another process holds the lock. True if it is ours, or if the operating or
        file system has no locks.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no locks
        return True
    return True
