"""What a model is asked about new data: examples of its task, encoded for an engine; its answers as a table; scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import polars as pl

from netpick.answers.compare import Resampler
from netpick.answers.evaluate import evaluate
from netpick.answers.metrics import metrics_for
from netpick.columns.store import Allocator, memory_limit
from netpick.errors import RequestError
from netpick.saved.engines import FORECASTS, Engine, raw_cells
from netpick.saved.parts import ModelParts
from netpick.tasks.examples import Encoded, NewExamples, examples_of
from netpick.tasks.learned import Scores, overlap
from netpick.types import Array, Column, Source


def new_examples(parts: ModelParts, source: Source) -> NewExamples:
    """The examples that a model finds in a source."""
    return examples_of(parts.task).New(
        task=parts.task,
        state=parts.task_state,
        encoders=parts.encoders,
        targets=tuple(parts.record.targets),
        source=source,
    )


@contextmanager
def allocated(parts: ModelParts, limit: int | None = None) -> Iterator[Allocator]:
    """Room for encoded rows: on disk above `limit` bytes (half of the free memory), and gone afterwards."""
    allocator = Allocator(limit=limit or memory_limit(None), key=parts.record.fingerprint)
    try:
        yield allocator
    finally:
        allocator.release()


@contextmanager
def encoded(
    parts: ModelParts, examples: NewExamples, engine: Engine, limit: int | None = None
) -> Iterator[Mapping[str, Array]]:
    """What the engine reads of these examples, by store name.

    Raises DataError when columns are missing or there is no example.
    """
    with allocated(parts, limit) as allocator:
        read = examples.encoded(allocator)
        if read.history is None:
            yield {**read.arrays, **raw_cells(engine, examples.source.columns)}
        elif engine.reads_history:
            yield {FORECASTS: engine.forecasts(read.history, read.rows)}
        else:
            yield {name: np.ascontiguousarray(array[read.rows]) for name, array in read.arrays.items()}


def table(parts: ModelParts, examples: NewExamples, answers: Array) -> pl.DataFrame:
    """The engine's answers, in the order of the examples, in the words and units of the target."""
    return examples.table(answers, parts.record.labels, parts.record.rule)


def score(parts: ModelParts, examples: NewExamples, engine: Engine) -> Scores:
    """All metrics on what is labelled, with n and intervals. Raises DataError where nothing is."""
    record, answer = parts.record, parts.task.answer
    with allocated(parts) as allocator:
        labelled = examples.labelled(allocator)
        read = labelled.encoded
        answers = _answers(engine, read, examples.source.columns)
        predictions = examples.decoded(answers, read)
        seen = overlap(record.learned, read.arrays, read.rows) if record.learned else None
    metrics = metrics_for(answer.typed, record.costs)
    resampler = Resampler(len(read.rows), 0, labelled.groups)
    compared = answer.beside(predictions, labelled.rival)
    return Scores(evaluate(answer, labelled.truth, compared, record.rule, metrics, resampler), seen)


def observed(parts: ModelParts, examples: NewExamples, engine: Engine) -> tuple[pl.DataFrame, str]:
    """What was observed beside what was forecast one step before, and what that shows, in a sentence. Raises RequestError for
    models that forecast nothing, DataError where nothing could have been forecast."""
    found = examples.observed()
    if found is None:
        raise RequestError(
            f"Observed values are laid beside forecasts, but this model does something else ({parts.record.task}). Use netpick score."
        )
    answers = _answers(engine, found.encoded, examples.source.columns)
    table = found.table(examples.decoded(answers, found.encoded))
    return table, found.sentence(table)


def _answers(engine: Engine, read: Encoded, columns: Mapping[str, Column]) -> Array:
    if read.history is not None:
        return engine.forecasts(read.history, read.rows)
    return engine.outputs({**read.arrays, **raw_cells(engine, columns)})[read.rows]
