"""The page on which people look at classified spectra, and correct them."""

from huggins.view.open import view

__all__ = ["view"]
