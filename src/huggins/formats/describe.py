"""What a file is and holds, without classifying it (`huggins info`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.errors import ReadError
from huggins.formats import ALL, Selection, open_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggins.spectrum import Spectrum


def describe(
    path: str,
    *,
    air: bool = False,
    selection: Selection = ALL,
    columns: Mapping[str, str] | None = None,
) -> tuple[list[tuple[str, str]], list[ReadError]]:
    """Describe the spectra of a file.

    Parameters
    ----------
    path
        Of a file of any known format.
    air, selection, columns
        As for `huggins.formats.open_file`.

    Returns
    -------
    lines : list of (str, str)
        Headings and texts; empty where no spectrum can be used.
    errors : list of ReadError
        Of the spectra that cannot be used, or of the file.
    """
    errors: list[ReadError] = []
    first: Spectrum | None = None
    surveys: dict[str, None] = {}
    in_air = False
    measured: list[tuple[float, ...]] = []
    for item in open_file(path, air=air, selection=selection, columns=columns):
        if isinstance(item, ReadError):
            errors.append(item)
            continue
        first = first or item
        surveys.setdefault(item.survey)
        in_air |= item.air
        ends = 10.0 ** item.loglam[[0, -1]]
        measured.append((len(item), int(np.count_nonzero(item.good)), *ends, item.median_sn()))
    if first is None:
        return [], errors or [ReadError("no spectra in this file", path)]
    pixels, good, starts, stops, sn = np.array(measured).T
    single = len(measured) == 1
    low, middle, high = np.quantile(sn, (0.0, 0.5, 1.0))
    lines = [
        ("format", first.format),
        ("spectra", str(len(measured))),
        ("unusable", f"{len(errors)} ({errors[0].what})" if errors else ""),
        ("survey", ", ".join(filter(None, surveys))),
        ("object" if single else "first", _identity(first)),
        (
            "range",
            f"{starts.min():.1f} to {stops.max():.1f} A "
            + ("in air, converted to vacuum" if in_air else "in vacuum"),
        ),
        ("pixels", f"{pixels.max():.0f}, of which {good.max():.0f} good"),
        (
            "S/N",
            f"{low:.2f} (median per pixel)"
            if single
            else f"{low:.2f} to {high:.2f}, median {middle:.2f}",
        ),
        ("pipeline", _pipeline(first)),
        ("notes", "; ".join(first.notes)),
    ]
    return [(heading, text) for heading, text in lines if text], errors


def _pipeline(spectrum: Spectrum) -> str:
    result = spectrum.pipeline
    if not result.cls:
        return ""
    words = [f"{result.cls} {result.subclass}".strip()]
    words += [] if result.z is None else [f"z = {round(result.z, 5) + 0.0:.5f}"]
    words += [] if result.zwarning is None else [f"ZWARNING {result.zwarning}"]
    return ", ".join(words)


def _identity(spectrum: Spectrum) -> str:
    named = (
        ("plate", spectrum.plate),
        ("MJD", spectrum.mjd),
        ("fibre", spectrum.fiberid),
        ("TARGETID", spectrum.targetid),
        ("SPECOBJID", spectrum.specobjid),
        ("RA", None if spectrum.ra is None else f"{spectrum.ra:.6f}"),
        ("Dec", None if spectrum.dec is None else f"{spectrum.dec:+.6f}"),
    )
    return ", ".join(f"{name} {value}" for name, value in named if value is not None)
