"""From a model and the user's data to a Subject: rows are read as `netpick predict` reads them, with labels where there are some."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from netpick.encode import encode
from netpick.errors import DataError, NetpickError
from netpick.explain.subject import Subject
from netpick.store import Allocator, memory_limit
from netpick.tasks import TASKS
from netpick.types import Array, ArrayColumn, Source, TableColumn
from netpick.use import Model

MOST_ROWS = 2_000  # that are looked at; of more, every so many


def read_subject(model: Model, data: object, most: int = MOST_ROWS) -> Subject:
    """The rows of `data` as the model reads them. Raises DataError when they cannot be read or are none."""
    record = model.parts.record
    if model.parts.task.windowed:
        from netpick.explain.forecasts import read_windows

        return read_windows(model, data, most)
    source = read_source(model, data)
    allocator = Allocator(limit=memory_limit(None), key=record.fingerprint)
    try:
        store = encode(source.columns, model.parts.encoders, allocator)
        count = len(next(iter(store.arrays.values())))
        if count == 0:
            raise DataError("There is no row to explain. Pass a table, files or arrays with at least one.")
        rows = np.arange(count)[:: -(-count // most)]
        arrays = {name: np.ascontiguousarray(array[rows]) for name, array in store.arrays.items()}
    finally:
        allocator.release()
    task, state = TASKS[record.task], model.parts.task_state
    network = copy.deepcopy(model.loaded.network)  # hooks are set on it, while others may be asking the model
    truth = None if isinstance(data, np.ndarray) else known_truth(model, source)
    return Subject(
        title=record.title,
        candidate=record.candidate,
        family=record.family,
        network=network,
        inputs=model.parts.inputs,
        encoders=model.parts.encoders,
        task=task,
        state=state,
        labels=record.labels,
        rule=record.rule,
        primary=record.primary_metric,
        arrays=arrays,
        columns=source.columns,
        rows=rows,
        names=source.row_names,
        truth=None if truth is None else truth[rows],
        origin=source.origin,
        num_rows=count,
    )


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
