"""From which probability on a row is called positive: chosen on validation rows, moved only by evidence or by costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.types import Array
from netpick.types.results import Threshold

Floats = npt.NDArray[np.float64]

BELIEF_ROWS = 50  # how many validation rows the probabilities' own word is worth
ERRORS_TO_MOVE = (
    2.0  # standard errors by which a saving must exceed nothing: the best of many thresholds is partly luck
)


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Validation rows with the costs of mistakes."""

    positive: npt.NDArray[np.bool_]
    probabilities: Floats
    cost_fp: float
    cost_fn: float

    @property
    def home(self) -> float:
        """The best threshold if the probabilities are right (Elkan 2001): one half for equal costs."""
        return self.cost_fp / (self.cost_fp + self.cost_fn)

    def costs(self, threshold: float) -> Floats:
        """What each row costs at a threshold (n,)."""
        called = self.probabilities >= threshold
        return self.cost_fp * (called & ~self.positive) + self.cost_fn * (~called & self.positive)


def choose_threshold(
    truth: Array,
    probabilities_positive: Array,
    cost_fp: float = 1.0,
    cost_fn: float = 1.0,
    positive_label: str = "1",
    aim: str = "",
) -> Threshold:
    """The threshold of least expected cost on the validation rows, kept where calibrated probabilities want it if in doubt.

    truth: (n,) of 0/1. Right probabilities want cost_fp / (cost_fp + cost_fn). Validation rows may know better, but few
    rows give silly thresholds: the cost of the rows is smoothed with 50 rows' worth of what the probabilities expect, and
    the threshold leaves its place only for a saving of more than two standard errors. Of equally good thresholds the one
    nearest that place is taken.
    aim: the metric that the costs stand for, where it is one.
    """
    rows = _Rows(
        positive=truth == 1, probabilities=probabilities_positive.astype(np.float64), cost_fp=cost_fp, cost_fn=cost_fn
    )
    value = _cheapest(rows)
    saved = rows.costs(rows.home) - rows.costs(value)
    if saved.mean() <= ERRORS_TO_MOVE * saved.std() / math.sqrt(len(saved)):
        value = rows.home
    sentence = _sentence(rows, value, positive_label, aim)
    stated = (1.0, 1.0) if aim else (cost_fp, cost_fn)
    return Threshold(value=value, cost_fp=stated[0], cost_fn=stated[1], positive=positive_label, sentence=sentence)


def _cheapest(rows: _Rows) -> float:
    """The threshold with the least smoothed cost, nearest home."""
    order = np.argsort(rows.probabilities, kind="stable")
    probabilities, positive = rows.probabilities[order], rows.positive[order]
    starts = np.append(np.flatnonzero(np.diff(probabilities, prepend=-1.0)), len(order))  # first row called positive
    smooth = BELIEF_ROWS / len(order)
    as_negative = rows.cost_fn * (positive + smooth * probabilities)
    as_positive = rows.cost_fp * (~positive + smooth * (1 - probabilities))
    costs = np.append(0.0, np.cumsum(as_negative))[starts] + np.append(0.0, np.cumsum(as_positive[::-1]))[::-1][starts]
    below = np.append(0.0, probabilities)[starts]
    upto = np.append(probabilities, 1.0)[starts]
    here = (below < rows.home) & (rows.home <= upto)
    cuts = np.where(here, rows.home, (below + upto) / 2)  # a gap that holds home is cut there, others in the middle
    good = cuts[costs <= costs.min() * (1 + 1e-9)]
    return float(good[np.abs(good - rows.home).argmin()])


def _sentence(rows: _Rows, value: float, label: str, aim: str) -> str:
    called = rows.probabilities >= value
    false_positives, missed = int((called & ~rows.positive).sum()), int((~called & rows.positive).sum())
    total = f"{false_positives:,} false positive{'' if false_positives == 1 else 's'} and {missed:,} missed of {int(rows.positive.sum()):,} on {len(called):,} validation rows"
    if aim:
        costs = f"which serves {aim}"
    elif rows.cost_fp == rows.cost_fn:
        costs = "with equal costs of both mistakes"
    else:
        costs = f"with {rows.cost_fp:g} for a false positive and {rows.cost_fn:g} for a missed one"
    plain = rows.probabilities >= 0.5
    if np.array_equal(plain, called):
        instead = ""
    else:
        fp, fn = int((plain & ~rows.positive).sum()), int((~plain & rows.positive).sum())
        instead = f" (at 0.5: {fp:,} and {fn:,})"
    return f"A row is called '{label}' from a probability of {value:.3g} on, {costs}: {total}{instead}."
