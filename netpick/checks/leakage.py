"""D002: a column that gives the target away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.checks.base import Check, CheckContext
from netpick.kinds.cells import as_numbers, as_text
from netpick.types import Array, Field, Finding, Rows, Severity, TableColumn

Floats = npt.NDArray[np.float64]

MOST_ROWS, FEWEST_ROWS = 20_000, 100
MOST_CELLS = 2_000_000  # rows times columns looked at
RAREST = 10  # rows outside the commonest class, among those that are predicted
# How much of what is left to know after guessing a column must tell (1: all), for a warning and for a stop. Petal width
# tells 0.93 of iris, and is what iris is about.
WARN_CLASSES, STOP_CLASSES = 0.97, 0.99
WARN_NUMBERS, STOP_NUMBERS = 0.99, 0.9999


@dataclass(frozen=True, kw_only=True)
class _Halves:
    """Training rows in two halves: one is looked up in, the other is predicted."""

    known: Rows
    asked: Rows


class LeakingColumn(Check):
    """Predicts the target from every column alone, by the nearest known value in it."""

    code = "D002"
    title = "A column gives the target away"

    def run(self, context: CheckContext) -> list[Finding] | None:
        fields = [f for f in context.schema.features if f.kind in ("number", "category", "boolean")]
        fields = [f for f in fields if isinstance(context.source.columns[f.name], TableColumn)]
        if not fields or len(context.train) < FEWEST_ROWS:
            return None
        halves = _halves(context.train, len(fields))
        told = {field.name: _told(context, field, halves) for field in fields}
        regress = context.schema.task == "regress"
        warn, stop = (WARN_NUMBERS, STOP_NUMBERS) if regress else (WARN_CLASSES, STOP_CLASSES)
        findings = []
        for name, share in told.items():
            if share < warn:
                continue
            # The only column there is may well be what the question is about.
            severity: Severity = "severe" if share >= stop and len(fields) > 1 else "warning"
            findings.append(self._finding(name, share, severity, len(halves.asked)))
        return findings

    def _finding(self, name: str, share: float, severity: Severity, rows: int) -> Finding:
        return Finding(
            code=self.code,
            severity=severity,
            title=self.title,
            evidence=(
                f"Column '{name}' alone tells {_percent(share)} of the target beyond guessing, on {rows:,} training rows."
            ),
            advice=(
                f"If '{name}' is not known at the time of prediction, or is another form of the target, leave it out "
                f"with --drop {name!r}."
            ),
            columns=(name,),
        )


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %" if share < 0.99995 else "all"


def _halves(train: Rows, num_columns: int) -> _Halves:
    size = min(len(train), MOST_ROWS, max(MOST_CELLS // num_columns, 1000))
    rows = np.random.default_rng(0).permutation(train)[:size]
    return _Halves(known=rows[: size // 2], asked=rows[size // 2 :])


def _told(context: CheckContext, field: Field, halves: _Halves) -> float:
    """The largest share of any target that the column tells; 1 is all of it, 0 or less no more than guessing."""
    column = context.source.columns[field.name]
    assert isinstance(column, TableColumn)
    exact = field.kind != "number"
    known, asked = _cells(column, field, halves)
    nearest, found = _nearest(known, asked, exact)
    target = context.target if context.target.ndim == 2 else context.target[:, None]
    shares = []
    for k in range(target.shape[1]):
        truth_known, truth_asked = target[halves.known, k], target[halves.asked, k]
        if context.schema.task == "regress":
            shares.append(_variance_told(truth_known, truth_asked, nearest, found))
            if not exact:
                shares.append(_straight_line(asked, truth_asked))
        else:
            shares.append(_classes_told(truth_known, truth_asked, nearest, found))
    return max(shares)


def _cells(column: TableColumn, field: Field, halves: _Halves) -> tuple[Floats, Floats]:
    """The column's cells as numbers: values, or a number for every category; missing ones get one far off."""
    rows = np.concatenate([halves.known, halves.asked])
    series = column.values.gather(rows)
    numbers = as_numbers(series) if field.kind == "number" else as_text(series).rank("dense").cast(float)
    values = numbers.fill_null(float("nan")).to_numpy().astype(np.float64)
    filled = values[~np.isnan(values)]
    far = 2 * filled.min() - filled.max() - 1 if len(filled) else 0.0
    values = np.where(np.isnan(values), far, values)
    return values[: len(halves.known)], values[len(halves.known) :]


def _nearest(known: Floats, asked: Floats, exact: bool) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """For each asked value the position of the nearest known one, and whether it counts (categories must be equal)."""
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    right = np.clip(np.searchsorted(ordered, asked), 0, len(ordered) - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.where(np.abs(ordered[left] - asked) < np.abs(ordered[right] - asked), left, right)
    return order[nearer], (ordered[nearer] == asked) if exact else np.ones(len(asked), dtype=bool)


def _classes_told(known: Array, asked: Array, nearest: Rows, found: npt.NDArray[np.bool_]) -> float:
    commonest = np.bincount(asked[asked >= 0].astype(np.int64)).argmax() if (asked >= 0).any() else 0
    others = int((asked != commonest).sum())
    if others < RAREST:
        return 0.0
    guessed = np.where(found, known[nearest], commonest)
    return 1 - float((guessed != asked).sum()) / others


def _variance_told(known: Array, asked: Array, nearest: Rows, found: npt.NDArray[np.bool_]) -> float:
    mean = float(np.nanmean(known))
    guessed = np.where(found, known[nearest], mean)
    spread = float(np.nansum((asked - asked.mean()) ** 2))
    return 1 - float(np.nansum((guessed - asked) ** 2)) / spread if spread > 0 else 0.0


def _straight_line(values: Floats, truth: Array) -> float:
    """Squared correlation: 1 when the target is the column in other units."""
    if values.std() == 0 or truth.std() == 0:
        return 0.0
    return float(np.corrcoef(values, truth)[0, 1] ** 2)
