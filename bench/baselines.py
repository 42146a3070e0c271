"""Baselines against plain scikit-learn: the same rows to learn from and to be tested on, at the default budget.

    python bench/baselines.py [NAME ...]

A line a data set and pair: netpick's baseline, how many rows it learned from, its score and seconds; scikit-learn's pipeline
on all rows, its score and seconds; and the difference, which should be at least -0.005.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from netpick import look
from netpick.columns.store import Allocator
from netpick.contest.prepare import silent
from netpick.models.baseline_fits import fit_baselines
from netpick.models.baselines import Problem
from netpick.models.baselines.answering import problem_answers
from netpick.tasks.examples import DEFAULT_BUDGET, Prepared

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MARGIN = 0.005


@dataclass(frozen=True)
class Case:
    """A data set as netpick is given it."""

    path: str
    options: dict[str, Any] = field(default_factory=dict)
    target: str | None = None


CASES = {
    "sst2": Case("sst2"),
    "sms_spam": Case("sms_spam/sms.tsv"),
    "names": Case("names"),
    "adult": Case("tables/adult_train.csv", {"test": DATA / "tables/adult_test.csv"}),
    "telco": Case("tables/telco_churn.csv"),
    "housing": Case("tables/california_housing.csv", target="median_house_value"),
    "pen_digits": Case("pen_digits/pendigits.tra", {"test": DATA / "pen_digits/pendigits.tes"}),
}


def main() -> None:
    print("| data | rows | baseline | learned from | score | s | scikit-learn | score | s | difference |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in sys.argv[1:] or CASES:
        for line in _compared(name, CASES[name]):
            print(line, flush=True)


def _compared(name: str, case: Case) -> Iterator[str]:
    prepared = look(DATA / case.path, case.target, **case.options)
    store = prepared.store(Allocator(limit=1 << 40, key="bench"))
    task, split = prepared.task, prepared.split
    problem = Problem(
        answer=task.answer, inputs=prepared.inputs, arrays=store.arrays, target=prepared.truth,
        num_classes=task.answer.num_outputs(prepared.state), train=split.train, seed=0, columns=prepared.columns,
        windows=prepared.history, numbers=prepared.numbers, asked=len(split.validation) + len(split.test),
    )  # fmt: skip
    test = prepared.sealed.rows
    score = _scorer(prepared)
    fits = {fit.baseline.name: fit for fit in fit_baselines(problem, DEFAULT_BUDGET, {}, silent)}
    for baseline, label, model, features in _references(prepared):
        if baseline not in fits:
            continue
        fit = fits[baseline]
        answers = problem_answers(fit.baseline, fit.fitted, problem, test, prepared.state)
        ours = score(task.answer.decode(answers, prepared.state), test)
        started = time.perf_counter()
        model.fit(_take(features, split.train), _target(prepared, split.train))
        seconds = time.perf_counter() - started
        theirs = _reference_score(prepared, model.predict(_take(features, test)), test)
        mark = "" if ours - theirs >= -MARGIN else " !"
        yield (
            f"| {name} | {len(split.train):,} | {baseline} | {fit.fitted.decision.rows:,} | {ours:.4f} | {fit.seconds:.1f} | "
            f"{label} | {theirs:.4f} | {seconds:.1f} | {ours - theirs:+.4f}{mark} |"
        )


def _scorer(prepared: Prepared) -> Callable[[Any, Any], float]:
    def score(predictions: Any, rows: Any) -> float:
        if prepared.task.name == "regress":
            return float(r2_score(prepared.truth[rows], predictions.values))
        return float(accuracy_score(prepared.truth[rows], predictions.probabilities.argmax(axis=1)))

    return score


def _reference_score(prepared: Prepared, said: Any, rows: Any) -> float:
    if prepared.task.name == "regress":
        return float(r2_score(prepared.truth[rows][:, 0], said))
    return float(accuracy_score(prepared.truth[rows], said))


def _target(prepared: Prepared, rows: Any) -> Any:
    return prepared.truth[rows][:, 0] if prepared.task.name == "regress" else prepared.truth[rows]


def _take(features: Any, rows: Any) -> Any:
    return features.iloc[rows] if not isinstance(features, list) else [features[row] for row in rows]


def _references(prepared: Prepared) -> Iterator[tuple[str, str, Any, Any]]:
    """Which baseline, what it is compared with, and what that reads: raw columns, all rows."""
    names = [f.name for f in prepared.schema.features]
    texts = [f.name for f in prepared.schema.features if f.kind in ("text", "symbols", "sequence")]
    columns = {name: prepared.source.columns[name].values for name in names}
    if texts:
        cells = columns[texts[0]].cast(pl.String).fill_null("").to_list()
        spaced = np.mean([" " in cell for cell in cells]) > 0.5
        counts = {"ngram_range": (1, 2)} if spaced else {"analyzer": "char", "ngram_range": (1, 3)}
        for label, classifier in (
            ("LinearSVC", LinearSVC()),
            ("LogisticRegression", LogisticRegression(C=10, max_iter=1000)),
        ):
            yield (
                "tf-idf + linear",
                f"TfidfVectorizer + {label}",
                make_pipeline(TfidfVectorizer(**counts), classifier),
                cells,
            )
        bayes = make_pipeline(TfidfVectorizer(**counts), ComplementNB())
        yield "tf-idf + naive bayes", "TfidfVectorizer + ComplementNB", bayes, cells
        return
    frame = pl.DataFrame(list(columns.values())).to_pandas()
    numbers = [f.name for f in prepared.schema.features if f.kind == "number"]
    others = [name for name in names if name not in numbers]
    for name in others:
        frame[name] = frame[name].astype(str)
    for name in numbers:
        frame[name] = frame[name].astype(str).str.strip().replace({"": "nan", "None": "nan"}).astype(float)
    regress = prepared.task.name == "regress"
    scaled = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=2), others),
    )
    linear = Ridge() if regress else LogisticRegression(max_iter=1000)
    yield "linear", "LogisticRegression" if not regress else "Ridge", make_pipeline(scaled, linear), frame
    coded = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=250), others),
        remainder="passthrough",
    )
    mask = [True] * len(others) + [False] * len(numbers)
    boosting = HistGradientBoostingRegressor if regress else HistGradientBoostingClassifier
    yield (
        "boosted trees",
        "HistGradientBoosting",
        make_pipeline(coded, boosting(categorical_features=mask, random_state=0)),
        frame,
    )
    forest = RandomForestRegressor if regress else RandomForestClassifier
    imputed = make_pipeline(scaled, forest(200, random_state=0))
    yield "random forest", "RandomForest", imputed, frame


if __name__ == "__main__":
    main()
