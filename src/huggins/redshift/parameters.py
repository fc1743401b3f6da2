"""The parameters of decision, uncertainty and warnings, as stored with the basis."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from huggins.errors import ModelError
from huggins.taxonomy import CLASSES

# Name of each parameter in a basis file, where it differs.
_STORED: Final = {
    "class_weight": "network",
    "redshift_weight": "density",
    "chi2_ceiling": "ceiling",
    "misfit_scale": "soft",
    "class_chi2_ceiling": "same",
    "class_offset": "offset",
    "min_margin": "margin",
    "min_deltachi2": "gap",
    "min_feature": "feature",
    "max_outliers": "outliers",
    "min_pixels": "coverage",
    "max_absorption": "emission",
}
_NAMES: Final = {stored: name for name, stored in _STORED.items()}


@dataclass(frozen=True, slots=True)
class DecisionParameters:
    """Fitted on training folds and mocks by `experiments/rule.py` and `experiments/errors.py`.

    Symbols are those of `huggins.redshift.decide` (score), `huggins.redshift.uncertainty`
    (Z_ERR) and `huggins.redshift.warnings` (thresholds). chi2 and sigma are in units of the
    noise measured from the spectrum; values in brackets are those of the shipped basis.

    Attributes
    ----------
    class_weight
        a: weight of the network's log class probability (1.0).
    redshift_weight
        b: weight of the network's log redshift density (1.0).
    chi2_ceiling
        C: limit of the chi2 difference between redshifts (11).
    misfit_scale
        s: excess of reduced chi2 over 1 at which C and E are halved (3).
    class_chi2_ceiling
        E: limit of the chi2 difference between classes at one redshift (1.9).
    class_offset
        o: log probability added to STAR, GALAXY and QSO, against the gain in chi2 of a more
        flexible basis (0, -0.7, -0.8).
    error_factor
        k: factor on the formal redshift error, for each of the 13 classes (0.7 to 2.5).
    error_floor
        e: redshift error in km/s added in quadrature, for each of the 13 classes (2 to 101).
    error_floor_far
        The least e of quasars beyond z = 1.8, to which it grows from z = 1.2 on, as broad lines
        alone tell the redshift (166).
    min_margin
        m: least lead in score over the next different candidate (2).
    min_deltachi2
        g: least DELTACHI2 over reduced chi2 (12).
    min_feature
        h: least gain in chi2, over reduced chi2, on a cubic polynomial (28).
    max_outliers
        q: largest fraction of pixels beyond 5 sigma (0.15).
    min_pixels
        n: least number of good native pixels (400).
    max_absorption
        d: largest significance, in sigma, of a quasar line in absorption (5).
    """

    class_weight: float = 1.0
    redshift_weight: float = 1.0
    chi2_ceiling: float = 60.0
    misfit_scale: float = 2.0
    class_chi2_ceiling: float = 6.0
    class_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    error_factor: tuple[float, ...] = (1.0,) * len(CLASSES)
    error_floor: tuple[float, ...] = (0.0,) * len(CLASSES)
    error_floor_far: float = 0.0
    min_margin: float = 3.0
    min_deltachi2: float = 9.0
    min_feature: float = 40.0
    max_outliers: float = 0.15
    min_pixels: int = 400
    max_absorption: float = 5.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values under the names of a basis file."""
        return {_STORED.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DecisionParameters:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            If a name is unknown.
        """
        given: dict[str, Any] = {
            _NAMES.get(name, name): tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        try:
            return cls(**given)
        except TypeError as error:
            raise ModelError(
                f"the decision parameters in the basis do not fit this version: {error}"
            ) from error
