"""What the held-out rows say of a generator: it makes as many rows as it learned from, and each part judges them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import nn

from netpick.contest.rows import Round
from netpick.models.baselines import OfRows
from netpick.models.baselines.base import Baseline, Fitted
from netpick.models.likeness import MOST_MADE, Made, judged
from netpick.models.networks.record_network import RecordNetwork
from netpick.types import Array

Draw = Callable[[int, np.random.Generator], Made]


def draw_of_network(network: nn.Module) -> Draw:
    """Rows of a network; a number lies anywhere in its bin."""
    assert isinstance(network, RecordNetwork)

    def draw(count: int, random: np.random.Generator) -> Made:
        codes = network.draw(count, random)
        return Made(codes=codes, places=random.random(codes.shape))

    return draw


def draw_of_baseline(baseline: Baseline, fitted: Fitted) -> Draw:
    """Rows of a baseline."""
    assert isinstance(baseline, OfRows)

    def draw(count: int, random: np.random.Generator) -> Made:
        codes, places = baseline.draw(fitted, count, random)
        return Made(codes=codes, places=places)

    return draw


def judged_by_parts(draw: Draw, this_round: Round) -> tuple[Array, Array]:
    """Answers of the validation rows and of the test rows about what is drawn."""
    prepared, seed = this_round.prepared, this_round.terms.options.seed
    split = prepared.split
    count = max(min(len(split.train), MOST_MADE), len(split.validation), len(split.test))
    made = draw(count, np.random.default_rng([seed, 0]))
    validation, test = judged(made, prepared.truth, split.train, [split.validation, split.test], prepared.state, seed)
    return validation, test
