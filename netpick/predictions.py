"""Predictions as tables: one row a row of data, in the words and units of the target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from netpick.evaluate import decide
from netpick.types import Array, DecisionRule, ForecastInfo, Predictions, RunResults


def take(predictions: Predictions, rows: slice | Array) -> Predictions:
    """The predictions of some of the rows."""
    return replace(
        predictions, **{name: part if part is None else part[rows] for name, part in vars(predictions).items()}
    )


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of some rows, and of the rows behind them."""
    columns = {name: [vars(part)[name] for part in parts] for name in vars(parts[0])}
    return Predictions(
        **{name: None if any(c is None for c in cs) else np.concatenate(cs) for name, cs in columns.items()}
    )


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


def prediction_columns(
    task: str, labels: Sequence[str], predictions: Predictions, rule: DecisionRule, prefix: str = ""
) -> dict[str, pl.Series]:
    """Columns for one set of predictions: the decision, and the probability of every class or label.

    classify: prediction, probability_LABEL...; multilabel: LABEL (true / false), probability_LABEL...; regress:
    prediction, low and high, or prediction_TARGET, low_TARGET and high_TARGET for each of several targets.
    """
    columns: dict[str, pl.Series] = {}
    if predictions.values is not None:
        for i, name in enumerate(labels):
            for what, values in (
                ("prediction", predictions.values),
                ("low", predictions.low),
                ("high", predictions.high),
            ):
                if values is not None:
                    key = f"{prefix}{what}" if len(labels) == 1 else f"{prefix}{what}_{name}"
                    columns[key] = pl.Series(key, values[:, i])
        return columns
    assert predictions.probabilities is not None
    decided = decide(task, predictions, rule)
    assert decided is not None
    if task == "classify":
        key = f"{prefix}prediction"
        columns[key] = pl.Series(key, np.asarray(labels, dtype=object)[decided].tolist(), dtype=pl.String)
    else:
        for i, label in enumerate(labels):
            key = f"{prefix}{label}"
            columns[key] = pl.Series(key, decided[:, i].astype(bool))
    for i, label in enumerate(labels):
        key = f"{prefix}probability_{label}"
        columns[key] = pl.Series(key, predictions.probabilities[:, i])
    return columns


def truth_columns(task: str, labels: Sequence[str], truth: Array) -> dict[str, pl.Series]:
    """The truth beside it: classify `truth`; else `truth_NAME` a label or target."""
    if task == "classify":
        return {"truth": pl.Series("truth", np.asarray(labels, dtype=object)[truth].tolist(), dtype=pl.String)}
    return {f"truth_{name}": pl.Series(f"truth_{name}", truth[:, i]) for i, name in enumerate(labels)}


def predictions_table(results: RunResults) -> pl.DataFrame:
    """The test rows: row, truth, then prediction and probabilities of every candidate, prefixed 'NAME: '."""
    task, labels = results.target.task, results.target.labels
    if results.forecast is not None:
        return _forecast_table(results, results.forecast)
    names = results.source.row_names
    rows = results.split.test
    columns: dict[str, pl.Series] = {"row": pl.Series("row", rows)}
    if names is not None:
        columns["name"] = pl.Series("name", [names[row] for row in rows], dtype=pl.String)
    columns |= truth_columns(task, labels, results.test_truth)
    for candidate in results.entries:
        if candidate.test_predictions is None:
            continue
        rule = results.rule(candidate.name)
        columns |= prediction_columns(task, labels, candidate.test_predictions, rule, f"{candidate.name}: ")
    return pl.DataFrame(list(columns.values()))


MOST_FORECASTS = 100_000  # rows of the table; of more, every so many windows are kept
QUANTILE_NAMES = ("low", "median", "high")  # 10, 50 and 90 %


def _forecast_table(results: RunResults, info: ForecastInfo) -> pl.DataFrame:
    """A row a window, step and target: when it was made, what for, the truth, and every candidate's forecast."""
    targets = results.target.names
    width = info.horizon * len(targets)
    kept = np.arange(0, len(results.test_truth), max(1, -(-len(results.test_truth) * width // MOST_FORECASTS)))
    ahead = info.positions[kept][:, None] + np.repeat(np.arange(info.horizon), len(targets))[None, :]
    columns: dict[str, pl.Series] = {}
    if any(info.series):
        names = [info.series[row] for row in kept.tolist() for _ in range(width)]
        columns["series"] = pl.Series("series", names, dtype=pl.String)
    columns["origin"] = pl.Series("origin", list(info.times(np.repeat(info.positions[kept], width))))
    columns["time"] = pl.Series("time", list(info.times(ahead.ravel())))
    if len(targets) > 1:
        columns["target"] = pl.Series("target", list(targets) * (info.horizon * len(kept)))
    columns["truth"] = pl.Series("truth", results.test_truth[kept].ravel()).fill_nan(None)
    for candidate in results.entries:
        found = candidate.test_predictions
        if found is None or found.values is None:
            continue
        key = f"{candidate.name}: prediction"
        columns[key] = pl.Series(key, found.values[kept].ravel().astype(np.float32))
        if found.quantiles is not None:
            for i, name in enumerate(QUANTILE_NAMES):
                key = f"{candidate.name}: {name}"
                columns[key] = pl.Series(key, found.quantiles[kept][..., i].ravel().astype(np.float32))
    return pl.DataFrame(list(columns.values()))
