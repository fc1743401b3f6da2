"""From named columns to spectra: the rules that every table of a spectrum is read by.

Text, FITS tables, VOTables, HDF5 and arrays from memory all come here, so that the same
columns give the same spectrum whatever they were stored in. What a file leaves open is decided
as follows, and each decision is noted in `Spectrum.notes`:

- wavelengths without a unit: Angstrom from 1100 on; 280 to 1100 are nm, 0.28 to 2.6 are um,
  3.3 to 4.4 are log10 of Angstrom, 7.9 to 9.9 its natural logarithm (no optical spectrum lies
  in two of these ranges);
- air or vacuum: as the name or the unit of the column says, else vacuum; `air` decides what
  the file leaves open, and an `air` that the file denies is an error;
- wavelengths that repeat or go back: rows are sorted, and equal wavelengths averaged by inverse
  variance, if what repeats is the same spectrum;
- a third column without a name: error or inverse variance, whichever the scatter between pixels
  bears out;
- values that stand for "missing" (-999, 1e30 and the like): bad pixels;
- no uncertainty at all: it is measured (`huggins.noise`), and NO_UNCERTAINTY is set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.names import (
    AXES,
    FLUXES,
    UNCERTAINTIES,
    Meaning,
    Role,
    is_per_wavelength,
    meaning,
    stem_and_number,
    unit_in_name,
)  # fmt: skip
from huggins.formats.pixels import inverse_variance
from huggins.noise import excess
from huggins.spectrum import Spectrum, air_to_vacuum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
# A column is what the scatter bears out if the other reading is this many times further off.
_CLEAR: Final = 2.0
_HOPELESS: Final = 30.0
# ... and an array that nobody calls an uncertainty is one if it is at most this far off.
_PLAUSIBLE: Final = 4.0


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


def spectra_of(fields: Sequence[Field], context: Context) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra that a table of pixels holds: mostly one.

    Many are read where a column names the spectrum of each row, or where there are several
    columns of flux that are numbered or have names of their own.

    Raises
    ------
    ReadError
        If the columns are no spectrum; the message lists them and names what is missing.
    """
    roles = [meaning(f.name, f.unit) for f in fields]
    if any(f.name for f in fields):
        many = _wide(fields, roles)
        if many is not None:
            for number, part in enumerate(many):
                yield _guarded(part, replace(context, index=context.index + number))
            return
        groups = _grouped(fields, roles)
        if groups is not None:
            for number, part in enumerate(groups):
                yield _guarded(part, replace(context, index=context.index + number))
            return
    yield one_spectrum(fields, context)


def _guarded(fields: Sequence[Field], context: Context) -> Spectrum | ReadError:
    """Return a spectrum, or why it is none: one of many must not end the others."""
    try:
        return one_spectrum(fields, context)
    except ReadError as error:
        error.index = context.index
        return error


def one_spectrum(fields: Sequence[Field], context: Context) -> Spectrum:
    """Return the spectrum of some columns.

    Raises
    ------
    ReadError
        If they are none.
    """
    notes: list[str] = []
    if not any(f.name for f in fields):
        fields = _unnamed(fields, context, notes)
    fields = [_with_unit(f) for f in fields]
    roles = [meaning(f.name, f.unit) for f in fields]
    axis = _first(fields, roles, AXES)
    listed = _listed(fields)
    flux = _first(fields, roles, FLUXES)
    for place, wanted, what, name in (
        (axis, AXES, "wavelengths", "wavelength"), (flux, FLUXES, "fluxes", "flux"),
    ):  # fmt: skip
        if place is not None:
            continue
        texts = next((f for f, m in zip(fields, roles, strict=True) if m.role in wanted), None)
        if texts is not None:
            raise ReadError(
                f"the {what} are not numbers: column {texts.name!r} holds text", context.path
            )
        raise ReadError(
            f"no column of {what}: the columns are {listed}; name one '{name}', or give "
            f"--columns {name}=NAME",
            context.path,
        )
    assert axis is not None
    assert flux is not None
    if roles[axis].rest or context.said_rest:
        where = f"column {fields[axis].name!r} holds" if roles[axis].rest else "a comment says"
        raise ReadError(
            f"{where} wavelengths at rest, and a redshift cannot be measured from them: give "
            "observed wavelengths",
            context.path,
        )
    fields, roles = _flux_as_said(fields, roles, axis, flux, context, notes)
    wavelength = _wavelength(fields[axis], roles[axis], context, notes)
    wavelength = _in_vacuum(wavelength, roles[axis], context, notes)
    values = np.array(fields[flux].values, np.float64)
    bad = _filled(values)
    if bad.any():
        notes.append(f"{int(bad.sum())} fluxes of {values[bad][0]:g} are taken as missing")
    found = _first(fields, roles, UNCERTAINTIES)
    measured = None if found is None else np.asarray(fields[found].values, np.float64) > 0
    bad |= ~np.isfinite(values) | _masked(fields, roles, measured)
    values[bad] = np.nan
    if found is None:
        ivar = None
        unused = [
            f for f, m in zip(fields, roles, strict=True) if m.role is Role.OTHER and f.name
        ]
        unused += [Field(name, None) for name in context.unused]
        if unused:
            notes.append(f"no column of uncertainties; columns not used: {_listed(unused)}")
    else:
        kind = {Role.IVAR: "ivar", Role.ERROR: "error", Role.VARIANCE: "variance"}[
            roles[found].role
        ]
        given = np.array(fields[found].values, np.float64)
        if _filled(given).any():
            given[_filled(given)] = np.nan
        given = _in_unit_of(given, fields[found], kind, fields[flux], wavelength, context)
        ivar = np.asarray(inverse_variance(given, kind), np.float64)
        ivar[bad] = 0.0
    values, ivar = _per_wavelength(
        values, ivar, wavelength, fields[flux], roles[flux].role, context
    )
    wavelength, values, ivar = _in_order(wavelength, values, ivar, context, notes)
    spectrum = Spectrum.from_arrays(
        wavelength, values, ivar, file=context.path, index=context.index, format=context.format,
        notes=tuple(notes), **context.identity,
    )  # fmt: skip
    spectrum.air = _is_air(roles[axis], context)
    return spectrum


