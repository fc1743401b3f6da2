"""Results matched with their truth: the rows that every figure of merit rests on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.evaluate.metrics import broad
from huggins.inference.results import with_sdss_names
from huggins.tables import labels
from huggins.tables.columns import Columns
from huggins.tables.labels import classes_of, known_redshifts
from huggins.tables.select import select
from huggins.taxonomy import BROAD, BROAD_CLASSES, CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.tables.match import Matched

#: Roles of the truth's columns that are used.
_ROLES: Final = (
    *("path", "index", "class3", "class13", "subclass", "z", "plate", "mjd", "fiberid"),
    *("specobjid", "targetid", "ra", "dec", "sn", "survey", "label_from", "trust"),
)
#: Stars with a true redshift of exactly 0 from which these are placeholders.
PLACEHOLDERS: Final = 5
_NEEDED: Final = ("FILE", "CLASS", "SUBCLASS", "ZWARNING")
# Probabilities come rounded to single precision, and the sum of several may pass 1 by as much.
_ROUNDING: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Sample:
    """N spectra with their results and their truth.

    Attributes
    ----------
    file, index, error : ndarray, shape (N,)
        Where the spectrum is, and why it could not be classified (empty if it could).
    row, truth_row : ndarray of int, shape (N,)
        Row of the table of results and of the truth, from 0.
    cls, subclass : ndarray of str, shape (N,)
        CLASS and SUBCLASS; empty where there is none.
    class_probability, probability, quasar_probability : ndarray, shape (N,)
        Of `cls` (the sum over its subclasses), of `subclass`, and P_QSO + P_BAL; NaN where
        there is none.
    z, z_err, sn : ndarray, shape (N,)
        NaN where there is none.
    zwarning : ndarray of int, shape (N,)
    true_class, true_subclass : ndarray of str, shape (N,)
        STAR, GALAXY, QSO, SKY or empty (unknown); one of the 13 or empty.
    true_z : ndarray, shape (N,)
        NaN where it is not known.
    groups : dict of str to ndarray of str, shape (N,)
        What the report shows apart.
    """

    file: NDArray[np.str_]
    index: NDArray[np.int64]
    error: NDArray[np.str_]
    row: NDArray[np.intp]
    truth_row: NDArray[np.intp]
    cls: NDArray[np.str_]
    subclass: NDArray[np.str_]
    class_probability: NDArray[np.float64]
    probability: NDArray[np.float64]
    quasar_probability: NDArray[np.float64]
    z: NDArray[np.float64]
    z_err: NDArray[np.float64]
    sn: NDArray[np.float64]
    zwarning: NDArray[np.int64]
    true_class: NDArray[np.str_]
    true_subclass: NDArray[np.str_]
    true_z: NDArray[np.float64]
    groups: dict[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.file)

    def take(self, rows: NDArray[Any]) -> Sample:
        """Return the rows of a mask or of indices."""
        changed: dict[str, Any] = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name != "groups"
        }
        changed["groups"] = {name: values[rows] for name, values in self.groups.items()}
        return replace(self, **changed)

    @property
    def classed(self) -> NDArray[np.bool_]:
        """Where the true class is STAR, GALAXY or QSO, shape (N,)."""
        return np.isin(self.true_class, BROAD_CLASSES)

    @property
    def typed(self) -> NDArray[np.bool_]:
        """Where the true class is one of the 13, shape (N,)."""
        known: NDArray[np.bool_] = self.true_subclass != ""
        return known


def without_placeholders(sample: Sample) -> tuple[Sample, NDArray[np.bool_]]:
    """Take a redshift of exactly 0 of many stars for "not measured".

    No measured velocity is exactly 0; tables of visual inspections give it to every star.

    Returns
    -------
    Sample
        With these redshifts unknown; everything else counts as before.
    ndarray of bool, shape (N,)
        Where they were; nowhere if there are fewer than `PLACEHOLDERS`.
    """
    zero = (sample.true_class == "STAR") & (sample.true_z == 0.0)
    if np.count_nonzero(zero) < PLACEHOLDERS:
        return sample, np.zeros(len(sample), dtype=bool)
    return replace(sample, true_z=np.where(zero, np.nan, sample.true_z)), zero


def find_roles(truth: Columns, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return which column of the truth has which role (`huggins.tables.labels.find_roles`)."""
    return labels.find_roles(truth.path, truth.names, given, _ROLES)


