"""From a table of results and a table of labels to every figure of merit."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.errors import InputError
from huggins.evaluate.comparison import Comparison, compare
from huggins.evaluate.figures import Figures, figures_of
from huggins.evaluate.residuals import velocity
from huggins.evaluate.sample import Sample, find_roles, join, without_placeholders
from huggins.inference.results import with_sdss_names
from huggins.tables.match import Matched, match
from huggins.tables.read import read_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.tables.columns import Columns

#: Name and version of the JSON report's layout.
SCHEMA: Final = "huggins-evaluation/2"
#: Columns of the truth by which figures are shown apart, where it has them.
GROUPS: Final = ("survey", "label_from")
#: Mistakes of each kind that are listed.
MISTAKES: Final = 8
#: |dv| in km/s beyond which a redshift is listed as a mistake, for any class.
CATASTROPHE: Final = 3000.0
# A column with more values is an identifier, not a grouping.
_MOST_GROUPS: Final = 20
# Significant digits of a float in the report.
_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Mistake:
    """A spectrum that was confidently taken for something else.

    Attributes
    ----------
    kind : str
        What is wrong: ``CLASS``, ``SUBCLASS`` (of a right CLASS) or ``Z`` (of a right CLASS).
    file, index
        Where it is.
    truth : str
        True class: one of the 13 where it is known, else STAR, GALAXY or QSO.
    true_z : float
    said : str
        SUBCLASS.
    probability : float
        Of CLASS, SUBCLASS, and SUBCLASS for the three kinds.
    z : float
    dv : float
        Velocity difference in km/s; NaN where a redshift is missing.
    zwarning : int
    sn : float
        Median signal-to-noise.
    row : int
        Of the table of results, from 0.
    """

    kind: str
    file: str
    index: int
    truth: str
    true_z: float
    said: str
    probability: float
    z: float
    dv: float
    zwarning: int
    sn: float
    row: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every figure of a table of results.

    Attributes
    ----------
    about : dict
        What was compared with what, when and how: see `about`'s keys in the JSON report.
    figures : Figures
        Of all spectra with a truth (that passed the filter).
    groups : dict of str to dict of str to Figures
        The same apart, by column and value.
    mistakes : tuple of Mistake
        The most confident ones of each kind.
    comparison : Comparison or None
        With the old table, where one was given.
    results : Columns
        The table of results.
    sample : Sample
        Its rows that were measured, with their truth.
    old_sample : Sample or None
        Those of the old table.
    """

    about: dict[str, Any]
    figures: Figures
    groups: dict[str, dict[str, Figures]]
    mistakes: tuple[Mistake, ...]
    comparison: Comparison | None
    results: Columns
    sample: Sample
    old_sample: Sample | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain Python values; what is not defined is None."""
        report: dict[str, Any] = plain(
            {
                "schema": SCHEMA,
                "about": self.about,
                "figures": self.figures,
                "groups": self.groups,
                "mistakes": self.mistakes,
                "comparison": self.comparison,
            }
        )
        return report


def evaluate(
    table: str | Path,
    truth: str | Path,
    *,
    where: str = "",
    columns: Mapping[str, str] | None = None,
    match_by: str = "auto",
    groups: Sequence[str] | None = None,
    old: str | Path | None = None,
    mistakes: int = MISTAKES,
    command: str = "huggins.evaluate.evaluate",
) -> Evaluation:
    """Measure a table of results against the truth.

    Parameters
    ----------
    table
        Output of `huggins classify`: FITS, CSV, ECSV, Parquet or JSON lines.
    truth
        Labels, in any of these formats.
    where
        Which spectra to count: an expression in columns of the truth (see
        `huggins.tables.select.select`); empty counts all.
    columns
        Columns of the truth by role, where they have other names (see
        `huggins.tables.labels.ROLES`).
    match_by
        ``path``, ``plate``, ``targetid``, ``sky`` or ``auto`` (see
        `huggins.tables.match.match`).
    groups
        Columns of the truth by which figures are given apart; by default `GROUPS`, as far as
        they are there.
    old
        A second table of results, of another model, to compare with.
    mistakes
        How many of each kind to list.
    command
        What the report records as its origin.

    Raises
    ------
    InputError
        If a file cannot be read or is not what it should be, if nothing matches or a match is
        ambiguous, or if the filter is not understood or keeps nothing.
    """
    labels = read_columns(truth)
    roles = find_roles(labels, columns)
    kept = _groups(labels, roles, groups)

    def sample_of(path: str | Path) -> tuple[Columns, Matched, Sample]:
        results = with_sdss_names(read_columns(path))
        matched = match(results, labels, roles, by=match_by)
        return results, matched, join(results, labels, roles, matched, where=where, groups=kept)

    results, matched, sample = sample_of(table)
    sample, placeholders = without_placeholders(sample)
    lonely = np.setdiff1d(np.arange(len(results)), matched.rows)
    if not (sample.classed | (sample.true_class == "SKY")).any():
        raise InputError(
            f"{truth}: none of the {len(sample)} spectra has a known class: nothing to measure"
        )
    about: dict[str, Any] = {
        "huggins": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00"),
        "command": command,
        "table": str(table),
        "model": _origin(results),
        "truth": str(truth),
        "columns": roles,
        "where": where,
        "matched_by": matched.by,
        "matched": len(matched.rows),
        "unmatched_table": matched.unmatched,
        "unmatched_truth": matched.unmatched_truth,
        "filtered_out": len(matched.rows) - len(sample),
        "doubtful_truth": _doubtful(labels, roles, sample),
        "placeholder_redshifts": sample.file[placeholders].tolist(),
        "without_truth": _rows_named(results, lonely),
        "old_table": None,
        "old_model": None,
    }
    comparison = old_sample = None
    if old is not None:
        old_results, _, old_sample = sample_of(old)
        old_sample, _ = without_placeholders(old_sample)
        about |= {"old_table": str(old), "old_model": _origin(old_results)}
        comparison = compare(sample, old_sample)
    return Evaluation(
        about=about,
        figures=figures_of(sample),
        groups={
            name: {
                value: figures_of(sample.take(values == value))
                for value in np.unique(values).tolist()
            }
            for name, values in sample.groups.items()
            if len(np.unique(values)) > 1
        },
        mistakes=worst(sample, mistakes),
        comparison=comparison,
        results=results,
        sample=sample,
        old_sample=old_sample,
    )


def worst(sample: Sample, count: int) -> tuple[Mistake, ...]:
    """Return the most confident mistakes of each kind, `count` of each at most.

    Mistakes in CLASS come by the probability of the class given, those in SUBCLASS (of a right
    CLASS) by PROB, and those in redshift (of a right CLASS, more than 3000 km/s off) first
    where ZWARNING is 0, then by PROB.
    """
    known = sample.classed
    right = known & (sample.cls == sample.true_class)
    with np.errstate(invalid="ignore"):
        dv = velocity(sample.z, sample.true_z)
        far = right & (np.abs(dv) > CATASTROPHE)
    class_wrong = known & ~right & (sample.cls != "")
    subclass_wrong = right & sample.typed & (sample.subclass != sample.true_subclass)
    passed = (sample.zwarning == 0).astype(float)
    kinds = (
        ("CLASS", class_wrong, sample.class_probability, sample.class_probability),
        ("SUBCLASS", subclass_wrong, sample.probability, sample.probability),
        ("Z", far, 2.0 * passed + sample.probability, sample.probability),
    )
    mistakes: list[Mistake] = []
    for kind, wrong, score, probability in kinds:
        rows = np.flatnonzero(wrong)
        order = np.argsort(-np.nan_to_num(score[rows], nan=-1.0), kind="stable")[:count]
        mistakes += [_mistake(sample, kind, int(i), probability[i], dv[i]) for i in rows[order]]
    return tuple(mistakes)


def plain(value: Any) -> Any:
    """Return records and arrays as plain Python values that JSON can hold.

    Floats are rounded to 7 significant digits; NaN and infinities become None.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def _mistake(sample: Sample, kind: str, i: int, probability: float, dv: float) -> Mistake:
    return Mistake(
        kind=kind,
        file=str(sample.file[i]),
        index=int(sample.index[i]),
        truth=str(sample.true_subclass[i] or sample.true_class[i]),
        true_z=float(sample.true_z[i]),
        said=str(sample.subclass[i] or sample.cls[i]),
        probability=float(probability),
        z=float(sample.z[i]),
        dv=float(dv),
        zwarning=int(sample.zwarning[i]),
        sn=float(sample.sn[i]),
        row=int(sample.row[i]),
    )


