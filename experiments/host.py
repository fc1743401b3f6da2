"""How well FRAC_HOST gives the share of starlight, on mixtures of known shares.

``python -m experiments.host DATA`` mixes held-back stellar populations, passive and
star-forming, with nuclei from formulas (a power law with dust, broad Balmer lines, Fe II of
other widths than those of the fit) at S/N 3 to 30 and z 0.03 to 0.75.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins import simulate
from huggins.prepare import LogGrid
from huggins.redshift import host, load_basis
from huggins.redshift.basis import STEP
from huggins.redshift.frames import SIZE, START
from huggins.simulate import galaxies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def nucleus(rest: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the light of a nucleus at these rest wavelengths: continuum, lines."""
    dust = 10.0 ** (-0.4 * rng.exponential(0.15) * 5500.0 / rest)
    continuum = (rest / 5100.0) ** rng.uniform(-2.3, -0.3) * dust
    lines = rng.uniform(0.2, 1.2) * host.lines(rest, host.BALMER, rng.uniform(900.0, 4000.0))
    for group in host.IRON:
        width = rng.uniform(500.0, 2000.0)
        lines += 0.75 * rng.exponential(0.1) * host.lines(rest, group, width)
    return continuum, lines


def measure(data: Path, count: int, seed: int) -> dict[str, Any]:
    """Return offsets of the share, by kind of mixture."""
    library = simulate.load(data / "templates", test=True)
    grid = LogGrid((START - 0.5) * STEP, STEP, SIZE)
    rng = np.random.default_rng(seed)
    z, forming = rng.uniform(0.03, 0.75, count), rng.integers(0, 2, count)
    stars, log1z = galaxies.stellar(forming, z, library, grid, rng)
    truth = rng.uniform(0.0, 1.0, count)
    truth[: count // 6], truth[count // 6 : count // 3] = 0.0, 1.0
    sn = np.exp(rng.uniform(np.log(3.0), np.log(30.0), count))
    fit = host.HostFit.of(load_basis().star)
    found = np.full(count, np.nan)
    for n in range(count):
        rest: Array = np.power(10.0, grid.loglam - log1z[n])
        at = (rest > 5080.0) & (rest < 5130.0)
        continuum, lines = nucleus(rest, rng)
        light = truth[n] * stars[n] / stars[n][at].mean()
        light = light + (1.0 - truth[n]) * (continuum + lines) / continuum[at].mean()
        error = float(np.median(light)) / sn[n]
        flux = light + error * rng.standard_normal(SIZE)
        found[n] = fit.share(flux, np.full(SIZE, error**-2.0), float(log1z[n]) / STEP)
    pure = {"no stars": truth == 0.0}
    for kind, name in enumerate(("passive", "star-forming")):
        mine, mixed = forming == kind, (truth > 0.0) & (truth < 1.0)
        pure[f"{name}, stars alone"] = mine & (truth == 1.0)
        pure[f"{name}, mixed, S/N 3 to 10"] = mine & mixed & (sn < 10.0)
        pure[f"{name}, mixed, S/N 10 to 30"] = mine & mixed & (sn >= 10.0)
    result: dict[str, Any] = {}
    for name, mine in pure.items():
        known = mine & np.isfinite(found)
        off = found[known] - truth[known]
        result[name] = {
            "n": int(np.count_nonzero(mine)),
            "known": round(float(known.sum() / max(mine.sum(), 1)), 3),
            "bias": round(float(np.median(off)), 3),
            "rms": round(float(np.sqrt(np.mean(off**2))), 3),
        }
    return result


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.host", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of templates/")
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args(argv)
    sys.stdout.write(json.dumps(measure(given.data, given.count, given.seed), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
