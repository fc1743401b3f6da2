"""The input contract: how a spectrum becomes a network's input tensor.

It is written into the weights file and read from there, so that training and classifying can
never prepare a spectrum in two ways.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ModelError
from huggins.noise import scatter
from huggins.prepare.grid import LogGrid, rebin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

_CHANNELS: Final = ("flux", "error", "snr", "coverage")
_NORMALISATIONS: Final = ("max", "median")
_NOISES: Final = ("given", "measured")
# Triples of neighbours that a measurement of the noise needs at least.
_TRIPLES: Final = 20


@dataclass(frozen=True, slots=True)
class InputContract:
    """How flux and ivar on a grid become a network's input.

    Attributes
    ----------
    grid
        The network's wavelength grid, of G pixels.
    channels
        What the network sees of each pixel, in order: ``flux`` (scaled), ``error`` (1-sigma
        uncertainty on the same scale), ``snr`` (flux over uncertainty), ``coverage`` (1 where
        there is data, else 0). All but coverage are 0 where there is no data.
    normalisation
        ``max``: divide by the largest flux, as the seed did, with nothing more. ``median``:
        divide by the median of the absolute flux, which negative flux, single spikes and
        a signal-to-noise below 1 leave alone; then compress with asinh and clip.
    clip
        Largest absolute value of a compressed channel.
    mask_brightsky
        Whether pixels flagged BRIGHTSKY are left out.
    noise
        ``given``: uncertainties are those of ivar. ``measured``: ivar tells how they differ
        from pixel to pixel; how large they are is measured from the scatter between pixels. An
        ivar that is wrong by a constant then changes nothing.
    """

    grid: LogGrid
    channels: tuple[str, ...]
    normalisation: str = "median"
    clip: float = 6.0
    mask_brightsky: bool = False
    noise: str = "given"

    def __post_init__(self) -> None:
        unknown = [c for c in self.channels if c not in _CHANNELS]
        if unknown or not self.channels:
            raise ModelError(f"unknown input channels {unknown}; known are {_CHANNELS}")
        if self.normalisation not in _NORMALISATIONS:
            raise ModelError(
                f"unknown normalisation {self.normalisation!r}; known are {_NORMALISATIONS}"
            )
        if self.noise not in _NOISES:
            raise ModelError(f"unknown noise {self.noise!r}; known are {_NOISES}")

    def rebin(
        self, spectra: Sequence[Spectrum]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Put N spectra on the grid: flux and ivar, each of shape (N, G)."""
        return rebin(spectra, self.grid, mask_brightsky=self.mask_brightsky)

    def tensor(
        self, flux: NDArray[np.floating], ivar: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Make the network's input from flux and ivar on the grid.

        Parameters
        ----------
        flux, ivar : ndarray, shape (N, G)
            In any unit; ivar 0 (or not finite) means no data.

        Returns
        -------
        ndarray of float32, shape (N, C, G)
        """
        good = (ivar > 0) & (ivar < np.inf) & np.isfinite(flux)
        f = np.where(good, flux, 0.0).astype(np.float64)
        root = np.sqrt(np.where(good, ivar, 0.0).astype(np.float64))  # 1 / sigma
        if self.noise == "measured":
            root /= _noise_scale(f, root)
        scale = _largest(f, good) if self.normalisation == "max" else _median_flux(f, good)
        out = np.zeros((len(f), len(self.channels), f.shape[1]), dtype=np.float32)
        for i, channel in enumerate(self.channels):
            if channel == "coverage":
                out[:, i] = good
                continue
            if channel == "flux":
                values = f / scale
            elif channel == "snr":
                values = f * root
            else:
                values = np.divide(1.0, root * scale, out=np.zeros_like(root), where=good)
            if self.normalisation != "max":
                values = np.clip(np.arcsinh(values), -self.clip, self.clip)
            out[:, i] = values
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, to be written into a weights file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> InputContract:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            If a key is unknown or missing.
        """
        try:
            grid = LogGrid(**values["grid"])
            rest = {k: v for k, v in values.items() if k not in ("grid", "channels")}
            return cls(grid=grid, channels=tuple(values["channels"]), **rest)
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"the input contract in the weights does not fit this version: {error}"
            ) from error


def _largest(flux: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Largest good flux of each row, shape (N, 1); the largest |flux| where all is negative."""
    top = np.where(good, flux, -np.inf).max(axis=1, keepdims=True)
    size = np.abs(flux).max(axis=1, keepdims=True)
    scale = np.where(top > 0, top, size)
    return np.where(scale > 0, scale, 1.0)


def _noise_scale(flux: NDArray[np.float64], root: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scatter between neighbouring pixels over 1 / `root`, shape (N, 1); 1 where unknown.

    The network was trained with the lower of the two middle values as the median. Where lines
    crowd at high S/N they are part of the scatter, which is information for the network.
    """
    with np.errstate(divide="ignore", over="ignore"):
        variance = 1.0 / (root * root)
    scale = scatter(flux, variance, lag=1, least=_TRIPLES, lower=True)
    return np.where(scale > 0, scale, 1.0)[:, None]


def _median_flux(flux: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median absolute good flux of each row, shape (N, 1); 1 where there is none."""
    ordered = np.sort(np.where(good, np.abs(flux), np.inf), axis=1)
    middle = (good.sum(axis=1, keepdims=True) - 1).clip(min=0) // 2
    scale = np.take_along_axis(ordered, middle, axis=1)
    return np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)


#: The seed's input of 2019: 433 pixels between log10 wavelength 3.56 and 4.01, flux over its
#: maximum, one channel.
SEED: Final = InputContract(
    grid=LogGrid(start=3.56, step=0.45 / 433, size=433),
    channels=("flux",),
    normalisation="max",
)

#: huggins' own: 3548 to 10715 A in pixels of 345 km/s.
STANDARD: Final = InputContract(
    grid=LogGrid(start=3.55, step=5e-4, size=960),
    channels=("flux", "error", "snr", "coverage"),
    noise="measured",
)
