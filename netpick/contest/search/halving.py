"""Synchronous successive halving (Jamieson and Talwalkar 2016) in generations of a fixed size: pure arithmetic.

A generation's trials make a ninth of the steps; the best third of them goes on to a third of the steps, and the best third of those to
all. A trial that goes on does so from its checkpoint, on the same schedule. Which trials go on is known only when all of a rung have
ended, so the number of workers changes nothing. The default, trial 0, always goes on: it is what the chosen one is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

GENERATION = 8  # trials that are proposed together
RUNGS = (1, 3, 9)  # of nine parts of the steps
PARTS = RUNGS[-1]  # after each of which the validation rows are scored


def generations(trials: int) -> list[range]:
    """The numbers of the trials of each generation."""
    return [range(start, min(start + GENERATION, trials)) for start in range(0, trials, GENERATION)]


def rung_steps(steps: int) -> list[int]:
    """The step at which each rung ends, where a whole training has so many."""
    return [max(1, round(steps * rung / PARTS)) for rung in RUNGS]


def promoted(scores: Mapping[int, float]) -> list[int]:
    """The trials that go on, of those that ended a rung with these scores (higher is better): the best third, and the default.

    Of equal ones the earlier goes on.
    """
    ranked = sorted(scores, key=lambda trial: (-scores[trial], trial))
    best = ranked[: math.ceil(len(ranked) / 3)]
    return sorted({*best, *({0} & set(scores))})


def cost(trials: int) -> float:
    """Whole trainings that so many trials take together."""
    total = 0.0
    for generation in generations(trials):
        count, before = len(generation), 0
        for rung in RUNGS:
            total += count * (rung - before) / PARTS
            before, count = rung, math.ceil(count / 3) + (1 if 0 in generation and count > 1 else 0)
    return total
