"""Files of a trained network: ONNX, safetensors, record, card; and the gate for shipping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins import weights
from huggins.errors import InputError, ModelError, OutputError
from huggins.inference import load_model
from huggins.inference.description import describe
from huggins.inference.verification import record, verify
from huggins.runs.files import check_replaceable, write_bytes, write_text
from huggins.runs.ours import CREATOR
from huggins.train.export import export
from huggins.train.starting import recorded, starting_weights, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from huggins.weights import Metadata

#: Least number of common spectra for a meaningful comparison.
MIN_COMPARED: Final = 100
_SIGNIFICANT: Final = 0.05
# What hubs of models read before the card, in YAML.
_HEADER: Final = (
    "---",
    "library_name: huggins",
    "license: bsd-3-clause",
    "tags:",
    "- astronomy",
    "- spectroscopy",
    "- onnx",
    "- safetensors",
    "---",
    "",
)


def write_package(network: nn.Module, metadata: Metadata, folder: str | Path) -> Path:
    """Write NAME.onnx, NAME.safetensors, NAME.json (the record) and NAME.md (the card).

    Returns
    -------
    Path
        Of the ONNX file.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    ModelError
        If ONNX Runtime computes something else than the network.
    """
    folder = Path(folder)
    path = folder / f"{metadata.name}.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        export(network, metadata, path)
        write_safetensors(network.state_dict(), metadata, path.with_suffix(".safetensors"))
        record(path)
        card = f"{card_text(metadata, path)}\n<!-- written by {CREATOR} -->\n"
        write_text(path.with_suffix(".md"), card)
    except OSError as error:
        raise OutputError(
            f"{folder}: the model cannot be written there: {error.strerror or error}"
        ) from error
    return path


def check(
    folder: Path, name: str, others: Sequence[str] = (), *, overwrite: bool = False
) -> None:
    """Check that the files of a network replace nothing in a folder but such files.

    Parameters
    ----------
    folder
        May be missing.
    name
        Of the network.
    others
        Names of further files.
    overwrite
        Whether that is allowed.

    Raises
    ------
    OutputError
        If a file is there that huggins did not write.
    """
    names = [f"{name}{suffix}" for suffix in (".onnx", ".safetensors", ".json", ".md")]
    for each in () if overwrite else (*names, *others):
        check_replaceable(folder / each, columns=lambda names: names[:1] == ["step"])


def write_folder(source: Path, folder: Path, *, overwrite: bool = False) -> Path:
    """Write exported weights as a folder that hubs of models take.

    It holds the same .onnx file and its record, byte for byte, the weights as NAME.safetensors,
    and the model card with its header in YAML as README.md.

    Parameters
    ----------
    source
        An .onnx file that huggins exported, with its record beside it.
    folder
        Made where it is missing.
    overwrite
        Whether to replace files that huggins did not write.

    Returns
    -------
    Path
        Of the ONNX file in the folder.

    Raises
    ------
    ModelError
        If the file is damaged or does not name its network.
    OutputError
        If the folder cannot be written to, or a file is in the way.
    """
    metadata = load_model(source).metadata
    recipe = recorded(metadata, source)
    if recipe is None:
        raise ModelError(f"{source}: it does not name its network: export its checkpoint")
    check(folder, metadata.name, ("README.md",), overwrite=overwrite)
    _, tensors = starting_weights(recipe, source)
    path = folder / f"{metadata.name}.onnx"
    card = source.with_suffix(".md")
    text = card.read_text(encoding="utf-8") if card.exists() else card_text(metadata, source)
    if not text.startswith("---\n"):
        text = "\n".join(_HEADER) + "\n" + text
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in (".onnx", ".json"):
            content = source.with_suffix(suffix).read_bytes()
            write_bytes(path.with_suffix(suffix), content)
        write_safetensors(tensors, metadata, path.with_suffix(".safetensors"))
        end = f"\n<!-- written by {CREATOR} -->\n"
        write_text(folder / "README.md", text if end in text else f"{text.rstrip()}\n{end}")
    except OSError as error:
        raise OutputError(
            f"{folder}: the model cannot be written there: {error.strerror or error}"
        ) from error
    return path


def card_text(metadata: Metadata, path: Path) -> str:
    """Return the model card in Markdown, without figures of merit."""
    rows = describe(path)
    lines = [*_HEADER, f"# {metadata.name}", "", "| what | value |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in rows]
    settings = json.dumps(metadata.trained.get("config", {}), indent=1, sort_keys=True)
    lines += ["", "Trained with these settings:", "", "```json", settings, "```", ""]
    return "\n".join(lines)


def into_package(
    path: Path, comparison: Path | None, folder: Path | None = None
) -> tuple[Path, list[str]]:
    """Replace the shipped weights by exported ones, if these are not worse.

    Parameters
    ----------
    path
        The exported ``.onnx`` file, with its record beside it.
    comparison
        ``report.json`` of ``huggins evaluate NEW --compare OLD`` of this very file.
    folder
        Of the shipped weights; that of the installed package where not given.

    Returns
    -------
    Path
        Their new location.
    list of str
        Results of the comparison.

    Raises
    ------
    InputError
        If there is no comparison, it is of other weights or too small, or they are worse.
    ModelError
        If the file does not pass `huggins.inference.verification.verify`.
    """
    bad = [check for check in verify(path) if not check.good]
    if bad:
        raise ModelError(f"{path}: {'; '.join(f'{c.name}: {c.detail}' for c in bad)}")
    model = load_model(path)
    if comparison is None:
        raise InputError(
            "--into-package replaces what everybody uses: show that the new weights are not "
            "worse, with --comparison report.json of `huggins evaluate NEW --compare OLD`"
        )
    results = not_worse(_report(comparison), model.hash, comparison)
    folder = folder or Path(weights.__file__).parent
    target = folder / path.name
    for suffix in (".json", ".onnx"):  # the card beside them is written by hand
        write_bytes(target.with_suffix(suffix), path.with_suffix(suffix).read_bytes())
    return target, results


def _report(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a report: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("comparison"), dict):
        raise InputError(
            f"{path}: no comparison in it: run huggins evaluate NEW --truth LABELS --compare "
            "OLD -o FOLDER and give its report.json"
        )
    return found


def not_worse(report: Mapping[str, Any], new_hash: str, path: Path) -> list[str]:
    """Return the comparison in words, or reject weights that are worse.

    They are worse where a paired test finds fewer CLASS, SUBCLASS or redshifts (of stars,
    galaxies or quasars) right than before, with a probability of chance below 5 %.

    Raises
    ------
    InputError
        If they are worse, or the report is of other weights or too few spectra.
    """
    model = report["about"].get("model") or {}
    if new_hash not in json.dumps(model):
        raise InputError(
            f"{path}: the comparison is not of these weights ({new_hash}) but of {model}: "
            "classify with --model and this file, and compare again"
        )
    comparison = report["comparison"]
    if comparison["n"] < MIN_COMPARED:
        raise InputError(
            f"{path}: the comparison is of {comparison['n']} spectra: {MIN_COMPARED} are the "
            "least for a meaningful comparison"
        )
    tests = {"CLASS": comparison["classes"], "SUBCLASS": comparison["subclasses"]}
    tests |= {f"redshift of {k}": v for k, v in (comparison.get("redshifts") or {}).items()}
    results, worse = [], []
    for name, test in tests.items():
        if not test or not test.get("n"):
            continue
        text = (
            f"{name}: {test['only_new']} gained, {test['only_old']} lost of {test['n']}, "
            f"p = {test['p_value']:.2g}"
        )
        results.append(text)
        if test["only_old"] > test["only_new"] and test["p_value"] < _SIGNIFICANT:
            worse.append(text)
    if worse:
        raise InputError(f"{path}: the new weights are worse: {'; '.join(worse)}")
    return results
