"""The project's own files agree with one another."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import huggins

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_constraints_hold_every_dependency_at_an_allowed_version(project, pinned):
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dev"], *extras["train"], *extras["docs"]]
    for requirement in map(Requirement, wanted):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_constraints_name_exact_public_versions_only(pinned):
    assert len(pinned) > 50
    for name, version in pinned.items():
        assert re.fullmatch(r"\d[\w.]*", version), name
    assert not {"huggins", "pip", "setuptools", "wheel"} & set(pinned)


def test_core_brings_no_torch(project):
    names = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert not names & {"torch", "tensorflow", "jax", "pyarrow", "scipy", "pandas"}


def test_citation_is_of_this_version_and_complete(project):
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == huggins.__version__
    assert citation["license"] == project["license"]
    assert citation["type"] == "software"
    for key in ("message", "title", "authors", "abstract", "keywords"):
        assert citation[key]
    for author in citation["authors"]:
        assert author.get("name") or (author["family-names"] and author["given-names"])


def test_changelog_has_this_version_first():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, flags=re.MULTILINE)[0] == huggins.__version__


def test_every_benchmark_can_be_run_by_name():
    for path in (ROOT / "benchmarks").glob("[!_]*.py"):
        assert re.search(r"^def run\(", path.read_text(encoding="utf-8"), re.MULTILINE), path
