"""netpick's estimators are scikit-learn's: pipelines, cross-validation, clones, and what `check_estimator` asks."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from netpick.api.estimators import FindingsWarning, NetpickClassifier, NetpickRegressor

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


def checks(*, quick: bool) -> list[Any]:
    made = [NetpickClassifier(**SMALL), NetpickRegressor(**SMALL)]  # type: ignore[arg-type]
    found = []
    for estimator in made:
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
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
    assert "recommended" in pipeline[-1].verdict_


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
