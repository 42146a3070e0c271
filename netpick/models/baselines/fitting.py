"""What the baselines share: which rows to learn from, quiet single-threaded fitting, and what is said of a reduced fit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from netpick.models.baselines.base import Decision, Problem
from netpick.models.baselines.features import FeatureState
from netpick.types import Rows

RARE_CLASS_ROWS = 5  # a sample keeps at least so many rows of each class


def load_libraries() -> None:
    """Imports what fitting needs (about a second), so that a caller can do it beside something else."""
    import sklearn.ensemble  # noqa: F401


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
    if not problem.answer.one_class:
        return np.sort(generator.choice(train, limit, replace=False))
    classes = problem.target[train]
    parts = []
    for label in np.unique(classes):
        members = train[classes == label]
        wanted = max(round(limit * len(members) / len(train)), min(RARE_CLASS_ROWS, len(members)))
        parts.append(generator.choice(members, min(wanted, len(members)), replace=False))
    return np.sort(np.concatenate(parts))


def describe(
    decision: Decision, total: int, finished: bool, enough: int = 0, features: FeatureState | None = None
) -> str:
    """'on 5,000 of 60,000 training rows (more did not fit into its time), features reduced to 40 columns', or nothing."""
    parts = []
    if decision.rows < total:
        parts.append(f"on {decision.rows:,} of {total:,} training rows (more did not fit into its time)")
    if not (finished or decision.full) and decision.iterations < enough:
        parts.append(f"stopped by its time after {decision.iterations:,} iterations")
    if features is not None and any(features.reduced):
        parts.append(f"features reduced to {features.width} columns")
    return ", ".join(parts)
