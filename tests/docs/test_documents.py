"""Everything that the documents name exists."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from huggins.cli import VERBS, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [ROOT / name for name in ("README.md", "VISION.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + [path for name in ("docs", "experiments", "src") for path in (ROOT / name).rglob("*.md")]
)
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)


def code(path):
    """Pieces of code in a document: fenced blocks, indented lines, `inline`."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^    (\S.*)$", rest, flags=re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", rest)
    return [line for block in fenced for line in block.splitlines()] + indented + inline


def commands(path):
    found = []
    for line in code(path):
        words = line.split("#")[0].replace("'", "").split()
        if words[:1] == ["huggins"] and len(words) > 1:
            found.append(words[1:])
    return found


@pytest.fixture(scope="module")
def options():
    """Options of each verb, from its help."""
    import contextlib
    import io

    known = {}
    for verb in VERBS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([verb, "--help"]) == 0
        known[verb] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", out.getvalue()))
    return known


@each_document
def test_commands_exist(path, options):
    for verb, *words in commands(path):
        if verb.startswith("-"):
            assert verb in ("--help", "--version", "--install-completion")
            continue
        assert verb in VERBS, f"huggins {verb}"
        for word in words:
            if word.startswith("-") and word != "-":
                assert word in options[verb], f"huggins {verb} {word}"


def test_every_command_is_in_the_reference():
    verbs = {words[0] for words in commands(ROOT / "docs" / "reference" / "commands.md")}
    assert set(VERBS) <= verbs


def test_every_command_has_a_how_to():
    shown = set()
    for path in (ROOT / "docs" / "how-to").glob("*.md"):
        shown |= {words[0] for words in commands(path)}
    assert set(VERBS) <= shown


@each_document
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        if goal.parent == ROOT / "docs" / "pictures":  # drawn with the site; see test_site
            continue
        assert goal.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in slugs, target


@each_document
def test_named_files_exist(path):
    for piece in code(path):
        if re.fullmatch(r"[\w./]+\.(?:py|toml|md|cff)", piece) and "/" in piece:
            places = [ROOT / piece, ROOT / "src" / "huggins" / piece]
            assert any(place.exists() for place in places), piece


def test_the_layout_in_contributing_is_that_of_the_package():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| in `src/huggins` |")[2].partition("\n\n")[0]
    named = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    package = ROOT / "src" / "huggins"
    present = {path.name for path in package.glob("*.py")}
    present |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert {name for name in named if name.endswith((".py", "/"))} == present


def test_paths_in_contributing_exist():
    pieces = code(ROOT / "CONTRIBUTING.md")
    paths = [piece for piece in pieces if re.fullmatch(r"[\w./-]+(?:/|\.py)", piece)]
    assert len(paths) > 30
    for piece in paths:
        assert any((root / piece).exists() for root in (ROOT, ROOT / "src" / "huggins")), piece


def test_contributing_answers_ten_questions_with_a_path():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    answers = re.findall(r"^\| Where .*\? \| (.*) \|$", text, flags=re.MULTILINE)
    assert len(answers) >= 10
    for answer in answers:
        assert re.search(r"`[\w/]+\.py`", answer), answer


@each_document
def test_named_python_exists(path):
    for line in code(path):
        for dotted in re.findall(r"\bhuggins(?:\.[A-Za-z_]\w*)+", line):
            if dotted.endswith((".toml", ".onnx", ".json", ".md", ".safetensors")):
                continue
            resolve(dotted)


def resolve(dotted):
    thing = import_module("huggins")
    name = "huggins"
    for part in dotted.split(".")[1:]:
        name += f".{part}"
        if hasattr(thing, part):
            thing = getattr(thing, part)
        else:
            thing = import_module(name)


@each_document
def test_modules_that_are_run_exist(path):
    for line in code(path):
        for module in re.findall(r"python -m ((?:benchmarks|experiments|huggins)[\w.]*)", line):
            place = ROOT.joinpath(*module.split("."))
            places = [place, place.with_suffix(".py"), ROOT / "src" / place.relative_to(ROOT)]
            assert any(place.exists() for place in places), module


@each_document
def test_python_examples_are_python(path):
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        ast.parse(block)


@each_document
def test_targets_of_make_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for line in code(path):
        words = [word for word in line.split("#")[0].split() if "=" not in word]
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, line


def test_readme_names_its_two_commands_on_the_first_screen():
    top = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40]
    assert any(line.startswith("    make demo") for line in top)
    assert any(line.startswith("    make test") for line in top)
    assert any("pip install huggins" in line for line in top)


def test_decisions_are_listed_and_numbered():
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"\((0.*?\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        first = (folder / name).read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith(f"# {name[:4]}: ")
