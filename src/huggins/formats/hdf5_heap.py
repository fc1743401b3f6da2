"""Texts of variable length in HDF5 files: whether the heaps that hold them are whole.

The HDF5 library (seen in 2.0) reads a damaged heap forever: free space of no bytes, which it
passes over and over again. So the heaps of small files, as strangers send them, are looked at
before.

A heap (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html, III.E) is ``GCOL``,
a version, its size in 8 bytes, and objects: an index in 2 bytes, 6 of no matter, the size in 8
bytes, and as much data in whole words of 8 bytes. Index 0 is free space, whose size counts its
own head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from huggins.errors import ReadError

if TYPE_CHECKING:
    from huggins.fits.source import Source

_MARK: Final = b"GCOL\x01\0\0\0"
_HEAD: Final = 16
_SMALLEST: Final = 4096
#: Bytes of the files that are looked at.
LOOKED_AT_MAX: Final = 64 * 1024**2


def check_heaps(source: Source) -> None:
    """Raise `ReadError` where a heap would be read forever."""
    if source.size > LOOKED_AT_MAX:
        return
    content = source.read(0, source.size)
    at = content.find(_MARK)
    while at >= 0:
        if not _ends(content, at):
            raise ReadError(
                f"this HDF5 file is damaged (its texts at byte {at}): fetch it again",
                source.path,
            )
        at = content.find(_MARK, at + 1)


def _ends(content: bytes, start: int) -> bool:
    """Whether the objects of a heap lead to its end."""
    size = int.from_bytes(content[start + 8 : start + _HEAD], "little")
    end = start + size
    if size < _SMALLEST or end > len(content):
        return True  # these letters by chance, or what the library refuses itself
    at = start + _HEAD
    while at + _HEAD <= end:
        index = int.from_bytes(content[at : at + 2], "little")
        length = int.from_bytes(content[at + 8 : at + _HEAD], "little")
        if index == 0:
            if length < _HEAD:
                return False
            at += length
        else:
            at += _HEAD + -(-length // 8) * 8
    return True
