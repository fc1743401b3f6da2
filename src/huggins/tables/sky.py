"""Positions on the sky: pairs within a radius, and groups of them.

Positions become unit vectors, so that neither the poles nor the seam of right ascension are
special. Space is cut into cells much larger than the radius; every position goes into its own
cell, and one within the radius of a wall also into the cell behind it. Two positions within the
radius of one another then share a cell, one sort brings cells together, and only inside a cell
are distances worked out.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Indices = NDArray[np.intp]

#: Radius in arcseconds: an SDSS fibre is 2 to 3 arcseconds wide.
RADIUS: Final = 1.0
# Cells are this many radii wide: few positions lie near a wall, few share a cell.
_WIDTH: Final = 64
# A cell with more positions than this is searched for repeated ones first.
_CROWD: Final = 64
#: Largest radius: beyond it the chord no longer stands for the arc in the choice of cells.
_LARGEST: Final = 3600.0


def unit_vectors(ra: Array, dec: Array) -> NDArray[np.float64]:
    """Return unit vectors of positions in degrees, shape (N, 3)."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)


def close_pairs(ra: Array, dec: Array, radius: float = RADIUS) -> tuple[Indices, Indices]:
    """Return pairs of rows whose positions lie within a radius of one another.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        In degrees; rows with a position that is not finite are in no pair.
    radius
        In arcseconds, the radius itself included.

    Returns
    -------
    first, second : ndarray of int, shape (M,)
        Rows of each pair. Of positions that are repeated exactly many times only as many pairs
        are given as it takes to connect them all; a pair may come twice.

    Raises
    ------
    InputError
        If the radius is not between 0 and 1 degree.
    """
    if not 0.0 < radius <= _LARGEST:
        raise InputError(f"a radius lies between 0 and {_LARGEST:g} arcseconds, not {radius:g}")
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    vectors = unit_vectors(ra[placed], dec[placed])
    reach = np.radians(radius / 3600.0)
    chord = 2.0 * np.sin(reach / 2.0)
    cells, rows = _cells(vectors, reach)
    order = np.argsort(cells, kind="stable")
    cells, rows = cells[order], rows[order]
    keep, first, second = _repeated(cells, rows, ra[placed], dec[placed])
    cells, rows = cells[keep], rows[keep]
    pairs = [(first, second)]
    limit = (chord * (1.0 + 1e-9)) ** 2
    step = 1
    at = np.flatnonzero(cells[1:] == cells[:-1])
    while len(at):
        a, b = rows[at], rows[at + step]
        apart = vectors[a] - vectors[b]
        near = np.einsum("ij,ij->i", apart, apart) <= limit
        pairs.append((a[near], b[near]))
        step += 1
        at = at[at + step < len(cells)]
        at = at[cells[at + step] == cells[at]]
    firsts, seconds = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return placed[firsts], placed[seconds]


