"""A page that puts mocks beside real spectra of the same class and signal-to-noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.page import Markup, document, paragraph, photograph
from huggins.plot import save
from huggins.runs.files import write_text
from huggins.taxonomy import ALL_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# How much a difference of 1 in ln(1 + z) counts against one of 1 in ln(S/N).
_REDSHIFT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Spectra:
    """N spectra on one grid, with what they are.

    Attributes
    ----------
    flux, ivar : ndarray, shape (N, G)
    kind : ndarray of str, shape (N,)
        One of the 13 classes or NONE.
    z : ndarray, shape (N,)
        NaN where unknown.
    name : ndarray of str, shape (N,)
        What is written over it.
    """

    flux: NDArray[np.floating]
    ivar: NDArray[np.floating]
    kind: NDArray[np.str_]
    z: NDArray[np.float64]
    name: NDArray[np.str_]

    def take(self, rows: NDArray[np.int64]) -> Spectra:
        """Return some of them."""
        return Spectra(
            self.flux[rows], self.ivar[rows], self.kind[rows], self.z[rows], self.name[rows]
        )

    @property
    def sn(self) -> NDArray[np.float64]:
        """Median signal-to-noise of the good pixels, shape (N,); 0 where there are none."""
        ratio = np.where(self.ivar > 0, self.flux * np.sqrt(self.ivar), np.nan)
        ratio[np.isnan(ratio).all(axis=1)] = 0.0
        middle: NDArray[np.float64] = np.nanmedian(ratio, axis=1)
        return middle


def matched(real: Spectra, mocks: Spectra, each: int = 1) -> NDArray[np.int64]:
    """For every real spectrum the mocks of its class nearest in S/N and redshift.

    No mock is given twice.

    Returns
    -------
    ndarray of int, shape (N, each)
        Rows of `mocks`; -1 where there are not enough.
    """
    partners = np.full((len(real.kind), each), -1)
    for kind in np.unique(real.kind):
        mine = np.flatnonzero(real.kind == kind)
        others = np.flatnonzero(mocks.kind == kind)
        far = np.abs(_log_sn(real)[mine, None] - _log_sn(mocks)[others])
        with np.errstate(invalid="ignore"):
            dz = np.log1p(real.z)[mine, None] - np.log1p(mocks.z)[others]
        far = far + _REDSHIFT * np.nan_to_num(np.abs(dz))
        for k in range(each):
            for i, row in enumerate(mine):
                if len(others) and np.isfinite(best := far[i].min()) and best < np.inf:
                    at = int(far[i].argmin())
                    partners[row, k] = others[at]
                    far[:, at] = np.inf
    return partners


def _log_sn(spectra: Spectra) -> NDArray[np.float64]:
    logarithm: NDArray[np.float64] = np.log(np.maximum(spectra.sn, 0.1))
    return logarithm


def draw_page(
    real: Spectra,
    mocks: Spectra,
    loglam: NDArray[np.float64],
    path: Path,
    *,
    each: int = 4,
    seed: int = 0,
) -> int:
    """Draw real spectra on the left and their mocks on the right, one figure per class.

    Parameters
    ----------
    real, mocks
        On the same grid.
    loglam : ndarray, shape (G,)
    path
        ``.html`` (one file, pictures inside) or ``.pdf``; one that is there is replaced.
    each
        Pairs per class.
    seed
        Of the choice of real spectra.

    Returns
    -------
    int
        Number of pairs.

    Raises
    ------
    InputError
        If the extension is another one, or no class has that many mocks.
    OutputError
        If the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".pdf"):
        raise InputError(f"{path}: a page is .html or .pdf")
    rng = np.random.default_rng(seed)
    rows: dict[str, NDArray[np.int64]] = {}
    for kind in ALL_CLASSES:
        having = np.flatnonzero(real.kind == kind)
        if len(having) and (mocks.kind == kind).sum() >= each:
            chosen = rng.choice(having, min(each, len(having)), replace=False)
            rows[kind] = chosen[np.argsort(real.sn[chosen])]
    if not rows:
        raise InputError(f"{path}: no class is among both the real spectra and the mocks")
    figures = (
        (kind, _figure(kind, chosen, partners[:, 0], real, mocks, loglam))
        for kind, chosen in rows.items()
        for partners in [matched(real.take(chosen), mocks)]
    )
    if path.suffix.lower() == ".pdf":
        list(save(figures, path, overwrite=True))
    else:
        write_text(path, _document(figures))
    return sum(map(len, rows.values()))


def _figure(
    kind: str,
    rows: NDArray[np.int64],
    partners: NDArray[np.int64],
    real: Spectra,
    mocks: Spectra,
    loglam: NDArray[np.float64],
) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 1.9 * len(rows) + 0.5), layout="constrained")
    axes: Any = figure.subplots(len(rows), 2, squeeze=False, sharex=True)
    wave = 10.0**loglam
    for (left, right), row, partner in zip(axes, rows, partners, strict=True):
        for axis, spectra, at in ((left, real, row), (right, mocks, partner)):
            good = spectra.ivar[at] > 0
            flux = np.where(good, spectra.flux[at], np.nan)
            if good.any():
                scale = np.nanmedian(np.abs(flux)) or 1.0
                low, high = np.nanpercentile(flux / scale, [0.5, 99.5])
                margin = 0.15 * (high - low) + 1e-3
                axis.set_ylim(low - margin, high + margin)
                axis.plot(wave, flux / scale, linewidth=0.6, color="0.15")
            z = "" if np.isnan(spectra.z[at]) else f", z {spectra.z[at]:.4f}"
            axis.set_title(
                f"{spectra.name[at]}: S/N {spectra.sn[at]:.1f}{z}", fontsize=8, loc="left"
            )
            axis.tick_params(labelsize=7)
    figure.suptitle(f"{kind}: real on the left, mock on the right", fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("vacuum wavelength (Angstrom)", fontsize=8)
    return figure


def _document(figures: Iterator[tuple[str, Figure]]) -> str:
    title = "Mocks beside real spectra"
    head = f"<h1>{title}</h1>" + paragraph(
        "Each pair is of one class and about the same signal-to-noise and redshift; flux over "
        "its median."
    )
    sections = [
        (kind, kind, photograph(figure, alt=f"{kind}: real and mock"))
        for kind, figure in figures
    ]
    return document(title, Markup(head), sections)
