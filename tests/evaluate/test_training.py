"""The curves of a training run."""

import re
from pathlib import Path

import pytest

from huggins.errors import InputError
from huggins.evaluate.training import KEYS, draw_log

TRAIN = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "train.md"


def test_curves_are_drawn(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "step,loss,accuracy,speed,held_loss,sky,visual,own\n"
        "10,1.5,0.4,900,1.2,0.1,nan,0.2\n20,1.1,0.6,950,1.0,0.1,nan,0.3\n"
    )
    path = draw_log(log, tmp_path / "log.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "log.png"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step,loss\n1,high\n"])
def test_another_file_is_refused(tmp_path, text):
    log = tmp_path / "log.csv"
    log.write_text(text)
    with pytest.raises(InputError, match="not a log of training"):
        draw_log(log, tmp_path / "log.png")


def test_every_column_of_a_log_is_defined_as_the_document_says():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", TRAIN.read_text(), re.MULTILINE))
    assert {name: rows.get(name) for name in KEYS} == {n: k[2] for n, k in KEYS.items()}
