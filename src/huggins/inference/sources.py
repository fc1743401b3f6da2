"""Spectra of whatever names or holds them: a path, arrays, a row of a table of results."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from huggins.errors import InputError, ReadError
from huggins.formats import from_object, is_arrays, open_bytes, read
from huggins.spectrum import Spectrum


def spectra_in(source: Any) -> list[Spectrum]:
    """Return the spectra of one source, or of a list of them.

    Parameters
    ----------
    source
        A `Spectrum`, a path as `huggins.read` takes it, a row of the table that
        `huggins.classify` returns (of astropy, pandas or a mapping: its FILE and INDEX), any
        object that `huggins.classify` takes, or a list of these.

    Raises
    ------
    ReadError
        If one of them cannot be read.
    TypeError
        If an object is none of these.
    """
    if isinstance(source, Spectrum):
        source.check()
        return [source]
    if isinstance(source, str | os.PathLike):
        return read(source)
    if is_row(source):
        return [_of_row(source)]
    many = isinstance(source, list | tuple) and not is_arrays(source)
    if many and not hasattr(source, "writeto"):  # an HDUList is a list, too
        return [spectrum for element in source for spectrum in spectra_in(element)]
    found = []
    for item in from_object(source, read=open_bytes):
        if isinstance(item, ReadError):
            raise item
        found.append(item)
    return found


def spectrum_in(source: Any) -> Spectrum:
    """Return the one spectrum of a source, as for `spectra_in`.

    Raises
    ------
    InputError
        If there are several.
    """
    spectra = spectra_in(source)
    if len(spectra) != 1:
        raise InputError(
            f"{len(spectra)} spectra where one is wanted: give one of huggins.read(...), or "
            "FILE[TARGETID]"
        )
    return spectra[0]


def is_row(source: Any) -> bool:
    """Whether this is one row of a table of results, with a FILE."""
    if isinstance(source, np.void):
        return "FILE" in (source.dtype.names or ())
    names = getattr(source, "colnames", None) or getattr(source, "index", None)
    names = source if isinstance(source, dict) else names
    try:
        return names is not None and "FILE" in names and np.ndim(source["FILE"]) == 0
    except (TypeError, KeyError, IndexError):
        return False


def _of_row(row: Any) -> Spectrum:
    """Read the spectrum that a row of a table of results is about."""
    try:
        index = int(row["INDEX"])
    except (KeyError, ValueError, IndexError):
        index = 0
    path = row["FILE"]
    path = path.decode() if isinstance(path, bytes) else str(path)
    if not path:
        raise InputError(
            "this row names no FILE: its spectrum came from memory; pass the spectrum itself"
        )
    return read(path, index=index)[0]
