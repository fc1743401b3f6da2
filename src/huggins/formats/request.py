"""What is asked of a file: which of its spectra, and what it leaves open.

``FILE[39627866878511337]`` names a spectrum by its TARGETID, ``FILE[7]`` by its INDEX where no
target has that number, ``FILE[10:20]`` a range of INDEX, and ``ARCHIVE[MEMBER]`` a file in an
archive. A file whose own name ends so is taken first.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

_TAIL: Final = re.compile(r"(.+)\[([^\[\]]+)\]$", re.DOTALL)
_NUMBERS: Final = re.compile(r"\d+(?::\d+)?(?:\s*,\s*\d+(?::\d+)?)*")
_RANGE_MAX: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Some spectra of a file: those that any of these name.

    Attributes
    ----------
    indices : frozenset of int
        Rows or fibres of the file, from 0, as the column INDEX.
    targetids : frozenset of str
    fibers : frozenset of int
        Fibre numbers of the survey, as the column FIBERID.
    either : frozenset of int
        TARGETID, or INDEX where no spectrum of the file has that TARGETID.
    files : tuple of (str, Selection)
        What is asked of some files each, by path or name; nothing then of all others.
    strict : bool
        Whether what is not in a file is an error; where several files are searched it is not.
    """

    indices: frozenset[int] = frozenset()
    targetids: frozenset[str] = frozenset()
    fibers: frozenset[int] = frozenset()
    either: frozenset[int] = frozenset()
    files: tuple[tuple[str, Selection], ...] = ()
    strict: bool = True

    def __bool__(self) -> bool:
        return bool(self.indices or self.targetids or self.fibers or self.either or self.files)

    def __str__(self) -> str:
        named = [f"TARGETID {name}" for name in sorted(self.targetids)]
        named += [f"fibre {n}" for n in sorted(self.fibers)]
        named += [f"INDEX {n}" for n in sorted(self.indices | self.either)]
        named += [f"the rows of {file}" for file, _ in self.files]
        return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")

    @property
    def digest(self) -> str:
        """A short text that differs between selections; empty where there is none."""
        if not self:
            return ""
        parts = [sorted(s) for s in (self.indices, self.targetids, self.fibers, self.either)]
        files = [(file, own.digest) for file, own in self.files]
        return hashlib.sha256(repr((parts, files)).encode()).hexdigest()[:16]

    def of(self, path: str) -> Selection:
        """Return what is asked of one file."""
        if not self.files:
            return self
        held = dict(self.files)
        found = held.get(path) or held.get(os.path.basename(path))  # noqa: PTH119 (any text)
        if found is None and any(file.startswith(f"{path}[") for file in held):
            return self  # files of an archive, asked for one by one
        return found or replace(self, files=(), indices=frozenset({-1}), strict=False)

    def rows(
        self,
        count: int,
        targetids: Sequence[object] | NDArray[np.generic] | None = None,
        fibers: Sequence[object] | NDArray[np.generic] | None = None,
    ) -> NDArray[np.intp]:
        """Return the rows of a file that are asked for, ascending.

        Parameters
        ----------
        count
            Rows of the file.
        targetids, fibers
            Of each row, where the file has them.
        """
        wanted = {index for index in self.indices if 0 <= index < count}
        if self.targetids or self.either:
            names = self.targetids | {str(number) for number in self.either}
            found = _places(targetids, names)
            wanted.update(row for rows in found.values() for row in rows)
            wanted.update(n for n in self.either if str(n) not in found and n < count)
        if self.fibers:
            numbers = {str(number) for number in self.fibers}
            for places in _places(fibers, numbers).values():
                wanted.update(places)
        return np.array(sorted(wanted), np.intp)

    def takes(self, spectrum: Spectrum) -> bool:
        """Whether a spectrum may be asked for; `missing` tells what was not found."""
        return (
            spectrum.index in self.indices
            or (spectrum.targetid or "") in self.targetids
            or spectrum.fiberid in self.fibers
            or spectrum.index in self.either
            or (spectrum.targetid or "") in {str(number) for number in self.either}
        )

    def missing(self, found: Iterable[tuple[int, str | None, int | None]]) -> str:
        """Return what was asked for and is not there, given INDEX, TARGETID, FIBERID found."""
        spectra = list(found)
        indices = {index for index, _, _ in spectra}
        targets = {name for _, name, _ in spectra}
        lost = [f"INDEX {n}" for n in sorted(self.indices - indices)]
        lost += [f"TARGETID {name}" for name in sorted(self.targetids - targets)]
        lost += [f"fibre {n}" for n in sorted(self.fibers - {f for _, _, f in spectra})]
        lost += [
            f"TARGETID or INDEX {n}"
            for n in sorted(self.either)
            if n not in indices and str(n) not in targets
        ]
        return ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")


