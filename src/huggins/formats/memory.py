"""Spectra from objects in memory: arrays, tables, FITS files that are open, specutils.

`huggins.Spectrum.to_specutils` is the inverse for specutils.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError, SpectrumError
from huggins.formats.columns import spectra_of
from huggins.formats.fields import Context, Field
from huggins.formats.names import AXES, FLUXES, UNCERTAINTIES, Role, meaning
from huggins.spectrum import IDENTITY, Spectrum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "specutils"
_ARRAYS: Final = "arrays"

# Attributes that give the names of the columns of a table.
_NAMES: Final = ("colnames", "columns")

#: What `from_object` takes, for messages.
TAKEN: Final = (
    "a path, a huggins.Spectrum, a tuple (wavelength, flux, error), a dict, astropy Table or "
    "pandas DataFrame of columns, an open FITS file (HDUList), a file object, a specutils "
    "Spectrum or SpectrumList, or a list of these"
)


def from_object(
    source: Any, *, air: bool = False, index: int = 0, read: Callable[..., Any] | None = None
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of an object.

    Parameters
    ----------
    source
        One of `TAKEN`, but for paths and lists. In a tuple, a dict or a table, flux and its
        uncertainty may be of shape (N, L), one row per spectrum, with wavelengths (L,).
    air
        Whether its wavelengths are in air, where it does not say so itself.
    index
        Number of the first spectrum.
    read
        Reads the bytes of a file, as `huggins.formats.open_bytes`.

    Yields
    ------
    Spectrum or ReadError
        A spectrum that cannot be used is an error in its place.

    Raises
    ------
    TypeError
        If the object is none of these.
    """
    if isinstance(source, Spectrum):
        yield _checked(source)
    elif hasattr(source, "spectral_axis") and hasattr(source, "flux"):
        yield from _specutils(source, index)
    elif hasattr(source, "writeto") and read is not None:  # an HDUList
        yield from read(_fits_bytes(source), getattr(source, "filename", lambda: None)() or "")
    elif hasattr(source, "colnames") or hasattr(source, "columns") or isinstance(source, dict):
        yield from _table(source, air, index)
    elif hasattr(source, "read") and read is not None:
        content = source.read()
        if isinstance(content, str):
            content = content.encode()
        yield from read(content, str(getattr(source, "name", "")))
    elif is_arrays(source):
        names = ("wavelength", "flux", "error")
        yield from _table(dict(zip(names, source, strict=False)), air, index)
    else:
        raise TypeError(f"{type(source).__name__} is no spectrum: give {TAKEN}")


def is_arrays(source: Any) -> bool:
    """Whether this is a tuple of wavelengths, flux and possibly errors."""
    return (
        isinstance(source, tuple)
        and len(source) in (2, 3)
        and all(len(np.shape(part)) in (1, 2) for part in source)
        and not any(isinstance(part, str | Spectrum) for part in source)
    )


def from_specutils(spectra: Any) -> list[Spectrum]:
    """Convert specutils objects.

    Parameters
    ----------
    spectra
        A ``Spectrum`` (``Spectrum1D`` before specutils 2), whose flux may have more than one
        dimension, a ``SpectrumCollection``, a ``SpectrumList``, or any iterable of these.
        Spectral axes of any unit (wavelength, frequency, energy, wave number) are taken to
        be in vacuum; a flux density per frequency is converted to one per wavelength, and
        fluxes of no physical unit are taken as they are. Without an uncertainty the noise is
        measured.

    Returns
    -------
    list of Spectrum
        One for each row of flux, in order; `index` counts them.

    Raises
    ------
    SpectrumError
        If an object has an uncertainty of an unknown type, or if its arrays are not those of
        a spectrum.
    TypeError
        If an object is no spectrum.
    """
    converted: list[Spectrum] = []
    for item in _flatten(spectra):
        for spectrum in _specutils(item, len(converted)):
            if isinstance(spectrum, ReadError):
                raise spectrum
            converted.append(spectrum)
    return converted


def _flatten(spectra: Any) -> Iterator[Any]:
    if hasattr(spectra, "spectral_axis") and hasattr(spectra, "flux"):
        yield spectra
        return
    if isinstance(spectra, str | bytes) or not hasattr(spectra, "__iter__"):
        raise TypeError(
            f"{type(spectra).__name__} is not a specutils spectrum: it has no spectral_axis "
            "and flux"
        )
    for item in spectra:
        yield from _flatten(item)


def _checked(spectrum: Spectrum) -> Spectrum | ReadError:
    try:
        spectrum.check()
    except ReadError as error:
        error.spectrum = spectrum
        return error
    return spectrum


def _made(*arrays: Any, **options: Any) -> Spectrum | ReadError:
    """Create a spectrum, or return why it is none."""
    try:
        return Spectrum.from_arrays(*arrays, **options)
    except ReadError as error:
        return error


def _fits_bytes(hdus: Any) -> bytes:
    from io import BytesIO

    stream = BytesIO()
    hdus.writeto(stream, output_verify="ignore")
    return stream.getvalue()


# Tables ----------------------------------------


