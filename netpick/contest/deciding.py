"""The metric that decides a contest: candidates are stopped, chosen, compared and headlined by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.answers.metrics import Metric, metrics_for
from netpick.errors import RequestError, near_matches
from netpick.tasks.examples import Prepared
from netpick.types import Array, Rows

TRIED = 2_000  # rows on which it is seen whether a metric is defined


def deciding_metric(prepared: Prepared, asked: str | None) -> str:
    """The name of the metric that was asked for, or of the task's own. Raises RequestError for one that does not fit."""
    if asked is None:
        return prepared.primary(_balance(prepared.truth, prepared.known_rows))
    fitting = {metric.name: metric for metric in metrics_for(prepared.task.answer.typed) if _fits(metric, prepared)}
    known = {_plain(word): name for name, metric in fitting.items() for word in (metric.label, name, _short(name))}
    if _plain(asked) not in known:
        raise RequestError(
            f"'{asked}' cannot decide this contest, whose task is {prepared.task.name}.{near_matches(asked, map(_short, fitting))} "
            f"Pass one of them, such as --metric {_short(next(iter(fitting)))}, or leave --metric out."
        )
    return known[_plain(asked)]


def _fits(metric: Metric[Any], prepared: Prepared) -> bool:
    """Whether better values of it are better models, and it is defined on these rows."""
    if not metric.decides:
        return False
    rows = prepared.known_rows[:TRIED]
    shape = (len(rows), *prepared.task.answer.shape(prepared.state))
    predictions = prepared.decoded(np.zeros(shape), rows, prepared.state)
    return isinstance(predictions, metric.reads) and metric.applies(prepared.truth[rows], predictions)


def _short(name: str) -> str:
    """Of a forecast's errors as of any other's."""
    return name.removeprefix("forecast_")


def _plain(word: str) -> str:
    """However it is written: 'ROC AUC', 'roc_auc', 'R²', 'r2'."""
    return "".join(letter for letter in word.lower().replace("²", "2") if letter.isalnum())


def _balance(truth: Array, rows: Rows) -> float:
    """Share of the rows that are in the rarest class; one half where there are no classes."""
    if truth.ndim != 1 or len(rows) == 0:
        return 0.5
    counts = np.bincount(truth[rows])
    return float(counts[counts > 0].min() / counts.sum())
