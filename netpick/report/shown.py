"""What the report shows of the data and of forecasts, taken from them once: results hold this, and neither data nor functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.compare import Resampler, score
from netpick.answers.metrics.forecast import Coverage, Mase, QuantileLoss, WindowRatio
from netpick.columns.kinds.cells import counts_of
from netpick.report.each_series import by_series, windows_of
from netpick.report.measures import Floats
from netpick.report.parts.classes import MOST_LETTERS, example_rows, text_column
from netpick.report.parts.mistakes import cell_text, mistake_rows, telling_columns
from netpick.report.standings import best_baseline, shown_in_detail
from netpick.tasks import TASKS
from netpick.types import Array, ArrayColumn, Rows, Schema, Source, TableColumn
from netpick.types.results import DataInfo, ForecastShown, LevelScore, RunResults, ShownRow, TargetInfo
from netpick.types.words import unnamed_row

MOST_TARGETS = 6  # whose values are drawn
LEVEL_METRICS: tuple[WindowRatio, ...] = (Mase(), QuantileLoss(), Coverage())
MOST_SENTENCE = 2_000  # letters of a sentence whose words have tags


def data_info(source: Source, schema: Schema, target: TargetInfo) -> DataInfo:
    """What a report says of the data, the rows that it shows aside."""
    features = [source.columns.get(field.name) for field in schema.features]
    series = [c.values.shape[2] for c in source.columns.values() if isinstance(c, ArrayColumn) and c.kind == "series"]
    return DataInfo(
        name=source.name,
        origin=source.origin,
        layout=source.layout,
        fingerprint=source.fingerprint,
        num_rows=source.num_rows,
        num_columns=len(source.columns),
        notes=source.notes,
        unreadable=source.unreadable,
        formats=source.formats,
        tables=[column.name for column in features if isinstance(column, TableColumn)],
        channels=max(series, default=1),
        cut=source.cut,
        parts=source.parts,
        label_counts=_label_counts(source, target),
    )


def with_shown(results: RunResults, source: Source, pictures: Callable[[Rows], Sequence[Array]] | None) -> RunResults:
    """The results with the rows that the report names, quotes or pictures, and with what it draws of forecasts."""
    results = replace(results, source=replace(results.source, pictured=pictures is not None))
    examples = [rows for _, rows in example_rows(results)]
    pictured = np.concatenate([*examples, mistake_rows(results), np.empty(0, np.int64)]).astype(np.int64)
    named_rows = np.array([row for finding in results.findings for row in finding.rows], np.int64)
    rows = np.unique(np.concatenate([pictured, named_rows[(named_rows >= 0) & (named_rows < source.num_rows)]]))
    drawn = (
        {} if pictures is None else dict(zip(np.unique(pictured).tolist(), pictures(np.unique(pictured)), strict=True))
    )
    texts = text_column(results)
    most = MOST_SENTENCE if TASKS[results.target.task].answer.each_token else MOST_LETTERS
    cells = [] if pictures is not None else telling_columns(results)
    shown = {
        row: ShownRow(
            name=_name(source, row),
            cells={name: cell_text(source.columns[name], row) for name in cells},
            text="" if texts is None else _text(source.columns[texts], row, most),
            picture=drawn.get(row),
        )
        for row in rows.tolist()
    }
    return _with_forecasts(replace(results, source=replace(results.source, rows=shown)))


def _name(source: Source, row: int) -> str:
    names = source.row_names
    return names[row] if names is not None and row < len(names) else unnamed_row(row)


def _text(column: object, row: int, most: int) -> str:
    assert isinstance(column, TableColumn)
    return str(column.values[row] or "")[:most]


def _label_counts(source: Source, target: TargetInfo) -> list[int] | None:
    """Rows of each class in the whole source, where the target is a column whose cells are the labels."""
    if not TASKS[target.task].answer.one_class or len(target.names) != 1:
        return None
    column = source.columns.get(target.names[0])
    if not isinstance(column, TableColumn):
        return None
    rows_by_text = {text.strip(): rows for text, rows in counts_of(column.values.cast(pl.String)).iter_rows()}
    counts = [int(rows_by_text.get(label, 0)) for label in target.labels]
    # Labels that were cleaned (a stray full stop) do not match their cells; then only the test rows can be counted.
    return counts if sum(counts) == sum(rows_by_text.values()) else None


# --- forecasts -------------------------------------------------------------------------------------------------------


def _with_forecasts(results: RunResults) -> RunResults:
    """With windows, and with errors by steps ahead, of those that are drawn."""
    info = results.forecast
    if info is None:
        return results
    truth = _by_target(results, results.test_truth)
    places = [origin.place for origin in info.shown]
    drawn = {entry.name: entry for entry in (shown_in_detail(results), best_baseline(results)) if entry is not None}
    shown = {
        name: _forecast(results, entry.test_predictions, truth, places)
        for name, entry in drawn.items()
        if isinstance(entry.test_predictions, AnsweredHorizon) and entry.test_predictions.quantiles is not None
    }
    first = results.test_truth.reshape(len(results.test_truth), -1)[:, : min(MOST_TARGETS, truth.shape[2])]
    forecast = replace(info, truth=truth[places], first=first.astype(np.float64), by_candidate=shown)
    return replace(results, forecast=forecast)


def _by_target(results: RunResults, values: Floats) -> Floats:
    """(n, H, V) of (n, H * V)."""
    return values.reshape(len(values), -1, len(results.target.names))


def _forecast(results: RunResults, said: AnsweredHorizon, truth: Floats, places: Sequence[int]) -> ForecastShown:
    assert said.quantiles is not None
    both = np.concatenate([said.values[..., None], said.quantiles], axis=-1)
    answers = both.reshape(len(both), -1, len(results.target.names), both.shape[-1])
    scale = np.ones((len(truth), 1, truth.shape[2]))
    if len(results.target.names) > 1 and said.deviation is not None:
        scale = said.deviation[:, None, :]
    missing = np.isnan(truth)
    gaps = np.where(missing, 0.0, answers[..., 0] - np.nan_to_num(truth)) / scale
    known = np.maximum((~missing).sum(axis=(0, 2)), 1)
    inside = (truth >= answers[..., 1]) & (truth <= answers[..., 3])
    return ForecastShown(
        windows=answers[places],
        error=np.sqrt((gaps**2).sum(axis=(0, 2)) / known),
        coverage=inside.sum(axis=(0, 2)) / known,
        by_series=_by_series(results, said),
        by_level=_by_level(results, said),
    )


def _by_series(results: RunResults, said: AnsweredHorizon) -> Floats | None:
    """(S, 3) of several series: test windows, errors as multiples of the seasonal naive error, and the share inside the interval."""
    info = results.forecast
    if info is None or info.series is None or not info.ids or said.naive is None:
        return None
    found = by_series(said, results.test_truth, info, (Mase(), Coverage()))
    return np.column_stack([windows_of(info), np.nan_to_num(found)])


def _by_level(results: RunResults, said: AnsweredHorizon) -> list[LevelScore]:
    """Of a hierarchy, from the total down."""
    info = results.forecast
    if info is None or info.series is None or not info.levels:
        return []
    of_row = np.array(info.levels)[info.series]
    order = sorted(dict.fromkeys(info.levels), key=info.levels.count)
    found = []
    for level in order:
        rows = np.flatnonzero(of_row == level)
        resampler = Resampler(len(rows), 0, None if info.blocks is None else info.blocks[rows])
        metrics = [metric for metric in LEVEL_METRICS if len(rows) and metric.applies(results.test_truth[rows], said)]
        scores = {m.name: score(m, results.test_truth[rows], said.take(rows), None, resampler) for m in metrics}
        found.append(LevelScore(level=level, series=info.levels.count(level), scores=scores))
    return found
