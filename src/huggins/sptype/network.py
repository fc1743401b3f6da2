"""The network that reads spectral subtypes: plain numpy, trained by `experiments/sptype.py`.

Its input is the depth of lines below the local continuum, less where noise hides them, and the
shape of the continuum; its output is the subtype on the sequence O0 to L9 (0.5 is O0, 10.5 is
B0) and the width of a Laplace distribution about it.
"""

from __future__ import annotations

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

#: Middle and half the range of the subtypes, by which the output is scaled.
MIDDLE: Final = 40.0
RANGE: Final = 20.0
# Pixels of the running mean that stands for the continuum: 3.4 % of the wavelength.
_CONTINUUM: Final = 61
# Depth that noise of the same size halves.
_DEPTH: Final = 0.06
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
    f = np.where(seen, flux, 0.0)
    good = np.maximum(seen.sum(axis=1), 1)
    level = np.abs(f).sum(axis=1) / good
    level = np.where(level > 0, level, 1.0)[:, None]
    f = (f / level).astype(single)  # any unit fits into single precision then
    weight = np.minimum(ivar * level**2, 1e12).astype(single)
    smooth = _running(f) / np.maximum(_running(seen), 1)
    smooth = np.maximum(smooth, single(0.02))
    depth = np.clip(f / smooth - single(1.0), -1.5, 1.5)
    # Noise of the size of `_DEPTH` halves the depth.
    signal = weight * np.square(smooth) * single(_DEPTH**2)
    depth *= signal
    depth /= signal + single(1.0)
    depth *= single(0.3 / _DEPTH)
    depth *= seen
    edges = np.linspace(0, flux.shape[1], _BINS + 1).astype(int)[:-1]
    number = np.add.reduceat(seen, edges, axis=1, dtype=single)
    mean = np.add.reduceat(f, edges, axis=1) / np.maximum(number, 1)
    there = number > 5
    shape = np.where(there, np.log(np.clip(mean, 0.02, 50.0)), 0.0)
    return np.concatenate([depth, shape, there], axis=1, dtype=single)


def _running(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return running sums over `_CONTINUUM` pixels, fewer at the ends, shape (N, G)."""
    half = _CONTINUUM // 2
    count, size = rows.shape
    total = np.zeros((count, size + 2 * half + 1))
    np.cumsum(rows, axis=1, dtype=np.float64, out=total[:, half + 1 : half + 1 + size])
    total[:, half + 1 + size :] = total[:, half + size : half + size + 1]
    return (total[:, _CONTINUUM:] - total[:, :-_CONTINUUM]).astype(np.float32)


def run(layers: Layers, x: NDArray[np.floating]) -> tuple[Array, Array]:
    """Return subtype and unscaled width, each (N,), of features (N, F).

    Each row is multiplied by itself: the order in which a product of matrices is summed depends
    on its size, and an answer must not depend on its batch.
    """
    out: NDArray[Any] = np.asarray(x, np.float32)
    for n, (weight, offset) in enumerate(layers):
        out = (weight.astype(np.float32) @ out[:, :, np.newaxis])[:, :, 0]
        out = out + offset.astype(np.float32)
        if n < len(layers) - 1:
            out = 0.5 * out * (1.0 + np.tanh(0.7978845608 * (out + 0.044715 * out**3)))
    mean = MIDDLE + RANGE * out[:, 0].astype(np.float64)
    width = np.exp(np.clip(out[:, 1].astype(np.float64), -2.0, 4.0))
    return mean, width


def save(layers: Layers, scale: float) -> None:
    """Write the network beside this module, in half precision."""
    arrays: dict[str, Any] = {"scale": np.array(scale)}
    for n, (weight, offset) in enumerate(layers):
        arrays[f"weight{n}"] = weight.astype(np.float16)
        arrays[f"offset{n}"] = offset.astype(np.float32)
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    Path(str(files("huggins.sptype") / _FILE)).write_bytes(stream.getvalue())


@lru_cache(maxsize=1)
def load() -> tuple[Layers, float]:
    """Return the layers of the shipped network, and what scales its width to 1 sigma."""
    content = (files("huggins.sptype") / _FILE).read_bytes()
    with np.load(BytesIO(content)) as stored:
        count = sum(name.startswith("weight") for name in stored.files)
        layers = [
            (stored[f"weight{n}"].astype(np.float32), stored[f"offset{n}"])
            for n in range(count)
        ]
        return layers, float(stored["scale"])
