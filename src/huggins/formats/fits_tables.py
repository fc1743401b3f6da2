"""Any FITS table of spectra: one row a pixel, or one row a spectrum with vectors in its cells.

Columns are known by their names and units, in tables of the Virtual Observatory and of ESO
(Phase 3 products, https://www.eso.org/sci/observing/phase3/p3sdpstd.pdf) by UCD and utype.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import CARD
from huggins.formats.columns import spectra_of
from huggins.formats.comments import said_rest
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, plain
from huggins.formats.names import AXES, FLUXES, UNCERTAINTIES, Role, meaning
from huggins.formats.stacks import Array, in_memory, role_of, sort, spectra
from huggins.formats.wcs import axis, remarks, says_air

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.fits.layout import FitsColumn
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

NAME: Final = "fits-table"

# Fewer rows are no pixels of a spectrum.
_PIXELS_MIN: Final = 10
#: HDUs that hold something else than the object.
NOT_THE_OBJECT: Final = re.compile(r"SKY|MODEL|TELLURIC|CONTINUUM|TEMPLATE|ARC\b|FLAT", re.I)
#: Utypes of the spectral data model of the Virtual Observatory, as names of columns.
UTYPES: Final = (
    ("spectralaxis.value", "wavelength"),
    ("fluxaxis.value", "flux"),
    ("fluxaxis.accuracy.staterror", "error"),
    ("fluxaxis.accuracy.qualitystatus", "qual"),
)


def holds_spectra(hdu: Hdu) -> bool:
    """Whether a table has columns of wavelength and flux, or of flux and its uncertainty."""
    if hdu.layout.kind != "table" or not hdu.rows:
        return False
    roles = {meaning(name).role for name in hdu.columns if name}
    if any(role in FLUXES for role in roles):
        return any(role in AXES or role in UNCERTAINTIES for role in roles)
    found = (
        {role_of(a) for a in columns(hdu)} if hdu.get("TUTYP1") or hdu.get("TUCD1") else set()
    )
    return any(r in FLUXES for r in found) and any(r in AXES for r in found)


def columns(hdu: Hdu) -> list[Array]:
    """Return the columns of a table: shape (rows,), (rows, L), or (rows, -1) where L varies."""
    arrays = []
    for column in hdu.columns.values():
        unit = str(hdu.get(f"TUNIT{column.number}") or "").strip()
        array = _array(hdu, column, unit)
        if array is not None:
            arrays.append(array)
    return arrays


def _array(hdu: Hdu, column: FitsColumn, unit: str) -> Array | None:
    own, rows = column.name, hdu.rows
    name = _named(hdu, column)
    if column.code in "BIJKEDL" and column.repeat > 0:
        shape = (rows,) if column.repeat == 1 else (rows, column.repeat)
        whole = np.int64 if column.code in "BIJK" else None
        return Array(name, shape, lambda at, n: hdu.column(own, whole, rows=(at, n)), unit)
    if column.code == "A" and column.repeat > 0:
        return Array(name, (rows,), lambda at, n: hdu.strings(own, at, n), unit)
    if column.code in "PQ":
        return Array(name, (rows, -1), lambda at, n: hdu.ragged(own, at, n), unit)
    return None


def _named(hdu: Hdu, column: FitsColumn) -> str:
    """Return a column's name, or what its utype or UCD says that it is."""
    utype = str(hdu.get(f"TUTYP{column.number}") or hdu.get(f"TUTYPE{column.number}") or "")
    name = column.name
    for ending, role in UTYPES:
        if utype.lower().endswith(ending) and meaning(name).role is Role.OTHER:
            name = role
    ucd = str(hdu.get(f"TUCD{column.number}") or "").lower()
    if ucd.startswith("em.wl") and meaning(name).role is Role.OTHER:
        name = "wavelength"
    if meaning(name).role is Role.WAVELENGTH and _air(_comment(hdu, column) + " " + ucd):
        name += " air"
    return name


def _comment(hdu: Hdu, column: FitsColumn) -> str:
    """Return the comment of a column's TTYPE card, where people write "air"."""
    key = f"TTYPE{column.number}".ljust(8).encode() + b"="
    at = hdu.header.find(key)
    card = hdu.header[at : at + CARD] if at >= 0 else b""
    return card.rpartition(b"/")[2].decode("latin-1") if b"/" in card else ""


def _air(text: str) -> bool:
    return re.search(r"\bair\b", text, re.IGNORECASE) is not None


