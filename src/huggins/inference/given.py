"""Redshifts that are given: in a column of the list of inputs, in a table, or by the survey.

A table says of which spectrum each redshift is as everywhere: by path (and INDEX), by PLATE,
MJD and FIBERID, by SPECOBJID or by TARGETID. Without INDEX a path is that of the first spectrum
of the file, unless the identifiers beside it are those of another.
"""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from huggins.errors import InputError, ReadError
from huggins.plurals import counted
from huggins.quality import ZWarning
from huggins.redshift.basis import all_limits, load_basis
from huggins.tables.keys import rounded
from huggins.tables.labels import ROLES, find_roles
from huggins.tables.match import path_parts, same_end
from huggins.tables.read import open_table, read_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from huggins.spectrum import Spectrum
    from huggins.tables.columns import Columns

    Item = Spectrum | ReadError

#: Names the redshift of the survey's own pipeline.
PIPELINE: Final = "PIPE_Z"
#: What the metadata of a table of results says of the redshifts that were given.
KEY: Final = "ZGIVEN"
_KEYS: Final = ("path", "index", "plate", "mjd", "fiberid", "specobjid", "targetid")
_NUMBERS: Final = ("plate", "mjd", "fiberid")
_WORDS: Final = ("specobjid", "targetid")


class _Row(NamedTuple):
    """A redshift of a path: names along it, index in the file, and other identifiers."""

    parts: tuple[str, ...]
    place: int
    z: float
    #: Of a table without INDEX, where they tell which spectrum of the file it is.
    keys: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """Redshifts by spectrum.

    Attributes
    ----------
    source
        What they come from, for messages; empty: nothing is given.
    digest
        Hash of all of them, which the results depend on.
    known : dict
        Redshift by key: of a path the places in `paths`, else the redshift itself.
    paths : tuple
        Rows with a path.
    """

    source: str
    digest: str = ""
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    paths: tuple[_Row, ...] = ()

    def of(self, spectrum: Spectrum) -> float:
        """Return the redshift given for one spectrum; NaN where there is none.

        Raises
        ------
        InputError
            If two different ones are given.
        """
        if self.source == PIPELINE:
            z = spectrum.pipeline.z
            return np.nan if z is None else float(z)
        key: tuple[Any, ...] = ("object", id(spectrum))
        if key in self.known:
            return float(self.known[key])
        own = [key for key in _keys_of(spectrum) if None not in key]
        if mine := self._by_path(spectrum, {key[0]: key for key in own}):
            return self._only([row.z for row in mine], spectrum.file)
        for key in own:
            if key in self.known:
                return self._only(self.known[key], spectrum.file)
        return np.nan

    def _by_path(self, spectrum: Spectrum, own: dict[str, tuple[Any, ...]]) -> list[_Row]:
        """Return the rows of one spectrum, by its path; `own` are its identifiers."""
        parts = path_parts(spectrum.file)
        rows = self.known.get(("path", parts[0]), ()) if parts else ()
        mine = [self.paths[n] for n in rows if self.paths[n].place == spectrum.index]
        mine = [row for row in mine if same_end(parts, row.parts)]
        mine = [row for row in mine if row.parts == parts] or mine
        mine = [row for row in mine if all(own.get(k[0], k) == k for k in row.keys)]
        if len({row.keys for row in mine}) > 1:  # several spectra: not the path tells which
            mine = [row for row in mine if any(k[0] in own for k in row.keys)]
        return mine

    def _only(self, values: Sequence[float], what: str) -> float:
        different = sorted({value for value in values if np.isfinite(value)})
        if len(different) > 1:
            raise InputError(
                f"{self.source}: gives {what} the redshifts {different[0]:g} and "
                f"{different[1]:g}: keep one of these rows"
            )
        return different[0] if different else np.nan

    @property
    def many(self) -> bool:
        """Whether there is a table of them, or they are of objects in this process."""
        return bool(self.known)

    def resolved(self, items: list[Item]) -> tuple[list[Item], NDArray[np.float64] | None]:
        """Return spectra or errors, and the redshifts of the spectra; None without any."""
        if not self.source:
            return items, None
        pairs = [self.usable(item) for item in items]
        known = [z for item, z in pairs if not isinstance(item, ReadError)]
        return [item for item, _ in pairs], np.array(known)

    def usable(self, item: Item) -> tuple[Item, float]:
        """Return a spectrum and its redshift, or why it cannot be classified at one."""
        if isinstance(item, ReadError):
            return item, np.nan
        low, high = all_limits(load_basis())
        what, z = "", np.nan
        try:
            z = self.of(item)
        except InputError as error:  # two of them: the others can be classified
            what = str(error)
        if low <= z <= high:
            return item, z
        if np.isnan(z):
            what = what or f"no redshift is given for this spectrum (--z {self.source})"
        else:
            what = (
                f"the redshift given for this spectrum, {z:g}, is none: they go from "
                f"{low:.3f} to {high:g} (--z {self.source})"
            )
        unusable = ReadError(what, item.file, item.index)
        unusable.spectrum = item
        return unusable, np.nan


