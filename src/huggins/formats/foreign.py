"""Files that are plainly no spectra, named by their first bytes."""

from __future__ import annotations

import re
from typing import Final

from huggins.formats.names import AXES, FLUXES, meaning

# First bytes of files often found under a spectrum's name, and what to do about them.
_KNOWN: Final = (
    (b"\xff\xd8\xff", "a JPEG picture, not a spectrum"),
    (b"\x89PNG", "a PNG picture, not a spectrum"),
    (b"GIF8", "a GIF picture, not a spectrum"),
    (b"%PDF", "a PDF document, not a spectrum"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first (unzstd)"),
    (b"\x1f\x9d", "compressed with compress: unpack it first (uncompress)"),
    (
        b"PAR1",
        "a Parquet file: read it with pandas or astropy and give huggins.classify the arrays",
    ),
    *(
        (
            b"\x80" + bytes([version]),
            "a pickle, which runs whatever program it holds and is never opened: save the "
            "arrays with numpy.savez",
        )
        for version in (2, 3, 4, 5)
    ),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
)


# Bytes that text may hold.
_TEXT: Final = bytes([*range(9, 14), *range(32, 127), *range(128, 256)])


def foreign(head: bytes) -> str:
    """Return what a file is, with the remedy, where it is plainly no spectrum; else nothing."""
    for magic, what in _KNOWN:
        if head.startswith(magic):
            return f"this is {what}"
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page, perhaps an archive's error message: fetch it again"
    return ""


def unknown(head: bytes) -> str:
    """Return the message for a file of no known format."""
    if not foreign(head) and not head.translate(None, _TEXT):
        return _no_table(head.decode("utf-8", "replace"))
    return foreign(head) or (
        f"no known format of spectra: it begins with {head[:16]!r}; "
        "FITS, HDF5 and text tables can be read"
    )


def _no_table(text: str) -> str:
    """Return the message for a text of no numbers."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = [word for line in lines for word in re.split(r"[\s,;|#()\[\]]+", line) if word]
    roles = {meaning(word).role for word in words}
    if len(lines) <= 3 and roles & {*AXES} and roles & {*FLUXES}:
        return "the table has no rows: only a header"
    start = lines[0][:40] if lines else ""
    return (
        f"no known format of spectra: it is text that begins with '{start}' and holds no "
        "numbers; FITS, HDF5 and text tables can be read"
    )
