"""PFS ``pfsCoadd`` and ``pfsObject`` files: coadded spectra of one or many targets.

WAVELENGTH (nm, vacuum; one for all or one per target), FLUX (nJy), MASK (bits), COVAR (three
diagonals per target, the first of which is the variance), TARGET with the objects, METADATA
with the names of the bits. Where lengths differ, tables with vectors stand for the images. Data
model:
https://github.com/Subaru-PFS/datamodel/blob/master/datamodel.txt
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import one_spectrum
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

NAME: Final = "pfs"

_NEEDED: Final = ("FLUX", "MASK", "COVAR", "WAVELENGTH")
#: Bits that make a pixel useless; others, such as that of a sky line, do not.
_BAD: Final = ("BAD", "SAT", "CR", "NO_DATA", "EDGE", "BAD_FLAT", "BAD_FIBERTRACE", "INTRP")


def identify(fits: Fits) -> bool:
    """Whether there are PFS's HDUs."""
    first = fits.hdu(1)
    if first is None or first.name not in ("TARGET", "WAVELENGTH", "FLUX"):
        return False
    names = {hdu.name for hdu in fits}
    return all(name in names for name in _NEEDED)


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all targets, in order."""
    path = fits.source.path
    by_name = {hdu.name: hdu for hdu in fits}
    flux, target = by_name["FLUX"], by_name.get("TARGET")
    count = flux.rows if flux.layout.kind == "table" or len(flux.image_shape) == 2 else 1
    count = flux.image_shape[0] if len(flux.image_shape) == 2 else count
    objects = _objects(target, count)
    names = [row.get("targetid") for row in objects] if objects else None
    bits = _bits(by_name.get("METADATA"), fits.hdu(0), flux)
    for row in request.chosen(count, names):
        index = int(row)
        identity = {"survey": "PFS", **(objects[index] if objects else {})}
        context = Context(path, NAME, index, said_air=False, identity=identity)
        try:
            wave, values, mask = (
                _vector(by_name[name], index, count, path)
                for name in ("WAVELENGTH", "FLUX", "MASK")
            )
            variance = _variance(by_name["COVAR"], index, count, path)
            if not len(wave) == len(values) == len(mask) == len(variance):
                raise ReadError("the arrays differ in length: fetch the file again", path)
            bad = mask.astype(np.int64) & bits if bits else mask
            yield one_spectrum(
                [
                    Field("wavelength", wave, "nm"),
                    Field("flux", values, "nJy"),
                    Field("variance", variance, "nJy2"),
                    Field("mask", bad.astype(np.float64)),
                ],
                context,
            )
        except ReadError as error:
            error.index = index
            yield error


def _vector(hdu: Hdu, row: int, count: int, path: str) -> Array:
    """Return the array of one target, which may be one for all."""
    if hdu.layout.kind == "table":
        name = next((n for n, c in hdu.columns.items() if c.code in "PQ"), None)
        if name is None or row >= hdu.rows:
            raise ReadError(f"HDU {hdu.index} ({hdu.name}) has no array for this target", path)
        return np.asarray(hdu.ragged(name, row, 1)[0], np.float64)
    if len(hdu.image_shape) == 1:
        return hdu.image(np.float64)
    if len(hdu.image_shape) != 2 or hdu.image_shape[0] != count:
        raise ReadError(f"HDU {hdu.index} ({hdu.name}) does not fit the targets", path)
    values: Array = hdu.image(np.float64, first=row, count=1)[0]
    return values


def _variance(hdu: Hdu, row: int, count: int, path: str) -> Array:
    if hdu.layout.kind == "table":
        if "ROW_0" not in hdu or row >= hdu.rows:
            raise ReadError("COVAR has no variance for this target", path)
        return np.asarray(hdu.ragged("ROW_0", row, 1)[0], np.float64)
    shape = hdu.image_shape
    if len(shape) == 2:
        values: Array = hdu.image(np.float64, first=0, count=1)[0]
        return values
    if len(shape) != 3 or shape[0] != count:
        raise ReadError("COVAR does not fit the targets: fetch the file again", path)
    variance: Array = hdu.image(np.float64, first=row, count=1)[0, 0]
    return variance


def _objects(table: Hdu | None, count: int) -> list[dict[str, Any]]:
    found = []
    for record in records(table, count):
        record.pop("targetid", None)  # PFS's own counts the rows; objId is the object
        found.append(described(record.get))
    return found


def _bits(metadata: Hdu | None, *headers: Hdu | None) -> int:
    """Return the bits of the mask that make a pixel bad; 0 where their names are not given."""
    text = ""
    for header in headers:
        if header is not None:
            text += header.header.decode("latin-1")
    if metadata is not None and metadata.layout.kind == "table" and metadata.rows:
        column = metadata.columns.get("METADATA")
        if column is not None and column.code == "A":
            text += metadata.strings("METADATA", 0, 1)[0].decode("latin-1")
    bits = 0
    for name, number in re.findall(r"MP_(\w+?)\s*[=:]\s*(\d+)", text):
        if name.strip() in _BAD and int(number) < 32:
            bits |= 1 << int(number)
    return bits
