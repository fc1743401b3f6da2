"""What the site needs beyond Sphinx: files outside `docs` as pages, links to them, pictures.

The documents are written to be read as files as well, with relative links between them. A link
to a file that is a page of the site leads to the page, one to any other file to a copy of it.
"""

from __future__ import annotations

import os
import re
import shutil
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_INCLUDE = re.compile(r"^:::\{include\} (\S+)\n:::$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]\[]*(?:\[[^\]]*\][^\]\[]*)*)\]\(([^)\s]+)\)")
_COMMANDS = (
    "huggins ",
    "make",
    "pip ",
    "git ",
    "python ",
    ".venv/",
    "docker ",
    "conda ",
    "sbatch ",
)


def reachable(urls: dict[str, str], folder: Path) -> dict[str, tuple[str, str]]:
    """Return a mapping for intersphinx with the inventories that can be had.

    They are kept in a folder, so that a later build without a network has them too.

    Parameters
    ----------
    urls
        Address of the documentation of each project.
    folder
        Where the inventories are kept.
    """

    def fetch(item: tuple[str, str]) -> tuple[str, tuple[str, str]] | None:
        name, url = item
        kept = folder / f"{name}.inv"
        if not kept.exists():
            try:
                with urllib.request.urlopen(f"{url}objects.inv", timeout=5) as answer:  # noqa: S310
                    content = answer.read()
            except OSError:
                return None
            if not content.startswith(b"# Sphinx inventory version 2"):
                return None
            folder.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(content)
        return name, (url, str(kept))

    if os.environ.get("HUGGINS_DOCS_OFFLINE"):
        return {}
    with ThreadPoolExecutor(len(urls)) as pool:
        return dict(found for found in pool.map(fetch, urls.items()) if found)


def included() -> dict[Path, str]:
    """Return the pages that consist of a file outside `docs`, by that file."""
    pages = {}
    for page in HERE.rglob("*.md"):
        found = _INCLUDE.search(page.read_text(encoding="utf-8"))
        if found:
            name = page.relative_to(HERE).with_suffix("").as_posix()
            pages[(page.parent / found[1]).resolve()] = name
    return pages


def relinked(text: str, home: Path, docname: str, pages: dict[Path, str]) -> str:
    """Return a document with links that are right on the site.

    Parameters
    ----------
    text
        The document.
    home
        Folder of the file that its relative links start from.
    docname
        Page on which it is shown.
    pages
        Pages of files outside `docs`, see `included`.
    """
    place = (HERE / docname).parent

    def replace(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        file, _, anchor = target.partition("#")
        goal = (home / file).resolve()
        anchor = f"#{anchor}" if anchor else ""
        if goal == ROOT / "README.md":
            goal, anchor = HERE / "index.md", ""
        if goal in pages:
            goal = HERE / f"{pages[goal]}.md"
        if goal.is_relative_to(HERE) and goal.suffix in (".md", ".rst"):
            return f"[{words}]({os.path.relpath(goal, place)}{anchor})"
        if goal.is_dir():
            return f"{words} (`{goal.relative_to(ROOT)}`)"
        return f"{{download}}`{words.replace('`', '')} <{os.path.relpath(goal, place)}>`"

    return _LINK.sub(replace, text)


def read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put in files from outside, mend links, list the decisions below their table."""
    if Path(app.env.doc2path(docname)).suffix != ".md":
        return
    pages = included()
    home = (HERE / docname).parent
    text = source[0]
    found = _INCLUDE.search(text)
    if found:
        file = (home / found[1]).resolve()
        app.env.note_dependency(str(file))
        content = relinked(file.read_text(encoding="utf-8"), file.parent, docname, pages)
        if "\n# " in text[: found.start()] or text.startswith("# "):
            content = re.sub(r"^#", "##", content, flags=re.MULTILINE)
        before = relinked(text[: found.start()], home, docname, pages)
        text = before + content + relinked(text[found.end() :], home, docname, pages)
    else:
        text = relinked(text, home, docname, pages)
    if docname.endswith("index") and "\n*\n" in text:
        text = with_the_rest(text, docname)
    if docname == "reference/commands":
        text += helps()
    if docname == "project/licences":
        import licences

        text += "\n" + licences.table()
    if docname == "decisions/README":
        text += "\n\n:::{toctree}\n:hidden:\n:glob:\n\n0*\n:::\n"
    source[0] = text


def with_the_rest(text: str, docname: str) -> str:
    """Return an index in which `*` stands for the pages of its folder that it does not name."""
    folder = (HERE / docname).parent
    named = {line.strip().removeprefix("./") for line in text.splitlines()}
    rest = sorted(
        page.stem
        for page in [*folder.glob("*.md"), *folder.glob("*.rst")]
        if page.stem != "index" and page.stem not in named
    )
    return text.replace("\n*\n", "\n" + "".join(f"{name}\n" for name in rest))


def helps() -> str:
    """Return the help of every verb, as it is printed."""
    import contextlib
    import io

    from huggins.cli import VERBS, main

    pieces = []
    for verb in VERBS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main([verb, "--help"])
        pieces.append(f"\n\n## huggins {verb}\n\n```text\n{out.getvalue().strip()}\n```\n")
    return "".join(pieces)


class Commands(SphinxTransform):
    """Colour commands in indented blocks as a shell does."""

    default_priority = 350

    def apply(self, **_: Any) -> None:
        """Name the language of blocks that begin with a command."""
        for block in self.document.findall(nodes.literal_block):
            plain = block.get("language", "none") in ("none", "text", "default")
            if plain and block.astext().lstrip().startswith(_COMMANDS):
                block["language"] = "sh"


def pictures(app: Sphinx) -> None:
    """Draw the pictures of the gallery, once."""
    import pictures as drawing

    drawing.draw_all(HERE / "pictures")


def clean(app: Sphinx) -> None:
    """Remove pages of the reference that an earlier build made."""
    shutil.rmtree(HERE / "reference" / "api", ignore_errors=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", clean, priority=1)
    app.connect("builder-inited", pictures, priority=2)
    app.connect("source-read", read_source)
    app.add_transform(Commands)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
