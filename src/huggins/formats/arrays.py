"""Arrays in NumPy's files (``.npz``, ``.npy``), JSON, VOTables.

In all of them arrays have names, by which `huggins.formats.columns` knows them. A JSON file may
hold a list of objects, one per spectrum, as SPARCL returns them. Pickles are never opened: they
run whatever program they hold.
"""

from __future__ import annotations

import io
import json
import lzma
import math
import struct
import zipfile
import zlib
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ReadError
from huggins.fits.source import unpacked_max
from huggins.formats import votable
from huggins.formats.columns import spectra_of
from huggins.formats.fields import Context, Field
from huggins.formats.identity import plain
from huggins.formats.names import FLUXES, Role
from huggins.formats.request import Request
from huggins.formats.stacks import (
    Array,
    identified,
    in_memory,
    of_one_length,
    role_of,
    sort,
    spectra,
)
from huggins.tables.votable import refuse_promises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from huggins.fits.source import Source
    from huggins.spectrum import Spectrum

NAME: Final = "arrays"

_NPY: Final = b"\x93NUMPY"
_ZIP: Final = b"PK\x03\x04"
_JSON_MAX: Final = 512 * 1024**2


def identify(source: Source) -> bool:
    """Whether the file begins as NumPy's, JSON, or a VOTable does."""
    return _kind(source.head) != ""


def _kind(head: bytes) -> str:
    if head.startswith(_NPY):
        return "npy"
    if head.startswith(_ZIP):
        return "npz"
    start = head[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"[") and b'"' in start:
        return "json"
    return "votable" if b"<votable" in start.lower() and start.startswith(b"<") else ""


def read(source: Source, request: Request) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra that the arrays hold."""
    kind = _kind(source.head)
    context = Context(source.path, NAME, air=request.air)
    if kind == "json":
        yield from _json(source, context, request)
        return
    named = {"npy": _npy, "npz": _npz, "votable": _votable}[kind](source)
    request.require([a.name for a in named], context.path)
    arrays = [Array(request.named(a.name), a.shape, a.read, a.unit) for a in named]
    yield from of_arrays(arrays, {}, context, request)


def of_arrays(
    arrays: list[Array], extra: Mapping[str, Any], context: Context, request: Request
) -> Iterator[Spectrum | ReadError]:
    """Yield the spectra of named arrays: (L,) each for one, (N, L) for many.

    Raises
    ------
    ReadError
        If they are none.
    """
    stack = sort(arrays, extra)
    if stack is not None:
        yield from spectra(stack, context, request)
        return
    if any(role_of(a) in FLUXES and len(a.shape) == 2 for a in arrays):
        listed = ", ".join(f"{a.name} {a.shape}" for a in arrays[:12])
        raise ReadError(
            f"no wavelengths for the fluxes: the arrays are {listed}; name one 'wavelength'",
            context.path,
        )
    fields = [
        Field(a.name, _plain(a.read(0, a.shape[0])), a.unit)
        for a in arrays
        if len(a.shape) == 1
        and (role_of(a) is not Role.OTHER or not a.name or len(arrays) < 60)
    ]
    held = {plain(a.name): _plain(a.read(0, 1))[0] for a in arrays if a.shape == (1,)}
    own = Context(
        context.path, context.format, context.index, context.air, context.said_air,
        {**context.identity, **identified(held, extra)},
    )  # fmt: skip
    yield from spectra_of(of_one_length(fields), own)


def _plain(values: Any) -> Any:
    array = np.asarray(values)
    return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array


def _npy(source: Source) -> list[Array]:
    """Return the columns of one array: fields of a table, or two to four rows or columns."""
    array = _loaded(source.read(0, source.size), source.path)
    if array.dtype.names:
        if array.ndim != 1:
            array = array.reshape(-1)
        return [in_memory(name, array[name]) for name in array.dtype.names]
    if array.ndim == 2 and 2 <= min(array.shape) <= 4 and max(array.shape) > 8:
        rows = array if array.shape[0] < array.shape[1] else array.T
        return [in_memory("", row) for row in rows[:3]]
    raise ReadError(
        f"one array of shape {array.shape} without names: save wavelength, flux and error with "
        "numpy.savez(path, wavelength=..., flux=..., error=...)",
        source.path,
    )


def _npz(source: Source) -> list[Array]:
    arrays = []
    room = unpacked_max(source.size)
    try:
        with zipfile.ZipFile(source.handle()) as archive:
            for info in archive.infolist():
                if not info.filename.endswith(".npy"):
                    continue
                with archive.open(info) as file:
                    content = file.read(room + 1)
                room -= len(content)
                if room < 0:
                    raise ReadError(
                        "the arrays unpack to far more than the file can hold: write it again",
                        source.path,
                    )
                array = _loaded(content, source.path)
                name = info.filename.removesuffix(".npy")
                if array.dtype.names:
                    arrays += [in_memory(n, array[n]) for n in array.dtype.names]
                elif array.ndim == 0:
                    arrays.append(in_memory(name, array.reshape(1)))
                else:
                    arrays.append(in_memory(name, array))
    except (
        *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
        *(OSError, EOFError, RuntimeError, ValueError, IndexError),
    ) as error:
        raise ReadError(
            f"the file is damaged ({error!s:.200}): write it again", source.path
        ) from error
    return arrays


def _loaded(content: bytes, path: str) -> Any:
    """Return an array of NumPy's format, unless it is a pickle or promises too much."""
    try:
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(stream)
        if dtype.hasobject:
            raise ReadError(
                "an array of Python objects, which is a pickle: save arrays of numbers", path
            )
        if math.prod(shape) * dtype.itemsize > len(content):
            raise ReadError("the array is truncated: write it again", path)
        return np.load(io.BytesIO(content), allow_pickle=False)
    except ReadError:
        raise
    except Exception as error:  # numpy parses the header as Python, which raises many types
        raise ReadError(
            f"the array is damaged ({error!s:.200}): write it again", path
        ) from error


