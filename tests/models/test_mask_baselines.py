"""Baselines of masks: what their problem lets them learn is learned, on whole pictures of several sizes, and model files hold all of it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from netpick.models.baselines import BASELINES, Limit, Problem
from netpick.models.baselines.base import Fitted
from netpick.models.baselines.mask_trees import filtered, quick_scores, width_of
from netpick.models.baselines.trees import scores_of
from netpick.tasks import TASKS
from netpick.types import Array, InputSpec

NAMES = ["majority class", "frequent place", "grey threshold", "pixel trees"]
N, SIDE = 14, 24
TRAIN, NEW = np.arange(10), np.arange(10, N)


@cache
def problem(channels: int = 1) -> Problem:
    """Bright discs on darker ground that is above, of pictures some of which are smaller."""
    generator = np.random.default_rng(0)
    pictures = np.zeros((N, channels, SIDE, SIDE), np.uint8)
    target = np.full((N, SIDE, SIDE), 255, np.uint8)
    sizes = np.array([(SIDE, SIDE) if row % 3 else (16, 20) for row in range(N)], np.int32)
    down, across = np.mgrid[:SIDE, :SIDE]
    for row, (height, width) in enumerate(sizes.tolist()):
        y, x = generator.integers(height // 2, height), generator.integers(4, width - 4)
        inside = (down - y) ** 2 + (across - x) ** 2 < 25
        values = np.where(inside, 190, 80) + generator.normal(0, 12, (channels, SIDE, SIDE))
        pictures[row, :, :height, :width] = values.clip(0, 255)[:, :height, :width]
        target[row, :height, :width] = inside[:height, :width]
    return Problem(
        answer=TASKS["segment"].answer,
        inputs={"scene": InputSpec(form="scene", shape=(channels, SIDE, SIDE), ahead=(1, 16))},
        arrays={"scene": pictures, "scene.sizes": sizes},
        target=target,
        num_classes=2,
        train=TRAIN,
        seed=0,
    )


@cache
def fit(name: str, channels: int = 1) -> Fitted:
    return BASELINES[name].fit(problem(channels), Limit())


def right(name: str, answers: Array) -> float:
    truth = problem().target[NEW]
    return float((answers.argmax(axis=1) == truth)[truth != 255].mean())


def test_these_four_apply_and_no_other() -> None:
    assert [name for name, one in BASELINES.items() if one.applies(problem()) and not one.texts] == NAMES


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_answers_are_probabilities_and_survive_a_model_file(name: str, channels: int) -> None:
    given, fitted, baseline = problem(channels), fit(name, channels), BASELINES[name]
    answers = baseline.answer(fitted, baseline.given(given, NEW))
    assert answers.shape == (len(NEW), 2, SIDE, SIDE)
    known = given.target[NEW] != 255
    assert np.allclose(answers.sum(axis=1, dtype=np.float32)[known], 1, atol=2e-3)
    stored = load_arrays(save_arrays({key: np.ascontiguousarray(array) for key, array in fitted.arrays.items()}))
    again = Fitted(baseline=name, state=fitted.state, arrays=stored, decision=fitted.decision)
    baseline.require(again, given.inputs, 2)
    assert np.array_equal(answers, baseline.answer(again, baseline.given(given, NEW)))
    with pytest.raises(ValueError, match=r"fit the classes|of such masks"):
        baseline.require(again, given.inputs, 3)


def test_each_learns_what_it_can() -> None:
    shares = [right(name, BASELINES[name].answer(fit(name), BASELINES[name].given(problem(), NEW))) for name in NAMES]
    majority, place, grey, trees = shares
    assert 0.7 < majority <= place + 0.05
    assert grey > 0.99
    assert trees > 0.97


def test_trees_are_walked_as_slowly_as_elsewhere_to_the_same_place() -> None:
    fitted = fit("pixel trees", 3)
    features = filtered(problem(3).arrays["scene"][11])
    assert features.shape == (SIDE * SIDE, width_of(3))
    np.testing.assert_allclose(quick_scores(fitted.arrays, features), scores_of(fitted.arrays, features), rtol=1e-12)
