"""Columns of a table of pixels, and their conversion to wavelengths and fluxes of one kind.

The rules are those of `huggins.formats.columns`, which says what each column is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.names import Meaning, Role
from huggins.spectrum import air_to_vacuum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ANGSTROM: Final = {
    unit: scale
    for scale, units in {
        1.0: "a aa ang angstrom angstroms ångström ångströms å",
        10.0: "nm nanometer nanometre nanometers nanometres",
        1e4: "um µm μm micron microns micrometer micrometre micrometers micrometres",
        1e7: "mm",
        1e8: "cm",
        1e10: "m meter metre meters metres",
    }.items()
    for unit in units.split()
}
# Ranges of bare numbers in which all wavelengths of an optical spectrum lie, and their unit.
_BARE: Final = (
    (0.28, 2.6, Role.WAVELENGTH, 1e4, "um"),
    (3.3, 4.4, Role.LOG10, 1.0, "log10 of Angstrom"),
    (7.9, 9.9, Role.LN, 1.0, "the natural logarithm of Angstrom"),
    (280.0, 1100.0, Role.WAVELENGTH, 10.0, "nm"),
)
_LIGHT: Final = 2.99792458e18  # A/s
_HC: Final = 12398.419843  # eV A (CODATA 2018)
# Values that are written where there is none.
_FILLS: Final = (99, 999, 9999, 99999, 999999, 1e20, 1e30, 1e31, 9.969209968386869e36)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column of a table of pixels.

    Attributes
    ----------
    name, unit
        As the file gives them; empty where it does not.
    values : ndarray, shape (L,)
        Float64 with NaN where missing, or texts (for names of objects).
    """

    name: str
    values: Any
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a table beside its columns.

    Attributes
    ----------
    path, format, index
        For the spectra and for messages; `index` is that of the first spectrum.
    air
        The user's word that wavelengths are in air.
    said_air
        The file's own word beside its columns; None where it says nothing.
    identity
        Other attributes of the spectra.
    said_rest
        Whether the file says beside its columns that wavelengths are at rest.
    said_unit
        The unit per frequency that the file gives its flux beside the columns.
    unused
        Columns that were not read, because their names say nothing.
    """

    path: str = ""
    format: str = ""
    index: int = 0
    air: bool = False
    said_air: bool | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    said_rest: bool = False
    said_unit: str = ""
    unused: tuple[str, ...] = ()


def is_numeric(column: Field) -> bool:
    """Whether a column holds numbers."""
    return (
        getattr(column.values, "dtype", None) is not None and column.values.dtype.kind in "fiub"
    )


# The axis ----------------------------------------


def wavelength_of(column: Field, role: Meaning, context: Context, notes: list[str]) -> Array:
    """Return wavelengths in Angstrom."""
    values = np.array(column.values, np.float64)
    kind, unit = role.role, _unit_word(column.unit)
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise ReadError("no wavelength is a number", context.path)
    low, high = float(finite.min()), float(finite.max())
    scale = 1.0
    if kind is Role.WAVELENGTH and not unit:
        for least, most, what, factor, said in _BARE:
            if least <= low and high <= most:
                kind, scale = what, factor
                notes.append(f"wavelengths from {low:g} to {high:g} are taken as {said}")
                break
        else:
            if high < 1100.0:
                raise ReadError(
                    f"wavelengths from {low:g} to {high:g} cannot be Angstrom: name the unit "
                    "in the header, as in 'wavelength (nm)', or the column 'loglam'",
                    context.path,
                )
    elif kind is Role.WAVELENGTH:
        scale = _to_angstrom(column.unit, context)
    if kind in (Role.LOG10, Role.LN):
        scale = _ANGSTROM.get(unit, 1.0) if unit in _ANGSTROM else 1.0
        limit = 12.0 if kind is Role.LN else 6.0
        if high > limit:
            raise ReadError(
                f"column {column.name!r} should hold logarithms of wavelengths, but goes up to "
                f"{high:g}: name it 'wavelength' if it is in Angstrom",
                context.path,
            )
        return scale * (10.0**values if kind is Role.LOG10 else np.exp(values))
    if kind is Role.WAVELENGTH:
        return scale * values
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind is Role.FREQUENCY:
            return _LIGHT / (values * _factor(column.unit, "Hz", context))
        if kind is Role.ENERGY:
            return _HC / (values * _factor(column.unit, "eV", context))
        return 1e8 / (values * _factor(column.unit, "1/cm", context))


def _unit_word(unit: str) -> str:
    """Return the word of a unit that is a length, or all of it, in lower case."""
    text = re.sub(
        r"\b(?:in\s+)?(?:air|vac(?:uum)?|observed|obs|rest|frame|log10|log|dex)\b",
        " ",
        unit.lower(),
    )
    words = [word for word in re.split(r"[\s,;()\[\]]+", text) if word]
    return next((word for word in words if word in _ANGSTROM), " ".join(words))


def _to_angstrom(unit: str, context: Context) -> float:
    word = _unit_word(unit)
    if word in _ANGSTROM:
        return _ANGSTROM[word]
    from astropy import units as u

    try:
        return float(u.Unit(unit).to(u.AA))
    except (ValueError, TypeError, u.UnitConversionError):
        raise ReadError(
            f"wavelengths are in {unit!r}, which is not known: use Angstrom, nm or um",
            context.path,
        ) from None


def _factor(unit: str, target: str, context: Context) -> float:
    """Return a unit in terms of another; 1 where none is given."""
    if not unit:
        return 1.0
    from astropy import units as u

    try:
        return float(u.Unit(unit).to(u.Unit(target)))
    except (ValueError, TypeError, u.UnitConversionError):
        raise ReadError(
            f"the spectral axis is in {unit!r}, which is not known: use {target}", context.path
        ) from None


def is_air(role: Meaning, context: Context) -> bool:
    """Whether wavelengths are in air: as the column says, else the file, else the user."""
    said = role.air if role.air is not None else context.said_air
    return context.air if said is None else said


def in_vacuum(wavelength: Array, role: Meaning, context: Context, notes: list[str]) -> Array:
    """Return wavelengths in vacuum.

    Raises
    ------
    ReadError
        If the user says air and the file says vacuum.
    """
    said = role.air if role.air is not None else context.said_air
    if context.air and said is False:
        raise ReadError(
            "--air was given, but the file says that its wavelengths are in vacuum: leave "
            "--air out, or correct the header",
            context.path,
        )
    if not is_air(role, context):
        return wavelength
    if said and not context.air:
        notes.append("wavelengths in air, as the header says, are converted to vacuum")
    return air_to_vacuum(wavelength)


# Flux ----------------------------------------


def filled(values: Array) -> NDArray[np.bool_]:
    """Fluxes that stand for "none": a usual fill value, far from all others."""
    finite = np.isfinite(values)
    size = np.abs(values)
    at = finite & (size > 98.0)
    if at.any():
        near = np.isclose(size[at][:, None], _FILLS, rtol=1e-6, atol=0.0).any(axis=1)
        at[at] = near
    if not at.any():
        return at
    others = values[finite & ~at]
    if len(others) < 2:
        return np.zeros_like(at)
    low, middle, high = np.percentile(others, (1, 50, 99))
    reach = 10.0 * max(float(high - low), abs(float(middle)))
    far: NDArray[np.bool_] = at & (np.abs(values - middle) > reach)
    return far


def masked(
    fields: Sequence[Field], roles: Sequence[Meaning], measured: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Pixels that a mask of the table takes out.

    A mask is of the other convention (1 is good) where pixels have an uncertainty just where it
    is not 0.
    """
    bad = np.zeros(len(fields[0].values), bool)
    for column, role in zip(fields, roles, strict=True):
        if role.role not in (Role.MASK, Role.GOOD) or not is_numeric(column):
            continue
        values = np.nan_to_num(np.asarray(column.values, np.float64))
        good = values != 0 if role.role is Role.GOOD else values == 0
        if measured is not None and 0 < good.sum() < len(good):
            within, without = measured[good].mean(), measured[~good].mean()
            good = ~good if without > 0.9 and within < 0.1 else good
        # A mask that leaves next to nothing is of another convention.
        if good.mean() > 0.05:
            bad |= ~good
    return bad


