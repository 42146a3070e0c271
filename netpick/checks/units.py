"""D028: one column, two units: centimetres and inches, grams and kilograms, 12 kg and 26 lb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.checks.base import LISTED, Check, CheckContext, rows_named
from netpick.checks.statistics import ks_distance
from netpick.columns.kinds.cells import as_numbers, counts_of
from netpick.types import Array, Finding, TableColumn

FACTORS = {
    2.54: "inches and centimetres",
    39.37: "metres and inches",
    3.2808: "metres and feet",
    30.48: "feet and centimetres",
    1.609: "miles and kilometres",
    1609.3: "miles and metres",
    2.2046: "kilograms and pounds",
    28.35: "ounces and grams",
    4.184: "calories and joules",
    4.546: "gallons and litres",
    3.785: "US gallons and litres",
    7.0: "days and weeks",
    12.0: "months and years",
    24.0: "hours and days",
    60.0: "minutes and seconds, or hours and minutes",
    3600.0: "hours and seconds",
    10.0: "a factor of 10, such as centimetres and millimetres",
    100.0: "a factor of 100, such as metres and centimetres, or shares and percents",
    1000.0: "a factor of 1,000, such as kilograms and grams",
    1e6: "a factor of a million",
}
FEWEST_ROWS, FEWEST_VALUES = 100, 30  # with a number; different numbers
FEWEST_EACH, SHARE_EACH = 15, 0.02  # rows in the rarer unit, and their share
CLOSE = 0.06  # in logarithms, between the ratio of the medians and the factor, and twice their own uncertainty
SAME_WIDTH = 1.35  # ratio of the widths of both heaps in logarithms
DEEP = 0.35  # of the lower heap's height, for the valley between the two
APART = 2.5  # widths (standard deviations) between the heaps
SAME_SHAPE = 0.25  # distance between the heaps once brought to one unit
TOLD_ELSEWHERE = 0.5  # distance between the heaps in another column, from which on they are two kinds of things
FAHRENHEIT = (1.8, 32.0)
MOST_CHANGES, AROUND = 20, 60  # of the unit in time, and steps on each side of one
WITH_UNIT = r"^\s*[-+]?\d+(?:[.,]\d+)*\s*([a-zA-Zµ°%\"']{1,6})\.?\s*$"
MOSTLY = 0.9  # of the cells are a number with a unit


@dataclass(frozen=True, kw_only=True)
class _Heaps:
    """Two heaps of numbers and what separates them."""

    border: float
    low: Array
    high: Array


class MixedUnits(Check):
    """Looks for two heaps of equal shape whose ratio is that of two known units."""

    code = "D028"
    title = "Two units in one column"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        findings, looked = [], 0
        for field in context.schema.fields:
            column = context.source.columns[field.name]
            if field.role == "group" or not isinstance(column, TableColumn):
                continue
            if field.kind == "number":
                looked += 1
                values = as_numbers(column.values).to_numpy()  # NaN where missing
                found = _numbers(values)
                if found is None and context.order is not None:
                    found = _numbers(values, context.order)
                if found is not None and context.order is None and _told_elsewhere(context, field.name, found[1]):
                    found = None
            elif column.values.dtype == pl.String and field.kind != "datetime":
                looked += 1
                found = _written(column.values)
            else:
                continue
            if found is not None:
                said, rows = found
                findings.append(self._finding(context, field.name, said, rows))
        return findings if looked else None

    def _finding(self, context: CheckContext, name: str, said: str, rows: Array) -> Finding:
        return self.finding(
            severity="warning",
            evidence=f"Column '{name}' {said}: {rows_named(context, rows)}.",
            advice="Bring all cells to one unit, and write it in the column's name.",
            columns=(name,),
            rows=tuple(rows[:LISTED].tolist()),
        )


def _told_elsewhere(context: CheckContext, name: str, rows: Array) -> bool:
    """Whether another column of numbers tells the two heaps apart: then there are two kinds of things, not two units.

    How a number was written down has nothing to do with what else is known of its row.
    """
    rare = np.zeros(context.source.num_rows, dtype=bool)
    rare[rows] = True
    for field in context.schema.fields:
        column = context.source.columns[field.name]
        if field.name == name or field.kind != "number" or not isinstance(column, TableColumn):
            continue
        values = as_numbers(column.values).to_numpy()
        known = ~np.isnan(values)
        if ks_distance(values[rare & known], values[~rare & known]) >= TOLD_ELSEWHERE:
            return True
    return False


def _written(cells: pl.Series) -> tuple[str, Array] | None:
    """Texts such as '12 kg' and '26 lb'."""
    filled = cells.drop_nulls()
    if len(filled) < FEWEST_EACH or not filled.head(20).str.contains(r"\d").any():
        return None
    units = cells.str.extract(WITH_UNIT, 1).str.to_lowercase()
    if len(units) - units.null_count() < MOSTLY * len(filled):
        return None
    counts = counts_of(units)
    if len(counts) < 2 or counts[1, 1] < max(2, 0.005 * len(filled)):
        return None
    said = ", ".join(f"{count:,} cells in '{unit}'" for unit, count in counts.head(4).iter_rows())
    rare = counts[1, 0]
    return f"holds {said}", (units == rare).fill_null(False).arg_true().to_numpy()


def _numbers(values: Array, order: Array | None = None) -> tuple[str, Array] | None:
    """What is said, and which rows are in the rarer unit. order: compare only what stands around changes, in time."""
    known = values[~np.isnan(values)]
    if order is not None:
        known = values[order][~np.isnan(values[order])]
        known = _around_changes(known)
    sample = known if len(known) <= 20_000 else np.random.default_rng(0).choice(known, 20_000, replace=False)
    if len(known) < FEWEST_ROWS or len(np.unique(sample)) < FEWEST_VALUES:
        return None
    found = _by_factor(sample) or _temperatures(sample)
    if found is None:
        return None
    border, said, low_is_rare = found
    rows = np.flatnonzero(values < border if low_is_rare else values >= border)
    return said, rows


def _around_changes(values: Array) -> Array:
    """Of numbers in the order of time, those before and behind each step from one heap to the other: a unit that was changed
    one day, in the middle of whatever else changes slowly.
    """
    heaps = _heaps(values) if len(values) >= FEWEST_ROWS and len(np.unique(values)) >= FEWEST_VALUES else None
    if heaps is None:
        return values[:0]
    changes = np.flatnonzero(np.diff(values > heaps.border)) + 1
    if not 1 <= len(changes) <= MOST_CHANGES:
        return values[:0]
    around = [values[max(0, change - AROUND) : change + AROUND] for change in changes.tolist()]
    return np.concatenate(around)


def _by_factor(values: Array) -> tuple[float, str, bool] | None:
    positive = values[values > 0]
    if len(positive) < 0.95 * len(values):
        return None
    heaps = _heaps(np.log(positive))
    if heaps is None:
        return None
    low, high = heaps.low, heaps.high
    ratio = float(np.median(high) - np.median(low))
    width = max(float(low.std()), float(high.std()))
    doubt = 2 * width * np.sqrt(1 / len(low) + 1 / len(high))
    fitting = [f for f in FACTORS if abs(np.log(f) - ratio) <= CLOSE + doubt]
    if not fitting or not _same_shape(low - np.median(low), high - np.median(high)):
        return None
    factor = min(fitting, key=lambda f: abs(np.log(f) - ratio))
    border = float(np.exp(heaps.border))
    said = (
        f"holds two heaps, {len(low):,} numbers around {np.exp(np.median(low)):.4g} and {len(high):,} around "
        f"{np.exp(np.median(high)):.4g} ({np.exp(ratio):.3g} times as much), like {FACTORS[factor]}"
    )
    return border, said, len(low) < len(high)


def _temperatures(values: Array) -> tuple[float, str, bool] | None:
    """Degrees Celsius and Fahrenheit."""
    heaps = _heaps(values)
    if heaps is None:
        return None
    low, high = heaps.low, heaps.high
    factor, offset = FAHRENHEIT
    moved = low * factor + offset
    if not (-60 < np.median(low) < 60) or abs(np.median(moved) - np.median(high)) > 0.5 * high.std():
        return None
    if ks_distance(moved, high) > SAME_SHAPE:
        return None
    said = (
        f"holds two heaps, {len(low):,} numbers around {np.median(low):.4g} and {len(high):,} around {np.median(high):.4g}, like "
        "degrees Celsius and Fahrenheit"
    )
    return heaps.border, said, len(low) < len(high)


def _heaps(values: Array) -> _Heaps | None:
    """Two heaps with a valley between them of any size; None where there are none."""
    ordered = np.sort(values - values.mean())
    n = len(ordered)
    least = max(FEWEST_EACH, round(SHARE_EACH * n))
    if 2 * least >= n:
        return None
    count = np.arange(1, n)
    share = count / n
    spreads = []
    for part in (ordered, ordered[::-1]):
        mean = np.cumsum(part)[:-1] / count
        spread = np.sqrt(np.maximum(np.cumsum(np.square(part))[:-1] / count - np.square(mean), 0))
        spreads.append(np.maximum(spread, 1e-6 * max(float(ordered.std()), 1e-12)))
    wide_low, wide_high = spreads[0], spreads[1][::-1]
    # The border that makes the fewest errors between two normal heaps of any size (Kittler and Illingworth, 1986).
    error = share * np.log(wide_low / share) + (1 - share) * np.log(wide_high / (1 - share))
    inner = slice(least - 1, n - least)
    at = int(error[inner].argmin()) + least  # so many values lie below the border
    low, high = ordered[:at], ordered[at:]
    wider = max(float(low.std()), float(high.std()), 1e-12)
    if (high.mean() - low.mean()) / wider < APART or not _valley(low, high):
        return None
    centre = float(values.mean())
    return _Heaps(border=float((low[-1] + high[0]) / 2) + centre, low=low + centre, high=high + centre)


def _valley(low: Array, high: Array) -> bool:
    """Whether there are far fewer values between the heaps than in the lower of them."""
    a, b = float(np.median(low)), float(np.median(high))
    edges = np.linspace(a, b, 6)
    middle = np.concatenate([low, high])
    counts = np.histogram(middle, edges)[0]
    near = min(counts[0], counts[-1])
    return bool(counts[1:-1].min() <= DEEP * max(near, 1))


def _same_shape(low: Array, high: Array) -> bool:
    widths = sorted([float(low.std()), float(high.std())])
    return widths[0] > 0 and widths[1] / widths[0] <= SAME_WIDTH and ks_distance(low, high) <= SAME_SHAPE
