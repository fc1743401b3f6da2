"""Spectra nested in the rows of a data frame: catalogues of LSDB (HATS), nested-pandas.

    from huggins.inference.partitions import classify_partition, partition_meta

    found = catalog.map_partitions(
        classify_partition, keep=("object_id", "ra", "dec"),
        meta=partition_meta(catalog, keep=("object_id", "ra", "dec")),
    )

classifies the spectra of a HATS catalogue, a partition at a time, on any Dask client.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.inference.api import classify
from huggins.inference.network import Model, load_model
from huggins.inference.table import COLUMNS
from huggins.spectrum import Spectrum
from huggins.weights import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Column of the nested spectra in the catalogues of MultimodalUniverse.
NESTED: Final = "spectrum"
# What a spectrum in memory has not: the frame's own columns say it.
_IDENTITY: Final = (
    "FILE", "INDEX", "SURVEY", "PLATE", "MJD", "FIBERID", "TARGETID", "SPECOBJID", "RA", "DEC",
    "PIPE_CLASS", "PIPE_SUBCLASS", "PIPE_Z", "PIPE_ZWARNING",
)  # fmt: skip


def classify_partition(
    frame: Any,
    *,
    column: str = NESTED,
    keep: Iterable[str] = (),
    model: str | Path = DEFAULT,
    redshift: bool = True,
    threshold: float | None = None,
    air: bool = False,
) -> Any:
    """Classify the spectra in one column of a data frame.

    Parameters
    ----------
    frame : nested_pandas.NestedFrame or pandas.DataFrame
        Of N rows.
    column
        Each element holds a spectrum: a nested column (or a dict, or a data frame) with fields
        of wavelength, flux and ivar or error, and possibly mask, named as in the columns of a
        text table.
    keep
        Columns of the frame that the result gets as well.
    model, redshift, threshold, air
        As for `huggins.classify`.

    Returns
    -------
    pandas.DataFrame
        N rows with the index of the frame: the columns kept, and those of the table of results
        from SN_MEDIAN on. A row without a usable spectrum says why in ERROR.

    Raises
    ------
    InputError
        If the frame has no such column.
    """
    kept = list(keep)
    missing = [name for name in (column, *kept) if name not in frame.columns]
    if missing:
        raise InputError(
            f"the frame has no column {', '.join(missing)}: it has "
            f"{', '.join(map(str, frame.columns))}"
        )
    spectra = [_spectrum(element) for element in frame[column]]
    table = classify(
        spectra,
        model=_model(str(model)),
        jobs=1,
        redshift=redshift,
        threshold=threshold,
        air=air,
    )
    return _frame(table, frame, kept)


def partition_meta(frame: Any, *, keep: Iterable[str] = (), column: str = NESTED) -> Any:
    """Return an empty result of `classify_partition`, as ``map_partitions`` wants for its meta.

    Parameters
    ----------
    frame
        A catalogue of LSDB, or a data frame with its columns.
    keep, column
        As for `classify_partition`.
    """
    like = getattr(frame, "meta", None)
    like = getattr(frame, "_meta", frame) if like is None else like
    return classify_partition(like.iloc[:0], column=column, keep=keep)


@lru_cache(maxsize=2)
def _model(name: str) -> Model:
    return load_model(name, threads=1)


def _spectrum(element: Any) -> Any:
    """Return the fields of one element; a spectrum of no pixels where it is missing."""
    names = getattr(element, "columns", None)
    if names is None:
        names = list(element) if isinstance(element, dict) else []
    fields = {str(name): np.asarray(element[name]) for name in names}
    if not fields or not len(next(iter(fields.values()))):
        return Spectrum(np.zeros(0), np.zeros(0), np.zeros(0))
    return fields


def _frame(table: Any, frame: Any, kept: list[str]) -> Any:
    """Return a table of results as a data frame of one type a column, whatever is masked."""
    import pandas as pd

    result = {name: frame[name] for name in kept}
    for entry in COLUMNS:
        if entry.name in _IDENTITY:
            continue
        values = table[entry.name]
        mask = np.ma.getmaskarray(values)
        if entry.text:
            cells: Any = pd.array([str(v) for v in np.ma.filled(values, "")], dtype="str")
        elif entry.kind.startswith("int"):
            cells = pd.arrays.IntegerArray(np.ma.filled(values, 0).astype(entry.kind), mask)
        else:
            cells = np.ma.filled(values.astype(entry.kind), np.nan)
        result[entry.name] = pd.Series(cells, index=frame.index)
    return pd.DataFrame(result, index=frame.index)
