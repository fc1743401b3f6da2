"""The best-fit models of a run as a file: FITS or NumPy's npz, a row per row of the table."""

from __future__ import annotations

import re
import zipfile
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from huggins.fits.paths import percent
from huggins.inference.bestfit import LOGLAM, blank
from huggins.runs.files import check_writable, replacing
from huggins.runs.ours import CREATOR
from huggins.tables.output import ascii_only, header_values
from huggins.tables.write_fits import fits_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.inference.table import Rows

#: Extensions of the two formats.
FORMATS: Final = (".fits", ".npz")
_BLOCK: Final = 2880
# The first array of .npz files; the header of the first image of FITS is in as many bytes.
_NPZ: Final = re.compile(rb"PK\x03\x04.{26}wavelength\.npy", re.DOTALL)
_LOOK: Final = 2**16
_IDENTITY: Final = ("FILE", "TARGETID", "CLASS", "SUBCLASS")
# What the comment of .npz files says of the networks, as headers do.
_HASHES: Final = ("MODEL", "MODELSHA", "BASISSHA")


def check_models(
    path: Path, inputs: Iterable[str | Path] = (), *, overwrite: bool = False
) -> None:
    """Check that models can be written to a path, before the work begins.

    Arguments and errors are those of `huggins.runs.files.check_writable`.
    """
    check_writable(
        path,
        FORMATS,
        inputs=inputs,
        kind="file of best-fit models",
        same_kind=holds_models,
        overwrite=overwrite,
    )


def holds_models(path: Path) -> bool:
    """Whether a file of ours holds best-fit models, as its beginning tells."""
    with path.open("rb") as file:
        head = file.read(_LOOK)
    return bool(_NPZ.match(head)) or b"EXTNAME = 'WAVELENGTH'" in head


def write_models(
    path: Path,
    parts: Callable[[], Iterable[Rows]],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
) -> None:
    """Write the models of all rows, in order.

    ``.fits``: images MODEL (N, 4878) and WAVELENGTH (4878,), and a table ROWS that says which
    spectrum each row is. ``.npz``: the arrays ``model``, ``wavelength``, ``file``, ``index``
    and ``z``.

    Parameters
    ----------
    path
    parts
        Returns the rows, with their best fits, from the first on.
    count
        Number of rows.
    widths
        Longest text of each text column, in ASCII characters.
    metadata
        What headers record.

    Raises
    ------
    OutputError
        If it cannot be written; a file that was there before is left as it was.
    """
    write = _write_npz if path.suffix.lower() == ".npz" else _write_fits
    with replacing(path) as file:
        write(file, parts, count, widths, metadata)


def models_of(rows: Rows) -> NDArray[np.float32]:
    """Return the models of some rows, shape (N, 4878)."""
    kept = blank(len(rows)) if rows.best is None else rows.best
    models: NDArray[np.float32] = kept["model"]
    return models


def _write_npz(
    file: IO[bytes],
    parts: Callable[[], Iterable[Rows]],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
) -> None:
    del widths
    width = max([1, *(len(name) for rows in parts() for name in rows.texts["FILE"])])
    arrays: list[tuple[str, str, tuple[int, ...], Iterator[Any]]] = [
        ("wavelength", "<f8", LOGLAM.shape, iter([10.0**LOGLAM])),
        ("model", "<f4", (count, len(LOGLAM)), (models_of(rows) for rows in parts())),
        ("file", f"<U{width}", (count,), (np.array(r.texts["FILE"]) for r in parts())),
        ("index", "<i4", (count,), (rows.numbers["INDEX"] for rows in parts())),
        ("z", "<f4", (count,), (rows.numbers["Z"] for rows in parts())),
    ]
    with zipfile.ZipFile(file, "w") as archive:
        for name, kind, shape, blocks in arrays:
            dtype = np.dtype(kind)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                about = {
                    "descr": np.lib.format.dtype_to_descr(dtype),
                    "fortran_order": False,
                    "shape": shape,
                }
                np.lib.format.write_array_header_1_0(entry, about)
                for block in blocks:
                    entry.write(np.ascontiguousarray(block, dtype).tobytes())
        known = [f"{key} {metadata[key]}" for key in _HASHES if key in metadata]
        archive.comment = "; ".join([CREATOR, *known]).encode()


def _write_fits(
    file: IO[bytes],
    parts: Callable[[], Iterable[Rows]],
    count: int,
    widths: dict[str, int],
    metadata: dict[str, str],
) -> None:
    from astropy.io import fits

    primary = fits.PrimaryHDU().header
    primary.update({k: ascii_only(value) for k, value in header_values(metadata).items()})
    file.write(primary.tostring().encode("ascii"))
    wavelength = fits.ImageHDU(10.0**LOGLAM, name="WAVELENGTH")
    wavelength.header["BUNIT"] = ("Angstrom", "in vacuum")
    _image(file, wavelength.header, iter([np.asarray(10.0**LOGLAM, ">f8")]))
    header = fits.ImageHDU(np.zeros((1, len(LOGLAM)), np.float32), name="MODEL").header
    header["NAXIS2"] = count
    header["BUNIT"] = ("input", "the unit of each spectrum's flux")
    _image(file, header, (np.asarray(models_of(rows), ">f4") for rows in parts()))
    record = np.dtype(
        [(name, f"S{max(widths.get(name, 1), 1)}") for name in _IDENTITY]
        + [("INDEX", ">i4"), ("Z", ">f4")]
    )
    fits_table(file, "ROWS", record, count, (_identity(rows, record) for rows in parts()))


def _image(file: IO[bytes], header: Any, blocks: Iterator[NDArray[Any]]) -> None:
    file.write(header.tostring().encode("ascii"))
    size = sum(file.write(block.tobytes()) for block in blocks)
    file.write(b"\0" * (-size % _BLOCK))


def _identity(rows: Rows, record: np.dtype[Any]) -> NDArray[np.void]:
    table = np.zeros(len(rows), record)
    for name in _IDENTITY:
        texts = rows.texts[name]
        table[name] = list(map(percent, texts)) if name == "FILE" else texts
    table["INDEX"], table["Z"] = rows.numbers["INDEX"], rows.numbers["Z"]
    return table
