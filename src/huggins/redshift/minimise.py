"""The minimum of chi2(z) of one candidate, on native pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from huggins.redshift.equations import solve_all

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from huggins.redshift.equations import Solve

    Array = NDArray[np.float64]
    #: Yields shifts of tracks whose gains have to be known before it goes on.
    Descent = Generator[list[tuple["Track", int]], None, "Solution"]

# Steps of the descent; a candidate lies within a few pixels of its minimum.
_STEPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """One candidate after the fit.

    Attributes
    ----------
    kind
        ``STAR``, ``GALAXY`` or ``QSO``.
    shift
        log10(1 + z) / STEP on the grid of native pixels, with its fraction.
    chi2
        At the minimum of chi2(z), all pixels counted.
    masked
        The same with absorption taken out; `chi2` where there is none.
    sigma
        1-sigma error of `shift` from the curvature of chi2(z), in pixels; infinite where chi2
        has no minimum here or was not followed to it.
    coefficients : ndarray
        Of the vectors and the polynomials, at the nearest whole shift.
    archetype
        Which star; -1 for a linear basis.
    absorbed : ndarray of bool, shape (SIZE,), or None
        Pixels taken for broad absorption, which the model leaves out; None if there are none.
    """

    kind: str
    shift: float
    chi2: float
    masked: float
    sigma: float
    coefficients: Array
    archetype: int = -1
    absorbed: NDArray[np.bool_] | None = None


@dataclass(slots=True, eq=False)
class Track:
    """Descent of one candidate from its maximum in the scan to the minimum of chi2.

    Attributes
    ----------
    kind, archetype
        For the solutions.
    solve
        Gives gain and coefficients at a whole-pixel shift.
    start
        Where to begin.
    stride
        Of the first steps, native pixels; the last are of one.
    total
        chi2 of an empty model.
    whole
        The same as `solve` with no pixel masked; None where none is.
    everything
        chi2 of an empty model with no pixel masked.
    settle
        Given this track and a shift, the same as `solve` with the pixels weighted as they
        constrain the redshift there; None where all are as good, or too few are left. Used in
        further rounds of the descent.
    rounds
        How many.
    absorbed
        For the solutions.
    known
        Gain and coefficients by shift, so far.
    """

    kind: str
    archetype: int
    solve: Solve
    start: int
    stride: int
    total: float
    whole: Solve | None = None
    everything: float = 0.0
    settle: Callable[[Track, int], Solve | None] | None = None
    rounds: int = 2
    absorbed: NDArray[np.bool_] | None = None
    known: dict[int, tuple[float, Array]] = field(default_factory=dict)
    _open: Track | None = None

    def gain(self, shift: int) -> float:
        """Gain at a shift, remembered."""
        if shift not in self.known:
            self.known[shift] = self.solve(shift)
        return self.known[shift][0]

    def beside(self, at: int, step: int) -> list[tuple[Track, int]]:
        """Return a shift and its neighbours at a step, as `ask` takes them."""
        return [(self, at + d) for d in (-step, 0, step)]

    def unmasked(self, at: int) -> list[tuple[Track, int]]:
        """Return a shift with no pixel masked, as `ask` takes it; empty where none is."""
        if self.whole is None:
            return []
        if self._open is None:
            self._open = Track(self.kind, -1, self.whole, at, self.stride, self.everything)
        return [(self._open, at)]

    def look(self) -> Solution:
        """Fit at the start alone."""
        return self._solution(self.start, 0.0, self.gain(self.start), np.inf)

    def peek(self) -> Solution:
        """Fit at the start and a stride to both sides, which is nearly the minimum."""
        at, step = self.start, self.stride
        offset, height, sigma = parabola(
            self.gain(at - step), self.gain(at), self.gain(at + step)
        )
        return self._solution(at, offset * step, height, sigma * step)

    def minimise(self) -> Solution:
        """Minimise chi2 over redshift; see `minimise_all`."""
        return minimise_all([self])[0]

    def descent(self) -> Descent:
        """Minimise chi2 over redshift, step by step: yields what it next needs to know.

        Where some pixels constrain the redshift better than all, shift and error are theirs:
        they are chosen at the minimum of all, and again at their own. `Solution.masked`
        stays that of the first minimum, since other candidates are compared by all pixels.
        """
        solution = yield from self._descend()
        if self.settle is None:
            return solution
        for _ in range(self.rounds):
            solve = self.settle(self, round(solution.shift))
            if solve is None:
                break
            at = round(solution.shift)
            track = Track(self.kind, -1, solve, at, self.stride, self.total)
            last = yield from track._descend()
            at = round(last.shift)
            yield [(self, at), *self.unmasked(at)]
            coefficients, chi2 = self.known[at][1], solution.chi2
            for whole, _ in self.unmasked(at):
                chi2 = self.everything - whole.gain(at)
            solution = replace(
                solution,
                shift=last.shift,
                sigma=last.sigma,
                coefficients=coefficients,
                chi2=chi2,
            )
        return solution

    def _descend(self) -> Descent:
        best = self.start
        for step in sorted({self.stride, 1}, reverse=True):
            for _ in range(_STEPS):
                yield self.beside(best, step)
                left, here, right = (self.gain(best + d) for d in (-step, 0, step))
                if left > here and left >= right:
                    best -= step
                elif right > here:
                    best += step
                else:
                    if step > 1:
                        # Jump to the vertex: nearly always the minimum itself.
                        best += round(step * parabola(left, here, right)[0])
                    break
        yield [*self.beside(best, 1), *self.unmasked(best)]
        offset, height, sigma = parabola(
            self.gain(best - 1), self.gain(best), self.gain(best + 1)
        )
        return self._solution(best, offset, height, sigma)

    def _solution(self, at: int, offset: float, height: float, sigma: float) -> Solution:
        # A vertex far from its points belongs to no minimum that they show.
        shift = at + (offset if abs(offset) <= self.stride else 0.0)
        chi2 = masked = self.total - height
        for whole, _ in self.unmasked(at):
            chi2 = self.everything - whole.gain(at)
        coefficients = self.known[at][1]
        return Solution(
            self.kind,
            shift,
            chi2,
            masked,
            sigma,
            coefficients,
            self.archetype,
            self.absorbed,
        )


def minimise_all(tracks: Sequence[Track]) -> list[Solution]:
    """Minimise chi2 of several candidates over redshift, with every step of all in one go."""
    descents = [track.descent() for track in tracks]
    found: dict[int, Solution] = {}
    while len(found) < len(tracks):
        asked: list[tuple[Track, int]] = []
        for n, descent in enumerate(descents):
            if n in found:
                continue
            try:
                asked += next(descent)
            except StopIteration as end:
                found[n] = end.value
        ask(asked)
    return [found[n] for n in range(len(tracks))]


def ask(asked: Sequence[tuple[Track, int]]) -> None:
    """Let tracks know their gains at some shifts, all in one go."""
    new = {(id(t), shift): (t, shift) for t, shift in asked if shift not in t.known}
    answers = solve_all([(track.solve, shift) for track, shift in new.values()])
    for (track, shift), answer in zip(new.values(), answers, strict=True):
        track.known[shift] = answer


def parabola(left: float, middle: float, right: float) -> tuple[float, float, float]:
    """Vertex of the parabola through a maximum of the gain and its neighbours.

    Returns
    -------
    offset, height, sigma
        Position relative to the middle; `sigma` is where chi2 is 1 above its minimum. Without
        a proper maximum: 0, the middle value, and infinity.
    """
    curvature = left - 2.0 * middle + right
    # A neighbour of gain 0 is no fit at all (a negative spectrum), so there is no parabola.
    if curvature >= 0.0 or middle < max(left, right) or min(left, right) <= 0.0:
        return 0.0, middle, float("inf")
    offset = 0.5 * (left - right) / curvature
    height = middle - 0.25 * (left - right) * offset
    # chi2 = chi2_min - curvature / 2 * offset^2
    return offset, height, float(np.sqrt(-2.0 / curvature))
