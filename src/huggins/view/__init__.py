"""The page on which people look at classified spectra, and correct them.

The package itself can be called: ``huggins.view(table)`` is `huggins.view.open.view`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from huggins.view.open import Page, view

__all__ = ["Page", "view"]


class _Callable(ModuleType):
    """The package as a call, whose name it has as an attribute of `huggins`."""

    def __call__(self, source: Any, **options: Any) -> Page:
        return view(source, **options)


sys.modules[__name__].__class__ = _Callable
