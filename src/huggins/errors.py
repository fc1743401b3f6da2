"""Exceptions.

A message says what is wrong, where, and the remedy: it ends up in a column of the user's table
or on one line of the terminal.
"""

from __future__ import annotations

from typing import Any


class HugginsError(Exception):
    """Base class of the exceptions that huggins raises."""


class ReadError(HugginsError):
    """A file, or one spectrum inside it, cannot be read.

    Parameters
    ----------
    what
        What is wrong and the remedy, without the path.
    path
        The file, as the user gave it; empty for data not from a file.
    index
        Row or fibre in the file.

    Attributes
    ----------
    spectrum : huggins.Spectrum or None
        What could be read nevertheless, where it identifies the object.
    """

    def __init__(self, what: str, path: str = "", index: int = 0) -> None:
        super().__init__(f"{path}: {what}" if path else what)
        self.what = what
        self.path = path
        self.index = index
        self.spectrum: Any = None


class SpectrumError(ReadError):
    """The arrays of a spectrum are inconsistent or hold no information."""


class InputError(HugginsError):
    """An input or option does not exist or is not valid."""


class OutputError(HugginsError):
    """An output cannot be written."""


class ModelError(HugginsError):
    """A weights file is missing, damaged or of another version."""


class DownloadError(HugginsError):
    """A file cannot be fetched.

    Parameters
    ----------
    what
        What is wrong and the remedy, without the URL.
    url
        The file's URL.
    answered
        Whether a server answered; False where there is no network.
    """

    def __init__(self, what: str, url: str, *, answered: bool = True) -> None:
        super().__init__(f"{url}: {what}")
        self.what = what
        self.url = url
        self.answered = answered


class MissingExtraError(HugginsError, ImportError):
    """An optional dependency is not installed.

    Parameters
    ----------
    package
        The package that failed to import.
    extra
        The extra of huggins that brings it; empty where it is installed by its own name.
    """

    def __init__(self, package: str, extra: str = "") -> None:
        wanted = f"'huggins[{extra}]'" if extra else package
        super().__init__(f"{package} is not installed: pip install {wanted} brings it")
