"""From a trained network to a weights file that carries its whole description."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from huggins.errors import MissingExtraError, ModelError
from huggins.inference.runtime import onnx_runtime
from huggins.runs.files import temporary_path
from huggins.weights import KEY

if TYPE_CHECKING:
    from huggins.weights import Metadata

# Runs on ONNX Runtime 1.18 and everything later.
_OPSET = 17
# Largest difference in a score between PyTorch and ONNX Runtime that rounding explains.
_TOLERANCE = 2e-3


class _Outputs(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        classes, redshift = self.network(x)
        return classes if redshift is None else (classes, redshift)


def export(network: nn.Module, metadata: Metadata, path: str | Path) -> None:
    """Write a network as ONNX, and check that ONNX Runtime computes the same.

    Parameters
    ----------
    network
        In float32.
    metadata
        Goes into the file, as JSON.
    path
        Of the .onnx file; written under another name first, then renamed.

    Raises
    ------
    ModelError
        If the file's scores differ from the network's.
    MissingExtraError
        If onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    path = Path(path)
    whole = _Outputs(copy.deepcopy(network)).eval()
    contract = metadata.contract
    example = torch.zeros(2, len(contract.channels), contract.grid.size)
    names = ["class"] if metadata.redshift is None else ["class", "redshift"]
    with temporary_path(Path(path)) as part:
        with warnings.catch_warnings():
            # The exporter by tracing is deprecated in favour of one that needs onnxscript and
            # writes operators newer than the oldest ONNX Runtime that huggins runs on.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", UserWarning)
            torch.onnx.export(
                whole,
                (example,),
                str(part),
                dynamo=False,
                opset_version=_OPSET,
                input_names=["input"],
                output_names=names,
                dynamic_axes={name: {0: "batch"} for name in ("input", *names)},
            )
        model = onnx.load(part)
        entry = model.metadata_props.add()
        entry.key, entry.value = KEY, metadata.to_json()
        onnx.save(model, part)
        _same(whole, part, names, example.shape)


def _same(whole: nn.Module, path: Path, names: list[str], shape: torch.Size) -> None:
    ort = onnx_runtime()

    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((5, *shape[1:])).astype(np.float32)
    with torch.no_grad():
        expected = whole(torch.from_numpy(x))
    expected = expected if isinstance(expected, tuple) else (expected,)
    scores = session.run(names, {"input": x})
    for name, mine, found in zip(names, expected, scores, strict=True):
        difference = float(np.abs(mine.numpy() - found).max())
        if not difference < _TOLERANCE * max(1.0, float(mine.abs().max())):
            raise ModelError(f"ONNX Runtime's {name!r} scores differ by {difference:.3g}")
