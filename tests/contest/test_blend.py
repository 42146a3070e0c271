"""The blend's weights: members that err apart are averaged, hopeless ones left out, and noise is not learned by heart."""

from __future__ import annotations

import numpy as np
import pytest

from netpick.answers.answered import AnsweredClasses, AnsweredHorizon, AnsweredNumbers, averaged
from netpick.answers.compare.blend import blend_weights
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult


def entry(name: str, predictions: Answered | None) -> CandidateResult:
    status = "failed" if predictions is None else "ok"
    return CandidateResult(name=name, family="mlp", status=status, validation_predictions=predictions)  # type: ignore[arg-type]


def numbers(truth: Array, noise: float, seed: int) -> Answered:
    return AnsweredNumbers(values=truth + noise * np.random.default_rng(seed).normal(size=truth.shape))


def classes(truth: Array, noise: float, seed: int) -> Answered:
    logs = 3 * np.eye(3)[truth] + noise * np.random.default_rng(seed).normal(size=(len(truth), 3))
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return AnsweredClasses(probabilities=raised / raised.sum(axis=1, keepdims=True))


def test_numbers_whose_errors_differ_are_averaged_and_the_average_is_better() -> None:
    truth = np.random.default_rng(0).normal(size=(500, 1))
    made = {"a": numbers(truth, 0.5, 1), "b": numbers(truth, 0.5, 2), "poor": numbers(truth, 3.0, 3)}
    weights = blend_weights([entry(name, p) for name, p in made.items()] + [entry("failed", None)], truth, 0)
    assert set(weights) == {"a", "b"}
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["a"] == pytest.approx(0.5, abs=0.1)
    fresh = np.random.default_rng(9).normal(size=(2000, 1))
    parts = [numbers(fresh, 0.5, seed) for seed in (11, 12)]
    together = averaged(parts, list(weights.values()))
    assert together.values is not None
    assert parts[0].values is not None
    assert np.mean((together.values - fresh) ** 2) < 0.6 * np.mean((parts[0].values - fresh) ** 2)


def test_classes_are_averaged_as_probabilities() -> None:
    truth = np.random.default_rng(1).integers(0, 3, 600)
    made = [classes(truth, 1.5, seed) for seed in (1, 2)]
    weights = blend_weights([entry("a", made[0]), entry("b", made[1])], truth, 0)
    assert set(weights) == {"a", "b"}
    together = averaged(made, list(weights.values())).probabilities
    assert together is not None
    assert together.sum(axis=1) == pytest.approx(np.ones(600))


def test_one_that_is_better_throughout_stays_alone() -> None:
    truth = np.random.default_rng(2).normal(size=(400, 2))
    good = numbers(truth, 0.2, 1)
    assert good.values is not None
    worse = AnsweredNumbers(values=truth + 3 * (good.values - truth))
    assert blend_weights([entry("good", good), entry("worse", worse)], truth, 0) == {}


def test_few_rows_have_no_weights() -> None:
    truth = np.random.default_rng(3).normal(size=(20, 1))
    assert blend_weights([entry("a", numbers(truth, 1, 1)), entry("b", numbers(truth, 1, 2))], truth, 0) == {}


def test_labels_and_missing_truth_of_forecasts() -> None:
    random = np.random.default_rng(4)
    truth = (random.random((300, 4)) < 0.4).astype(np.int8)
    noisy = [np.clip(0.7 * truth + 0.15 + 0.1 * random.normal(size=truth.shape), 0.01, 0.99) for _ in range(2)]
    assert (
        len(
            blend_weights(
                [entry(n, AnsweredClasses(probabilities=p)) for n, p in zip("ab", noisy, strict=True)], truth, 0
            )
        )
        == 2
    )
    values = random.normal(size=(300, 3))
    values[::7, 1] = np.nan
    known = np.nan_to_num(values)
    quantiles = [np.stack([known - w, known, known + w], axis=-1) for w in (1.0, 3.0)]
    parts = [
        AnsweredHorizon(values=known + 0.5 * random.normal(size=values.shape), quantiles=q, naive=np.ones((300, 1)))
        for q in quantiles
    ]
    weights = blend_weights([entry("a", parts[0]), entry("b", parts[1])], values, 0)
    assert set(weights) == {"a", "b"}
    together = averaged(parts, [0.5, 0.5])
    assert together.quantiles is not None
    assert together.naive is not None
    assert together.quantiles[..., 2] - together.quantiles[..., 1] == pytest.approx(np.full(values.shape, 2.0))


def test_pure_noise_does_not_make_the_blend_worse_than_the_best() -> None:
    """Many equal candidates, few rows: on new rows the weights that were learned are no worse than the best alone."""
    gained = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        truth, common = random.normal(size=(860, 1)), random.normal(size=(860, 1))
        made = [truth + common + 0.3 * random.normal(size=truth.shape) for _ in range(8)]
        named = [entry(str(i), AnsweredNumbers(values=m[:60])) for i, m in enumerate(made)]
        weights = blend_weights(named, truth[:60], seed)
        errors = [float(np.mean((m[60:] - truth[60:]) ** 2)) for m in made]
        together = sum(weight * made[int(name)] for name, weight in weights.items())
        best = min(range(8), key=lambda i: float(np.mean((made[i][:60] - truth[:60]) ** 2)))
        gained.append(errors[best] - float(np.mean((together[60:] - truth[60:]) ** 2)))
    assert np.mean(gained) > 0
    assert np.min(gained) > -0.05