def nearest(
    ra: Array, dec: Array, ra_of: Array, dec_of: Array, radius: float = RADIUS
) -> Indices:
    """Return for each position the nearest of others within a radius, shape (N,); -1 for none.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        In degrees.
    ra_of, dec_of : ndarray, shape (M,)
        The others.
    radius
        In arcseconds.
    """
    count = len(ra)
    both = np.concatenate([ra, ra_of]), np.concatenate([dec, dec_of])
    # Exactly repeated positions are given as chains, so ask of each position once.
    unique, inverse = np.unique(np.stack(both, axis=1), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    a, b = close_pairs(unique[:, 0], unique[:, 1], radius)
    itself = np.arange(len(unique))
    a, b = np.concatenate([a, b, itself]), np.concatenate([b, a, itself])
    holder = np.full(len(unique), -1, np.intp)
    holder[inverse[count:][::-1]] = np.arange(len(ra_of))[::-1]
    a, b = a[holder[b] >= 0], b[holder[b] >= 0]
    vectors = unit_vectors(unique[:, 0], unique[:, 1])
    apart = np.linalg.norm(vectors[a] - vectors[b], axis=1)
    order = np.lexsort((holder[b], apart))[::-1]  # the nearest is written last and stays
    best = np.full(len(unique), -1, np.intp)
    best[a[order]] = holder[b[order]]
    return best[inverse[:count]]


def equal_pairs(values: Array, known: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Return pairs of rows that connect all known rows of the same value."""
    rows = np.flatnonzero(known)
    order = rows[np.argsort(values[rows], kind="stable")]
    same = values[order][1:] == values[order][:-1]
    return order[:-1][same], order[1:][same]


def connected(count: int, first: Indices, second: Indices) -> Indices:
    """Return for each of `count` rows the smallest row that pairs connect it with."""
    root = np.arange(count)
    while len(first):
        a, b = root[first], root[second]
        low, high = np.minimum(a, b), np.maximum(a, b)
        apart = low != high
        first, second = first[apart], second[apart]
        np.minimum.at(root, high[apart], low[apart])
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above
    return root


def same_object(
    ra: Array,
    dec: Array,
    identity: Array,
    known: NDArray[np.bool_],
    radius: float = RADIUS,
    *,
    source: Array | None = None,
) -> Indices:
    """Return for each row the first row of the same object, shape (N,).

    Rows of one identity are one object, and so are rows within the radius of one another.
    Neighbours of neighbours belong together.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        In degrees; not finite where there is no position.
    identity : ndarray, shape (N,)
        Equal in rows of one object.
    known : ndarray of bool, shape (N,)
        Where the identity is known.
    radius
        In arcseconds.
    source : ndarray, shape (N,), optional
        Table that the identity is from: neighbours of one source with different identities are
        two objects.
    """
    first, second = close_pairs(ra, dec, radius)
    if source is not None:
        apart = known[first] & known[second] & (source[first] == source[second])
        first, second = first[~apart], second[~apart]
    equal, other = equal_pairs(identity, known)
    return connected(len(ra), np.concatenate([first, equal]), np.concatenate([second, other]))


def _cells(vectors: NDArray[np.float64], reach: float) -> tuple[NDArray[np.int64], Indices]:
    """Return every cell that a position lies in or within `reach` of, and the position."""
    width = _WIDTH * reach
    side = int(2.0 / width) + 3
    low = np.floor((vectors + 1.0 - reach) / width).astype(np.int64) + 1
    high = np.floor((vectors + 1.0 + reach) / width).astype(np.int64) + 1
    cells, rows = [], []
    for up in product((False, True), repeat=3):
        inside = np.all((low != high)[:, up], axis=1) if any(up) else slice(None)
        chosen = np.where(up, high[inside], low[inside])
        cells.append((chosen[:, 0] * side + chosen[:, 1]) * side + chosen[:, 2])
        rows.append(np.arange(len(vectors))[inside])
    return np.concatenate(cells), np.concatenate(rows)


def _repeated(
    cells: Array, rows: Indices, ra: Array, dec: Array
) -> tuple[NDArray[np.bool_], Indices, Indices]:
    """Take positions that are repeated exactly out of crowded cells, as chains of pairs.

    A thousand spectra of one star would make half a million pairs, a column of zeros where
    positions are missing a million times as many.
    """
    keep = np.ones(len(cells), bool)
    none = np.zeros(0, np.intp)
    starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
    lengths = np.diff(np.append(starts, len(cells)))
    crowded = np.repeat(lengths > _CROWD, lengths)
    at = np.flatnonzero(crowded)
    if not len(at):
        return keep, none, none
    of = rows[at]
    order = np.lexsort((dec[of], ra[of], cells[at]))
    at, of = at[order], of[order]
    same = (
        (cells[at][1:] == cells[at][:-1])
        & (ra[of][1:] == ra[of][:-1])
        & (dec[of][1:] == dec[of][:-1])
    )
    keep[at[1:][same]] = False
    return keep, of[:-1][same], of[1:][same]
