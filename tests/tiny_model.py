"""Makes weights files that keep the contract and know nothing, for tests of everything else."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from huggins.prepare import STANDARD, InputContract
from huggins.taxonomy import CLASSES
from huggins.weights import KEY, Metadata, RedshiftGrid

GRID = RedshiftGrid()


def write_model(
    path: Path,
    *,
    favour: str | None = None,
    z: float | None = None,
    contract: InputContract = STANDARD,
    redshift: RedshiftGrid | None = GRID,
    threshold: float = 0.0,
    none_threshold: float = 0.9,
    seed: int = 0,
) -> Path:
    """Write a network: the mean of each channel, a random matrix, a bias.

    `favour` is a class that gets nearly all of the probability, `z` a redshift that does.
    """
    rng = np.random.default_rng(seed)
    classes = (*CLASSES, "NONE")
    channels = len(contract.channels)
    spread = 0.05 if favour else 1.0
    bias = np.zeros(len(classes), dtype=np.float32)
    if favour:
        bias[classes.index(favour)] = 20.0
    weights = {
        "class_w": rng.normal(0.0, spread, (channels, len(classes))).astype(np.float32),
        "class_b": bias,
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "class_w", "class_b"], ["class"]),
    ]
    outputs = [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["n", len(classes)])]
    if redshift is not None:
        log1z = redshift.centres
        peak = np.log1p(1.5 if z is None else z)
        weights["z_w"] = rng.normal(0.0, 0.01, (channels, redshift.size)).astype(np.float32)
        weights["z_b"] = (-0.5 * ((log1z - peak) / 0.003) ** 2).astype(np.float32)
        nodes.append(helper.make_node("Gemm", ["features", "z_w", "z_b"], ["redshift"]))
        outputs.append(
            helper.make_tensor_value_info("redshift", TensorProto.FLOAT, ["n", redshift.size])
        )
    shape = ["n", channels, contract.grid.size]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    metadata = Metadata(
        name=path.stem,
        version="0",
        classes=classes,
        contract=contract,
        redshift=redshift,
        threshold=threshold,
        none_threshold=none_threshold,
    )
    helper.set_model_props(model, {KEY: metadata.to_json()})
    onnx.save(model, path)
    return path
