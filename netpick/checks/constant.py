"""D027: channels without any change, and blank, silent or stuck rows."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import LISTED, Check, CheckContext, looked_at, rows_named, some_of
from netpick.columns.kinds.cells import as_numbers
from netpick.types import Array, ArrayColumn, Finding, Rows, Severity, TableColumn

MOST_VALUES = 60_000_000  # that are looked at
FEWEST_ROWS = 20
MANY = 0.01  # of the rows, for a warning
STUCK, STUCK_SHARE = 24, 0.02  # steps in a row, and share of a series, without the least change
USUAL = 5  # times the usual longest standstill of the series


class NothingChanges(Check):
    """Looks for channels with one value, pictures of one colour, silence, frozen clips and sensors that stand still."""

    code = "D027"
    title = "Constant channels or blank rows"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        columns = [context.source.columns[f.name] for f in context.schema.features]
        media = [c for c in columns if isinstance(c, ArrayColumn)]
        if context.windowed:
            return self._standing_still(context)
        if not media or context.source.num_rows < FEWEST_ROWS:
            return None
        findings: list[Finding] = []
        for column in media:
            findings += self._channels(context, column)
            findings += self._blank(context, column)
        return findings

    def _channels(self, context: CheckContext, column: ArrayColumn) -> list[Finding]:
        rows = _some(context, column)
        values = column.values[rows]
        axis = {"image": 1, "scene": 1, "series": 2, "clip": 2, "audio": 2}[column.kind]
        others = tuple(i for i in range(values.ndim) if i != axis)
        if column.kind == "audio" or values.shape[axis] < 2:
            return []
        low, high = np.nanmin(values, axis=others), np.nanmax(values, axis=others)
        constant = np.flatnonzero(~(high > low))
        if not len(constant) or len(constant) == values.shape[axis]:
            return []
        named = ", ".join(f"{channel + 1} ({low[channel]:.6g})" for channel in constant[:10].tolist())
        return [
            self.finding(
                severity="warning",
                evidence=(
                    f"{len(constant)} of {values.shape[axis]} channels of '{column.name}' have one value throughout: {named}"
                    f"{looked_at(len(rows), context.source.num_rows)}."
                ),
                advice="They teach nothing and cost time. Remove them, or look whether a sensor or a file's reading failed.",
                columns=(column.name,),
            )
        ]

    def _blank(self, context: CheckContext, column: ArrayColumn) -> list[Finding]:
        rows = _some(context, column)
        values = column.values[rows]
        blank, word = _blank_rows(column, values)
        blank_rows = rows[blank]
        if not len(blank_rows):
            return []
        share = len(blank_rows) / len(rows)
        severity: Severity = "warning" if share >= MANY else "info"
        return [
            self.finding(
                severity=severity,
                evidence=(
                    f"{len(blank_rows):,} of {len(rows):,} rows of '{column.name}' ({share:.2%}) {word}: "
                    f"{rows_named(context, blank_rows)}{looked_at(len(rows), context.source.num_rows)}."
                ),
                advice="They are all the same to a network, whatever their label. Remove them, or find out what went wrong.",
                columns=(column.name,),
                rows=tuple(blank_rows[:LISTED].tolist()),
            )
        ]

    def _standing_still(self, context: CheckContext) -> list[Finding]:
        """Stretches of a forecast's columns in which a number that is not zero does not change."""
        findings = []
        order = context.order if context.order is not None else np.arange(context.source.num_rows)
        series = context.series[order] if context.series is not None else np.zeros(len(order), np.int64)
        for field in context.schema.fields:
            column = context.source.columns[field.name]
            if field.kind != "number" or field.role not in ("feature", "target") or not isinstance(column, TableColumn):
                continue
            values = as_numbers(column.values.gather(order)).fill_null(float("nan")).to_numpy()
            starts, lengths = _runs(values, series)
            if not len(lengths):
                continue
            longest = int(lengths.argmax())
            usual = float(np.quantile(lengths, 0.99))
            length = int(lengths[longest])
            still = values[starts[longest]]
            if still == 0 or np.isnan(still) or length < max(STUCK, STUCK_SHARE * len(values) / (series.max() + 1)):
                continue
            if length < USUAL * usual:
                continue
            first = order[starts[longest]]
            findings.append(
                self.finding(
                    severity="warning",
                    evidence=(
                        f"Column '{field.name}' stands still at {still:.6g} for {length:,} steps, from "
                        f"{rows_named(context, np.array([first]))} on; usually it changes within {max(1, round(usual)):,}."
                    ),
                    advice="A sensor may have been stuck, or gaps filled. Empty such cells: missing ones count in no score.",
                    columns=(field.name,),
                    rows=tuple(order[starts[longest] : starts[longest] + LISTED].tolist()),
                )
            )
        return findings


def _some(context: CheckContext, column: ArrayColumn) -> Rows:
    most = max(100, MOST_VALUES // max(1, int(np.prod(column.values.shape[1:]))))
    return some_of(np.arange(context.source.num_rows), most)


def _blank_rows(column: ArrayColumn, values: Array) -> tuple[Array, str]:
    """Which rows hold nothing, and what that is called."""
    n = len(values)
    flat = values.reshape(n, -1)
    if column.kind == "clip":
        moving = np.zeros(n, dtype=bool)
        for step in range(1, values.shape[1]):
            moving |= (values[:, step] != values[:, 0]).reshape(n, -1).any(axis=1)
        return ~moving, "do not move at all"
    if column.kind == "audio":
        return flat.max(axis=1) == flat.min(axis=1), "are silent throughout"
    if column.kind in ("image", "scene"):
        return flat.max(axis=1) == flat.min(axis=1), "are of one colour"
    if column.lengths is None:
        still = ~(np.nanmax(flat.reshape(values.shape), axis=1) > np.nanmin(flat.reshape(values.shape), axis=1))
    else:
        inside = np.arange(values.shape[1])[None, :] < column.lengths[:n, None]
        high = np.where(inside[..., None], values, -np.inf).max(axis=1)
        low = np.where(inside[..., None], values, np.inf).min(axis=1)
        still = ~(high > low)
    usual = still.mean(axis=0)  # a channel that stands still in most rows does so by its nature
    return (still & (usual < 0.2)).any(axis=1), "have a channel that does not change"


def _runs(values: Array, series: Array) -> tuple[Array, Array]:
    """Starts and lengths of stretches of equal values within a series."""
    if not len(values):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    change = (values[1:] != values[:-1]) | (series[1:] != series[:-1])
    starts = np.concatenate([[0], np.flatnonzero(change) + 1])
    return starts, np.diff(np.concatenate([starts, [len(values)]]))
