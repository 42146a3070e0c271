"""Predictions as tables: one row a row of data, in the words and units of the target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from netpick.tasks import TASKS
from netpick.types.results import RunResults

if TYPE_CHECKING:
    from netpick.tasks.forecast.windows import Windows

FORMULA = r"^[=+\-@\t\r]"  # how a text begins that a spreadsheet takes for a formula (OWASP, CSV injection)


def without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """The table with an apostrophe before texts that a spreadsheet would compute, names of columns included. Numbers stay."""
    names = {name: f"'{name}" for name in table.columns if re.match(FORMULA, name)}
    texts = [
        pl.when(pl.col(name).str.contains(FORMULA) & pl.col(name).cast(pl.Float64, strict=False).is_null())
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, dtype in table.schema.items()
        if dtype == pl.String
    ]
    return table.with_columns(texts).rename(names)


def predictions_table(
    results: RunResults, names: Sequence[str] | None = None, windows: Windows | None = None
) -> pl.DataFrame:
    """The test rows: row, truth, then prediction and probabilities of every candidate, prefixed 'NAME: '.

    names: of all rows of the data, where they have any; windows: of a forecast.
    """
    answer, labels = TASKS[results.target.task].answer, results.target.labels
    if windows is not None:
        return _forecast_table(results, windows)
    rows = results.split.test
    columns: dict[str, pl.Series] = {"row": pl.Series("row", rows)}
    if names is not None:
        columns["name"] = pl.Series("name", [names[row] for row in rows], dtype=pl.String)
    columns |= answer.truth_columns(results.test_truth, labels)
    for candidate in results.entries:
        if candidate.test_predictions is None:
            continue
        rule = results.rule(candidate.name)
        columns |= answer.columns(candidate.test_predictions, labels, rule, f"{candidate.name}: ")
    return pl.DataFrame(list(columns.values()))


MOST_FORECASTS = 100_000  # rows of the table; of more, every so many windows are kept


def _forecast_table(results: RunResults, windows: Windows) -> pl.DataFrame:
    """A row a window, step and target: when it was made, what for, the truth, and every candidate's forecast."""
    targets = results.target.names
    rows, horizon = results.split.test, windows.state.horizon
    width = horizon * len(targets)
    kept = np.arange(0, len(results.test_truth), max(1, -(-len(results.test_truth) * width // MOST_FORECASTS)))
    positions, series = windows.timeline.positions[rows][kept], windows.series_names(rows)
    ahead = positions[:, None] + np.repeat(np.arange(horizon), len(targets))[None, :]
    columns: dict[str, pl.Series] = {}
    if any(series):
        names = [series[row] for row in kept.tolist() for _ in range(width)]
        columns["series"] = pl.Series("series", names, dtype=pl.String)
    columns["origin"] = pl.Series("origin", list(windows.times(np.repeat(positions, width))))
    columns["time"] = pl.Series("time", list(windows.times(ahead.ravel())))
    if len(targets) > 1:
        columns["target"] = pl.Series("target", list(targets) * (horizon * len(kept)))
    answer = TASKS[results.target.task].answer
    columns |= answer.truth_columns(results.test_truth[kept], targets)
    for candidate in results.entries:
        if candidate.test_predictions is not None:
            some, rule = candidate.test_predictions.take(kept), results.rule(candidate.name)
            columns |= answer.columns(some, targets, rule, f"{candidate.name}: ")
    return pl.DataFrame(list(columns.values()))
