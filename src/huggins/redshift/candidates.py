"""The candidates of one spectrum, before and after they are fitted on native pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from huggins.redshift.minimise import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from huggins.redshift.minimise import Solution, Track

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates of one spectrum, before the decision.

    Attributes
    ----------
    solutions : tuple of Solution
        At least one per class where there are data, the best of each class first.
    smooth
        chi2 of a cubic polynomial.
    total
        chi2 of an empty model.
    good
        Pixels with data.
    tracks : tuple of Track
        Of each, to minimise its chi2.
    """

    solutions: tuple[Solution, ...]
    smooth: float
    total: float
    good: int
    tracks: tuple[Track, ...]

    def minimised(self, index: int) -> Candidates:
        """Return the candidates with chi2 of one of them minimised."""
        return self.replaced(index, self.tracks[index].minimise())

    def replaced(self, index: int, solution: Solution) -> Candidates:
        """Return the candidates with one of them replaced."""
        solutions = list(self.solutions)
        solutions[index] = solution
        return replace(self, solutions=tuple(solutions))


NOTHING: Final = Candidates((), 0.0, 0.0, 0, ())


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """One spectrum from its first to its last good pixel."""

    flux: Array
    ivar: Array
    used: slice
    signal: float
    total: float
    good: int


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The candidates of one spectrum, before any is fitted."""

    stars: list[Track]
    galaxies: list[Track]
    quasars: list[Track]

    def by_fit(self) -> list[Track]:
        """Galaxies by chi2 at their starts, where negative lines are put right; best first."""
        return sorted(self.galaxies, key=lambda track: -track.gain(track.start))

    def fitted(self) -> list[tuple[Solution, Track]]:
        """Fit the best of each class at three shifts, the others at one."""
        classes = (self.stars, self.by_fit(), self.quasars)
        return [
            (track.look() if n else track.peek(), track)
            for tracks in classes
            for n, track in enumerate(tracks)
        ]


def look(tracks: Sequence[Tracks]) -> None:
    """Let all tracks of several spectra know the gains that `Tracks.fitted` needs."""
    asked: list[tuple[Track, int]] = []
    for one in tracks:
        for first, *others in (one.stars, one.quasars):
            asked += first.beside(first.start, first.stride)
            asked += [(track, track.start) for track in others]
            for track in (first, *others):
                asked += track.unmasked(track.start)
        asked += [(track, track.start) for track in one.galaxies]
    ask(asked)
    best = [one.by_fit()[0] for one in tracks]
    ask([pair for track in best for pair in track.beside(track.start, track.stride)])
