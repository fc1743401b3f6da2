"""Redshifts by fitting rest-frame spectra on native pixels."""

from huggins.redshift.basis import Basis, load_basis
from huggins.redshift.fit import Fit, Fitter
from huggins.redshift.search import KINDS, Settings

__all__ = ["KINDS", "Basis", "Fit", "Fitter", "Settings", "load_basis"]
