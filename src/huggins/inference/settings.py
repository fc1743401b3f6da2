"""How a run classifies: one object that travels from the command to where the work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from huggins.errors import InputError
from huggins.formats.request import ALL, Selection
from huggins.inference.given import NOTHING, Given
from huggins.inference.sets import checked
from huggins.redshift.alternatives import MOST

#: Spectra in one inference: more need more memory and are no faster.
BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run; `jobs`, `batch_size` and `keep` do not change results.

    Attributes
    ----------
    jobs
        Processes that do the work, this one included; 0: one per core, at most sixteen.
    batch_size
        Spectra in one inference; with the fit never more than 32.
    threshold
        PROB below which LOW_PROBABILITY is set; None takes the model's own.
    air
        Whether text files give air wavelengths.
    redshift
        Whether to fit redshifts on native pixels, rather than take the network's.
    selection
        Which spectra of the files.
    columns
        What columns with unusual names are: pairs of ``wavelength`` and the like and a name.
    keep
        Whether the rows get their best fits too: chi2, coefficients, model.
    candidates
        How many different redshifts the rows get too, at most; 0: none.
    given
        Redshifts to classify at, instead of measuring them.
    sets
        How often the sets of classes are to hold the right one; 0: there are none.
    """

    jobs: int = 0
    batch_size: int = BATCH
    threshold: float | None = None
    air: bool = False
    redshift: bool = True
    selection: Selection = ALL
    columns: tuple[tuple[str, str], ...] = ()
    keep: bool = False
    candidates: int = 0
    given: Given = NOTHING
    sets: float = 0.0

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise InputError(f"jobs must be 0 (to leave it open) or more, not {self.jobs}")
        if self.batch_size < 1:
            raise InputError(f"the batch size must be at least 1, not {self.batch_size}")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"the threshold must be from 0 to 1, not {self.threshold}")
        if self.candidates and not self.redshift:
            raise InputError(
                "candidates come from the redshift fit: leave out --no-redshift (in Python "
                "redshift=False), or --candidates"
            )
        if self.given.source and not self.redshift:
            raise InputError(
                "the fit is what a redshift is given to: leave out --no-redshift (in Python "
                "redshift=False), or --z"
            )
        if self.given.source and self.candidates:
            raise InputError(
                "with a given redshift there is one candidate: leave out --candidates or --z"
            )
        if self.sets:
            checked(self.sets)

    @property
    def alternatives(self) -> int:
        """Room for different redshifts in a row, which are never more than `MOST`."""
        return min(self.candidates, MOST)
