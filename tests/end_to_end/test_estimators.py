"""netpick's estimators are scikit-learn's: pipelines, cross-validation, clones, and what `check_estimator` asks."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from netpick.api.estimators import FindingsWarning, NetpickClassifier, NetpickRegressor
from netpick.api.forecaster import NetpickForecaster, starts

SMALL = {"models": "mlp[width=8,layers=1]", "steps": 3, "folds": 1}
QUICK = {  # that train nothing, or once
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dont_overwrite_attributes",
    "check_estimator_repr",
    "check_estimators_unfitted",
    "check_fit_score_takes_y",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_supervised_y_no_nan",
    "check_valid_tag_types",
}


BY_PLACE = {
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
}  # a row of a forecast means its place


def checks(*, quick: bool) -> list[Any]:
    made = [NetpickClassifier(**SMALL), NetpickRegressor(**SMALL), NetpickForecaster(models=SMALL["models"], steps=3)]  # type: ignore[arg-type]
    found = []
    for estimator in made:
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            if isinstance(estimator, NetpickForecaster) and name in BY_PLACE:
                continue
            if (name in QUICK) == quick:
                found.append(pytest.param(instance, check, id=f"{type(estimator).__name__}-{name}"))
    return found


def passes(estimator: Any, check: Callable[..., None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.mark.parametrize(("estimator", "check"), checks(quick=True))
def test_quick_checks_of_scikit_learn(estimator: Any, check: Callable[..., None]) -> None:
    passes(estimator, check)


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "check"), checks(quick=False))
def test_all_other_checks_of_scikit_learn(estimator: Any, check: Callable[..., None]) -> None:
    passes(estimator, check)


def test_labels_come_back_as_they_were_and_a_pipeline_is_kept() -> None:
    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    pipeline = make_pipeline(StandardScaler(), NetpickClassifier(models="mlp", steps=150, folds=1)).fit(x, names)
    answers = pipeline.predict(x)
    assert answers.dtype == names.dtype
    assert (answers == names).mean() > 0.9
    chances = pipeline.predict_proba(x)
    assert chances.shape == (150, 3)
    assert np.abs(chances.sum(axis=1) - 1).max() < 1e-6
    assert (pipeline.classes_[chances.argmax(axis=1)] == answers).mean() > 0.95
    again = pickle.loads(pickle.dumps(pipeline))
    assert (again.predict(x) == answers).all()
    assert pipeline[-1].verdict_.startswith("Use ")


def test_a_frame_keeps_the_kinds_of_its_columns_and_may_have_gaps() -> None:
    draw = np.random.default_rng(0)
    colour = draw.choice(["red", "blue", None], 120).tolist()
    size = draw.normal(size=120)
    frame = pl.DataFrame({"colour": colour, "size": [None if i % 9 == 0 else v for i, v in enumerate(size.tolist())]})
    cost = np.where(np.array(colour) == "red", 5.0, 1.0) + size
    model = NetpickRegressor(models="mlp", steps=60, folds=1).fit(frame, cost)
    assert list(model.feature_names_in_) == ["colour", "size"]
    assert np.isfinite(model.predict(frame)).all()
    assert model.scores_.height > 3


def test_scores_are_cross_validated_and_clones_are_not_fitted(tmp_path: Path) -> None:
    x, y = load_iris(return_X_y=True)
    model = NetpickClassifier(models="mlp", steps=60, folds=1, seed=3)
    assert cross_val_score(model, x, y, cv=2).mean() > 0.7
    assert not hasattr(clone(model), "classes_")
    kept = NetpickClassifier(models="mlp", steps=5, folds=1, out=tmp_path / "run").fit(x, y)
    assert (tmp_path / "run" / "report.html").is_file()
    assert kept.predict(x[:2]).dtype == y.dtype


def test_severe_findings_are_warned_of_and_stop_nothing() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(1500, 2))
    y = draw.integers(2, size=1500)
    leaking = np.column_stack([x, y])
    with pytest.warns(FindingsWarning, match=r"D\d{3}"):
        NetpickClassifier(**SMALL).fit(leaking, y)  # type: ignore[arg-type]


def daily(rows: int) -> tuple[pl.DataFrame, np.ndarray]:
    days = pl.date_range(date(2024, 1, 1), date(2024, 1, 1) + timedelta(days=rows - 1), eager=True)
    return pl.DataFrame({"day": days}), 5 * np.sin(np.arange(rows) * 2 * np.pi / 7)


def test_a_forecaster_answers_for_the_rows_that_follow_also_beyond_its_horizon_and_in_any_order() -> None:
    frame, y = daily(200)
    model = NetpickForecaster(horizon=7, models="mlp[width=8,layers=1]", steps=30).fit(frame[:180], y[:180])
    answers = model.predict(frame[180:])
    assert np.abs(answers - y[180:]).max() < 1.0
    assert model.predict(frame[[183, 181]]).tolist() == answers[[3, 1]].tolist()
    assert model.forecast(frame[180:182]).columns == ["prediction", "low", "median", "high"]
    with pytest.raises(ValueError, match="X begins at 2024-06-24, but the rows of `fit` end at 2024-06-28"):
        model.predict(frame[175:182])
    with pytest.raises(ValueError, match="X asks for 2024-07-09, but the steps that follow"):
        model.predict(frame[[190]])
    with pytest.raises(ValueError, match="time_column names it"):
        NetpickForecaster(time_column="date", steps=3).fit(frame, y)


def test_a_forecaster_knows_columns_ahead_and_is_cross_validated_on_what_follows() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(160, 1))
    y = 3 * x[:, 0] + 0.1 * draw.normal(size=160)
    model = NetpickForecaster(horizon=10, models="mlp[width=8,layers=1]", steps=30)
    scores = cross_val_score(model, x, y, cv=TimeSeriesSplit(2, test_size=25))  # 25 are two and a half horizons
    assert scores.min() > 0.7
    model.fit(x[:150], y[:150])
    assert [starts(rows, 10) for rows in (4, 10, 20, 25)] == [[0], [0], [0, 10], [0, 10, 15]]
    with pytest.raises(ValueError, match="n_samples=4, but 10 steps"):
        model.predict(x[150:154])
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(x[150:]), model.predict(x[150:]))
