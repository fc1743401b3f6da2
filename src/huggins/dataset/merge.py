"""The HDF5 file from its parts: without repeated spectra, split by object."""

from __future__ import annotations

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
from huggins.errors import InputError
from huggins.prepare import SEED, STANDARD
from huggins.runs.files import temporary_path
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_COMMAND_MAX: Final = 2000
# More than the headers of HDF5 take.
_HEADS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Making:
    """Settings of the file that are not those of its parts.

    Attributes
    ----------
    validation, test
        Fractions of the objects.
    provenance
        Further attributes of the file.
    """

    validation: float = 0.1
    test: float = 0.1
    provenance: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test > 1:
            raise InputError("fractions must be from 0 to 1, and at most 1 together")


@dataclass(slots=True)
class Table:
    """Properties of all spectra that are needed before the first is written."""

    object: NDArray[np.bytes_]
    kept: NDArray[np.bool_]
    split: NDArray[np.int8]
    repeated: list[tuple[str, int, str]]


def merge(
    folder: Path,
    abouts: list[About],
    output: Path,
    layout: str,
    how: Making,
    watch: Callable[[int], None] | None = None,
) -> tuple[int, list[tuple[str, int, str]]]:
    """Write the file.

    Parameters
    ----------
    folder
        Folder of the parts.
    abouts
        Contents of each part.
    output
        The file; one that is there is replaced when the new one is whole.
    layout
        ``huggins`` or ``seed``.
    how
    watch
        Called with the number of spectra written.

    Returns
    -------
    rows : int
        Spectra in the file.
    repeated : list of (str, int, str)
        File, index and reason of spectra that are left out as repetitions.

    Raises
    ------
    OutputError
        If it cannot be written. The parts are left.
    """
    table = _survey(folder, abouts, how)
    widths = {"object": max(table.object.dtype.itemsize, 1)}
    for about in abouts:
        for name, width in about.widths.items():
            if name != "object":
                widths[name] = max(widths.get(name, 1), width)
    with temporary_path(output) as temporary:
        try:
            _write(
                temporary, folder, abouts, table, _dtypes(widths, layout), layout, how, watch
            )
        except RuntimeError as error:  # what h5py makes of some errors of the system
            raise OSError(str(error)) from error
    return int(table.kept.sum()), table.repeated


