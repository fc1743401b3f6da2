"""Paths in columns of FITS, which holds ASCII only."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote

# Printable characters of ASCII but "%", which are not encoded in a path.
_PLAIN: Final = "".join(map(chr, range(32, 127))).replace("%", "")
_ENCODED: Final = re.compile("%[0-9A-Fa-f]{2}")


def percent(path: str) -> str:
    """Return a path in ASCII that is still the path: in percent encoding where it must be.

    Other characters become the bytes of their UTF-8 as %XX, and "%" itself becomes %25 in such
    a path. A path in printable ASCII stays as it is, unless it holds %XX. So `unpercent`, or
    ``urllib.parse.unquote``, gives every path back.

    >>> percent("a/spec-\u00e9.fits"), percent("100%.fits"), percent("a%20b.fits")
    ('a/spec-%C3%A9.fits', '100%.fits', 'a%2520b.fits')
    """
    if path.isascii() and path.isprintable() and not _ENCODED.search(path):
        return path
    return quote_from_bytes(path.encode("utf-8", "surrogateescape"), _PLAIN)


def unpercent(path: str) -> str:
    """Return the path that `percent` encoded.

    >>> unpercent("a/spec-%C3%A9.fits"), unpercent("100%.fits"), unpercent("a%2520b.fits")
    ('a/spec-\u00e9.fits', '100%.fits', 'a%20b.fits')
    """
    return unquote(path, errors="surrogateescape") if "%" in path else path
