"""Rows as they are: each is an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import polars as pl

from netpick.answers.compare import Resampler
from netpick.answers.evaluate import evaluate
from netpick.answers.metrics import metrics_for
from netpick.columns.encode import encode
from netpick.columns.store import Allocator, memory_limit
from netpick.errors import DataError
from netpick.saved.asked.base import Asked
from netpick.saved.engines import Engine, encoded_only, raw_cells
from netpick.tasks.learned import Scores, overlap
from netpick.types import Array, TableColumn


class AskedRows(Asked):
    """See Asked."""

    @contextmanager
    def encoded(self, engine: Engine, limit: int | None = None) -> Iterator[Mapping[str, Array]]:
        columns = self.source.columns
        allocator = Allocator(limit=limit or memory_limit(None), key=self.parts.record.fingerprint)
        try:
            arrays = encode(columns, self.parts.encoders, allocator).arrays
            if len(next(iter(arrays.values()))) == 0:
                raise DataError("There is no row to predict. Pass a table, files or arrays with at least one.")
            yield {**arrays, **raw_cells(engine, columns)}
        finally:
            allocator.release()

    def table(self, answers: Array) -> pl.DataFrame:
        record, answer = self.parts.record, self.parts.task.answer
        columns = answer.columns(answer.decode(answers, self.parts.task_state), record.labels, record.rule)
        table = pl.DataFrame(list(columns.values()))
        if "prediction" in table.columns and table["prediction"].dtype == pl.String:
            table = table.with_columns(answer.as_cells(table["prediction"], self.parts.task_state))
        if self.source.row_names is not None:
            table.insert_column(0, pl.Series("name", list(self.source.row_names), dtype=pl.String))
        return table

    def score(self, engine: Engine) -> Scores:
        record, task, state = self.parts.record, self.parts.task, self.parts.task_state
        given = self.source.columns
        missing = [name for name in record.targets if name not in given]
        if missing:
            raise DataError(
                f"The data have no column '{missing[0]}', but scoring compares predictions with it. Add the target "
                f"column, or use `netpick predict`. Columns found: {', '.join(given)}."
            )
        columns = [given[name] for name in record.targets]
        truth = task.encode([c for c in columns if isinstance(c, TableColumn)], state)
        rows = np.flatnonzero(task.answer.labelled(truth))
        if len(rows) == 0:
            raise DataError(f"No row has a known value in '{record.targets[0]}', but scoring needs some.")
        with self.encoded(engine) as arrays:
            predictions = task.answer.decode(engine.outputs(arrays), state)
            seen = overlap(record.learned, encoded_only(arrays), rows) if record.learned else None
        metrics = metrics_for(task.answer.typed, record.costs)
        resampler = Resampler(len(rows), seed=0)
        return Scores(evaluate(task.answer, truth[rows], predictions.take(rows), record.rule, metrics, resampler), seen)
