"""HDF5 files of others: arrays of spectra in any group, known by their names.

Multimodal Universe (https://github.com/MultimodalUniverse/MultimodalUniverse) writes
``spectrum_flux``, ``spectrum_ivar``, ``spectrum_lambda`` and ``spectrum_mask`` (1 where bad),
each (N, L), or the same without the prefix in a group ``spectrum``, beside ``object_id``,
``ra``, ``dec`` and the survey's columns. Other names are given with ``columns``.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import spectra_of
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, plain
from huggins.formats.names import AXES, FLUXES, Role
from huggins.formats.request import Request
from huggins.formats.stacks import Array, of_one_length, role_of, sort, spectra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggins.fits.source import Source
    from huggins.spectrum import Spectrum

NAME: Final = "hdf5-arrays"

_DEPTH: Final = 4
_GROUPS_MAX: Final = 10_000
# Values that a byte of the file may stand for, at the best compression.
_PACKED_MAX: Final = 1000
_PREFIXES: Final = ("spectrum_", "spectra_", "spec_")


class DamagedError(ReadError):
    """h5py could not open or read a file."""


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Convert what h5py raises for a damaged file, which is nearly anything, to ReadError."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        raise DamagedError(
            f"this HDF5 file is damaged ({error!s:.300}): fetch or build it again", path
        ) from error


def holds_spectra(file: Any, request: Request | None = None) -> bool:
    """Whether a group has arrays of flux and wavelength."""
    return next(_groups(file, request or Request()), None) is not None


def read(file: Any, source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of all groups, INDEX going on from one to the next."""
    at = 0
    with reading(source.path):
        groups = [
            ([_guarded(a, source.path) for a in arrays], extra)
            for arrays, extra in _groups(file, request)
        ]
    for arrays, extra in groups:
        context = Context(source.path, NAME, at, air=request.air)
        for array in arrays:
            size = math.prod(array.shape)
            if size > _PACKED_MAX * source.size:
                raise ReadError(
                    f"this HDF5 file is damaged (it promises {size} values in {source.size} "
                    "bytes): fetch it again",
                    source.path,
                )
        stack = sort(arrays, extra)
        if stack is not None:
            at += stack.count
            yield from spectra(stack, context, request)
            continue
        fields = [
            Field(a.name, np.asarray(a.read(0, a.shape[0])), a.unit)
            for a in arrays
            if len(a.shape) == 1 and role_of(a) is not Role.OTHER
        ]
        fields = of_one_length(fields)
        own = replace(context, identity=described(extra.get))
        for item in spectra_of(fields, own):
            at = max(at, item.index + 1)
            yield item


def _guarded(array: Array, path: str) -> Array:
    """Return an array that raises ReadError where the file is damaged."""

    def rows(first: int, count: int) -> Any:
        with reading(path):
            return array.read(first, count)

    return replace(array, read=rows)


def _groups(file: Any, request: Request) -> Iterator[tuple[list[Array], dict[str, Any]]]:
    """Yield the arrays of each group that holds spectra, with the scalars around it."""
    import h5py

    waiting: list[tuple[Any, list[Array], dict[str, Any], int]] = [(file, [], {}, 0)]
    seen = 0
    while waiting and seen < _GROUPS_MAX:
        group, above, scalars, depth = waiting.pop(0)
        seen += 1
        arrays: list[Array] = []
        held = {**scalars, **_attributes(group)}
        below = []
        for name in group:
            item = group.get(name)
            if isinstance(item, h5py.Dataset):
                arrays += _arrays(name, item, request, held)
            elif isinstance(item, h5py.Group) and depth < _DEPTH:
                below.append(item)
        roles = {role_of(a) for a in arrays}
        if any(r in FLUXES for r in roles) and _has_axis([*arrays, *above]):
            names = {a.name for a in arrays}
            yield [*arrays, *(a for a in above if a.name not in names)], held
            continue
        waiting += [(item, [*above, *arrays], held, depth + 1) for item in below]


def _has_axis(arrays: list[Array]) -> bool:
    if any(role_of(a) in AXES for a in arrays):
        return True
    names = {plain(a.name) for a in arrays}
    return any({f"{stem}min", f"{stem}max"} <= names for stem in ("spectrumlambda", "lambda"))


def _arrays(name: str, dataset: Any, request: Request, held: dict[str, Any]) -> list[Array]:
    """Return a dataset as an array, or the fields of a table as several."""
    kind = dataset.dtype
    if kind.names:
        return [_field(dataset, name, request) for name in kind.names if dataset.ndim == 1]
    if dataset.shape == ():
        if kind.kind in "fiubSO":
            held.setdefault(plain(name), _plain_value(dataset[()]))
        return []
    shape = dataset.shape[:2] if dataset.shape[2:] == (1,) else dataset.shape
    if kind.kind not in "fiubSO" or len(shape) > 2:
        return []
    own = request.named(name)
    if own == name and name not in ("spectrum_lambda_min", "spectrum_lambda_max"):
        own = next((name.removeprefix(p) for p in _PREFIXES if name.startswith(p)), name)

    def rows(first: int, count: int) -> Any:
        values = dataset[first : first + count]
        return values.reshape(values.shape[: len(shape)])

    unit = dataset.attrs.get("unit", dataset.attrs.get("units", ""))
    return [Array(own, shape, rows, str(_plain_value(unit)))]


def _field(dataset: Any, name: str, request: Request) -> Array:
    """Return one field of a table."""

    def rows(first: int, count: int) -> Any:
        return dataset.fields(name)[first : first + count]

    return Array(request.named(name), (*dataset.shape, *dataset.dtype[name].shape), rows)


def _attributes(group: Any) -> dict[str, Any]:
    found = {}
    for name, value in group.attrs.items():
        if np.ndim(value) == 0:
            found[plain(name)] = _plain_value(value)
    return found


def _plain_value(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