def _with_unit(column: Field) -> Field:
    """Take the unit from the end of a name of flux or error, as in ``flux_mjy``."""
    if column.unit:
        return column
    unit = unit_in_name(column.name)
    return replace(column, unit=unit) if unit else column


def _flux_as_said(
    fields: Sequence[Field],
    roles: list[Meaning],
    axis: int,
    flux: int,
    context: Context,
    notes: list[str],
) -> tuple[Sequence[Field], list[Meaning]]:
    """Give a flux of no unit the one that a comment, or its error, tells.

    Raises
    ------
    ReadError
        If nothing tells whether a flux along frequencies is per frequency or per wavelength.
    """
    column = fields[flux]
    if column.unit or roles[flux].role is not Role.FLUX or is_per_wavelength(column.name):
        return fields, roles
    unit, source = context.said_unit, "as a comment says"
    if not unit:
        found = _first(fields, roles, (Role.ERROR,))
        unit = "" if found is None else fields[found].unit
        unit, source = (unit if re.fullmatch(r"[mun]?Jy", unit) else ""), "as its errors are"
    if unit:
        notes.append(f"the flux is taken to be in {unit}, {source}, and converted to F_lambda")
        new = [replace(f, unit=unit) if i == flux else f for i, f in enumerate(fields)]
        return new, [meaning(f.name, f.unit) for f in new]
    if roles[axis].role in (Role.FREQUENCY, Role.ENERGY, Role.WAVENUMBER):
        raise ReadError(
            f"the axis is a {roles[axis].role.value}, and nothing tells whether the flux in "
            f"column {column.name!r} is per unit frequency or wavelength: name it 'fnu' or "
            "'flux_lambda', or give its unit, as in 'flux (mJy)'",
            context.path,
        )
    return fields, roles


# Which columns ----------------------------------------


def _first(
    fields: Sequence[Field], roles: Sequence[Meaning], wanted: Sequence[Role]
) -> int | None:
    """Index of the column of the best role; of several the first, one in vacuum before air."""
    for role in wanted:
        places = [i for i, m in enumerate(roles) if m.role is role and _is_numeric(fields[i])]
        if places:
            return min(places, key=lambda i: (roles[i].rest, roles[i].air is True, i))
    return None


def _is_numeric(column: Field) -> bool:
    return (
        getattr(column.values, "dtype", None) is not None and column.values.dtype.kind in "fiub"
    )


def _listed(fields: Sequence[Field], most: int = 12) -> str:
    """Names of the columns for a message; of many only the first."""
    names = [f.name or "(unnamed)" for f in fields]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _unnamed(fields: Sequence[Field], context: Context, notes: list[str]) -> list[Field]:
    """Name two or three columns that have no names: wavelength, flux, uncertainty."""
    if len(fields) < 2:
        raise ReadError(
            f"{len(fields)} column and no header: wavelength and flux are needed", context.path
        )
    named = [replace(fields[0], name="wavelength"), replace(fields[1], name="flux")]
    if len(fields) == 2:
        return named
    flux, third = (np.asarray(f.values, np.float64) for f in fields[1:3])
    off = _off(flux, third, (1.0, -0.5))
    if not np.isfinite(off).any():
        off = [1.0, np.inf]  # nothing can be told: what most people write
    name = "error" if off[0] <= _CLEAR * off[1] else "ivar"
    if min(off) > _HOPELESS:
        raise ReadError(
            "the third column has no name, and the scatter between pixels bears out neither "
            f"1-sigma errors (by a factor {off[0]:.0f}) nor inverse variances ({off[1]:.0f}): "
            "write a header with the names of the columns",
            context.path,
        )
    notes.append(f"the third column, which has no name, is taken as {name}")
    return [*named, replace(fields[2], name=name)]


