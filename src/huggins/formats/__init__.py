"""Readers: from a file of any known format to `Spectrum`.

A format is identified by its content, never by the file's name; `README.md` in this folder says
how to add one.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from huggins.errors import ReadError
from huggins.fits import Fits, Source
from huggins.formats import (
    archives,
    arrays,
    desi,
    generic,
    hdf5,
    lamost,
    mwm,
    pack,
    pfs,
    pypeit,
    sparcl,
    spec,
    spplate,
    spspec,
    text,
    weave,
)
from huggins.formats.foreign import unknown
from huggins.formats.loaders import register_specutils
from huggins.formats.memory import from_object, from_specutils, is_arrays
from huggins.formats.request import ALL, Request, Selection, asked, mapped, select
from huggins.quality import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from huggins.spectrum import Spectrum

_log = logging.getLogger(__name__)

__all__ = [
    "ALL",
    "Selection",
    "from_object",
    "from_specutils",
    "identify",
    "is_arrays",
    "open_bytes",
    "open_file",
    "read",
    "register_specutils",
    "select",
]

# Endings of names that promise a spectrum: such a file in an archive is not passed over.
_SPECTRA: Final = (
    *(".fits", ".fit", ".fts", ".hdf5", ".h5", ".csv", ".ecsv", ".txt", ".dat", ".ascii"),
    *(".npz", ".vot", ".xml", ".json"),
)


# What most files are opened with.
_PLAIN: Final = Request()


class _Reader(Protocol):
    """The module of one FITS format."""

    NAME: str

    def identify(self, fits: Fits) -> bool: ...

    def read(self, fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]: ...


class _OtherReader(Protocol):
    """The module of one format that is not FITS."""

    NAME: str

    def identify(self, source: Source) -> bool: ...

    def read(self, source: Source, request: Request) -> Iterator[Spectrum | ReadError]: ...


# Asked in this order: containers of spec files before these, then the common formats first, and
# what takes any table or image of a spectrum last.
_FITS: Final[tuple[_Reader, ...]] = (
    *(pack, spec, lamost, spspec, spplate, desi),
    *(mwm, pypeit, weave, pfs, generic),
)
_OTHERS: Final[tuple[_OtherReader, ...]] = (hdf5, arrays, text)


def read(
    path: str | os.PathLike[str],
    *,
    air: bool = False,
    index: int | Iterable[int] = (),
    targetid: int | str | Iterable[int | str] = (),
    fiber: int | Iterable[int] = (),
    columns: Mapping[str, str] | None = None,
) -> list[Spectrum]:
    """Read the spectra of a file, all or some.

    Parameters
    ----------
    path
        A file of any known format (see ``docs/reference/formats.md``), compressed or not, or an
        archive of such files. ``FILE[39627866878511337]`` is the spectrum of that TARGETID (or
        INDEX), ``ARCHIVE[MEMBER]`` one file of an archive, ``sparcl:SPARCL_ID`` one spectrum of
        NOIRLab's SPARCL (with the package ``sparclclient``).
    air
        Whether wavelengths are in air where the file does not say.
    index, targetid, fiber
        Only these spectra of the file: by INDEX from 0, by TARGETID, by FIBERID; one or many.
        Only they are read, however large the file is.
    columns
        What columns or arrays with unusual names are: ``{"wavelength": "wl", "flux": "spec"}``.

    Returns
    -------
    list of Spectrum
        In the file's order. Spectra of a file of many that cannot be used, such as those of
        dead fibres, are left out with one warning; `index` tells which are there.

    Raises
    ------
    ReadError
        If none can be read. `open_file` yields the errors in their places.

    Warns
    -----
    UserWarning
        If some are left out.
    """
    spectra: list[Spectrum] = []
    errors: list[ReadError] = []
    for item in open_file(
        path, air=air, selection=select(index, targetid, fiber), columns=columns
    ):
        if isinstance(item, ReadError):
            errors.append(item)
        else:
            spectra.append(item)
    if errors and not spectra:
        raise errors[0]
    if errors:
        warnings.warn(
            f"{os.fspath(path)}: {len(errors)} of {len(spectra) + len(errors)} spectra cannot "
            f"be used and are left out, the first at index {errors[0].index}: {errors[0].what}",
            stacklevel=2,
        )
    return spectra


def open_file(
    path: str | os.PathLike[str],
    *,
    air: bool = False,
    selection: Selection = ALL,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a file one by one, without holding all of them in memory.

    Parameters
    ----------
    path, air, columns
        As for `read`.
    selection
        Which spectra (`huggins.formats.select`); all by default. What is asked for and not
        there yields one error at the end.

    Yields
    ------
    Spectrum or ReadError
        In the file's order. A file that cannot be read yields one error; a spectrum that cannot
        be used yields an error, with its index, in its place.
    """
    plain = not (air or columns or selection)
    request = _PLAIN if plain else Request(air, selection, mapped(columns))
    return _guarded(_opened(path, None, request), path)


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
    return _guarded(_opened(name, content, Request(air)), name)


