"""DESI ``coadd`` and ``spectra`` files: many targets, up to three cameras each.

For each camera (B, R, Z) there are images of flux (1e-17 erg/s/cm2/A), ivar and mask, one row
per spectrum, on vacuum wavelengths; FIBERMAP has the target of each row. Redshifts are in
``redrock-*.fits``, read where it is in the same folder. Data model:
https://desidatamodel.readthedocs.io/en/latest/DESI_SPECTRO_REDUX/SPECPROD/healpix/
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.cards import BLOCK
from huggins.formats.identity import fibre_bits, number, pipeline_result, position, whole
from huggins.formats.neighbours import rows_beside
from huggins.formats.request import blocks
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from huggins.fits import Fits
    from huggins.fits.hdu import Hdu
    from huggins.formats.request import Request

    Array = NDArray[np.float64]

NAME = "desi"

_FLUX: Final = re.compile(r"[A-Z]+_FLUX")
_WAVE: Final = re.compile(r"[A-Z]+_WAVELENGTH")
# Names of other files of redshifts: zbest before 2021, and those that people give.
_BESIDE: Final = re.compile(r"(?:redrock|zbest|redshifts?).*\.fits?(?:\.gz)?$", re.IGNORECASE)
# Spectra read at a time: 8 MB of pixels.
_CHUNK: Final = 128
# Of so few spectra the masks are unpacked one by one.
_FEW: Final = 64
# Cameras whose pixels agree to this fraction of a pixel share one grid.
_ALIGNED: Final = 0.01
_TARGET: Final = ("TARGETID", "TARGET_RA", "TARGET_DEC", "FIBER", "MJD")
_RESULT: Final = ("SPECTYPE", "SUBTYPE", "Z", "ZWARN")


@dataclass(frozen=True, slots=True)
class _Camera:
    """Images of one camera, and the places of its pixels on the joined grid."""

    flux: Hdu
    ivar: Hdu
    mask: NDArray[np.bool_] | Hdu | None  # (N, L), True where bad; or where to read it
    used: slice  # of its own pixels
    place: NDArray[np.intp]  # of those, on the joined grid


def identify(fits: Fits) -> bool:
    """Whether there are images of one camera's flux and ivar, and a FIBERMAP or wavelengths."""
    names = {hdu.name for hdu in fits}
    bands = [name.removesuffix("_FLUX") for name in names if _FLUX.fullmatch(name)]
    if "FIBERMAP" in names:
        return bool(bands)
    return any({f"{band}_WAVELENGTH", f"{band}_IVAR"} <= names for band in bands)


