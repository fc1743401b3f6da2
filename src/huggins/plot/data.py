"""The spectrum itself with its model and masked pixels, and the residuals below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.prepare import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]

# Median signal-to-noise ratio below which a smoothed line is drawn over the data.
_NOISY = 6.0
_DATA, _FAINT, _ERROR, _MASKED = "#24364f", "#b4bfce", "#c98b2b", "#8d8d8d"
#: Colours of the best and of the second-best model.
MODEL: Final = "#cf3f51"
SECOND: Final = "#2a8fa8"
#: Colours of the broad classes, in every figure.
CLASS_COLOURS: Final = {"QSO": "#3567a8", "STAR": "#c88716", "GALAXY": "#b4475a"}
_CLIPPED: Final = "#8a3ab9"
# matplotlib's markers; their names would import all of it.
_CARETUP, _CARETDOWN = 6, 7
# Height of the plot at most, over that below which 97 % of the smoothed flux lies.
_TALLEST: Final = 3.0
_ERG = r"$10^{-17}\ \mathrm{erg\ s^{-1}\ cm^{-2}\ \AA^{-1}}$"
WAVELENGTH: Final = "observed vacuum wavelength (Å)"
#: Surveys whose flux is calibrated; that of LAMOST is relative, and of others unknown.
_CALIBRATED: Final = ("SDSS", "BOSS", "EBOSS", "SDSS-V", "DESI")
# Half-height of the panel in sigma: at least the first, at most the second.
_SIGMAS: Final = (4.5, 15.0)
# Standard deviation in pixels of the Gaussian that shows what is left in common.
_COMMON: Final = 4.0


def draw_data(
    axes: Axes,
    spectrum: Spectrum,
    model: Array | None = None,
    second: Array | None = None,
    *,
    called: str = "best fit",
) -> None:
    """Draw a spectrum of L pixels and models of it, shape (L,), into empty axes."""
    wavelength = spectrum.wavelength
    flux, ivar = clean(spectrum)
    good = ivar > 0
    shown = np.where(good, flux, np.nan)
    error = np.where(good, 1.0 / np.sqrt(np.where(good, ivar, 1.0)), np.nan)
    sn = spectrum.median_sn()
    noisy = sn < _NOISY
    width = min(max(12.0 / sn, 2.0), 7.0) if sn > 0 else 7.0  # the fainter, the wider
    smooth = smoothed(flux, ivar, width=width)
    axes.plot(
        wavelength,
        shown,
        color=_FAINT if noisy else _DATA,
        lw=0.5 if noisy else 0.7,
        label="flux",
        zorder=2,
    )
    axes.plot(wavelength, error, color=_ERROR, lw=0.7, label="1σ error", zorder=3)
    if noisy:
        axes.plot(wavelength, smooth, color=_DATA, lw=1.0, label="smoothed", zorder=4)
    if model is not None:
        axes.plot(wavelength, model, color=MODEL, lw=0.9, label=called, zorder=5)
    if second is not None:
        axes.plot(
            wavelength,
            second,
            color=SECOND,
            lw=0.9,
            ls=(0, (5, 1.5)),
            label="next redshift",
            zorder=4.5,
        )
    _mark_masked(axes, wavelength, good)
    axes.axhline(0.0, color="black", lw=0.5, alpha=0.5, zorder=1)
    low, high = _limits(flux, ivar, width, noisy=noisy)
    axes.set_ylim(low, high)
    axes.set_xlim(*_span(wavelength, good))
    _mark_clipped(axes, wavelength, shown, low, high)
    if not good.any():
        axes.text(0.5, 0.55, "no good pixel", transform=axes.transAxes, ha="center")
    calibrated = spectrum.survey in _CALIBRATED
    axes.set_ylabel(f"flux density ({_ERG})" if calibrated else "flux density (relative)")
    axes.set_xlabel(WAVELENGTH)
    _draw_ticks(axes)
    # Below the marks of what is off the scale, which stand along the upper edge.
    axes.legend(
        loc="upper right",
        bbox_to_anchor=(1.0, 0.972),
        ncols=6,
        fontsize=8,
        framealpha=0.85,
        edgecolor="none",
    )


def draw_residuals(
    axes: Axes, spectrum: Spectrum, model: Array, *, label: str, colour: str
) -> None:
    """Draw a spectrum of L pixels minus a model of it, over its errors, into empty axes."""
    flux, ivar = clean(spectrum)
    ivar = np.where(np.isfinite(model), ivar, 0.0)
    left = np.where(ivar > 0, (flux - model) * np.sqrt(ivar), np.nan)
    # Residuals of equal weight each: the mean of n of them has an error of 1 / sqrt(n).
    common = smoothed(np.nan_to_num(left), (ivar > 0).astype(np.float64), width=_COMMON)
    axes.axhspan(-1.0, 1.0, color="black", alpha=0.06, lw=0, zorder=0)
    axes.axhline(0.0, color="black", lw=0.5, alpha=0.6, zorder=1)
    axes.plot(spectrum.wavelength, left, color=_FAINT, lw=0.5, zorder=2)
    axes.plot(spectrum.wavelength, common, color=colour, lw=0.9, zorder=3)
    seen = np.abs(left[np.isfinite(left)])
    reach = float(np.percentile(seen, 99.0)) * 1.15 if len(seen) else 0.0
    reach = min(max(reach, _SIGMAS[0]), _SIGMAS[1])
    axes.set_ylim(-reach, reach)
    axes.set_ylabel(label, fontsize=9)
    _draw_ticks(axes)


def _draw_ticks(axes: Axes) -> None:
    axes.minorticks_on()
    axes.tick_params(which="both", direction="in", top=True, right=True)


def smoothed(flux: ArrayLike, ivar: ArrayLike, *, width: float) -> Array:
    """Smooth with a Gaussian, weighted by inverse variance; NaN where no good pixel is near.

    Parameters
    ----------
    flux, ivar : array_like, shape (L,)
        ivar 0 where a pixel is bad.
    width
        Standard deviation of the Gaussian in pixels.

    Returns
    -------
    ndarray, shape (L,)
    """
    flux = np.asarray(flux, dtype=np.float64)
    ivar = np.asarray(ivar, dtype=np.float64)
    reach = min(int(np.ceil(3.0 * width)), max((len(flux) - 1) // 2, 0))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    weight = np.convolve(ivar, kernel, mode="same")
    total = np.convolve(ivar * flux, kernel, mode="same")
    out: Array = np.full(len(flux), np.nan)
    # Only between good pixels: a tail of the kernel beyond them is no measurement.
    near: NDArray[np.bool_] = (weight > 0) & (
        np.convolve(ivar > 0, kernel > 0.1, mode="same") > 0.5
    )
    return np.divide(total, weight, out=out, where=near)


def _span(wavelength: Array, good: NDArray[np.bool_]) -> tuple[float, float]:
    """Wavelengths from the first to the last good pixel, with a small margin."""
    seen = wavelength[good] if good.any() else wavelength
    first, last = float(seen[0]), float(seen[-1])
    margin = 0.008 * (last - first) or 1.0
    return first - margin, last + margin


def _limits(flux: Array, ivar: Array, width: float, *, noisy: bool) -> tuple[float, float]:
    """Range of flux that shows real features and no cosmic ray, nor all of a strong line.

    A line that rises far above everything else would press the rest to the ground: it is cut
    off at some times the height of the rest, and `_mark_clipped` says so.
    """
    good = ivar > 0
    if not good.any():
        return -1.0, 1.0
    # The median of three neighbours removes single hot pixels and keeps narrow lines.
    even = flux.copy()
    if len(flux) > 2:
        even[1:-1] = np.median(np.stack([flux[:-2], flux[1:-1], flux[2:]]), axis=0)
    steady = smoothed(even, ivar, width=width)
    seen = good & np.isfinite(steady)
    # Errors above three times the usual one, as at the ends, must not set the scale.
    calm = even[good & (9.0 * ivar > np.median(ivar[good]))]
    high, low = (float(np.percentile(steady[seen], q)) for q in (99.8, 0.2))
    spread = 0.0
    if noisy:
        spread = float(np.percentile(np.abs(calm - np.median(calm)), 90))
        high = max(high, float(np.percentile(calm, 98)))
        low = min(low, float(np.percentile(calm, 1)))
        # Lines count where they stand out of the noise, not every upward scatter.
        strong = steady[seen & (steady > 0) & (steady**2 * ivar > 9.0)]
        high = max([high, *strong.tolist()])
    else:
        # At the top of a strong line errors are large too.
        peaks = even[good & (even > 0) & (even**2 * ivar > 100.0)]
        high = max([high, float(calm.max()), *peaks.tolist()])
        low = max(low, float(calm.min()))
    body = float(np.percentile(steady[seen], 97.0))
    if body > 0.0:
        high = min(high, max(_TALLEST * body, float(np.percentile(calm, 97.0))))
    low = min(low, 0.0)
    height = (high - low) or 1.0
    return low - 0.03 * height - 0.3 * spread, high + 0.12 * height + 0.3 * spread


def _mark_clipped(axes: Axes, wavelength: Array, shown: Array, low: float, high: float) -> None:
    """Mark with a triangle where good pixels lie outside the plot; neighbours share one."""
    room = 0.008 * (wavelength[-1] - wavelength[0])
    label = "off scale"
    for outside, place, marker in (
        (shown > high, 0.985, _CARETUP),
        (shown < low, 0.015, _CARETDOWN),
    ):
        where = wavelength[outside]
        if len(where) == 0:
            continue
        groups = np.split(where, np.flatnonzero(np.diff(where) > room) + 1)
        axes.plot(
            [float(np.mean(group)) for group in groups],
            np.full(len(groups), place),
            color=_CLIPPED,
            marker=marker,
            ms=5,
            ls="none",
            transform=axes.get_xaxis_transform(),
            label=label,
            zorder=4.6,
        )
        label = "_nolegend_"


def _mark_masked(axes: Axes, wavelength: Array, good: NDArray[np.bool_]) -> None:
    """Draw a grey strip at the foot where pixels are bad, and a pale band above it."""
    if good.all() or len(wavelength) < 2:
        return
    inside = np.flatnonzero(good)
    bad = ~good
    if len(inside):  # ends without data are no masked pixels, they are outside the plot
        bad[: inside[0]] = False
        bad[inside[-1] + 1 :] = False
    edge = np.diff(np.concatenate([[0], bad.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    if len(starts) == 0:
        return
    border = np.concatenate(
        [
            [wavelength[0]],
            0.5 * (wavelength[1:] + wavelength[:-1]),
            [wavelength[-1]],
        ]
    )
    # One pixel would be thinner than the paper shows.
    least = 0.0015 * (wavelength[-1] - wavelength[0])
    runs = [
        (float(border[a]), max(float(border[b] - border[a]), least))
        for a, b in zip(starts, stops, strict=True)
    ]
    across = axes.get_xaxis_transform()
    grey = _MASKED
    axes.broken_barh(runs, (0.0, 1.0), transform=across, color=grey, alpha=0.10, lw=0, zorder=0)
    axes.broken_barh(
        runs, (0.0, 0.028), transform=across, color=grey, lw=0, zorder=6, label="masked"
    )
