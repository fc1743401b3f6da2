"""The curves of a training run."""

import pytest

from huggins.errors import InputError
from huggins.evaluate.training import draw_log


def test_curves_are_drawn(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "step,loss,accuracy,speed,held_loss\n10,1.5,0.4,900,1.2\n20,1.1,0.6,950,1.0\n"
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