def read(fits: Fits, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield one spectrum per row of FIBERMAP, its cameras joined."""
    path = fits.source.path
    if fits.source.size % BLOCK:
        raise ReadError("the file is truncated: fetch it again", path)
    by_name = {hdu.name: hdu for hdu in fits}
    fibermap = by_name.get("FIBERMAP")
    if fibermap is not None:
        count = fibermap.rows if fibermap.shape else 0
    else:  # files cut out of others
        shape = next(hdu.image_shape for name, hdu in by_name.items() if _FLUX.fullmatch(name))
        count = shape[0] if len(shape) == 2 else 0
    if count == 0:
        what = "FIBERMAP has no row" if fibermap is not None else "the flux has no rows"
        raise ReadError(f"{what}: there is no spectrum in this file", path)
    targets = _targets(fibermap)
    fibres = None
    if request.selection.fibers and fibermap is not None and "FIBER" in fibermap:
        fibres = fibermap.column("FIBER", np.int64)
    chosen = request.chosen(count, targets, fibres)
    if targets is not None and request.selection:
        targets = targets[np.asarray(chosen, np.intp)]
    loglam, cameras = _cameras(by_name, count, path, whole=len(chosen) > _FEW)
    loglam.flags.writeable = False  # all spectra share it
    redshifts = _redshifts(path, targets)
    for first, size in blocks(chosen, _CHUNK):
        flux, ivar = _join(cameras, len(loglam), first, size)
        for i in range(size):
            target = {} if fibermap is None else fibermap.record(_TARGET, first + i)
            targetid, night = target.get("TARGETID"), number(target.get("MJD"))
            result = pipeline_result(redshifts.get(targetid, {}).get, _RESULT)
            ra, dec = position(target.get("TARGET_RA"), target.get("TARGET_DEC"))
            yield Spectrum(
                loglam,
                flux[i],
                ivar[i],
                file=path,
                index=first + i,
                format=NAME,
                survey="DESI",
                mjd=int(night) if night else None,
                fiberid=whole(target.get("FIBER")),
                targetid=None if targetid is None else str(targetid),
                ra=ra,
                dec=dec,
                zwarning=fibre_bits(result.zwarning),
                pipeline=result,
            )


def _cameras(
    by_name: dict[str, Hdu], count: int, path: str, *, whole: bool
) -> tuple[Array, list[_Camera]]:
    """Return log10 of the joined wavelengths, and the cameras with their places on them.

    `whole` reads the masks at once: they are compressed, and unpacking pieces is slower.
    """
    bands = [name.removesuffix("_FLUX") for name in by_name if _FLUX.fullmatch(name)]
    # A file truncated between two HDUs must not pass for one of fewer cameras.
    parts = [
        part
        for part in ("WAVELENGTH", "FLUX", "IVAR", "MASK", "RESOLUTION")
        if part in ("WAVELENGTH", "IVAR") or f"{bands[0]}_{part}" in by_name
    ]
    started = [name.removesuffix("_WAVELENGTH") for name in by_name if _WAVE.fullmatch(name)]
    for name in (
        f"{band}_{part}" for band in dict.fromkeys([*bands, *started]) for part in parts
    ):
        if name not in by_name:
            raise ReadError(f"there is no {name}: fetch the file again", path)
    images: list[tuple[Array, Hdu, Hdu, NDArray[np.bool_] | Hdu | None]] = []
    for band in bands:
        flux, ivar = by_name[f"{band}_FLUX"], by_name[f"{band}_IVAR"]
        wave: Array = by_name[f"{band}_WAVELENGTH"].image(np.float64)
        bits = by_name[f"{band}_MASK"] if "MASK" in parts else None
        if (
            wave.ndim != 1
            or flux.image_shape != (count, len(wave))
            or ivar.image_shape != flux.image_shape
            or (bits is not None and bits.image_shape != flux.image_shape)
            or not (np.isfinite(wave).all() and (wave > 0).all())
            or not (np.diff(wave) > 0).all()
        ):
            raise ReadError(
                f"the images of camera {band} do not fit its wavelengths and FIBERMAP: fetch "
                "the file again",
                path,
            )
        mask: NDArray[np.bool_] | Hdu | None = bits
        if whole and bits is not None:
            mask = bits.image(np.uint32) != 0
        images.append((wave, flux, ivar, mask))
    images.sort(key=lambda camera: float(camera[0][0]))
    waves = [camera[0] for camera in images]
    joined, used, places = _grid(waves)
    cameras = [
        _Camera(flux, ivar, mask, part, place)
        for (_, flux, ivar, mask), part, place in zip(images, used, places, strict=True)
    ]
    return np.log10(joined), cameras


def _grid(waves: list[Array]) -> tuple[Array, list[slice], list[NDArray[np.intp]]]:
    """Return the joined wavelengths, the pixels used of each camera, and their places.

    DESI's cameras share one grid of 0.8 A: a pixel seen by two of them appears once. Cameras
    on other grids are cut in the middle of their overlap, not resampled.
    """
    first = waves[0]
    step = (first[-1] - first[0]) / (len(first) - 1) if len(first) > 1 else 1.0
    numbers = [(wave - first[0]) / step for wave in waves]
    if all(np.abs(n - np.round(n)).max() < _ALIGNED for n in numbers):
        whole_numbers = [np.round(n).astype(np.int64) for n in numbers]
        pixels = np.unique(np.concatenate(whole_numbers))
        joined = np.empty(len(pixels))
        places = [np.searchsorted(pixels, n) for n in whole_numbers]
        for wave, place in reversed(list(zip(waves, places, strict=True))):
            joined[place] = wave
        return joined, [slice(None)] * len(waves), places
    # Where two cameras overlap, the middle; else nothing is cut.
    cuts = [
        0.5 * (wave[-1] + following[0]) if wave[-1] >= following[0] else None
        for wave, following in itertools.pairwise(waves)
    ]
    used = []
    for wave, low, high in zip(waves, [None, *cuts], [*cuts, None], strict=True):
        start = 0 if low is None else int(np.searchsorted(wave, low, side="right"))
        stop = len(wave) if high is None else int(np.searchsorted(wave, high, side="right"))
        used.append(slice(start, stop))
    pieces = [wave[part] for wave, part in zip(waves, used, strict=True)]
    ends = np.cumsum([len(piece) for piece in pieces])
    places = [np.arange(end - len(piece), end) for piece, end in zip(pieces, ends, strict=True)]
    return np.concatenate(pieces), used, places


def _bad(mask: NDArray[np.bool_] | Hdu, first: int, count: int) -> NDArray[np.bool_]:
    """Return the bad pixels of some spectra, shape (count, L)."""
    if isinstance(mask, np.ndarray):
        return mask[first : first + count]
    bad: NDArray[np.bool_] = mask.image(np.uint32, first=first, count=count) != 0
    return bad


def _join(
    cameras: list[_Camera], size: int, first: int, count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return flux and ivar of some spectra, shape (count, size), cameras weighted by ivar."""
    weight = np.zeros((count, size))
    total = np.zeros((count, size))
    for camera in cameras:
        flux = camera.flux.image(np.float32, first=first, count=count)[:, camera.used]
        ivar = camera.ivar.image(np.float32, first=first, count=count)[:, camera.used]
        bad = ~(np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0))
        if camera.mask is not None:
            bad |= _bad(camera.mask, first, count)[:, camera.used]
        ivar = np.where(bad, 0, ivar).astype(np.float64)
        weight[:, camera.place] += ivar
        total[:, camera.place] += np.where(bad, 0, flux) * ivar
    # Products of single-precision numbers are exact in double: the flux of a pixel seen by one
    # camera is returned to the bit.
    flux = np.divide(total, weight, out=total, where=weight > 0)
    with np.errstate(over="ignore"):
        return flux.astype(np.float32), weight.astype(np.float32)


def _targets(fibermap: Hdu | None) -> NDArray[np.int64] | None:
    if fibermap is None or "TARGETID" not in fibermap:
        return None
    targets: NDArray[np.int64] = fibermap.column("TARGETID", np.int64)
    return targets if targets.ndim == 1 else None


def _redshifts(path: str, targets: NDArray[np.int64] | None) -> dict[Any, dict[str, Any]]:
    """Return the rows of the file's redrock results, by TARGETID."""
    match = re.match(r"(?:coadd|spectra)-(.+?\.fits)(?:\.gz)?$", Path(path).name)
    return rows_beside(
        path,
        f"redrock-{match[1] if match else Path(path).name}",
        ("TARGETID", *_RESULT),
        ("TARGETID", "Z", "ZWARN"),
        others=_BESIDE,
        wanted=frozenset(() if targets is None else targets.tolist()),
    )
