"""Labels for spectra: from a table of targets, or from the survey's pipeline.

A table is turned into arrays sorted by key, written to disk, and mapped into memory by each
process that needs it: five million targets take 300 MB once, however many processes share them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.tables.labels import ASSUMED_TRUST, broad_class, first_column
from huggins.tables.read import open_table
from huggins.taxonomy import BROAD, INDEX, from_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.tables.chunks import Chunk

_SUBCLASS: Final = ("CLASS13", "SUBCLASS")
_OTHERS: Final = (
    *("PLATE", "MJD", "FIBERID", "SPECOBJID", "TARGETID", "CATALOGID"),
    *("Z", "TRUST", "OBJECT", "LABEL_FROM"),
)
_ROUNDED: Final = re.compile(r"[+-]?\d+(\.\d*([eE][+-]?\d+)?|[eE][+-]?\d+)")
_BROADS: Final = ("", "STAR", "GALAXY", "QSO")


@dataclass(frozen=True, slots=True)
class Label:
    """The label of a spectrum.

    Attributes
    ----------
    index : int
        Place among the 13 classes, -1 where it is not known.
    cls : str
        STAR, GALAXY, QSO or empty.
    z : float
        NaN where it is not known.
    trust : int
        3 certain, 2 without warning, 1 with warning, 0 unknown.
    object : str
        Same text, same object; empty where it is not known.
    """

    index: int = -1
    cls: str = ""
    z: float = float("nan")
    trust: int = 0
    object: str = ""


def from_pipeline(spectrum: Spectrum) -> Label:
    """Return the label that the survey's own pipeline gave a spectrum."""
    pipeline = spectrum.pipeline
    broad = broad_class(pipeline.cls)
    if broad not in _BROADS[1:]:
        return Label()
    name = from_label(pipeline.cls, pipeline.subclass)
    return Label(
        INDEX[name] if name else -1,
        broad,
        float("nan") if pipeline.z is None else pipeline.z,
        2 if pipeline.zwarning == 0 else 1,
    )


# A row of the table of labels. `row` is that of the user's table, `group` counts objects.
_ROW: Final = np.dtype(
    [
        ("key", "u8"),
        ("index", "i1"),
        ("cls", "i1"),
        ("trust", "i1"),
        ("z", "f8"),
        ("row", "i8"),
        ("object", "i8"),
    ]
)


def compile_table(path: Path, folder: Path, column: str = "") -> int:
    """Write the labels of a table of targets for `Labels` to read.

    Parameters
    ----------
    path
        Of `huggins catalog`, or any table with columns for the identity of the spectra (PLATE,
        MJD, FIBERID; SPECOBJID; TARGETID; or PATH, the spectra's files, as seen from the
        table), CLASS13 or SUBCLASS (one of the 13 classes), and, where it has them, CLASS, Z,
        TRUST and OBJECT.
    folder
        Where the labels go; they are read with `Labels`.
    column
        Name of the column that holds the class, in place of these.

    Returns
    -------
    int
        Rows of the table.

    Raises
    ------
    InputError
        If the table cannot be read or lacks columns.
    """
    table = open_table(path)
    held = set(table.names)
    subclass = (
        _chosen(column, held, str(path))
        if column
        else (first_column("class13", held) or first_column("subclass", held))
    )
    if not subclass:
        raise InputError(
            f"{path}: there is no column {' or '.join(_SUBCLASS)} with the class: name it with "
            f"--label-column; the columns are {', '.join(table.names[:40])}"
        )
    identities = ({"PLATE", "MJD", "FIBERID"}, {"SPECOBJID"}, {"TARGETID"}, {"CATALOGID"})
    if not first_column("path", held) and not any(names <= held for names in identities):
        raise InputError(
            f"{path}: nothing says which spectra its rows are: give columns PLATE, MJD and "
            f"FIBERID, or SPECOBJID, TARGETID or PATH; the columns are "
            f"{', '.join(table.names[:40])}"
        )
    wanted = tuple(
        name
        for name in dict.fromkeys(
            (
                *(subclass, _beside(subclass, held), *_SUBCLASS, *_OTHERS),
                *(first_column("class3", held), first_column("path", held)),
            )
        )
        if name in held
    )
    parts: list[NDArray[Any]] = []
    rows = 0
    with (folder / "objects.bin").open("wb") as objects:
        for chunk in table.chunks(wanted):
            parts.extend(_rows(chunk, subclass, path.absolute().parent, objects))
            rows += len(chunk)
    every = np.concatenate(parts) if parts else np.zeros(0, _ROW)
    if rows and not (every["index"] >= 0).any():
        raise InputError(
            f"{path}: column {subclass} holds none of the 13 classes ({' '.join(INDEX)}): name "
            "the right one with --label-column"
        )
    every = every[np.argsort(every["key"], kind="stable")]
    np.save(folder / "labels.npy", every)
    # By itself, because a search in a column of a table would copy the column first.
    np.save(folder / "keys.npy", np.ascontiguousarray(every["key"]))
    (folder / "labels.json").write_text(json.dumps({"paths": bool(first_column("path", held))}))
    return rows


