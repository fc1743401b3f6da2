"""The data card: what one file of spectra holds, counted in that very file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.dataset.schema import SCHEMA, SPLITS
from huggins.runs.files import write_text
from huggins.runs.ours import CREATOR
from huggins.taxonomy import BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Columns = dict[str, NDArray[Any]]

#: Classes with fewer spectra for training are named as a gap.
_FEW: Final = 30
# Reasons that the card tells; the list beside it has every one.
_REASONS: Final = 15
# Rows that are read at a time.
_BLOCK: Final = 1 << 18
_REPEATED: Final = "the same spectrum as "
# What the card counts; the pixels are not read.
_COUNTED: Final = ("class_index", "class", "trust", "split", "survey", "object", "sn", "z")
_TERMS: Final = {
    "SDSS": "[York et al. 2000](https://doi.org/10.1086/301513)",
    "BOSS": "[Dawson et al. 2013](https://doi.org/10.1088/0004-6256/145/1/10)",
    "EBOSS": "[Dawson et al. 2016](https://doi.org/10.3847/0004-6256/151/2/44)",
    "SDSS-V": "as the page of SDSS says",
    "DESI": "[DESI Collaboration 2024](https://doi.org/10.3847/1538-3881/ad3217)",
    "LAMOST": "[Cui et al. 2012](https://doi.org/10.1088/1674-4527/12/9/003)",
}
_PAGES: Final = {
    "DESI": "https://data.desi.lbl.gov/doc/acknowledgments/",
    "LAMOST": "http://www.lamost.org/policies/data_policy.html",
}
_SDSS_PAGE: Final = "https://www.sdss.org/collaboration/citing-sdss/"


def card_path(output: Path) -> Path:
    """Return where the card of a file goes."""
    return output.with_name(output.name + ".card.md")


def write_card(path: Path, reasons: Mapping[str, int]) -> None:
    """Write the card of a file of spectra beside it.

    Parameters
    ----------
    path
        The file, in either layout.
    reasons
        Why spectra were left out of it, and how many.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    text = f"{describe(path, reasons)}\n<!-- written by {CREATOR} -->\n"
    write_text(card_path(path), text, errors="backslashreplace")


def describe(path: Path, reasons: Mapping[str, int]) -> str:
    """Return the card as Markdown; see `write_card`."""
    import h5py

    with h5py.File(path) as file:
        about = {name: str(value) for name, value in file.attrs.items()}
        if "fluxes" in file:
            shape, columns = file["fluxes"].shape, {}
            counts = sum(  # in blocks: the rows are one-hot
                file["classes"][at : at + _BLOCK].sum(axis=0, dtype=np.float64)
                for at in range(0, shape[0], _BLOCK)
            )
        else:
            shape = file["flux"].shape
            columns = {name: file[name][:] for name in _COUNTED}
    sections = [_head(path, about, shape), _grid(about, shape)]
    if columns:
        sections += [_classes(columns), _surveys(columns), _labels(about, columns)]
    else:
        rows = zip(CLASSES, map(int, counts), strict=True)
        sections.append("## Classes\n\n" + _table(("class", "spectra"), rows))
    sections.append(_left_out(path, reasons))
    if columns:
        sections += [_gaps(columns), _citation(columns)]
    return "\n".join(sections)


def _head(path: Path, about: Mapping[str, str], shape: tuple[int, ...]) -> str:
    lines = [
        f"# Data card: {path.name}\n",
        f"{shape[0]:,} optical spectra, made by {about.get('creator', 'huggins')} on "
        f"{about.get('date', '?')}, {path.stat().st_size / 1e6:,.1f} MB. Counted when the file "
        "was made; the columns are described in huggins' documentation, "
        "docs/reference/dataset.md.\n",
    ]
    if "command" in about:
        lines.append(f"    {about['command']}\n")
    return "\n".join(lines)


def _grid(about: Mapping[str, str], shape: tuple[int, ...]) -> str:
    if "huggins_schema" not in about:
        return (
            "The layout of 2019: `fluxes` (N, 433) between 3.56 and 4.01 in log10 of the "
            "vacuum wavelength, each divided by its maximum, without errors, and one-hot "
            "`classes`.\n"
        )
    start, step = float(about["loglam_start"]), float(about["loglam_step"])
    first, last = 10.0**start, 10.0 ** (start + step * shape[1])
    return (
        f"Schema {SCHEMA}: flux density, in the unit of its file (1e-17 erg/s/cm2/A for SDSS), "
        f"and inverse variance on {shape[1]} pixels of {step:g} dex from {first:.0f} to "
        f"{last:.0f} A in vacuum. Inverse variance is 0 where there is no good pixel.\n"
    )