def in_unit_of(
    values: Array, column: Field, kind: str, flux: Field, wavelength: Array, context: Context
) -> Array:
    """Return uncertainties in the unit of the flux."""
    if not column.unit or not flux.unit or column.unit == flux.unit:
        return values
    from astropy import units as u

    power = {"error": 1, "variance": 2, "ivar": -2}[kind]
    try:
        one, other = u.Unit(flux.unit), u.Unit(column.unit)
    except (ValueError, TypeError):
        if kind == "error":
            raise ReadError(
                f"flux is in {flux.unit!r} and its error in {column.unit!r}: give both in one "
                "unit",
                context.path,
            ) from None
        return values
    try:
        return np.asarray(values * other.to(one**power), np.float64)
    except u.UnitConversionError:
        if kind != "error":
            return values
    try:
        with np.errstate(all="ignore"):
            converted = (values * other).to_value(one, u.spectral_density(wavelength * u.AA))
        return np.asarray(converted, np.float64)
    except u.UnitConversionError:
        raise ReadError(
            f"flux is in {flux.unit!r} and its error in {column.unit!r}: give both in one unit",
            context.path,
        ) from None


def per_wavelength(
    values: Array,
    ivar: Array | None,
    wavelength: Array,
    column: Field,
    role: Role,
    context: Context,
) -> tuple[Array, Array | None]:
    """Return flux per unit wavelength and its inverse variance."""
    if role is Role.FLUX and not re.search(r"jy|hz|mag", column.unit.lower()):
        return values, ivar
    with np.errstate(all="ignore"):
        if role is Role.MAGNITUDE or "mag" in column.unit.lower():
            # AB: m = -2.5 log10(f_nu) + const (Oke and Gunn 1983, ApJ 266, 713).
            linear = 10.0 ** (-0.4 * (values - np.nanmedian(values)))
            if ivar is not None:
                ivar = ivar / (0.4 * np.log(10.0) * linear) ** 2
            values = linear
        # f_lambda = f_nu c / lambda^2, in a unit in which both are the same at 5000 A.
        scale = (5000.0 / wavelength) ** 2
        return values * scale, None if ivar is None else ivar / scale**2


