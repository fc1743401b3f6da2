"""The tables of the model card."""

import json
from pathlib import Path

from experiments.card import main
from huggins.taxonomy import CLASSES

ROOT = Path(__file__).parents[2]


def test_the_card_has_the_figures_on_record(capsys):
    results = [ROOT / f"docs/results/{name}.json" for name in ("huggins", "seed")]
    assert main([str(path) for path in results]) == 0
    made = capsys.readouterr().out
    card = (ROOT / "src/huggins/weights/huggins.md").read_text(encoding="utf-8")
    for line in made.splitlines():
        assert line in card
    figures = json.loads(results[0].read_text(encoding="utf-8"))
    found = figures["mocks"]["5-40"]["recall"]["O"]
    assert f"{100 * found['value']:.1f} (" in made
    assert f" of {found['n']} |" in made
    assert all(f"| {name} |" in made for name in CLASSES)


def test_the_record_is_of_the_shipped_weights():
    for name in ("huggins", "seed"):
        shipped = json.loads((ROOT / f"src/huggins/weights/{name}.json").read_text("utf-8"))
        measured = json.loads((ROOT / f"docs/results/{name}.json").read_text("utf-8"))
        assert measured["weights"]["hash"] == shipped["sha256"][:16]
