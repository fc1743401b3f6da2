"""FITS: the one parser of headers, tables and images, with astropy behind it.

`Fits` gives the HDUs of a file of spectra; `table.FitsTable` streams a table of any size.
Layout of the format: FITS Standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from huggins.fits.file import Fits
from huggins.fits.source import Source

__all__ = ["Fits", "Source"]
