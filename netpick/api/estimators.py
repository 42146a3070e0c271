"""netpick as scikit-learn's estimators: a whole contest behind `fit`, the recommended model behind `predict`.

    from netpick import NetpickClassifier
    cross_val_score(NetpickClassifier(budget="30s"), X, y)

They follow scikit-learn's conventions (`check_estimator`), so they stand in pipelines, searches and `cross_val_score`, are cloned and kept.
A fitted one holds its model as the bytes of a model file, which holds no code.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from netpick.api import Run, fit
from netpick.checks import CHECKS
from netpick.contest.prepare import silent
from netpick.data.sources.frames import is_frame, to_polars
from netpick.errors import DataError
from netpick.tasks.classify import Classify
from netpick.tasks.regress import Regress
from netpick.types import Array

if TYPE_CHECKING:
    from netpick.saved.use import Model

LEAST_ROWS = 6


class FindingsWarning(UserWarning):
    """The checks found something severe in the rows that an estimator was fitted on."""


class _Contest(BaseEstimator):  # type: ignore[misc]
    """What all estimators share: parameters, rows as a frame, the contest, the kept model.

    Parameters are those of `netpick.fit`, with the same defaults; `out` keeps the run folder with its report.
    After fitting: `verdict_`, `scores_` (a polars frame: candidates, metrics, intervals on rows that the contest held out), `model_`,
    `n_features_in_`, and `feature_names_in_` where columns have names.
    """

    def __init__(
        self,
        *,
        models: str | Sequence[str] | None = None,
        budget: str | float | None = None,
        steps: int | None = None,
        trials: int = 1,
        recipe: str | None = None,
        prefer: Literal["any", "network"] = "any",
        split: str | None = None,
        folds: int | str | None = None,
        metric: str | None = None,
        margin: float | None = None,
        seed: int = 0,
        device: str = "auto",
        threads: int | None = None,
        out: str | Path | None = None,
    ) -> None:
        self.models = models
        self.budget = budget
        self.steps = steps
        self.trials = trials
        self.recipe = recipe
        self.prefer = prefer
        self.split = split
        self.folds = folds
        self.metric = metric
        self.margin = margin
        self.seed = seed
        self.device = device
        self.threads = threads
        self.out = out

    def __getstate__(self) -> dict[str, Any]:
        """Without the loaded model: its bytes are enough."""
        return {name: value for name, value in super().__getstate__().items() if name != "model_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With the model as its bytes say."""
        super().__setstate__(state)
        if "model_bytes_" in state:
            self.model_ = _loaded(self.model_bytes_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = self.steps is None  # a clock decides how long is trained
        return tags

    def _rows(self, X: object, *, reset: bool, y: object = None) -> tuple[pl.DataFrame, Any]:
        """X as a frame, with the names and kinds of its columns where it has any, and y. Raises ValueError as scikit-learn does."""
        labels = {"y": y} if reset else {}
        if is_frame(X):
            checked = validate_data(self, X, **labels, reset=reset, skip_check_array=True)
            frame, answer = to_polars(X)[0], checked[1] if labels else None
        else:
            gaps = self.__sklearn_tags__().input_tags.allow_nan
            kwargs = {"dtype": None, "ensure_all_finite": "allow-nan" if gaps else True}
            checked = validate_data(self, X, **labels, reset=reset, **kwargs)
            array, answer = checked if labels else (checked, None)
            frame = pl.DataFrame({f"x{place + 1}": _cells(array[:, place]) for place in range(array.shape[1])})
        return frame, answer

    def _answers(self, X: object) -> pl.DataFrame:
        """What the model says of new rows."""
        check_is_fitted(self, "model_")
        frame, _ = self._rows(X, reset=False)
        return self.model_.predict(frame)

    def _contest(self, frame: pl.DataFrame, y: pl.Series, task: str, **options: Any) -> Run:
        """Fits, and keeps what is needed of the run. options: of `netpick.fit`, beside the parameters."""
        if frame.height < LEAST_ROWS:
            raise DataError(
                f"n_samples={frame.height} is too few: a contest needs {LEAST_ROWS} rows or more. Pass more samples."
            )
        with tempfile.TemporaryDirectory(prefix="netpick-") as folder:
            asked = {**self.get_params(deep=False), **options}
            asked["out"] = Path(folder) / "run" if self.out is None else self.out
            run = fit((frame, y), task=task, accept=tuple(CHECKS), keep="best", on_event=silent, **asked)
            self.model_bytes_ = (run.folder / "model.netpick").read_bytes()
        self.model_ = _loaded(self.model_bytes_)
        self.verdict_, self.scores_ = run.verdict, run.scores
        for finding in run.results.findings:
            if finding.severity == "severe":
                warnings.warn(
                    FindingsWarning(f"{finding.code} {finding.title}: {finding.evidence} {finding.advice}"),
                    stacklevel=3,
                )
        return run


class NetpickClassifier(ClassifierMixin, _Contest):  # type: ignore[misc]
    """The network, or the baseline, that a contest recommends for classes; see `_Contest` for parameters and attributes.

    `classes_`: the labels as they were given, sorted. Rows that a contest holds out to judge by are part of what is passed to `fit`.
    """

    classes_: Array

    def fit(self, X: object, y: object) -> NetpickClassifier:
        """X: (N, F) numbers or texts, or a frame, cells may be missing; y: (N,) labels. Raises ValueError for what cannot be learned."""
        frame, labels = self._rows(X, reset=True, y=y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y holds one class, {self.classes_[0]!r}, but a classifier needs at least two. Pass rows of other classes too."
            )
        self._contest(frame, pl.Series("label", [self._name(number) for number in numbers]), Classify.name)
        return self

    def predict(self, X: object) -> Array:
        """(N,) labels, of the type that y had."""
        answers = self._answers(X)["prediction"]
        numbers = {self._name(number): number for number in range(len(self.classes_))}
        return self.classes_[[numbers[answer] for answer in answers]]

    def predict_proba(self, X: object) -> Array:
        """(N, classes) probabilities, in the order of `classes_`."""
        answers = self._answers(X)
        names = [f"probability_{self._name(number)}" for number in range(len(self.classes_))]
        return answers.select(names).to_numpy().astype(np.float64)

    def _name(self, number: int) -> str:
        """What the contest calls a class."""
        return f"{self.classes_[number]}"


class NetpickRegressor(RegressorMixin, _Contest):  # type: ignore[misc]
    """The network, or the baseline, that a contest recommends for numbers; see `_Contest` for parameters and attributes."""

    def fit(self, X: object, y: object) -> NetpickRegressor:
        """X: (N, F) numbers or texts, or a frame, cells may be missing; y: (N,) numbers. Raises ValueError for what cannot be learned."""
        frame, numbers = self._rows(X, reset=True, y=y)
        self._contest(frame, pl.Series("target", np.asarray(numbers, dtype=np.float64)), Regress.name)
        return self

    def predict(self, X: object) -> Array:
        """(N,) numbers."""
        return self._answers(X)["prediction"].to_numpy().astype(np.float64)


def _loaded(data: bytes) -> Model:
    """The model of a model file's bytes."""
    from netpick.saved.use import load

    with tempfile.TemporaryDirectory(prefix="netpick-") as folder:
        file = Path(folder) / "model.netpick"
        file.write_bytes(data)
        return load(file)


def _cells(column: Array) -> pl.Series:
    """A column of an array as cells: numbers where all are, otherwise words."""
    if column.dtype.kind in "biuf":
        return pl.Series(column, nan_to_null=column.dtype.kind == "f")
    try:
        return pl.Series(column.astype(np.float64), nan_to_null=True)
    except (TypeError, ValueError):
        return pl.Series([None if cell is None or cell != cell else str(cell) for cell in column], dtype=pl.String)
