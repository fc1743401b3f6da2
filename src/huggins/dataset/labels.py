"""Labels for spectra: from a table of targets, or from the survey's pipeline.

A table is turned into arrays sorted by key, written to disk, and mapped into memory by each
process that needs it: five million targets take 300 MB once, however many processes share them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError
from huggins.tables.keys import rounded
from huggins.tables.labels import (
    ASSUMED_TRUST,
    broad_class,
    classes_of,
    first_column,
    known_redshifts,
)
from huggins.tables.read import open_table
from huggins.tables.sky import RADIUS, unit_vectors
from huggins.taxonomy import INDEX, from_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.tables.chunks import Chunk

# Roles of columns that are read where a table has them.
_ROLES: Final = (
    *("path", "plate", "mjd", "fiberid", "specobjid", "targetid", "catalogid", "ra", "dec"),
    *("class3", "class13", "subclass", "z", "trust", "object"),
)
# What names a spectrum, by itself.
_IDENTITIES: Final = (
    *({"path"}, {"plate", "mjd", "fiberid"}, {"specobjid"}, {"targetid"}, {"catalogid"}),
    {"ra", "dec"},
)
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


# A label with its position, for tables that know spectra by nothing else.
_PLACED: Final = np.dtype([("dec", "f8"), ("ra", "f8"), ("label", _ROW)])


def compile_table(path: Path, folder: Path, column: str = "") -> int:
    """Write the labels of a table of targets for `Labels` to read.

    Parameters
    ----------
    path
        Of `huggins catalog`, or any table with columns for the identity of the spectra (PLATE,
        MJD, FIBERID; SPECOBJID; TARGETID; RA, DEC; or PATH, the spectra's files, as seen from
        the table), CLASS13, SUBCLASS or CLASS (one of the 13 classes, or CLASS and SUBCLASS
        as a survey writes them), and, where it has them, Z, TRUST and OBJECT. Other names of
        these columns are in `huggins.tables.labels.ROLES`.
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
    held = {role: name for role in _ROLES if (name := first_column(role, table.names))}
    shown = ", ".join(table.names[:40])
    if column:
        subclass = _chosen(column, set(table.names), str(path))
    else:
        subclass = next(
            (held[role] for role in ("class13", "subclass", "class3") if role in held), ""
        )
    if not subclass:
        raise InputError(
            f"{path}: there is no column CLASS13, SUBCLASS or CLASS with the class: name it "
            f"with --label-column; the columns are {shown}"
        )
    if not any(roles <= held.keys() for roles in _IDENTITIES):
        raise InputError(
            f"{path}: nothing says which spectra its rows are: give columns PLATE, MJD and "
            f"FIBERID, or SPECOBJID, TARGETID, PATH, or RA and DEC; the columns are {shown}"
        )
    beside = _beside(subclass, set(table.names))
    wanted = tuple(dict.fromkeys(filter(None, (subclass, beside, *held.values()))))
    parts: list[NDArray[Any]] = []
    places: list[NDArray[Any]] = []
    rows = 0
    with (folder / "objects.bin").open("wb") as objects:
        for chunk in table.chunks(wanted):
            base = _rows(chunk, held, subclass, beside, objects)
            for keys in _keys(chunk, held, path.absolute().parent):
                named = keys != 0
                part = base[named]
                part["key"] = keys[named]
                parts.append(part)
            if {"ra", "dec"} <= held.keys():
                places.append(_places(chunk, held, base))
            rows += len(chunk)
    every = np.concatenate(parts) if parts else np.zeros(0, _ROW)
    sky = np.concatenate(places) if places else np.zeros(0, _PLACED)
    if rows and not ((every["index"] >= 0).any() or (sky["label"]["index"] >= 0).any()):
        raise InputError(
            f"{path}: column {subclass} holds none of the 13 classes ({' '.join(INDEX)}): name "
            "the right one with --label-column"
        )
    every = every[np.argsort(every["key"], kind="stable")]
    np.save(folder / "labels.npy", every)
    # By itself, because a search in a column of a table would copy the column first.
    np.save(folder / "keys.npy", np.ascontiguousarray(every["key"]))
    np.save(folder / "sky.npy", sky[np.argsort(sky["dec"], kind="stable")])
    (folder / "labels.json").write_text(json.dumps({"paths": "path" in held}))
    return rows


def _rows(
    chunk: Chunk, held: dict[str, str], subclass: str, beside: str, objects: Any
) -> NDArray[Any]:
    """Return the labels of a chunk, without keys."""
    count = len(chunk)
    base = np.zeros(count, _ROW)
    base["row"] = chunk.start + np.arange(1, count + 1)
    base["cls"], base["index"] = _classes(chunk, beside, subclass)
    base["z"] = known_redshifts(chunk.number(held["z"])) if "z" in held else np.nan
    usual = held.get("class3", "")
    if beside != usual:
        # A label that was corrected to another class leaves no redshift to rely on.
        before, _ = _classes(chunk, usual, "")
        base["z"][(before > 0) & (before != base["cls"])] = np.nan
    trust = (
        chunk.integer(held["trust"], 0) if "trust" in held else np.full(count, ASSUMED_TRUST)
    )
    base["trust"] = np.clip(trust, 0, 3)
    base["object"] = -1
    if "object" in held:
        for row, name in enumerate(chunk.text(held["object"]).tolist()):
            if name:
                base["object"][row] = objects.tell()
                objects.write(name + b"\n")
    return base


