"""Every line of the documents runs as printed: Python blocks and `huggins` commands.

Each document gets a folder of its own with small files in place of those that it names
(`factories.documents`), each block and command a process of its own, in their order. In the
source of a document

    <!-- not run: REASON -->          before a block says that it needs a network, hours, ...
    <!-- run with A for B: REASON --> replaces a text in it, such as a number of spectra
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from factories.documents import PLACEHOLDERS, write_stand_ins
from huggins.cli import VERBS
from huggins.cli.help import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Verbs that serve until they are ended.
SERVERS = {"view"}
_MARK = re.compile(r"<!-- (not run|run with) ?(.*?): (.*?) -->")


@dataclass(frozen=True)
class Piece:
    """A Python block, or one command, with the line where it stands."""

    line: int
    code: str
    python: bool
    skipped: str = ""


def pieces(path: Path) -> list[Piece]:
    """The Python blocks and the commands of a document, in order."""
    found: list[Piece] = []
    block: list[tuple[int, str]] = []
    fence, kind, mark = "", "", None

    def end() -> None:
        nonlocal mark, block
        skipped = mark[3] if mark and mark[1] == "not run" else ""
        text = "\n".join(words for _, words in block)
        if fence and kind == "python":
            found.append(Piece(block[0][0], replaced(text, mark), True, skipped))
        elif not fence or kind in ("sh", "bash", "console"):
            for number, words in block:
                command = words.removeprefix("$ ")
                if command.startswith("huggins "):
                    found.append(Piece(number, replaced(command, mark), False, skipped))
        if block:
            mark = None
        block = []

    for number, words in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if fence:
            if words.startswith("```"):
                end()
                fence = ""
            else:
                block.append((number, words))
        elif words.startswith("```"):
            end()
            fence, kind = "```", words[3:].strip()
        elif words.startswith("    ") and words.strip():
            block.append((number, words[4:]))
        elif words.strip():
            end()
            mark = _MARK.fullmatch(words.strip())
    end()
    return found


def replaced(text: str, mark: re.Match[str] | None) -> str:
    if mark is None or mark[1] != "run with":
        return text
    new, old = mark[2].split(" for ")
    assert old in text, f"{old!r} is not in {text!r}"
    return text.replace(old, new)


def words_of(command: str) -> list[str]:
    """Arguments of a command, with files for words in capitals; optional ones are given."""
    command = re.sub(r"[\[\]]", "", command.split(" #")[0]) if " [-" in command else command
    return [PLACEHOLDERS.get(word, word) for word in shlex.split(command, comments=True)]


RUN = {path: pieces(path) for path in DOCUMENTS}
EVERY = [(path, piece) for path, those in RUN.items() for piece in those]


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents") / "files"
    folder.mkdir()
    write_stand_ins(folder)
    return folder


@pytest.fixture
def folder(tmp_path, stand_ins):
    """A fresh folder with all files, like a checkout: configs in it, shared beside it."""
    place = tmp_path / "checkout"
    shutil.copytree(stand_ins, place)
    shutil.copytree(ROOT / "configs", place / "configs")
    shared = ROOT.parent / "shared"
    if (shared / "data").is_dir():
        (tmp_path / "shared").symlink_to(shared)
        (place / "TEMPLATES").symlink_to(shared / "data" / "templates")
    return place


@pytest.fixture
def environment(tmp_path):
    """An own home, and a network that refuses at once."""
    (tmp_path / "home").mkdir()
    nowhere = "http://127.0.0.1:9"
    return {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "home" / "cache"),
        "MPLBACKEND": "agg",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "PYTHONPATH": str(ROOT / "src"),
    }


def run(piece: Piece, folder: Path, environment: dict[str, str]) -> str:
    """Run a piece in a process of its own; what it complained of, or nothing."""
    if piece.python:
        argv = [sys.executable, "-c", piece.code]
    else:
        words = words_of(piece.code)
        argv = [sys.executable, "-m", *words]
        if words[1] in SERVERS:
            return serve(argv, folder, environment)
        if ">" in argv:  # what it prints goes into a file
            argv = argv[: argv.index(">")]
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    # Among the real spectra are some of dead fibres.
    good = (0, 1) if "../shared" in piece.code else (0,)
    return "" if done.returncode in good else f"status {done.returncode}: {done.stderr[-2000:]}"


def serve(argv: list[str], folder: Path, environment: dict[str, str]) -> str:
    process = subprocess.Popen(
        [*argv, "--no-browser"], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    if first.startswith("http") and process.returncode == 0:
        return ""
    return f"status {process.returncode}: {first}{complaint[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if RUN[path]], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_line_runs(path, folder, environment):
    failed = []
    for piece in RUN[path]:
        needs = [name for name in ("TEMPLATES", "../shared") if name in piece.code]
        if piece.skipped or (needs and not (folder / "TEMPLATES").exists()):
            continue
        complaint = run(piece, folder, environment)
        if complaint:
            failed.append(f"{path.name}:{piece.line}: {piece.code}\n  {complaint}")
    assert not failed, "\n".join(failed)


# Examples of the help that need a network or hours; the documents say so too.
NOT_RUN = {"download", "train", "export"}


@pytest.mark.slow
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NOT_RUN])
def test_examples_of_the_help_run(verb, folder, environment):
    if "TEMPLATES" in EXAMPLES[verb] and not (folder / "TEMPLATES").exists():
        pytest.skip("no templates")
    assert run(Piece(0, EXAMPLES[verb], False), folder, environment) == ""


def test_most_lines_are_run():
    """What is marked has a reason, and is the smaller part."""
    marked = [(path.name, piece.line, piece.skipped) for path, piece in EVERY if piece.skipped]
    assert all(len(reason.split()) >= 3 for *_, reason in marked), marked
    assert len(EVERY) >= 60
    assert len(marked) <= 0.35 * len(EVERY), marked


def test_every_mark_belongs_to_a_line():
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        marks = re.findall(r"<!-- (?:not run|run with)\b", text)
        assert len(marks) == len(_MARK.findall(text)), path
        unused = [
            m for m in _MARK.finditer(text) if not re.match(r"\n+(```|    )", text[m.end() :])
        ]
        assert not unused, (path, [m[0] for m in unused])


def test_the_parser_finds_what_is_printed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "Text `huggins none` inline.\n\n"
        "    huggins info FILE...   # a comment\n    other command\n    huggins models\n\n"
        "<!-- not run: needs a network -->\n\n    huggins demo\n\n"
        "```python\nx = 1\n```\n\n```\nhuggins is output here\n```\n\n"
        "<!-- run with -n 20 for -n 5000: minutes otherwise -->\n\n"
        "    huggins simulate -n 5000\n"
        "text\n\n    huggins evaluate TABLE [-o FOLDER]\n",
        encoding="utf-8",
    )
    found = pieces(page)
    assert [(p.code.split("  ")[0], p.python, p.skipped) for p in found] == [
        ("huggins info FILE...", False, ""),
        ("huggins models", False, ""),
        ("huggins demo", False, "needs a network"),
        ("x = 1", True, ""),
        ("huggins simulate -n 20", False, ""),
        ("huggins evaluate TABLE [-o FOLDER]", False, ""),
    ]
    assert words_of(found[0].code) == ["huggins", "info", "spec-7102-56666-0082.fits"]
    assert words_of(found[-1].code) == ["huggins", "evaluate", "results.fits", "-o", "FOLDER"]


def test_a_line_that_fails_is_seen(tmp_path, environment):
    assert "NameError" in run(Piece(1, "missing", True), tmp_path, environment)
    assert "status 2" in run(
        Piece(1, "huggins info no-such-file", False), tmp_path, environment
    )
    assert run(Piece(1, "huggins --version", False), tmp_path, environment) == ""
