"""Arrays as people have them, with their units: quantities, masked arrays, tensors, series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import SpectrumError
from huggins.noise import excess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


# Factor between the stated errors and the scatter that is worth a note.
_ABSURD: Final = 1000.0


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


def checked_arrays(
    wavelength: Any, flux: Any, uncertainty: dict[str, Any], mask: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return wavelengths (Angstrom), flux per wavelength and ivar (or None), all (L,)."""
    given = values_of(wavelength, "wavelength")
    values = values_of(flux, "flux")
    if values.unit is None and not is_length(given):
        raise SpectrumError(
            f"the axis is in {given.unit}, and nothing tells whether the flux is per unit "
            "frequency or wavelength: give the flux its unit"
        )
    wave = to_angstrom(given)
    shapes = [wave.shape, values.data.shape]
    kind, source = next(iter(uncertainty.items()), ("", None))
    sigma: Values | None = None
    if source is not None:
        sigma = values_of(source, kind)
        shapes.append(sigma.data.shape)
    if wave.ndim != 1 or len(set(shapes)) > 1:
        names = ", ".join(["wavelength", "flux", *uncertainty])
        raise SpectrumError(
            f"{names} must be one-dimensional and of one length, not "
            f"{', '.join(map(str, shapes))}: several spectra on one axis go to huggins.classify"
        )
    if not (np.isfinite(wave).all() and (wave > 0).all()):
        raise SpectrumError("wavelengths must be finite and positive (Angstrom)")
    ivar = None
    if sigma is not None:
        sigma = in_unit_of(sigma, values, {"ivar": -2.0, "variance": 2.0}.get(kind, 1.0))
        with np.errstate(all="ignore"):
            # To an error, converted as the flux is, and back: units of flux are no mere factor.
            power = {"ivar": -0.5, "variance": 0.5}.get(kind, 1.0)
            if values.unit is not None:
                error = Values(sigma.data**power, values.unit)
                ivar = per_wavelength(error, wave) ** -2.0
                ivar[~(sigma.data > 0)] = 0.0
            else:
                ivar = sigma.data if kind == "ivar" else sigma.data ** (-2.0 * power)
                ivar = ivar if kind == "ivar" else np.where(sigma.data > 0, ivar, 0.0)
    result = per_wavelength(values, wave)
    if mask is not None:
        bad = np.asarray(mask, bool)
        if bad.shape != wave.shape:
            raise SpectrumError(f"mask is of shape {bad.shape}, the flux of {wave.shape}")
        result = np.where(bad, np.nan, result)
    if ivar is not None:
        ivar = np.where(np.isfinite(ivar) & np.isfinite(result), ivar, 0.0)
    return wave, result, ivar


def doubt_of(flux: NDArray[np.float64], ivar: NDArray[np.float64], *, as_ivar: bool) -> str:
    """Return a note where uncertainties are absurd, or ivar looks like errors; else nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(ivar > 0, ivar, np.nan)
        stated = excess(flux, known**-0.5)
        as_error = excess(flux, known) if as_ivar else np.nan
    apart = [max(value, 1.0 / value) if value > 0 else np.inf for value in (stated, as_error)]
    if not (apart[0] > 10.0 and apart[1] < 2.0):
        if stated > 0 and apart[0] >= _ABSURD:
            return (
                f"the scatter between pixels is {stated:.3g} times the stated uncertainties: "
                "check their unit, and whether they are errors, variances or ivar"
            )
        return ""
    return (
        f"the inverse variances look like 1-sigma errors: the scatter between pixels is "
        f"{stated:.3g} times what they say as ivar, {as_error:.2f} times as errors; pass "
        "error= if that is what they are"
    )
