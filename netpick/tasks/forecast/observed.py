"""What was observed, beside what was forecast for it one step before: which values lie outside the interval, and how far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.horizon import time_name
from netpick.answers.quantiles import around_median, band
from netpick.errors import DataError
from netpick.tasks.examples.base import Encoded, Observed
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.windows import Windows
from netpick.types import Array, Rows, Source

MOST_NUMBERS = 4_000_000  # of forecasts; of longer histories the newest steps are looked at
LEAST_HALF = 1e-9  # of an interval, in the units of a series' scale
WIDE = 0.95  # share from which on an interval is for anomalies
NAMED = 3  # of the steps that lie farthest outside


@dataclass(frozen=True, kw_only=True)
class ObservedSteps(Observed):
    """Steps that have a whole context before them: an example each, of whose forecast the first step counts."""

    windows: Windows
    truth: Array  # (n, V)

    def table(self, predictions: AnsweredHorizon) -> pl.DataFrame:
        """A row a step and target that was observed: observed, prediction, the ends of the interval, outside, distance."""
        windows, state = self.windows, self.windows.state
        timeline, rows, targets = windows.timeline, self.encoded.rows, len(state.targets)
        asked = around_median(state.quantiles)
        quantiles, plain = predictions.chosen if asked else predictions.quantiles, predictions.quantiles
        assert quantiles is not None
        assert plain is not None
        low, middle, high = quantiles[:, :targets, 0], plain[:, :targets, 1], quantiles[:, :targets, -1]
        half = np.where(self.truth > middle, high - middle, middle - low)
        distance = np.abs(self.truth - middle) / np.maximum(
            half, LEAST_HALF * np.asarray(state.scale)[windows.series[rows]]
        )
        outside = np.where(self.truth > high, "above", np.where(self.truth < low, "below", ""))
        times = state.step.text(timeline.times(timeline.positions[rows]))
        columns = []
        if len(timeline.ids) > 1 or state.id_columns:
            names = [timeline.ids[number] for number in timeline.series[rows].tolist()]
            columns.append(pl.Series("series", names, dtype=pl.String).gather(_each(len(rows), targets)))
        columns.append(
            pl.Series(time_name(state.time_columns), times, dtype=pl.String).gather(_each(len(rows), targets))
        )
        if targets > 1:
            columns.append(pl.Series("target", list(state.targets) * len(rows)))
        first, last, _ = band(asked)
        numbers = {
            "observed": self.truth,
            "prediction": predictions.values[:, :targets],
            first: low,
            last: high,
            "outside": outside,
            "distance": distance,
        }
        columns += [pl.Series(name, values.ravel()) for name, values in numbers.items()]
        return pl.DataFrame(columns).filter(pl.col("observed").is_not_nan())

    def sentence(self, table: pl.DataFrame) -> str:
        """How many lie outside, how many would by chance, and which are farthest."""
        _, _, share = band(around_median(self.windows.state.quantiles))
        out = table.filter(pl.col("outside") != "")
        said = (
            f"{len(out):,} of {len(table):,} observed values ({len(out) / max(1, len(table)):.1%}) lie outside the {100 * share:.4g} % interval of the "
            f"forecast made one step before; {1 - share:.1%} do by chance where nothing has changed. Values that the model learned from lie "
            "outside less often."
        )
        if share < WIDE and len(out):
            said += " For anomalies, train with wide quantiles: --quantiles 0.005,0.5,0.995."
        far = out.sort("distance", descending=True).head(NAMED)
        keys = table.columns[: table.columns.index("observed")]
        named = ", ".join(
            f"{' '.join(str(row[key]) for key in keys)} ({row['distance']:.1f})" for row in far.iter_rows(named=True)
        )
        return f"{said} Farthest, in distances from the median to the end of the interval: {named}." if named else said


def observed_steps(windows: Windows, source: Source) -> ObservedSteps:
    """Raises DataError where no step has a whole context before it. windows: one horizon longer than what is known."""
    state, rows = windows.state, windows.rows
    if not len(rows):
        raise DataError(
            f"{source.name} has no step with {state.context:,} steps before it, which the model looks at. Pass a longer history."
        )
    rows = _newest(rows, windows, state)
    encoded = Encoded(arrays=windows.store.arrays, rows=rows, state=state, history=windows)
    return ObservedSteps(encoded=encoded, windows=windows, truth=windows.raw[rows])


def _newest(rows: Rows, windows: Windows, state: ForecastState) -> Rows:
    """Those whose forecasts fit, in the order of series and steps."""
    most = max(1, MOST_NUMBERS // (state.horizon * len(state.targets)))
    if len(rows) <= most:
        return rows
    positions = windows.timeline.positions[rows]
    return np.sort(rows[np.argsort(-positions, kind="stable")[:most]])


def _each(count: int, times: int) -> pl.Series:
    return pl.Series(np.repeat(np.arange(count), times))
