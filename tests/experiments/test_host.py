"""The nuclei that FRAC_HOST is tried on."""

import numpy as np

from experiments.host import nucleus


def test_a_nucleus_is_a_continuum_with_broad_lines():
    rest = np.arange(3800.0, 5500.0, 1.0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        continuum, lines = nucleus(rest, rng)
        assert (continuum > 0.0).all()
        assert (lines >= 0.0).all()
        assert lines[np.abs(rest - 4862.7).argmin()] > lines[np.abs(rest - 4740.0).argmin()]
