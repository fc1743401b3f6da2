"""Files in ZIP and tar archives, read one after another without unpacking to disk.

Nothing is written, so a member's name can do no harm; sizes are bounded, whatever the archive
says of them.
"""

from __future__ import annotations

import io
import logging
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError
from huggins.fits.source import Source, in_words, unpacked_max

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
# Most members that are looked at.
_MEMBERS_MAX: Final = 1_000_000
# How many times as large as an archive all that is in it may be.
_GROWTH_MAX: Final = 1000


def kind(source: Source) -> str:
    """Return ``zip`` or ``tar``; empty for anything else, such as the ZIP of numpy's arrays."""
    if source.head.startswith(_ZIP):
        # numpy.savez: a ZIP whose first member is an array.
        size = int.from_bytes(source.head[26:28], "little")
        return "" if source.head[30 : 30 + size].endswith(b".npy") else "zip"
    return "tar" if source.head[257:262] == b"ustar" else ""


def members(source: Source, wanted: str = "") -> Iterator[tuple[str, Source | ReadError]]:
    """Yield the files of an archive, by name, in its order.

    Parameters
    ----------
    source
        An archive.
    wanted
        The one member to read; empty for all.

    Raises
    ------
    ReadError
        If it is damaged, or has no such member.
    """
    found = False
    read = _zipped if kind(source) == "zip" else _tarred
    try:
        for name, content in read(source, wanted):
            found = True
            path = f"{source.path}[{name}]"
            if isinstance(content, ReadError):
                yield name, content
                continue
            try:
                member = Source(path, content)
            except ReadError as error:
                yield name, error
            else:
                yield name, member
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        ValueError,
        struct.error,
        IndexError,
    ) as error:
        raise ReadError(
            f"the archive is damaged ({error!s:.200}): fetch it again", source.path
        ) from error
    if wanted and not found:
        raise ReadError(f"there is no file {wanted!r} in this archive", source.path)


def _ordinary(name: str) -> bool:
    """Whether a member may be a spectrum: no folder, and none of the system's own files."""
    parts = name.split("/")
    return bool(parts[-1]) and not any(
        p.startswith((".", "__MACOSX")) for p in parts if p != "."
    )


def _taken(name: str, wanted: str, source: Source) -> bool:
    """Whether a member is read; one that is hidden or leads outside is told of."""
    if wanted:
        return name == wanted
    if _ordinary(name):
        return True
    outside = ".." in name.split("/")
    why = "its path leads outside the archive" if outside else "a hidden file"
    _log.info("%s[%s]: %s, left out", source.path, name, why)
    return False


def _zipped(source: Source, wanted: str) -> Iterator[tuple[str, bytes | ReadError]]:
    with zipfile.ZipFile(source.handle()) as archive:
        left = max(unpacked_max(source.size), _GROWTH_MAX * source.size)
        for info in archive.infolist()[:_MEMBERS_MAX]:
            name = info.filename
            if info.is_dir() or not _taken(name, wanted, source):
                continue
            if info.flag_bits & 1:
                error = ReadError("it is encrypted: unpack it first", f"{source.path}[{name}]")
                yield name, error
                continue
            room = min(left, unpacked_max(info.compress_size))
            try:
                with archive.open(info) as file:
                    content = file.read(room + 1)
            except (NotImplementedError, RuntimeError) as reason:
                text = f"it cannot be unpacked ({reason}): unpack it first"
                yield name, ReadError(text, f"{source.path}[{name}]")
                continue
            if len(content) > room:
                raise ReadError(
                    f"{name!r} unpacks to more than {in_words(room)}: unpack the archive "
                    "first, if it is one of spectra",
                    source.path,
                )
            left -= len(content)
            yield name, content


def _tarred(source: Source, wanted: str) -> Iterator[tuple[str, bytes | ReadError]]:
    handle = source.handle()
    file = io.BytesIO(handle.getvalue()) if isinstance(handle, io.BytesIO) else None
    with tarfile.open(None if file else str(handle), "r:", fileobj=file) as archive:
        for number, info in enumerate(archive):
            if number >= _MEMBERS_MAX:
                break
            name = info.name
            if not info.isreg():
                if not info.isdir():
                    _log.info("%s[%s]: a link or device, left out", source.path, name)
                continue
            if not _taken(name, wanted, source):
                continue
            if info.size > source.size:  # also of a file that is all holes
                raise ReadError(
                    f"the archive is truncated: {name!r} has {info.size} bytes in an archive "
                    f"of {source.size}; fetch it again",
                    source.path,
                )
            opened = archive.extractfile(info)
            content = b"" if opened is None else opened.read()
            if len(content) < info.size:
                raise ReadError("the archive is truncated: fetch it again", source.path)
            yield name, content
