"""Labels that may be wrong, each with the reason, a score and what it may be instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.taxonomy import BROAD, neighbours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from huggins.labels.confident import Fraction
    from huggins.labels.table import Labels

#: Why a label is suspected, the strongest reason first.
REASONS: Final = ("visual", "network", "duplicate")


@dataclass(frozen=True, slots=True)
class Suspect:
    """One reason to doubt one label.

    Attributes
    ----------
    row
        Of the table of labels, from 0.
    reason
        One of `REASONS`.
    score
        From 0 to 1: how sure it is that the label is wrong. Scores of different reasons are
        measured in different ways and only roughly comparable.
    broad, sub
        What the spectrum may be: STAR, GALAXY, QSO, and one of the 13; empty where nothing can
        be said.
    detail
        What speaks against the label, in words.
    """

    row: int
    reason: str
    score: float
    broad: str
    sub: str
    detail: str


def joined(suspects: Iterable[Suspect]) -> list[Suspect]:
    """Return one suspect a row, worst first.

    Where several reasons speak against a label, `reason` and `detail` hold all of them, the
    score is the highest and the suggestion that of the strongest reason.
    """
    by_row: dict[int, list[Suspect]] = {}
    for suspect in suspects:
        by_row.setdefault(suspect.row, []).append(suspect)
    one_a_row = []
    for row, several in by_row.items():
        several.sort(key=lambda s: REASONS.index(s.reason))
        strongest = next((s for s in several if s.broad), several[0])
        one_a_row.append(
            Suspect(
                row,
                " ".join(s.reason for s in several),
                max(s.score for s in several),
                strongest.broad,
                strongest.sub,
                "; ".join(s.detail for s in several),
            )
        )
    return sorted(one_a_row, key=lambda s: (-s.score, s.row))


def name_of(broad: str, sub: str) -> str:
    """Return a class in words.

    >>> name_of("STAR", "F"), name_of("GALAXY", "GAL"), name_of("STAR", "")
    ('STAR F', 'GALAXY', 'STAR')
    """
    return f"STAR {sub}" if broad == "STAR" and sub else sub if sub == "BAL" else broad


def disagree(
    broad: NDArray[np.str_],
    sub: NDArray[np.str_],
    other_broad: NDArray[np.str_],
    other_sub: NDArray[np.str_],
    *,
    bal_known: NDArray[np.bool_],
    other_bal_known: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return where two labels contradict one another, shape (N,).

    An unknown class or type contradicts nothing, nor does QSO contradict BAL where one of the
    two does not know about broad absorption.
    """
    known = (broad != "") & (other_broad != "")
    classes = known & (broad != other_broad)
    typed = known & (sub != "") & (other_sub != "") & (sub != other_sub)
    quasars = (broad == "QSO") & ~(bal_known & other_bal_known)
    contradict: NDArray[np.bool_] = classes | (typed & ~quasars)
    return contradict


def network_suspects(
    labels: Labels, rows: NDArray[np.intp], probabilities: NDArray[np.float64]
) -> tuple[list[Suspect], Fraction]:
    """Return labels that a network doubts, and the estimated fraction of wrong ones.

    Parameters
    ----------
    labels
    rows : ndarray of int, shape (M,)
        Rows of the labels that there are probabilities for; those without one of the 13
        classes are left out.
    probabilities : ndarray, shape (M, 13)
        Of the classes in the order of `huggins.taxonomy.CLASSES`, from a network that did not
        learn these labels.
    """
    from huggins.labels.confident import Fraction, confident_joint, doubted, fraction_wrong
    from huggins.taxonomy import CLASSES, INDEX

    good = (labels.sub[rows] != "") & np.isfinite(probabilities).all(axis=1)
    rows, probabilities = rows[good], np.array(probabilities[good], np.float64)
    if not len(rows):
        return [], Fraction(0.0, 0.0, 1.0)
    # A quasar that nobody searched for broad absorption is rightly QSO if it is a BAL.
    either = ~labels.bal_known[rows]
    quasar, bal = INDEX["QSO"], INDEX["BAL"]
    probabilities[either, quasar] += probabilities[either, bal]
    probabilities[either, bal] = 0.0
    given = np.array([INDEX[str(name)] for name in labels.sub[rows]])
    found = confident_joint(given, probabilities)
    suspects = []
    for at, suggested, score in zip(
        *(a.tolist() for a in doubted(given, probabilities, found)), strict=True
    ):
        name = CLASSES[suggested]
        mine = probabilities[at, given[at]]
        suspects.append(
            Suspect(
                int(rows[at]),
                "network",
                float(score),
                BROAD[name],
                name,
                f"P({name}) = {probabilities[at, suggested]:.3f}, "
                f"P({CLASSES[given[at]]}) = {mine:.3f}",
            )
        )
    return suspects, fraction_wrong(given, probabilities)


def duplicate_suspects(labels: Labels, objects: NDArray[np.int64]) -> list[Suspect]:
    """Return labels that other spectra of the same object contradict.

    The spectra of an object vote, with weights 8, 2, 1 and 1/4 for trust 3, 2, 1 and 0; labels
    of less weight than another are suspected with the fraction of the weight that contradicts
    them, half of it where the types are neighbours (an F9 star may as well be called G0), and
    where no label outweighs all others every one of them is suspected and nothing suggested.

    Parameters
    ----------
    labels
    objects : ndarray of int, shape (N,)
        The same number for the same object; -1 where it is not known.
    """
    weights = np.array([0.25, 1.0, 2.0, 8.0])[labels.trust.clip(0, 3)]
    rows = np.flatnonzero((objects >= 0) & (labels.broad != ""))
    rows = rows[np.argsort(objects[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(objects[rows], prepend=-2))
    suspects: list[Suspect] = []
    for start, end in zip(starts, np.append(starts[1:], len(rows)), strict=True):
        members = rows[start:end]
        if len(members) < 2 or _all_alike(labels, members):
            continue
        suspects.extend(_votes(labels, members, weights))
    return suspects


def _all_alike(labels: Labels, members: NDArray[np.intp]) -> bool:
    broad, sub = labels.broad[members], labels.sub[members]
    return bool((broad == broad[0]).all() and (sub == sub[0]).all())


def _votes(
    labels: Labels, members: NDArray[np.intp], weights: NDArray[np.float64]
) -> list[Suspect]:
    votes: dict[tuple[str, str], float] = {}
    for row in members.tolist():
        label = (str(labels.broad[row]), str(labels.sub[row]))
        votes[label] = votes.get(label, 0.0) + float(weights[row])
    suspects = []
    for row in members.tolist():
        mine = (str(labels.broad[row]), str(labels.sub[row]))
        against = {
            label: weight
            for label, weight in votes.items()
            if disagree(
                *np.array((*mine, *label)),
                bal_known=labels.bal_known[row],
                other_bal_known=np.array(True),
            )
        }
        if not against:
            continue
        best, heaviest = max(against.items(), key=lambda item: item[1])
        if heaviest < votes[mine]:
            continue
        total = sum(against.values())
        score = total / (total + votes[mine])
        if best[0] == mine[0] and neighbours(best[1], mine[1]):
            score /= 2.0
        rivals = [label for label, weight in against.items() if weight == heaviest]
        tie = heaviest == votes[mine] or len(rivals) > 1
        said = ", ".join(f"{name_of(*label)} ({weight:g})" for label, weight in votes.items())
        suggestion = ("", "") if tie else best
        suspects.append(
            Suspect(row, "duplicate", score, *suggestion, f"spectra of the object say {said}")
        )
    return suspects
