"""The HDF5 file of spectra as a folder of Parquet, which Hugging Face's ``datasets`` loads.

``data/SPLIT-NNNNN-of-NNNNN.parquet`` hold the datasets of the HDF5 file as columns, flux and
ivar as lists, and ``README.md`` is the dataset card: its YAML header tells splits and types.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.dataset.card import card_path
from huggins.dataset.schema import COLUMNS, SPLITS
from huggins.errors import InputError, OutputError
from huggins.runs.files import cannot_write, replacing, write_text
from huggins.runs.ours import CREATOR, written_by_huggins
from huggins.tables.write_parquet import write_batches
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: Spectra in one file: 120 MB of pixels on the standard grid.
SHARD: Final = 16384
# Rows read at a time; those of a split lie scattered.
_BLOCK: Final = 512
_CARD: Final = "README.md"
_DATA: Final = "data"
_PIXELS: Final = ("flux", "ivar")
_ARROW: Final = {"i1": "int8", "i4": "int32", "f4": "float32", "f8": "float64"}
# Upper ends of the Hub's categories of sizes.
_SIZES: Final = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"),
                 (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))  # fmt: skip


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Check that the folder can be written, before the work.

    Raises
    ------
    OutputError
        If something is there, unless it is an earlier export of ours and `overwrite` is set.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder}: a file is there: name a folder")
    names = {path.name for path in folder.iterdir()}
    card = folder / _CARD
    ours = names == {_CARD, _DATA} and card.is_file() and written_by_huggins(card)
    if names and not (ours and overwrite):
        remedy = "replace it with --overwrite" if ours else "name a new or an empty folder"
        raise OutputError(f"{folder}: this folder is not empty: {remedy}")


def export_parquet(
    path: Path, folder: Path, *, overwrite: bool = False, shard: int = SHARD
) -> list[Path]:
    """Write a file of `huggins build` (or `simulate`) as a folder of Parquet files.

    ``datasets.load_dataset(folder)`` has then one set for each split, with `class_index` as a
    class label. What is unknown is as in the HDF5 file.

    Parameters
    ----------
    path
        The HDF5 file, of schema 1.
    folder
        Made; it must not hold anything, unless `overwrite` is set and it is an export of ours.
    overwrite
    shard
        Spectra in one Parquet file.

    Returns
    -------
    list of Path
        The Parquet files.

    Raises
    ------
    InputError
        If the file is no such file.
    OutputError
        If the folder is not empty or cannot be written; what was there is left as it was.
    """
    import h5py

    check_folder(folder, overwrite=overwrite)
    full = folder.resolve()
    made = full.with_name(f".{full.name}.tmp")
    try:
        with h5py.File(path) as file:
            if "huggins_schema" not in file.attrs:
                raise InputError(f"{path}: no file of huggins build with flux and ivar")
            shutil.rmtree(made, ignore_errors=True)
            (made / _DATA).mkdir(parents=True)
            names, counts = _write(file, made / _DATA, shard)
            write_text(made / _CARD, _card(path, file, counts), errors="backslashreplace")
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    except OSError as error:
        if not path.is_file() or not h5py.is_hdf5(path):
            raise InputError(f"{path}: cannot be read as HDF5: {error}") from error
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return [folder / _DATA / name for name in names]


def _write(file: Any, folder: Path, shard: int) -> tuple[list[str], dict[str, int]]:
    """Write the files of each split; return their names, and the spectra of each split."""
    total = len(file["flux"])
    split = file["split"][:] if "split" in file else np.zeros(total, np.int8)
    names = []
    counts = {}
    for number, name in enumerate(SPLITS):
        rows = np.flatnonzero(split == number)
        if len(rows) == 0:
            continue
        counts[name] = len(rows)
        parts = -(-len(rows) // shard)
        for part in range(parts):
            own = rows[part * shard : (part + 1) * shard]
            names.append(f"{name}-{part:05d}-of-{parts:05d}.parquet")
            _write_shard(file, folder / names[-1], own)
    return names, counts


def _write_shard(file: Any, path: Path, rows: NDArray[np.intp]) -> None:
    from arro3.core import DataType, Field, RecordBatch, Schema

    size = file["flux"].shape[1]
    single = DataType.float32()
    fields = [
        Field(name, DataType.list(Field("item", single), size), nullable=False)
        for name in _PIXELS
    ]
    columns = [c for c in COLUMNS if c.name in file and c.name != "split"]
    for column in columns:
        kind = "string" if column.text else _ARROW[column.dtype]
        fields.append(Field(column.name, getattr(DataType, kind)(), nullable=False))
    recorded = {name: str(value) for name, value in file.attrs.items()} | {"CREATOR": CREATOR}
    schema = Schema(fields, metadata=recorded)

    def batches() -> Iterator[Any]:
        from arro3.core import Array, fixed_size_list_array

        for at in range(0, len(rows), _BLOCK):
            own = rows[at : at + _BLOCK]
            first, last = int(own[0]), int(own[-1]) + 1
            arrays: list[Any] = []
            for field in fields:
                values = file[field.name][first:last][own - first]
                if field.name in _PIXELS:
                    flat = Array.from_numpy(np.ascontiguousarray(values, np.float32).ravel())
                    arrays.append(fixed_size_list_array(flat, size, type=field.type))
                elif values.dtype.kind in "SO":
                    texts = [_text(value) for value in values.tolist()]
                    arrays.append(Array(texts, type=field.type))
                else:
                    arrays.append(Array.from_numpy(np.ascontiguousarray(values)))
            yield RecordBatch.from_arrays(arrays, schema=schema)

    with replacing(path) as out:
        write_batches(out, schema, batches(), recorded, 4 * _BLOCK)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _card(path: Path, file: Any, counts: dict[str, int]) -> str:
    """Return the card: YAML for the programs, then the data card of the file for people."""
    total = sum(counts.values())
    category = next((word for end, word in _SIZES if total < end), "n>10M")
    start, step = (float(file.attrs[name]) for name in ("loglam_start", "loglam_step"))
    size = file["flux"].shape[1]
    lines = ["---", "license: other", "tags:", "- astronomy", "- spectroscopy"]
    lines += ["size_categories:", f"- {category}", "configs:", "- config_name: default"]
    lines.append("  data_files:")
    for name in counts:
        lines += [f"  - split: {name}", f"    path: {_DATA}/{name}-*.parquet"]
    lines += ["dataset_info:", "  features:"]
    for name in _PIXELS:
        lines += [f"  - name: {name}", "    list: float32", f"    length: {size}"]
    for column in COLUMNS:
        if column.name not in file or column.name == "split":
            continue
        lines.append(f"  - name: {column.name}")
        if column.name == "class_index":
            lines += ["    dtype:", "      class_label:", "        names:"]
            lines += [f"          '{i}': {name}" for i, name in enumerate(CLASSES)]
        else:
            kind = "string" if column.text else _ARROW[column.dtype]
            lines.append(f"    dtype: {kind}")
    lines += ["---", ""]
    lines.append(
        f"Pixel i covers {start:g} + i * {step:g} to {start:g} + (i + 1) * {step:g} in log10 "
        "of the vacuum wavelength in Angstrom. The splits share no object. -1 in `plate`, "
        "`mjd`, `fiberid` and `class_index`, empty texts and NaN mean unknown; `ivar` is 0 in "
        "bad pixels.\n"
    )
    card = card_path(path)
    if card.exists():
        lines.append(card.read_text(encoding="utf-8", errors="replace"))
    lines.append(f"<!-- written by {CREATOR} -->\n")
    return "\n".join(lines)
