"""Redshifts by fitting rest-frame spectra on native pixels."""

from huggins.redshift.basis import Basis, load_basis
from huggins.redshift.case import MEMBERSHIP
from huggins.redshift.fit import Fitter
from huggins.redshift.result import Fit
from huggins.redshift.search import SearchSettings

__all__ = ["MEMBERSHIP", "Basis", "Fit", "Fitter", "SearchSettings", "load_basis"]