#: Nothing is given.
NOTHING: Final = Given("")


def given_redshifts(
    word: str, inputs: Iterable[str] = (), tables: Iterable[str | Path | None] = ()
) -> Given:
    """Return the redshifts that ``--z`` names.

    Parameters
    ----------
    word
        A table with a column of redshifts, or the name of a column of the lists among the
        inputs or of other `tables`; `PIPELINE`: those of the survey's pipeline.
    inputs
        Arguments of the command, of which ``@list.csv`` are lists.
    tables
        Further tables that choose the inputs.

    Raises
    ------
    InputError
        If there is no such table or column, or it holds no redshifts.
    """
    if not word.strip():
        raise InputError(
            "--z is empty: name a table with redshifts, a column of the inputs' list or "
            f"{PIPELINE}, or leave it out"
        )
    if word.upper() == PIPELINE:
        return Given(PIPELINE, PIPELINE)
    if Path(word).is_file():
        columns = read_columns(word)
        roles = find_roles(word, columns.names, None, ("z", *_KEYS), option="--z")
        if "z" not in roles:
            raise InputError(
                f"--z {word}: no column is called {', '.join(ROLES['z'].names)}; there are "
                f"{', '.join(columns.names)}"
            )
        return _of_tables(word, [(columns, roles["z"])])
    lists = [name[1:] for name in inputs if name.startswith("@")]
    chosen = []
    for path in (*lists, *(str(table) for table in tables if table is not None)):
        try:
            names = open_table(path, upper=False).names
        except InputError:  # a plain list of paths
            continue
        own = {name.lower(): name for name in reversed(names)} | {name: name for name in names}
        if column := own.get(word, own.get(word.lower())):
            chosen.append((read_columns(path), column))
    if not chosen:
        raise InputError(
            f"--z {word}: is no file, and no list (@LIST) or table (--rows) of the inputs has "
            "a column of that name; for those of the survey's pipeline write "
            f"{PIPELINE}"
        )
    return _of_tables(word, chosen)


def given_objects(items: Sequence[Item], z: ArrayLike) -> tuple[list[Item], Given]:
    """Return redshifts for spectra in memory, one for each, in order, or one for all.

    Returns
    -------
    items : list
        The spectra to classify at them; one that comes again is a copy, with a redshift of
        its own.
    given : Given

    Raises
    ------
    InputError
        If there are more or fewer of them.
    """
    values = np.ma.filled(np.ma.asarray(z, np.float64), np.nan)
    values = np.repeat(values, len(items)) if values.ndim == 0 else values
    if len(items) != len(values):
        raise InputError(
            f"z: {counted(len(values), 'redshift')} for {counted(len(items), 'spectrum')}: "
            "give one for each, or one for all"
        )
    known: dict[tuple[Any, ...], Any] = {}
    own: list[Item] = []
    for item, value in zip(items, values.tolist(), strict=True):
        mine = copy(item) if ("object", id(item)) in known else item
        known["object", id(mine)] = value
        own.append(mine)
    return own, Given("z", "z", known)


