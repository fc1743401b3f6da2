"""Cells of text tables: `huggins.fits.values`."""

from huggins.fits.values import ROWS, as_integers, as_numbers, opened, overflow, whole

__all__ = ["ROWS", "as_integers", "as_numbers", "opened", "overflow", "whole"]
