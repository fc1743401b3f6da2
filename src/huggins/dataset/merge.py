"""From parts to the file: repeated spectra left out, objects told apart, arrays written."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.dataset.chunk import CLASS_NAMES
from huggins.dataset.objects import objects_of, split_of
from huggins.dataset.parts import About, part_path, read_blocks
from huggins.dataset.schema import COLUMNS, SCHEMA, SPLITS
from huggins.errors import InputError, OutputError
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_COMMAND_MAX: Final = 2000
# Rows of a chunk of a compressed dataset.
_CHUNK: Final = 64


@dataclass(frozen=True, slots=True)
class Making:
    """How the file is made of the parts.

    Attributes
    ----------
    layout
        ``huggins`` or ``seed``.
    validation, test
        Shares of the objects.
    compress
        Whether flux and ivar are compressed.
    provenance
        Further attributes of the file.
    """

    layout: str = "huggins"
    validation: float = 0.1
    test: float = 0.1
    compress: bool = False
    provenance: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test > 1:
            raise InputError("shares must be from 0 to 1, and no more than 1 together")


@dataclass(slots=True)
class Table:
    """What must be known of all spectra before the first is written."""

    key: NDArray[np.uint64]
    object: NDArray[np.bytes_]
    kept: NDArray[np.bool_]
    split: NDArray[np.int8]
    repeated: list[tuple[str, int, str]]


def merge(
    folder: Path,
    abouts: list[About],
    output: Path,
    how: Making,
    watch: Callable[[int], None] | None = None,
) -> tuple[int, list[tuple[str, int, str]]]:
    """Write the file.

    Parameters
    ----------
    folder
        Of the parts.
    abouts
        What each part holds.
    output
        The file; one that is there is replaced when the new one is whole.
    how
        How.
    watch
        Called with the number of spectra written.

    Returns
    -------
    rows : int
        Spectra in the file.
    repeated : list of (str, int, str)
        File, index and reason of spectra that are left out because they come twice.

    Raises
    ------
    InputError
        If there is no spectrum.
    OutputError
        If it cannot be written. The parts are left.
    """
    table = _survey(folder, abouts, how)
    rows = int(table.kept.sum())
    if rows == 0:
        raise InputError("none of the inputs gives a spectrum for the file")
    widths = {"object": max(table.object.dtype.itemsize, 1)}
    for about in abouts:
        for name, width in about.widths.items():
            if name != "object":
                widths[name] = max(widths.get(name, 1), width)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        _check_space(output, rows, widths, how)
        _write(temporary, folder, abouts, table, widths, how, watch)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(output)
    except (OSError, RuntimeError) as error:  # RuntimeError: what h5py makes of a full disk
        raise OutputError(
            f"{output}: cannot be written ({error}): free space or name another output; what "
            "is done is kept, and --resume goes on from there"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return rows, table.repeated


def _survey(folder: Path, abouts: list[About], how: Making) -> Table:
    """Read of all parts what tells spectra and objects apart."""
    names = ("key", "object", "ra", "dec", "plate", "mjd", "fiberid", "file", "index")
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for number, about in enumerate(abouts):
        if about.total:
            for block in read_blocks(part_path(folder, number), names):
                for name in names:
                    columns[name].append(block[name])
    if not columns["key"]:
        empty = np.zeros(0, np.int8)
        return Table(np.zeros(0, "u8"), np.zeros(0, "S1"), empty.astype(bool), empty, [])
    key, ra, dec, plate, mjd, fibre = (
        np.concatenate(columns[name])
        for name in ("key", "ra", "dec", "plate", "mjd", "fiberid")
    )
    own = np.concatenate(columns["object"])
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    original = first[inverse]
    kept = original == np.arange(len(key))
    repeated = []
    if not kept.all():
        place = _Places(columns["file"], columns["index"])
        repeated = [
            (*place(row), "the same spectrum as {} [{}]".format(*place(int(original[row]))))
            for row in np.flatnonzero(~kept).tolist()
        ]
    objects = objects_of(own, ra, dec, plate, mjd, fibre)
    split = split_of(objects, how.validation, how.test)
    return Table(key, objects, kept, split, repeated)


class _Places:
    """File and index of a row, by its number among all blocks."""

    def __init__(self, files: list[NDArray[Any]], indices: list[NDArray[Any]]) -> None:
        self._files, self._indices = files, indices
        self._ends = np.cumsum([len(part) for part in files])

    def __call__(self, row: int) -> tuple[str, int]:
        part = int(np.searchsorted(self._ends, row, side="right"))
        at = row - (int(self._ends[part - 1]) if part else 0)
        name = self._files[part][at].decode("utf-8", "surrogateescape")
        return name, int(self._indices[part][at])


def _check_space(output: Path, rows: int, widths: dict[str, int], how: Making) -> None:
    """Complain about a disk that is too small before it is full."""
    if how.layout == "seed":
        each = 4 * (SEED.grid.size + len(CLASSES))
    else:
        text = sum(widths.get(column.name, 1) for column in COLUMNS if column.text)
        numbers = sum(np.dtype(column.dtype).itemsize for column in COLUMNS if not column.text)
        each = 8 * STANDARD.grid.size + text + numbers
    need, free = rows * each, shutil.disk_usage(output.parent).free
    if need > free and not how.compress:
        raise OSError(f"it needs {need / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free")


def _write(
    path: Path,
    folder: Path,
    abouts: list[About],
    table: Table,
    widths: dict[str, int],
    how: Making,
    watch: Callable[[int], None] | None,
) -> None:
    import h5py

    rows = int(table.kept.sum())
    file: Any = h5py.File(path, "w")
    try:
        datasets = _datasets(file, rows, widths, how)
        _attributes(file, how)
        at = 0
        for kept, block in _blocks(folder, abouts, table):
            count = int(kept.sum())
            for name, values in _content(block, how).items():
                dataset = datasets[name]
                # The file's type: HDF5 does not take plain bytes for UTF-8.
                dataset[at : at + count] = values[kept].astype(dataset.dtype)
            at += count
            if watch is not None:
                watch(at)
        file.flush()
    except BaseException:
        # Closing would fail once more, and hide why.
        with contextlib.suppress(Exception):
            file.close()
        raise
    file.close()


def _blocks(
    folder: Path, abouts: list[About], table: Table
) -> Iterator[tuple[NDArray[np.bool_], dict[str, NDArray[Any]]]]:
    """Yield the blocks of all parts with what only the whole tells, and which rows are kept."""
    at = 0
    for number, about in enumerate(abouts):
        if not about.total:
            continue
        for block in read_blocks(part_path(folder, number)):
            rows = slice(at, at + len(block["key"]))
            at = rows.stop
            block["object"] = table.object[rows]
            block["split"] = table.split[rows]
            yield table.kept[rows], block


def _content(block: dict[str, NDArray[Any]], how: Making) -> dict[str, NDArray[Any]]:
    """Return the datasets of a block."""
    if how.layout == "seed":
        one_hot = np.eye(len(CLASSES), dtype=np.float32)[block["class_index"]]
        return {"fluxes": block["fluxes"], "classes": one_hot}
    names = ("flux", "ivar", *(column.name for column in COLUMNS))
    return {name: block[name] for name in names}


def _datasets(file: Any, rows: int, widths: dict[str, int], how: Making) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    if how.compress:
        packed = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    made: dict[str, Any] = {}

    def pixels(name: str, size: int) -> None:
        if how.compress:
            packed["chunks"] = (min(_CHUNK, rows), size)
        made[name] = file.create_dataset(name, (rows, size), "f4", **packed)

    if how.layout == "seed":
        pixels("fluxes", SEED.grid.size)
        pixels("classes", len(CLASSES))
        return made
    for name in ("flux", "ivar"):
        pixels(name, STANDARD.grid.size)
    for column in COLUMNS:
        kind: Any = column.dtype
        if column.text:
            import h5py

            kind = h5py.string_dtype("utf-8", widths.get(column.name, 1))
        made[column.name] = file.create_dataset(column.name, (rows,), kind)
    return made


def _attributes(file: Any, how: Making) -> None:
    attributes: dict[str, Any] = {
        "creator": f"huggins {__version__}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "classes": CLASS_NAMES,
        **{name: value[:_COMMAND_MAX] for name, value in how.provenance.items()},
    }
    if how.layout != "seed":
        attributes |= {
            "huggins_schema": SCHEMA,
            "loglam_start": STANDARD.grid.start,
            "loglam_step": STANDARD.grid.step,
            "splits": " ".join(SPLITS),
        }
    for name, value in attributes.items():
        file.attrs[name] = value