def in_order(
    wavelength: Array, values: Array, ivar: Array | None, context: Context, notes: list[str]
) -> tuple[Array, Array, Array | None]:
    """Sort pixels by wavelength and average those that have the same.

    Raises
    ------
    ReadError
        If what repeats is another spectrum.
    """
    usable = np.isfinite(wavelength)
    if not usable.all():
        notes.append(f"{int((~usable).sum())} rows without a wavelength are left out")
        wavelength, values = wavelength[usable], values[usable]
        ivar = None if ivar is None else ivar[usable]
    step = np.diff(wavelength)
    if (step > 0).all() or (step < 0).all():
        return wavelength, values, ivar
    order = np.argsort(wavelength, kind="stable")
    wavelength, values = wavelength[order], values[order]
    weight = (
        np.isfinite(values).astype(float) if ivar is None else ivar[order] * np.isfinite(values)
    )
    distinct, group = np.unique(wavelength, return_inverse=True)
    if len(distinct) < len(wavelength):
        _same_object(values, weight, group, context, measured=ivar is None)
        notes.append(
            f"{len(wavelength) - len(distinct)} repeated wavelengths are averaged by inverse "
            "variance"
        )
    else:
        notes.append("rows are sorted by wavelength")
    total = np.bincount(group, weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(group, weight * np.nan_to_num(values)) / total
    merged: Array | None = None if ivar is None else total.astype(np.float64)
    return distinct, np.where(total > 0, mean, np.nan), merged


def _same_object(
    values: Array, weight: Array, group: NDArray[np.intp], context: Context, *, measured: bool
) -> None:
    """Refuse to average two spectra that are not of one object."""
    good = weight > 0
    twice = np.bincount(group[good], minlength=int(group.max()) + 1) > 1
    if not twice.any():
        return
    pairs = good & twice[group]
    mean = np.bincount(group[pairs], values[pairs]) / np.maximum(np.bincount(group[pairs]), 1)
    apart = np.abs(values[pairs] - mean[group[pairs]])
    level = float(np.median(np.abs(values[good])))
    noise = 0.0 if measured else float(np.median(weight[pairs] ** -0.5))
    if float(np.median(apart)) > max(0.25 * level, 5.0 * noise):
        raise ReadError(
            "wavelengths are repeated with different fluxes, as of several spectra under one "
            "another: add a column 'object' that names the spectrum of each row, or write one "
            "file each",
            context.path,
        )
