"""From a model and the user's data to a Subject: rows are read as `netpick predict` reads them, with labels where there are some."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netpick.columns.encode import encode
from netpick.columns.store import Allocator, memory_limit
from netpick.errors import DataError, NetpickError
from netpick.explain.subject import Subject
from netpick.saved.asked.series import AskedSeries
from netpick.saved.use import Model
from netpick.tasks import TASKS
from netpick.types import Array, ArrayColumn, Examples, Rows, Source, TableColumn

MOST_ROWS = 2_000  # that are looked at; of more, every so many


@dataclass(frozen=True, kw_only=True)
class Read:
    """Examples that are explained, as the model reads them. See Subject."""

    source: Source
    state: Any
    arrays: Mapping[str, Array]
    rows: Rows
    names: Sequence[str] | None
    truth: Array | None = None
    count: int  # that the data hold, explained or not
    noun: str = "row"


def read_subject(model: Model, data: object, most: int = MOST_ROWS) -> Subject:
    """The rows of `data` as the model reads them. Raises DataError when they cannot be read or are none."""
    parts, record = model.parts, model.parts.record
    read = READ[parts.task.examples](model, data, most)
    return Subject(
        title=record.title,
        candidate=record.candidate,
        family=record.family,
        network=copy.deepcopy(model.loaded.network),  # hooks are set on it, while others may be asking the model
        inputs=parts.inputs,
        encoders=parts.encoders,
        task=parts.task,
        state=read.state,
        labels=record.labels,
        rule=record.rule,
        primary=record.primary_metric,
        arrays=read.arrays,
        columns=read.source.columns,
        rows=read.rows,
        names=read.names,
        truth=read.truth,
        origin=read.source.origin,
        num_rows=read.count,
        noun=read.noun,
    )


def _rows(model: Model, data: object, most: int) -> Read:
    """Rows, with labels where there are some."""
    source = read_source(model, data)
    allocator = Allocator(limit=memory_limit(None), key=model.parts.record.fingerprint)
    try:
        store = encode(source.columns, model.parts.encoders, allocator)
        count = len(next(iter(store.arrays.values())))
        if count == 0:
            raise DataError("There is no row to explain. Pass a table, files or arrays with at least one.")
        rows = np.arange(count)[:: -(-count // most)]
        arrays = {name: np.ascontiguousarray(array[rows]) for name, array in store.arrays.items()}
    finally:
        allocator.release()
    truth = None if isinstance(data, np.ndarray) else known_truth(model, source)
    return Read(
        source=source,
        state=model.parts.task_state,
        arrays=arrays,
        rows=rows,
        names=source.row_names,
        truth=None if truth is None else truth[rows],
        count=count,
    )


def _ends(model: Model, data: object, most: int) -> Read:
    """The end of every series, which is what `predict` continues."""
    source = model.read(data)
    ends = AskedSeries(model.parts, source).ends
    origins = ends.origins[:most]
    arrays = ends.windows.store.arrays
    return Read(
        source=source,
        state=ends.windows.state,
        arrays={name: np.ascontiguousarray(array[origins]) for name, array in arrays.items()},
        rows=np.arange(len(origins)),
        names=[name or "the series" for name in ends.timeline.ids],
        count=len(ends.origins),
        noun="series",
    )


READ: Mapping[Examples, Callable[[Model, object, int], Read]] = {"rows": _rows, "windows": _ends}


def read_source(model: Model, data: object) -> Source:
    """The data with their labels where they have some, else as plain rows."""
    if isinstance(data, (dict, np.ndarray, list)) or (isinstance(data, str) and not _is_path(data)):
        return model.read(data)
    try:
        labelled = model.read(data, labelled=True)
    except NetpickError:  # rows without labels need not lie in folders of classes
        return model.read(data)
    if all(name in labelled.columns for name in model.parts.record.targets):
        return labelled
    media = any(isinstance(column, ArrayColumn) for column in labelled.columns.values())
    return model.read(data) if media else labelled


def _is_path(text: str) -> bool:
    """Whether something lies there; a long text is no path that a system would even look for."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def known_truth(model: Model, source: Source) -> Array | None:
    """Truth of all rows in the task's own units, or None where the data hold none."""
    record, state = model.parts.record, model.parts.task_state
    task: Any = TASKS[record.task]
    columns = [source.columns[name] for name in record.targets if name in source.columns]
    tables = [column for column in columns if isinstance(column, TableColumn)]
    if not record.targets or len(tables) != len(record.targets):
        return None
    truth: Array = task.encode(tables, state)
    return truth if bool(task.answer.labelled(truth).any()) else None
