"""Redshifts that are given: in a column of the list of inputs, in a table, or by the survey.

A table says of which spectrum each redshift is as everywhere: by path (and INDEX), by PLATE,
MJD and FIBERID, by SPECOBJID or by TARGETID.
"""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import InputError, ReadError
from huggins.plurals import counted
from huggins.redshift.basis import all_limits, load_basis
from huggins.tables.keys import rounded
from huggins.tables.labels import ROLES, find_roles
from huggins.tables.match import path_parts, same_end
from huggins.tables.read import open_table, read_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from huggins.spectrum import Spectrum
    from huggins.tables.columns import Columns

    Item = Spectrum | ReadError

#: Names the redshift of the survey's own pipeline.
PIPELINE: Final = "PIPE_Z"
_KEYS: Final = ("path", "index", "plate", "mjd", "fiberid", "specobjid", "targetid")


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
    paths : list of tuple
        Names along each path, index in the file, redshift.
    """

    source: str
    digest: str = ""
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    paths: tuple[tuple[tuple[str, ...], int, float], ...] = ()

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
        parts = path_parts(spectrum.file)
        if parts and (rows := self.known.get(("path", parts[0]))):
            mine = [self.paths[n] for n in rows if self.paths[n][1] == spectrum.index]
            mine = [row for row in mine if same_end(parts, row[0])]
            mine = [row for row in mine if row[0] == parts] or mine
            if mine:
                return self._only([row[2] for row in mine], spectrum.file)
        for name, words in (
            ("plate", (spectrum.plate, spectrum.mjd, spectrum.fiberid)),
            ("specobjid", (spectrum.specobjid,)),
            ("targetid", (spectrum.targetid,)),
        ):
            if None not in words and (name, *words) in self.known:
                return self._only(self.known[name, *words], spectrum.file)
        return np.nan

    def _only(self, values: Sequence[float], what: str) -> float:
        different = sorted({value for value in values if np.isfinite(value)})
        if len(different) > 1:
            raise InputError(
                f"{self.source}: gives {what} the redshifts {different[0]:g} and "
                f"{different[1]:g}: keep one of these rows"
            )
        return different[0] if different else np.nan

    def usable(self, item: Item) -> tuple[Item, float]:
        """Return a spectrum and its redshift, or why it cannot be classified at one."""
        if isinstance(item, ReadError):
            return item, np.nan
        z = self.of(item)
        low, high = all_limits(load_basis())
        if low <= z <= high:
            return item, z
        what = f"no redshift is given for this spectrum (--z {self.source})"
        if not np.isnan(z):
            what = (
                f"the redshift given for this spectrum, {z:g}, is none: they go from "
                f"{low:.3f} to {high:g} (--z {self.source})"
            )
        error = ReadError(what, item.file, item.index)
        error.spectrum = item
        return error, np.nan


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


def _of_tables(source: str, tables: Sequence[tuple[Columns, str]]) -> Given:
    """Return the redshifts in a column of each of some tables."""
    known: dict[tuple[Any, ...], Any] = {}
    paths: list[tuple[tuple[str, ...], int, float]] = []
    digest = hashlib.sha256(source.encode())
    for columns, column in tables:
        roles = find_roles(columns.path, columns.names, None, _KEYS, option="--z")
        z = columns.number(column)
        digest.update(z.tobytes())
        if "path" in roles:
            index = columns.number(roles["index"]) if "index" in roles else np.zeros(len(z))
            digest.update("\n".join(columns.text(roles["path"]).tolist()).encode())
            for path, place, value in zip(
                columns.text(roles["path"]).tolist(),
                np.nan_to_num(index).astype(int).tolist(),
                z.tolist(),
                strict=True,
            ):
                if parts := path_parts(path):
                    known.setdefault(("path", parts[0]), []).append(len(paths))
                    paths.append((parts, place, value))
        numbers = ("plate", "mjd", "fiberid")
        if all(name in roles for name in numbers):
            keys = np.stack([columns.number(roles[name]) for name in numbers], axis=1)
            digest.update(keys.tobytes())
            for key, value in zip(keys.tolist(), z.tolist(), strict=True):
                if np.isfinite(key).all():
                    known.setdefault(("plate", *map(int, key)), []).append(value)
        for name in ("specobjid", "targetid"):
            if name in roles:
                words = columns.text(roles[name]).tolist()
                if why := rounded(words, columns.path, roles[name]):
                    raise InputError(f"--z {source}: {why}")
                digest.update("\n".join(words).encode())
                for word, value in zip(words, z.tolist(), strict=True):
                    if word.strip("0-"):
                        known.setdefault((name, word), []).append(value)
    if not known:
        raise InputError(
            f"--z {source}: no column says of which spectrum a redshift is: give the path "
            "(FILE, and INDEX), PLATE, MJD and FIBERID, SPECOBJID or TARGETID"
        )
    return Given(source, digest.hexdigest()[:16], known, tuple(paths))