def _rows(chunk: Chunk, subclass: str, root: Path, objects: Any) -> Iterator[NDArray[Any]]:
    """Yield the labels of a chunk once for each way of naming its spectra."""
    count = len(chunk)
    base = np.zeros(count, _ROW)
    base["row"] = chunk.start + np.arange(1, count + 1)
    base["index"] = _indices(chunk, subclass)
    column, usual = _beside(subclass, chunk), first_column("class3", chunk)
    base["cls"] = _broads(chunk, base["index"], column)
    base["z"] = chunk.number("Z") if "Z" in chunk else np.nan
    if column != usual:
        # A label that was corrected to another class leaves no redshift to rely on.
        before = _broads(chunk, np.full(count, -1, np.int8), usual)
        base["z"][(before > 0) & (before != base["cls"])] = np.nan
    trust = chunk.integer("TRUST", 0) if "TRUST" in chunk else np.full(count, ASSUMED_TRUST)
    base["trust"] = np.clip(trust, 0, 3)
    base["object"] = -1
    if "OBJECT" in chunk:
        for row, name in enumerate(chunk.text("OBJECT").tolist()):
            if name:
                base["object"][row] = objects.tell()
                objects.write(name + b"\n")
    for keys in _keys(chunk, root):
        named = keys != 0
        part = base[named]
        part["key"] = keys[named]
        yield part


def _indices(chunk: Chunk, subclass: str) -> NDArray[np.int8]:
    """Return the places of the classes among the 13; other words mean that it is not known."""
    words, inverse = np.unique(chunk.text(subclass), return_inverse=True)
    known = [INDEX.get(word.decode("latin-1").strip().upper(), -1) for word in words.tolist()]
    return np.array(known, np.int8)[inverse]


def _beside(subclass: str, held: Any) -> str:
    """Return the column of STAR, GALAXY and QSO that goes with one of the 13 classes.

    That of SUBCLASS_NEW, which `huggins labels` writes, is CLASS_NEW.
    """
    name = subclass.replace("SUBCLASS", "CLASS")
    return name if name != subclass and name in held else first_column("class3", held)


def _broads(chunk: Chunk, index: NDArray[np.int8], column: str) -> NDArray[np.int8]:
    names = list(INDEX)
    own = np.array([_BROADS.index(BROAD[name]) for name in names] + [0], np.int8)[index]
    if not column:
        return own
    words, inverse = np.unique(chunk.text(column), return_inverse=True)
    broads = [broad_class(word.decode("latin-1")) for word in words.tolist()]
    said = [_BROADS.index(broad) if broad in _BROADS else 0 for broad in broads]
    return np.where(index >= 0, own, np.array(said, np.int8)[inverse]).astype(np.int8)


def _keys(chunk: Chunk, root: Path) -> Iterator[NDArray[np.uint64]]:
    """Yield the keys of all rows, 0 where a row has none, for each way of naming spectra."""
    count = len(chunk)
    path = first_column("path", chunk)
    if path:
        words = (word.decode("utf-8", "surrogateescape") for word in chunk.text(path).tolist())
        yield _hashed(str((root / word).resolve()) if word else "" for word in words)
    plate, mjd, fibre = (
        chunk.integer(name).tolist() if name in chunk else [-1] * count
        for name in ("PLATE", "MJD", "FIBERID")
    )
    if "FIBERID" in chunk:
        rows = zip(plate, mjd, fibre, strict=True)
        yield _hashed(f"p{p}-{m}-{f}" if min(p, m, f) > 0 else "" for p, m, f in rows)
    otherwise = bool(path) or "FIBERID" in chunk
    if "SPECOBJID" in chunk:
        longs = _identifiers(chunk, "SPECOBJID", otherwise=otherwise)
        yield _hashed(f"s{word}" if word.strip("0") else "" for word in longs)
    for name in ("TARGETID", "CATALOGID"):
        if name in chunk:
            numbers = _identifiers(chunk, name, otherwise=otherwise)
            rows = zip(numbers, plate, mjd, strict=True)
            yield _hashed(
                "" if not n.strip("0-") else f"t{n}-{p}-{m}" if min(p, m) > 0 else f"t{n}"
                for n, p, m in rows
            )


