"""The site: links are mended, indexes are whole, and no page is left out."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def sitework():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(DOCS))
    try:
        import sitework
    finally:
        sys.path.remove(str(DOCS))
    return sitework


def test_links_lead_to_pages_and_to_files(sitework):
    pages = {ROOT / "CONTRIBUTING.md": "project/contributing"}

    def relinked(text, home=DOCS / "how-to", docname="how-to/classify"):
        return sitework.relinked(text, home, docname, pages)

    assert relinked("[a](look.md#b)") == "[a](look.md#b)"
    assert relinked("[a](https://b.c/d)") == "[a](https://b.c/d)"
    assert relinked("[a](#b)") == "[a](#b)"
    assert relinked("![a](../quasar.png)") == "![a](../quasar.png)"
    assert relinked("[a](../../README.md#cite)") == "[a](../index.md)"
    assert relinked("[a](../../CONTRIBUTING.md#b)") == "[a](../project/contributing.md#b)"
    assert relinked("[a](../../CITATION.cff)") == "{download}`a <../../CITATION.cff>`"
    assert relinked("[a](../../benchmarks/results)") == "a (`benchmarks/results`)"
    # A file elsewhere, shown on this page: its links start from its own folder.
    assert relinked("[a](docs/faq.md)", ROOT) == "[a](../faq.md)"


def test_an_index_lists_what_it_does_not_name(sitework):
    text = (DOCS / "results" / "index.md").read_text(encoding="utf-8")
    listed = sitework.with_the_rest(text, "results/index").split()
    for page in (DOCS / "results").glob("*.md"):
        assert (page.stem in listed) == (page.stem != "index")
    assert listed.count("accuracy") == 1


def test_every_folder_of_pages_has_an_index_in_the_first_page():
    first = (DOCS / "index.md").read_text(encoding="utf-8")
    for folder in {page.parent for page in DOCS.rglob("*.md")} - {DOCS}:
        if folder.name != "decisions":
            assert (
                f"{folder.relative_to(DOCS).as_posix()}/index" in first.partition("toctree")[2]
            )


def test_inventories_that_cannot_be_had_are_left_out(sitework, tmp_path, monkeypatch):
    monkeypatch.delenv("HUGGINS_DOCS_OFFLINE", raising=False)
    (tmp_path / "kept.inv").write_bytes(b"# Sphinx inventory version 2\n")
    nowhere = "http://127.0.0.1:9/"
    found = sitework.reachable({"kept": nowhere, "gone": nowhere}, tmp_path)
    assert found == {"kept": (nowhere, str(tmp_path / "kept.inv"))}


def test_the_help_of_every_verb_is_on_the_page_of_commands(sitework):
    from huggins.cli import VERBS

    text = sitework.helps()
    assert re.findall(r"^## huggins (\S+)$", text, flags=re.MULTILINE) == list(VERBS)
    assert text.count("Usage: huggins ") == len(VERBS)


def test_pictures_of_the_gallery_are_those_that_are_drawn():
    shown = set(re.findall(r"pictures/(\w+)\.png", (DOCS / "gallery.md").read_text()))
    from huggins.taxonomy import CLASSES

    assert shown == {name.lower() for name in CLASSES} | {"faint", "sky"}
