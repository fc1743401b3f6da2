"""Keeping two processes from writing one output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO


def lock(file: FileIO) -> bool:
    """Keep other processes off a file until it is closed.

    Returns
    -------
    bool
        False where another process holds it; True where it is ours, or where the system or the
        file system knows no locks.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems know no locks
        return True
    return True