def _blocks(
    folder: Path, abouts: list[About], names: tuple[str, ...] | None = None
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the blocks of all parts, or these columns of them."""
    for number, about in enumerate(abouts):
        if about.total:
            yield from read_blocks(part_path(folder, number), names)


def _survey(folder: Path, abouts: list[About], how: Making) -> Table:
    """Read what identifies spectra and objects in all parts."""
    names = ("key", "object", "ra", "dec", "plate", "mjd", "fiberid")
    blocks = list(_blocks(folder, abouts, names))
    key, own, *place = (np.concatenate([block[name] for block in blocks]) for name in names)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    original = first[inverse]
    kept = original == np.arange(len(key))
    repeated = _repeated(folder, abouts, np.flatnonzero(~kept), original)
    objects = objects_of(own, *place)
    split = split_of(objects, how.validation, how.test)
    return Table(objects, kept, split, repeated)


def _repeated(
    folder: Path, abouts: list[About], rows: NDArray[np.intp], original: NDArray[np.intp]
) -> list[tuple[str, int, str]]:
    """Return the spectra that are left out as repetitions, with the place of the first."""
    if len(rows) == 0:
        return []
    involved = np.union1d(rows, original[rows])
    places: dict[int, tuple[str, int]] = {}
    at = 0
    for number, about in enumerate(abouts):
        end = at + about.total
        here = involved[slice(*np.searchsorted(involved, (at, end)))]
        if len(here):
            blocks = list(read_blocks(part_path(folder, number), ("file", "index")))
            files = np.concatenate([block["file"] for block in blocks])
            indices = np.concatenate([block["index"] for block in blocks])
            for row in here.tolist():
                name = files[row - at].decode("utf-8", "surrogateescape")
                places[row] = (name, int(indices[row - at]))
        at = end
    return [
        (*places[row], "the same spectrum as {} [{}]".format(*places[int(original[row])]))
        for row in rows.tolist()
    ]


def _write(
    path: Path,
    folder: Path,
    abouts: list[About],
    table: Table,
    dtypes: dict[str, tuple[np.dtype[Any], int]],
    layout: str,
    how: Making,
    watch: Callable[[int], None] | None,
) -> None:
    """Write the file: HDF5 makes it, with all places and no data; the data are then put there.

    HDF5 does not survive a disk that fills up while it writes: it loses the file, and may take
    the process with it. So all that may fail for want of space is done by plain writes.
    """
    rows = int(table.kept.sum())
    size = rows * sum(dtype.itemsize * length for dtype, length in dtypes.values())
    free = shutil.disk_usage(path.parent).free
    if size + _HEADS > free:
        raise OSError(f"it needs {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free")
    with path.open("wb") as file:  # fails where files may not grow so large
        file.truncate(size + _HEADS)
    offsets = _places(path, rows, dtypes, _attributes(layout, how))
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):  # fails now if the disk is too small
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        at = first = 0
        for block in _blocks(folder, abouts):
            here = slice(first, first + len(block["key"]))
            first = here.stop
            kept = table.kept[here]
            block |= {"object": table.object[here], "split": table.split[here]}
            for name, values in _content(block, layout).items():
                dtype, length = dtypes[name]
                file.seek(offsets[name] + at * dtype.itemsize * length)
                file.write(np.ascontiguousarray(values[kept], dtype).data)
            at += int(kept.sum())
            if watch is not None:
                watch(at)


def _dtypes(widths: dict[str, int], layout: str) -> dict[str, tuple[np.dtype[Any], int]]:
    """Return the type of each dataset, and its values a row."""
    single = np.dtype("<f4")
    if layout == "seed":
        return {"fluxes": (single, SEED.grid.size), "classes": (single, len(CLASSES))}
    types = dict.fromkeys(("flux", "ivar"), (single, STANDARD.grid.size))
    for column in COLUMNS:
        kind = f"S{widths.get(column.name, 1)}" if column.text else f"<{column.dtype}"
        types[column.name] = (np.dtype(kind), 1)
    return types


def _places(
    path: Path,
    rows: int,
    dtypes: dict[str, tuple[np.dtype[Any], int]],
    attributes: dict[str, Any],
) -> dict[str, int]:
    """Make the file with room for all data, and return where the data of each dataset go."""
    import h5py
    from h5py import h5d, h5p, h5s, h5t

    layout = h5p.create(h5p.DATASET_CREATE)
    layout.set_layout(h5d.CONTIGUOUS)
    layout.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5d.FILL_TIME_NEVER)
    offsets = {}
    with h5py.File(path, "w") as file:
        for key, value in attributes.items():
            # Names of files may hold bytes that are no text.
            plain = isinstance(value, str)
            file.attrs[key] = (
                value.encode("utf-8", "backslashreplace").decode() if plain else value
            )
        for name, (dtype, length) in dtypes.items():
            kind: Any = dtype
            if dtype.kind == "S":
                kind = h5py.string_dtype("utf-8", dtype.itemsize)
            shape = (rows, length) if length > 1 else (rows,)
            space = h5s.create_simple(shape)
            made = h5d.create(
                file.id, name.encode(), h5t.py_create(kind, logical=True), space, layout
            )
            offsets[name] = int(made.get_offset())
    return offsets


def _content(block: dict[str, NDArray[Any]], layout: str) -> dict[str, NDArray[Any]]:
    """Return the datasets of a block."""
    if layout == "seed":
        one_hot = np.eye(len(CLASSES), dtype=np.float32)[block["class_index"]]
        return {"fluxes": block["fluxes"], "classes": one_hot}
    names = ("flux", "ivar", *(column.name for column in COLUMNS))
    return {name: block[name] for name in names}


def _attributes(layout: str, how: Making) -> dict[str, Any]:
    """Return the attributes of the file."""
    attributes: dict[str, Any] = {
        "creator": f"huggins {__version__}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "classes": CLASS_NAMES,
        **{name: value[:_COMMAND_MAX] for name, value in how.provenance.items()},
    }
    if layout != "seed":
        attributes |= {
            "huggins_schema": SCHEMA,
            "loglam_start": STANDARD.grid.start,
            "loglam_step": STANDARD.grid.step,
            "splits": " ".join(SPLITS),
        }
    return attributes
