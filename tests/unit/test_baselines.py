"""What baselines do beside fitting: sampling, features, sizes from seconds, remarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpick.baselines import BASELINES
from netpick.baselines.base import Problem
from netpick.baselines.features import FeatureMaker, principal_axes
from netpick.baselines.fitting import sample_rows, spread_probabilities
from netpick.baselines.shrink import image_features, series_features
from netpick.types import InputSpec


def big_table(rows: int = 60_000, classes: int = 10) -> Problem:
    generator = np.random.default_rng(0)
    vector = generator.normal(size=(rows, 40)).astype(np.float32)
    target = (vector[:, :classes] + generator.normal(size=(rows, classes))).argmax(axis=1)
    return Problem(
        task="classify", inputs={"vector": InputSpec(form="vector", shape=(40,))}, arrays={"vector": vector},
        target=target, num_classes=classes, train=np.arange(rows - 100), seed=0,
    )  # fmt: skip


def test_majority_gives_the_training_frequencies() -> None:
    problem = big_table(200, 2)
    predicted = BASELINES["majority"].predict(problem, np.arange(3), 1.0).predictions.probabilities
    assert predicted == pytest.approx(np.tile(np.bincount(problem.target[:100]) / 100, (3, 1)), abs=1e-5)


@pytest.mark.parametrize("name", ["linear", "boosted trees"])
def test_little_time_means_fewer_rows_and_says_so(name: str) -> None:
    problem = big_table()
    remark = BASELINES[name].predict(problem, np.arange(59_900, 60_000), 0.1).remark
    assert remark.startswith("on ")
    assert remark.endswith(" of 59,900 training rows")


def test_enough_time_means_all_rows_and_no_remark() -> None:
    problem = big_table(2_000, 2)
    assert BASELINES["linear"].predict(problem, np.arange(1_900, 2_000), 5.0).remark == ""


def test_a_sample_keeps_some_rows_of_a_rare_class() -> None:
    problem = big_table(10_000, 2)
    problem.target[:] = 0
    problem.target[:8] = 1
    rows = sample_rows(problem, 500)
    assert problem.target[rows].sum() == 5
    assert len(rows) <= 505
    assert (np.diff(rows) > 0).all()


def test_classes_that_were_never_seen_get_a_tiny_probability() -> None:
    spread = spread_probabilities(np.array([[0.25, 0.75]]), np.array([0, 2]), 4)
    assert spread[0] == pytest.approx([0.25, 1e-6, 0.75, 1e-6], rel=1e-3)


def test_images_shrink_to_block_averages() -> None:
    grid = np.zeros((2, 1, 28, 28), dtype=np.uint8)
    grid[1, 0, :2, :2] = 255
    features = image_features(grid, np.array([1, 0]))
    assert features.shape == (2, 196)
    assert features[0, 0] == pytest.approx(1.0)
    assert features.sum() == pytest.approx(1.0)


def test_colour_images_keep_a_histogram_of_each_colour() -> None:
    grid = np.zeros((1, 3, 500, 300), dtype=np.uint8)
    grid[:, 2] = 255
    features = image_features(grid, np.array([0]))
    histograms = features[0, 196:].reshape(3, 8)
    assert histograms[:, 0].tolist() == [1, 1, 0]
    assert histograms[2, 7] == 1


@given(st.integers(1, 200), st.integers(1, 3), st.integers(0, 5))
def test_series_of_any_length_have_finite_features(length: int, channels: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(4, length, channels)).astype(np.float32)
    lengths = np.array([length, 1, 0, max(1, length // 2)], dtype=np.int32)
    steps, summary = series_features(values, lengths, np.arange(4))
    assert steps.shape == (4, min(length, 64) * channels)
    assert summary.shape == (4, 10 * channels + 1)
    assert np.isfinite(steps).all()
    assert np.isfinite(summary).all()


def test_resampling_keeps_a_straight_line_straight_and_ignores_padding() -> None:
    line = np.zeros((1, 100, 1), dtype=np.float32)
    line[0, :50, 0] = np.linspace(0, 1, 50)
    line[0, 50:] = 99  # padding, which must not be read
    steps, _ = series_features(line, np.array([50]), np.array([0]))
    assert steps[0] == pytest.approx(np.linspace(0, 1, 64), abs=1e-6)


def test_trees_get_category_numbers_that_fit_their_bins() -> None:
    codes = np.arange(2_000, dtype=np.int32)[:, None] % 1_000
    inputs = {"codes": InputSpec(form="codes", shape=(1,), cardinalities=(1_000,))}
    problem = Problem(
        task="classify", inputs=inputs, arrays={"codes": codes}, target=codes[:, 0].astype(np.int64) % 2,
        num_classes=2, train=np.arange(2_000), seed=0,
    )  # fmt: skip
    maker = FeatureMaker(problem, problem.train, "trees")
    assert maker.categorical.tolist() == [True]
    assert maker.train_features.max() == 254
    assert FeatureMaker(problem, problem.train, "linear").train_features.shape[1] == 51


@pytest.mark.parametrize("shape", [(50, 8), (6, 20)])
def test_principal_axes_are_orthonormal_and_keep_the_variance(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    axes = principal_axes(values, 20)
    product = axes.directions.T @ axes.directions
    assert np.allclose(product, np.eye(len(product)), atol=1e-5)
    assert axes(values).var(axis=0).sum() == pytest.approx(values.var(axis=0).sum(), rel=1e-4)
