"""Text tables and HDF5 files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_text(
    path: Path,
    columns: Sequence[np.ndarray],
    header: str | None = "wavelength flux error",
    *,
    delimiter: str = " ",
) -> Path:
    """Numbers are written so that they come back to the bit."""
    lines = [] if header is None else [header]
    lines += [delimiter.join(repr(float(x)) for x in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_hdf5(
    path: Path,
    flux: np.ndarray,
    ivar: np.ndarray,
    *,
    start: float = 3.55,
    step: float = 5e-4,
    schema: int = 1,
    **columns: object,
) -> Path:
    """The file of ``huggins build``: flux and ivar of shape (N, L); more columns as given."""
    with h5py.File(path, "w") as file:
        file.attrs["huggins_schema"] = schema
        file.attrs["loglam_start"] = start
        file.attrs["loglam_step"] = step
        file["flux"] = flux.astype(np.float32)
        file["ivar"] = ivar.astype(np.float32)
        for name, values in columns.items():
            file[name] = values
    return path


def write_seed_hdf5(path: Path, fluxes: np.ndarray) -> Path:
    """The seed's layout of 2019: fluxes (N, 433) and one-hot classes (N, 13)."""
    with h5py.File(path, "w") as file:
        file["fluxes"] = fluxes.astype(np.float32)
        file["classes"] = np.eye(13)[np.zeros(len(fluxes), int)]
    return path
