"""Who may import whom, held by reading the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import huggins
from factories import make_truth, write_boss_spec
from tiny_model import write_model

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(huggins.__file__).parent

#: What every stage may import.
COMMON = {
    "",
    "arrays",
    "spectrum",
    "constants",
    "forest",
    "taxonomy",
    "lines",
    "noise",
    "quality",
    "errors",
    "plurals",
    "specobjid",
    "fits",
    "runs",
    "tables",
}
#: What each stage may import besides; a stage that is not here may import COMMON only.
ALLOWED = {
    "__main__": {"cli"},
    "weights": {"prepare"},
    "simulate": {"prepare", "weights", "redshift", "demo"},  # what ships, as templates
    "templates": {"download"},
    "model": {"prepare", "weights"},
    "redshift": {"prepare", "weights"},
    "train": {
        "prepare",
        "weights",
        "simulate",
        "model",
        "redshift",
        "formats",
        "inference",
        "evaluate",
        "demo",  # noise that ships
    },
    "inference": {"formats", "prepare", "weights", "redshift", "sptype"},
    "plot": {"formats", "prepare", "weights", "inference"},
    "evaluate": {"formats", "prepare", "weights", "inference", "plot", "view"},
    "labels": {"catalog", "evaluate"},
    "dataset": {"catalog", "formats", "prepare", "simulate", "weights"},
    "view": {"formats", "prepare", "weights", "redshift", "inference", "plot"},
    "demo": {"download", "formats", "prepare", "inference", "plot"},
}
#: Where packages may be imported that not every user has, or that are slow or large.
HOMES: dict[str, set[str]] = {
    "experiments": set(),  # not in the wheel
    "torch": {"model", "train"},
    "safetensors": {"model", "train"},
    "onnx": {"train"},
    "specutils": {"spectrum", "formats"},
    "sparcl": {"formats"},
    "onnxruntime": {"inference"},
    "arro3": {"dataset", "labels", "tables"},
    "typer": {"cli"},
    "rich": {"cli"},
    "matplotlib": {"plot", "evaluate"},
    "distributed": {"runs"},
    "pandas": {"inference"},
    "sqlite3": {"download", "runs", "view"},
    "starlette": {"view"},
    "uvicorn": {"view"},
    "webbrowser": {"view"},
    "urllib": {"download"},
    "urllib3": {"download"},
    "http": {"download"},
}
#: Packages that are imported inside functions only, because they take long.
LATE = {
    "astropy",
    "distributed",
    "pandas",
    "onnxruntime",
    "arro3",
    "h5py",
    "matplotlib",
    "rich",
    "specutils",
    "scipy",
    "sparcl",
    "urllib3",
    "uvicorn",
}


@dataclass(frozen=True)
class Import:
    """One import: who imports what, and whether it happens when the module is imported."""

    path: Path
    line: int
    module: str
    at_once: bool

    @property
    def stage(self) -> str:
        return self.path.relative_to(ROOT).parts[0].removesuffix(".py").removesuffix("__init__")

    @property
    def package(self) -> str:
        return self.module.split(".")[0]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports() -> Iterator[Import]:
    for path in sorted(ROOT.rglob("*.py")):
        yield from _of(ast.parse(path.read_text()).body, path, at_once=True)


def _of(body: list[ast.stmt], path: Path, *, at_once: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(path, node.lineno, name.name, at_once)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            module = node.module or ""
            if module == "huggins":  # `from huggins import formats` imports huggins.formats
                for name in node.names:
                    yield Import(path, node.lineno, f"huggins.{name.name}", at_once)
            else:
                yield Import(path, node.lineno, module, at_once)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _of(node.orelse, path, at_once=at_once)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                children = getattr(node, name, [])
                yield from _of(children, path, at_once=at_once and not inside)


EVERY = list(imports())


def imported_stage(entry: Import) -> str:
    """Return the part of huggins that is imported; "" for names of the package itself."""
    name = entry.module.split(".")[1] if "." in entry.module else ""
    return name if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists() else ""


def test_the_walk_finds_imports_at_every_depth():
    found = {(entry.stage, entry.module, entry.at_once) for entry in EVERY}
    assert ("inference", "huggins.formats", True) in found
    assert ("inference", "onnxruntime", False) in found
    assert ("cli", "typer", True) in found
    assert ("weights", "huggins.prepare.contract", True) in found
    # Only for type checkers: no import at all.
    assert ("prepare", "huggins.spectrum", True) not in found


def test_onnxruntime_is_imported_where_its_telemetry_is_switched_off():
    places = {str(e.path.relative_to(ROOT)) for e in EVERY if e.package == "onnxruntime"}
    assert places == {"inference/runtime.py"}


def test_stages_import_only_the_stages_before_them():
    wrong = [
        str(entry)
        for entry in EVERY
        if entry.package == "huggins"
        and entry.stage not in ("", "cli")
        and imported_stage(entry)
        not in COMMON | ALLOWED.get(entry.stage, set()) | {entry.stage}
    ]
    assert not wrong


def test_the_foundations_import_only_one_another():
    base = COMMON - {""}
    wrong = [
        str(entry)
        for entry in EVERY
        if entry.stage in base
        and entry.package == "huggins"
        and imported_stage(entry) not in base
        and entry.module != "huggins.__version__"
    ]
    assert not wrong


def module_of(path: Path) -> str:
    return ".".join(("huggins", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


def test_modules_form_no_circle():
    """Not even with imports inside functions and for types."""
    graph: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        name = module_of(path)
        if name.count(".") < 2 and path.name == "__init__.py":
            continue  # a package's front re-exports what is in it
        needed = graph.setdefault(name, set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huggins."):
                needed.add(node.module or "")
                needed |= {f"{node.module}.{item.name}" for item in node.names}
    modules = set(graph)
    TopologicalSorter({k: v & modules - {k} for k, v in graph.items()}).prepare()


def test_the_command_imports_its_verbs_late():
    wrong = [
        str(entry)
        for entry in EVERY
        if entry.stage == "cli"
        and entry.at_once
        and entry.package == "huggins"
        and imported_stage(entry) not in ("", "cli", "errors", "plurals", "taxonomy", "quality")
    ]
    assert not wrong


@pytest.mark.parametrize("package", HOMES)
def test_packages_stay_at_home(package):
    wrong = [
        str(entry)
        for entry in EVERY
        if entry.package == package
        and entry.stage not in HOMES[package]
        and entry.module != "urllib.parse"
    ]
    assert not wrong


@pytest.mark.parametrize("package", sorted(LATE))
def test_slow_packages_are_imported_inside_functions(package):
    wrong = [
        str(entry)
        for entry in EVERY
        if entry.package == package and entry.at_once and entry.stage != "train"
    ]
    assert not wrong


def test_no_module_is_called_after_nothing():
    names = {path.stem for path in ROOT.rglob("*.py")} | {
        path.name for path in ROOT.rglob("*") if path.is_dir()
    }
    assert not names & {"utils", "util", "helpers", "common", "misc", "tools"}


@pytest.mark.slow
def test_classify_runs_without_torch(tmp_path):
    """With every package of the extras blocked, as in an install of the core."""
    model = write_model(tmp_path / "tiny.onnx")
    spectrum = write_boss_spec(tmp_path / "a.fits", make_truth())
    out = tmp_path / "t.fits"
    blocked = ["torch", "onnx", "safetensors", "scipy", "specutils", "pytest", "psutil"]
    code = (
        "import sys\n"
        f"for name in {blocked!r}: sys.modules[name] = None\n"
        "from huggins.cli import main\n"
        f"sys.exit(main(['classify', {str(spectrum)!r}, '-o', {str(out)!r}, "
        f"'--model', {str(model)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert out.exists()
