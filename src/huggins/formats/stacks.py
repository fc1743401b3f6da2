"""Many spectra in arrays of one row each: FITS tables with vectors, HDF5, NumPy, JSON.

Rows are read in blocks, and only those that are asked for. What the arrays are is decided by
their names (`huggins.formats.columns`); arrays of one number a row tell which object it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.formats.columns import spectra_of
from huggins.formats.fields import Context, Field
from huggins.formats.identity import described, fibre_bits, pipeline_result, plain
from huggins.formats.names import AXES, FLUXES, Role, meaning
from huggins.formats.request import Request, blocks
from huggins.spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

# Values read at a time: 32 MB in double precision.
_VALUES: Final = 1 << 22
# Names of a number per row by which a row is chosen.
_TARGETS: Final = ("targetid", "objectid", "objid", "specid", "sdssid", "catalogid", "id")
_FIBRES: Final = ("fiberid", "fiber", "fibreid", "fibre")


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """One array of a file.

    Attributes
    ----------
    name, unit : str
    shape : tuple of int
        (N,), (N, L) or (L,); a length of -1 differs from row to row.
    read : callable
        Returns some rows: the first, and how many.
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[int, int], Any]
    unit: str = ""


def in_memory(name: str, values: Any, unit: str = "") -> Array:
    """Return an array that is in memory; masked values become NaN."""
    if np.ma.isMaskedArray(values):
        number = values.dtype.kind in "fiu"
        values = np.ma.filled(values.astype(float), np.nan) if number else np.ma.filled(values)
    array = np.asarray(values)
    return Array(name, array.shape, lambda first, count: array[first : first + count], unit)


@dataclass(frozen=True, slots=True)
class Stack:
    """Arrays that belong together.

    Attributes
    ----------
    pixels : list of Array
        Of one row a spectrum: (N, L).
    shared : list of Array
        The same for all: (L,).
    scalars : list of Array
        Of one number or text a row: (N,).
    count : int
        Spectra.
    extra : mapping
        What holds for all, by plain name.
    """

    pixels: list[Array]
    shared: list[Array]
    scalars: list[Array]
    count: int
    extra: Mapping[str, Any] = field(default_factory=dict)


def role_of(array: Array) -> Role:
    """Return what an array is by its name."""
    return meaning(array.name, array.unit).role


def sort(arrays: Sequence[Array], extra: Mapping[str, Any] | None = None) -> Stack | None:
    """Sort arrays into a stack of spectra; None if they are none.

    The flux decides: two axes, the first of which counts the spectra.
    """
    fluxes = [a for a in arrays if role_of(a) in FLUXES and len(a.shape) == 2]
    if not fluxes:
        return None
    flux = min(fluxes, key=lambda a: FLUXES.index(role_of(a)))
    count, size = flux.shape
    pixels = [a for a in arrays if len(a.shape) == 2 and a.shape[0] == count]
    pixels = [a for a in pixels if a.shape[1] in (size, -1)]
    shared = [a for a in arrays if a.shape in ((size,), (1, size)) and a not in pixels]
    shared = [a for a in shared if role_of(a) in AXES or a.shape != (count,)]
    shared = [_flat(a) if len(a.shape) == 2 else a for a in shared]
    scalars = [a for a in arrays if a.shape in ((count,), (count, 1)) and a not in pixels]
    scalars = [a for a in scalars if all(a.name != s.name for s in shared)]
    axes = [*pixels, *shared]
    if not any(role_of(a) in AXES for a in axes):
        linear = _linear(arrays, count, size)
        if linear is None:
            return None
        shared.append(linear)
    return Stack(pixels, shared, scalars, count, extra or {})


def _flat(array: Array) -> Array:
    return replace(
        array,
        shape=array.shape[1:],
        read=lambda first, count: np.asarray(array.read(0, 1))[0][first : first + count],
    )


