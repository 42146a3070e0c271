"""What the baselines share: which rows to learn from, quiet single-threaded fitting, and tidy predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from netpick.baselines.base import Problem
from netpick.baselines.features import FeatureMaker
from netpick.types import Array, Predictions, Rows

CHUNK_ROWS = 16_384  # features of so many rows at a time are in memory
RARE_CLASS_ROWS = 5  # a sample keeps at least so many rows of each class
TINY = 1e-6  # the probability of a class that was never seen; zero would make one surprise infinitely bad


def load_libraries() -> None:
    """Imports what fitting needs (about a second), so that a caller can do it beside something else."""
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.neighbors  # noqa: F401


@contextmanager
def quietly_on_one_thread() -> Iterator[None]:
    """Silences scikit-learn's warnings and keeps it on one thread.

    One thread, because sums then do not depend on the number of cores, and because two OpenMP threads that share a
    busy core spin at barriers: fits of 0.1 s were seen to take 20 s.
    """
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        yield


def sample_rows(problem: Problem, limit: int) -> Rows:
    """At most about `limit` training rows in ascending order, drawn in proportion to the classes."""
    train = np.sort(problem.train)
    if len(train) <= limit:
        return train
    generator = np.random.default_rng(problem.seed)
    if problem.task != "classify":
        return np.sort(generator.choice(train, limit, replace=False))
    classes = problem.target[train]
    parts = []
    for label in np.unique(classes):
        members = train[classes == label]
        wanted = max(round(limit * len(members) / len(train)), min(RARE_CLASS_ROWS, len(members)))
        parts.append(generator.choice(members, min(wanted, len(members)), replace=False))
    return np.sort(np.concatenate(parts))


def describe_reductions(make_features: FeatureMaker, used: Rows, total: int) -> str:
    """'on 5,000 of 60,000 training rows, features reduced to 40', or nothing when nothing was left out."""
    rows = f"on {len(used):,} of {total:,} training rows" if len(used) < total else ""
    columns = f"features reduced to {len(make_features.categorical)} columns" if make_features.reduced else ""
    return ", ".join(filter(None, (rows, columns)))


def predict_in_chunks(predict: Callable[[Array], Array], make_features: FeatureMaker, rows: Rows) -> Array:
    """predict(features of rows), a chunk at a time; `predict` maps (b, F) to (b, outputs)."""
    chunks = [rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS)]
    return np.concatenate([predict(make_features(chunk)) for chunk in chunks])


def fit_each(problem: Problem, used: Rows, features: Array, new_model: Callable[[], Any]) -> Callable[[Array], Array]:
    """Fits one fresh model per label or target (one in all for classes): features (b, F) -> outputs (b, num_classes)."""
    target = problem.target[used]
    if problem.task == "classify":
        return _fit_classes(target, problem.num_classes, features, new_model)
    if problem.task == "multilabel":
        labels = [_fit_classes(target[:, k].astype(np.int64), 2, features, new_model) for k in range(target.shape[1])]
        return lambda new: np.stack([predict(new)[:, 1] for predict in labels], axis=1)
    models = [new_model().fit(features, target[:, k]) for k in range(target.shape[1])]
    return lambda new: np.stack([model.predict(new) for model in models], axis=1)


def _fit_classes(
    target: Array, num_classes: int, features: Array, new_model: Callable[[], Any]
) -> Callable[[Array], Array]:
    classes = np.unique(target)
    if len(classes) == 1:
        certain = spread_probabilities(np.ones((1, 1)), classes, num_classes)
        return lambda new: np.tile(certain, (new.shape[0], 1))
    model = new_model().fit(features, target)
    return lambda new: spread_probabilities(np.asarray(model.predict_proba(new)), classes, num_classes)


def spread_probabilities(probabilities: Array, classes: Array, num_classes: int) -> Array:
    """Probabilities (n, len(classes)) of the classes that were seen -> (n, num_classes), none of them zero."""
    spread = np.full((len(probabilities), num_classes), TINY)
    spread[:, classes] = np.maximum(probabilities, TINY)
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))


def as_predictions(problem: Problem, outputs: Array) -> Predictions:
    """Outputs (n, K) in the shape that the task has."""
    outputs = np.ascontiguousarray(outputs, dtype=np.float64)
    return Predictions(values=outputs) if problem.task == "regress" else Predictions(probabilities=outputs)
