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
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.fields import (
    Context,
    Field,
    filled,
    in_order,
    in_unit_of,
    in_vacuum,
    is_air,
    is_numeric,
    masked,
    per_wavelength,
    wavelength_of,
)
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
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# A column is what the scatter bears out if the other reading is this many times further off.
_CLEAR: Final = 2.0
_HOPELESS: Final = 30.0
# ... and an array that nobody calls an uncertainty is one if it is at most this far off.
_PLAUSIBLE: Final = 4.0


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
    wavelength = wavelength_of(fields[axis], roles[axis], context, notes)
    wavelength = in_vacuum(wavelength, roles[axis], context, notes)
    values = np.array(fields[flux].values, np.float64)
    bad = filled(values)
    if bad.any():
        notes.append(f"{int(bad.sum())} fluxes of {values[bad][0]:g} are taken as missing")
    found = _first(fields, roles, UNCERTAINTIES)
    measured = None if found is None else np.asarray(fields[found].values, np.float64) > 0
    bad |= ~np.isfinite(values) | masked(fields, roles, measured)
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
        if filled(given).any():
            given[filled(given)] = np.nan
        given = in_unit_of(given, fields[found], kind, fields[flux], wavelength, context)
        ivar = np.asarray(inverse_variance(given, kind), np.float64)
        ivar[bad] = 0.0
    values, ivar = per_wavelength(
        values, ivar, wavelength, fields[flux], roles[flux].role, context
    )
    wavelength, values, ivar = in_order(wavelength, values, ivar, context, notes)
    spectrum = Spectrum.from_arrays(
        wavelength, values, ivar, file=context.path, index=context.index, format=context.format,
        notes=tuple(notes), **context.identity,
    )  # fmt: skip
    spectrum.air = is_air(roles[axis], context)
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
        places = [i for i, m in enumerate(roles) if m.role is role and is_numeric(fields[i])]
        if places:
            return min(places, key=lambda i: (roles[i].rest, roles[i].air is True, i))
    return None


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
        if i == axis or not number or not is_numeric(column):
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
        if i != axis and roles[i].role is Role.OTHER and is_numeric(f)
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
