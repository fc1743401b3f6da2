"""The templates of a folder, with what ships with huggins in place of what is missing there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.redshift.basis import load_basis
from huggins.simulate import shipped, templates
from huggins.simulate.noise import NoiseBank
from huggins.simulate.templates import FOREST_FROM, Library, Stack
from huggins.taxonomy import BROAD
from huggins.weights import BASIS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.prepare import LogGrid

    Array = NDArray[np.float64]
    Rows = NDArray[np.int64]

#: In place of a folder: mocks are made of what ships with huggins.
SHIPPED: Final = "shipped"
#: Files of a folder of templates.
FILES: Final = ("stars", "quasars", "galaxies", "bal")
_STARS: Final = tuple(name for name, broad in BROAD.items() if broad == "STAR")


def template_files(folder: str | Path) -> list[Path]:
    """Files that the mocks of a folder of templates are made from.

    Raises
    ------
    InputError
        If there is none; `SHIPPED` stands for what ships with huggins.
    """
    if str(folder) == SHIPPED:
        return [BASIS]
    paths = [Path(folder) / f"{name}.h5" for name in FILES]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise InputError(
            f"{folder}: there are no templates (stars.h5, quasars.h5, galaxies.h5, bal.h5); "
            f"mocks are made from them: `huggins templates fetch -o {folder}` collects them; "
            f"{SHIPPED} in place of a folder means the few that ship with huggins"
        )
    return found if len(found) == len(paths) else [*found, BASIS]


def load(folder: str | Path, *, test: bool = False) -> Library:
    """Read ``stars.h5``, ``quasars.h5``, ``galaxies.h5`` and ``bal.h5``.

    What is missing among them, and classes of stars that are missing in the first, are made of
    what ships with huggins; `Library.substitutes` says what.

    Parameters
    ----------
    folder
        Where they lie; docs/decisions/0012-mocks.md says what they hold. `SHIPPED`: none, all
        is made of what ships.
    test
        Take the held-back templates instead of those for training.

    Raises
    ------
    InputError
        If the folder has none of them, or a file cannot be read.
    """
    found = {path.stem: path for path in template_files(folder) if path != BASIS}
    replaced: list[str] = []

    def part(name: str, what: str, read: Callable[[Any, bool], Any], other: Any) -> Any:
        import h5py

        if name in found:
            try:
                with h5py.File(found[name]) as file:
                    return read(file, test)
            except (OSError, KeyError) as error:
                raise InputError(
                    f"{found[name]}: cannot be read as a file of templates: {error}"
                ) from error
        replaced.append(what)
        return other()

    stars, weights, places = part(
        "stars", "stars", templates.read_stars, lambda: _shipped_stars(test)
    )
    missing = [name for name in _STARS if name not in stars]
    if missing:
        replaced.append(f"stars of type {', '.join(missing)}")
        others = _shipped_stars(test)
        for name in missing:
            stars[name], weights[name], places[name] = (of[name] for of in others)
    vectors, coefficients, z, offsets, archetypes, shifts = part(
        "quasars", "quasars", templates.read_quasars, lambda: _shipped_quasars(test)
    )
    galaxies, young, old = part(
        "galaxies", "galaxies", templates.read_galaxies, lambda: _shipped_galaxies(test)
    )
    if not (len(young) and len(old)):  # too few populations to mix
        replaced.append("galaxies")
        galaxies, young, old = _shipped_galaxies(test)
    troughs = part(
        "bal", "broad absorption", templates.read_troughs, lambda: Stack(np.zeros((0, 1)), 3.0)
    )
    return Library(
        stars,
        weights,
        places,
        vectors,
        coefficients,
        z,
        offsets,
        archetypes,
        shifts,
        galaxies,
        young,
        old,
        troughs,
        -1.0 if "quasars" in replaced and load_basis().quasar.forest else FOREST_FROM,
        tuple(replaced),
    )


def shipped_noise(grid: LogGrid) -> NoiseBank:
    """Return the noise of the BOSS-like mocks that ship with huggins, on a grid."""
    from huggins.demo.mocks import load

    spectra = [example.spectrum for example in load()]
    none = [False] * len(spectra)
    return NoiseBank.from_spectra(spectra, ["BOSS"] * len(spectra), none, grid)


def _shipped_stars(
    test: bool,
) -> tuple[dict[str, Stack], dict[str, Array], dict[str, Array]]:
    flux, places, start = shipped.stars(test=test)
    weights = {name: np.full(len(rows), 1.0 / len(rows)) for name, rows in flux.items()}
    return {name: Stack(rows, start) for name, rows in flux.items()}, weights, places


def _shipped_quasars(test: bool) -> tuple[Stack, Array, Array, Array, Stack, Array]:
    vectors, coefficients, z, start = shipped.quasars(test=test)
    whole = Stack(*shipped.whole_quasars(test=test))
    # They were learned in the frame of all redshifts: no offsets.
    return Stack(vectors, start), coefficients, z, 0.0 * z, whole, np.zeros(whole.count)


def _shipped_galaxies(test: bool) -> tuple[Stack, Rows, Rows]:
    flux, young, old, start = shipped.galaxies(test=test)
    return Stack(flux, start), young, old
