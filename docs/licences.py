"""The licences of everything that huggins needs, from the metadata of what is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution

ROOT = Path(__file__).resolve().parents[1]


def needed(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Return what requirements need on this machine, by normalised name.

    Parameters
    ----------
    requirements
        As in `pyproject.toml`. What is not installed is left out.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(text, "") for text in requirements]
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            found[name] = distribution(requirement.name)
        except PackageNotFoundError:
            continue
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(each, wanted) for each in found[name].requires or ()]
    return found


def licence_of(package: Distribution) -> str:
    """Return what the metadata of a package says of its licence; empty if nothing."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier") or ()
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    if classifiers:
        return ", ".join(classifiers)
    # The older field may hold the whole text: its first line names the licence.
    first = next((line for line in str(metadata.get("License") or "").splitlines() if line), "")
    if first:
        return re.sub(r"\s+", " ", first).strip()[:60]
    for file in package.files or ():
        if file.name.upper().startswith("LICEN"):
            text = file.read_text(encoding="utf-8")
            if "Redistribution and use in source and binary forms" in text:
                return "BSD, by its licence file"
    return ""


def table() -> str:
    """Return the packages of the core and those of the extras with their licences."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = needed(project["dependencies"])
    extras = project["optional-dependencies"].values()
    every = core | needed(text for texts in extras for text in texts)
    pieces = []
    for title, packages in (
        ("Needed to run", core.keys()),
        ("Needed to train, on clusters, for the documents and the tests", every.keys() - core),
    ):
        pieces += [f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        for name in sorted(packages):
            package = every[name]
            said = licence_of(package) or "not stated in its metadata"
            pieces.append(f"| {package.metadata['Name']} | {package.version} | {said} |")
        pieces.append("")
    return "\n".join(pieces)
