"""D012: the target of an earlier or a later row in a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.checks.features import time_of
from netpick.columns.kinds.cells import as_numbers, as_text
from netpick.types import Array, Field, Finding, Severity, TableColumn

MOST_LAG = 48  # rows; two days of hours
MOST_ROWS = 4_000  # in a row, that lags are looked for in
MOST_COLUMNS = 200
FEWEST_ROWS = 100
SAME_NUMBERS = 0.9999  # of the variance is told by the shifted target, along a straight line
SAME_CLASSES = 0.99  # of what is left to know after guessing
SHARP = 0.1  # of the next lags' unexplained share: smooth series resemble themselves at every lag
MOST_CODES = 100


@dataclass(frozen=True, kw_only=True)
class _Ordered:
    """Rows in order, and which of them may be paired with the one `lag` places on."""

    rows: Array
    series: Array
    usable: Array  # (n,) bool: learned rows with a target
    by: str  # what the order is by

    def pairs(self, lag: int) -> Array:
        """Places i for which i and i + lag are in one series and usable."""
        n = len(self.rows)
        i = np.arange(max(0, -lag), min(n, n - lag))
        j = i + lag
        return np.asarray(i[(self.series[i] == self.series[j]) & self.usable[i] & self.usable[j]])


class DelayedTarget(Check):
    """Compares every column with the target so many rows before and after, in the order of time or of the file."""

    code = "D012"
    title = "A column holds the target of another row"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        kinds = ("number",) if (context.of_numbers or context.windowed) else ("number", "category", "boolean")
        fields = [f for f in context.schema.features if f.kind in kinds][:MOST_COLUMNS]
        fields = [f for f in fields if isinstance(context.source.columns[f.name], TableColumn)]
        if not fields or len(context.learned) < FEWEST_ROWS or context.any_labels:
            return None
        ordered = _order(context)
        target = context.target if context.target.ndim == 2 else context.target[:, None]
        names = [f.name for f in context.schema.targets] or ["the target"]
        findings = []
        for field in fields:
            for k in range(target.shape[1]):
                found = _shifted(context, field, target[ordered.rows, k], ordered)
                if found is not None:
                    name = names[k] if k < len(names) else names[0]
                    findings.append(self._finding(context, field, found, name, ordered))
                    break
        return findings

    def _finding(self, context: CheckContext, field: Field, lag: int, target: str, ordered: _Ordered) -> Finding:
        later = lag > 0
        severity: Severity = "severe" if later else ("info" if context.windowed else "warning")
        if later:
            advice = f"The future is not known on the day of prediction: leave it out with --drop {field.name!r}."
        elif context.windowed:
            advice = "Networks see the target's past anyway; the column costs time and adds nothing."
        else:
            advice = (
                "Keep it only if the target of that row is known when this one is predicted, and test on later rows then: "
                f"--split time:COLUMN. If not, leave it out with --drop {field.name!r}."
            )
        return self.finding(
            severity=severity,
            evidence=(
                f"Column '{field.name}' is '{target}' {abs(lag)} {'row' if abs(lag) == 1 else 'rows'} "
                f"{'later' if later else 'earlier'}, in the order of {ordered.by} ({int(ordered.usable.sum()):,} rows looked at)."
            ),
            advice=advice,
            clause=f"column '{field.name}' is the target of a {'later' if later else 'earlier'} row",
            columns=(field.name,),
        )


def _order(context: CheckContext) -> _Ordered:
    learned = np.zeros(context.source.num_rows, bool)
    learned[context.learned] = True
    if context.order is not None:
        rows, by = context.order, "time"
        series = context.series[rows] if context.series is not None else np.zeros(len(rows), np.int64)
    else:
        times = time_of(context)
        series = np.zeros(context.source.num_rows, np.int64)
        if times is not None and not np.isnan(times[1]).all():
            rows, by = np.argsort(times[1], kind="stable"), f"'{times[0]}'"
        else:
            rows, by = np.arange(context.source.num_rows), "the file"
        series = np.zeros(len(rows), np.int64)
    rows, series = rows[:MOST_ROWS], series[:MOST_ROWS]
    target = context.target if context.target.ndim == 2 else context.target[:, None]
    known = ~np.isnan(target[rows]).any(axis=1) if target.dtype.kind == "f" else (target[rows] >= 0).all(axis=1)
    return _Ordered(rows=rows, series=series, usable=learned[rows] & known, by=by)


def _shifted(context: CheckContext, field: Field, target: Array, ordered: _Ordered) -> int | None:
    """By how many rows the column is behind (negative) or ahead of the target; None when it is no shifted target."""
    column = context.source.columns[field.name]
    assert isinstance(column, TableColumn)
    cells = column.values.gather(ordered.rows)
    if context.one_class:
        return _shifted_classes(as_text(cells).rank("dense").fill_null(0).to_numpy().astype(np.int64), target, ordered)
    return _shifted_numbers(as_numbers(cells).fill_null(float("nan")).to_numpy(), target, ordered)


def _shifted_numbers(values: Array, target: Array, ordered: _Ordered) -> int | None:
    lost = {lag: _unexplained(values, target, ordered, lag) for lag in _lags()}
    return _sharpest(lost, 1 - SAME_NUMBERS)


def _unexplained(values: Array, target: Array, ordered: _Ordered, lag: int) -> float:
    i = ordered.pairs(lag)
    a, b = values[i], target[i + lag]
    known = ~np.isnan(a)
    a, b = a[known], b[known]
    if len(a) < FEWEST_ROWS:
        return 1.0
    a, b = a - a.mean(), b - b.mean()
    size = float(a @ a) * float(b @ b)
    return 1 - float(a @ b) ** 2 / size if size > 0 else 1.0


def _shifted_classes(codes: Array, target: Array, ordered: _Ordered) -> int | None:
    if codes.max() > MOST_CODES:
        return None
    target = target.astype(np.int64)
    classes = int(target.max()) + 1
    lost = {}
    for lag in _lags():
        i = ordered.pairs(lag)
        if len(i) < FEWEST_ROWS:
            lost[lag] = 1.0
            continue
        table = np.bincount(codes[i] * classes + target[i + lag], minlength=(int(codes.max()) + 1) * classes)
        table = table.reshape(-1, classes)
        others = len(i) - int(table.sum(axis=0).max())
        lost[lag] = (len(i) - int(table.max(axis=1).sum())) / others if others >= 10 else 1.0
    return _sharpest(lost, 1 - SAME_CLASSES)


def _lags() -> list[int]:
    return list(range(-MOST_LAG - 1, MOST_LAG + 2))


def _sharpest(lost: dict[int, float], most: float) -> int | None:
    """The lag that explains nearly all, and far more than its neighbours; lag 0 is a copy, which D002 tells."""
    sharp = [
        lag
        for lag in range(-MOST_LAG, MOST_LAG + 1)
        if lost[lag] <= most and lost[lag] <= SHARP * min(lost[lag - 1], lost[lag + 1])
    ]
    # What goes round in circles is ahead of itself as well as behind: only what no past explains is of the future.
    past = [lag for lag in sharp if lag <= 0]
    found = min(past or sharp, key=lambda lag: (lost[lag], abs(lag)), default=0)
    return found or None