def _groups(
    labels: Columns, roles: dict[str, str], asked: Sequence[str] | None
) -> tuple[str, ...]:
    names = GROUPS if asked is None else tuple(asked)
    kept = []
    for name in names:
        column = roles.get(name, name)
        if column not in labels:
            if asked is None:
                continue
            raise InputError(
                f"--group: {labels.path} has no column {name!r}; there are "
                f"{', '.join(labels.names)}"
            )
        count = len(np.unique(labels.text(column)))
        if count <= _MOST_GROUPS:
            kept.append(name)
        elif asked is not None:
            raise InputError(
                f"--group: column {name!r} has {count} values, more than {_MOST_GROUPS}: "
                "choose one that sorts spectra into few groups"
            )
    return tuple(kept)


def _rows_named(results: Columns, rows: NDArray[np.intp]) -> list[str]:
    """Name rows of results by their file, and INDEX where a file has several of them."""
    files: list[str] = results.text("FILE")[rows].tolist()
    if "INDEX" not in results.names:
        return files
    index = np.nan_to_num(results.number("INDEX"))[rows].astype(int)
    count = Counter(files)
    return [
        f"{file}, INDEX {at}" if count[file] > 1 else file
        for file, at in zip(files, index.tolist(), strict=True)
    ]


def _doubtful(labels: Columns, roles: dict[str, str], sample: Sample) -> int | None:
    """Count the spectra whose label is not sure; None where the truth has no trust."""
    if "trust" not in roles or labels.is_text(roles["trust"]):
        return None
    trust = labels.number(roles["trust"])[sample.truth_row]
    return int((~(trust >= 2) & sample.classed).sum())


def _origin(results: Columns) -> dict[str, str | None]:
    """Return model and huggins version as the table's header records them."""
    names = {"name": "MODEL", "version": "MODELVER", "hash": "MODELSHA", "creator": "CREATOR"}
    return {key: results.metadata.get(name) for key, name in names.items()}
