"""Weighted low-rank factorisation of spectra.

Each spectrum covers a part of the rest-frame range and has its own noise, so plain principal
components do not apply. As in expectation-maximisation PCA with weights (Bailey 2012, PASP 124,
1015), coefficients and vectors are solved for in turn by weighted least squares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flux = NDArray[np.float32]
    Array = NDArray[np.float64]

# Weight of "small" in the least squares, relative to the data, where the data say nothing.
_RIDGE = 1e-4


def factorise(
    flux: Flux,
    weight: Flux,
    count: int,
    rng: np.random.Generator,
    *,
    rounds: int = 12,
    smooth: float = 0.0,
) -> tuple[Flux, Array]:
    """Find vectors whose mixtures come closest to the spectra.

    Parameters
    ----------
    flux, weight : ndarray, shape (N, R)
        Weight 0 where a spectrum has no data.
    count
        Number of vectors, K.
    rng
        Start of the iteration.
    rounds
        Iterations.
    smooth
        Standard deviation in pixels of a Gaussian that smooths the vectors each round.

    Returns
    -------
    vectors : ndarray, shape (K, R)
        The first is the mean; the others are uncorrelated among the spectra, strongest first.
    spread : ndarray, shape (K,)
        Robust standard deviation of each coefficient over the first's; 1 for the first.
    """
    size = flux.shape[1]
    mean = (flux * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    random = rng.standard_normal((count - 1, len(flux))).astype(np.float32)
    start, _ = np.linalg.qr((random @ ((flux - mean) * weight)).T)
    vectors = np.concatenate([mean[None], 0.1 * np.sqrt(size) * start.T]).astype(np.float32)
    for _ in range(rounds):
        c = coefficients(flux, weight, vectors)
        pairs = (c[:, :, None] * c[:, None, :]).reshape(len(c), -1)
        matrix = (weight.T @ pairs).reshape(size, count, count).astype(np.float64)
        matrix += 1e-3 * np.mean(c**2) * np.eye(count)
        right = ((weight * flux).T @ c).astype(np.float64)
        vectors = np.linalg.solve(matrix, right[:, :, None])[:, :, 0].T.astype(np.float32)
        if smooth:
            vectors = blur(vectors, smooth)
        vectors = _orthogonal(vectors, c)
    return _principal(vectors, coefficients(flux, weight, vectors))


def coefficients(flux: Flux, weight: Flux, vectors: Flux) -> Flux:
    """Weighted least-squares coefficients (N, K) of spectra (N, R) in vectors (K, R)."""
    count = len(vectors)
    pairs = (vectors[:, None] * vectors[None]).reshape(count * count, -1)
    matrix = (weight @ pairs.T).reshape(-1, count, count).astype(np.float64)
    right = ((weight * flux) @ vectors.T).astype(np.float64)
    trace = np.trace(matrix, axis1=1, axis2=2)
    matrix += (_RIDGE / count) * trace[:, None, None] * np.eye(count)
    found: Flux = np.linalg.solve(matrix, right[:, :, None])[:, :, 0].astype(np.float32)
    return found


def _orthogonal(vectors: Flux, c: Flux) -> Flux:
    """Return a basis of the same space: the mean mixture, then vectors orthogonal to it."""
    size = vectors.shape[1]
    share = c / np.maximum(np.abs(c).sum(axis=1, keepdims=True), 1e-9)
    mean = share.mean(axis=0) @ vectors
    mean /= np.sqrt(np.mean(mean**2))
    rest = vectors - np.outer(vectors @ mean / size, mean)
    _, _, right = np.linalg.svd(rest, full_matrices=False)
    out: Flux = np.concatenate([mean[None], right[:-1] * np.sqrt(size)]).astype(np.float32)
    return out


def _principal(vectors: Flux, c: Flux) -> tuple[Flux, Array]:
    """Turn all but the first vector into the principal axes of the relative coefficients."""
    usable = c[c[:, 0] > 0].astype(np.float64)
    relative = usable[:, 1:] / usable[:, :1]
    middle = np.median(relative, axis=0)
    relative -= middle
    limit = 5.0 * 1.4826 * np.median(np.abs(relative), axis=0) + 1e-9
    relative = relative.clip(-limit, limit)
    values, axes = np.linalg.eigh(relative.T @ relative / len(relative))
    order = np.argsort(values)[::-1]
    out = vectors.astype(np.float64)
    out[0] += middle @ out[1:]
    out[1:] = axes[:, order].T @ out[1:]
    return out.astype(np.float32), np.concatenate([[1.0], np.sqrt(values[order])])


def blur(vectors: NDArray[np.floating], sigma: float) -> Flux:
    """Convolve rows with a Gaussian of `sigma` pixels; ends are repeated."""
    half = int(4.0 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(vectors, ((0, 0), (half, half)), mode="edge")
    length = padded.shape[1] + 2 * half
    product = np.fft.rfft(padded, length, axis=1) * np.fft.rfft(kernel, length)
    whole = np.fft.irfft(product, length, axis=1)
    return whole[:, 2 * half : 2 * half + vectors.shape[1]].astype(np.float32)
