"""What the page draws about one candidate's predictions: small pure functions of truth and prediction.

Scores are not computed here: they come with their intervals from the evaluation. These are the curves and counts behind
the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netpick.answers import Answer
from netpick.answers.answered import AnsweredChances, AnsweredQuantities, AnsweredTags
from netpick.answers.metrics import calibration_bins
from netpick.tasks import TASKS
from netpick.types import Array
from netpick.types.results import CandidateResult, RunResults, Threshold

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points of a curve, thinned for drawing, and the area under it."""

    x: Floats
    y: Floats
    area: float


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Bins of confidence: mean confidence, share that came true, rows."""

    confidence: Floats
    observed: Floats
    count: Whole


@dataclass(frozen=True, kw_only=True)
class Trade:
    """The counts of a binary decision at one threshold."""

    threshold: float
    false_negatives: int
    false_positives: int
    true_positives: int
    true_negatives: int

    @property
    def recall(self) -> float:
        """Share of the positives that are found."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of the alarms that are right."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def positive_index(results: RunResults) -> int:
    """Which of two classes is the positive one: the threshold's, else the second."""
    labels = list(results.target.labels)
    named = results.threshold.positive if results.threshold else None
    return labels.index(named) if named in labels else len(labels) - 1


def answer_of(results: RunResults) -> Answer[Any]:
    """What was answered."""
    return TASKS[results.target.task].answer


def is_binary(results: RunResults) -> bool:
    """Whether a row is of one of exactly two classes."""
    return answer_of(results).one_class and len(results.target.labels) == 2


def chances_of(entry: CandidateResult) -> AnsweredChances:
    """Its probabilities for the test rows; the entry must have them. Raises TypeError."""
    if isinstance(entry.test_predictions, AnsweredChances):
        return entry.test_predictions
    raise TypeError(f"{entry.name} states no probabilities")


def probabilities_of(entry: CandidateResult) -> Floats:
    """(n, K)."""
    return chances_of(entry).probabilities


def values_of(entry: CandidateResult) -> Floats:
    """Its predicted numbers for the test rows, (n, T); the entry must have them. Raises TypeError."""
    if isinstance(entry.test_predictions, AnsweredQuantities):
        return entry.test_predictions.values
    raise TypeError(f"{entry.name} predicts no numbers")


def decided(results: RunResults, candidate: CandidateResult) -> Whole:
    """The class that a candidate chooses per test row, (n,), or 0/1 per label, (n, L), after the threshold."""
    decisions = answer_of(results).decide(chances_of(candidate), results.rule(candidate.name))
    return np.asarray(decisions, dtype=np.int64)


def roc(truth: Array, score: Floats) -> Curve | None:
    """True against false positive rate; None when only one class occurs. truth is 0/1, score grows with 1."""
    falls, hits, _ = _cumulated(truth, score)
    if not len(hits) or not hits[-1] or not falls[-1]:
        return None
    x, y = np.r_[0.0, falls / falls[-1]], np.r_[0.0, hits / hits[-1]]
    return Curve(x=_thin(x), y=_thin(y), area=float(np.trapezoid(y, x)))


def precision_recall(truth: Array, score: Floats) -> Curve | None:
    """Precision against recall, and the average precision; None when no positive occurs."""
    falls, hits, _ = _cumulated(truth, score)
    if not len(hits) or not hits[-1]:
        return None
    precision, recall = hits / (hits + falls), hits / hits[-1]
    area = float((np.diff(np.r_[0.0, recall]) * precision).sum())
    return Curve(x=_thin(np.r_[0.0, recall]), y=_thin(np.r_[precision[0], precision]), area=area)


def _cumulated(truth: Array, score: Floats) -> tuple[Floats, Floats, Floats]:
    """False and true positives when all rows down to each distinct score raise an alarm."""
    order = np.argsort(-score, kind="stable")
    ordered, values = truth[order].astype(np.float64), score[order]
    last = np.flatnonzero(np.r_[np.diff(values) != 0, True]) if len(values) else np.empty(0, dtype=np.int64)
    hits = ordered.cumsum()[last]
    return last + 1 - hits, hits, values[last]


