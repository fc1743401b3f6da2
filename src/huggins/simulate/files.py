"""Mocks as files: HDF5 of a data set, arrays, or one BOSS-like file per spectrum.

Mocks are drawn in lots of 1000, each with its own random numbers. The lots are kept in a folder
beside the output until all are complete, so that an interrupted run continues with the lot that
it had reached, and the result does not depend on interruptions.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError, OutputError
from huggins.prepare import LogGrid
from huggins.runs.files import check_replaceable, replacing, temporary_path
from huggins.runs.ours import CREATOR, same_columns
from huggins.runs.resume import RECORD, check_folder, keeping
from huggins.runs.workers import ordered
from huggins.simulate.mocks import Mocks, draw
from huggins.simulate.spec_files import (
    is_mock,
    labels_header,
    labels_row,
    spec_name,
    write_spec,
)
from huggins.taxonomy import ALL_CLASSES, BROAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from huggins.simulate.noise import NoiseBank
    from huggins.simulate.templates import Library

#: Pixels of a BOSS file: centres at whole multiples of 1e-4 dex, 3548 to 10,350 A.
NATIVE: Final = LogGrid(start=3.55 - 0.5e-4, step=1e-4, size=4650)
#: Version of the data set's schema (docs/reference/dataset.md).
SCHEMA: Final = 1
LOT: Final = 1000
# What a run keeps in its folder until it is done, also while it is being written.
_OURS: Final = re.compile(r"\d+\.npz|\.[\w.]+\.tmp(\.\w+)?")
_ONE_FILE: Final = (".h5", ".hdf5", ".npz")
# Pixels are shared out in lots of at most this many: the random numbers of 1000 native spectra
# take 40 MB an array.
_CHUNK_ROWS: Final = 512


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of mocks; the same recipe, templates and noise give the same mocks.

    Attributes
    ----------
    count, seed
    odds
        Of each kind; those of training where empty.
    sn
        Least and greatest median S/N per native pixel; survey-like where None.
    survey
        Survey whose noise is used; all if empty.
    flaws
        Whether calibration errors, cosmic rays and missing coverage are simulated.
    """

    count: int
    seed: int = 1
    odds: dict[str, float] = field(default_factory=dict)
    sn: tuple[float, float] | None = None
    survey: str = ""
    flaws: bool = True


def lot(recipe: Recipe, number: int, library: Library, bank: NoiseBank) -> Mocks:
    """Draw one lot of a recipe, counted from 0."""
    count = min(LOT, recipe.count - number * LOT)
    rng = np.random.default_rng([recipe.seed, number])
    return draw(
        count,
        library,
        bank,
        rng,
        odds=recipe.odds or None,
        sn=recipe.sn,
        survey=recipe.survey or None,
        flaws=recipe.flaws,
    )


