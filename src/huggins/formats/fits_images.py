"""FITS images of spectra with a spectral axis: one spectrum, or one in each row.

The uncertainty is in another HDU (known by its EXTNAME, or by the scatter between pixels where
it has none), in another row, or in a band of IRAF's. Images of the sky and cubes are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import likely_uncertainty, one_spectrum
from huggins.formats.comments import said_rest
from huggins.formats.fields import Context, Field
from huggins.formats.fits_tables import NOT_THE_OBJECT
from huggins.formats.identity import described, plain
from huggins.formats.names import AXES, FLUXES, UNCERTAINTIES, Role, meaning
from huggins.formats.request import Request, blocks
from huggins.formats.wcs import axis, is_spatial, remarks, says_air
from huggins.quality import ZWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.spectrum import Spectrum

NAME: Final = "fits-image"

_PIXELS_MIN: Final = 10
# Rows of an image that may be flux, error, sky and so on of one spectrum.
_ROWS_MAX: Final = 8
# Rows read at a time: 32 MB in double precision.
_VALUES: Final = 1 << 22
# Cards of the surveys whose second row is the variance: 2dFGRS, 6dFGS, 2QZ, 2SLAQ.
_VARIANCES: Final = (
    ("IMAGE", ("SPECTRUM",)),
    ("SURVEY", ("2dFGRS", "6dFGS", "2QZ", "2SLAQ-QSO", "2SLAQ-LRG")),
)
_DESCRIBING: Final = ("ROW{}", "ARRAY{}", "BANDID{}", "EXTEN{}", "AXIS2_{}")


@dataclass(slots=True)
class Group:
    """A flux image and those that belong to it."""

    flux: Hdu
    others: dict[Role, Hdu] = field(default_factory=dict)


def _is_image(hdu: Hdu) -> bool:
    shape = hdu.image_shape
    return hdu.layout.kind in ("image", "compressed") and bool(shape) and 0 not in shape


def _role(hdu: Hdu) -> Role | None:
    """Return what an image is by its EXTNAME; None where that says nothing."""
    name = hdu.name
    if not name or name == "PRIMARY":
        return None
    if NOT_THE_OBJECT.search(name):
        return Role.OTHER
    stem = re.sub(r"^(?:COMBINED|COADD|SCI|SPEC)[_ ]|_\d+$", "", name)
    if stem in ("STAT", "COADD_VAR"):  # ESO's name of the variance
        return Role.VARIANCE
    return Role.FLUX if stem in ("SCI", "STACK") else meaning(stem).role


def groups(fits: Fits) -> list[Group]:
    """Return the flux images of a file that have a spectral axis, with what belongs to each."""
    images = [hdu for hdu in fits if _is_image(hdu)]
    waves = [hdu for hdu in images if _role(hdu) in AXES]
    found: list[Group] = []
    for hdu in images:
        role = _role(hdu)
        if hdu in waves or hdu.image_shape[-1] < _PIXELS_MIN:
            continue
        fitting = [g for g in found if g.flux.image_shape == hdu.image_shape]
        if role in (*UNCERTAINTIES, Role.MASK, Role.GOOD) and role is not None:
            for group in reversed(fitting):
                if role not in group.others:
                    group.others[role] = hdu
                    break
            continue
        if role is Role.OTHER and found:
            continue
        if role is None and fitting and hdu.index:
            kind = "" if fitting[-1].others else _kind(fitting[-1].flux, hdu)
            if kind:
                fitting[-1].others[_NAMED[kind]] = hdu
                continue
            if hdu.layout.kind == "image" and hdu.layout.bitpix > 0:
                continue  # a mask that nobody explains
        if is_spatial(hdu) or (len(hdu.image_shape) > 2 and not _bands(hdu)):
            continue
        if _axis_of(fits, hdu, waves) is not None:
            found.append(Group(hdu))
    return found


def _bands(hdu: Hdu) -> bool:
    """Whether a cube holds IRAF's bands of extracted spectra: spectrum, raw, sky, sigma."""
    return len(hdu.image_shape) == 3 and hdu.get("BANDID1") is not None


def is_one_spectrum(group: Group) -> bool:
    """Whether an image is one spectrum with a spectral axis in its own header."""
    flux = group.flux
    return len(flux.image_shape) == 1 and axis(flux, flux.image_shape[0]) is not None


def holds_cube(fits: Fits) -> bool:
    """Whether the file holds an image of the sky at many wavelengths."""
    return any(_is_image(h) and len(h.image_shape) == 3 and not _bands(h) for h in fits)


def _axis_of(fits: Fits, hdu: Hdu, waves: list[Hdu], row: int = 0) -> Field | None:
    size = hdu.image_shape[-1]
    for wave in waves:
        shape = wave.image_shape
        if shape[-1] != size or len(shape) > 2:
            continue
        unit = str(wave.get("BUNIT") or wave.get("CUNIT1") or "")
        if len(shape) == 1 or shape[0] == 1:
            return Field(wave.name, wave.image(np.float64).reshape(-1), unit)
        if len(shape) == 2 and shape == hdu.image_shape:
            return Field(wave.name, wave.image(np.float64, first=row, count=1)[0], unit)
    found = axis(hdu, size, row)
    primary = fits.hdu(0)
    if found is None and primary is not None and primary is not hdu:
        found = axis(primary, size, row)
    return found