def _classes(columns: Columns) -> str:
    index, broad, trust = columns["class_index"], columns["class"], columns["trust"]
    groups = [(name, index == i) for i, name in enumerate(CLASSES)]
    groups += [
        (f"{name}, type not known", (index < 0) & (broad == name.encode()))
        for name in BROAD_CLASSES
    ]
    groups.append(("none of these, or not known", (index < 0) & (broad == b"")))
    groups = [group for i, group in enumerate(groups) if i < len(CLASSES) or group[1].any()]
    groups.append(("all", np.ones(len(index), bool)))
    header = (
        *("class", "spectra", "trust 3", "trust 2", "trust 1", "trust 0"),
        *SPLITS,
        *("median S/N", "redshift, 5 to 95 %"),
    )
    rows = [
        (
            name,
            int(some.sum()),
            *(int((trust[some] == t).sum()) for t in (3, 2, 1, 0)),
            *(int((columns["split"][some] == i).sum()) for i in range(len(SPLITS))),
            _quantiles(columns["sn"][some], 0.5),
            _quantiles(columns["z"][some], 0.05, 0.95),
        )
        for name, some in groups
    ]
    objects, sizes = np.unique(columns["object"], return_counts=True)
    several = int(sizes[sizes > 1].sum())
    return (
        "## Classes\n\n"
        + _table(header, rows)
        + f"\nThey are of {len(objects):,} objects; {several:,} spectra are of objects with "
        "more than one. All spectra of an object are in the same part.\n"
    )


def _surveys(columns: Columns) -> str:
    header = ("survey", "spectra", "S/N, 5 %", "median", "95 %", "S/N below 2")
    rows = []
    for name in np.unique(columns["survey"]).tolist():
        sn = columns["sn"][columns["survey"] == name]
        rows.append(
            (
                name.decode("utf-8", "replace") or "not said",
                len(sn),
                *(_quantiles(sn, q) for q in (0.05, 0.5, 0.95)),
                int((sn < 2).sum()),
            )
        )
    return "## Surveys\n\n" + _table(header, rows) + "\nS/N is the median of a native pixel.\n"


def _labels(about: Mapping[str, str], columns: Columns) -> str:
    trust = columns["trust"]
    source = about.get("targets", "")
    came = (
        f"Class, redshift and trust are those of the table `{source}`."
        if source
        else "Class and redshift are those of the surveys' pipelines, read from the files."
    )
    fraction = 100.0 * float((trust == 3).mean())
    return (
        f"## Labels\n\n{came} Trust 3: a person, or a catalogue that people checked, is "
        "certain; 2: a pipeline without warning; 1: with one; 0: not known. Here "
        f"{fraction:.1f} % have trust 3: a network taught with the others learns the errors of "
        "pipelines too.\n"
    )


def _left_out(path: Path, reasons: Mapping[str, int]) -> str:
    together: dict[str, int] = {}
    for reason, count in reasons.items():
        kind = "a copy of another" if reason.startswith(_REPEATED) else reason
        together[kind] = together.get(kind, 0) + count
    if not together:
        return "## Left out\n\nNothing.\n"
    rows = sorted(together.items(), key=lambda item: (-item[1], item[0]))
    more = rows[_REASONS:]
    shown = rows[:_REASONS]
    if more:
        shown.append((f"{len(more)} other reasons", sum(count for _, count in more)))
    cells = [(reason.replace("|", "\\|"), count) for reason, count in shown]
    return (
        "## Left out\n\n"
        + _table(("reason", "spectra"), cells)
        + f"\n`{path.name}.skipped.csv` says which.\n"
    )


def _gaps(columns: Columns) -> str:
    index, split = columns["class_index"], columns["split"]
    total = np.bincount(index[index >= 0], minlength=len(CLASSES))
    train = np.bincount(index[(index >= 0) & (split == 0)], minlength=len(CLASSES))
    lines = []
    absent = [name for name, count in zip(CLASSES, total, strict=True) if count == 0]
    if absent:
        lines.append(f"no spectrum of {', '.join(absent)}")
    few = [
        f"{name} ({count})"
        for name, count, all_of in zip(CLASSES, train.tolist(), total, strict=True)
        if all_of and count < _FEW
    ]
    if few:
        lines.append(f"fewer than {_FEW} to train on: {', '.join(few)}")
    if total.sum():
        most = int(total.argmax())
        fraction = 100.0 * total[most] / total.sum()
        lines.append(f"{fraction:.0f} % of those with a class are {CLASSES[most]}")
    unsearched = (index == CLASSES.index("QSO")) & (columns["trust"] < 3)
    if unsearched.any():
        lines.append(
            f"{int(unsearched.sum()):,} QSO of trust below 3 may be BAL: no pipeline looks for "
            "broad absorption"
        )
    empty = [name for i, name in enumerate(SPLITS) if not (split == i).any()]
    if empty:
        lines.append(f"nothing for {', '.join(empty)}")
    lines.append(
        "surveys choose their targets: the fractions of classes, magnitudes and redshifts here "
        "are those of the selection, not of the sky"
    )
    return "## What to mind\n\n" + "".join(f"- {line}\n" for line in lines)


def _citation(columns: Columns) -> str:
    names = [name.decode("utf-8", "replace") for name in np.unique(columns["survey"]).tolist()]
    rows = [
        (name, _TERMS[name], _PAGES.get(name, _SDSS_PAGE)) for name in names if name in _TERMS
    ]
    begin = (
        "## Terms and citation\n\nThe spectra are the surveys': what may be done with them, "
        "and how they want to be acknowledged, is for their pages to say.\n\n"
    )
    end = (
        "\nCite the catalogues that the labels come from as well, and huggins (CITATION.cff).\n"
    )
    if not rows:
        return begin.rstrip("\n") + "\n" + end
    return begin + _table(("survey", "paper", "page"), rows) + end


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(header)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _quantiles(values: NDArray[Any], *levels: float) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "-"
    return " to ".join(f"{value:.3g}" for value in np.quantile(known, levels))
