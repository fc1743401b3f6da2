"""The set that a page shows: its table of results, its spectra, and what is worked out of them."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__, lines
from huggins.errors import HugginsError, InputError, ReadError
from huggins.formats import open_file

from huggins.inference.network import load_model
from huggins.inference.table import COLUMNS
from huggins.plot.data import smoothed
from huggins.prepare import clean
from huggins.quality import MEANING, ZWarning
from huggins.taxonomy import BROAD, CLASSES
from huggins.view.detail import Details, details, model_at, rounded, thinned
from huggins.view.explain import explain
from huggins.view.inspections import Inspection, Inspections

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

_log = logging.getLogger(__name__)

# Spectra whose details are kept: those that one leafs through.
_KEPT: Final = 48
_LABELS: Final = {
    "QSO": "quasar", "BAL": "broad-absorption-line quasar", "WD": "white dwarf",
    "C": "carbon star", "GAL": "galaxy",
}  # fmt: skip
_THUMBNAIL: Final = 80  # points


class UnknownRowError(HugginsError):
    """There is no such row in this set."""


class NotReadyError(HugginsError):
    """What was asked for is still being worked out."""


class Session:
    """One set of spectra with its results, for any number of pages at a time.

    Parameters
    ----------
    table
        Results as columns (`huggins.tables.read`), one row per spectrum.
    name, source
        What the page calls it, and where it comes from.
    inspections
        Where people's answers are kept.
    model
        Network that details are worked out with.
    """

    def __init__(
        self, table: Any, name: str, source: str, inspections: Inspections, *, model: str = "huggins"
    ) -> None:
        self.table, self.name, self.source = table, name, source
        self.inspections = inspections
        self.network = load_model(model)
        self._kept: OrderedDict[int, tuple[Spectrum, Details]] = OrderedDict()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self._allowed = set(table.text("FILE")) if "FILE" in table else set()

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.table)

    # What the page asks for once ------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """Return what the set is: classes, bits, lines, columns."""
        described = {column.name: column for column in COLUMNS}
        return {
            "version": __version__,
            "name": self.name,
            "source": self.source,
            "count": self.count,
            "model": {"name": self.network.name, "hash": self.network.hash},
            "classes": [
                {"name": n, "broad": BROAD[n], "label": _LABELS.get(n, f"{n} star")}
                for n in CLASSES
            ],
            "bits": [
                {"name": bit.name, "value": int(bit), "meaning": MEANING[bit], "remedy": ""}
                for bit in ZWarning
            ],
            "lines": [
                {"name": n, "wavelength": w, "kind": kind, "classes": classes, "major": True}
                for kind, known, classes in (
                    ("emission", lines.EMISSION, ["QSO", "BAL", "GAL"]),
                    ("absorption", lines.ABSORPTION, [c for c in CLASSES if c not in ("QSO", "BAL")]),
                )
                for n, w in known.items()
            ],
            "columns": [
                {
                    "name": n,
                    "kind": self._kind(n),
                    "unit": described[n].unit if n in described else "",
                    "description": described[n].description if n in described else "",
                }
                for n in self.table.names
            ],
            "scanner": self.inspections.scanner,
            "blind": self.inspections.blind,
            "samp": False,
        }

    def _kind(self, name: str) -> str:
        if self.table.is_text(name):
            return "text"
        return "int" if self.table.values[name].dtype.kind in "iu" else "float"

    def column(self, name: str) -> bytes | dict[str, Any]:
        """Return a column: float64 bytes, or words and codes."""
        if name not in self.table:
            raise UnknownRowError(f"there is no column {name!r}")
        if not self.table.is_text(name):
            return self.table.number(name).astype("<f8").tobytes()
        words, codes = np.unique(self.table.text(name), return_inverse=True)
        return {"words": words.tolist(), "codes": codes.tolist()}

    # One spectrum ---------------------------------------------------------------------------

    def _row(self, row: int) -> None:
        if not 0 <= row < self.count:
            raise UnknownRowError(f"there is no row {row}: the set has {self.count}")

    def file_of(self, row: int) -> tuple[str, int]:
        """Return path and index of a row; only files of the set can be named."""
        self._row(row)
        path = str(self.table.text("FILE")[row])
        index = int(self.table.number("INDEX")[row]) if "INDEX" in self.table else 0
        return path, index

    def spectrum(self, row: int) -> Spectrum:
        """Read the spectrum of a row."""
        path, index = self.file_of(row)
        if not Path(path).is_file():
            raise UnknownRowError(
                f"{path}: the file is not there any more: move it back, or start the page in "
                "the folder in which the table was made"
            )
        for item in open_file(path):
            if item.index == index:
                if isinstance(item, ReadError):
                    raise item
                return item
        raise UnknownRowError(f"{path}: holds no spectrum {index} any more")

    def worked_out(self, row: int) -> tuple[Spectrum, Details]:
        """Return a spectrum and what the fit found of it, kept for the next time."""
        with self._lock:
            if row in self._kept:
                self._kept.move_to_end(row)
                return self._kept[row]
        spectrum = self.spectrum(row)
        found = spectrum, details(spectrum, self.network)
        with self._lock:
            self._kept[row] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def detail(self, row: int) -> dict[str, Any]:
        """Return everything about one row."""
        spectrum, found = self.worked_out(row)
        flux, ivar = clean(spectrum)
        good = ivar > 0
        with np.errstate(divide="ignore"):
            error = np.where(good, 1.0 / np.sqrt(np.where(good, ivar, 1.0)), np.nan)
        results = {n: self._value(n, row) for n in self.table.names}
        bits = int(results.get("ZWARNING") or 0)
        probabilities = {
            n: results.get(f"P_{n}") for n in CLASSES if results.get(f"P_{n}") is not None
        } or dict(zip(CLASSES, found.prediction.probabilities[0].tolist(), strict=True))
        grid, density = self.network.metadata.redshift, found.prediction.density
        znet = None
        if grid is not None and density is not None:
            seen = density[0] > 1e-5
            znet = {
                "z": rounded(np.expm1(grid.centres[seen])),
                "p": rounded(density[0][seen], 3),
            }
        seen_by = self.inspections.visible().get(key_of(*self.file_of(row)))
        curves = [(name, *thinned(z, chi2)) for name, z, chi2 in found.curves]
        return {
            "row": row,
            "file": spectrum.file,
            "index": spectrum.index,
            "unit": "10⁻¹⁷ erg/s/cm²/Å" if spectrum.survey in ("SDSS", "BOSS", "EBOSS", "SDSS-V", "DESI") else "",
            "wavelength": rounded(spectrum.wavelength, 7),
            "flux": rounded(np.where(good, flux, np.nan)),
            "error": rounded(error, 4),
            "mask": runs_of(~good),
            "sky": None,
            "meta": {
                "survey": spectrum.survey, "plate": spectrum.plate, "MJD": spectrum.mjd,
                "fibre": spectrum.fiberid, "TARGETID": spectrum.targetid,
                "SPECOBJID": spectrum.specobjid, "RA": spectrum.ra, "Dec": spectrum.dec,
                "format": spectrum.format,
            },  # fmt: skip
            "results": results,
            "probabilities": probabilities,
            "solutions": [
                {
                    "rank": rank, "class": a.cls, "subclass": a.subclass, "z": a.z,
                    "chi2": a.chi2, "rchi2": a.rchi2, "model": rounded(a.model),
                }
                for rank, a in enumerate(found.answers, start=1)
            ],  # fmt: skip
            "chi2": [
                {"class": name, "z": rounded(z), "chi2": rounded(chi2, 7)}
                for name, z, chi2 in curves
            ],
            "znet": znet,
            "network": {"subclass": CLASSES[int(found.prediction.probabilities[0].argmax())]},
            "pipeline": {
                "class": spectrum.pipeline.cls, "subclass": spectrum.pipeline.subclass,
                "z": spectrum.pipeline.z, "zwarning": spectrum.pipeline.zwarning,
            },  # fmt: skip
            "warnings": [
                {"name": bit.name, "meaning": MEANING[bit], "remedy": ""}
                for bit in ZWarning
                if bits & bit
            ],
            "links": links(spectrum),
            "inspection": None if seen_by is None else seen_by.to_json(),
        }

    def _value(self, name: str, row: int) -> Any:
        if self.table.is_text(name):
            return str(self.table.text(name)[row])
        value = float(self.table.number(name)[row])
        return value if np.isfinite(value) else None

    def model_at(self, row: int, z: float, name: str) -> dict[str, Any]:
        """Fit a class's templates at a redshift."""
        if name not in BROAD:
            raise InputError(f"{name!r} is none of the classes {', '.join(CLASSES)}")
        spectrum, _ = self.worked_out(row)
        model, chi2 = model_at(spectrum, name, z)
        return {"model": rounded(model), "chi2": chi2}

    def why(self, row: int) -> dict[str, Any]:
        """Return what the class of a row rests on."""
        spectrum, _ = self.worked_out(row)
        name = str(self.table.text("SUBCLASS")[row]) if "SUBCLASS" in self.table else ""
        name, windows = explain(spectrum, self.network, name)
        return {
            "class": name,
            "windows": [[round(w.low, 1), round(w.high, 1), round(w.importance, 4)] for w in windows],
        }

    def thumbnails(self, rows: list[int]) -> dict[int, list[list[float]]]:
        """Return small pictures of spectra: points from 0 to 1 in both directions."""
        return {row: self._thumbnail(row) for row in rows if 0 <= row < self.count}

    def _thumbnail(self, row: int) -> list[list[float]]:
        try:
            spectrum = self.spectrum(row)
        except HugginsError:
            return []
        flux, ivar = clean(spectrum)
        smooth = smoothed(flux, ivar, width=max(3.0, len(flux) / 400))
        at = np.linspace(0, len(flux) - 1, _THUMBNAIL).round().astype(int)
        y = smooth[at]
        if not np.isfinite(y).any():
            return []
        low, high = min(0.0, float(np.nanpercentile(smooth, 0.5))), float(np.nanpercentile(smooth, 99.7))
        y = ((y - low) / ((high - low) or 1.0)).clip(0.0, 1.0)
        x = np.linspace(0.0, 1.0, len(at))
        return [[round(float(a), 3), round(float(b), 3)] for a, b in zip(x, y, strict=True) if np.isfinite(b)]

    # Inspections ------------------------------------------------------------------------------

    def listen(self, call: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Have a call told of what happens; returns what ends it."""
        self._listeners.append(call)
        return lambda: self._listeners.remove(call)

    def tell(self, event: dict[str, Any]) -> None:
        """Tell every page."""
        for call in list(self._listeners):
            call(event)


def key_of(path: str, index: int) -> str:
    """Name of a spectrum under which its inspections are kept."""
    return f"{path}[{index}]"


def runs_of(mask: NDArray[np.bool_]) -> list[list[int]]:
    """First and last index of each run of true values."""
    edge = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    return np.stack([first, last], axis=1).tolist()


def links(spectrum: Spectrum) -> list[dict[str, str]]:
    """Pages of the archives about this object."""
    found = []
    if spectrum.ra is not None and spectrum.dec is not None:
        place = f"{spectrum.ra:.6f}%20{spectrum.dec:+.6f}"
        found += [
            {"name": "Legacy Survey", "url": f"https://www.legacysurvey.org/viewer?ra={spectrum.ra:.6f}&dec={spectrum.dec:.6f}&layer=ls-dr10&zoom=16"},
            {"name": "SIMBAD", "url": f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={place}&Radius=3&Radius.unit=arcsec"},
            {"name": "NED", "url": f"https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search&ra={spectrum.ra:.6f}d&dec={spectrum.dec:.6f}d&radius=0.05"},
        ]
    if spectrum.survey in ("SDSS", "BOSS", "EBOSS") and spectrum.plate and spectrum.mjd and spectrum.fiberid:
        found.append({"name": "SDSS", "url": f"https://dr17.sdss.org/optical/spectrum/view?plateid={spectrum.plate}&mjd={spectrum.mjd}&fiberid={spectrum.fiberid}"})
    return found
