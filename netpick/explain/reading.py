"""From a model and the user's data to a Subject: rows are read as `netpick predict` reads them, with labels where there are some."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
from torch import nn

from netpick.errors import NetpickError
from netpick.explain.subject import Subject
from netpick.saved.asked import allocated, new_examples
from netpick.saved.engines import raw_cells
from netpick.saved.parts import NoNetworkError
from netpick.saved.use import Model
from netpick.types import ArrayColumn, Source

MOST_ROWS = 2_000  # that are looked at; of more, every so many


def read_subject(model: Model, data: object, most: int = MOST_ROWS) -> Subject:
    """The examples of `data` as the model reads them. Raises DataError when they cannot be read or are none."""
    parts, record = model.parts, model.parts.record
    if (
        parts.task.answer.sequences or parts.task.answer.texts or parts.task.answer.each_token
    ) and not record.is_network:
        raise NoNetworkError(record)
    examples = new_examples(parts, read_source(model, data))
    with allocated(parts) as allocator:
        encoded = examples.encoded(allocator)
        if encoded.history is not None and not record.is_network:
            raise NoNetworkError(record)
        count = len(encoded.rows)
        rows = np.arange(count)[:: -(-count // most)]
        places = encoded.rows[rows]
        arrays = {name: np.ascontiguousarray(array[places]) for name, array in encoded.arrays.items()}
        raw = {name: cells[places] for name, cells in raw_cells(model.engine, examples.source.columns).items()}
    own = (
        isinstance(data, np.ndarray) or parts.task.answer.sequences or parts.task.answer.stepwise
    )  # a text is its own truth
    truth = None if own else examples.truth()
    return Subject(
        title=record.title,
        candidate=record.candidate,
        family=record.family,
        # Hooks are set on it, while others may be asking the model.
        network=copy.deepcopy(model.loaded.network) if record.is_network else nn.Identity(),
        engine=None if record.is_network else model.engine,
        raw=raw,
        inputs=parts.inputs,
        encoders=parts.encoders,
        task=parts.task,
        state=encoded.state,
        labels=record.labels,
        rule=record.rule,
        primary=record.primary_metric,
        arrays=arrays,
        columns=examples.source.columns,
        rows=rows,
        names=examples.names,
        truth=None if truth is None else truth[rows],
        origin=examples.source.origin,
        num_rows=count,
        noun=examples.noun,
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
