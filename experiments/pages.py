"""Tables that a command writes into a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggins.errors import InputError
from huggins.runs.files import write_text

if TYPE_CHECKING:
    from pathlib import Path


def replace_generated(page: Path, text: str, begin: str, end: str) -> None:
    """Put a text between two markers of a page.

    Raises
    ------
    InputError
        If the page cannot be read or has not both markers.
    """
    try:
        before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    except OSError as error:
        raise InputError(f"{page}: cannot be read: {error.strerror}") from error
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise InputError(f"{page}: the tables go between {begin} and {end}: write both")
    write_text(page, f"{before}{begin}\n\n{text}\n{end}{after}")