def _off(flux: Array, third: Array, powers: tuple[float, ...]) -> list[float]:
    """Return by what factors errors that are a power of some values miss the scatter."""
    with np.errstate(all="ignore"):
        positive = np.where(third > 0, third, np.nan)
        ratios = [excess(flux, positive**power) for power in powers]
    return [max(ratio, 1.0 / ratio) if ratio > 0 else np.inf for ratio in ratios]


def likely_uncertainty(flux: Array, other: Array) -> str:
    """Return what an array without a name is to a flux: error, ivar, variance, or nothing.

    An uncertainty is positive where it is not 0, and agrees with the scatter between pixels.
    """
    finite = other[np.isfinite(other)]
    if len(finite) < len(other) / 2 or (finite < 0).mean() > 0.01 or not (finite > 0).any():
        return ""
    kinds = ("error", "ivar", "variance")
    off = _off(flux, other, (1.0, -0.5, 0.5))
    best = min(off)
    if not best <= _PLAUSIBLE:
        return ""
    # What most people write, unless another reading is clearly better.
    return kinds[0] if off[0] <= _CLEAR * best else kinds[off.index(best)]


def _wide(fields: Sequence[Field], roles: Sequence[Meaning]) -> list[list[Field]] | None:
    """Split a table with one column of wavelengths and many of flux; None if it is none.

    Either numbered (``flux_1, err_1, flux_2, ...``) or, beside wavelengths alone, columns that
    have names of their own.
    """
    axis = _first(fields, roles, AXES)
    if axis is None:
        return None
    parts: dict[str, list[Field]] = {}
    for i, column in enumerate(fields):
        stem, number = stem_and_number(column.name)
        if i == axis or not number or not _is_numeric(column):
            continue
        role = meaning(stem, column.unit).role
        if role in (*FLUXES, *UNCERTAINTIES, Role.MASK, Role.GOOD):
            parts.setdefault(number, []).append(replace(column, name=stem))
    fluxes = {
        number: part
        for number, part in parts.items()
        if any(meaning(f.name, f.unit).role in FLUXES for f in part)
    }
    if len(fluxes) > 1 and _first(fields, roles, FLUXES) is None:
        return [[fields[axis], *part] for part in fluxes.values()]
    others = [
        f for i, f in enumerate(fields)
        if i != axis and roles[i].role is Role.OTHER and _is_numeric(f)
    ]  # fmt: skip
    if len(others) > 1 and len(others) == len(fields) - 1:
        return [[fields[axis], replace(f, name="flux")] for f in others]
    return None


def _grouped(fields: Sequence[Field], roles: Sequence[Meaning]) -> list[list[Field]] | None:
    """Split a table with a column that names the spectrum of each row; None if it has none."""
    names = next((f for f, m in zip(fields, roles, strict=True) if m.role is Role.OBJECT), None)
    if names is None:
        return None
    words = np.array([str(word).strip() for word in np.asarray(names.values).tolist()])
    distinct = list(dict.fromkeys(words.tolist()))
    if len(distinct) < 2 or len(words) < 10 * len(distinct):
        return None
    return [
        [
            replace(f, values=np.asarray(f.values)[words == word])
            for f in fields
            if f is not names
        ]
        for word in distinct
    ]


# The axis ----------------------------------------


def _wavelength(column: Field, role: Meaning, context: Context, notes: list[str]) -> Array:
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


def _is_air(role: Meaning, context: Context) -> bool:
    said = role.air if role.air is not None else context.said_air
    return context.air if said is None else said


def _in_vacuum(wavelength: Array, role: Meaning, context: Context, notes: list[str]) -> Array:
    said = role.air if role.air is not None else context.said_air
    if context.air and said is False:
        raise ReadError(
            "--air was given, but the file says that its wavelengths are in vacuum: leave "
            "--air out, or correct the header",
            context.path,
        )
    if not _is_air(role, context):
        return wavelength
    if said and not context.air:
        notes.append("wavelengths in air, as the header says, are converted to vacuum")
    return air_to_vacuum(wavelength)


# Flux ----------------------------------------


def _filled(values: Array) -> NDArray[np.bool_]:
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


def _masked(
    fields: Sequence[Field], roles: Sequence[Meaning], measured: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Pixels that a mask of the table takes out.

    A mask is of the other convention (1 is good) where pixels have an uncertainty just where it
    is not 0.
    """
    bad = np.zeros(len(fields[0].values), bool)
    for column, role in zip(fields, roles, strict=True):
        if role.role not in (Role.MASK, Role.GOOD) or not _is_numeric(column):
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


def _in_unit_of(
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


def _per_wavelength(
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


def _in_order(
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
    twice = np.bincount(group[good]) > 1
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