def _classes(
    chunk: Chunk, broad: str, detail: str
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return places of the broad classes and among the 13, each of shape (N,); -1 is unknown.

    A quasar with no detail where a column has details may be a BAL or not: nobody says.
    """
    blank = np.full(len(chunk), b"")
    words = chunk.text(broad) if broad else blank
    details = chunk.text(detail) if detail and detail != broad else blank
    kinds, fine = classes_of(*(np.strings.decode(w, "latin-1") for w in (words, details)))
    open_ = (fine == "QSO") & (details == b"") if detail and detail != broad else False
    one_of = np.where(open_, "", fine)
    places = [np.unique(each, return_inverse=True) for each in (kinds, one_of)]
    broads = [_BROADS.index(k) if k in _BROADS else 0 for k in places[0][0].tolist()]
    indices = [INDEX.get(name, -1) for name in places[1][0].tolist()]
    return np.array(broads, np.int8)[places[0][1]], np.array(indices, np.int8)[places[1][1]]


def _places(chunk: Chunk, held: dict[str, str], base: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of the rows that have a position, with it."""
    placed = np.zeros(len(chunk), _PLACED)
    placed["ra"], placed["dec"] = chunk.number(held["ra"]), chunk.number(held["dec"])
    placed["label"] = base
    known = np.isfinite(placed["ra"]) & (np.abs(placed["dec"]) <= 90.0)
    found: NDArray[Any] = placed[known]
    return found


def _beside(subclass: str, held: Any) -> str:
    """Return the column of STAR, GALAXY and QSO that goes with one of the 13 classes.

    That of SUBCLASS_NEW, which `huggins labels` writes, is CLASS_NEW.
    """
    name = subclass.replace("SUBCLASS", "CLASS")
    return name if name != subclass and name in held else first_column("class3", held)


def _keys(chunk: Chunk, held: dict[str, str], root: Path) -> Iterator[NDArray[np.uint64]]:
    """Yield the keys of all rows, 0 where a row has none, for each way of naming spectra."""
    count = len(chunk)
    if "path" in held:
        names = chunk.text(held["path"]).tolist()
        words = (word.decode("utf-8", "surrogateescape") for word in names)
        yield _hashed(str((root / word).resolve()) if word else "" for word in words)
    plate, mjd, fibre = (
        chunk.integer(held[role]).tolist() if role in held else [-1] * count
        for role in ("plate", "mjd", "fiberid")
    )
    if "fiberid" in held:
        rows = zip(plate, mjd, fibre, strict=True)
        yield _hashed(f"p{p}-{m}-{f}" if min(p, m, f) > 0 else "" for p, m, f in rows)
    otherwise = "path" in held or "fiberid" in held
    if "specobjid" in held:
        longs = _identifiers(chunk, held["specobjid"], otherwise=otherwise)
        yield _hashed(f"s{word}" if word.strip("0") else "" for word in longs)
    for role in ("targetid", "catalogid"):
        if role in held:
            numbers = _identifiers(chunk, held[role], otherwise=otherwise)
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
        If they went through floating point, and nothing else names the spectra.
    """
    words = [word.decode("latin-1") for word in chunk.text(name).tolist()]
    if not otherwise and (why := rounded(words, chunk.path, name, chunk.start)):
        raise InputError(why)
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
        self._sky: Any = np.load(folder / "sky.npy", mmap_mode="r")
        self._paths = bool(json.loads((folder / "labels.json").read_text())["paths"])
        self._objects = folder / "objects.bin"

    def of(self, spectrum: Spectrum) -> Label | str:
        """Return a spectrum's label, or why it has none."""
        names = _names(spectrum, paths=self._paths)
        found = next(filter(len, map(self._at, names)), None)
        if found is None:
            found = self._near(spectrum.ra, spectrum.dec)
        if not len(found):
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
        low, high = (np.searchsorted(self._keys, key, side) for side in ("left", "right"))
        return self._rows[low:high]

    def _near(self, ra: float | None, dec: float | None) -> Any:
        """Return the labels within a radius of a position: of the row that is nearest."""
        if ra is None or dec is None or not len(self._sky):
            return ()
        reach = RADIUS / 3600.0
        low, high = np.searchsorted(self._sky["dec"], (dec - reach, dec + reach))
        rows = self._sky[low:high]
        apart = unit_vectors(rows["ra"], rows["dec"]) - unit_vectors(
            np.array([ra]), np.array([dec])
        )
        distance = np.linalg.norm(apart, axis=1)
        within = distance <= 2.0 * np.sin(np.radians(reach) / 2.0)
        return rows["label"][within & (distance <= distance.min(initial=np.inf))]

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
