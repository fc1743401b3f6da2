"""Files that are plainly no spectra, named by their first bytes."""

from __future__ import annotations

from typing import Final

# First bytes of files often found under a spectrum's name, and what to do about them.
_KNOWN: Final = (
    (b"\xff\xd8\xff", "a JPEG picture, not a spectrum"),
    (b"\x89PNG", "a PNG picture, not a spectrum"),
    (b"GIF8", "a GIF picture, not a spectrum"),
    (b"%PDF", "a PDF document, not a spectrum"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first (only gzip is read directly)"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first (only gzip is read directly)"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first (only gzip is read directly)"),
    (b"\x1f\x9d", "compressed with compress: unpack it first (only gzip is read directly)"),
)


def foreign(head: bytes) -> str:
    """Return what a file is, with the remedy, where it is plainly no spectrum; else nothing."""
    for magic, what in _KNOWN:
        if head.startswith(magic):
            return f"this is {what}"
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml") and b"<votable" in start:
        return "this is a VOTable: save it as ECSV or CSV"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page, perhaps an archive's error message: fetch it again"
    return ""


def unknown(head: bytes) -> str:
    """Return the message for a file of no known format."""
    return foreign(head) or (
        f"no known format of spectra: it begins with {head[:16]!r}; "
        "FITS, HDF5 and text tables can be read"
    )