def were_given(table: Columns) -> bool:
    """Whether the redshifts of a table of results were given.

    Its header says so; where there is none, as in CSV, redshifts that the fit compared with
    others (DELTACHI2) and found a minimum for have an error if they were found.
    """
    if table.metadata:
        return KEY in table.metadata
    needed = ("Z", "Z_ERR", "DELTACHI2", "ZWARNING")
    if any(name not in table for name in needed):
        return False
    z, error, gap, bits = (table.number(name) for name in needed)
    fitted = np.isfinite(z) & np.isfinite(gap) & np.isfinite(bits)
    fitted[fitted] = bits[fitted].astype(int) & ZWarning.BAD_MINFIT == 0
    return bool(fitted.any()) and not np.isfinite(error[fitted]).any()


def _of_tables(source: str, tables: Sequence[tuple[Columns, str]]) -> Given:
    """Return the redshifts in a column of each of some tables."""
    known: dict[tuple[Any, ...], Any] = {}
    paths: list[_Row] = []
    digest = hashlib.sha256(source.encode())
    for columns, column in tables:
        roles = find_roles(columns.path, columns.names, None, _KEYS, option="--z")
        z = columns.number(column).tolist()
        keys = list(_keys(source, columns, roles))
        for row, value in zip(keys, z, strict=True):
            for key in row:
                known.setdefault(key, []).append(value)
        digest.update(repr(sorted(roles)).encode())
        files = [""] * len(z)
        places = [0] * len(z)
        if "path" in roles:
            files = columns.text(roles["path"]).tolist()
            if "index" in roles:
                index = columns.number(roles["index"])
                places = np.nan_to_num(index).astype(int).tolist()
            for path, place, value, row in zip(files, places, z, keys, strict=True):
                if parts := path_parts(path):
                    known.setdefault(("path", parts[0]), []).append(len(paths))
                    paths.append(_Row(parts, place, value, () if "index" in roles else row))
        for line in zip(z, keys, files, places, strict=True):
            digest.update(repr(line).encode())
    if not known:
        raise InputError(
            f"--z {source}: no column says of which spectrum a redshift is: give the path "
            "(FILE, and INDEX), PLATE, MJD and FIBERID, SPECOBJID or TARGETID"
        )
    return Given(source, digest.hexdigest()[:16], known, tuple(paths))


def _keys_of(spectrum: Spectrum) -> tuple[tuple[Any, ...], ...]:
    """Return what identifies a spectrum beside its path, None where it is not known."""
    return (
        ("plate", spectrum.plate, spectrum.mjd, spectrum.fiberid),
        ("specobjid", spectrum.specobjid),
        ("targetid", spectrum.targetid),
    )


def _keys(
    source: str, columns: Columns, roles: dict[str, str]
) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """Yield what identifies the spectrum of each row of a table, as `_keys_of` does.

    Raises
    ------
    InputError
        If long numbers were rounded.
    """
    found: list[list[tuple[Any, ...]]] = [[] for _ in range(len(columns))]
    if all(name in roles for name in _NUMBERS):
        numbers = np.stack([columns.number(roles[name]) for name in _NUMBERS], axis=1)
        for row, key in zip(found, numbers.tolist(), strict=True):
            if np.isfinite(key).all():
                row.append(("plate", *map(int, key)))
    for name in _WORDS:
        if name in roles:
            words = columns.text(roles[name]).tolist()
            if why := rounded(words, columns.path, roles[name]):
                raise InputError(f"--z {source}: {why}")
            for row, word in zip(found, words, strict=True):
                if word.strip("0-"):
                    row.append((name, word))
    yield from map(tuple, found)
