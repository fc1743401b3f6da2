"""Spectra of NOIRLab's SPARCL by their identifier: ``sparcl:SPARCL_ID``.

The package ``sparclclient`` fetches them; https://sparclclient.readthedocs.io describes the
fields of its records. Nothing else in huggins connects to SPARCL.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import MissingExtraError, ReadError
from huggins.formats.identity import (
    fibre_bits,
    identifier,
    pipeline_result,
    position,
    whole,
)
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "sparcl"

PREFIX: Final = "sparcl:"
# Records in one answer: the client's own default.
_MANY: Final = 500
_ARRAYS: Final = ("wavelength", "flux", "ivar")
_FIELDS: Final = (
    *("sparcl_id", "specid", "data_release", "ra", "dec"),
    *("spectype", "redshift", "redshift_warning", "mask", *_ARRAYS),
)
# The first word of a data release (as in DESI-DR1), where it is a survey of ours.
_SURVEYS: Final = ("SDSS", "BOSS", "EBOSS", "DESI", "LAMOST")
_one_at_a_time = Lock()


def is_named(path: str) -> bool:
    """Whether this names spectra of SPARCL, and no file."""
    return path.startswith(PREFIX)


def check() -> None:
    """Raise MissingExtraError if the client is not installed."""
    try:
        missing = find_spec("sparcl") is None
    except (ImportError, ValueError):  # a module without a specification is there
        missing = False
    if missing:
        raise MissingExtraError("sparclclient")


def read(path: str) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of ``sparcl:ID``, or ``sparcl:ID,ID,...``, in this order.

    Raises
    ------
    MissingExtraError
        If ``sparclclient`` is not installed.
    ReadError
        If no identifier is given, or SPARCL does not answer.
    """
    names = [name.strip() for name in path.removeprefix(PREFIX).split(",") if name.strip()]
    if not names:
        raise ReadError("no identifier: give sparcl:SPARCL_ID", path)
    check()
    for first in range(0, len(names), _MANY):
        part = names[first : first + _MANY]
        records = _retrieve(part, path)
        for name in part:
            yield _spectrum(records.get(name.lower()), PREFIX + name)


@cache
def _client() -> Any:
    from sparcl.client import SparclClient

    return SparclClient(announcement=False)


def _retrieve(names: list[str], path: str) -> dict[str, Any]:
    """Return the records of these identifiers that there are."""
    try:
        # The client's warnings tell the number of missing records: each gets its error here.
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = _client()
            there = client.get_available_fields()
            wanted = [field for field in _FIELDS if field in there]
            answer = client.retrieve(uuid_list=names, include=wanted, limit=len(names))
    except Exception as error:  # those of requests and of the client have no common base
        raise ReadError(
            f"SPARCL gave no spectra ({type(error).__name__}: {error}): are the identifiers "
            "those of its column sparcl_id, and is there a network?",
            path,
        ) from error
    return {
        str(record["sparcl_id"]).lower(): {key: _plain(value) for key, value in record.items()}
        for record in answer.records
    }


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _spectrum(record: Any, path: str) -> Spectrum | ReadError:
    """Return the spectrum of a record: vacuum Angstrom, 1e-17 erg/s/cm2/A."""
    if record is None:
        return ReadError("SPARCL has no spectrum of this sparcl_id", path)
    if any(record.get(name) is None for name in _ARRAYS):
        return ReadError(f"the record of SPARCL lacks one of {', '.join(_ARRAYS)}", path)
    wavelength, flux, ivar = (np.array(record[name], np.float64) for name in _ARRAYS)
    if not wavelength.shape == flux.shape == ivar.shape:
        return ReadError("the arrays of this record of SPARCL are of different lengths", path)
    survey = str(record.get("data_release") or "").partition("-")[0].upper()
    mask = record.get("mask")
    if survey == "DESI" and mask is not None and np.shape(mask) == flux.shape:
        ivar[np.asarray(mask) != 0] = 0.0  # as for its files
    ra, dec = position(record.get("ra"), record.get("dec"))
    number = identifier(record.get("specid"))
    return Spectrum(
        np.log10(np.where(wavelength > 0, wavelength, np.nan)),
        flux,
        ivar,
        file=path,
        format=NAME,
        survey=survey if survey in _SURVEYS else "",
        targetid=number if survey == "DESI" else None,
        specobjid=number if survey != "DESI" else None,
        ra=ra,
        dec=dec,
        zwarning=fibre_bits(whole(record.get("redshift_warning"))),
        pipeline=pipeline_result(
            record.get, ("spectype", "subtype", "redshift", "redshift_warning")
        ),
    )
