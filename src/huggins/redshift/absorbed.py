"""P_BAL among quasars: what the network says, what was measured, and what neither can know.

With s the network's P(BAL) / (P(QSO) + P(BAL)), and the C IV absorption as measured:

    logit P = w logit(p) + (1 - w) logit(p0) + q (a + b logit(s) + c ln(1 + BI / 100 km/s))
    q = sn^2 / (sn^2 + n^2)

- p: fraction of quasars with C IV in range that have broad absorption, BI above 0 (0.13: visual
  inspection of DR12Q, Paris et al. 2017, A&A 597, A79); p0: of quasars with C IV out of range,
  where only low-ionisation absorption shows (0.02: 1.3 % in Trump et al. 2006, ApJS 165, 1).
- w: fraction of 0 to 25,000 km/s that was observed.
- sn: median S/N of a pixel of the continuum there, or of the spectrum where it was not
  observed. Without signal P is the prior, whatever the network says.
- logit(s) is limited to +-6; BI is 0 where it was not measured.

a, b, c and n were fitted by ``python -m experiments.bal`` to real quasars of folds 2 to 4, as
they are and behind real troughs of C IV, at their S/N and with noise added. The sum P_QSO +
P_BAL stays: whether it is a quasar is decided before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from huggins.redshift.balnicity import Absorption


#: a, b, c and n, as `experiments/bal.py` fits and writes them.
FITTED: Final = (-0.444, 0.937, 0.558, 0.5)


@dataclass(frozen=True, slots=True)
class ShareParameters:
    """The constants above.

    Attributes
    ----------
    constant, network, index
        a, b and c.
    noise
        n.
    prior, unseen
        p and p0.
    """

    constant: float
    network: float
    index: float
    noise: float
    prior: float = 0.13
    unseen: float = 0.02


PARAMETERS: Final = ShareParameters(*FITTED)
_LIMIT: Final = 6.0
_BI: Final = 100.0


def evidence(share: float, absorption: Absorption) -> tuple[float, float, float]:
    """Return what a, b and c multiply: 1, logit(s) and ln(1 + BI / 100 km/s)."""
    odds = (share + 1e-9) / (1.0 - share + 1e-9)
    index = absorption.bi if np.isfinite(absorption.bi) else 0.0
    return 1.0, min(max(math.log(odds), -_LIMIT), _LIMIT), math.log1p(index / _BI)


def prior_logit(coverage: float, parameters: ShareParameters = PARAMETERS) -> float:
    """Return w logit(p) + (1 - w) logit(p0)."""
    seen, unseen = (math.log(p / (1.0 - p)) for p in (parameters.prior, parameters.unseen))
    return coverage * seen + (1.0 - coverage) * unseen


def absorbed_share(
    share: float, absorption: Absorption, sn: float, parameters: ShareParameters = PARAMETERS
) -> float:
    """Return the probability that a quasar has broad absorption.

    Parameters
    ----------
    share
        The network's.
    absorption
        As measured.
    sn
        Median S/N of a pixel of the spectrum, used where C IV was not observed.
    parameters
    """
    sn = absorption.sn if absorption.coverage > 0.0 else sn
    known = sn**2 / (sn**2 + parameters.noise**2)
    one, network, index = evidence(share, absorption)
    said = parameters.constant * one + parameters.network * network + parameters.index * index
    return 1.0 / (
        1.0 + math.exp(-(prior_logit(absorption.coverage, parameters) + known * said))
    )
