"""The rest-frame basis: templates of quasars, galaxies and stars, and the fitted parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

import numpy as np

from huggins.constants import SPEED_OF_LIGHT
from huggins.errors import ModelError
from huggins.runs.files import replacing
from huggins.weights import BASIS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: Width of a rest-frame pixel in log10(wavelength), that of the SDSS spectrographs: 69 km/s.
STEP: Final = 1e-4
#: Version of the file; another one is refused, never misread.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """A linear basis of one class: a spectrum is a weighted sum of its rows.

    Attributes
    ----------
    start
        Index of the first pixel: its log10(wavelength / A) is ``start * STEP``.
    vectors : ndarray of float32, shape (K, R)
        The first is the mean spectrum.
    spread : ndarray of float64, shape (K,)
        Standard deviation, over the class, of each coefficient divided by the first.
    lines
        Which vectors are emission lines alone, whose coefficients cannot be negative.
    z_min, z_max
        Redshifts that are searched.
    forest
        Whether the vectors are to be multiplied by the mean transmission of the Lyman-alpha
        forest (`huggins.forest`), which was divided out when they were learned.
    """

    start: int
    vectors: NDArray[np.float32]
    spread: NDArray[np.float64]
    lines: tuple[int, ...]
    z_min: float
    z_max: float
    forest: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Archetypes:
    """Single spectra of stars, of which one at a time is fitted.

    Attributes
    ----------
    start
        As in `Components`.
    vectors : ndarray of float32, shape (A, R)
        Mean 1 each.
    classes : ndarray of int, shape (A,)
        Index in `huggins.taxonomy.CLASSES`; -1 for a star that is none of them (a cataclysmic
        variable).
    names : tuple of str
        Source and subclass of each.
    velocity
        Largest radial velocity that is searched, km/s.
    """

    start: int
    vectors: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: tuple[str, ...]
    velocity: float


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """One basis per broad class, and the fitted parameters.

    Attributes
    ----------
    quasar, galaxy
        Linear bases.
    star
        Archetypes.
    parameters : dict
        Of decision, uncertainty and warnings, as fitted on training folds; see
        `huggins.redshift.parameters.DecisionParameters`.
    made : dict
        The command, the data and the cross-validation that made it.
    """

    quasar: Components
    galaxy: Components
    star: Archetypes
    parameters: dict[str, Any]
    made: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write to `path` (.npz), vectors in half precision."""
        arrays: dict[str, Any] = {}
        about: dict[str, Any] = {"format": FORMAT, "rule": self.parameters, "made": self.made}
        for name in ("quasar", "galaxy"):
            part: Components = getattr(self, name)
            arrays[name] = part.vectors.astype(np.float16)
            arrays[f"{name}_spread"] = part.spread
            about[name] = {
                "start": part.start,
                "lines": list(part.lines),
                "z_min": part.z_min,
                "z_max": part.z_max,
                "forest": part.forest,
            }
        arrays["star"] = self.star.vectors.astype(np.float16)
        arrays["star_classes"] = self.star.classes.astype(np.int16)
        about["star"] = {
            "start": self.star.start,
            "names": list(self.star.names),
            "velocity": self.star.velocity,
        }
        with replacing(path) as stream:
            np.savez_compressed(stream, about=np.array(json.dumps(about)), **arrays)


@lru_cache(maxsize=2)
def load_basis(path: Path | None = None) -> Basis:
    """Read a basis; the shipped one by default.

    Raises
    ------
    ModelError
        If the file is missing, damaged or of another version.
    """
    path = path or BASIS
    try:
        # Through memory: of a broken archive np.load would leave the file open.
        with np.load(BytesIO(path.read_bytes())) as stored:
            about = json.loads(str(stored["about"]))
            if about["format"] != FORMAT:
                raise ModelError(
                    f"{path}: a basis of format {about['format']}, this huggins reads format "
                    f"{FORMAT}: install the huggins it was made for, or fit it again"
                )
            quasar, galaxy = (
                Components(
                    vectors=stored[name].astype(np.float32),
                    spread=stored[f"{name}_spread"],
                    start=about[name]["start"],
                    lines=tuple(about[name]["lines"]),
                    z_min=about[name]["z_min"],
                    z_max=about[name]["z_max"],
                    forest=about[name].get("forest", False),
                )
                for name in ("quasar", "galaxy")
            )
            star = Archetypes(
                vectors=stored["star"].astype(np.float32),
                classes=stored["star_classes"].astype(np.int64),
                start=about["star"]["start"],
                names=tuple(about["star"]["names"]),
                velocity=about["star"]["velocity"],
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ModelError(f"{path}: not a readable basis: {error}") from error
    return Basis(quasar, galaxy, star, about["rule"], about["made"])


def limits(basis: Basis, kind: str) -> tuple[float, float]:
    """Return the redshifts that a class can have."""
    if kind == "STAR":
        fastest = basis.star.velocity / SPEED_OF_LIGHT
        return -fastest, fastest
    part = basis.quasar if kind == "QSO" else basis.galaxy
    return part.z_min, part.z_max


def all_limits(basis: Basis) -> tuple[float, float]:
    """Return the redshifts that any class can have."""
    ranges = [limits(basis, kind) for kind in ("STAR", "GALAXY", "QSO")]
    return min(low for low, _ in ranges), max(high for _, high in ranges)
