"""What a command writes into other files: tables into a page, constants into a module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError
from huggins.runs.files import write_text

if TYPE_CHECKING:
    from types import ModuleType


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


def replace_constants(module: ModuleType, values: dict[str, Any]) -> None:
    """Set constants of a module, ``NAME: Final = value``, here and in its file.

    Raises
    ------
    InputError
        If the module has no such constant in a line of its own.
    """
    path = Path(str(module.__file__))
    text = path.read_text(encoding="utf-8")
    for name, value in values.items():
        line = re.compile(rf"^{name}: Final = .*$", re.MULTILINE)
        if len(line.findall(text)) != 1:
            raise InputError(f"{path}: there is no line `{name}: Final = ...`")
        text = line.sub(f"{name}: Final = {value!r}", text)
    write_text(path, text)
    vars(module).update(values)
