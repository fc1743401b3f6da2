"""Arrays as people have them, with their units: quantities, masked arrays, tensors, series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import SpectrumError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers of any origin.

    Attributes
    ----------
    data : ndarray of float64
        NaN where a value is masked or missing.
    unit
        An astropy unit; None where the origin has none.
    """

    data: Array
    unit: Any = None


def values_of(source: Any, what: str) -> Values:
    """Take the numbers and the unit of an array-like object.

    Parameters
    ----------
    source
        A sequence, a numpy array (masked or not), an astropy ``Quantity``, ``Column`` or
        ``Masked``, a torch tensor, a pandas or polars ``Series``.
    what
        Its name in messages.

    Raises
    ------
    SpectrumError
        If it holds no numbers.
    """
    unit = getattr(source, "unit", None)
    mask = getattr(source, "mask", None)
    plain = source
    for attribute in ("detach", "cpu"):  # of a torch tensor
        if hasattr(plain, attribute):
            plain = getattr(plain, attribute)()
    if hasattr(plain, "unmasked"):  # astropy's Masked
        plain = plain.unmasked
    if unit is not None and hasattr(plain, "value"):
        plain = plain.value
    if hasattr(plain, "to_numpy"):
        plain = plain.to_numpy()
    try:
        data = np.array(np.ma.getdata(plain), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpectrumError(
            f"{what} holds no numbers ({type(source).__name__}): give an array, a Quantity, a "
            f"masked array, a tensor or a Series ({error})"
        ) from None
    if mask is not None and not callable(mask):
        data[np.broadcast_to(np.asarray(mask, bool), data.shape)] = np.nan
    return Values(data, unit)


def is_length(values: Values) -> bool:
    """Whether values are lengths, or of no unit: no frequencies, energies or wave numbers."""
    if values.unit is None:
        return True
    from astropy import units as u

    unit = u.Unit(values.unit)
    return unit.is_equivalent(u.AA) or not unit.is_equivalent(u.AA, u.spectral())


def to_angstrom(values: Values) -> Array:
    """Return wavelengths in Angstrom, from any spectral unit; without a unit as they are.

    Raises
    ------
    SpectrumError
        If the unit is no wavelength, frequency, energy or wave number.
    """
    if values.unit is None:
        return values.data
    from astropy import units as u

    if values.unit == u.dimensionless_unscaled:
        return values.data
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((values.data * values.unit).to_value(u.AA, u.spectral()))
    except u.UnitConversionError:
        raise SpectrumError(
            f"the spectral axis is in {values.unit}, which is no wavelength: give it in "
            "Angstrom, nm or Hz"
        ) from None


def per_wavelength(values: Values, wavelength: Array) -> Array:
    """Return flux in 1e-17 erg/s/cm2/A where its unit allows it, else its bare values."""
    if values.unit is None:
        return values.data
    from astropy import units as u

    quantity = values.data * u.Unit(values.unit)
    with np.errstate(all="ignore"):
        try:
            return np.asarray(
                quantity.to_value(
                    u.Unit("1e-17 erg / (s cm2 AA)"), u.spectral_density(wavelength * u.AA)
                )
            )
        except u.UnitConversionError:
            return values.data


def in_unit_of(error: Values, flux: Values, power: float = 1.0) -> Values:
    """Return an uncertainty in the unit of the flux to some power.

    Raises
    ------
    SpectrumError
        If one has a unit and the other has none, or the units differ in kind.
    """
    if flux.unit is None and error.unit is None:
        return error
    from astropy import units as u

    given = u.Unit(error.unit) if error.unit is not None else None
    wanted = u.Unit(flux.unit) ** power if flux.unit is not None else u.dimensionless_unscaled
    if given is None:
        return Values(error.data, wanted)
    try:
        return Values(np.asarray((error.data * given).to_value(wanted)), wanted)
    except u.UnitConversionError:
        shown = flux.unit if flux.unit is not None else "no unit"
        raise SpectrumError(
            f"flux is in {shown} and its uncertainty in {error.unit}: give both in one unit"
        ) from None
