"""One spectrum as a figure: data, errors, lines at the redshift, class probabilities."""

from huggins.plot.figure import plot_spectrum
from huggins.plot.files import save

__all__ = ["plot_spectrum", "save"]