def _guarded(
    items: Iterator[Spectrum | ReadError], path: str | os.PathLike[str]
) -> Iterator[Spectrum | ReadError]:
    """Yield the same, in silence where numbers overflow, and an error where memory ends."""
    while True:
        try:
            # Numbers out of all range are damage or fill values, which `check` and the masks
            # find: nothing to warn of.
            with np.errstate(all="ignore"):
                item = next(items, None)
        except MemoryError:
            yield ReadError(
                "it needs more memory than there is: unpack it, or choose spectra of it",
                os.fspath(path),
            )
            return
        if item is None:
            return
        yield item


def _opened(
    path: str | os.PathLike[str], content: bytes | None, request: Request
) -> Iterator[Spectrum | ReadError]:
    try:
        file = os.fspath(path)
        if content is None and sparcl.is_named(file):
            yield from _fetched(file)
            return
        if content is None:
            file, request = asked(path, request)
        with Source(file, content) as source:
            if archives.kind(source):
                yield from _members(source, request)
            elif request.selection:
                yield from _chosen(source, request)
            else:
                yield from _checked(source, request)
    except ReadError as error:
        yield error


def _fetched(name: str) -> Iterator[Spectrum | ReadError]:
    for item in sparcl.read(name):
        yield item if isinstance(item, ReadError) else _usable(item)


def _usable(spectrum: Spectrum) -> Spectrum | ReadError:
    spectrum.make_ascending()
    try:
        spectrum.check()
    except ReadError as error:
        return _explained(error, spectrum)
    return spectrum


def identify(path: str | os.PathLike[str]) -> str:
    """Return the name of a file's format.

    Raises
    ------
    ReadError
        If it is none that is known, or the file cannot be opened.
    """
    file, _ = asked(path, Request())
    with Source(file) as source:
        return archives.kind(source) or _name(source)


def _name(source: Source) -> str:
    if source.fits:
        return str(_fits_reader(Fits(source)).NAME)
    reader = _other_reader(source)
    if reader is hdf5:
        hdf5.check(source)
    return str(reader.NAME)


def _members(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all files in an archive; what is plainly none is passed over."""
    found = False
    for name, member in archives.members(source, request.member):
        if isinstance(member, ReadError):
            found = True
            yield member
            continue
        try:
            reader = archives.kind(member) or _name(member)
        except ReadError as error:
            if request.member or _promises(name):
                found = True
                yield error
            else:
                _log.info("%s: skipped, because it holds no spectrum", member.path)
            continue
        if reader in ("zip", "tar"):
            found = True
            yield ReadError("an archive in an archive: unpack it first", member.path)
            continue
        own = replace(request, selection=request.selection.of(member.path))
        for item in _yielded(_chosen(member, own)):
            if isinstance(item, ReadError) and reader == text.NAME and not _promises(name):
                _log.info(
                    "%s: skipped, because it holds no spectrum: %s", member.path, item.what
                )
                continue
            found = True
            yield item
    if not found:
        raise ReadError("no spectra in this archive", source.path)


def _yielded(items: Iterator[Spectrum | ReadError]) -> Iterator[Spectrum | ReadError]:
    """Yield also the error that ends a file: one of an archive must not end the others."""
    try:
        yield from items
    except ReadError as error:
        yield error


def _promises(name: str) -> bool:
    suffixes = [s.lower() for s in PurePosixPath(name).suffixes[-2:]]
    return any(suffix in _SPECTRA for suffix in suffixes)


def _chosen(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a file that are asked for, checked."""
    if not request.selection:
        yield from _checked(source, request)
        return
    found: list[tuple[int, str | None, int | None]] = []
    for item in _checked(source, request):
        spectrum = item.spectrum if isinstance(item, ReadError) else item
        if spectrum is None:
            if item.index not in request.selection.indices | request.selection.either:
                continue
            found.append((item.index, None, None))
        elif request.selection.takes(spectrum):
            found.append((spectrum.index, spectrum.targetid, spectrum.fiberid))
        else:
            continue
        yield item
    missing = request.selection.missing(found) if request.selection.strict else ""
    if missing:
        yield ReadError(f"the file has no {missing}", source.path)


def _checked(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    for spectrum in _spectra(source, request):
        yield spectrum if isinstance(spectrum, ReadError) else _usable(spectrum)


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


def _other_reader(source: Source) -> _OtherReader:
    for module in _OTHERS:
        if module.identify(source):
            return module
    raise ReadError(unknown(source.head), source.path)


def _unknown_fits(fits: Fits) -> str:
    """Return the message for a FITS file of no known format: what it holds."""
    known = generic.refusal(fits)
    if known:
        return known
    hdus = []
    for hdu in fits:
        columns = [name for name in hdu.columns if name][:12]
        size = " x ".join(map(str, hdu.shape[::-1])) or "empty"
        hdus.append(f"{hdu.index} {hdu.name} {columns or size}".replace("  ", " "))
        if hdu.index == 5:
            break
    return (
        "no known format of spectra in this FITS file, which holds "
        f"{'; '.join(hdus).replace(chr(39), '')}; a table of wavelength, "
        "flux and error, or an image with its wavelengths in the header, can be read"
    )


def _spectra(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    if source.fits:
        fits = Fits(source)
        reader = generic if request.columns else _fits_reader(fits)
        return reader.read(fits, request)
    return _other_reader(source).read(source, request)