def _linear(arrays: Sequence[Array], count: int, size: int) -> Array | None:
    """Return the axis that the ends of a linear one give (``lambda_min``, ``lambda_max``)."""
    ends = []
    for end in ("min", "max"):
        names = {f"spectrumlambda{end}", f"lambda{end}", f"wavelength{end}", f"wave{end}"}
        found = next(
            (a for a in arrays if plain(a.name) in names and a.shape == (count,)), None
        )
        if found is None or count == 0:
            return None
        values = np.asarray(found.read(0, count), np.float64)
        if not np.isfinite(values).all() or np.ptp(values) > 1e-6 * abs(values[0]):
            return None
        ends.append(float(values[0]))
    return in_memory("wavelength", np.linspace(ends[0], ends[1], size))


def spectra(stack: Stack, context: Context, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of a stack that are asked for, in order."""
    wanted = request.selection
    chosen = request.chosen(
        stack.count,
        _numbers(stack, _TARGETS) if wanted.targetids or wanted.either else None,
        _numbers(stack, _FIBRES) if wanted.fibers else None,
    )
    shared = [Field(a.name, _values(a.read(0, a.shape[0])), a.unit) for a in stack.shared]
    size = max([abs(a.shape[1]) for a in stack.pixels] + [1])
    step = max(1, _VALUES // (size * max(len(stack.pixels), 1)))
    for first, count in blocks(chosen, step):
        pixels = [(a, a.read(first, count)) for a in stack.pixels]
        scalars = {plain(a.name): a.read(first, count) for a in stack.scalars}
        for i in range(count):
            fields = [_pixels(a, block[i]) for a, block in pixels] + shared
            row = {name: _scalar(values[i]) for name, values in scalars.items()}
            own = replace(
                context,
                index=context.index + first + i,
                identity={**context.identity, **identified(row, stack.extra)},
            )
            yield from _one(fields, own)


def identified(row: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a row from its scalars, and from what holds for all."""
    found = described(lambda name: row.get(name, extra.get(name)))
    pipeline = found.get("pipeline")
    if pipeline is None and isinstance(row.get("z"), float):
        pipeline = found["pipeline"] = pipeline_result(row.get, ("class", "subclass", "z"))
    for name in ("zwarn", "zwarning"):
        value = row.get(name)
        if isinstance(value, bool) and pipeline is not None:
            # Multimodal Universe turns DESI's flag around: True is a good redshift.
            pipeline.zwarning = 0 if value else None
        elif isinstance(value, int):
            found["zwarning"] = fibre_bits(value)
            if pipeline is not None:
                pipeline.zwarning = value
    return found


def _one(fields: list[Field], context: Context) -> Iterator[Spectrum | ReadError]:
    fields = of_one_length(fields)
    try:
        yield from spectra_of(fields, context)
    except ReadError as error:
        error.index = context.index
        empty = np.zeros(0)
        error.spectrum = Spectrum(
            empty, empty, empty, file=context.path, index=context.index, format=context.format,
            **context.identity,
        )  # fmt: skip
        yield error


def of_one_length(fields: list[Field]) -> list[Field]:
    """Keep the arrays that are as long as the flux."""
    flux = next((f for f in fields if meaning(f.name, f.unit).role in FLUXES), None)
    if flux is None:
        return fields
    return [f for f in fields if len(f.values) == len(flux.values)]


def _pixels(array: Array, values: Any) -> Field:
    """Return one row of an array; rows of wavelengths are padded with -1, 0 or -999."""
    numbers = _values(values)
    if role_of(array) is Role.WAVELENGTH and numbers.dtype.kind == "f" and len(numbers):
        padded = ~(numbers > 0)
        if padded[-1] or padded[0]:
            numbers = np.where(padded, np.nan, numbers)
    return Field(array.name, numbers, array.unit)


def _values(values: Any) -> NDArray[Any]:
    """Return numbers in the machine's byte order, in one dimension."""
    array = np.ravel(np.asarray(values))
    if array.dtype.kind == "b" or not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def _scalar(value: Any) -> Any:
    """Return a number or text of a row as a plain Python value."""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size == 1 else None
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else value


def _numbers(stack: Stack, names: tuple[str, ...]) -> Any:
    """Return the column by which rows are chosen; None where there is none."""
    for name in names:
        for array in stack.scalars:
            if plain(array.name) == name:
                return np.asarray(array.read(0, stack.count)).reshape(stack.count)
    return None
