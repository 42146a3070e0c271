"""A metric that says what rows add and what the sums mean has all else for nothing: influence, intervals, pairs, groups."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from netpick.answers.answered import AnsweredClasses
from netpick.answers.compare import Contender, Resampler, paired_difference, score
from netpick.answers.metrics.classes import class_sums
from netpick.answers.metrics.sums import Floats, SumMetric, Sums
from netpick.types import Array


class Matthews(SumMetric[AnsweredClasses]):
    """Matthews' correlation coefficient of several classes (Gorodkin 2004)."""

    name = "matthews"
    label = "MCC"
    better = "higher"
    reads = AnsweredClasses
    uses_threshold = True
    lowest, highest = -1.0, 1.0
    definition = "The correlation of true and decided classes."

    def sums(self, truth: Array, predictions: AnsweredClasses, decided: Array | None) -> Sums:
        assert decided is not None
        return class_sums(truth, decided, predictions.probabilities.shape[1])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        hits, true, decided = np.split(totals, 3, axis=1)
        rows = true.sum(axis=1)
        shared = hits.sum(axis=1) * rows - (true * decided).sum(axis=1)
        spread = (rows**2 - (true**2).sum(axis=1)) * (rows**2 - (decided**2).sum(axis=1))
        return np.divide(shared, np.sqrt(spread), out=np.zeros_like(shared), where=spread > 0)


def drawn(seed: int, n: int = 400) -> tuple[Array, AnsweredClasses, Array]:
    generator = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, 3, n)
    raw = generator.gamma(1.0, size=(n, 3)) + 0.8 * np.eye(3)[truth]
    predictions = AnsweredClasses(probabilities=raw / raw.sum(axis=1, keepdims=True))
    return truth, predictions, raw.argmax(axis=1)


def test_values_are_those_of_scikit_learn_under_any_weights() -> None:
    truth, predictions, decided = drawn(1)
    weights = np.random.default_rng(2).integers(0, 4, (5, len(truth))).astype(np.float64)
    found = Matthews().values(truth, predictions, weights, decided)
    assert found == pytest.approx([sk.matthews_corrcoef(truth, decided, sample_weight=w) for w in weights], abs=1e-12)


def test_influence_is_the_slope_although_no_formula_was_given() -> None:
    truth, predictions, decided = drawn(1)
    linear = Matthews().linear(truth, predictions, decided)
    n, step = len(truth), 1e-4
    more, less = (np.ones((n, n)) + sign * step * np.eye(n) for sign in (1, -1))
    values = [Matthews().values(truth, predictions, weights, decided) for weights in (more, less)]
    assert linear.influence == pytest.approx(n * (values[0] - values[1]) / (2 * step), abs=1e-5)
    assert linear.influence.mean() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("groups", [None, np.arange(400) // 8])
def test_intervals_and_pairs_follow(groups: Array | None) -> None:
    truth, predictions, decided = drawn(1)
    resampler = Resampler(len(truth), 0, groups)
    found = score(Matthews(), truth, predictions, decided, resampler)
    assert found.low < found.value < found.high
    _, others, other_decided = drawn(3)
    one = Contender(name="one", predictions=predictions, decided=decided)
    other = Contender(name="other", predictions=others, decided=other_decided)
    pair = paired_difference(Matthews(), truth, one, other, resampler)
    assert pair.low < pair.difference < pair.high
    assert pair.high - pair.low < 2 * (found.high - found.low)