def read(
    fits: Fits, hdu: Hdu, context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of one table."""
    headers = (hdu, *_primary(fits))
    context = replace(
        context,
        format=NAME,
        said_air=says_air(*headers),
        said_rest=said_rest(remarks(*headers)),
    )
    arrays = [replace(a, name=request.named(a.name)) for a in columns(hdu)]
    arrays = [_matrix(a, arrays) for a in arrays]
    extra = _cards(fits, hdu)
    if any(role_of(a) in FLUXES and len(a.shape) == 2 for a in arrays):
        arrays = _upright(arrays, hdu.rows)
        stack = sort(arrays, extra)
        if stack is None:
            size = max(a.shape[1] for a in arrays if len(a.shape) == 2)
            found = _axis_elsewhere(fits, hdu, size)
            if found is None:
                listed = ", ".join(a.name for a in arrays[:12])
                raise ReadError(
                    f"HDU {hdu.index}: no column of wavelengths: the columns are {listed}; "
                    "name one 'wavelength'",
                    fits.source.path,
                )
            stack = sort([*arrays, found], extra)
        if stack is not None:
            yield from spectra(stack, context, request)
            return
    fields = [
        Field(a.name, _native(a.read(0, hdu.rows)), a.unit)
        for a in arrays
        if len(a.shape) == 1 and role_of(a) is not Role.OTHER
    ]
    if not any(meaning(f.name, f.unit).role in AXES for f in fields):
        found = _axis_elsewhere(fits, hdu, hdu.rows)
        if found is not None:
            fields.append(Field(found.name, found.read(0, hdu.rows), found.unit))
    unused = tuple(a.name for a in arrays if len(a.shape) == 1 and role_of(a) is Role.OTHER)
    context = replace(
        context, identity={**context.identity, **described(extra.get)}, unused=unused
    )
    yield from spectra_of(fields, context)


def _upright(arrays: list[Array], rows: int) -> list[Array]:
    """Turn tables of one row a pixel and one element a spectrum, as specutils writes several.

    There one column of plain numbers is the axis, and it ascends or descends.
    """
    axes = [a for a in arrays if role_of(a) in AXES]
    if len(axes) != 1 or axes[0].shape != (rows,) or rows < _PIXELS_MIN:
        return arrays
    steps = np.diff(np.asarray(axes[0].read(0, rows), np.float64))
    if not ((steps > 0).all() or (steps < 0).all()):
        return arrays
    turned = []
    for array in arrays:
        values = np.asarray(array.read(0, rows))
        if values.ndim == 2:
            values = values.T
        turned.append(in_memory(array.name, values, array.unit))
    return turned


def _matrix(array: Array, arrays: list[Array]) -> Array:
    """Give vectors of variable length the length of the flux, where all rows have it."""
    if array.shape[1:] != (-1,) or role_of(array) not in FLUXES:
        return array
    size = max((a.shape[1] for a in arrays if len(a.shape) == 2), default=-1)
    if size == -1 and array.shape[0]:
        size = len(array.read(0, 1)[0])
    return replace(array, shape=(array.shape[0], size))


def _native(values: Any) -> Any:
    array = np.asarray(values)
    if array.dtype.kind == "S":
        return np.char.decode(array, "latin-1")
    return array


def _primary(fits: Fits) -> list[Hdu]:
    first = fits.hdu(0)
    return [] if first is None else [first]


def _cards(fits: Fits, hdu: Hdu) -> dict[str, Any]:
    """Return what the headers say of the object, by plain name."""
    names = (
        "OBJECT", "TARGET", "TARGNAME", "OBJNAME", "TARGETID", "OBJID", "RA", "DEC", "RA_TARG",
        "MJD-OBS", "MJD", "PLATEID", "FIBERID", "SDSS_ID", "CATALOGID", "SPECID",
    )  # fmt: skip
    found: dict[str, Any] = {}
    for source in (hdu, *_primary(fits)):
        for name in names:
            value = source.get(name)
            if value is not None:
                found.setdefault(plain(name), value)
    return found


def _axis_elsewhere(fits: Fits, hdu: Hdu, size: int) -> Array | None:
    """Return an axis from the header, or of this length from another HDU."""
    for source in (hdu, *_primary(fits)):
        start, step = source.get("CRVAL"), source.get("CDELT")
        if isinstance(start, float | int) and isinstance(step, float) and step:
            values = start + step * np.arange(size)
            return in_memory("loglam" if 3 < start < 4.6 else "wavelength", values)
        found = axis(source, size)
        if found is not None:
            return in_memory(found.name, found.values, found.unit)
    for other in fits:
        if other is hdu:
            continue
        if other.layout.kind == "image" and other.shape == (size,):
            if meaning(other.name).role in AXES:
                unit = str(other.get("BUNIT") or "")
                return in_memory(other.name, other.image(np.float64), unit)
        elif other.layout.kind == "table":
            for array in columns(other):
                if role_of(array) in AXES and array.shape in ((size,), (1, size)):
                    values = np.reshape(array.read(0, array.shape[0]), size)
                    return in_memory(array.name, values, array.unit)
    return None


def is_of_pixels(hdu: Hdu) -> bool:
    """Whether a table with columns of a spectrum has rows enough, or vectors."""
    return hdu.rows >= _PIXELS_MIN or any(
        c.repeat > 1 or c.code in "PQ" for c in hdu.columns.values()
    )
