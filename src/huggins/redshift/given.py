"""Class and fit of a spectrum whose redshift is given.

Of each class that can have the redshift, the candidates of the search give the templates and
the masks, fitted at that redshift. Class and probabilities follow as of any spectrum
(`huggins.redshift.decide`), but for the network's redshift, which no longer counts. DELTACHI2
compares with the best of the other redshifts and is negative where one of them fits better.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from huggins.redshift.basis import STEP, limits
from huggins.redshift.decide import choose, comparable
from huggins.redshift.frames import SAME
from huggins.redshift.minimise import Solution, parabola

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.redshift.basis import Basis
    from huggins.redshift.candidates import Candidates
    from huggins.redshift.decide import Choice
    from huggins.redshift.equations import Solve
    from huggins.redshift.minimise import Track
    from huggins.redshift.parameters import DecisionParameters

    Array = NDArray[np.float64]


def choose_at(
    candidates: Candidates,
    z: float,
    offset: float,
    broad: Array,
    parameters: DecisionParameters,
    basis: Basis,
    lines: Callable[[float], Array] | None = None,
) -> tuple[Candidates, Choice]:
    """Weigh the classes of one spectrum at a given redshift.

    Parameters
    ----------
    candidates
        Of the search, at least one per class.
    z
        Within `huggins.redshift.basis.all_limits`.
    offset
        Of the native grid, in pixels.
    broad, parameters
        As in `huggins.redshift.decide.choose`.
    basis
        With the redshifts that each class can have.
    lines
        As in `huggins.redshift.decide.choose`.

    Returns
    -------
    candidates
        Those at the given redshift, and behind them those of the search at others.
    choice
        Between the former.
    """
    shift = float(np.log10(1.0 + z) / STEP) - offset
    there = []
    for kind in ("STAR", "GALAXY", "QSO"):
        low, high = limits(basis, kind)
        tracks = [track for track in candidates.tracks if track.kind == kind]
        if not low <= z <= high or not tracks:
            continue
        found = [_solve(track, shift) for track in _usable(tracks, shift)]
        there.append(min(found, key=lambda solution: solution.chi2))
    choice = choose(replace(candidates, solutions=tuple(there)), broad, None, parameters, lines)
    away = [s for s in candidates.solutions if abs(s.shift - shift) > SAME]
    both = replace(candidates, solutions=(*there, *away))
    chi2 = comparable(both)
    rival, gap = -1, np.nan
    if away:
        rival = len(there) + int(chi2[len(there) :].argmin())
        gap = float(chi2[rival] - chi2[: len(there)].min())
    return both, replace(choice, deltachi2=gap, rival=rival)


def _usable(tracks: list[Track], shift: float) -> list[Track]:
    """Return the tracks whose masks are right at a shift, else one without a mask."""
    plain = [track for track in tracks if track.whole is None]
    near = [track for track in tracks if abs(track.start - shift) <= SAME]
    if near or plain:
        return near or plain
    first = tracks[0]
    assert first.whole is not None
    return [
        replace(
            first,
            solve=first.whole,
            total=first.everything,
            whole=None,
            absorbed=None,
            known={},
        )
    ]


def _solve(track: Track, shift: float) -> Solution:
    """Return the fit of one track at a shift between pixels."""
    at = round(shift)
    chi2, masked = (
        total - _between(solve, shift)
        for total, solve in (
            (track.everything, track.whole) if track.whole else (track.total, track.solve),
            (track.total, track.solve),
        )
    )
    coefficients = track.solve(at)[1]
    return Solution(
        track.kind,
        shift,
        chi2,
        masked,
        0.0,  # the redshift is no result
        coefficients,
        track.archetype,
        track.absorbed,
    )


def _between(solve: Solve, shift: float) -> float:
    """Return the gain at a shift between pixels, by the parabola through three of them."""
    at = round(shift)
    left, middle, right = (solve(at + d)[0] for d in (-1, 0, 1))
    x = shift - at
    if not np.isfinite(parabola(left, middle, right)[2]):
        # No maximum here: straight lines cannot overshoot.
        other = right if x > 0 else left
        return middle + abs(x) * (other - middle)
    return middle + 0.5 * (right - left) * x + 0.5 * (left - 2.0 * middle + right) * x**2
