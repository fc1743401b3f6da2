"""WEAVE level 1 files: all fibres of one arm, ``single_*.fit`` and ``stack_*.fit``.

Images RED_DATA (or BLUE_DATA; sky-subtracted counts, one row per fibre) and RED_IVAR, linear
wavelengths in the header, RED_SENSFUNC (flux per count), and FIBTABLE with the targets, as
https://github.com/WEAVE-LOFAR/WEAVE-IO and https://github.com/iprafols/SQUEzE read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import one_spectrum
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, records
from huggins.formats.request import blocks
from huggins.formats.wcs import axis, says_air
from huggins.quality import ZWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

NAME: Final = "weave"

_ARMS: Final = ("BLUE", "RED", "GREEN")
# Fibres read at a time: 40 MB in double precision.
_CHUNK: Final = 128


def identify(fits: Fits) -> bool:
    """Whether there are an arm's images and FIBTABLE."""
    first = fits.hdu(1)
    if first is None or first.name.partition("_")[0] not in _ARMS:
        return False
    names = {hdu.name for hdu in fits}
    return any({f"{arm}_DATA", f"{arm}_IVAR"} <= names for arm in _ARMS)


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield one spectrum per fibre; the arms of one file are joined."""
    path = fits.source.path
    by_name = {hdu.name: hdu for hdu in fits}
    arms = [arm for arm in _ARMS if {f"{arm}_DATA", f"{arm}_IVAR"} <= by_name.keys()]
    shapes = {
        by_name[f"{arm}_{part}"].image_shape[:1] for arm in arms for part in ("DATA", "IVAR")
    }
    if len(shapes) != 1 or shapes == {()}:
        raise ReadError(
            "the images of the arms do not fit together: fetch the file again", path
        )
    count = shapes.pop()[0]
    rows = _fibres(by_name.get("FIBTABLE"), count)
    names = [row.get("targetid") for row in rows] if rows else None
    numbers = [row.get("fiberid") for row in rows] if rows else None
    headers = [by_name[f"{arm}_DATA"] for arm in arms]
    primary = fits.hdu(0)
    air = says_air(*headers, *([] if primary is None else [primary]))
    for first, size in blocks(request.chosen(count, names, numbers), _CHUNK):
        parts = [_pixels(by_name, arm, first, size, path) for arm in arms]
        for i in range(size):
            context = Context(
                path, NAME, first + i, air=request.air, said_air=air,
                identity={"survey": "WEAVE", **(rows[first + i] if rows else {})},
            )  # fmt: skip
            joined = [
                Field(
                    fields[0].name, np.concatenate([_row(f, i) for f in fields]), fields[0].unit
                )
                for fields in zip(*parts, strict=True)
            ]
            try:
                yield one_spectrum(joined, context)
            except ReadError as error:
                error.index = context.index
                yield error


def _row(column: Field, row: int) -> Any:
    return column.values if column.values.ndim == 1 else column.values[row]


def _pixels(
    by_name: dict[str, Hdu], arm: str, first: int, count: int, path: str
) -> list[Field]:
    """Return wavelengths (L,), flux and ivar (count, L) of one arm."""
    data = by_name[f"{arm}_DATA"]
    size = data.image_shape[-1]
    found = axis(data, size)
    if found is None:
        raise ReadError(f"{arm}_DATA has no wavelengths in its header: fetch it again", path)
    flux = data.image(np.float64, first=first, count=count)
    ivar = by_name[f"{arm}_IVAR"].image(np.float64, first=first, count=count)
    if ivar.shape != flux.shape or flux.ndim != 2:
        raise ReadError(
            f"{arm}_IVAR is of shape {ivar.shape}, {arm}_DATA of {flux.shape}: fetch it again",
            path,
        )
    sensitivity = by_name.get(f"{arm}_SENSFUNC")
    if sensitivity is not None and sensitivity.image_shape == data.image_shape:
        factor = sensitivity.image(np.float64, first=first, count=count)
        factor = np.where(np.isfinite(factor) & (factor > 0), factor, 0.0)
        flux = flux * factor
        ivar = np.divide(ivar, factor**2, out=np.zeros_like(ivar), where=factor > 0)
    return [found, Field("flux", flux), Field("ivar", ivar)]


def _fibres(table: Hdu | None, count: int) -> list[dict[str, Any]]:
    """Return what FIBTABLE tells of each fibre."""
    found = []
    for record in records(table, count):
        identity = described(record.get)
        if record.get("targuse") == "S":
            identity["zwarning"] = int(ZWarning.SKY)
        found.append(identity)
    return found
