"""The validation score of the best of many, corrected for its having been chosen.

Of many settings that are equally good, one looks best by chance, and its score says more about luck than about it. The bootstrap bias
correction (Tsamardinos, Greasidou and Borboudakis 2018) repeats the choice on resampled rows and scores what was chosen on the rows that
the resample left out. Nothing is trained for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netpick.answers.compare.intervals import Contender, score
from netpick.answers.compare.resample import Floats, Resampler
from netpick.answers.metrics.base import Metric
from netpick.types import Array
from netpick.types.results import Score

MOST_RESAMPLES = 200


def corrected(
    metric: Metric[Any], truth: Array, contenders: Sequence[Contender], chosen: int, resampler: Resampler
) -> Score:
    """The chosen contender's score without what choosing it from all of them adds, with its 95 % interval.

    contenders: what each says about the same n rows, of which `chosen` was taken for its score on them. Rows that depend on each other
    are drawn, and left out, together (`resampler.groups`). The interval is that of the stated score, moved.
    """
    one = contenders[chosen]
    stated = score(metric, truth, one.predictions, one.decided, resampler)
    value = _left_out(metric, truth, contenders, resampler) if len(contenders) > 1 else stated.value
    if not math.isfinite(value):
        return stated
    low, high = (
        max(stated.low + value - stated.value, metric.lowest),
        min(stated.high + value - stated.value, metric.highest),
    )
    return replace(stated, value=value, low=min(low, value), high=max(high, value))


def _left_out(metric: Metric[Any], truth: Array, contenders: Sequence[Contender], resampler: Resampler) -> float:
    """The mean score, over resamples, of the best one on a resample on the rows that it left out. NaN where none leaves it defined."""
    sign = 1.0 if metric.better == "higher" else -1.0
    scores: list[Floats] = []
    done = 0
    for weights in resampler.weights():
        taken = weights[: MOST_RESAMPLES - done]
        left_out = (taken == 0).astype(np.float64)
        inside = np.stack([metric.values(truth, c.predictions, taken, c.decided) for c in contenders])
        best = np.argmax(np.where(np.isfinite(inside), sign * inside, -np.inf), axis=0)
        for index in np.unique(best).tolist():
            one = contenders[index]
            scores.append(metric.values(truth, one.predictions, left_out[best == index], one.decided))
        done += len(taken)
        if done >= MOST_RESAMPLES:
            break
    outside = np.concatenate(scores)
    outside = outside[np.isfinite(outside)]
    return float(outside.mean()) if len(outside) else math.nan
