"""The pages about the catalogue say what the code says."""

import re
from pathlib import Path

from huggins.catalog import COLUMNS, KINDS, ROLES
from huggins.cli import catalog as catalog_verb
from huggins.cli import labels as labels_verb
from huggins.labels import ROLES as LABEL_ROLES
from huggins.tables.labels import ROLES as LABEL_COLUMNS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def named(role, text):
    names = {role, *LABEL_COLUMNS[role].names}
    return any(re.search(rf"\b{name}\b", text) for name in names)


def test_the_reference_lists_every_column_in_order_with_its_type():
    text = (DOCS / "reference" / "catalog.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| `([A-Z_0-9]+)` \| (\w+) \|", text, flags=re.MULTILINE)
    assert said == [(c.name, "text" if c.text else c.kind) for c in COLUMNS]


def test_the_how_to_lists_every_kind():
    text = (DOCS / "how-to" / "catalog.md").read_text(encoding="utf-8")
    table = text.partition("| `--kind` |")[2].partition("\n\n")[0]
    for kind in KINDS:
        assert f"`{kind.name}`" in table


def test_the_help_names_every_kind_and_role():
    source = re.sub(r'"\s+"', "", Path(catalog_verb.__file__).read_text(encoding="utf-8"))
    for kind in KINDS:
        assert kind.name in source
    for role in ROLES:
        assert named(role, source.partition("--map")[2].partition("recipe")[0])
    source = re.sub(r'"\s+"', "", Path(labels_verb.__file__).read_text(encoding="utf-8"))
    for role in LABEL_ROLES:
        assert named(role, source.partition("--column")[2].partition("match")[0])
