"""--metric: networks are stopped, chosen, compared and headlined by it, and two classes are told apart as it wants them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.answers.compare.threshold import choose_threshold
from netpick.answers.metrics import METRICS
from netpick.contest.deciding import deciding_metric
from netpick.contest.prepare import FitOptions, inspect
from netpick.errors import RequestError


def patients(rows: int = 240) -> pl.DataFrame:
    """One in eight is ill, and three numbers tell so with noise."""
    draw = np.random.default_rng(0)
    ill = np.arange(rows) % 8 == 0
    signs = draw.normal(size=(rows, 3)) + 1.2 * ill[:, None]
    frame = pl.DataFrame({f"sign{i}": signs[:, i].round(3) for i in range(3)})
    return frame.with_columns(state=pl.Series(["ill" if one else "well" for one in ill]))


def test_a_contest_is_decided_by_the_metric_that_was_asked_for(tmp_path: Path) -> None:
    run = netpick.fit(patients(), "state", metric="F1", models="mlp", steps=40, folds=1, out=tmp_path / "run")
    assert run.results.primary_metric == "f1"
    assert "F1" in run.verdict
    history = next(c for c in run.results.candidates if c.name == "mlp").history
    assert all(0 <= point.validation_score <= 1 for point in history)
    assert "which serves F1" in run.results.thresholds["mlp"].sentence
    kept = json.loads((tmp_path / "run" / "request.json").read_text())
    assert kept["options"]["metric"] == "F1"


def test_the_metric_of_a_number_may_be_any_of_its_errors(tmp_path: Path) -> None:
    frame = patients().with_columns(price=pl.col("sign0") * 3 + pl.col("sign1")).drop("state")
    run = netpick.fit(frame, "price", metric="mae", models="mlp", steps=30, folds=1, out=tmp_path / "run")
    assert run.results.primary_metric == "mae"
    assert "MAE" in run.verdict
    scores = {e.name: e.validation["mae"].value for e in run.results.entries if e.status == "ok"}
    assert scores[run.results.verdict.winner] <= 1.1 * min(scores.values())


def names(frame: pl.DataFrame, target: str) -> set[str]:
    """The metrics that may decide."""
    prepared = inspect(frame, FitOptions(target=(target,), folds=1))
    chosen = set()
    for name in METRICS:
        try:
            chosen.add(deciding_metric(prepared, name))
        except RequestError:
            continue
    return chosen


def test_every_metric_that_is_defined_for_a_task_may_decide_and_no_other() -> None:
    two = patients()
    three = two.with_columns(state=pl.Series([("a", "b", "c")[i % 3] for i in range(two.height)]))
    of_two = {
        "accuracy",
        "auc",
        "average_precision",
        "balanced_accuracy",
        "brier",
        "f1",
        "log_loss",
        "precision",
        "recall",
    }
    assert names(two, "state") == of_two
    assert names(three, "state") == of_two | {"f1_weighted", "precision_weighted", "recall_weighted"}
    assert names(two.with_columns(pl.col("sign0") * 1.5).drop("state"), "sign0") == {"mae", "mse", "r2", "rmse"}


@pytest.mark.parametrize("written", ["roc_auc", "ROC AUC", "auc", "Roc-AUC"])
def test_a_metric_is_known_however_it_is_written(written: str) -> None:
    assert deciding_metric(inspect(patients(), FitOptions(target=("state",))), written) == "auc"


def test_a_metric_that_does_not_fit_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"'mae' cannot decide this contest, whose task is classify.*accuracy.*--metric"
    ):
        netpick.fit(patients(), "state", metric="mae", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_threshold_of_f1_is_half_of_the_best_f1_and_that_of_balanced_accuracy_the_share_of_positives() -> None:
    draw = np.random.default_rng(1)
    stated = draw.uniform(size=20_000) ** 3
    truth = (draw.uniform(size=len(stated)) < stated).astype(np.int64)  # the probabilities are right

    def f1(threshold: float) -> float:
        called = stated >= threshold
        return float(2 * (called & (truth == 1)).sum() / (called.sum() + truth.sum()))

    best = max(f1(t) for t in np.linspace(0, 1, 201))
    chosen = choose_threshold(truth, stated, *METRICS["f1"].mistakes(truth == 1, stated), aim="F1").value
    assert f1(chosen) > best - 0.003
    assert abs(chosen - best / 2) < 0.05
    even = choose_threshold(truth, stated, *METRICS["balanced_accuracy"].mistakes(truth == 1, stated), aim="x").value
    assert abs(even - truth.mean()) < 0.05
