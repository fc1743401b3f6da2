"""Labelled real spectra, from wherever they are: a folder, a user's table, a data set."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.plurals import counted
from huggins.prepare import STANDARD, LogGrid
from huggins.spectrum import Spectrum
from huggins.tables.labels import ASSUMED_TRUST, SKY, class_of, find_roles
from huggins.tables.read import read_columns
from huggins.taxonomy import ALL_CLASSES, BROAD, CLASSES
from huggins.train.data import Real, allowed_by, read_real, stand_ins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.train.config import DataConfig

#: Roles of the columns that are used.
ROLES: Final = (
    *(
        "path",
        "index",
        "class3",
        "class13",
        "subclass",
        "z",
        "object",
        "fold",
        "trust",
        "survey",
    ),
    *("label_from", "sn"),
)
#: Folds that objects fall into where the labels name none.
FOLDS: Final = 5
_DATASET: Final = (".h5", ".hdf5")
# Columns of a data set that may be missing, and what is then taken.
_DEFAULTS: Final = {
    **dict.fromkeys(("object", "file", "survey", "class"), ""),
    **{"z": np.nan, "trust": ASSUMED_TRUST},
}
# Rows of a data set that are read at a time.
_BLOCK: Final = 1024


def labelled(
    data: DataConfig, folds: Sequence[int], progress: Callable[[str], None] | None = None
) -> Real:
    """Read the labelled spectra of these folds.

    Where an experiment learns from mocks alone and has no labelled spectra, those whose noise
    ships with huggins stand in (`huggins.train.data.stand_ins`).

    Parameters
    ----------
    data
        Its `spectra` is a folder with ``labels.csv``, a table of labels (CSV), or the HDF5 file
        of a data set.
    folds
    progress
        Called with the number of labelled spectra that cannot be read, or with a line that says
        that there are none.

    Raises
    ------
    InputError
        If there is no such table, a label is none of the 13 classes, or nothing is left.
    """
    path = Path(data.spectra)
    if mocks_alone(data):
        if progress is not None:
            progress(
                f"no labelled spectra ({data.spectra or 'spectra is empty'}): mocks alone, the "
                "noise that ships with huggins; calibration and figures are of mocks too"
            )
        return stand_ins()
    if path.suffix.lower() in _DATASET:
        return _from_dataset(path, folds, data.trust)
    labels = read_labels(path, folds, data.trust)
    if not labels:
        raise InputError(_none_left(path, folds, data.trust))
    real = read_real(path if path.is_dir() else path.parent, labels)
    if progress is not None and len(real) < len(labels):
        count = len(labels) - len(real)
        progress(f"{count} of {len(labels)} labelled spectra cannot be read or have no errors")
    return real


def _none_left(path: Path, folds: Sequence[int], trust: int) -> str:
    """Return why there are no labels in some folds, and what to do."""
    every = read_labels(path)
    trusted = [row for row in every if int(row["trust"]) >= trust]
    asked = ", ".join(map(str, sorted(folds)))
    if not trusted:
        most = max(int(row["trust"]) for row in every)
        return (
            f"{path}: none of the {counted(len(every), 'label')} has trust {trust} or more (at "
            f"most {most}): check column trust, or lower `trust` in [data]"
        )
    there = sorted({int(row["fold"]) for row in trusted})
    objects = len({row["object"] for row in trusted})
    return (
        f"{path}: none of the {counted(len(trusted), 'label')} of trust {trust} or more is in "
        f"fold {asked}: they are of {counted(objects, 'object')} in fold "
        f"{', '.join(map(str, there))}. Folds are made of whole objects: label more (some "
        f"{10 * FOLDS} objects at least), or change `folds`, `choose` or `test` in [data]"
    )


def mocks_alone(data: DataConfig) -> bool:
    """Whether an experiment needs no labelled spectra, and there are none."""
    path = Path(data.spectra)
    there = bool(data.spectra) and (path.is_file() or (path / "labels.csv").is_file())
    return data.real_share == 0.0 and not there


def folds_of(data: DataConfig) -> list[int]:
    """All folds that there are outside `data.test`."""
    path = Path(data.spectra)
    if path.suffix.lower() in _DATASET:
        found = set(_columns_of(path)["fold"])
    else:
        found = {int(row["fold"]) for row in read_labels(path, trust=data.trust)}
    return sorted(found - set(data.test))


def fold_of(name: str) -> int:
    """Fold of an object by its name alone: the same everywhere, whatever else there is."""
    return zlib.crc32(name.encode()) % FOLDS


def read_labels(
    path: str | Path, folds: Sequence[int] | None = None, trust: int = 0
) -> list[dict[str, str]]:
    """Read a table of labels, with its columns named by their role.

    A table with a column of paths (of the spectra, relative to the table's folder) and one of
    classes (one of the 13, NONE, or a survey's own name), and optionally others of `ROLES`.
    Spectra of one object have the same ``object``, which also determines a missing ``fold``.

    Parameters
    ----------
    path
        The table, or a folder with ``labels.csv``.
    folds
        Folds to read; all by default.
    trust
        Least trust.

    Raises
    ------
    InputError
        If it cannot be read, a column is missing, or a label is none of the classes.
    """
    path = Path(path)
    path = path if path.is_file() else path / "labels.csv"
    columns = read_columns(path)
    roles = find_roles(str(path), columns.names, None, ROLES, option="")
    if "path" not in roles:
        raise InputError(
            f"{path}: there is no column path with the files of the spectra; there are "
            f"{', '.join(columns.names)}"
        )
    names = {name: role for role, name in roles.items()}
    labels = []
    for i, row in enumerate(columns.rows(), start=1):
        given = {names.get(name, name): text for name, text in row.items()}
        label = _completed(given, f"{path}, row {i}")
        if (folds is None or int(label["fold"]) in folds) and int(label["trust"]) >= trust:
            labels.append(label | _classes(given, f"{path}, row {i}"))
    return labels


def _completed(given: dict[str, str], where: str) -> dict[str, str]:
    """Return a row of labels with the defaults of what it does not say."""
    label = dict.fromkeys(ROLES, "") | given
    label["label_from"] = label["label_from"] or "visual"
    try:
        float(label["z"] or "nan")
        label["index"] = number = str(int(float(label["index"] or 0)))
        # Spectra of one file, such as a plate, are of as many objects.
        one = label["path"] + (f"[{number}]" if number != "0" else "")
        label["object"] = label["object"] or one
        label["trust"] = str(int(label["trust"] or ASSUMED_TRUST))
        label["fold"] = str(int(label["fold"] or fold_of(label["object"])))
    except ValueError as error:
        raise InputError(
            f"{where}: z, trust, fold and index must be numbers: {error}"
        ) from error
    return label


def _classes(given: dict[str, str], where: str) -> dict[str, str]:
    """Return class3 and class13 of a row of labels."""
    name = given.get("class13", "")
    word = given.get("class3") or name
    if {name.upper(), word.upper()} & {"NONE", SKY}:
        return {"class3": SKY, "class13": name}
    broad, sub = class_of(word, name if name.upper() in CLASSES else given.get("subclass", ""))
    if not sub and broad != "STAR":
        raise InputError(
            f"{where}: {name or word!r} is none of the classes {', '.join(ALL_CLASSES)}: "
            "correct the label or leave the row out"
        )
    return {"class3": broad, "class13": sub}


def _columns_of(path: Path) -> dict[str, Any]:
    """Truth and identity of every row of a data set, with its fold."""
    import h5py

    try:
        with h5py.File(path) as file:
            if "class_index" not in file or "huggins_schema" not in file.attrs:
                raise InputError(
                    f"{path}: no data set with truth: it needs class_index "
                    "(docs/reference/dataset.md)"
                )
            names = str(file.attrs["classes"]).split()
            index = file["class_index"][:].astype(int)
            found: dict[str, Any] = {"index": index}
            for key, default in _DEFAULTS.items():
                if key not in file:
                    found[key] = np.full(len(index), default)
                elif isinstance(default, str):
                    found[key] = file[key].asstr(errors="replace")[:]
                else:
                    found[key] = file[key][:]
            fold, split = (file[key][:] if key in file else None for key in ("fold", "split"))
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as a data set: {error}") from error
    wrong = sorted(set(names) - set(ALL_CLASSES)) or (
        ["numbers outside them"] if index.max(initial=-1) >= len(names) else []
    )
    if wrong:
        raise InputError(
            f"{path}: its classes are {' '.join(names)}: {', '.join(wrong)} is none of "
            f"{', '.join(ALL_CLASSES)}"
        )
    found["kind"] = [names[i] if i >= 0 else "" for i in index]
    objects = [name or f"row {i}" for i, name in enumerate(found["object"])]
    if fold is not None:
        found["fold"] = fold.tolist()
    elif split is not None:
        found["fold"] = list(map(_fold_in, objects, split.tolist()))
    else:
        found["fold"] = list(map(fold_of, objects))
    return found


def _fold_in(name: str, split: int) -> int:
    """Fold of an object of a data set's split: train 2 or 3, validation 4, test 0 or 1.

    These are what the folds are for in a configuration that says nothing else.
    """
    half = zlib.crc32(name.encode()) % 2
    return {0: 2 + half, 1: 4, 2: half}.get(split, 4)


def _from_dataset(path: Path, folds: Sequence[int], trust: int) -> Real:
    columns = _columns_of(path)
    use = np.isin(columns["fold"], list(folds)) & (columns["trust"] >= trust)
    # A star of unknown type is of use, and nothing else without a class.
    use &= (columns["index"] >= 0) | (columns["class"] == "STAR")
    rows = np.flatnonzero(use)
    if not len(rows):
        raise InputError(
            f"{path}: no labelled spectrum of trust {trust} or more in fold "
            f"{', '.join(map(str, folds))}"
        )
    labels = [_label(columns, int(i), path) for i in rows]
    flux, ivar = _pixels(path, use)
    loglam = STANDARD.grid.loglam
    spectra = [Spectrum(loglam, f, v) for f, v in zip(flux, ivar, strict=True)]
    allowed: NDArray[np.bool_] = np.stack([allowed_by(row) for row in labels])
    return Real(labels, spectra, flux, ivar, allowed, np.asarray(columns["z"], float)[rows])


def _label(columns: dict[str, Any], i: int, path: Path) -> dict[str, str]:
    kind, z = columns["kind"][i], float(columns["z"][i])
    trust = int(columns["trust"][i])
    return {
        "path": columns["file"][i] or f"{path.name}[{i}]",
        "survey": columns["survey"][i],
        "object": columns["object"][i],
        "fold": str(columns["fold"][i]),
        "label_from": "visual" if trust >= 3 else "pipeline",
        "trust": str(trust),
        "class3": "SKY" if kind == "NONE" else BROAD.get(kind, "STAR"),
        "class13": "" if kind == "NONE" else kind,
        "subclass": "",
        "z": f"{z}" if np.isfinite(z) else "",
        "sn": "",
    }


def _pixels(
    path: Path, use: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Flux and ivar of some rows on the standard grid, (N, G) each, read in blocks."""
    import h5py

    parts = []
    with h5py.File(path) as file:
        start, step = (float(file.attrs[f"loglam_{name}"]) for name in ("start", "step"))
        grid = LogGrid(start, step, file["flux"].shape[1])
        for first in range(0, len(use), _BLOCK):
            rows = slice(first, first + _BLOCK)
            flux, ivar = (np.asarray(file[n][rows], "f4")[use[rows]] for n in ("flux", "ivar"))
            if not np.allclose((start, step), (STANDARD.grid.start, STANDARD.grid.step)):
                pairs = zip(flux, ivar, strict=True)
                flux, ivar = STANDARD.rebin([Spectrum(grid.loglam, f, v) for f, v in pairs])
            good = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
            parts.append((np.where(good, flux, 0.0), np.where(good, ivar, 0.0)))
    flux, ivar = (np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True))
    return flux, ivar
