"""What the pages of one set ask for: the set, one spectrum, inspections, files."""

from __future__ import annotations

import contextlib
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import HugginsError, InputError
from huggins.inference import load_model
from huggins.inference.fitting import load_fitter
from huggins.taxonomy import BROAD, CLASSES
from huggins.view import detail, exchange, features, worth
from huggins.view.agreement import agreement, merge
from huggins.view.described import column, described
from huggins.view.explain import explain
from huggins.view.inspections import Inspection
from huggins.view.kept import KeptDetails, KeptFeatures, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.spectrum import Spectrum
    from huggins.view.background import Classification
    from huggins.view.detail import Details
    from huggins.view.inspections import Inspections
    from huggins.view.results import Results
    from huggins.view.samp import Samp

_FIGURES: Final = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def warm_up(model: str) -> None:
    """Load what every spectrum needs, while its table is being read: network and basis."""
    with contextlib.suppress(HugginsError):
        load_model(model)
        load_fitter()


class Session:
    """One set of spectra with its results, for any number of pages at a time.

    Parameters
    ----------
    results
        The set.
    inspections
        Where people's answers are kept.
    model
        The network with which details are computed.
    samp
        Connection to other programs.
    classification
        Where rows are still to come from.
    """

    def __init__(
        self,
        results: Results,
        inspections: Inspections,
        *,
        model: str = "huggins",
        samp: Samp | None = None,
        classification: Classification | None = None,
    ) -> None:
        self.results, self.inspections, self._samp = results, inspections, samp
        self.network = load_model(model)
        self.model = model
        self._kept = KeptDetails(results, self.network)
        self._features = KeptFeatures(results, model)
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self._classification = classification
        if classification is not None:
            classification.start(self.tell)

    def warm(self) -> None:
        """Prepare for the first page: fit the first spectrum, and find the rows by name."""
        if len(self.results):
            with contextlib.suppress(HugginsError):
                self.details(0)
        self.results.rows_by_key()

    def close(self) -> None:
        """End what is still running, leave the SAMP hub, close the file of inspections."""
        if self._classification is not None:
            self._classification.stop()
        if self._samp is not None:
            self._samp.close()
        self.inspections.close()

    # The set ----------------------------------------

    def about(self, scanner: str = "") -> dict[str, Any]:
        """Return what the set is: classes, warning bits, lines, columns."""
        running = self._classification is not None and self._classification.running
        return {
            **described(self.results),
            "model": {"name": self.network.name, "hash": self.network.hash},
            "scanner": scanner or self.inspections.scanner,
            "blind": self.inspections.blind,
            "samp": self._samp is not None and self._samp.connected,
            "classified": not running,
            "progress": self._classification.progress() if self._classification else None,
        }

    def column(self, name: str) -> bytes | dict[str, Any]:
        """Return a column: float64 as bytes, or the words and the code of each row."""
        return column(self.results, name)

    # One spectrum ----------------------------------------

    def details(self, row: int) -> tuple[Spectrum, Details]:
        """Return a spectrum and what the fit found of it, kept for the next time."""
        return self._kept.of(row)

    def detail(self, row: int, scanner: str = "") -> dict[str, Any]:
        """Return everything about one row."""
        spectrum, found = self.details(row)
        cells = self._cells(row)
        seen = self.inspections.of(self.results.key(row), scanner)
        return {
            "row": row,
            **detail.as_json(
                spectrum,
                found,
                cells,
                self.network.metadata.redshift,
                given=self.results.given,
            ),
            "inspection": None if seen is None else seen.to_json(),
        }

    def known(self, row: int) -> dict[str, Any]:
        """Return what the table alone says of a row, where its spectrum cannot be shown."""
        if not 0 <= row < len(self.results):
            return {}
        cells = self._cells(row)
        return {
            "row": row,
            "file": cells.get("FILE"),
            "results": cells,
            "warnings": detail.warnings_of(int(cells.get("ZWARNING") or 0), {}),
            "probabilities": {name: cells.get(f"P_{name}") for name in CLASSES},
            "pipeline": {"class": cells.get("PIPE_CLASS"), "z": cells.get("PIPE_Z")},
        }

    def _cells(self, row: int) -> dict[str, Any]:
        return {name: self.results.value(name, row) for name in self.results.table.names}

    def model_at(self, row: int, z: float, name: str) -> dict[str, Any]:
        """Fit a class's templates at a redshift."""
        if name not in BROAD:
            raise InputError(f"{name!r} is none of the classes {', '.join(CLASSES)}")
        if not -0.99 < z < 20.0:
            raise InputError(f"a redshift lies between -0.99 and 20, not at {z}")
        spectrum, _ = self.details(row)
        model, chi2 = detail.model_at(spectrum, name, z)
        return {"model": detail.rounded(model), "chi2": detail.finite(chi2)}

    def why(self, row: int) -> dict[str, Any]:
        """Return what the class of a row rests on."""
        spectrum, _ = self.details(row)
        name, windows = explain(
            spectrum, self.network, self.results.value("SUBCLASS", row) or ""
        )
        return {
            "class": name,
            "windows": [
                [round(w.low, 1), round(w.high, 1), round(w.importance, 4)] for w in windows
            ],
        }

    def thumbnails(self, rows: list[int]) -> dict[int, list[list[float]]]:
        """Return small pictures of spectra: points from 0 to 1 in both directions."""
        pictures: dict[int, list[list[float]]] = {}
        for row in rows:
            try:
                pictures[row] = detail.thumbnail(self.results.spectrum(row))
            except HugginsError:
                pictures[row] = []
        return pictures

    def figure(self, row: int, kind: str) -> tuple[bytes, str]:
        """Return a picture of a row as `huggins plot` draws it, and its media type."""
        from huggins.plot import plot_spectrum

        if kind not in _FIGURES:
            raise InputError(f"figures are {', '.join(_FIGURES)}, not {kind!r}")
        spectrum, _ = self.details(row)
        figure = plot_spectrum(spectrum, self.results.take([row])[0])
        stream = BytesIO()
        figure.savefig(stream, format=kind)
        return stream.getvalue(), _FIGURES[kind]

    def classify(self, name: str, content: bytes) -> dict[str, Any]:
        """Classify a file that was dropped on the page, and add it to the set."""
        row = self.results.upload(name, content, self.network)
        self._features.forget()
        return {"row": row, "count": len(self.results)}

    # All spectra ----------------------------------------

    def features(self) -> Any:
        """Return the features of all rows, (N, F); NaN where a spectrum cannot be read.

        Raises
        ------
        NotReadyError
            While they are being computed, which the first call begins.
        """
        if self._classification is not None and self._classification.running:
            raise NotReadyError("the spectra are still being classified: the map comes then")
        return self._features.all()

    def map(self) -> bytes:
        """Return a point per row, float32 pairs."""
        return features.principal_plane(self.features()).astype("<f4").tobytes()

    def similar(self, row: int, count: int) -> dict[str, Any]:
        """Return the rows most like one."""
        self.results.location(row)
        rows, distances = features.nearest(self.features(), row, count)
        return {"rows": rows.tolist(), "distance": distances.tolist()}

    def worth(self, scanner: str = "") -> dict[str, Any]:
        """Return the rows in the order in which they are worth a look; inspected ones last."""
        try:
            known = self.features()
        except NotReadyError:
            known = None
        value = worth.worth(self.results.table, known)
        seen = self.inspections.visible(scanner)
        done = [row for key, row in self.results.rows_by_key().items() if key in seen]
        value[done] -= 10.0
        return {"rows": np.argsort(-value, kind="stable").tolist()}

    # Inspections ----------------------------------------

    def inspected(self, scanner: str = "") -> dict[str, Any]:
        """Return the inspections that this scanner may see, by row."""
        seen = self.inspections.visible(scanner)
        rows = self.results.rows_by_key() if seen else {}
        return {"rows": {rows[key]: i.to_json() for key, i in seen.items() if key in rows}}

    def inspect(self, body: dict[str, Any], scanner: str = "") -> dict[str, Any]:
        """Store an inspection."""
        try:
            row = int(body["row"])
            inspection = Inspection(
                key=self.results.key(row),
                scanner=scanner or self.inspections.scanner,
                cls=str(body.get("class") or ""),
                quality=int(body["quality"]),
                z=None if body.get("z") is None else float(body["z"]),
                issues=str(body.get("issues") or ""),
                comment=str(body.get("comment") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"not an inspection ({error!r}): row and quality are needed"
            ) from None
        stored = self.inspections.add(inspection).to_json()
        if not self.inspections.blind:
            self.tell({"type": "inspection", "row": row, "inspection": stored})
        return stored

    def undo(self, scanner: str = "") -> dict[str, Any]:
        """Take back a scanner's last inspection."""
        key = self.inspections.undo(scanner)
        if key is None:
            return {"row": None, "inspection": None}
        seen = self.inspections.of(key, scanner)
        row = self.results.rows_by_key().get(key)
        return {"row": row, "inspection": None if seen is None else seen.to_json()}

    def agreement(self) -> dict[str, Any]:
        """Return how far the two scanners with most inspections agree."""
        newest = self.inspections.newest()
        most = self._two()
        if self.inspections.blind or len(most) < 2:
            return {"scanners": most[:1]}
        result = agreement(newest, *most)
        rows = self.results.rows_by_key()
        finite = [None if v != v else v for v in (result.kappa, result.low, result.high)]
        return {
            "scanners": list(result.scanners),
            "n": len(result.keys),
            **dict(zip(("kappa", "low", "high"), finite, strict=True)),
            "z_differs": result.redshifts_differ,
            "rows": [rows[key] for key in result.differ if key in rows],
        }

    def _two(self) -> list[str]:
        """Return the two scanners with most inspections."""
        names = [i.scanner for i in self.inspections.newest()]
        return sorted(sorted(set(names)), key=lambda name: -names.count(name))[:2]

    # Files in and out ----------------------------------------

    def export(
        self, kind: str, rows: Any, scanner: str = "", *, merged: bool = False
    ) -> tuple[str, bytes]:
        """Return a file of some rows: its name and content.

        Inspections are those that the scanner may see, or, `merged`, those of the two with
        most of them, without spectra on which they differ.
        """
        chosen = self._rows(rows)
        if kind in exchange.FORMATS:
            name, write = exchange.FORMATS[kind]
            seen = self.inspections.visible(scanner)
            if merged:
                seen = {i.key: i for i in merge(self.inspections.newest(), *self._two())}
            pairs = []
            for row in chosen:
                found = seen.get(self.results.key(row))
                if found is not None:
                    cells = self._cells(row)
                    pairs.append(
                        (
                            exchange.Target(
                                *self.results.location(row), cells, self.results.path_of(row)
                            ),
                            found,
                        )
                    )
            return name, write(pairs).encode()
        return exchange.table_file(self.results.take(chosen), kind)

    def take_in(self, name: str, content: bytes) -> dict[str, Any]:
        """Store inspections from a file of somebody else."""
        find = exchange.finder(self.results)
        found, missing = exchange.read_inspections(name, content, find)
        count = self.inspections.extend(found)
        return {"message": f"{count} inspections taken in; {missing} rows are not in this set"}

    def samp(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Talk to other programs."""
        if self._samp is None:
            raise InputError("SAMP is not available in this session")
        if action == "connect":
            self._samp.connect()
            return {"message": "Connected to the SAMP hub."}
        if action == "disconnect":
            self._samp.close()
            return {"message": "Disconnected."}
        if action == "send-table":
            rows = self._rows(body.get("rows") or None)
            table = self.results.take(rows)
            self._samp.send_table(
                lambda path: exchange.write_votable(table, path), rows, self.results.name
            )
            return {"message": f"{len(rows)} rows sent."}
        if action == "highlight":
            [row] = self._rows([body.get("row")])
            self._samp.highlight(row)
            return {}
        raise InputError(f"no such action: {action!r}")

    def _rows(self, given: Any) -> list[int]:
        """Return the rows that a request names, all where it names none."""
        if given is None:
            return list(range(len(self.results)))
        if not isinstance(given, list) or any(type(row) is not int for row in given):
            raise InputError("rows must be a list of whole numbers")
        return given

    # Events ----------------------------------------

    def listen(self, call: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Have a call told of what happens; returns what ends it."""
        self._listeners.append(call)
        return lambda: self._listeners.remove(call) if call in self._listeners else None

    def tell(self, event: dict[str, Any]) -> None:
        """Tell every page."""
        for call in list(self._listeners):
            call(event)