#: Every spectrum of a file.
ALL: Final = Selection()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a file.

    Attributes
    ----------
    air
        The user's word that wavelengths are in air, where the file does not say.
    selection
        Which spectra; empty for all.
    columns
        Names of columns or arrays in the file, each with what it is: ``wavelength``, ``flux``,
        ``error`` and so on.
    member
        The file of an archive; empty for all.
    """

    air: bool = False
    selection: Selection = ALL
    columns: tuple[tuple[str, str], ...] = ()
    member: str = ""

    def chosen(
        self,
        count: int,
        targetids: Sequence[object] | NDArray[np.generic] | None = None,
        fibers: Sequence[object] | NDArray[np.generic] | None = None,
    ) -> NDArray[np.intp] | range:
        """Return the rows of a file to read; see `Selection.rows`."""
        if not self.selection:
            return range(count)
        return self.selection.rows(count, targetids, fibers)

    def require(self, names: Iterable[str], path: str) -> None:
        """Raise `ReadError` if the user names a column that is none of these."""
        listed = list(names)
        held = {name.lower() for name in listed}
        lost = [own for own, _ in self.columns if own.lower() not in held]
        if lost:
            shown = ", ".join(name or "(unnamed)" for name in listed[:12])
            more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
            raise ReadError(
                f"there is no column {', '.join(lost)}: the columns are {shown}{more}", path
            )

    def named(self, name: str) -> str:
        """Return what the user says that a column is, else its name."""
        return next((role for own, role in self.columns if own.lower() == name.lower()), name)


def blocks(rows: NDArray[np.intp] | range, size: int) -> Iterator[tuple[int, int]]:
    """Yield runs of consecutive rows, of at most `size`: first and count."""
    if isinstance(rows, range):
        for first in range(rows.start, rows.stop, size):
            yield first, min(size, rows.stop - first)
        return
    if not len(rows):
        return
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for run in np.split(rows, breaks):
        for at in range(0, len(run), size):
            yield int(run[at]), min(size, len(run) - at)


def asked(path: str | os.PathLike[str], request: Request) -> tuple[str, Request]:
    """Split ``FILE[...]`` into the file and what is asked of it.

    Raises
    ------
    ReadError
        If the file is there but what stands in the brackets makes no sense.
    """
    text = os.fspath(path)
    if request.selection.files:
        request = replace(request, selection=request.selection.of(text))
    if not text.endswith("]") or os.path.lexists(text):
        return text, request
    match = _TAIL.fullmatch(text)
    if match is None or not os.path.lexists(match[1]):
        return text, request
    file, inside = match[1], match[2].strip()
    if not _NUMBERS.fullmatch(inside):
        return file, replace(request, member=match[2])
    either: set[int] = set()
    indices: set[int] = set()
    for part in inside.split(","):
        first, _, last = part.strip().partition(":")
        if not last:
            either.add(int(first))
        elif int(last) - int(first) > _RANGE_MAX:
            raise ReadError(f"[{inside}] is more than {_RANGE_MAX} spectra", file)
        else:
            indices.update(range(int(first), int(last)))
    own = Selection(frozenset(indices), either=frozenset(either))
    if not own:
        raise ReadError(f"[{inside}] names no spectrum: the second number is excluded", file)
    return file, replace(request, selection=own)


def select(
    index: int | Iterable[int] = (),
    targetid: int | str | Iterable[int | str] = (),
    fiber: int | Iterable[int] = (),
) -> Selection:
    """Return the selection of some spectra by numbers of one or several kinds."""
    return Selection(
        frozenset(map(int, _several(index))),
        frozenset(str(name).strip() for name in _several(targetid)),
        frozenset(map(int, _several(fiber))),
    )


def mapped(columns: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Return ``{"wavelength": "wl", ...}``, what a column is and its name in the file."""
    return tuple((own, role) for role, own in (columns or {}).items())


def _several(value: Any) -> Iterable[Any]:
    single = isinstance(value, str | bytes) or not hasattr(value, "__iter__")
    return (value,) if single else iter(value)


def _places(
    values: Sequence[object] | NDArray[np.generic] | None, wanted: frozenset[str] | set[str]
) -> dict[str, list[int]]:
    """Return the rows at which wanted values stand, by the value as text."""
    found: dict[str, list[int]] = {}
    if values is None or not wanted:
        return found
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        numbers = [int(word) for word in wanted if word.lstrip("-").isdecimal()]
        fitting = [n for n in numbers if limits.min <= n <= limits.max]
        rows = np.flatnonzero(np.isin(array, np.array(fitting, array.dtype)))
        for row in rows.tolist():
            found.setdefault(str(array[row]), []).append(row)
        return found
    for row, value in enumerate(array.tolist()):
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if (word := text.strip()) in wanted:
            found.setdefault(word, []).append(row)
    return found
