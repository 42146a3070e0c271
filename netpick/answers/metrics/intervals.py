"""95 % intervals in closed form: Wilson's for shares, and the quantiles that the others need."""

from __future__ import annotations

import math
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)  # 1.96


def wilson(share: float, rows: float, z: float = Z) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen on `rows` rows, which need not be whole.

    z: how many standard errors 95 % lie within, where it is not the normal distribution's.

    Unlike value +- 1.96 se it stays inside 0..1 and does not collapse when every row is right
    (Wilson 1927; Brown, Cai, DasGupta 2001).
    """
    if rows <= 0:
        return 0.0, 1.0
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def t_quantile(degrees: float) -> float:
    """The 97.5 % quantile of Student's t, by Cornish and Fisher's expansion around 1.96 (within 1 % from 3 degrees on).

    scipy.stats has it exactly but takes longer to import than a whole evaluation.
    """
    v = max(degrees, 1.0)
    z3, z5, z7 = Z**3, Z**5, Z**7
    return (
        Z
        + (z3 + Z) / (4 * v)
        + (5 * z5 + 16 * z3 + 3 * Z) / (96 * v**2)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * Z) / (384 * v**3)
    )