def _identifiers(chunk: Chunk, name: str, *, otherwise: bool) -> list[str]:
    """Return long numbers as text.

    Raises
    ------
    InputError
        If they went through floating point, which keeps 16 of their 19 digits, and nothing
        else names the spectra.
    """
    words = [word.decode("latin-1") for word in chunk.text(name).tolist()]
    if not otherwise:
        for row, word in enumerate(words, chunk.start + 1):
            if _ROUNDED.fullmatch(word):
                raise InputError(
                    f"{chunk.path}: row {row}: {name} {word} was rounded to a floating-point "
                    "number: export it as text or as a whole number"
                )
    return words


def _hashed(names: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([_hash(name) if name else 0 for name in names], np.uint64)


def _hash(name: str) -> int:
    """Return 64 bits that stand for a name; among ten million, two agree once in 400,000."""
    data = name.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little") or 1


class Labels:
    """The labels of a table, as `compile_table` wrote them.

    Parameters
    ----------
    folder
        Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._rows: Any = np.load(folder / "labels.npy", mmap_mode="r")
        self._keys: Any = np.load(folder / "keys.npy", mmap_mode="r")
        self._paths = bool(json.loads((folder / "labels.json").read_text())["paths"])
        self._objects = folder / "objects.bin"

    def of(self, spectrum: Spectrum) -> Label | str:
        """Return a spectrum's label, or why it has none."""
        names = _names(spectrum, paths=self._paths)
        found = next(filter(len, map(self._at, names)), None)
        if found is None:
            return "not in the table of targets"
        first = found[0]
        for other in found[1:]:
            same = all(first[name] == other[name] for name in ("index", "cls"))
            if not same or abs(first["z"] - other["z"]) > 1e-3 * (1 + abs(first["z"])):
                return (
                    f"the table of targets has it twice with different labels, in rows "
                    f"{first['row']} and {other['row']}"
                )
        return Label(
            int(first["index"]),
            _BROADS[int(first["cls"])],
            float(first["z"]),
            int(first["trust"]),
            self._object(int(first["object"])),
        )

    def _at(self, name: str) -> Any:
        key = np.uint64(_hash(name))
        low = int(np.searchsorted(self._keys, key))
        high = low
        while high < len(self._keys) and self._keys[high] == key:
            high += 1
        return self._rows[low:high]

    def _object(self, place: int) -> str:
        if place < 0:
            return ""
        with self._objects.open("rb") as file:
            file.seek(place)
            return file.readline().rstrip(b"\n").decode("utf-8", "replace")


def _names(spectrum: Spectrum, *, paths: bool) -> Iterator[str]:
    """Yield the ways in which a table may name a spectrum, the surest first."""
    if paths and spectrum.index == 0:
        yield str(Path(spectrum.file).resolve())
    if spectrum.specobjid:
        yield f"s{spectrum.specobjid}"
    plate, mjd = spectrum.plate, spectrum.mjd
    if spectrum.targetid and plate and mjd:
        yield f"t{spectrum.targetid}-{plate}-{mjd}"
    if spectrum.targetid:
        yield f"t{spectrum.targetid}"
    # In SDSS-V several spectra of a field and night may have one fibre number.
    if plate and mjd and spectrum.fiberid and spectrum.survey != "SDSS-V":
        yield f"p{plate}-{mjd}-{spectrum.fiberid}"


@lru_cache(maxsize=2)
def labels_in(folder: str) -> Labels:
    """Return the labels in a folder, opened once in each process."""
    return Labels(Path(folder))


def _chosen(column: str, held: set[str], path: str) -> str:
    if column.upper() not in held:
        raise InputError(
            f"{path}: there is no column {column}; the columns are {', '.join(sorted(held))}"
        )
    return column.upper()
