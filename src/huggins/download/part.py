"""A file during its download: hidden beside its place, and kept if it can be continued."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from pathlib import Path

# Smaller files are restarted: that costs less than a second file describing the first.
_WORTH: Final = 1 << 20


class Part:
    """The part of a file that has arrived so far.

    Parameters
    ----------
    path
        File for the bytes.
    keep
        Whether to keep the part if the connection breaks, for a later attempt.

    Attributes
    ----------
    size : int
        Bytes received.
    total : int or None
        Bytes of the whole file; None if unknown.
    validator : str
        Identifier of this version of the file (ETag or Last-Modified).
    digest
        SHA-256 and SHA-1 of the bytes so far.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self.path = path
        self._about = path.with_name(path.name + ".json")
        self._keep = keep
        self._file: BinaryIO | None = None
        self.size = 0
        self.total: int | None = None
        self.validator = ""
        self.digest = (hashlib.sha256(), hashlib.sha1(usedforsecurity=False))

    def recall(self, url: str) -> None:
        """Load the part that an earlier run has left, if it can be continued."""
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
            size = self.path.stat().st_size
            if about["url"] == url and about["validator"] and 0 < size < about["total"]:
                self.validator, self.total = str(about["validator"]), int(about["total"])
                self.size = size
                with self.path.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        self._digest(chunk)
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.discard()

    def begin(self, url: str, total: int | None, validator: str) -> None:
        """Start from the first byte."""
        self.discard()
        self.total, self.validator = total, validator
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb")
        if self._keep and validator and total is not None and total >= _WORTH:
            about = {"url": url, "validator": validator, "total": total}
            self._about.write_text(json.dumps(about), encoding="utf-8")

    def go_on(self) -> None:
        """Append to the part."""
        self._file = self.path.open("ab")

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        assert self._file is not None
        self._file.write(chunk)
        self._digest(chunk)
        self.size += len(chunk)

    def pause(self) -> None:
        """Close the file; delete it if it cannot be continued."""
        self._close()
        if not (self._keep and self.validator and self.total and 0 < self.size < self.total):
            self.discard()

    def finish(self) -> None:
        """Close the complete file."""
        self._close()
        self._about.unlink(missing_ok=True)

    def leave(self) -> None:
        """Close the file; delete it if a later run cannot continue it."""
        self._close()
        with contextlib.suppress(NotADirectoryError):
            if not self._about.exists():
                self.discard()

    def discard(self) -> None:
        """Delete the part."""
        self._close()
        with contextlib.suppress(NotADirectoryError):  # then there is none
            self.path.unlink(missing_ok=True)
            self._about.unlink(missing_ok=True)
        self.size, self.total, self.validator = 0, None, ""
        self.digest = (hashlib.sha256(), hashlib.sha1(usedforsecurity=False))

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _digest(self, chunk: bytes) -> None:
        for digest in self.digest:
            digest.update(chunk)
