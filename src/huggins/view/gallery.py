"""Spectra inside another page, drawn by the module that draws them in `huggins view`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from huggins.view.report import as_json, module_map, packed, static

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULES: Final = ("dom.js", "plot.js", "gallery.js")
# What the plot needs of a spectrum.
_DRAWN: Final = ("wavelength", "flux", "error", "mask", "unit")


def head() -> str:
    """Return what stands in the head of a page with spectra: their colours."""
    style = "canvas[data-spectrum] { width: 100%; height: 380px; display: block; }"
    return f"<style>\n{static('colours.css')}{style}\n</style>"


def place(number: int, *, alt: str) -> str:
    """Return where a spectrum is drawn; `number` counts those that `scripts` is given."""
    return f'<canvas data-spectrum="{number}" role="img" aria-label="{escape(alt)}"></canvas>'


def scripts(spectra: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> str:
    """Return what draws spectra, with their data, for the end of a page.

    Parameters
    ----------
    spectra
        As `huggins.view.report.spectra_of` returns them, of those that can be shown.
    lines
        Lines as the session of the page has them.
    """
    data = [packed(_drawn(spectrum, lines)) for spectrum in spectra]
    return (
        f"{module_map(_MODULES)}\n"
        f'<script type="application/json" id="embedded-spectra">{as_json(data)}</script>\n'
        '<script type="module">import "huggins/gallery.js";</script>\n'
    )


def _drawn(spectrum: dict[str, Any], lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is drawn: data, the table's answer of the fit, lines of its class."""
    shown, cells = spectrum["shown"], spectrum["results"]
    name = cells.get("SUBCLASS")
    return {key: spectrum[key] for key in _DRAWN} | {
        "model": None if shown is None else spectrum["solutions"][shown]["model"],
        "z": cells.get("Z") if shown is None else spectrum["solutions"][shown]["z"],
        "lines": [line for line in lines if name in line["classes"]],
    }
