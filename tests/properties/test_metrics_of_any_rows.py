"""Metrics of any rows: within their bounds, blind to order and to names, sane where there is little or nothing to measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from netpick.answers.answered import AnsweredClasses, AnsweredHorizon, AnsweredLabels, AnsweredNumbers
from netpick.answers.compare import Contender, Resampler, paired_difference, score
from netpick.answers.metrics import METRICS, metrics_for
from netpick.tasks import TASKS
from netpick.types import Array
from netpick.types.results import Answered

SHARES = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0))
NUMBERS = st.one_of(st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1e6, 1e6))


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, Array, Answered]:
    """Truth and predictions of any task, of few rows, tied, certain, constant or with holes."""
    task = draw(st.sampled_from(["classify", "multilabel", "regress", "forecast"]))
    n = draw(st.integers(1, 24))
    if task == "classify":
        kinds = draw(st.integers(2, 4))
        raw = draw(arrays.arrays(np.float64, (n, kinds), elements=SHARES)) + 1e-3
        if draw(st.booleans()):
            raw = np.eye(kinds)[raw.argmax(axis=1)]
        truth = draw(arrays.arrays(np.int64, n, elements=st.integers(0, kinds - 1)))
        return task, truth, AnsweredClasses(probabilities=raw / raw.sum(axis=1, keepdims=True))
    if task == "multilabel":
        truth = draw(arrays.arrays(np.int64, (n, 3), elements=st.integers(0, 1)))
        return task, truth, AnsweredLabels(probabilities=draw(arrays.arrays(np.float64, (n, 3), elements=SHARES)))
    if task == "regress":
        shape = (n, draw(st.integers(1, 2)))
        truth, values = (draw(arrays.arrays(np.float64, shape, elements=NUMBERS)) for _ in range(2))
        return task, truth, AnsweredNumbers(values=values)
    truth = draw(arrays.arrays(np.float64, (n, 4), elements=st.one_of(NUMBERS, st.just(np.nan))))
    values = draw(arrays.arrays(np.float64, (n, 4), elements=NUMBERS))
    quantiles = np.sort(draw(arrays.arrays(np.float64, (n, 4, 3), elements=NUMBERS)), axis=2)
    scales = np.full((n, 2), draw(st.floats(0.01, 100)))
    return task, truth, AnsweredHorizon(values=values, quantiles=quantiles, naive=scales, deviation=scales)


def values_of(task: str, truth: Array, predictions: Answered) -> dict[str, float]:
    decided, ones = TASKS[task].answer.decide(predictions), np.ones((1, len(truth)))
    return {
        metric.name: float(metric.values(truth, predictions, ones, decided)[0])
        for metric in metrics_for(TASKS[task].answer.typed)
        if metric.applies(truth, predictions)
    }


def picked(predictions: Answered, order: Array) -> Answered:
    return predictions.take(order)


@given(rows())
def test_values_are_numbers_within_their_bounds(case: tuple[str, Array, Answered]) -> None:
    for name, value in values_of(*case).items():
        assert np.isfinite(value), name
        assert METRICS[name].lowest - 1e-9 <= value <= METRICS[name].highest + 1e-9, name


@given(rows(), st.integers(0, 1_000))
def test_the_order_of_rows_is_nothing(case: tuple[str, Array, Answered], seed: int) -> None:
    task, truth, predictions = case
    order = np.random.default_rng(seed).permutation(len(truth))
    before, after = values_of(*case), values_of(task, truth[order], picked(predictions, order))
    assert before.keys() == after.keys()
    for name in before:
        assert after[name] == pytest.approx(before[name], rel=1e-9, abs=1e-9), name


@given(rows())
def test_rows_twice_are_the_same_as_once(case: tuple[str, Array, Answered]) -> None:
    task, truth, predictions = case
    twice = np.tile(np.arange(len(truth)), 2)
    before, after = values_of(*case), values_of(task, truth[twice], picked(predictions, twice))
    for name in before:
        assert after[name] == pytest.approx(before[name], rel=1e-9, abs=1e-9), name


@given(rows(), st.integers(0, 1_000))
def test_names_of_classes_and_targets_are_nothing(case: tuple[str, Array, Answered], seed: int) -> None:
    """Classes in another order, where no metric asks for the second of two; labels and targets likewise."""
    task, truth, predictions = case
    generator = np.random.default_rng(seed)
    if task == "classify":
        assert predictions.probabilities is not None
        kinds = predictions.probabilities.shape[1]
        top = np.sort(predictions.probabilities, axis=1)[:, -2:]
        if kinds == 2 or (top[:, 0] == top[:, 1]).any():  # of equals the first is taken
            return
        new = generator.permutation(kinds)
        turned = AnsweredClasses(probabilities=predictions.probabilities[:, np.argsort(new)])
        before, after = values_of(*case), values_of(task, new[truth], turned)
    elif task in ("multilabel", "regress"):
        order = generator.permutation(truth.shape[1])
        turned = replace(predictions, **{k: None if v is None else v[:, order] for k, v in vars(predictions).items()})
        before, after = values_of(*case), values_of(task, truth[:, order], turned)
    else:
        return
    for name in before:
        assert after[name] == pytest.approx(before[name], rel=1e-9, abs=1e-9), name


@given(
    truth=arrays.arrays(np.int64, st.integers(2, 30), elements=st.integers(0, 1)),
    seed=st.integers(0, 1_000),
    stretch=st.floats(0.1, 10),
)
def test_what_is_symmetric_or_blind_to_scale(truth: Array, seed: int, stretch: float) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.random(len(truth)).round(1)
    both = AnsweredClasses(probabilities=np.column_stack([1 - scores, scores]))
    other = AnsweredClasses(probabilities=np.column_stack([scores, 1 - scores]))
    before, after = values_of("classify", truth, both), values_of("classify", 1 - truth, other)
    for name in ("log_loss", "brier"):  # the classes' names change nothing
        assert after[name] == pytest.approx(before[name], abs=1e-9)
    if "auc" in before:
        assert after["auc"] == pytest.approx(before["auc"], abs=1e-9)
        against = values_of("classify", truth, other)
        assert against["auc"] == pytest.approx(1 - before["auc"], abs=1e-9)
        bent = np.column_stack([1 - scores**stretch, scores**stretch])
        assert values_of("classify", truth, AnsweredClasses(probabilities=bent))["auc"] == pytest.approx(before["auc"])
    y, z = generator.normal(size=(2, len(truth), 1))
    there = values_of("regress", y, AnsweredNumbers(values=z))
    back = values_of("regress", z, AnsweredNumbers(values=y))
    larger = values_of("regress", stretch * y + 7, AnsweredNumbers(values=stretch * z + 7))
    for name, power in (("mse", 2), ("rmse", 1), ("mae", 1)):
        assert back[name] == pytest.approx(there[name])
        assert larger[name] == pytest.approx(there[name] * stretch**power)
    assert larger["r2"] == pytest.approx(there["r2"])


@given(rows(), st.integers(0, 50), st.booleans())
@settings(max_examples=60)
def test_intervals_are_finite_hold_the_value_and_a_network_ties_with_itself(
    case: tuple[str, Array, Answered], seed: int, grouped: bool
) -> None:
    task, truth, predictions = case
    groups = np.random.default_rng(seed).integers(0, 4, len(truth)) if grouped else None
    resampler, decided = Resampler(len(truth), seed, groups), TASKS[task].answer.decide(predictions)
    for metric in metrics_for(TASKS[task].answer.typed):
        if not metric.applies(truth, predictions):
            continue
        found = score(metric, truth, predictions, decided, resampler)
        assert np.isfinite([found.low, found.high]).all(), metric.name
        assert found.low <= found.value <= found.high, metric.name
        assert metric.lowest <= found.low, metric.name
        assert found.high <= metric.highest + 1e-9, metric.name
        one = Contender(name="one", predictions=predictions, decided=decided)
        pair = paired_difference(metric, truth, one, replace(one, name="other"), resampler)
        assert (pair.difference, pair.verdict) == (0.0, "tie"), metric.name
        assert np.isfinite([pair.low, pair.high]).all(), metric.name