def _votable(source: Source) -> list[Array]:
    """Return the columns of the first table with rows; vectors are (N, L)."""
    content = source.read(0, source.size)
    quick = votable.columns(content)
    if quick is not None:
        return [in_memory(_by_utype(c.name, c.utype), c.values, c.unit) for c in quick]
    import warnings

    from astropy.io import votable as slow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refuse_promises(content)
            parsed = slow.parse(io.BytesIO(content), verify="ignore")
            tables = [table.to_table() for table in parsed.iter_tables()]
    except Exception as error:  # astropy raises nearly anything for a damaged file
        raise ReadError(
            f"this VOTable cannot be read ({error!s:.200}): fetch it again", source.path
        ) from error
    arrays: list[Array] = []
    for table in tables:
        if not len(table):
            continue
        arrays = []
        for name in table.colnames:
            column = table[name]
            values = np.ma.asarray(getattr(column, "value", column))
            utype = str(column.meta.get("utype", "") if hasattr(column, "meta") else "")
            arrays.append(in_memory(_by_utype(name, utype), values, str(column.unit or "")))
        if any(role_of(a) in FLUXES for a in arrays):
            break
    return [a for a in arrays if len(a.shape) <= 2]


def _by_utype(name: str, utype: str) -> str:
    from huggins.formats.fits_tables import UTYPES

    if role_of(Array(name, (), lambda *_: None)) is not Role.OTHER:
        return name
    return next((role for end, role in UTYPES if utype.lower().endswith(end)), name)


# JSON ----------------------------------------


def _json(source: Source, context: Context, request: Request) -> Iterator[Spectrum | ReadError]:
    if source.size > _JSON_MAX:
        raise ReadError("a JSON file of more than 512 MiB: save it as HDF5 or npz", source.path)
    try:
        content = json.loads(source.read(0, source.size))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"this JSON file cannot be read: {error}", source.path) from error
    found = list(_objects(content, request, {}))
    if not found:
        raise ReadError(
            'no arrays of a spectrum in this JSON file: give {"wavelength": [...], "flux": '
            '[...], "error": [...]}, or a list of these',
            source.path,
        )
    at = 0
    for number, (arrays, extra) in enumerate(found):
        own = Context(context.path, context.format, at, context.air, None)
        wanted = request if len(found) == 1 else Request(request.air, columns=request.columns)
        try:
            for item in of_arrays(arrays, extra, own, wanted):
                at = max(at, item.index + 1)
                yield item
        except ReadError as error:
            if len(found) == 1:
                raise
            error.index = at
            at = max(at + 1, number + 1)
            yield error


def _objects(
    content: Any, request: Request, above: dict[str, Any], depth: int = 0
) -> Iterator[tuple[list[Array], dict[str, Any]]]:
    """Yield the arrays of each object in a JSON file that has a flux, with its scalars."""
    if isinstance(content, list) and depth < 4:
        if _are_rows(content) and any(
            role_of(Array(request.named(k), (), lambda *_: None)) in FLUXES for k in content[0]
        ):
            content = {key: _values(content, key) for key in content[0]}
        else:
            for item in content:
                if isinstance(item, dict | list):
                    yield from _objects(item, request, above, depth + 1)
            return
    if not isinstance(content, dict) or depth > 4:
        return
    scalars = dict(above)
    arrays = []
    for key, value in content.items():
        if isinstance(value, list):
            array = _array(value)
            if array is not None:
                arrays.append(in_memory(request.named(key), array))
        elif not isinstance(value, dict):
            scalars[plain(key)] = value
    if any(role_of(a) in FLUXES for a in arrays):
        yield arrays, scalars
        return
    for value in content.values():
        if isinstance(value, dict | list):
            yield from _objects(value, request, scalars, depth + 1)


def _are_rows(items: list[Any]) -> bool:
    """Whether a list holds objects of numbers and texts, one per pixel."""
    if set(map(type, items)) != {dict}:
        return False
    kinds = set(map(type, chain.from_iterable(map(dict.values, items))))
    return list not in kinds and dict not in kinds


def _values(items: list[dict[str, Any]], key: str) -> list[Any]:
    try:
        return list(map(itemgetter(key), items))
    except KeyError:
        return [item.get(key) for item in items]


def _array(values: list[Any]) -> Any:
    """Return numbers, with NaN for null, or texts; None for anything else."""
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        if values and all(isinstance(value, str) for value in values):
            return np.array(values)
        return None
    return array if 1 <= array.ndim <= 2 and array.size else None
