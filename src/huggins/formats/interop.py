"""Spectra from specutils objects; `huggins.Spectrum.to_specutils` is the inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import SpectrumError
from huggins.formats.pixels import inverse_variance
from huggins.spectrum import IDENTITY, Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NAME = "specutils"


def from_specutils(spectra: Any) -> list[Spectrum]:
    """Convert specutils objects.

    Parameters
    ----------
    spectra
        A ``Spectrum`` (``Spectrum1D`` before specutils 2), whose flux may have more than one
        dimension, a ``SpectrumCollection``, a ``SpectrumList``, or any iterable of these.
        Spectral axes of any unit (wavelength, frequency, energy, wave number) are taken to
        be in vacuum; a flux density per frequency is converted to one per wavelength, and
        fluxes of no physical unit are taken as they are.

    Returns
    -------
    list of Spectrum
        One for each row of flux, in order; `index` counts them.

    Raises
    ------
    SpectrumError
        If an object has no uncertainty or one of an unknown type, or if its arrays are not
        those of a spectrum.
    TypeError
        If an object is no spectrum.
    """
    converted: list[Spectrum] = []
    for item in _flatten(spectra):
        converted += _rows(item, len(converted))
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


def _rows(item: Any, first: int) -> Iterator[Spectrum]:
    """Yield the spectra of one object, whose last axis is wavelength."""
    from astropy import units as u

    axis: Any = u.Quantity(item.spectral_axis)
    flux: Any = u.Quantity(item.flux)
    if axis.ndim == 1:
        axis = np.broadcast_to(axis, flux.shape, subok=True)
    if axis.shape != flux.shape:
        raise SpectrumError(
            f"flux is of shape {flux.shape}, the spectral axis of {axis.shape}", index=first
        )
    try:
        wavelength = axis.to_value(u.AA, u.spectral())
    except u.UnitConversionError as error:
        raise SpectrumError(
            f"the spectral axis is in {axis.unit}, which is no wavelength: give it in "
            "Angstrom, nm or Hz",
            index=first,
        ) from error
    sigma = _sigma(item, flux, first)
    values, errors = _per_wavelength(flux, axis), _per_wavelength(sigma, axis)
    ivar = inverse_variance(errors)
    if getattr(item, "mask", None) is not None:
        ivar = np.where(np.broadcast_to(np.asarray(item.mask, dtype=bool), ivar.shape), 0, ivar)
    identity = _identity(getattr(item, "meta", None))
    rows = (array.reshape(-1, flux.shape[-1]) for array in (wavelength, values, ivar))
    for row, arrays in enumerate(zip(*rows, strict=True), first):
        yield Spectrum.from_arrays(*arrays, index=row, format=NAME, **identity)


def _sigma(item: Any, flux: Any, index: int) -> Any:
    """Return the 1-sigma errors of flux, in its unit."""
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty

    uncertainty = getattr(item, "uncertainty", None)
    if uncertainty is None:
        raise SpectrumError(
            "the spectrum has no uncertainty: give it one, such as "
            "astropy.nddata.StdDevUncertainty",
            index=index,
        )
    try:
        with np.errstate(all="ignore"):
            sigma = uncertainty.represent_as(StdDevUncertainty)
        unit = sigma.unit if sigma.unit is not None else flux.unit
        return u.Quantity(np.broadcast_to(sigma.array, flux.shape), unit).to(flux.unit)
    except (TypeError, ValueError, u.UnitConversionError) as error:
        raise SpectrumError(
            f"the uncertainty ({type(uncertainty).__name__}, {uncertainty.unit}) cannot be "
            f"used with a flux in {flux.unit}: {error}; give a StdDevUncertainty in its unit",
            index=index,
        ) from error


def _per_wavelength(flux: Any, axis: Any) -> Array:
    """Return flux in 1e-17 erg/s/cm2/A where its unit allows it, else its bare values."""
    from astropy import units as u

    unit = u.Unit("1e-17 erg / (s cm2 AA)")
    try:
        values: Array = flux.to_value(unit, u.spectral_density(axis))
    except u.UnitConversionError:
        values = flux.value
    return np.asarray(values, dtype=np.float64)


def _identity(meta: Any) -> dict[str, Any]:
    """Return what an object's meta holds as `Spectrum.to_specutils` writes it."""
    values = {name: meta.get(name) for name in IDENTITY} if hasattr(meta, "get") else {}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, IDENTITY[name]) and not isinstance(value, bool)
    }
