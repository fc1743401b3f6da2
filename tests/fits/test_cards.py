"""Cards that are written, read by astropy."""

import numpy as np
import pytest
from astropy.io import fits

from huggins.fits.cards import CARD, card

TEXTS = ["", "a", "it's", "x" * 66, "x" * 68, "x" * 69, "'" * 100, "word " * 60 + "end"]


@pytest.mark.parametrize("value", [*TEXTS, 0, -(2**31), True, False])
@pytest.mark.parametrize("comment", ["", "rows", "c" * 90])
def test_astropy_reads_what_was_written(value, comment):
    cards = card("KEY", value, comment)
    assert len(cards) % CARD == 0
    found = fits.Header.fromstring(cards.decode())
    assert found["KEY"] == value
    assert comment.startswith(found.comments["KEY"])
    if len(str(value)) < 40 and len(comment) < 10 and value != "":
        assert cards.decode() == str(fits.Card("KEY", value, comment))


def test_no_text_loses_anything():
    rng = np.random.default_rng(0)
    for _ in range(300):
        text = "".join(rng.choice(list("ab  '"), rng.integers(60, 500))).strip()
        cards = card("COMMAND", text).decode()
        assert fits.Header.fromstring(cards)["COMMAND"] == text
