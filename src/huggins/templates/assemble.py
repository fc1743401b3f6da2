"""From the public files to stars.h5, quasars.h5, galaxies.h5 and bal.h5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.runs.files import temporary_path
from huggins.runs.ours import CREATOR
from huggins.templates import read, shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.templates.read import Star

    Array = NDArray[np.float64]
    Pairs = Iterable[tuple[str, Any]]

#: Grid of stars.h5: log10 of the first vacuum wavelength (A), step, number of pixels.
START: Final = 3.5
STEP: Final = 1e-4
SIZE: Final = 5400
#: The files that mocks are made from.
PARTS: Final = ("stars", "quasars", "galaxies", "bal")
# First and step of the transmissions of desisim (A, rest frame).
_TROUGHS: Final = (944.6, 0.3)


class Assembly:
    """What was read of each source, for the four files.

    Attributes
    ----------
    compared, unlike
        Number of templates that were compared with those that huggins was made with; names of
        those that are not the same, which are left out.
    unknown
        Number of templates that huggins has no shape of.
    """

    def __init__(self) -> None:
        self.stars: list[Star] = []
        self.quasars: dict[str, dict[str, Any]] = {}
        self.galaxies: dict[str, Array] = {}
        self.troughs: dict[str, Any] = {}
        self.compared = 0
        self.unknown = 0
        self.unlike: list[str] = []

    def add(self, source: str, path: Path) -> None:
        """Read a file of a source.

        Raises
        ------
        InputError
            If it is not what is expected, or none of its templates is.
        """
        before, more = len(self.unlike), 0
        if source == "miles":
            more += self._add_stars(read.wheel_stars(path))
            more += self._add_galaxies(read.wheel_galaxies(path))
        elif path.name.startswith("spEigenStar"):
            more += self._add_stars(read.pipeline_stars(path))
        elif path.name.startswith("spEigenQSO"):
            vectors, start, step, _ = read.eigenspectra(path)
            more += self._add_vectors("spEigenQSO-55732", "eigenvectors", vectors, start, step)
        elif path.name.startswith("bal_templates"):
            more += self._add_troughs(read.troughs(path))
        elif path.name.startswith("qso_templates"):
            self.quasars["desisim-pca"] = dict(read.real_quasars(path))
            more += 1
        elif source == "redrock-archetypes":
            flux, start, step = read.archetypes(path)
            more += self._add_vectors("rrarchetype-qso", "flux", flux, start, step)
        elif source == "selsing2016":
            columns = read.two_columns(path)
            if self._same("quasars/composites/selsing2016", columns[:, 1]):
                self.quasars.setdefault("composites", {})["selsing2016"] = columns
                more += 1
        elif source == "kinney-calzetti":
            name = f"kinney-calzetti-{path.name.removesuffix('.ascii')}"
            more += self._add_galaxies({name: read.two_columns(path)[:, :2]})
        else:
            more += self._add_stars([read.one_star(path, source)])
        if not more:
            which = ", ".join(self.unlike[before:][:3]) or "nothing in it"
            raise InputError(
                f"{path}: holds none of the templates that huggins was made with ({which}): "
                "its source may have changed; delete it to fetch it again"
            )

    def _same(self, key: str, flux: Any) -> bool:
        """Whether a template is the one that is known by this key, as far as one is."""
        differs = shapes.difference(key, flux)
        if differs is None:
            self.unknown += 1
            return True
        self.compared += 1
        if differs > shapes.TOLERANCE:
            self.unlike.append(key.partition("/")[2])
        return differs <= shapes.TOLERANCE

    def _add_stars(self, stars: Iterable[Star]) -> int:
        good = [
            star
            for star in stars
            if self._same(f"stars/{star.source}/{star.name}", on_grid(star))
        ]
        self.stars += good
        return len(good)

    def _add_galaxies(self, library: dict[str, Array]) -> int:
        good = {
            name: columns
            for name, columns in library.items()
            if self._same(f"galaxies/library/{name}", columns[:, 1])
        }
        self.galaxies |= good
        return len(good)

    def _add_vectors(
        self, group: str, name: str, flux: Array, start: float, step: float
    ) -> int:
        # One vector of another basis makes all of them useless, so all or none.
        good = [self._same(f"quasars/{group}/{i}", row) for i, row in enumerate(flux)]
        if not all(good) or abs(step - STEP) > 1e-9:
            return 0
        self.quasars[group] = {name: flux, "COEFF0": start, "COEFF1": step}
        return len(flux)

    def _add_troughs(self, found: dict[str, Any]) -> int:
        good = [self._same(f"bal/{i}", row) for i, row in enumerate(found["transmission"])]
        self.troughs = {name: values[good] for name, values in found.items()}
        return sum(good)

    def write(self, folder: Path) -> dict[str, int]:
        """Write the files for which there is anything; return how many templates each has."""
        counts = {
            "stars": len(self.stars),
            "quasars": sum(
                len(values.get("boss_z", ())) + len(values.get("sdss_z", ()))
                if name == "desisim-pca"
                else max(len(v) for k, v in values.items() if not k.startswith("COEFF"))
                if name != "composites"
                else len(values)
                for name, values in self.quasars.items()
            ),
            "galaxies": len(self.galaxies),
            "bal": len(self.troughs.get("transmission", ())),
        }
        writers = (
            self._write_stars,
            self._write_quasars,
            self._write_galaxies,
            self._write_bal,
        )
        for name, write in zip(PARTS, writers, strict=True):
            if counts[name]:
                _write(folder / f"{name}.h5", write)
        return counts

    def _write_stars(self, file: Any) -> None:
        file.attrs.update(COEFF0=START, COEFF1=STEP, frame="rest", flux="f_lambda, relative")
        file.attrs["wavelength"] = "vacuum Angstrom, log10 grid"
        flux = np.stack([on_grid(star) for star in self.stars])
        file.create_dataset("flux", data=flux.astype(np.float16), compression="gzip")
        for name in ("name", "class", "subclass", "source"):
            attribute = "cls" if name == "class" else name
            texts = [getattr(star, attribute) for star in self.stars]
            file.create_dataset(name, data=np.array(texts, dtype=object), dtype=_text())

    def _write_quasars(self, file: Any) -> None:
        for name, values in self.quasars.items():
            group = file.create_group(name)
            for key, value in values.items():
                if key.startswith("COEFF"):
                    group.attrs[key] = value
                else:
                    kind = np.float64 if key.endswith("_z") else np.float32
                    group.create_dataset(key, data=np.asarray(value, kind), compression="gzip")

    def _write_galaxies(self, file: Any) -> None:
        library = file.create_group("library")
        library.attrs["columns"] = "wavelength (vacuum A, rest), f_lambda relative"
        for name, columns in self.galaxies.items():
            data = np.asarray(columns, np.float32)
            library.create_dataset(name, data=data, compression="gzip")

    def _write_bal(self, file: Any) -> None:
        first, step = _TROUGHS
        file.attrs.update(wave0=first, dwave=step, frame="rest, linear vacuum Angstrom")
        file.attrs["meaning"] = "transmission (1 = no absorption)"
        for name, values in self.troughs.items():
            file.create_dataset(name, data=np.asarray(values, np.float32), compression="gzip")


def _text() -> Any:
    import h5py

    return h5py.string_dtype()


def _write(path: Path, fill: Callable[[Any], None]) -> None:
    import h5py

    with temporary_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["creator"] = CREATOR
        fill(file)


def on_grid(star: Star) -> Array:
    """Return a star on the grid of stars.h5, shape (SIZE,), of median 1.

    NaN beyond the ends of its template, and where the template has no value.
    """
    order = np.argsort(star.wavelength)
    loglam, flux = np.log10(star.wavelength[order]), star.flux[order]
    known = np.isfinite(flux) & np.isfinite(loglam)
    grid = START + STEP * np.arange(SIZE)
    if known.sum() < 2:
        return np.full(SIZE, np.nan)
    result: Array = np.interp(grid, loglam[known], flux[known], left=np.nan, right=np.nan)
    middle = np.nanmedian(np.abs(result)) if np.isfinite(result).any() else 0.0
    return result / middle if middle > 0 else np.full(SIZE, np.nan)


def shapes_in(file: Any, part: str) -> Iterator[tuple[str, Array]]:
    """Yield key and shape of each template of an open file of templates (`PARTS`)."""
    for key, flux in _templates(file, part):
        yield key, shapes.shape_of(flux)


def _templates(file: Any, part: str) -> Pairs:
    if part == "stars":
        flux = file["flux"][:].astype(np.float64)
        for i, (name, source) in enumerate(
            zip(file["name"][:], file["source"][:], strict=True)
        ):
            yield f"stars/{source.decode()}/{name.decode()}", flux[i]
    elif part == "quasars":
        for group in ("spEigenQSO-55732", "rrarchetype-qso"):
            values = file[group]["eigenvectors" if "eigenvectors" in file[group] else "flux"]
            for i, row in enumerate(values[:]):
                yield f"quasars/{group}/{i}", row
        yield "quasars/composites/selsing2016", file["composites"]["selsing2016"][:, 1]
    elif part == "galaxies":
        for name, columns in file["library"].items():
            yield f"galaxies/library/{name}", columns[:, 1]
    else:
        for i, row in enumerate(file["transmission"][:]):
            yield f"bal/{i}", row
