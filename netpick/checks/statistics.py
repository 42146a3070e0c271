"""What several checks ask of numbers: how far two samples are apart, and whether neighbours are more alike than chance.

Limits on chances are for one check over all its columns: they are divided by how many were looked at (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from netpick.types import Array

CHANCE = 1e-4  # that a check speaks up about data without the fault, over all columns that it looks at


@dataclass(frozen=True, kw_only=True)
class Alike:
    """How much more alike neighbours' targets are than those of any two rows: 0 not at all, 1 always equal."""

    effect: float
    z: float  # in standard errors

    def __bool__(self) -> bool:
        return self.z > 0


def ks_distance(a: Array, b: Array) -> float:
    """The largest difference between the two distribution functions (Kolmogorov-Smirnov)."""
    if not len(a) or not len(b):
        return 0.0
    every = np.concatenate([a, b])
    a, b = np.sort(a), np.sort(b)
    below_a = np.searchsorted(a, every, "right") / len(a)
    below_b = np.searchsorted(b, every, "right") / len(b)
    return float(np.abs(below_a - below_b).max())


def ks_chance(distance: float, n: float, m: float) -> float:
    """The chance of so large a distance between samples of one distribution (the asymptotic series; Stephens 1970)."""
    root = math.sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.3:
        return 1.0
    terms = [2 * (-1) ** (j - 1) * math.exp(-2 * j * j * x * x) for j in range(1, 101)]
    return float(min(1.0, max(0.0, sum(terms))))


def order_share(a: Array, b: Array) -> float:
    """The share of pairs in which the value of `a` is above that of `b`, ties counting half (AUC)."""
    b = np.sort(b)
    below = np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")
    return float(below.mean() / 2 / len(b))


def neighbours_alike(target: Array, connected: Array | None = None) -> Alike:
    """Whether each row's target says something about the next one's. target (n,) of classes (integers) or numbers.

    connected (n - 1,) says which pairs of neighbours count; all by default.
    """
    n = len(target)
    pairs = np.ones(n - 1, dtype=bool) if connected is None else connected
    count = int(pairs.sum())
    if count < 30:
        return Alike(effect=0.0, z=0.0)
    if target.dtype.kind in "iu":
        shares = np.bincount(target - target.min()) / n
        expected = float(np.square(shares).sum())
        if expected >= 1:
            return Alike(effect=0.0, z=0.0)
        equal = float((target[1:] == target[:-1])[pairs].mean())
        # Neighbouring pairs share a row, but for a random order their agreements are uncorrelated but for a term of 1 / n.
        error = math.sqrt(expected * (1 - expected) / count)
        return Alike(effect=(equal - expected) / (1 - expected), z=(equal - expected) / max(error, 1e-9))
    ranks = np.argsort(np.argsort(target, kind="stable"), kind="stable").astype(np.float64)
    ranks -= ranks.mean()
    spread = float(np.square(ranks).mean())
    if spread == 0:
        return Alike(effect=0.0, z=0.0)
    together = float((ranks[1:] * ranks[:-1])[pairs].mean() / spread)
    return Alike(effect=together, z=together * math.sqrt(count))


def stability_index(a: Array, b: Array) -> float:
    """Population stability index of counts by value: 0 alike, 0.1 somewhat and 0.25 clearly different."""
    share_a, share_b = (a + 0.5) / (a.sum() + 0.5 * len(a)), (b + 0.5) / (b.sum() + 0.5 * len(b))
    return float(((share_a - share_b) * np.log(share_a / share_b)).sum())


def counts_chance(a: Array, b: Array) -> float:
    """The chance that counts by value this different come from one distribution (chi-squared)."""
    from scipy.special import chdtrc  # scipy.stats takes as long to import as a whole look at a table

    total = a + b
    keep = total > 0
    a, b, total = a[keep], b[keep], total[keep]
    if len(total) < 2:
        return 1.0
    share = a.sum() / total.sum()
    statistic = float((np.square(a - total * share) / (total * share * (1 - share))).sum())
    return float(chdtrc(len(total) - 1, statistic))
