"""Constants of nature and mathematics, each with its source."""

from __future__ import annotations

import math
from typing import Final

#: Speed of light in km/s, exact by the definition of the metre (SI, 2019; CODATA 2022).
SPEED_OF_LIGHT: Final = 299792.458
#: Natural logarithm of 10: d ln(x) / d log10(x).
LN10: Final = math.log(10.0)
