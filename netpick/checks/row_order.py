"""D019: numbers of rows, and their order, that tell the target."""

from __future__ import annotations

import numpy as np
import polars as pl

from netpick.checks.base import Check, CheckContext
from netpick.checks.features import time_of
from netpick.checks.statistics import Alike, neighbours_alike
from netpick.types import Array, Finding, Rows, TableColumn

FEWEST_ROWS = 100
PROOF = 6.0  # standard errors; 1 in 10^9, so that some hundred columns need no further correction
TOLD, STOP = 0.2, 0.5  # how much more alike neighbours are than any two rows
DENSE = (
    3  # a counter's values lie at most so many times further than there are rows: quantities rarely do, and differ all
)
FOLDERS = (
    "image_folder",
    "image_zip",
    "sound_folder",
    "clip_folder",
    "text_folder",
)  # whose order is that of the names


class OrderTellsTarget(Check):
    """Sorts rows by what numbers them and looks whether neighbours have the same target."""

    code = "D019"
    title = "The order of the rows tells the target"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not (context.one_class or context.of_numbers) or len(context.learned) < FEWEST_ROWS:
            return None
        if context.target.ndim == 2 and context.target.shape[1] > 1:
            return None
        rows = np.sort(context.learned)
        target = context.target[rows] if context.target.ndim == 1 else context.target[rows, 0]
        known = target >= 0 if context.one_class else ~np.isnan(target)
        rows, target = rows[known], target[known]
        if len(rows) < FEWEST_ROWS:
            return None
        findings = self._counters(context, rows, target)
        if not findings and context.source.layout not in FOLDERS and not _ordered_in_time(context):
            findings = self._file_order(context, rows, target)
        return findings

    def _counters(self, context: CheckContext, rows: Rows, target: Array) -> list[Finding]:
        """Columns that number the rows, whether they are learned from or were left out."""
        findings = []
        for field in context.schema.fields:
            column = context.source.columns[field.name]
            if field.role not in ("feature", "left_out") or not isinstance(column, TableColumn):
                continue
            numbers = _counter(column.values, left_out=field.role == "left_out")
            if numbers is None:
                continue
            order = np.argsort(numbers[rows], kind="stable")
            alike = neighbours_alike(target[order])
            if alike.z < PROOF or alike.effect < TOLD:
                continue
            used = field.role == "feature"
            same = not used and (np.diff(order) > 0).all()
            if same:
                continue  # the order of the file, of which we speak below
            findings.append(
                self.finding(
                    severity="severe" if used and alike.effect >= STOP else "warning",
                    evidence=(
                        f"Column '{field.name}' numbers the rows, and rows next to each other in it have "
                        f"{_words(context, alike)}, among {len(rows):,} rows to learn from."
                    ),
                    advice=(
                        "The number says when or from where a row was collected, not what it is: leave it out with "
                        f"--drop {field.name!r}."
                        if used
                        else "It was left out; keep it so, and ask what the order of collecting has to do with the target."
                    ),
                    clause=f"column '{field.name}' numbers the rows and tells the target",
                    columns=(field.name,),
                )
            )
        return findings

    def _file_order(self, context: CheckContext, rows: Rows, target: Array) -> list[Finding]:
        alike = neighbours_alike(target)
        if alike.z < PROOF or alike.effect < TOLD:
            return []
        steps = np.diff(target)
        if context.one_class:
            is_sorted = int((steps != 0).sum()) <= 2 * (int(target.max()) + 1)
        else:
            is_sorted = bool((steps >= 0).mean() > 0.99 or (steps <= 0).mean() > 0.99)
        given_test = context.source.given_split is not None and (context.source.given_split == 2).any()
        what = "The rows are sorted by the target" if is_sorted else "Rows next to each other in the file"
        evidence = (
            f"{what}, {len(rows):,} rows to learn from."
            if is_sorted
            else f"{what} have {_words(context, alike)}, among {len(rows):,} rows to learn from."
        )
        harmless = is_sorted or given_test
        return [
            self.finding(
                severity="info" if harmless else "warning",
                evidence=evidence,
                advice=(
                    "Harmless where rows are drawn at random; never test on the last rows of such a file."
                    if harmless
                    else "If neighbours come from one place, time or thing, and the split does not keep these together, such rows are "
                    "on both sides and scores flatter: name what orders or groups them, --split time:COLUMN or --split group:COLUMN."
                ),
            )
        ]


def _words(context: CheckContext, alike: Alike) -> str:
    if context.one_class:
        return f"the same class {alike.effect:.0%} more often than chance allows (of what is possible)"
    return f"targets alike (correlation of ranks {alike.effect:.2f})"


def _counter(values: pl.Series, *, left_out: bool) -> Array | None:
    """The numbers of a column that counts rows: whole, all different, and close to each other; of texts, their digits."""
    if values.dtype == pl.String and left_out:
        digits = values.str.extract(r"(\d+)\D*$", 1).cast(pl.Int64, strict=False)
    elif values.dtype.is_integer() or (values.dtype.is_float() and bool((values == values.round()).all())):
        digits = values.cast(pl.Int64, strict=False)
    else:
        return None
    if digits.null_count() or digits.n_unique() < 0.99 * len(digits) or len(digits) < FEWEST_ROWS:
        return None
    low, high = digits.min(), digits.max()
    if not isinstance(low, int) or not isinstance(high, int) or high - low > DENSE * len(digits):
        return None
    return digits.to_numpy().astype(np.float64)


def _ordered_in_time(context: CheckContext) -> bool:
    """Whether the order of the file is that of time, which other checks speak of."""
    times = time_of(context)
    if times is None:
        return False
    steps = np.diff(times[1][~np.isnan(times[1])])
    return bool(len(steps) and max((steps >= 0).mean(), (steps <= 0).mean()) > 0.99)
