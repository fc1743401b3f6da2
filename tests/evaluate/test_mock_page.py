"""Mocks beside real spectra."""

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.evaluate.mock_page import Spectra, draw_page, matched

LOGLAM = np.linspace(3.55, 4.0, 50)


def spectra(kinds, sn, z):
    rng = np.random.default_rng(0)
    sn = np.asarray(sn, float)[:, None]
    flux = 1.0 + 1e-3 * rng.standard_normal((len(kinds), 50))
    return Spectra(
        flux, np.ones_like(flux) * sn**2, np.array(kinds), np.asarray(z, float), np.array(kinds)
    )


def test_signal_to_noise_is_that_of_the_good_pixels():
    some = spectra(["A", "A"], [7.0, 3.0], [0, 0])
    some.ivar[0, :20] = 0.0
    some.ivar[1] = 0.0
    assert some.sn[0] == pytest.approx(7.0, rel=0.01)
    assert some.sn[1] == 0.0


def test_the_nearest_mock_of_the_class_is_taken_once():
    real = spectra(["A", "A", "QSO", "K"], [10, 11, 5, 5], [0, 0, 2.0, 0])
    mocks = spectra(["A", "A", "QSO", "QSO", "A"], [40, 10.5, 5, 5, 20], [0, 0, 3.0, 2.1, 0])
    found = matched(real, mocks, 1)[:, 0]
    assert set(found[:2]) == {1, 4}
    assert found[2] == 3  # as bright, and nearer in redshift
    assert found[3] == -1  # no mock of that class
    assert (matched(real, mocks, 2)[2] >= 0).all()
    assert matched(real, mocks, 3)[2, 2] == -1


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_a_page_holds_a_figure_a_class(tmp_path, ending):
    real = spectra(["A", "A", "QSO"], [10, 11, 5], [0, 0, np.nan])
    mocks = spectra(["A", "A", "QSO", "QSO"], [10, 11, 5, 4], [0, 0, 2.0, 1.0])
    path = tmp_path / f"page.{ending}"
    assert draw_page(real, mocks, LOGLAM, path, each=2) == 3
    assert list(tmp_path.iterdir()) == [path]
    content = path.read_bytes()
    if ending == "html":
        assert content.count(b"<img") == 2
    else:
        assert content.startswith(b"%PDF")


def test_a_page_needs_common_classes_and_an_ending_it_knows(tmp_path):
    real, mocks = spectra(["A"], [5], [0]), spectra(["F"], [5], [0])
    with pytest.raises(InputError, match="no class is among both"):
        draw_page(real, mocks, LOGLAM, tmp_path / "a.html")
    with pytest.raises(InputError, match=r"is \.html or \.pdf"):
        draw_page(real, real, LOGLAM, tmp_path / "a.doc")
