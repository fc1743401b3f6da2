"""Initial weights from checkpoints, safetensors or exported ONNX files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from huggins.errors import InputError, MissingExtraError, ModelError
from huggins.inference import load_model
from huggins.runs.files import write_bytes
from huggins.train import checkpoint
from huggins.train.config import NETWORKS, Config, from_dict
from huggins.train.networks import build
from huggins.weights import KEY, Metadata, find

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


def starting_weights(config: Config, weights: str | Path) -> tuple[Config, dict[str, Tensor]]:
    """Read weights to start training from.

    Parameters
    ----------
    config
        The experiment.
    weights
        A shipped model's name, or the path of a checkpoint (``.pt``), a ``.safetensors`` or an
        ``.onnx`` file that huggins wrote.

    Returns
    -------
    config
        The experiment, with the network of the weights where they record it.
    weights : dict of str to Tensor
        For `torch.nn.Module.load_state_dict`.

    Raises
    ------
    ModelError
        If the file is damaged, or of a network that the experiment's is not.
    """
    path = find(weights)
    if path.suffix == ".onnx" and path.with_suffix(".safetensors").is_file():
        path = path.with_suffix(".safetensors")
    if path.suffix == ".pt":
        state = checkpoint.load(path)
        return _like(config, state.config), state.weights
    if path.suffix == ".safetensors":
        metadata, tensors = read_safetensors(path)
        return _like(config, recorded(metadata, path)), tensors
    if path.suffix == ".onnx":
        metadata, graph = _read_onnx(path)
        config = _like(config, recorded(metadata, path))
        return config, _from_graph(build(config), graph, path)
    raise InputError(f"{path}: weights are read from .pt, .safetensors and .onnx files")


def recorded(metadata: Metadata, path: Path) -> Config | None:
    """Return the experiment recorded in the weights; None if there is none."""
    values = metadata.trained.get("config")
    if not isinstance(values, dict):
        return None
    known = {key: _tuples(value) for key, value in values.items()}
    try:
        return from_dict(known, str(path))
    except InputError:
        return None


def _tuples(value: Any) -> Any:
    """Turn the lists of JSON back into tuples."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _like(config: Config, other: Config | None) -> Config:
    """Return the experiment with the network of another."""
    if other is None:
        return config
    sections = ("standard", "network_seed", "linefinder", "dilated")
    return replace(
        config, network=other.network, **{name: getattr(other, name) for name in sections}
    )


def write_safetensors(weights: dict[str, Tensor], metadata: Metadata, path: Path) -> None:
    """Write weights with their description inside.

    Raises
    ------
    MissingExtraError
        If safetensors is not installed.
    """
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise MissingExtraError("safetensors", "train") from error
    content = save(
        {name: value.contiguous() for name, value in weights.items()},
        {KEY: metadata.to_json()},
    )
    write_bytes(path, content)


def read_safetensors(path: Path) -> tuple[Metadata, dict[str, Tensor]]:
    """Read what `write_safetensors` wrote.

    Raises
    ------
    ModelError
        If it is damaged or was not written by huggins.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtraError("safetensors", "train") from error
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not a readable safetensors file: {error}") from error
    if KEY not in described:
        raise ModelError(f"{path}: not written by huggins: it carries no description")
    return Metadata.from_json(described[KEY]), tensors


def _read_onnx(path: Path) -> tuple[Metadata, Any]:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    metadata = load_model(path).metadata  # complains about damaged and foreign files
    return metadata, onnx.load(path).graph


def _from_graph(network: nn.Module, graph: Any, path: Path) -> dict[str, Tensor]:
    """Restore the weights of a network from the constants of its exported graph.

    Most keep their names. Export folds each normalisation into the convolution before it, and
    transposes matrices without bias; these lose their names, but not their order.
    """
    import onnx

    constants = {
        entry.name: torch.from_numpy(onnx.numpy_helper.to_array(entry).copy())
        for entry in graph.initializer
    }
    state = network.state_dict()
    for name in state:
        if f"network.{name}" in constants:
            state[name] = _fitting(constants.pop(f"network.{name}"), state[name], name, path)
    unnamed = [
        [constants[name] for name in node.input if name in constants]
        for node in graph.node
        if node.op_type in ("Conv", "MatMul", "Gemm")
        and any(name in constants for name in node.input)
    ]
    folded = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv1d | nn.Linear) and not _named(name, graph)
    ]
    if len(folded) != len(unnamed):
        raise _other(path, f"{len(unnamed)} layers where the experiment's has {len(folded)}")
    following = _normalisations(network)
    for (name, module), values in zip(folded, unnamed, strict=True):
        weight = values[0].T if isinstance(module, nn.Linear) else values[0]
        state[f"{name}.weight"] = _fitting(weight, state[f"{name}.weight"], name, path)
        if module.bias is not None and len(values) > 1:
            state[f"{name}.bias"] = _fitting(values[1], state[f"{name}.bias"], name, path)
        elif len(values) > 1:
            _neutral(state, following[name], values[1], path)
    return state


def _named(name: str, graph: Any) -> bool:
    return any(entry.name == f"network.{name}.weight" for entry in graph.initializer)


def _normalisations(network: nn.Module) -> dict[str, str]:
    """Name of the normalisation that follows each layer without bias, in order."""
    found, before = {}, ""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            before = name
        elif isinstance(module, nn.BatchNorm1d) and before:
            found[before] = name
    return found


def _neutral(state: dict[str, Tensor], name: str, offset: Tensor, path: Path) -> None:
    """Set a normalisation to only add the bias folded into its layer."""
    epsilon = nn.BatchNorm1d(1).eps
    key = f"{name}.bias"
    state[key] = _fitting(offset, state[key], name, path)
    state[f"{name}.weight"] = torch.ones_like(state[key])
    state[f"{name}.running_mean"] = torch.zeros_like(state[key])
    state[f"{name}.running_var"] = torch.full_like(state[key], 1.0 - epsilon)


def _fitting(value: Tensor, like: Tensor, name: str, path: Path) -> Tensor:
    if value.shape != like.shape:
        raise _other(path, f"{name} is {tuple(value.shape)}, not {tuple(like.shape)}")
    return value.contiguous()


def _other(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path}: weights of another network ({what}): choose the configuration they were "
        f"trained with; networks are {', '.join(NETWORKS)}"
    )
