"""What a set of spectra is, in words for its page: classes, warning bits, lines, columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__, lines
from huggins.inference.table import COLUMNS
from huggins.quality import MEANING, REMEDY, ZWarning
from huggins.taxonomy import BROAD, CLASSES
from huggins.view.results import UnknownRowError

if TYPE_CHECKING:
    from huggins.view.results import Results

_LABELS: Final = {
    "QSO": "quasar",
    "BAL": "broad-absorption-line quasar",
    "WD": "white dwarf",
    "C": "carbon star",
    "GAL": "galaxy",
}


def described(results: Results) -> dict[str, Any]:
    """Return what a set is, as JSON holds it."""
    known = {column.name: column for column in COLUMNS}
    return {
        "version": __version__,
        "name": results.name,
        "source": results.source,
        "note": results.note,
        "count": len(results),
        "classes": [
            {"name": name, "broad": BROAD[name], "label": _LABELS.get(name, f"{name} star")}
            for name in CLASSES
        ],
        "bits": [
            {
                "name": bit.name,
                "value": int(bit),
                "meaning": MEANING[bit],
                "remedy": REMEDY[bit],
            }
            for bit in ZWarning
        ],
        "lines": lines_of_classes(),
        "columns": [
            {
                "name": name,
                "kind": results.kind(name),
                "unit": known[name].unit if name in known else "",
                "description": known[name].description if name in known else "",
            }
            for name in results.table.names
        ],
    }


def column(results: Results, name: str) -> bytes | dict[str, Any]:
    """Return a column: float64 as bytes, or the words and the code of each row."""
    if name not in results.table:
        raise UnknownRowError(f"there is no column {name!r}")
    if results.kind(name) != "text":
        return results.table.number(name).astype("<f8").tobytes()
    words, codes = np.unique(results.table.text(name), return_inverse=True)
    return {"words": words.tolist(), "codes": codes.tolist()}


def lines_of_classes() -> list[dict[str, Any]]:
    """Return every line with the classes that show it, by wavelength."""
    shown: dict[tuple[str, float, str], list[str]] = {}
    for cls in CLASSES:
        for kind, known in lines.of_class(cls).items():
            for name, wavelength in known.items():
                shown.setdefault((name, wavelength, kind), []).append(cls)
    return [
        {"name": name, "wavelength": wavelength, "kind": kind, "classes": classes}
        for (name, wavelength, kind), classes in sorted(shown.items(), key=lambda s: s[0][1])
    ]
