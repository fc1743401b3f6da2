"""What can go wrong, as types.

Every message says what went wrong, where, and what to do about it, because it
ends up in a column of the user's table or on one line of their terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggins.spectrum import Spectrum


class HugginsError(Exception):
    """Base of every error that huggins raises on purpose."""


class ReadError(HugginsError):
    """A file, or one spectrum inside it, cannot be read.

    Parameters
    ----------
    what
        What is wrong and how to mend it, without the path.
    path
        The file, as the user gave it; empty for data that never was a file.
    index
        Row or fibre inside the file.

    Attributes
    ----------
    spectrum : Spectrum or None
        What could be read in spite of it, where that tells which object it is.
    """

    def __init__(self, what: str, path: str = "", index: int = 0) -> None:
        super().__init__(f"{path}: {what}" if path else what)
        self.what = what
        self.path = path
        self.index = index
        self.spectrum: Spectrum | None = None


class SpectrumError(ReadError):
    """The arrays of a spectrum cannot be what they claim to be."""


class InputError(HugginsError):
    """What was asked for does not exist or makes no sense."""


class OutputError(HugginsError):
    """The result cannot be written where it should go."""


class ModelError(HugginsError):
    """A weights file is missing, damaged or of another version."""


class DownloadError(HugginsError):
    """A file cannot be fetched.

    Parameters
    ----------
    what
        What is wrong and how to mend it, without the URL.
    url
        Where it should have come from.
    answered
        Whether a server answered at all; False where there is no network.
    """

    def __init__(self, what: str, url: str, *, answered: bool = True) -> None:
        super().__init__(f"{url}: {what}")
        self.what = what
        self.url = url
        self.answered = answered


class MissingExtraError(HugginsError, ImportError):
    """An optional dependency is needed and not installed.

    Parameters
    ----------
    package
        The package that failed to import.
    extra
        The extra of huggins that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed: pip install 'huggins[{extra}]' brings it"
        )
