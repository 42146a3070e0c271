"""Attributions of networks whose truth is known: they say what matters, and add up."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from captum.attr import LayerGradientXActivation

from netpick.answers.metrics import METRICS
from netpick.explain import effects, images, tables
from netpick.explain.attribute import integrated_gradients
from netpick.explain.reading import read_subject
from netpick.explain.series import hidden_stretches
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.explain.walk import stages_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from quick_models import quick_model

COEFFICIENTS = {"a": 3.0, "b": -1.5, "c": 0.5, "d": 0.0}


def linear_table(rows: int, seed: int) -> pl.DataFrame:
    """y is a linear function of columns of very different scales; few enough rows that numbers are only shifted and scaled."""
    generator = np.random.default_rng(seed)
    scales = {"a": 1.0, "b": 40.0, "c": 0.1, "d": 5.0}
    columns = {name: generator.normal(7.0, scale, rows) for name, scale in scales.items()}
    weighted = sum(COEFFICIENTS[name] / scales[name] * (values - 7.0) for name, values in columns.items())
    return pl.DataFrame({**columns, "y": weighted})


@pytest.fixture(scope="module")
def linear() -> Subject:
    """Two layers without an activation: a linear function in disguise."""
    data = linear_table(250, 0)
    model = quick_model(data, layers=("dense 16, dense 8",), steps=900, recipe="weight_decay=0", target=("y",))
    return read_subject(model, linear_table(60, 1))


def test_a_row_of_a_linear_network_owes_its_cells_the_coefficients(linear: Subject) -> None:
    scales = {"a": 1.0, "b": 40.0, "c": 0.1, "d": 5.0}
    target = linear.target_of(0)
    background, _ = tables.background_of(linear, 0)
    values = {name: linear.columns[name].values.to_numpy() for name in COEFFICIENTS}  # type: ignore[union-attr]
    for row in range(5):
        found = tables.row_shares(linear, row, target, background)
        others = np.setdiff1d(np.arange(linear.count), [0])
        for name, share in zip(found.columns, found.values, strict=True):
            slope = COEFFICIENTS[name] / scales[name]
            assert share == pytest.approx(slope * (values[name][row] - values[name][others].mean()), abs=0.05)
        assert found.base + found.values.sum() == pytest.approx(found.score, abs=1e-4)
        assert found.error.max() < 1e-4  # every order gives the same


def test_integrated_gradients_add_up_to_the_difference(linear: Subject) -> None:
    target, batch = linear.target_of(0), linear.batch([0])
    blank = torch.zeros_like(batch["vector"])
    found = integrated_gradients(linear, batch, "vector", blank, target)
    gap = linear.scores(batch, target)[0] - linear.scores({"vector": blank}, target)[0]
    assert found.sum() == pytest.approx(gap, abs=1e-4)


def test_partial_dependence_of_a_linear_network_is_a_line(linear: Subject) -> None:
    place = next(place for place in tables.places(linear.encoders) if place.column == "a")
    found = effects.dependence(linear, place, linear.target_of(0), np.array([[-1.0], [0.0], [2.0]], np.float32)).mean(
        axis=1
    )
    std = linear.encoders[0].state.std
    assert found[2] - found[1] == pytest.approx(2 * std * COEFFICIENTS["a"], abs=0.1)
    assert found[1] - found[0] == pytest.approx(std * COEFFICIENTS["a"], abs=0.1)


def noisy(rows: int, seed: int) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    columns = {f"noise_{k}": generator.normal(size=rows) for k in range(4)}
    signal = generator.normal(size=rows)
    group = generator.choice(["p", "q", "r"], rows)
    label = signal + 1.2 * (group == "q") + 0.5 * generator.normal(size=rows) > 0.4
    return pl.DataFrame({"signal": signal, "group": group, **columns, "label": np.where(label, "yes", "no")})


@pytest.fixture(scope="module")
def noise() -> Subject:
    model = quick_model(noisy(600, 0), models="mlp", steps=150, target=("label",))
    return read_subject(model, noisy(700, 1))


def test_noise_columns_add_nothing_that_the_interval_tells_from_none(noise: Subject) -> None:
    found = {one.column: one for one in effects.permutation_importance(noise)}
    assert found["signal"].low > 0.1
    assert found["group"].low > 0.0
    for k in range(4):
        assert found[f"noise_{k}"].low <= 0.0 <= found[f"noise_{k}"].high


def test_the_interval_of_a_noise_column_covers_none_as_often_as_it_says(noise: Subject) -> None:
    """Over ten exchanges of four columns: 95 % of 40, give or take."""
    covered = [
        one.low <= 0.0 <= one.high
        for seed in range(10)
        for one in effects.permutation_importance(noise, seed)
        if one.column.startswith("noise")
    ]
    assert len(covered) == 40
    assert np.mean(covered) >= 0.85


def test_importance_is_in_the_primary_metric_and_needs_labels(noise: Subject) -> None:
    assert METRICS[noise.primary].label in {"Accuracy", "ROC AUC", "Balanced accuracy"}
    unlabelled = read_subject(quick_model(noisy(100, 0), models="mlp", target=("label",)), noisy(50, 2).drop("label"))
    assert effects.permutation_importance(unlabelled) == ()


def test_one_row_alone_is_compared_with_typical_rows() -> None:
    model = quick_model(noisy(400, 0), models="mlp", steps=100, target=("label",))
    subject = read_subject(model, {"signal": 2.5, "group": "q", **{f"noise_{k}": 0.0 for k in range(4)}})
    background, whence = tables.background_of(subject, 0)
    assert "typical rows" in whence
    found = tables.row_shares(subject, 0, Target(index=1, name="yes", words=""), background)
    assert dict(zip(found.columns, found.values, strict=True))["signal"] == found.values.max()


# --- pictures and curves ---------------------------------------------------------------------------------------------


def bright_corner(
    rows: int, seed: int
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Noise of 20 x 20; of class 1, the upper left corner is bright."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 90, (rows, 20, 20))
    labels = np.arange(rows) % 2
    pixels[labels == 1, 3:8, 3:8] += 130
    return pixels.astype(np.uint8), labels


@pytest.fixture(scope="module")
def corner() -> Subject:
    model = quick_model(bright_corner(200, 0), models="cnn", steps=60)
    return read_subject(model, bright_corner(40, 1))


def test_occlusion_and_grad_cam_find_the_bright_corner(corner: Subject) -> None:
    batch = images.float_images(corner.batch([1]), "grid")
    target = corner.target_of(1)
    assert target.name == "1"
    found = images.regions(corner, batch, "grid", target, stages_of(corner, batch, corner.trunk("grid"), target))
    inside = np.zeros((20, 20), dtype=bool)
    inside[2:9, 2:9] = True
    for values in (found.occlusion, found.cam):
        assert values is not None
        assert inside[np.unravel_index(values.argmax(), values.shape)]
        assert values[inside].mean() > 2.5 * abs(values[~inside].mean())
    assert found.agreement > 0.25


def test_the_evidence_of_a_layer_is_captums(corner: Subject) -> None:
    batch = images.float_images(corner.batch([1]), "grid")
    target = corner.target_of(1)
    for stage in stages_of(corner, batch, corner.trunk("grid"), target):
        if type(stage.layer).__name__ != "Block":
            continue
        method = LayerGradientXActivation(lambda pixels: corner.score({"grid": pixels}, target), stage.layer)
        wanted = method.attribute(batch["grid"]).detach().sum(dim=1)[0].numpy()
        np.testing.assert_allclose(stage.evidence, wanted, atol=1e-4)
        return
    pytest.fail("no residual block among the stages")


def test_a_small_coarse_change_makes_the_runner_up_win(corner: Subject) -> None:
    batch = images.float_images(corner.batch([1]), "grid")
    found = images.smallest_change(corner, batch, "grid", corner.target_of(1))
    assert found.before[0] > found.before[1]
    assert found.turned
    darker = found.change[0, 3:8, 3:8].mean()
    assert darker < -0.05
    assert darker < found.change[0].mean()


def test_the_stretch_that_tells_the_classes_apart_is_found() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(160, 50, 2)).astype(np.float32)
    labels = np.arange(160) % 2
    values[labels == 1, 20:28, 0] += 2.5
    model = quick_model((values, labels), models="cnn", steps=80)
    subject = read_subject(model, (values[:20], labels[:20]))
    hits = 0
    for row in range(1, 20, 2):
        target = subject.target_of(row)
        found = hidden_stretches(subject, subject.batch([row]), "series", target, 50)
        hits += 18 <= int(found.argmax()) < 30
    assert hits >= 9


def test_rank_correlation_is_spearmans() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 25.0])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, -9.0])) == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(np.zeros(3), np.array([1.0, 2.0, 3.0])))
