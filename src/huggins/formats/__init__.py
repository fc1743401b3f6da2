"""Readers: from a file of any known format to `Spectrum`.

A format is identified by its content, never by the file's name; `README.md` in this folder says
how to add one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from huggins.errors import ReadError
from huggins.fits import Fits, Source
from huggins.formats import desi, hdf5, lamost, pack, spec, spplate, spspec, text
from huggins.formats.foreign import unknown
from huggins.formats.memory import from_object, from_specutils, is_arrays
from huggins.quality import names

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import ModuleType

    from huggins.spectrum import Spectrum

_log = logging.getLogger(__name__)

__all__ = [
    "from_object",
    "from_specutils",
    "identify",
    "is_arrays",
    "open_bytes",
    "open_file",
    "read",
]


class _Reader(Protocol):
    """The module of one FITS format."""

    NAME: str

    def identify(self, fits: Fits) -> bool: ...

    def read(self, fits: Fits) -> Iterator[Spectrum | ReadError]: ...


# Asked in this order: containers of spec files before these, then the common formats first.
_FITS: tuple[_Reader, ...] = (pack, spec, lamost, spspec, spplate, desi)


def read(path: str | os.PathLike[str], *, air: bool = False) -> list[Spectrum]:
    """Read all spectra of a file.

    Parameters
    ----------
    path
        A file of any known format (see ``docs/reference/formats.md``), gzipped or not.
    air
        Whether the wavelengths of a text file are in air; other formats say so themselves.

    Returns
    -------
    list of Spectrum
        In the file's order.

    Raises
    ------
    ReadError
        If the file, or any spectrum in it, cannot be read. `open_file` continues with the rest.
    """
    spectra = []
    for item in open_file(path, air=air):
        if isinstance(item, ReadError):
            raise item
        spectra.append(item)
    return spectra


def open_file(
    path: str | os.PathLike[str], *, air: bool = False
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a file one by one, without holding all of them in memory.

    Parameters
    ----------
    path, air
        As for `read`.

    Yields
    ------
    Spectrum or ReadError
        In the file's order. A file that cannot be read yields one error; a spectrum that cannot
        be used yields an error, with its index, in its place.
    """
    yield from _opened(path, None, air)


def open_bytes(
    content: bytes, name: str = "", *, air: bool = False
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a file whose bytes are in memory, as `open_file` does.

    Parameters
    ----------
    content
    name
        Of the file, for messages and as `Spectrum.file`.
    air
        As for `read`.
    """
    yield from _opened(name, content, air)


def _opened(
    path: str | os.PathLike[str], content: bytes | None, air: bool
) -> Iterator[Spectrum | ReadError]:
    try:
        with Source(path, content) as source:
            for spectrum in _spectra(source, air):
                if isinstance(spectrum, ReadError):
                    yield spectrum
                    continue
                spectrum.make_ascending()
                try:
                    spectrum.check()
                except ReadError as error:
                    yield _explained(error, spectrum)
                else:
                    yield spectrum
    except ReadError as error:
        yield error


def identify(path: str | os.PathLike[str]) -> str:
    """Return the name of a file's format.

    Raises
    ------
    ReadError
        If it is none that is known, or the file cannot be opened.
    """
    with Source(path) as source:
        reader = _fits_reader(Fits(source)) if source.fits else _other_reader(source)
        return str(reader.NAME)


def _explained(error: ReadError, spectrum: Spectrum) -> ReadError:
    """Add the survey's own flags to the error of a spectrum that cannot be used."""
    if spectrum.zwarning:
        flags = ", ".join(names(spectrum.zwarning))
        error = type(error)(
            f"{error.what} (the survey flagged it: {flags})", error.path, error.index
        )
    error.spectrum = spectrum
    return error


def _fits_reader(fits: Fits) -> _Reader:
    """Return the module that takes this file."""
    for module in _FITS:
        if module.identify(fits):
            return module
    raise ReadError(_unknown_fits(fits), fits.source.path)


def _other_reader(source: Source) -> ModuleType:
    for module in (hdf5, text):
        if module.identify(source):
            return module
    raise ReadError(unknown(source.head), source.path)


def _unknown_fits(fits: Fits) -> str:
    """Return the message for a FITS file of no known format: what it holds."""
    hdus = []
    for hdu in fits:
        columns = [name for name in hdu.columns if name][:12]
        size = " x ".join(map(str, hdu.shape[::-1])) or "empty"
        hdus.append(f"{hdu.index} {hdu.name} {columns or size}".replace("  ", " "))
        if hdu.index == 5:
            break
    return (
        "no known format of spectra in this FITS file, which holds "
        f"{'; '.join(hdus).replace(chr(39), '')}; a table of wavelength, flux and ivar as text "
        "can be read"
    )


def _spectra(source: Source, air: bool) -> Iterator[Spectrum | ReadError]:
    if source.fits:
        fits = Fits(source)
        return _fits_reader(fits).read(fits)
    spectra: Iterator[Spectrum | ReadError] = _other_reader(source).read(source, air=air)
    return spectra
