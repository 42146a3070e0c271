"""Series that are shorter than a window: they begin earlier than they do, with their first season again and again.

So a window has its whole context, new series are learned from and forecast beside the others, and nothing that lies behind an
origin is seen before it: what is repeated lies in the first steps, which every window has.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netpick.tasks.forecast.timeline import Timeline
from netpick.types import Array

LEAST_STEPS = 4  # of history that a window of a short series has, where there is no season


def least_history(context: int, season: int) -> int:
    """Known steps before the first origin of a short series."""
    return min(context, season if 1 < season <= context else LEAST_STEPS)


def padded(timeline: Timeline, needed: int, steps: Array) -> Timeline:
    """The timeline with so many steps (S,) without a row before each series that is shorter than `needed`."""
    pads = np.where(timeline.lengths < needed, steps, 0)
    if not pads.any():
        return timeline
    parts = []
    for index, pad in enumerate(pads.tolist()):
        rows = timeline.rows[timeline.starts[index] : timeline.starts[index + 1]]
        parts.append(np.concatenate([np.full(pad, -1, dtype=np.int64), rows]))
    return replace(
        timeline,
        rows=np.concatenate(parts),
        starts=np.concatenate([[0], np.cumsum(timeline.lengths + pads)]),
        first=timeline.first - pads,
    )


def begun_earlier(values: Array, timeline: Timeline, season: int) -> Array:
    """(N, V) values that are filled forward, with the first steps of a series repeated backwards to where its timeline begins."""
    unknown: Array = np.asarray(np.isnan(values).all(axis=1))
    if not unknown[timeline.starts[:-1]].any():
        return values
    values = values.copy()
    for index in np.flatnonzero(unknown[timeline.starts[:-1]]).tolist():
        start, end = int(timeline.starts[index]), int(timeline.starts[index + 1])
        known = np.flatnonzero(~unknown[start:end])
        if not len(known):
            continue
        first = start + int(known[0])
        block = values[first : min(end, first + least_history(end - first, season))]
        if len(block) == season > 1:
            values[start:first] = block[np.arange(start - first, 0) % season]
        else:
            values[start:first] = np.nanmean(np.where(np.isnan(block).all(axis=0), 0.0, block), axis=0)
    return values