def read(
    fits: Fits, group: Group, context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of one flux image."""
    primary = fits.hdu(0)
    headers = (
        [group.flux] if primary is None or primary is group.flux else [group.flux, primary]
    )
    context = replace(
        context,
        format=NAME,
        said_air=says_air(*headers),
        said_rest=said_rest(remarks(*headers)),
        identity={**context.identity, **described(_cards(headers))},
    )
    waves = [hdu for hdu in fits if _is_image(hdu) and _role(hdu) in AXES]
    if len(group.flux.image_shape) == 3:
        yield from _banded(fits, group.flux, context, request)
        return
    if len(group.flux.image_shape) == 1:
        found = _axis_of(fits, group.flux, waves)
        yield one_spectrum([_required(found, fits), *_fields(group, None)], context)
        return
    parts = _parts(group)
    if parts:
        found = _axis_of(fits, group.flux, waves)
        rows = group.flux.image(np.float64)
        fields = [
            Field(
                _flux_name(group.flux) if name == "flux" else name, rows[row], _unit(group.flux)
            )
            for row, name in parts
        ]
        yield one_spectrum([_required(found, fits), *fields], context)
        return
    yield from _rows(fits, group, waves, context, request)


def _rows(
    fits: Fits, group: Group, waves: list[Hdu], context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of an image with one in each row."""
    count, size = group.flux.image_shape
    objects = _objects(fits, count)
    names = [row.get("targetid") for row in objects] if objects else None
    fibres = [row.get("fiberid") for row in objects] if objects else None
    own_axis = "multispec" in str(group.flux.get("WAT0_001") or "") or any(
        len(w.image_shape) == 2 for w in waves
    )
    shared = _axis_of(fits, group.flux, waves)
    for first, number in blocks(request.chosen(count, names, fibres), max(1, _VALUES // size)):
        blocks_of = _fields(group, (first, number))
        for i in range(number):
            row = first + i
            found = _axis_of(fits, group.flux, waves, row) if own_axis else shared
            identity = {**context.identity, **(objects[row] if objects else {})}
            own = replace(context, index=context.index + row, identity=identity)
            fields = [replace(f, values=f.values[i]) for f in blocks_of]
            try:
                yield one_spectrum([_required(found, fits), *fields], own)
            except ReadError as error:
                error.index = own.index
                yield error


def _required(found: Field | None, fits: Fits) -> Field:
    if found is None:
        raise ReadError("no wavelengths in the header of this image", fits.source.path)
    return found


def _unit(hdu: Hdu) -> str:
    return str(hdu.get("BUNIT") or "").strip()


def _fields(group: Group, rows: tuple[int, int] | None) -> list[Field]:
    """Return flux, uncertainty and masks of an image, or of some of its rows."""

    def pixels(hdu: Hdu) -> NDArray[np.float64]:
        if rows is None:
            return hdu.image(np.float64)
        return hdu.image(np.float64, first=rows[0], count=rows[1])

    fields = [Field(_flux_name(group.flux), pixels(group.flux), _flux_unit(group.flux))]
    for role, hdu in group.others.items():
        unit = _unit(hdu) if role in UNCERTAINTIES else ""
        fields.append(Field(_PLAIN[role], pixels(hdu), unit))
    return fields


def _kind(flux: Hdu, other: Hdu) -> str:
    """Return what an image without a name is to a flux, by its first rows."""
    rows = {"first": 0, "count": min(flux.image_shape[0], 50)} if len(flux.shape) == 2 else {}
    values = [np.ravel(hdu.image(np.float64, **rows)) for hdu in (flux, other)]
    return likely_uncertainty(*values)


_PLAIN: Final = {
    Role.ERROR: "error", Role.IVAR: "ivar", Role.VARIANCE: "variance", Role.MASK: "mask",
    Role.GOOD: "good",
}  # fmt: skip


_NAMED: Final = {name: role for role, name in _PLAIN.items()}


def _flux_name(hdu: Hdu) -> str:
    """Return a name that says what the unit of an image says."""
    return "flux_lambda" if _unit(hdu) and not _flux_unit(hdu) else "flux"


def _flux_unit(hdu: Hdu) -> str:
    unit = _unit(hdu)
    return unit if re.search(r"jy|hz|mag", unit, re.IGNORECASE) else ""


# Rows of one spectrum ----------------------------------------


def _parts(group: Group) -> list[tuple[int, str]]:
    """Return which rows of an image are flux and error of one spectrum; empty if they are many.

    As the header names them (GAMA's ROWn), else by the survey, else by the scatter between
    pixels.
    """
    count = group.flux.image_shape[0]
    if group.others or not 2 <= count <= _ROWS_MAX:
        return [(0, "flux")] if count == 1 and not group.others else []
    named = _named_rows(group.flux, count)
    if named:
        return named
    rows = group.flux.image(np.float64)
    kind = likely_uncertainty(rows[0], rows[1])
    if kind and any(str(group.flux.get(key) or "") in held for key, held in _VARIANCES):
        kind = "variance"
    return [(0, "flux"), (1, kind)] if kind else []


def _named_rows(hdu: Hdu, count: int) -> list[tuple[int, str]]:
    for pattern in _DESCRIBING:
        names = [str(hdu.get(pattern.format(i)) or "") for i in range(1, count + 1)]
        if not any(names):
            names = [str(hdu.get(pattern.format(i)) or "") for i in range(count)]
        roles = [_row_role(name) for name in names]
        flux = next((i for i, role in enumerate(roles) if role in FLUXES), None)
        if flux is None:
            continue
        found = [(flux, "flux")]
        error = next((i for i, role in enumerate(roles) if role in UNCERTAINTIES), None)
        return found if error is None else [*found, (error, _PLAIN[roles[error]])]
    return []


def _row_role(name: str) -> Role:
    """Return what a row is by the words that describe it."""
    words = name.lower()
    if re.search(r"sky|raw|no[_ ]?flux|continuum|model", words):
        return Role.OTHER
    if re.search(r"sigma|error|\berr\b|noise|stdev", words):
        return Role.ERROR
    if re.search(r"inverse|ivar", words):
        return Role.IVAR
    if "varian" in words:
        return Role.VARIANCE
    if re.search(r"spectrum|flux|intensity|\bsci", words):
        return Role.FLUX
    return meaning(name).role


def _banded(
    fits: Fits, hdu: Hdu, context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of IRAF's extraction: bands of spectrum, raw spectrum, sky, sigma."""
    bands, count, _ = hdu.image_shape
    roles = [_row_role(str(hdu.get(f"BANDID{i}") or "")) for i in range(1, bands + 1)]
    flux = roles.index(Role.FLUX) if Role.FLUX in roles else 0
    sigma = roles.index(Role.ERROR) if Role.ERROR in roles else None
    values = hdu.image(np.float64)
    for row in request.chosen(count):
        found = _required(_axis_of(fits, hdu, [], int(row)), fits)
        fields = [found, Field(_flux_name(hdu), values[flux, row])]
        if sigma is not None:
            fields.append(Field("error", values[sigma, row]))
        own = replace(context, index=context.index + int(row))
        try:
            yield one_spectrum(fields, own)
        except ReadError as error:
            error.index = own.index
            yield error


# Objects ----------------------------------------


def _cards(headers: list[Hdu]) -> Any:
    names = {
        plain(name): name
        for name in (
            "OBJECT", "TARGNAME", "OBJNAME", "TARGETID", "OBJID", "RA", "DEC", "MJD-OBS", "MJD",
            "SPECID", "FIBERID", "PLATEID", "OBJ_RA", "OBJ_DEC",
        )
    }  # fmt: skip

    def get(name: str) -> Any:
        key = names.get(name)
        values = (hdu.get(key) for hdu in headers) if key else ()
        return next((value for value in values if value is not None), None)

    return get


def _objects(fits: Fits, count: int) -> list[dict[str, Any]]:
    """Return what a table of fibres tells of each row; empty where there is none.

    2dfdr gives positions in radians.
    """
    for hdu in fits:
        if hdu.layout.kind != "table" or hdu.rows != count:
            continue
        if (
            not any(w in hdu.name for w in ("FIB", "TARGET", "OBJECT", "INFO"))
            and not {
                "RA",
                "NAME",
            }
            <= hdu.columns.keys()
        ):
            continue
        columns = tuple(name for name in hdu.columns if name)
        rows = [
            {plain(name): value for name, value in hdu.record(columns, row).items()}
            for row in range(count)
        ]
        if hdu.name == "FIBRES" or hdu.get("TUNIT1") == "radians":
            rows = _in_degrees(rows)
        return [described(row.get) | _fibre_type(row) for row in rows]
    return []


def _fibre_type(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the type of a fibre of 2dF means: S is sky, N broken, F and U no target."""
    kind = row.get("type")
    bits = {"S": ZWarning.SKY, "N": ZWarning.UNPLUGGED, "U": ZWarning.UNPLUGGED}
    bits["F"] = ZWarning.UNPLUGGED
    return {"zwarning": int(bits[kind])} if kind in bits else {}


def _in_degrees(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    both = [row[name] for row in rows for name in ("ra", "dec") if name in row]
    if any(not isinstance(v, float) or abs(v) > 2.0 * np.pi + 1e-6 for v in both):
        return rows
    return [
        {**row, **{name: float(np.degrees(row[name])) for name in ("ra", "dec") if name in row}}
        for row in rows
    ]
