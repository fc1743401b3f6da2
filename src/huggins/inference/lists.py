"""Lists of files: one path a line, or a table with a column of paths.

What people have is taken: the output of ``ls`` and of ``find -print0``, lists with a second
column (PyHammer's), CSV tables with a header, quotes, ``~``, and whatever byte order mark an
editor put in front.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Final

from huggins.tables.labels import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BLOCK: Final = 64 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What makes a line worth a second look: most lists have none of it, and millions of lines.
_SPECIAL: Final = re.compile(r"[\s,;'\"~|]|://")
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,5}$")
_DELIMITERS: Final = ",\t;|"
_SPELLED: Final = re.compile(r"[^a-z]")
_COLUMNS: Final = frozenset(_SPELLED.sub("", name) for name in ROLES["path"].names)


def paths_of(file: IO[bytes]) -> Iterator[str]:
    """Yield the paths of a list, in order.

    Parameters
    ----------
    file
        Its bytes: paths separated by ends of lines, or by NUL where it holds one. Blank lines
        and comments (#) are left out. If the first line names a column ``file``, ``path`` or
        the like, it is a table, and that column counts; of the same path several times in a
        row (spectra of one file) one is taken. Of any other line the first word is taken
        if the whole line is no file: other columns may follow.
    """
    first = file.read1(_BLOCK) if hasattr(file, "read1") else file.read(_BLOCK)
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if first.startswith(mark)), (b"", "utf-8")
    )
    blocks = chain([first.removeprefix(mark)], iter(lambda: file.read(_BLOCK), b""))
    if encoding == "utf-8" and b"\0" in first:
        yield from filter(None, _pieces(blocks, encoding, "\0"))
        return
    lines = (line.strip() for line in _pieces(blocks, encoding, "\n"))
    lines = (line for line in lines if line and not line.startswith("#"))
    header = next(lines, None)
    if header is None:
        return
    delimiter, place = _column_of_paths(header)
    if place is None:
        yield from map(_path, chain([header], lines))
        return
    last = ""
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
        path = os.path.expanduser(row[place].strip()) if len(row) > place else ""  # noqa: PTH111
        if path and path != last:
            yield path
            last = path


def paths_of_text(lines: Iterable[str]) -> Iterator[str]:
    """Yield the paths of a list that is text already."""
    import io

    yield from paths_of(io.BytesIO("".join(lines).encode("utf-8", "surrogateescape")))


def _pieces(blocks: Iterable[bytes], encoding: str, separator: str) -> Iterator[str]:
    """Yield what stands between separators; bytes that are no text survive as surrogates."""
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    decode: Callable[..., str] = codecs.getincrementaldecoder(encoding)(errors).decode
    rest = ""
    for block in blocks:
        *whole, rest = (rest + decode(block)).split(separator)
        yield from whole
    rest += decode(b"", True)
    if rest:
        yield rest


def _column_of_paths(line: str) -> tuple[str, int | None]:
    """Return the delimiter of a header and the place of its column of paths, if it has one."""
    for delimiter in _DELIMITERS:
        if delimiter in line:
            names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
            spelled = [_SPELLED.sub("", name.lower()) for name in names]
            return delimiter, next((i for i, n in enumerate(spelled) if n in _COLUMNS), None)
    words = [_SPELLED.sub("", word.lower()) for word in line.split()]
    place = next((i for i, word in enumerate(words) if word in _COLUMNS), None)
    return " ", None if place is None or os.path.lexists(line.split()[0]) else place


def _path(line: str) -> str:
    """Return the path that a line of a list names."""
    if not _SPECIAL.search(line) or os.path.lexists(line):
        return line
    if "://" in line:
        return line.split()[0]
    first = _first_word(line)
    path = os.path.expanduser(first)  # noqa: PTH111 (millions of times)
    if first == line or os.path.lexists(path) or _EXTENSION.search(path):
        return path
    return line


def _first_word(line: str) -> str:
    if line[0] in "'\"":
        end = line.find(line[0], 1)
        return line[1:end] if end > 1 else line
    word: Any = re.match(r"[^\s,;|]+", line)
    return str(word.group()) if word else line
