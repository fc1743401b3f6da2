"""What a release consists of: distributions, recipes, workflows, paper, licences."""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import huggins

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = [Requirement(text) for text in PROJECT["dependencies"]]
#: What conda calls differently.
CONDA = {"astropy": "astropy-base", "matplotlib": "matplotlib-base"}
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def yaml():
    return pytest.importorskip("yaml")


def lower_bound(requirement):
    [specifier] = requirement.specifier
    assert specifier.operator == ">="
    return specifier.version


@pytest.mark.slow
def test_distributions_are_whole_small_and_the_same_twice(tmp_path):
    """Built in processes of their own: what is imported here must not matter."""
    pytest.importorskip("hatchling")
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
            cwd=ROOT, check=True, capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1790000000"},
        )  # fmt: skip
        made.append({path.name: hashlib.sha256(path.read_bytes()) for path in folder.iterdir()})
    one, two = ({name: d.hexdigest() for name, d in files.items()} for files in made)
    version = huggins.__version__
    assert set(one) == {f"huggins-{version}.tar.gz", f"huggins-{version}-py3-none-any.whl"}
    assert one == two
    needed = {
        "weights/huggins.onnx", "weights/seed.onnx", "weights/basis.npz", "weights/huggins.md",
        "demo/mocks.npz", "view/static/index.html", "py.typed",
    }  # fmt: skip
    for path in (tmp_path / "one").iterdir():
        assert path.stat().st_size < 25 * MEGABYTE
        if path.suffix == ".whl":
            inside = set(zipfile.ZipFile(path).namelist())
            assert {f"huggins/{name}" for name in needed} <= inside
            assert not any(name.startswith(("tests", "docs")) for name in inside)
        else:
            with tarfile.open(path) as archive:
                inside = set(archive.getnames())
            assert {f"huggins-{version}/src/huggins/{name}" for name in needed} <= inside
            assert f"huggins-{version}/constraints-oldest.txt" in inside
            assert not any("docs/pictures/" in name for name in inside)


def test_oldest_versions_are_the_lower_bounds():
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    pinned = {canonicalize_name(name): version for name, version in pins}
    assert len(pinned) == len(pins)
    for requirement in CORE:
        version = pinned[canonicalize_name(requirement.name)]
        low = lower_bound(requirement)
        assert version == low or re.fullmatch(rf"{re.escape(low)}(\.0)+", version), requirement


def test_the_conda_recipe_needs_what_the_project_needs():
    text = (ROOT / "deploy" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    assert f'version: "{huggins.__version__}"' in text
    run = text.partition("  run:\n")[2].partition("tests:")[0]
    said = set(re.findall(r"^    - (.*)$", run, flags=re.MULTILINE))
    wanted = {
        f"{CONDA.get(requirement.name, requirement.name)} >={lower_bound(requirement)}"
        for requirement in CORE
    }
    assert said == wanted | {f"python {PROJECT['requires-python']}"}


def test_workflows_have_every_version_that_the_project_names(yaml):
    folder = ROOT / ".github" / "workflows"
    tests = yaml.safe_load((folder / "tests.yml").read_text(encoding="utf-8"))
    matrix = tests["jobs"]["versions"]["strategy"]["matrix"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == versions
    assert len(matrix["os"]) == 3
    release = yaml.safe_load((folder / "release.yml").read_text(encoding="utf-8"))
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}  # no password anywhere
    assert publish["needs"] == "build"
    assert "secrets." not in (folder / "release.yml").read_text(encoding="utf-8")


def test_paths_and_targets_of_the_workflows_exist(yaml):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            lines = " ; ".join(step.get("run", "") for step in job["steps"])
            assert set(re.findall(r"\bmake ([a-z-]+)", lines)) <= targets
            for name in re.findall(r"\btests/\w+", lines):
                assert (ROOT / name).is_dir()
    docs = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))
    assert (ROOT / docs["sphinx"]["configuration"]).exists()
    assert docs["sphinx"]["fail_on_warning"]


def test_templates_of_issues_have_their_header(yaml):
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"):
        header = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
        assert header["name"]
        assert header["about"]


def test_every_reference_of_the_paper_is_cited_and_every_citation_exists():
    paper = (ROOT / "paper.md").read_text(encoding="utf-8")
    body = paper.split("---\n", 2)[2]
    cited = set(re.findall(r"@(\w+)", body))
    entries = (ROOT / "paper.bib").read_text(encoding="utf-8").split("\n@")
    known = {re.search(r"\{(\w+),", entry)[1] for entry in entries}
    assert cited == known
    assert all("doi" in entry or "eprint" in entry for entry in entries)
    assert 250 <= len(body.split()) <= 1000  # what JOSS asks for
    for heading in ("# Summary", "# Statement of need", "# References"):
        assert heading in body


def test_the_script_for_slurm_continues_where_it_stopped(tmp_path):
    """With a stand-in for srun, which prints what it was told to run."""
    command = tmp_path / "srun"
    command.write_text('#!/bin/sh\necho "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def run():
        done = subprocess.run(
            ["bash", str(ROOT / "deploy" / "slurm.sh"), "in", "out.fits"],
            cwd=tmp_path, env={"PATH": path, "SLURM_CPUS_PER_TASK": "8"}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.split()

    first = ["huggins", "classify", "in", "-o", "out.fits", "--jobs", "8", "--quiet"]
    assert run() == first
    (tmp_path / "out.fits.part").mkdir()
    assert run() == [*first, "--resume"]


@pytest.fixture(scope="module")
def licences():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import licences
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return licences


def test_everything_that_is_needed_to_run_has_a_licence_that_binds_nobody(licences):
    packages = licences.needed(PROJECT["dependencies"])
    assert len(packages) > 30
    for requirement in CORE:
        assert canonicalize_name(requirement.name) in packages
    for name, package in packages.items():
        said = licences.licence_of(package)
        assert said, name
        assert not re.search(r"\bA?GPL|General Public|Affero", said), (name, said)


def test_the_table_of_licences_has_every_package_once(licences):
    rows = re.findall(r"^\| (\S+) \| \d", licences.table(), flags=re.MULTILINE)
    names = [canonicalize_name(name) for name in rows]
    assert len(names) == len(set(names))
    assert set(licences.needed(PROJECT["dependencies"])) <= set(names)
