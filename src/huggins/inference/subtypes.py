"""The subtypes of the stars in a batch, and the letters that follow from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from huggins.prepare import STANDARD
from huggins.sptype import DWARF, MOST, features, lettered, load, run, types_of
from huggins.sptype.dwarfs import subtypes as dwarfs_of
from huggins.taxonomy import INDEX, SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from huggins.inference.network import Model, Prediction
    from huggins.inference.table import Rows
    from huggins.prepare import InputContract
    from huggins.spectrum import Spectrum
    from huggins.sptype.network import Layers

    Array = NDArray[np.float64]

# Probability of all letters below which they stay as they are: the fit hardly heeds them then
# (`huggins.redshift.fit`), and galaxies and quasars cost nothing.
_LEAST: Final = 0.01
_LETTERS: Final = [INDEX[name] for name in SEQUENCE]


class Subtypes:
    """What the network of the subtypes says of M spectra, read where it is needed.

    Parameters
    ----------
    spectra
        M spectra.
    flux, ivar : ndarray, shape (M, G)
        The same as prepared for the network of the classes.
    contract
        What they were prepared by; another grid than the standard one is made anew.
    layers
        Of the network; the shipped one by default.
    """

    def __init__(
        self,
        spectra: Sequence[Spectrum],
        flux: Array,
        ivar: Array,
        contract: InputContract,
        layers: Layers | None = None,
    ) -> None:
        self._layers = layers
        self._spectra, self._flux, self._ivar = spectra, flux, ivar
        self._ready = contract.grid == STANDARD.grid
        self._read = np.zeros(len(spectra), bool)
        self._found = np.empty((len(spectra), 0))

    def pixels(self, which: NDArray[np.integer]) -> tuple[Array, Array]:
        """Return flux and ivar of some of the spectra on the standard grid."""
        if self._ready:
            return self._flux[which], self._ivar[which]
        return STANDARD.rebin([self._spectra[n] for n in which.tolist()])

    def of(self, which: NDArray[np.integer]) -> Array:
        """Return the probabilities of the subtypes of some of the spectra, (n, 80)."""
        new = which[~self._read[which]]
        if len(new):
            layers = load()[0] if self._layers is None else self._layers
            found = run(layers, features(*self.pixels(new)))
            if not self._found.shape[1]:
                self._found = np.zeros((len(self._read), found.shape[1]))
            self._found[new], self._read[new] = found, True
        probabilities: Array = self._found[which]
        return probabilities


def with_letters(prediction: Prediction, subtypes: Subtypes) -> Prediction:
    """Return the prediction with probabilities of the letters to which both networks add."""
    probabilities = prediction.probabilities
    stars = np.flatnonzero(probabilities[:, _LETTERS].sum(axis=1) > _LEAST)
    if not len(stars):
        return prediction
    probabilities = probabilities.copy()
    probabilities[stars] = lettered(probabilities[stars], subtypes.of(stars), load()[1])
    return replace(prediction, probabilities=probabilities)


def predicted(
    model: Model, spectra: Sequence[Spectrum], layers: Layers | None = None
) -> Prediction:
    """Return what both networks say of M spectra; `layers` as in `Subtypes`."""
    contract = model.metadata.contract
    flux, ivar = contract.rebin(spectra)
    prediction = model.run(contract.tensor(flux, ivar))
    return with_letters(prediction, Subtypes(spectra, flux, ivar, contract, layers))


def fill_types(
    rows: Rows, at: NDArray[np.int64], subtypes: Subtypes, probabilities: Array
) -> None:
    """Write SPTYPE and SPTYPE_ERR of M spectra into rows `at`, once their SUBCLASS is known.

    Parameters
    ----------
    rows, at
        With SUBCLASS and Z.
    subtypes
        Of the M spectra.
    probabilities : ndarray, shape (M, 13)
        Of the classes, as in the table.
    """
    names = [rows.texts["SUBCLASS"][i] for i in at.tolist()]
    stars = np.array([n for n, name in enumerate(names) if name in SEQUENCE], np.int64)
    if len(stars):
        letters = np.array([SEQUENCE.index(names[n]) for n in stars.tolist()])
        tenths, errors = types_of(probabilities[stars], subtypes.of(stars), letters, load()[1])
        kept = np.flatnonzero(errors <= MOST)
        mine = at[stars[kept]]
        rows.numbers["SPTYPE_ERR"][mine] = errors[kept]
        column = rows.texts["SPTYPE"]
        known = zip(mine.tolist(), letters[kept].tolist(), tenths[kept].tolist(), strict=True)
        for i, letter, tenth in known:
            column[i] = f"{SEQUENCE[letter]}{tenth}"
    dwarfs = np.array([n for n, name in enumerate(names) if name == DWARF], np.int64)
    if len(dwarfs):
        z = rows.numbers["Z"][at[dwarfs]].astype(np.float64)
        flux, ivar = subtypes.pixels(dwarfs)
        found = dwarfs_of(10.0**STANDARD.grid.loglam, flux, ivar, z)
        for n, name in zip(dwarfs.tolist(), found, strict=True):
            rows.texts["SPTYPE"][at[n]] = name
