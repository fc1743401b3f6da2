"""A spectrum whose class is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggins.spectrum import Spectrum


@dataclass(frozen=True, slots=True)
class Example:
    """A spectrum to be classified, and what it is.

    Attributes
    ----------
    cls
        One of the 13 classes.
    z
        Its redshift; None where nothing better than "a star, near 0" is known.
    spectrum
        The spectrum.
    """

    cls: str
    z: float | None
    spectrum: Spectrum
