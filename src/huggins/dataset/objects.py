"""Which spectra are of one object, and which part of the data an object goes to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from huggins.tables.keys import object_names, object_numbers, spectrum_keys
from huggins.tables.sky import same_object

if TYPE_CHECKING:
    from numpy.typing import NDArray


def objects_of(
    own: NDArray[np.bytes_],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    plate: NDArray[np.int32],
    mjd: NDArray[np.int32],
    fibre: NDArray[np.int32],
) -> NDArray[np.bytes_]:
    """Return the object of each spectrum: as the table of targets has it, else by position.

    Spectra within 1 arcsec of one another are of one object, also where only one of them has
    its object from the table. Zeros are no position: surveys write them where they have none.
    """
    count = len(own)
    nowhere = (ra == 0) & (dec == 0)
    ra, dec = (np.where(nowhere, np.nan, values) for values in (ra, dec))
    words, same = np.unique(own, return_inverse=True)
    root = same_object(ra, dec, same, own != b"")
    # The name of an object is the first that any of its spectra has, in the order of words.
    named = np.where(own == b"", len(words), same)
    best = np.full(count, len(words))
    np.minimum.at(best, root, named)
    best = best[root]
    made = object_names(
        object_numbers(root, np.zeros(count, np.int64), ra, dec, _keys(plate, mjd, fibre))
    ).astype(np.bytes_)
    words = np.append(words, b"")
    return np.where(best < len(words) - 1, words[best], made)


def split_of(objects: NDArray[np.bytes_], validation: float, test: float) -> NDArray[np.int8]:
    """Return the part that each object goes to, which depends on its name alone."""
    names, inverse = np.unique(objects, return_inverse=True)
    place = np.array(
        [
            int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") / 2.0**64
            for name in names.tolist()
        ]
    )
    part = np.zeros(len(names), np.int8)
    part[place >= 1 - validation - test] = 1
    part[place >= 1 - test] = 2
    return part[inverse]


def _keys(
    plate: NDArray[np.int32], mjd: NDArray[np.int32], fibre: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return one number for each spectrum, -1 where there is none, or none that can be.

    A table of targets with impossible numbers is refused; one odd file must not end a run.
    """
    possible = (plate < 1 << 20) & (mjd < 1 << 18) & (fibre < 1 << 14)
    return spectrum_keys(*(np.where(possible, n, -1) for n in (plate, mjd, fibre)))
