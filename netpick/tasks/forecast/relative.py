"""Covariates measured by what they usually are in their series: a price of 8 is a bargain for what costs 10, and dear for what costs 5.

Networks share their weights between series, whose prices lie on scales of their own. Beside a positive number stands its logarithm
divided by the mean of its series so far; the mean of what is known ahead may run on into the horizon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netpick.columns.kinds.cells import as_numbers
from netpick.tasks.forecast.steps import covariate_cells
from netpick.tasks.forecast.timeline import Timeline, table_columns
from netpick.types import Array, Column

MOST_TIMES = 100.0  # the usual value, or its share


def relative_names(timeline: Timeline, numbers: Mapping[str, Array], early: Array) -> tuple[str, ...]:
    """Of these covariates (N,) those that are measured so: of several series, above 0 in the early steps (N,), and not alike in all."""
    if len(timeline.ids) < 2:
        return ()
    found = []
    for name, values in numbers.items():
        known = values[early & ~np.isnan(values)]
        if len(known) and known.min() > 0 and known.min() < known.max():
            found.append(name)
    return tuple(found)


def relative_columns(timeline: Timeline, numbers: Sequence[Array]) -> list[Array]:
    """(N, 1) float32 for each covariate (N,): 0 where it is what it usually was, and where nothing is known."""
    first = np.repeat(timeline.starts[:-1], timeline.lengths)
    made = []
    for values in numbers:
        known = ~np.isnan(values)
        sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
        counts = np.concatenate([[0], np.cumsum(known)])
        usual = (sums[1:] - sums[first]) / np.maximum(counts[1:] - counts[first], 1)
        times = np.divide(values, usual, out=np.ones_like(usual), where=known & (usual > 0))
        made.append(np.log(np.clip(times, 1 / MOST_TIMES, MOST_TIMES)).astype(np.float32)[:, None])
    return made


def covariate_numbers(timeline: Timeline, columns: Mapping[str, Column], name: str) -> Array:
    """(N,) one covariate as numbers, NaN where nothing is known."""
    cells = covariate_cells(timeline, table_columns(columns)[name])
    return np.asarray(as_numbers(cells.values).fill_null(float("nan")).to_numpy())
