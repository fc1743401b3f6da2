"""What the pages of one set share."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from huggins.view import detail
from huggins.view.results import UnknownRowError


def test_a_spectrum_that_many_ask_for_is_fitted_once(session, monkeypatch):
    fitted, plain = [], detail.details

    def counted(spectrum, network):
        fitted.append(spectrum.file)
        return plain(spectrum, network)

    monkeypatch.setattr(detail, "details", counted)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(session.details, [2] * 8))
    assert len(fitted) == 1
    assert len({id(found) for _, found in answers}) == 1


def test_what_fails_fails_for_all_who_ask_and_can_be_asked_again(session, monkeypatch):
    path = session.results.table.values["FILE"][1]
    session.results.table.values["FILE"][1] = "gone.fits"
    for _ in range(2):
        with pytest.raises(UnknownRowError, match=r"gone\.fits"):
            session.details(1)
    session.results.table.values["FILE"][1] = path
    assert len(session.details(1)[0]) > 1000


def test_the_first_spectra_are_ready_before_the_page_asks(session, monkeypatch):
    session.warm()
    monkeypatch.setattr(detail, "details", None)
    assert session.detail(0)["row"] == 0
