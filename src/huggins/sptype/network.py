"""The networks that read spectral subtypes: plain numpy, trained by `experiments/sptype.py`.

Their input is the depth of lines below the local continuum, less where noise hides them, and
the shape of the continuum; their output is the probability of each of the 80 subtypes from O0
to L9.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Layers = Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]]

#: Subtypes of a letter.
TENTHS: Final = 10
# Pixels of the running mean that stands for the continuum: 3.4 % of the wavelength.
_CONTINUUM: Final = 61
# Depth that noise of the same size halves.
_DEPTH: Final = 0.06
# Mean of the square root of the size of a Gaussian deviate.
_ROOT: Final = 0.8222
# Bins of the shape of the continuum.
_BINS: Final = 24
_FILE: Final = "sptype.npz"


def features(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the input of the network.

    Parameters
    ----------
    flux, ivar : ndarray, shape (N, G)
        On the grid of `huggins.prepare.STANDARD`, in any unit; ivar 0 where there is no data.

    Returns
    -------
    ndarray of float32, shape (N, G + 2 * 24)
    """
    single = np.float32
    seen = ivar > 0
    f, w = np.where(seen, flux, 0.0), np.where(seen, ivar, 0.0)
    good = np.maximum(np.count_nonzero(seen, axis=1), 1)
    level, mean = np.abs(f).sum(axis=1) / good, w.sum(axis=1) / good
    if not (np.isfinite(level) & np.isfinite(mean)).all():
        sound = np.isfinite(flux) & np.isfinite(ivar)
        if not sound.all():
            return features(np.where(sound, flux, 0.0), np.where(sound, ivar, 0.0))
    # Any unit fits into single precision then.
    f, w = (
        (values / np.where(size > 0, size, 1.0)[:, None]).astype(single)
        for values, size in ((f, level), (w, mean))
    )
    weight = _scaled(f, w, seen)
    sums, numbers = _sums(f, np.float64), _sums(seen, np.int32)
    smooth = (sums[:, _CONTINUUM:] - sums[:, :-_CONTINUUM]).astype(single)
    smooth /= np.maximum(numbers[:, _CONTINUUM:] - numbers[:, :-_CONTINUUM], 1)
    np.maximum(smooth, single(0.02), out=smooth)
    depth = f / smooth
    depth -= single(1.0)
    np.clip(depth, -1.5, 1.5, out=depth)
    # Noise of the size of `_DEPTH` halves the depth.
    weight *= smooth
    weight *= smooth
    weight *= single(_DEPTH**2)
    depth *= weight
    weight += single(1.0)
    depth /= weight
    depth *= single(0.3 / _DEPTH)
    depth *= seen
    edges = np.linspace(0, flux.shape[1], _BINS + 1).astype(int) + _CONTINUUM // 2
    number = np.diff(numbers[:, edges], axis=1)
    mean = np.diff(sums[:, edges], axis=1) / np.maximum(number, 1)
    there = number > 5
    shape = np.where(there, np.log(np.clip(mean, 0.02, 50.0)), 0.0)
    return np.concatenate([depth, shape, there], axis=1, dtype=single)


def _scaled(
    f: NDArray[np.float32], weight: NDArray[np.float32], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return 1 / sigma^2 of `f`, its scale measured from the scatter between pixels, (N, G).

    The errors in a file may all be wrong by a factor. The root of the second differences is
    averaged, which a few outliers or lines change little.
    """
    difference = f[:, 1:-1] - np.float32(0.5) * (f[:, :-2] + f[:, 2:])
    difference *= difference
    difference *= weight[:, 1:-1]
    triple = seen[:, 1:-1] & seen[:, :-2] & seen[:, 2:]
    difference *= triple
    np.sqrt(difference, out=difference)
    np.sqrt(difference, out=difference)
    count = np.maximum(np.count_nonzero(triple, axis=1), 1)
    scale = (difference.sum(axis=1, dtype=np.float64) / count / _ROOT) ** 4 / 1.5
    scaled: NDArray[np.float32] = weight / np.maximum(scale, 1e-12).astype(np.float32)[:, None]
    return scaled


def _sums(rows: NDArray[Any], kind: type[Any]) -> NDArray[Any]:
    """Return the sums of the pixels before each pixel, (N, G + `_CONTINUUM`).

    They begin half of `_CONTINUUM` before the first pixel, so that a running sum, of fewer
    pixels at the ends, is the difference of two of them.
    """
    half = _CONTINUUM // 2
    count, size = rows.shape
    total = np.empty((count, size + 2 * half + 1), kind)
    total[:, : half + 1] = 0
    np.cumsum(rows, axis=1, dtype=kind, out=total[:, half + 1 : half + 1 + size])
    total[:, half + 1 + size :] = total[:, half + size : half + size + 1]
    return total


def run(layers: Layers, x: NDArray[np.floating]) -> Array:
    """Return the probabilities of the subtypes O0 to L9, (N, 80), of features (N, F).

    The mean of several small networks, which know better together how sure they are. Each row
    is multiplied by itself: the order in which a product of matrices is summed depends on its
    size, and an answer must not depend on its batch.
    """
    single = np.float32
    # One network after the other, so that its weights stay in the cache: (networks, N, F).
    out: NDArray[Any] = np.asarray(x, single)[np.newaxis]
    for n, (weight, offset) in enumerate(layers):
        product = (weight[:, np.newaxis] @ out[..., np.newaxis])[..., 0]
        out = product + offset[:, np.newaxis]
        if n < len(layers) - 1:
            gate = out * out
            gate *= single(0.044715)
            gate += single(1.0)
            gate *= out
            gate *= single(0.7978845608)
            np.tanh(gate, out=gate)
            gate += single(1.0)
            gate *= single(0.5)
            out *= gate
    out -= out.max(axis=2, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=2, keepdims=True)
    probabilities: Array = out.mean(axis=0, dtype=np.float64)
    return probabilities


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is fitted to stars that the network has not seen (`experiments/sptype.py`).

    Attributes
    ----------
    own, other
        Powers of the probabilities of letters by this network and by that of the classes, of
        which the product is made.
    scale, power
        The error is scale h^power, where the half-width h holds 68 % of the probability.
    """

    own: float
    other: float
    scale: float
    power: float


def save(layers: Layers, calibration: Calibration) -> None:
    """Write the networks beside this module, in half precision.

    Parameters
    ----------
    layers
        Weights (networks, out, in) and offsets (networks, out) of each layer.
    calibration
    """
    arrays: dict[str, Any] = {
        name: np.array(value) for name, value in asdict(calibration).items()
    }
    for n, (weight, offset) in enumerate(layers):
        arrays[f"weight{n}"] = weight.astype(np.float16)
        arrays[f"offset{n}"] = offset.astype(np.float32)
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    Path(str(files("huggins.sptype") / _FILE)).write_bytes(stream.getvalue())


@lru_cache(maxsize=1)
def load() -> tuple[Layers, Calibration]:
    """Return the layers of the shipped networks, and their calibration."""
    content = (files("huggins.sptype") / _FILE).read_bytes()
    with np.load(BytesIO(content)) as stored:
        count = sum(name.startswith("weight") for name in stored.files)
        layers = [
            (stored[f"weight{n}"].astype(np.float32), stored[f"offset{n}"])
            for n in range(count)
        ]
        return layers, Calibration(*(float(stored[f.name]) for f in fields(Calibration)))
