"""Scores with intervals, paired differences, the decision threshold and the verdict.

`resample` draws rows, `intervals` measures one or two candidates on them, `threshold` turns probabilities into decisions,
`evidence` and `recommend` choose, `winner` says it. Nothing here trains, reads data or prints.
"""

from __future__ import annotations

from netpick.answers.compare.costs import given_costs
from netpick.answers.compare.intervals import Contender, compare_pairs, paired_difference, score
from netpick.answers.compare.resample import Resampler
from netpick.answers.compare.threshold import choose_threshold
from netpick.answers.compare.winner import Outcome, Prefer, has_had_time, qualified, verdict
from netpick.answers.compare.words import difference_text, score_text, score_words

__all__ = [
    "Contender",
    "Outcome",
    "Prefer",
    "Resampler",
    "choose_threshold",
    "compare_pairs",
    "difference_text",
    "given_costs",
    "has_had_time",
    "paired_difference",
    "qualified",
    "score",
    "score_text",
    "score_words",
    "verdict",
]
