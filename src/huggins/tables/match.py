"""Cross-matching of results with their truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.errors import InputError
from huggins.tables.keys import rounded
from huggins.tables.sky import RADIUS, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from huggins.tables.columns import Columns

#: The ways of matching, in the order in which ``auto`` tries them.
WAYS: Final = ("path", "plate", "specobjid", "targetid", "sky")
_NEEDS: Final = {
    "path": ("path",),
    "plate": ("plate", "mjd", "fiberid"),
    "specobjid": ("specobjid",),
    "targetid": ("targetid",),
    "sky": ("ra", "dec"),
}
_THEIRS: Final = {
    "path": ("FILE",),
    "plate": ("PLATE", "MJD", "FIBERID"),
    "specobjid": ("SPECOBJID",),
    "targetid": ("TARGETID",),
    "sky": ("RA", "DEC"),
}


@dataclass(frozen=True, slots=True)
class Matched:
    """Matched rows of results and truth.

    Attributes
    ----------
    by : str
        One of `WAYS`.
    rows, truth_rows : ndarray of int, shape (M,)
        The same spectrum in the results and in the truth, in the order of the results.
    unmatched : int
        Rows of the results without truth.
    unmatched_truth : int
        Rows of the truth without a result.
    """

    by: str
    rows: NDArray[np.intp]
    truth_rows: NDArray[np.intp]
    unmatched: int
    unmatched_truth: int


def match(
    results: Columns, truth: Columns, roles: dict[str, str], *, by: str = "auto"
) -> Matched:
    """Find the truth of each row of results.

    By path: the shorter of two paths must be the end of the longer one, name by name, and the
    indices inside the file must agree (index 0 where the truth has none). By plate: PLATE, MJD
    and FIBERID. By specobjid and by targetid: SPECOBJID and TARGETID, as text. By sky: within
    1 arcsecond. Several results may share one row of truth by targetid and by sky (several
    spectra of one object).

    Parameters
    ----------
    results
        A table of `huggins classify`.
    truth
        A table of labels.
    roles
        Which column of `truth` holds what: ``path``, ``index``, ``plate``, ``mjd``,
        ``fiberid``, ``specobjid``, ``targetid``, ``ra``, ``dec``.
    by
        One of `WAYS`, or ``auto``: the first of them for which both tables have the columns
        and at least one row matches.

    Raises
    ------
    InputError
        If columns are missing, nothing matches, or a match is ambiguous: two rows of truth for
        one result or, by path and by plate, two results for one row of truth.
    """
    if by != "auto" and by not in WAYS:
        raise InputError(f"--match: {by!r} is none of auto, {', '.join(WAYS)}")
    tried = []
    for way in WAYS if by == "auto" else (by,):
        absent = [f"{truth.path} has no {name}" for name in _NEEDS[way] if name not in roles]
        absent += [
            f"{results.path} has no {name}" for name in _THEIRS[way] if name not in results
        ]
        if absent:
            tried.append(f"by {way}: {', '.join(absent)}")
            continue
        why = _spoilt(results, truth, roles, way)
        if why and by == way:
            raise InputError(why)
        if why:
            tried.append(f"by {way}: {why}")
            continue
        partners = _FINDERS[way](results, truth, roles)
        rows = np.flatnonzero(partners >= 0)
        if len(rows):
            truth_rows = partners[rows]
            used = len(np.unique(truth_rows))
            return Matched(way, rows, truth_rows, len(results) - len(rows), len(truth) - used)
        mine, theirs = (
            "-".join(table.text(name)[0] for name in names)
            for table, names in (
                (results, _THEIRS[way]),
                (truth, [roles[name] for name in _NEEDS[way]]),
            )
        )
        tried.append(f"by {way}: none of {len(results)} ({mine!r} against {theirs!r}, ...)")
    raise InputError(
        f"no row of {results.path} has its truth in {truth.path}; tried {'; '.join(tried)}. "
        "Columns of other names are given by --column ROLE=NAME"
    )


def _spoilt(results: Columns, truth: Columns, roles: dict[str, str], way: str) -> str:
    """Return why identifiers of 19 digits cannot be compared: they may have lost three."""
    if way in ("specobjid", "targetid"):
        for table, name in ((results, _THEIRS[way][0]), (truth, roles[way])):
            if why := rounded(table.text(name).tolist(), table.path, name):
                return why
    return ""


def _by_path(results: Columns, truth: Columns, roles: dict[str, str]) -> NDArray[np.intp]:
    paths = [path_parts(path) for path in truth.text(roles["path"])]
    indices = _indices(truth, roles.get("index"))
    known: dict[tuple[str, int], list[int]] = {}
    for row, (parts, index) in enumerate(zip(paths, indices, strict=True)):
        if parts:
            known.setdefault((parts[0], index), []).append(row)
    files = [path_parts(path) for path in results.text("FILE")]
    own = _indices(results, "INDEX" if "INDEX" in results else None)
    partners = np.full(len(results), -1, dtype=np.intp)
    for row, (parts, index) in enumerate(zip(files, own, strict=True)):
        rows = known.get((parts[0], index), []) if parts else []
        rows = [r for r in rows if same_end(parts, paths[r])]
        if len(rows) > 1:
            rows = [r for r in rows if paths[r] == parts] or rows
        if len(rows) > 1:
            raise _ambiguous(results, truth, [row], rows, "path", "--match plate or sky")
        if rows:
            partners[row] = rows[0]
    _once(partners, results, truth, "path")
    return partners


def _by_plate(results: Columns, truth: Columns, roles: dict[str, str]) -> NDArray[np.intp]:
    theirs = np.stack([truth.number(roles[name]) for name in _NEEDS["plate"]], axis=1)
    ours = np.stack([results.number(name) for name in _THEIRS["plate"]], axis=1)
    partners = _by_key(
        [tuple(key) if np.isfinite(key).all() else None for key in ours.tolist()],
        [tuple(key) if np.isfinite(key).all() else None for key in theirs.tolist()],
        lambda rows, truths: _ambiguous(
            results, truth, rows, truths, "PLATE-MJD-FIBERID", "--match path"
        ),
    )
    _once(partners, results, truth, "PLATE-MJD-FIBERID")
    return partners


def _by_specobjid(results: Columns, truth: Columns, roles: dict[str, str]) -> NDArray[np.intp]:
    partners = _by_key(
        _identifiers(results, "SPECOBJID"),
        _identifiers(truth, roles["specobjid"]),
        lambda rows, truths: _ambiguous(
            results, truth, rows, truths, "SPECOBJID", "--match path or plate"
        ),
    )
    _once(partners, results, truth, "SPECOBJID")
    return partners


def _by_targetid(results: Columns, truth: Columns, roles: dict[str, str]) -> NDArray[np.intp]:
    return _by_key(
        _identifiers(results, "TARGETID"),
        _identifiers(truth, roles["targetid"]),
        lambda rows, truths: _ambiguous(
            results, truth, rows, truths, "TARGETID", "--match path or sky"
        ),
    )


def _identifiers(table: Columns, name: str) -> list[Hashable]:
    """Return long numbers as text, None where there is none."""
    return [word if word.strip("0-") else None for word in table.text(name).tolist()]


def _by_sky(results: Columns, truth: Columns, roles: dict[str, str]) -> NDArray[np.intp]:
    ours = unit_vectors(results.number("RA"), results.number("DEC"))
    theirs = unit_vectors(truth.number(roles["ra"]), truth.number(roles["dec"]))
    partners = np.full(len(results), -1, dtype=np.intp)
    # Only truth within the radius in z = sin(dec) can be within it on the sky: chord <= arc.
    order = np.argsort(theirs[:, 2])
    order = order[np.isfinite(theirs[order, 2])]
    heights, limit = theirs[order, 2], np.radians(RADIUS / 3600.0)
    first = np.searchsorted(heights, ours[:, 2] - limit, side="left")
    last = np.searchsorted(heights, ours[:, 2] + limit, side="right")
    for row in np.flatnonzero((last > first) & np.isfinite(ours[:, 2])):
        near = order[first[row] : last[row]]
        chord = np.linalg.norm(theirs[near] - ours[row], axis=1)
        rows = near[chord <= 2.0 * np.sin(limit / 2.0)]
        if len(rows) > 1:
            raise _ambiguous(
                results,
                truth,
                [int(row)],
                rows.tolist(),
                "sky position",
                "keep one row of the truth for each object, or --match path",
            )
        if len(rows):
            partners[row] = rows[0]
    return partners


_FINDERS: Final[dict[str, Callable[[Columns, Columns, dict[str, str]], NDArray[np.intp]]]] = {
    "path": _by_path,
    "plate": _by_plate,
    "specobjid": _by_specobjid,
    "targetid": _by_targetid,
    "sky": _by_sky,
}


def _by_key(
    ours: list[Hashable],
    theirs: list[Hashable],
    ambiguous: Callable[[list[int], list[int]], InputError],
) -> NDArray[np.intp]:
    known: dict[Hashable, list[int]] = {}
    for row, key in enumerate(theirs):
        if key is not None:
            known.setdefault(key, []).append(row)
    partners = np.full(len(ours), -1, dtype=np.intp)
    for row, key in enumerate(ours):
        rows = known.get(key, ())
        if len(rows) > 1:
            raise ambiguous([row], list(rows))
        if rows:
            partners[row] = rows[0]
    return partners


def path_parts(path: str) -> tuple[str, ...]:
    """Return the names along a path from its end, without what says where it starts.

    >>> path_parts("../data/a/spec.fits")
    ('spec.fits', 'a', 'data')
    """
    # A FITS table holds only ASCII: there other characters stand as escapes.
    parts = PurePosixPath(path.encode("ascii", "backslashreplace").decode()).parts
    return tuple(part for part in reversed(parts) if part not in ("/", ".", "..", "//"))


def same_end(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the shorter of two paths, as `path_parts`, is the end of the longer one."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _indices(table: Columns, name: str | None) -> list[int]:
    if name is None:
        return [0] * len(table)
    return [int(value) for value in np.nan_to_num(table.number(name), nan=0.0)]


def _once(partners: NDArray[np.intp], results: Columns, truth: Columns, key: str) -> None:
    """Raise InputError where one row of truth belongs to two results."""
    rows = np.flatnonzero(partners >= 0)
    values, counts = np.unique(partners[rows], return_counts=True)
    if (counts > 1).any():
        row = int(values[counts > 1][0])
        twice = [int(r) for r in rows[partners[rows] == row]]
        raise _ambiguous(results, truth, twice, [row], key, "leave the copies out of the table")


def _ambiguous(
    results: Columns, truth: Columns, rows: list[int], truths: list[int], key: str, remedy: str
) -> InputError:
    def some(numbers: list[int]) -> str:
        shown = ", ".join(str(n + 1) for n in numbers[:5])
        return f"row{'s' if len(numbers) > 1 else ''} {shown}"

    name = results.text("FILE")[rows[0]] if "FILE" in results else ""
    return InputError(
        f"ambiguous match by {key}: {some(rows)} of {results.path} ({name}) and "
        f"{some(truths)} of {truth.path}; {remedy}"
    )
