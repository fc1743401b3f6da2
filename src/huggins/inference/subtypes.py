"""SPTYPE and SPTYPE_ERR of the stars in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from huggins.prepare import STANDARD
from huggins.sptype import TYPED, types_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.inference.table import Rows
    from huggins.prepare import InputContract
    from huggins.spectrum import Spectrum

    Array = NDArray[np.float64]


def fill_types(
    rows: Rows,
    at: NDArray[np.int64],
    spectra: Sequence[Spectrum],
    flux: Array,
    ivar: Array,
    contract: InputContract,
) -> None:
    """Write the subtypes of M spectra into rows `at`, once their SUBCLASS is known.

    Parameters
    ----------
    rows, at
        With SUBCLASS and Z.
    spectra
        M spectra.
    flux, ivar : ndarray, shape (M, G)
        The same as prepared for the network.
    contract
        What they were prepared by; another grid than the standard one is made anew.
    """
    names = [rows.texts["SUBCLASS"][i] for i in at.tolist()]
    stars = [n for n, name in enumerate(names) if name in TYPED]
    if not stars:
        return
    if contract.grid == STANDARD.grid:
        flux, ivar = flux[stars], ivar[stars]
    else:
        flux, ivar = STANDARD.rebin([spectra[n] for n in stars])
    mine = at[stars]
    z = rows.numbers["Z"][mine].astype(np.float64)
    types, errors = types_of(
        [names[n] for n in stars], 10.0**STANDARD.grid.loglam, flux, ivar, z
    )
    rows.numbers["SPTYPE_ERR"][mine] = errors
    for i, text in zip(mine.tolist(), types, strict=True):
        rows.texts["SPTYPE"][i] = text
