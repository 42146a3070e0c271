"""D026: numbers far from all others: slips of the pen, and codes for "missing"."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import LISTED, Check, CheckContext, looked_at, rows_named, some_of
from netpick.columns.kinds.cells import as_moderate_numbers
from netpick.types import Array, ArrayColumn, Finding, TableColumn

FEWEST = 50  # different rows with a number
FAR = 20.0  # times the width of the middle 90 %: normal numbers reach 1.5 of them in a million rows
FAR_IN_LOGARITHMS = 2.0  # of positive numbers, whose long tails are no mistakes: in logarithms they must be far, too
MOST = 0.05  # of the numbers; more are no outliers but a second kind of rows
CODES = (-99.0, -999.0, -9999.0, -99999.0, -999999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, -99.9, -999.9)
AGAIN = 3  # times that a code comes
APART = 0.5  # widths of the middle 90 % that a code is away from the next number
MOST_VALUES = 4_000_000  # of series that are looked at


class Outliers(Check):
    """Compares each number with the width of the middle nine tenths of its column."""

    code = "D026"
    title = "Numbers far from all others"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        findings, looked = [], 0
        for field in context.schema.fields:
            column = context.source.columns[field.name]
            if field.role not in ("feature", "target"):
                continue
            if isinstance(column, TableColumn) and field.kind == "number":
                looked += 1
                values = as_moderate_numbers(column.values).to_numpy()  # NaN where missing
                found = _far(values)
                if found is not None:
                    findings.append(self._finding(context, field.name, f"Column '{field.name}'", values, found))
            elif isinstance(column, ArrayColumn) and column.kind == "series":
                looked += 1
                findings += self._series(context, column)
        return findings if looked else None

    def _series(self, context: CheckContext, column: ArrayColumn) -> list[Finding]:
        findings = []
        rows = max(1, MOST_VALUES // max(1, int(np.prod(column.values.shape[1:]))))
        sampled = looked_at(min(rows, len(column)), len(column))
        drawn = some_of(np.arange(len(column)), rows)
        part = np.asarray(column.values[drawn], np.float64)
        if column.lengths is not None:  # padding is no value
            beyond = np.arange(part.shape[1])[None, :] >= column.lengths[drawn, None]
            part[beyond] = np.nan
        for channel in range(part.shape[2]):
            values = part[..., channel]
            found = _far(values.ravel())
            if found is not None:
                marked = found.reshape(values.shape)
                peak = np.where(marked, np.abs(values), 0).argmax(axis=1)
                hit, extremes = np.zeros(len(column), dtype=bool), np.zeros(len(column))
                hit[drawn] = marked.any(axis=1)
                extremes[drawn] = values[np.arange(len(values)), peak]
                where = f"Channel {channel + 1} of '{column.name}'{sampled}"
                middle = float(np.nanmedian(values))
                findings.append(self._finding(context, column.name, where, extremes, hit, middle))
        return findings

    def _finding(
        self, context: CheckContext, name: str, where: str, values: Array, found: Array, middle: float | None = None
    ) -> Finding:
        rows = np.flatnonzero(found)
        centre = float(np.nanmedian(values)) if middle is None else middle
        rows = rows[np.argsort(-np.abs(values[rows] - centre), kind="stable")]
        shown = ", ".join(f"{values[row]:.6g} ({rows_named(context, np.array([row]))})" for row in rows[:3].tolist())
        return self.finding(
            severity="warning",
            evidence=(
                f"{where} holds {shown}{', …' if len(rows) > 3 else ''} in {len(rows):,} {'row' if len(rows) == 1 else 'rows'}; the "
                f"middle is {centre:.6g}."
            ),
            advice=(
                'Correct them if they are slips; if such a number stands for "missing", say so with --missing, and the cells are '
                "read as empty."
            ),
            columns=(name,),
            rows=tuple(rows[:LISTED].tolist()),
        )


def _far(values: Array) -> Array | None:
    """Which values (n,) are far off; None for none."""
    known = ~np.isnan(values)
    present = values[known]
    if len(present) < FEWEST:
        return None
    centre, width = _middle(present)
    if width <= 0:
        return None
    far = np.abs(values - centre) > FAR * width
    if (present >= 0).all():
        logarithms = np.log(np.where(values > 0, values, np.nan))
        middle, spread = _middle(logarithms[~np.isnan(logarithms)])
        far &= np.abs(logarithms - middle) > FAR_IN_LOGARITHMS * spread
    far |= _codes(values, present, width)
    share = far.sum() / len(present)
    return far if 0 < share <= MOST else None


def _middle(values: Array) -> tuple[float, float]:
    """The median, and the width of the middle 90 %; of columns that are mostly one value, of the others."""
    low, centre, high = np.quantile(values, [0.05, 0.5, 0.95])
    if high - low <= 0 or (values == centre).mean() > 0.5:
        others = values[values != centre]
        if len(others) < FEWEST:
            return float(centre), float(high - low)
        low, high = np.quantile(others, [0.05, 0.95])
        low, high = min(low, centre), max(high, centre)
    return float(centre), float(high - low)


def _codes(values: Array, present: Array, width: float) -> Array:
    """Numbers such as -999 that come again and have no neighbours."""
    marked = np.zeros(len(values), dtype=bool)
    for code in (present.min(), present.max()):
        if code not in CODES:
            continue
        rest = present[present != code]
        if (present == code).sum() < AGAIN or len(rest) < FEWEST:
            continue
        low, high = np.quantile(rest, [0.05, 0.95])
        away = min(abs(code - rest.min()), abs(code - rest.max()))
        if away > APART * max(high - low, 0) and high > low:
            marked |= values == code
    return marked
