"""One open file: its bytes, read on demand and unpacked where it is compressed."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import zlib
from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class _Unpacker(Protocol):
        @property
        def eof(self) -> bool: ...

        @property
        def unused_data(self) -> bytes: ...

        def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


#: Bytes of the first read: an SDSS or LAMOST spectrum needs no second one.
_FIRST: Final = 256 * 1024
#: Largest size of an unpacked file, which is held in memory.
UNPACKED_MAX: Final = 4 * 1024**3
# Spectra become some ten times smaller when they are packed: what grows this many times, beyond
# what any file may, was made to fill the memory.
_GROWTH_MAX: Final = 200
_ALWAYS: Final = 256 * 1024**2
# Bytes that are unpacked at a time: a file may have many thousand members.
_PIECE: Final = 4 * 1024**2

# First bytes, name and unpacker of the compressions.
_PACKED: Final[tuple[tuple[bytes, str, Callable[[], _Unpacker]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
)
_FITS: Final = b"SIMPLE  ="


def unpacked_max(packed: int) -> int:
    """Return how many bytes a packed file of so many bytes may become."""
    return min(UNPACKED_MAX, max(_ALWAYS, _GROWTH_MAX * packed))


def in_words(size: int) -> str:
    """Return a limit as messages tell it."""
    return f"{size / 1024**3:.3g} GiB" if size >= 1024**3 else f"{size / 1024**2:.3g} MiB"


class Source:
    """A file, opened once for all that identifies and reads it.

    Parameters
    ----------
    path
        As the user gave it.
    content
        The file's bytes, where they are in memory already; `path` is then only a name.

    Attributes
    ----------
    path : str
    size : int
        Bytes, after unpacking.
    head : bytes
        The first bytes, after unpacking: 256 KiB, or the whole file where it is smaller or
        compressed.
    packed : bool
        Whether it is compressed (gzip, bzip2, xz).
    fits : bool
        Whether it begins as FITS does.

    Raises
    ------
    ReadError
        If it cannot be opened, is no regular file, is empty, or is compressed and damaged.
    """

    __slots__ = ("_fd", "fits", "head", "packed", "path", "size")

    def __init__(self, path: str | os.PathLike[str], content: bytes | None = None) -> None:
        self.path = os.fspath(path)
        self._fd = -1
        if content is None:
            self._open()
        else:
            self.head, self.size = content, len(content)
        # Most files are FITS as they are: then there is nothing to unpack.
        self.fits = self.head.startswith(_FITS)
        self.packed = False
        try:
            if not self.fits:
                self._unpack()
            if not self.head:
                raise ReadError("the file is empty: fetch it again", self.path)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            # O_NONBLOCK: opening a named pipe must not hang.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            self._fd = os.open(self.path, flags)
            status = os.fstat(self._fd)
            if not stat.S_ISREG(status.st_mode):
                self.close()
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
                raise ReadError(f"this is {kind}: give a file of spectra", self.path)
            self.size = status.st_size
            self.head = os.pread(self._fd, min(self.size, _FIRST), 0)
        except OSError as error:
            self.close()
            if "://" in self.path:
                raise ReadError(
                    "huggins reads files, not addresses: fetch it first, with "
                    "`huggins download ADDRESS -o FOLDER`",
                    self.path,
                ) from error
            raise ReadError(_explain(error), self.path) from error
        except ValueError as error:  # a NUL in the path
            raise ReadError(f"this is not a valid path: {error}", self.path) from error

    def _unpack(self) -> None:
        kind = next((kind for kind in _PACKED if self.head.startswith(kind[0])), None)
        if kind is None:
            return
        self.packed = True
        magic, name, new = kind
        packed = self.head if len(self.head) == self.size else self._pread(self.size, 0)
        parts = []
        limit = room = unpacked_max(len(packed))
        at = 0
        try:
            while packed.startswith(magic, at):  # a file may have several members
                unpacker = new()
                while not unpacker.eof:
                    if at >= len(packed):
                        raise ReadError(
                            f"the {name} file is truncated: fetch it again", self.path
                        )
                    parts.append(unpacker.decompress(packed[at : at + _PIECE], room))
                    at += _PIECE
                    room -= len(parts[-1])
                    if room <= 0:
                        raise ReadError(
                            f"the {name} file, of {in_words(len(packed))}, unpacks to more "
                            f"than {in_words(limit)}: unpack it first, if it is a spectrum",
                            self.path,
                        )
                at = min(at, len(packed)) - len(unpacker.unused_data)
        except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
            raise ReadError(
                f"the {name} file is damaged ({error}): fetch it again", self.path
            ) from error
        self.head = b"".join(parts)
        self.size = len(self.head)
        self.fits = self.head.startswith(_FITS)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`.

        Raises
        ------
        ReadError
            If the file ends before.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ReadError(
                f"the file is truncated: {self.size} bytes instead of at least "
                f"{offset + length}; fetch it again",
                self.path,
            )
        if offset + length <= len(self.head):
            return self.head[offset : offset + length]
        return self._pread(length, offset)

    def _pread(self, length: int, offset: int) -> bytes:
        parts = []
        try:
            while length > 0:
                part = os.pread(self._fd, min(length, 1 << 30), offset)
                if not part:
                    raise ReadError("the file shrank while it was read", self.path)
                parts.append(part)
                offset += len(part)
                length -= len(part)
        except OSError as error:
            raise ReadError(_explain(error), self.path) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def handle(self) -> str | io.BytesIO:
        """Return what other libraries can open: the path, or the unpacked bytes."""
        return io.BytesIO(self.head) if self._fd < 0 or self.packed else self.path

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _explain(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file: check the path"
    if isinstance(error, PermissionError):
        return "the file may not be read: check its permissions"
    return f"the file cannot be read: {error.strerror or error}"
