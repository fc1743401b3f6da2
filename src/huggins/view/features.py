"""The network's features of spectra: a map of all of them, and which are most alike.

The features are what the last hidden layer of the network makes of a spectrum. ONNX Runtime
gives out only what a file declares as output, so one more output is declared in the content of
the file, in memory: fields of a protocol buffer that come twice are merged, and so a few bytes
appended at its end are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import HugginsError, ModelError
from huggins.inference import load_model
from huggins.weights import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum
    from huggins.view.results import Results

    Array = NDArray[np.float32]

# Field numbers of onnx.proto3: ModelProto.graph, GraphProto.node and .output, NodeProto.input
# and .output, ValueInfoProto.name and .type, TypeProto.tensor_type, Tensor.elem_type.
_GRAPH: Final = 7
_NODE: Final = 1
_OUTPUT: Final = 12
# Spectra in one inference.
_BATCH: Final = 128
_FLOAT_TYPE: Final = b"\x12\x04\x0a\x02\x08\x01"


class FeatureNetwork:
    """A network that answers with its last hidden layer.

    Parameters
    ----------
    path
        Weights file with an output ``class``.

    Raises
    ------
    ModelError
        If its last layer cannot be found.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime as ort

        content = path.read_bytes()
        name = hidden_layer(content)
        options = ort.SessionOptions()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(
                with_output(content, name), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises its own types, none of them public
            raise ModelError(f"{path}: its features cannot be had: {error}") from error
        self._name = name

    def __call__(self, tensor: Array) -> Array:
        """Return features (N, F) of prepared input (N, C, G)."""
        features: Array
        [features] = self._session.run([self._name], {"input": tensor})
        return features


def hidden_layer(content: bytes) -> str:
    """Return the name of the tensor from which a network's class scores are computed.

    Raises
    ------
    ModelError
        If no node gives ``class``.
    """
    for number, graph in _fields(content):
        if number != _GRAPH:
            continue
        for number_inside, node in _fields(graph):
            if number_inside != _NODE:
                continue
            inputs = [value.decode() for n, value in _fields(node) if n == 1]
            outputs = [value.decode() for n, value in _fields(node) if n == 2]
            if "class" in outputs and inputs:
                return str(inputs[0])
    raise ModelError("the network has no layer that gives its classes")


def with_output(content: bytes, name: str) -> bytes:
    """Return a network's content with one more output, a tensor of single precision."""
    value = b"\x0a" + _varint(len(name.encode())) + name.encode() + _FLOAT_TYPE
    output = bytes([_OUTPUT << 3 | 2]) + _varint(len(value)) + value
    return content + bytes([_GRAPH << 3 | 2]) + _varint(len(output)) + output


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, Any]]:
    """Yield number and bytes of the fields of a message that have a length."""
    view = memoryview(message)
    at = 0
    while at < len(view):
        key, at = _read_varint(view, at)
        kind = key & 7
        if kind == 2:
            length, at = _read_varint(view, at)
            part = view[at : at + length]
            yield key >> 3, bytes(part) if length < 4096 else part
            at += length
        elif kind == 0:
            _, at = _read_varint(view, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ModelError("the weights file is no ONNX file")


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def of_rows(results: Results, count: int, model: str, advance: Callable[[int], None]) -> Array:
    """Return the features of the first rows of a set, (count, F); NaN where there are none.

    Parameters
    ----------
    results
    count
        Number of rows.
    model
        Name or path of the network.
    advance
        Told how many rows are done.
    """
    path = find(model)
    network = FeatureNetwork(path)
    contract = load_model(model).metadata.contract
    parts: list[Array] = []
    for start in range(0, count, _BATCH):
        spectra: list[Spectrum | None] = []
        for row in range(start, min(start + _BATCH, count)):
            try:
                spectra.append(results.spectrum(row))
            except HugginsError:
                spectra.append(None)
        known = [s for s in spectra if s is not None]
        size = parts[0].shape[1] if parts else 1
        values: Array = np.empty((0, size), np.float32)
        if known:
            with np.errstate(over="ignore", invalid="ignore"):
                values = network(contract.tensor(*contract.rebin(known)))
        part = np.full((len(spectra), values.shape[1]), np.nan, np.float32)
        part[[s is not None for s in spectra]] = values
        parts.append(part)
        advance(start + len(spectra))
    if not parts:
        return np.empty((0, 0), np.float32)
    widest = max(part.shape[1] for part in parts)
    return np.concatenate(
        [
            p if p.shape[1] == widest else np.full((len(p), widest), np.nan, np.float32)
            for p in parts
        ]
    )


def principal_plane(features: Array) -> Array:
    """Project features (N, F) on their first two principal components, (N, 2).

    Each feature is scaled by its standard deviation over the set first; rows that are not
    finite stay so.
    """
    known = np.isfinite(features).all(axis=1)
    out = np.full((len(features), 2), np.nan, np.float32)
    if known.sum() < 3:
        out[known] = 0.0
        return out
    values = features[known].astype(np.float64)
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.where(spread > 0, spread, 1.0)
    _, vectors = np.linalg.eigh(values.T @ values)
    out[known] = values @ vectors[:, [-1, -2]]
    return out


def nearest(features: Array, row: int, count: int) -> tuple[NDArray[np.int64], Array]:
    """Return the rows most like one of them by the angle between features, itself first."""
    length = np.linalg.norm(features, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = features @ features[row] / (length * length[row])
    distance = np.where(np.isfinite(cosine), 1.0 - cosine, np.inf).astype(np.float32)
    distance[row] = -1.0
    order = np.argsort(distance, kind="stable")[:count]
    order = order[np.isfinite(distance[order])]
    return order, distance[order].clip(0.0)