def join(
    results: Columns,
    truth: Columns,
    roles: dict[str, str],
    matched: Matched,
    *,
    where: str = "",
    groups: Sequence[str] = (),
) -> Sample:
    """Put results and truth side by side.

    Parameters
    ----------
    results, truth
        The tables.
    roles
        From `find_roles`.
    matched
        From `huggins.tables.match.match`.
    where
        Which of the matched rows to keep: an expression (`huggins.tables.select.select`) in
        columns of the truth and, where the truth has none of that name, of the results.
    groups
        Columns of the truth (or roles) by which the report shows figures apart.

    Raises
    ------
    InputError
        If columns are missing, the expression is wrong or keeps nothing, or the truth
        contradicts itself.
    """
    results = with_sdss_names(results)
    absent = [name for name in _NEEDED if name not in results]
    if absent:
        raise InputError(
            f"{results.path}: no table of `huggins classify`: it has no {', '.join(absent)}"
        )
    rows, truth_rows = matched.rows, matched.truth_rows
    if where:
        both = {name: column[truth_rows] for name, column in truth.values.items()}
        for name, column in results.values.items():
            both.setdefault(name, column[rows])
        keep = select(where, Columns(truth.path, both))
        if not keep.any():
            raise InputError(
                f"--where: {where!r} holds for none of the {len(rows)} matched rows"
            )
        rows, truth_rows = rows[keep], truth_rows[keep]
    true_class, true_subclass = _true_classes(truth, roles)

    def result(name: str) -> NDArray[np.float64]:
        if name not in results:
            return np.full(len(rows), np.nan)
        return results.number(name)[rows]

    def known(role: str) -> NDArray[np.float64]:
        if role not in roles:
            return np.full(len(rows), np.nan)
        return truth.number(roles[role])[truth_rows]

    cls = results.text("CLASS")[rows]
    fine = np.stack([result(f"P_{name}") for name in CLASSES], axis=1)  # (N, 13)
    fine[cls == ""] = np.nan
    of_class = np.array([[BROAD[name] == b for name in CLASSES] for b in BROAD_CLASSES])
    sums = np.stack([fine[:, members].sum(axis=1) for members in of_class], axis=1)
    class_probability = np.select(
        [cls == name for name in BROAD_CLASSES], list(sums.T), default=np.nan
    )
    sn = result("SN_MEDIAN")
    named = {name: roles.get(name, name) for name in groups}
    return Sample(
        file=results.text("FILE")[rows],
        index=np.nan_to_num(result("INDEX")).astype(np.int64),
        error=results.text("ERROR")[rows]
        if "ERROR" in results
        else np.full(len(rows), "", dtype=str),
        row=rows,
        truth_row=truth_rows,
        cls=cls,
        subclass=results.text("SUBCLASS")[rows],
        class_probability=_bounded(class_probability),
        probability=_bounded(np.where(cls == "", np.nan, result("PROB"))),
        quasar_probability=_bounded(sums[:, BROAD_CLASSES.index("QSO")]),
        z=result("Z"),
        z_err=result("Z_ERR"),
        sn=np.where(np.isnan(sn), known("sn"), sn),
        zwarning=np.nan_to_num(result("ZWARNING")).astype(np.int64),
        true_class=true_class[truth_rows],
        true_subclass=true_subclass[truth_rows],
        true_z=known_redshifts(known("z")),
        groups={name: truth.text(column)[truth_rows] for name, column in named.items()},
    )


def _true_classes(
    truth: Columns, roles: dict[str, str]
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Broad class and one of the 13 for each row of the truth, each of shape (T,)."""
    none = np.full(len(truth), "")
    words = truth.text(roles["class3"]) if "class3" in roles else none
    detail = roles.get("class13", roles.get("subclass", ""))
    details = truth.text(detail) if detail else none
    broads = classes_of(words, none)[0]
    if "class3" not in roles:
        return classes_of(none, details)
    if "class13" in roles:
        fine = classes_of(details, none)[1]
    else:
        fine = classes_of(words, details)[1]
        if detail:  # a quasar without a detail may be a BAL or not, nobody says
            fine = np.where((fine == "QSO") & (details == ""), "", fine)
    wrong = np.flatnonzero((fine != "") & (broad(fine) != broads))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"{truth.path}: the classes of row {row + 1} contradict each other: "
            f"{roles['class3']} is {str(broads[row]) or 'unknown'}, the one of the 13 is "
            f"{fine[row]}; correct the label"
        )
    return broads, fine


def _bounded(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip rounding outside [0, 1]; raise InputError for anything that is no probability."""
    with np.errstate(invalid="ignore"):
        wrong = (probability < -_ROUNDING) | (probability > 1.0 + _ROUNDING)
    if wrong.any():
        raise InputError(
            f"the table holds probabilities outside 0 to 1, such as {probability[wrong][0]:g}: "
            "it was not written by `huggins classify`"
        )
    clipped: NDArray[np.float64] = probability.clip(0.0, 1.0)
    return clipped
