"""Intervals, paired differences, thresholds and the verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netpick.answers.answered import AnsweredClasses, AnsweredNumbers
from netpick.answers.compare import (
    Contender,
    Resampler,
    choose_threshold,
    compare_pairs,
    paired_difference,
    score,
    score_text,
)
from netpick.answers.metrics import METRICS
from netpick.answers.metrics.intervals import wilson
from netpick.types import Array
from netpick.types.results import Answered, Score


def decided(predictions: Answered) -> Array | None:
    return None if predictions.probabilities is None else predictions.probabilities.argmax(axis=1)


def of(positive: Array) -> Answered:
    return AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]))


def two_classes(generator: np.random.Generator, n: int) -> tuple[Array, Answered, Answered]:
    """Truth, and two candidates that are equally good: the same signal with noise of their own."""
    signal = generator.normal(size=n)
    truth = (generator.random(n) < 1 / (1 + np.exp(-3 * signal))).astype(np.int64)
    a, b = (1 / (1 + np.exp(-3 * (signal + 0.5 * generator.normal(size=n)))) for _ in range(2))
    return truth, of(a), of(b)


# --- resamples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 2000, 30_000])
def test_resamples_are_the_same_every_time_and_draw_n_rows(n: int) -> None:
    resampler = Resampler(n, 5)
    chunks = list(resampler.weights())
    assert sum(map(len, chunks)) == resampler.count
    assert all(chunk.shape[1] == n and (chunk.sum(axis=1) == n).all() for chunk in chunks)
    assert max(chunk.nbytes for chunk in chunks) <= 64e6
    again = list(Resampler(n, 5).weights())
    assert all(np.array_equal(one, other) for one, other in zip(chunks, again, strict=True))
    assert n < 2 or not np.array_equal(chunks[0], next(Resampler(n, 6).weights()))


def test_groups_are_drawn_whole() -> None:
    groups = np.array([3, 3, 7, 7, 7, 9])
    weights = next(Resampler(6, 0, groups).weights())
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2:4] == weights[:, 4:5]).all()
    assert (weights[:, [0, 2, 5]].sum(axis=1) == 3).all()


# --- one score -------------------------------------------------------------------------------------------------------


def test_accuracy_has_wilsons_interval_at_any_n() -> None:
    for n in (4, 50, 5000):
        truth = np.zeros(n, dtype=np.int64)
        predictions = of((np.arange(n) >= 0.9 * n) * 1.0)
        found = score(METRICS["accuracy"], truth, predictions, decided(predictions), Resampler(n, 0))
        assert (found.low, found.high) == pytest.approx(wilson(found.value, n))
        assert found.n == n


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1", "auc", "average_precision"])
def test_a_perfect_score_on_few_rows_is_not_certain(name: str) -> None:
    truth = np.array([0, 0, 0, 0, 1, 1])
    found = score(METRICS[name], truth, of(truth * 1.0), truth, Resampler(6, 0))
    assert found.value == found.high == 1.0
    assert found.low < 0.7


@pytest.mark.parametrize("name", ["accuracy", "auc", "average_precision", "balanced_accuracy"])
def test_a_perfect_score_on_many_rows_is_nearly_certain(name: str) -> None:
    truth = np.arange(600) % 4
    predictions = AnsweredClasses(probabilities=np.eye(4)[truth] * 0.9 + 0.025)
    found = score(METRICS[name], truth, predictions, truth, Resampler(600, 0))
    assert found.value == pytest.approx(1.0)
    assert found.low > 0.95


def test_a_perfect_auc_rests_on_the_rarer_class() -> None:
    truth = (np.arange(1000) < 2).astype(np.int64)
    found = score(METRICS["auc"], truth, of(truth * 1.0), truth, Resampler(1000, 0))
    assert found.low < 0.6


def test_one_row_says_next_to_nothing_but_stays_finite() -> None:
    predictions = AnsweredNumbers(values=np.array([[2.0]]))
    found = score(METRICS["mae"], np.array([[1.0]]), predictions, None, Resampler(1, 0))
    assert (found.value, found.n) == (1.0, 1)
    assert 0 < found.low < 0.5
    assert 10 < found.high < np.inf


def test_rows_of_a_group_count_less_than_single_rows() -> None:
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 20)
    hit = (generator.random(20) < 0.7)[groups]
    truth = np.zeros(400, dtype=np.int64)
    predictions = of(np.where(hit, 0.1, 0.9))
    for name in ("accuracy", "log_loss"):
        alone = score(METRICS[name], truth, predictions, decided(predictions), Resampler(400, 0))
        grouped = score(METRICS[name], truth, predictions, decided(predictions), Resampler(400, 0, groups))
        assert grouped.value == alone.value
        assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


@pytest.mark.parametrize("name", ["log_loss", "auc", "f1", "brier"])
def test_many_rows_and_few_agree_on_the_width(name: str) -> None:
    truth, predictions, _ = two_classes(np.random.default_rng(1), 2000)
    few = score(METRICS[name], truth, predictions, decided(predictions), Resampler(2000, 0))
    doubled = [np.concatenate([part, part]) for part in (truth, predictions.probabilities)]  # type: ignore[type-var]
    many = AnsweredClasses(probabilities=doubled[1])
    wide = score(METRICS[name], doubled[0], many, decided(many), Resampler(4000, 0))
    assert wide.high - wide.low == pytest.approx((few.high - few.low) / np.sqrt(2), rel=0.1)


# --- differences -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n"), [("accuracy", 300), ("log_loss", 300), ("auc", 300), ("accuracy", 5000), ("auc", 5000)]
)
def test_positive_is_better_whichever_way_the_metric_points_and_turning_it_round_mirrors_it(name: str, n: int) -> None:
    generator = np.random.default_rng(3)
    truth, good, _ = two_classes(generator, n)
    bad = of(np.clip(good.probabilities[:, 1] + 0.5 * generator.normal(size=n), 0.01, 0.99))  # type: ignore[index]
    sides = [Contender(name=k, predictions=p, decided=decided(p)) for k, p in (("good", good), ("bad", bad))]
    there = paired_difference(METRICS[name], truth, sides[0], sides[1], Resampler(n, 0))
    back = paired_difference(METRICS[name], truth, sides[1], sides[0], Resampler(n, 0))
    assert (there.a, there.b, there.metric) == ("good", "bad", name)
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))


def test_a_candidate_ties_with_itself() -> None:
    for n in (3, 40, 3000):
        truth, a, _ = two_classes(np.random.default_rng(0), n)
        truth[:2] = [0, 1]
        side = Contender(name="a", predictions=a, decided=decided(a))
        for name in ("accuracy", "auc", "log_loss"):
            found = paired_difference(METRICS[name], truth, side, replace(side, name="b"), Resampler(n, 0))
            assert (found.verdict, found.difference) == ("tie", 0.0)


def test_four_rows_prove_nothing() -> None:
    truth = np.array([0, 0, 1, 1])
    right, wrong = of(truth * 1.0), of(1.0 - truth)
    sides = [Contender(name=k, predictions=p, decided=decided(p)) for k, p in (("a", right), ("b", wrong))]
    found = compare_pairs(METRICS["accuracy"], truth, sides, [("a", "b")], Resampler(4, 0))[0]
    assert (found.verdict, found.difference) == ("tie", 1.0)


def test_pairs_are_finer_than_the_intervals_of_each() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 1000)
    hard = generator.random(1000) < 0.3  # rows that both get wrong
    a = np.where(hard, 1 - truth, truth)
    b = np.where(np.arange(1000) < 25, 1 - truth, a)  # and a few more
    sides = [Contender(name=k, predictions=of(p * 1.0), decided=p) for k, p in (("a", a), ("b", b))]
    resampler = Resampler(1000, 0)
    each = [score(METRICS["accuracy"], truth, s.predictions, s.decided, resampler) for s in sides]
    assert each[0].low < each[1].high
    assert paired_difference(METRICS["accuracy"], truth, *sides, resampler).verdict == "better"


# --- thresholds ------------------------------------------------------------------------------------------------------


def calibrated(n: int, seed: int = 0) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-2 * generator.normal(size=n)))
    return (generator.random(n) < probabilities).astype(np.int64), probabilities


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_few_rows_do_not_move_the_threshold(n: int) -> None:
    truth, probabilities = calibrated(n)
    assert choose_threshold(truth, probabilities).value == 0.5
    assert choose_threshold(truth, probabilities, 1, 9).value == pytest.approx(0.1)


def test_right_probabilities_keep_the_threshold_that_costs_imply() -> None:
    truth, probabilities = calibrated(20_000)
    for cost_fn in (1, 4, 10):
        assert choose_threshold(truth, probabilities, 1, cost_fn).value == pytest.approx(1 / (1 + cost_fn), abs=0.03)


def test_evidence_moves_the_threshold_of_wrong_probabilities() -> None:
    truth, probabilities = calibrated(20_000)
    shifted = probabilities**4  # says too little
    assert choose_threshold(truth, shifted).value == pytest.approx(0.5**4, abs=0.04)


def test_dear_misses_are_fewer() -> None:
    truth, probabilities = calibrated(270)
    plain, dear = choose_threshold(truth, probabilities), choose_threshold(truth, probabilities, 1, 10, "ill")
    missed = [int(((probabilities < t.value) & (truth == 1)).sum()) for t in (plain, dear)]
    assert missed[1] < missed[0]
    assert (dear.positive, dear.cost_fp, dear.cost_fn) == ("ill", 1, 10)
    assert "'ill'" in dear.sentence
    assert f"{missed[1]} missed" in dear.sentence
    assert f"and {missed[0]})" in dear.sentence


def test_separated_classes_are_cut_at_home_or_in_the_gap() -> None:
    truth = np.repeat([0, 1], 100)
    assert choose_threshold(truth, np.where(truth == 1, 0.9, 0.1)).value == 0.5
    value = choose_threshold(truth, np.where(truth == 1, 0.4, 0.1)).value
    assert 0.1 < value <= 0.4


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.9921, 0.002, "0.992 (0.990 to 0.994, n = 1,000)"),
        (0.94443, 0.0004, "0.9444 (0.9440 to 0.9448, n = 1,000)"),
        (48213.4, 800, "48,213 (47,413 to 49,013, n = 1,000)"),
        (0.00123, 0.0001, "0.0012 (0.0011 to 0.0013, n = 1,000)"),
        (12.3456, 7, "12.3 (5.3 to 19.3, n = 1,000)"),
    ],
)
def test_numbers_are_written_as_finely_as_they_are_known(value: float, half: float, text: str) -> None:
    assert score_text(Score(value=value, low=value - half, high=value + half, n=1000)) == text