def _table(table: Any, air: bool, index: int) -> Iterator[Spectrum | ReadError]:
    # The columns of pandas have no truth value.
    names = list(next((getattr(table, n) for n in _NAMES if hasattr(table, n)), table))
    columns = {str(name): table[name] for name in names}
    roles = {
        name: meaning(name, str(getattr(c, "unit", "") or "")) for name, c in columns.items()
    }
    flux = next((n for wanted in FLUXES for n, m in roles.items() if m.role is wanted), None)
    if flux is None:
        shown = ", ".join(names[:12])
        raise TypeError(f"no column of fluxes: there are {shown}; name one 'flux'")
    if np.ndim(columns[flux]) == 2:
        yield from _rows_of(columns, roles, flux, air, index)
        return
    fields = [
        Field(name, _numeric(column), str(getattr(column, "unit", "") or ""))
        for name, column in columns.items()
    ]
    uneven = _uneven(fields, index)
    if uneven is not None:
        yield uneven
        return
    try:
        yield from spectra_of(fields, Context(format=_ARRAYS, index=index, air=air))
    except ReadError as error:
        error.index = index
        yield error


def _rows_of(
    columns: dict[str, Any], roles: dict[str, Any], flux: str, air: bool, index: int
) -> Iterator[Spectrum | ReadError]:
    """Yield a spectrum for each row of flux, (N, L); wavelengths may be common to all, (L,)."""
    fields = [
        Field(name, _numeric(column), str(getattr(column, "unit", "") or ""))
        for name, column in columns.items()
        if roles[name].role in (*AXES, *FLUXES, Role.ERROR, Role.IVAR, Role.VARIANCE, Role.MASK)
    ]
    count = len(columns[flux])
    for f in fields:
        if np.ndim(f.values) == 2 and len(f.values) != count:
            yield SpectrumError(
                f"{f.name} has {len(f.values)} rows and {flux} {count}: give as many",
                index=index,
            )
            return
    for row in range(count):
        part = [
            replace(f, values=f.values[row] if np.ndim(f.values) == 2 else f.values)
            for f in fields
        ]
        uneven = _uneven(part, index + row)
        if uneven is not None:
            yield uneven
            continue
        try:
            yield from spectra_of(part, Context(format=_ARRAYS, index=index + row, air=air))
        except ReadError as error:
            error.index = index + row
            yield error


def _uneven(fields: list[Field], index: int) -> SpectrumError | None:
    """Return the error of arrays that differ in length; None where they do not."""
    wanted = (*AXES, *FLUXES, *UNCERTAINTIES, Role.MASK, Role.GOOD)
    fields = [f for f in fields if meaning(f.name, f.unit).role in wanted]
    shapes = [np.shape(f.values) for f in fields]
    if len(set(shapes)) < 2 and all(len(shape) == 1 for shape in shapes):
        return None
    names = ", ".join(f.name for f in fields)
    shown = ", ".join(map(str, shapes))
    return SpectrumError(
        f"{names} must be one-dimensional and of one length, not {shown}", index=index
    )


def _numeric(column: Any) -> Any:
    """Return a column's numbers with NaN where they are masked; texts as they are."""
    from huggins.arrays import values_of

    try:
        return values_of(column, "column").data
    except SpectrumError:
        return np.asarray(column).astype(str)


# specutils ----------------------------------------


def _specutils(item: Any, first: int) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of one object, whose last axis is wavelength."""
    from astropy import units as u

    axis: Any = u.Quantity(item.spectral_axis)
    flux: Any = u.Quantity(item.flux)
    if axis.ndim == 1:
        axis = np.broadcast_to(axis, flux.shape, subok=True)
    if axis.shape != flux.shape:
        yield SpectrumError(
            f"flux is of shape {flux.shape}, the spectral axis of {axis.shape}", index=first
        )
        return
    try:
        sigma = _sigma(item, flux)
    except SpectrumError as error:
        error.index = first
        yield error
        return
    mask = getattr(item, "mask", None)
    size = flux.shape[-1]
    masks = np.broadcast_to(
        np.zeros((), bool) if mask is None else np.asarray(mask, bool), flux.shape
    )
    identity = _identity(getattr(item, "meta", None))
    for row in range(flux.size // size):
        wave, values, bad = (part.reshape(-1, size)[row] for part in (axis, flux, masks))
        errors = None if sigma is None else sigma.reshape(-1, size)[row]
        yield _made(
            wave,
            values,
            error=errors,
            mask=bad,
            index=first + row,
            format=NAME,
            **identity,
        )


def _sigma(item: Any, flux: Any) -> Any:
    """Return the 1-sigma errors of flux in its unit; None where there are none."""
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty

    uncertainty = getattr(item, "uncertainty", None)
    if uncertainty is None:
        return None
    try:
        with np.errstate(all="ignore"):
            sigma = uncertainty.represent_as(StdDevUncertainty)
        unit = sigma.unit if sigma.unit is not None else flux.unit
        return u.Quantity(np.broadcast_to(sigma.array, flux.shape), unit).to(flux.unit)
    except (TypeError, ValueError, u.UnitConversionError) as error:
        raise SpectrumError(
            f"the uncertainty ({type(uncertainty).__name__}, {uncertainty.unit}) cannot be "
            f"used with a flux in {flux.unit}: {error}; give a StdDevUncertainty in its unit"
        ) from error


def _identity(meta: Any) -> dict[str, Any]:
    """Return what an object's meta holds as `Spectrum.to_specutils` writes it."""
    values = {name: meta.get(name) for name in IDENTITY} if hasattr(meta, "get") else {}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, IDENTITY[name]) and not isinstance(value, bool)
    }
