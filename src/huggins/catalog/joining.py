"""One row per spectrum from several tables; contradictions between labels are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog.targets import BY_NAME, NO_TARGETID, Targets, blank, dtype_of
from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

#: Redshifts differ if they are further apart than this, in (1 + z): 3000 km/s.
DIFFERENT_Z: Final = 0.01
# Properties of a spectrum that any table may provide, whichever label is taken.
_SHARED: Final = (
    "RUN2D", "SPECOBJID", "THING_ID", "RA", "DEC", "ZWARNING", "SN_MEDIAN",
    "HEALPIX", "PROGRAM",
)  # fmt: skip
_RECORDED: Final = (
    "CONFLICT", "OTHER_CATALOG", "OTHER_CLASS", "OTHER_SUBCLASS", "OTHER_Z", "LABEL_FROM",
)  # fmt: skip
_TYPED: Final = "visual, type by pipeline"


def merge(targets: Targets, source: Array, paths: Sequence[str], *, first: bool) -> Targets:
    """Return one row per spectrum.

    Spectra are identified by PLATE-MJD-FIBERID, or by TARGETID, field, MJD, programme and pixel
    if they have none. The label of highest TRUST is taken, a visual one before a pipeline's, an
    earlier table before a later one. A star without a type (visual inspection rarely gives one)
    takes it from another table, at the lower trust of the two. Missing positions, reductions
    and signal-to-noise are filled in from the other tables.

    Parameters
    ----------
    targets
        Rows of all tables, in the order of the tables.
    source : ndarray of int, shape (N,)
        Index of the table of each row.
    paths
        Of the tables, for messages.
    first
        Whether to take the first of rows that repeat a spectrum of the same table.

    Raises
    ------
    InputError
        If a table repeats a spectrum and `first` is not set.
    """
    keys = _keys(targets)
    visual = targets.get("LABEL_FROM") == targets.words.code("visual")
    order = np.lexsort((source, ~visual, -targets.get("TRUST"), *keys))
    changes = np.zeros(len(targets), bool)
    changes[:1] = True
    for key in keys:
        sorted_key = key[order]
        changes[1:] |= sorted_key[1:] != sorted_key[:-1]
    starts = np.flatnonzero(changes)
    sizes = np.diff(np.append(starts, len(targets)))
    if not first:
        _check_repeated(targets, source, paths, order, np.cumsum(changes) - 1)
    winners = order[starts]
    rank = np.argsort(winners, kind="stable")  # back to the order of the tables
    starts, sizes, winners = starts[rank], sizes[rank], winners[rank]
    alone = len(winners) == len(targets)  # nothing to join: nothing to copy
    merged = targets if alone else targets.take(winners)
    merged.columns["CATALOGS"] = _catalogs(targets, order, starts, sizes)
    for step in range(1, int(sizes.max(initial=1))):
        into = np.flatnonzero(sizes > step)
        _compare(merged, into, targets, order[starts[into] + step])
    return merged


def _keys(targets: Targets) -> list[Array]:
    """Return arrays that are all equal in two rows only if these are the same spectrum."""
    key = targets.keys()
    targetid = targets.get("TARGETID")
    by_target = (key < 0) & (targetid != NO_TARGETID)
    alone = (key < 0) & ~by_target
    key = np.where(alone, -2 - np.arange(len(key)), key)
    keys = [key]
    if by_target.any():
        keys.append(np.where(by_target, targetid, 0))
        keys += [
            np.where(by_target, targets.get(name), 0)
            for name in ("PLATE", "MJD", "HEALPIX", "PROGRAM")
            if name in targets.columns
        ]
    return keys


def _check_repeated(
    targets: Targets, source: Array, paths: Sequence[str], order: Array, group: Array
) -> None:
    """Raise an error if a table repeats a spectrum of the same reduction."""
    run2d = targets.get("RUN2D")
    by = np.lexsort((run2d[order], source[order], group))
    rows, group = order[by], group[by]
    twice = (
        (group[1:] == group[:-1])
        & (source[rows][1:] == source[rows][:-1])
        & (run2d[rows][1:] == run2d[rows][:-1])
    )
    if not twice.any():
        return
    at = np.flatnonzero(twice)
    begins = np.searchsorted(source, source[rows[at[0]]])
    examples = []
    for i in at[:3]:
        pair = sorted(int(row - begins) + 1 for row in rows[i : i + 2])
        examples.append(f"{_name(targets, int(rows[i]))} in rows {pair[0]} and {pair[1]}")
    raise InputError(
        f"{paths[source[rows[at[0]]]]}: {len(at)} rows repeat a spectrum of the same table: "
        f"{'; '.join(examples)}; --duplicates first takes the first (or most trusted) of each"
    )


def _name(targets: Targets, row: int) -> str:
    if targets.get("FIBERID")[row] >= 0:
        return "-".join(str(targets.get(name)[row]) for name in ("PLATE", "MJD", "FIBERID"))
    return f"TARGETID {targets.get('TARGETID')[row]}"


def _catalogs(targets: Targets, order: Array, starts: Array, sizes: Array) -> Array:
    """Return the words that list the tables of each spectrum."""
    catalog = targets.get("CATALOG")[order]
    different = list(dict.fromkeys(targets.get("CATALOG").tolist()))
    if len(different) > 60:
        raise InputError("more than 60 kinds of tables at once: join them in steps")
    bits = np.zeros(len(order), np.int64)
    for bit, code in enumerate(different):
        bits[catalog == code] = 1 << bit
    ends = np.sort(starts)
    joined = np.bitwise_or.reduceat(bits, ends)[np.searchsorted(ends, starts)]
    masks, of = np.unique(joined, return_inverse=True)
    names = [targets.words.word(code) for code in different]
    texts = [
        " ".join(name for bit, name in enumerate(names) if mask >> bit & 1)
        for mask in masks.tolist()
    ]
    return targets.words.codes(texts)[of]


def _compare(merged: Targets, into: Array, targets: Targets, others: Array) -> None:
    """Fill rows `into` of the result from rows `others` of the tables, and compare labels."""
    for name in _SHARED:
        if name in targets.columns:
            _fill(merged.columns, name, into, targets.columns[name][others])
    words = merged.words
    pair = {
        name: (merged.get(name)[into], targets.get(name)[others])
        for name in ("CLASS", "SUBCLASS", "Z", "TRUST", "CATALOG")
    }
    mine, theirs = pair["CLASS"]
    class_differs = (mine != theirs) & (mine != 0) & (theirs != 0)
    own, their = pair["SUBCLASS"]
    type_differs = ~class_differs & (own != their) & (own != 0) & (their != 0)
    z, other_z = pair["Z"]
    with np.errstate(invalid="ignore"):
        z_differs = np.abs(z - other_z) > DIFFERENT_Z * (1.0 + z)
    differences = class_differs * 1 + type_differs * 2 + z_differs * 4
    names = ["class", "subclass", "z"]
    code_of = words.codes(
        " ".join(n for bit, n in enumerate(names) if bits >> bit & 1) for bits in range(8)
    )
    columns = merged.columns
    for name in _RECORDED:
        if name not in columns:
            columns[name] = np.full(len(merged), blank(name), dtype_of(BY_NAME[name]))
    # The first that disagrees is the most trusted one that does.
    new = (differences > 0) & (columns["CONFLICT"][into] == 0)
    rows = into[new]
    columns["CONFLICT"][rows] = code_of[differences[new]]
    columns["OTHER_CATALOG"][rows] = pair["CATALOG"][1][new]
    columns["OTHER_CLASS"][rows] = theirs[new]
    columns["OTHER_SUBCLASS"][rows] = their[new]
    columns["OTHER_Z"][rows] = other_z[new]

    star = words.code("STAR")
    typed = (mine == star) & (theirs == star) & (own == 0) & (their != 0)
    rows = into[typed]
    columns["SUBCLASS"][rows] = their[typed]
    by_eye = columns["LABEL_FROM"][rows] == words.code("visual")
    columns["LABEL_FROM"][rows[by_eye]] = words.code(_TYPED)
    columns["TRUST"][rows] = np.minimum(*pair["TRUST"])[typed]


def _fill(columns: dict[str, Array], name: str, into: Array, values: Array) -> None:
    mine = columns[name][into]
    if mine.dtype.kind == "f":
        empty = ~np.isfinite(mine)
    elif mine.dtype.kind == "S":
        empty = mine == b""
    else:
        empty = mine == (0 if name == "SPECOBJID" else blank(name))
    columns[name][into[empty]] = values[empty]
