"""huggins classifies optical spectra and measures their redshifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggins.formats import read
    from huggins.inference import classify, load_model
    from huggins.spectrum import Spectrum

__version__ = "0.1.0"
__all__ = ["Spectrum", "__version__", "classify", "load_model", "read"]

_HOME = {
    "Spectrum": "huggins.spectrum",
    "classify": "huggins.inference",
    "load_model": "huggins.inference",
    "read": "huggins.formats",
}

#: Subpackages and modules that are there after ``import huggins`` alone.
_FOLDERS = (
    "evaluate", "formats", "inference", "lines", "plot", "prepare", "quality", "redshift",
    "simulate", "taxonomy", "view", "weights",
)  # fmt: skip


def __getattr__(name: str) -> object:
    # Imported on first use, so that `import huggins` and `huggins --help` stay instant.
    if name in _HOME:
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _FOLDERS:
        from importlib import import_module

        return import_module(f"huggins.{name}")
    raise AttributeError(f"module 'huggins' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
