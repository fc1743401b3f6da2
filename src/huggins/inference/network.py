"""Inference with a network: ONNX Runtime, calibrated probabilities, redshifts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import InputError, ModelError
from huggins.inference.runtime import onnx_runtime
from huggins.inference.sources import spectra_in
from huggins.redshift.uncertainty import network_error
from huggins.taxonomy import CLASSES
from huggins.weights import DEFAULT, KEY, Metadata, find

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# Half-width, in ln(1 + z), of the stretch around the highest bin whose mean is the redshift:
# 5000 km/s, wider than a quasar's line shifts and far narrower than any confusion of lines.
_WINDOW = 0.0167


@dataclass(frozen=True, slots=True)
class Prediction:
    """Class probabilities and redshifts of N spectra by the network.

    Attributes
    ----------
    probabilities : ndarray, shape (N, 13)
        Calibrated, in the order of `huggins.taxonomy.CLASSES`, each row summing to 1.
    none : ndarray, shape (N,)
        Probability that it is none of the 13 (empty sky, a dead fibre); 0 where the model was
        not taught it.
    z, z_err : ndarray, shape (N,)
        Redshift at the highest peak of its distribution, and its 1-sigma error; NaN where the
        model gives none.
    z_peak : ndarray, shape (N,)
        Probability within 5000 km/s of `z`: near 1 where there is one redshift, less where
        there are others.
    density : ndarray, shape (N, B), or None
        The whole redshift distribution, each row summing to 1; None where the model gives none.
    """

    probabilities: NDArray[np.float64]
    none: NDArray[np.float64]
    z: NDArray[np.float64]
    z_err: NDArray[np.float64]
    z_peak: NDArray[np.float64]
    density: NDArray[np.float64] | None = None


class Model:
    """A weights file, loaded.

    Parameters
    ----------
    path
        An .onnx file with huggins' metadata inside.
    threads
        Threads of one inference; 0 leaves it to ONNX Runtime.

    Attributes
    ----------
    metadata : Metadata
    name : str
    path : Path
    hash : str
        First 16 hexadecimal digits of the file's SHA-256.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
        ort = onnx_runtime()

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises its own types, none of them public
            raise ModelError(f"{path}: not a usable ONNX file: {error}") from error
        described = self._session.get_modelmeta().custom_metadata_map
        if KEY not in described:
            raise ModelError(f"{path}: not exported by huggins: it carries no input contract")
        self.metadata = Metadata.from_json(described[KEY])
        self.name = self.metadata.name
        self.path = path
        self.hash = hashlib.sha256(content).hexdigest()[:16]
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __len__(self) -> int:
        """Return the number of classes that it tells apart."""
        return len(CLASSES)

    def __repr__(self) -> str:
        grid = self.metadata.contract.grid
        low, high = 10.0 ** grid.edges[[0, -1]]
        redshift = self.metadata.redshift
        reach = "no redshift"
        if redshift is not None:
            reach = f"z up to {np.expm1(redshift.start + redshift.step * redshift.size):.1f}"
        return (
            f"<Model {self.name} {self.metadata.version}: {len(self)} classes, {reach}, "
            f"{grid.size} pixels, {low:.0f} to {high:.0f} A>"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what it is, and the classes it tells apart."""
        from html import escape

        return (
            f"<code>{escape(repr(self)[1:-1])}</code><br>{' '.join(CLASSES)}<br>"
            f"<small>SHA-256 {self.hash}</small>"
        )

    def prepare(self, spectra: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Put spectra on the model's grid, as `predict` takes them.

        Parameters
        ----------
        spectra
            A `huggins.Spectrum`, a path, a row of a table of results, arrays (wavelength, flux,
            error), or a list of these, N spectra in all.

        Returns
        -------
        flux, ivar : ndarray, shape (N, G)
            On ``metadata.contract.grid``, rebinned by inverse variance, without bad pixels and
            cosmic rays; both 0 where there is no data.

        Raises
        ------
        ReadError
            If one of them cannot be read.
        """
        return self.metadata.contract.rebin(spectra_in(spectra))

    def predict(
        self, flux: NDArray[np.floating], ivar: NDArray[np.floating] | None = None
    ) -> Prediction:
        """Classify spectra that already lie on the model's grid.

        Parameters
        ----------
        flux, ivar : ndarray, shape (N, G)
            On ``metadata.contract.grid``, as `prepare` gives them, in any unit; ivar 0 where
            there is no data. Without
            ivar every finite flux counts as certain.

        Raises
        ------
        InputError
            If the shapes are not (N, G).
        """
        flux = np.atleast_2d(flux)
        ivar = np.isfinite(flux).astype(np.float64) if ivar is None else np.atleast_2d(ivar)
        size = self.metadata.contract.grid.size
        if flux.ndim != 2 or flux.shape != ivar.shape or flux.shape[1] != size:
            raise InputError(
                f"flux and ivar must both be of shape (N, {size}) for model {self.name!r}, "
                f"not {flux.shape} and {ivar.shape}; model.prepare puts spectra on that grid"
            )
        return self.run(self.metadata.contract.tensor(flux, ivar))

    def run(self, tensor: NDArray[np.float32]) -> Prediction:
        """Classify prepared input of shape (N, C, G)."""
        return predict_scores(self.scores(tensor), self.metadata)

    def scores(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the uncalibrated output of the network by name."""
        outputs = self._session.run(None, {"input": tensor})
        return dict(zip(self._outputs, outputs, strict=True))


def predict_scores(scores: Mapping[str, NDArray[np.floating]], meta: Metadata) -> Prediction:
    """Turn a network's scores into calibrated probabilities and redshifts.

    Parameters
    ----------
    scores
        ``class`` (N, K) and, where the network gives redshifts, ``redshift`` (N, B).
    meta
        Of the network.
    """
    softmax = _softmax(scores["class"] / meta.temperature)  # (N, K)
    order = [meta.classes.index(name) for name in CLASSES]
    probabilities = softmax[:, order]
    none = 1.0 - probabilities.sum(axis=1)
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-300)
    count = len(probabilities)
    if meta.redshift is None:
        unknown = np.full(count, np.nan)
        return Prediction(probabilities, none, unknown, unknown, unknown)
    density = _softmax(scores["redshift"] / meta.redshift_temperature)  # (N, B)
    log1z, spread, peak = _peak(density, meta.redshift.centres)
    z = np.expm1(log1z)
    z_err = network_error(z, spread, meta.redshift_error_scale)
    return Prediction(probabilities, none.clip(0.0, 1.0), z, z_err, peak, density)


def load_model(model: str | Path = DEFAULT, *, threads: int = 0) -> Model:
    """Load a shipped model by name, or any exported one by path.

    Parameters
    ----------
    model
        ``huggins`` (the default), ``seed``, or the path of an .onnx file.
    threads
        Threads of one inference; 0 uses every core.

    Raises
    ------
    ModelError
        If there is no such model, or the file is damaged or of another version.
    """
    return Model(find(model), threads=threads)


def _softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    density: NDArray[np.float64] = scores.astype(np.float64)
    density -= density.max(axis=1, keepdims=True)
    np.exp(density, out=density)
    density /= density.sum(axis=1, keepdims=True)
    return density


def _peak(
    density: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, spread and weight of each row's highest stretch, each of shape (N,)."""
    step = float(centres[1] - centres[0])
    half = max(1, round(_WINDOW / step))
    total = np.cumsum(np.pad(density, ((0, 0), (half + 1, half))), axis=1)
    window = total[:, 2 * half + 1 :] - total[:, : -2 * half - 1]  # (N, B)
    # The stretch with the most probability, not the highest bin: one broad peak may be split.
    at = window.argmax(axis=1)[:, None] + np.arange(-half, half + 1)
    inside = np.where((at >= 0) & (at < len(centres)), 1.0, 0.0)
    at = at.clip(0, len(centres) - 1)
    weights = np.take_along_axis(density, at, axis=1) * inside
    weight = weights.sum(axis=1)
    mean = (weights * centres[at]).sum(axis=1) / weight
    variance = (weights * (centres[at] - mean[:, None]) ** 2).sum(axis=1) / weight
    # A bin is not a point: its own width adds step^2 / 12.
    return mean, np.sqrt(variance + step**2 / 12.0), weight
