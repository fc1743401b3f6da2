"""One spectrum as a figure: data, errors, lines at the redshift, class probabilities."""

from huggins.plot.figure import plot_spectrum
from huggins.plot.files import save, save_figure

__all__ = ["plot_spectrum", "save", "save_figure"]
