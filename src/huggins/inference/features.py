"""The features that the network makes of spectra: its last hidden layer.

ONNX Runtime gives out only what a file declares as output, so one more output is declared in
the content of the file, in memory: fields of a protocol buffer that come twice are merged, and
so a few bytes appended at its end are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from huggins.errors import ModelError
from huggins.inference.runtime import onnx_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

# Field numbers of onnx.proto3: ModelProto.graph, GraphProto.node and .output, NodeProto.input
# and .output, ValueInfoProto.name and .type, TypeProto.tensor_type, Tensor.elem_type.
_GRAPH: Final = 7
_NODE: Final = 1
_OUTPUT: Final = 12
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
        content = path.read_bytes()
        ort = onnx_runtime()
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