def simulate(
    recipe: Recipe,
    library: Library,
    bank: NoiseBank,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    jobs: int = 0,
    origin: str = "",
    done: Callable[[int], None] | None = None,
) -> None:
    """Make mocks and write them.

    Parameters
    ----------
    recipe, library, bank
        The mocks to make, and from what; the bank's grid is that of the mocks.
    out
        ``.h5`` or ``.hdf5``: the data set. ``.npz``: arrays. Else a folder of spec files with
        ``labels.csv``, for which the bank's grid must be `NATIVE`.
    resume
        Continue an interrupted run of the same recipe.
    overwrite
        Replace a file that huggins did not write.
    jobs
        Threads; 0: one per core.
    origin
        What is recorded as the templates and the noise that mocks come from.
    done
        Called with the number of further mocks that are kept.

    Raises
    ------
    InputError
        If there is nothing to make, or what is to be resumed is of another recipe.
    OutputError
        If it cannot be written; what is there already is kept for `resume`. Also if a file is
        there that huggins did not write.
    """
    if recipe.count < 1:
        raise InputError("at least one mock must be asked for")
    kind = out.suffix.lower()
    as_files = kind not in _ONE_FILE
    if as_files and bank.grid != NATIVE:
        raise InputError("spec files have native pixels: take a bank of noise on that grid")
    depends = {**asdict(recipe), "grid": asdict(bank.grid), "origin": origin}
    if not out.parent.is_dir():
        raise OutputError(f"{out}: there is no folder {out.parent}: make it first")
    if not overwrite:
        check(recipe, out, resume=resume)
    kept = out.with_name(f"{out.name}.part")
    recorded = (kept / RECORD).is_file()
    if kept.is_dir() and not recorded and not _is_ours(kept):
        raise OutputError(f"{kept}: is no folder of huggins and in the way: rename it")
    with keeping(kept):
        # Without a record the run was killed before its first mock, or after its last.
        if not resume or not recorded:
            shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(exist_ok=True)
        check_folder(kept, depends)
        lots = range(-(-recipe.count // LOT))
        missing = [number for number in lots if not (kept / f"{number}.npz").is_file()]
        threads = jobs or os.cpu_count() or 1
        drawn = ordered(lambda n: lot(recipe, n, library, bank), missing, threads, threads + 1)
        for number, mocks in zip(missing, drawn, strict=True):
            if as_files:
                _spec_files(mocks, recipe, number, bank.grid, out)
            _keep(kept, number, mocks, pixels=not as_files)
            if done is not None:
                done(len(mocks.kind))
        if as_files:
            _write_labels(recipe, kept, out)
        elif kind == ".npz":
            _write_arrays(recipe, bank.grid, kept, out)
        else:
            described = json.dumps(depends, sort_keys=True)
            _write_dataset(recipe, bank.grid, kept, out, described)
        shutil.rmtree(kept)


def _is_ours(kept: Path) -> bool:
    return all(_OURS.fullmatch(path.name) for path in kept.iterdir())


def check(recipe: Recipe, out: Path, *, resume: bool = False) -> None:
    """Check that mocks replace nothing but mocks.

    Parameters
    ----------
    recipe, out, resume
        As for `simulate`.

    Raises
    ------
    OutputError
        If a file is there that huggins did not write.
    """
    if out.suffix.lower() in _ONE_FILE:
        check_replaceable(out)
        return
    ours = same_columns(labels_header().strip().split(","))
    check_replaceable(out / "labels.csv", columns=ours)
    if resume or not out.is_dir():
        return
    known = {spec_name(number) for number in range(recipe.count)}
    for path in out.glob("spec-*.fits"):
        if path.name in known and not is_mock(path):
            raise OutputError(
                f"{path}: exists and is no mock: name another folder, or add --overwrite to "
                "replace it"
            )


def _keep(kept: Path, number: int, mocks: Mocks, *, pixels: bool) -> None:
    arrays: dict[str, Any] = {"kind": mocks.kind, "z": mocks.z, "sn": mocks.sn}
    if pixels:
        arrays |= {"flux": mocks.flux, "ivar": mocks.ivar}
    with replacing(kept / f"{number}.npz") as file:
        np.savez(file, **arrays)


def _kept(recipe: Recipe, kept: Path) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Yield all lots with the rows that they fill."""
    first = 0
    for number in range(-(-recipe.count // LOT)):
        with np.load(kept / f"{number}.npz") as file:
            arrays = {name: file[name] for name in file.files}
        rows = slice(first, first + len(arrays["kind"]))
        first = rows.stop
        yield rows, arrays


def _write_dataset(
    recipe: Recipe, grid: LogGrid, kept: Path, out: Path, described: str
) -> None:
    import h5py

    count = recipe.count
    with temporary_path(out) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["huggins_schema"] = SCHEMA
        file.attrs["loglam_start"] = grid.start
        file.attrs["loglam_step"] = grid.step
        file.attrs["classes"] = " ".join(ALL_CLASSES)
        file.attrs["mocks"] = described
        chunks = (min(_CHUNK_ROWS, count), grid.size)
        for name in ("flux", "ivar"):
            file.create_dataset(name, (count, grid.size), "f4", chunks=chunks)
        text = h5py.string_dtype()
        for name, kind in (("class_index", "i1"), ("z", "f8"), ("sn", "f4"), ("trust", "i1")):
            file.create_dataset(name, (count,), kind)
        for name in ("class", "object", "survey"):
            file.create_dataset(name, (count,), text)
        for rows, arrays in _kept(recipe, kept):
            kinds = [ALL_CLASSES[index] for index in arrays["kind"]]
            file["flux"][rows], file["ivar"][rows] = arrays["flux"], arrays["ivar"]
            file["class_index"][rows], file["z"][rows] = arrays["kind"], arrays["z"]
            file["sn"][rows], file["trust"][rows] = arrays["sn"], 3
            file["class"][rows] = [BROAD.get(kind, "") for kind in kinds]
            numbers = range(rows.start, rows.stop)
            file["object"][rows] = [f"mock {recipe.seed}-{i}" for i in numbers]
            file["survey"][rows] = [recipe.survey] * len(kinds)


def _write_arrays(recipe: Recipe, grid: LogGrid, kept: Path, out: Path) -> None:
    """Write a .npz whose arrays need not fit into memory."""
    shapes = {
        "flux": ("f4", (recipe.count, grid.size)),
        "ivar": ("f4", (recipe.count, grid.size)),
        "kind": ("i8", (recipe.count,)),
        "z": ("f8", (recipe.count,)),
        "sn": ("f8", (recipe.count,)),
    }
    whole = {
        name: np.lib.format.open_memmap(kept / f"{name}.npy", "w+", dtype, shape)
        for name, (dtype, shape) in shapes.items()
    }
    for rows, arrays in _kept(recipe, kept):
        for name, array in whole.items():
            array[rows] = arrays[name]
    for array in whole.values():
        array.flush()
    np.save(kept / "loglam.npy", grid.loglam)
    np.save(kept / "kinds.npy", np.array(ALL_CLASSES))
    with replacing(out) as whole_file, zipfile.ZipFile(whole_file, "w") as file:
        for name in (*shapes, "loglam", "kinds"):
            file.write(kept / f"{name}.npy", f"{name}.npy")
        file.comment = CREATOR.encode()


def _spec_files(mocks: Mocks, recipe: Recipe, number: int, grid: LogGrid, out: Path) -> None:
    out.mkdir(exist_ok=True)
    for i in range(len(mocks.kind)):
        path = out / spec_name(number * LOT + i)
        if not path.is_file():
            write_spec(path, mocks, i, number * LOT + i, grid, recipe.survey)


def _write_labels(recipe: Recipe, kept: Path, out: Path) -> None:
    with replacing(out / "labels.csv", "w", encoding="utf-8") as file:
        file.write(labels_header())
        for rows, arrays in _kept(recipe, kept):
            for i in range(len(arrays["kind"])):
                kind, z, sn = (arrays[name][i] for name in ("kind", "z", "sn"))
                file.write(labels_row(rows.start + i, ALL_CLASSES[kind], z, sn, recipe.survey))