def _thin(values: Floats, most: int = 300) -> Floats:
    """At most `most` points, evenly by index, with both ends kept."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(np.int64)]


def top_calibration(truth: Array, predictions: AnsweredChances) -> Bins:
    """The stated confidence of the likeliest class against how often it was right."""
    bins = calibration_bins(truth, predictions)
    return Bins(
        confidence=np.array([one.confidence for one in bins]),
        observed=np.array([one.accuracy for one in bins]),
        count=np.array([one.n for one in bins], dtype=np.int64),
    )


def calibration(came_true: Array, confidence: Floats) -> Bins:
    """Ten bins of equal width over 0..1; empty bins are dropped."""
    which = np.clip((confidence * 10).astype(np.int64), 0, 9)
    count = np.bincount(which, minlength=10)
    filled = count > 0
    mean = np.bincount(which, weights=confidence, minlength=10)[filled] / count[filled]
    share = np.bincount(which, weights=came_true.astype(np.float64), minlength=10)[filled] / count[filled]
    return Bins(confidence=mean, observed=share, count=count[filled])


def trade(truth: Array, score: Floats, cut: float) -> Trade:
    """What a threshold does. truth is 0/1."""
    alarm = score >= cut
    positive = truth.astype(bool)
    return Trade(
        threshold=cut,
        false_negatives=int((positive & ~alarm).sum()),
        false_positives=int((~positive & alarm).sum()),
        true_positives=int((positive & alarm).sum()),
        true_negatives=int((~positive & ~alarm).sum()),
    )


def cost(counts: Trade, threshold: Threshold) -> float:
    """What the mistakes cost with the stated prices."""
    return counts.false_positives * threshold.cost_fp + counts.false_negatives * threshold.cost_fn


def decided_tags(results: RunResults, candidate: CandidateResult) -> Whole:
    """The tags (n, T) that a candidate says of the test rows, -1 where there is no token."""
    decisions = answer_of(results).decide(candidate.test_predictions, results.rule(candidate.name))
    return np.asarray(decisions, dtype=np.int64)


def worst_tagged(results: RunResults, candidate: CandidateResult, most: int) -> Whole:
    """Positions of the rows with the surest wrong tag."""
    said, tags = candidate.test_predictions, decided_tags(results, candidate)
    assert isinstance(said, AnsweredTags)
    sure = np.take_along_axis(said.probabilities, np.maximum(tags, 0)[..., None], axis=2)[..., 0]
    wrong = (results.test_truth >= 0) & (results.test_truth != tags)
    surest = np.where(wrong, sure, -1.0).max(axis=1, initial=-1.0)
    rows = np.argsort(-surest, kind="stable")[:most]
    return np.asarray(rows[surest[rows] >= 0], dtype=np.int64)


def worst_classified(truth: Array, choice: Whole, probabilities: Floats, most: int) -> Whole:
    """Positions of the most confident mistakes, the surest first."""
    wrong = np.flatnonzero(truth != choice)
    surest = wrong[np.argsort(-probabilities[wrong, choice[wrong]], kind="stable")]
    return surest[:most]


def worst_labels(truth: Array, choice: Whole, probabilities: Floats, most: int) -> Whole:
    """Positions (m, 2) of row and label of the most confident label mistakes, one per row."""
    surety = np.where(truth != choice, np.abs(probabilities - 0.5), -1.0)
    label = surety.argmax(axis=1)
    best = surety.max(axis=1)
    rows = np.argsort(-best, kind="stable")[:most]
    rows = rows[best[rows] >= 0]
    return np.stack([rows, label[rows]], axis=1).astype(np.int64)


def worst_values(truth: Floats, values: Floats, most: int) -> Whole:
    """Positions of the largest absolute errors of one target."""
    error = np.nan_to_num(np.abs(truth - values), nan=np.inf)
    return np.argsort(-error, kind="stable")[:most].astype(np.int64)


def sample(number: int, most: int) -> Whole:
    """At most `most` of `number` positions, always the same ones, in order."""
    if number <= most:
        return np.arange(number)
    return np.sort(np.random.default_rng(0).choice(number, size=most, replace=False)).astype(np.int64)
