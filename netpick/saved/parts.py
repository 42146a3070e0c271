"""A model but for its network: the record, the encoders that read raw rows, and what words its answers.

Read from model.json alone, strictly, and without torch: model files and exported folders share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from polars.exceptions import PolarsError

from netpick.answers.compare.costs import MOST_COST
from netpick.answers.metrics import METRICS
from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.data.sources.name_pattern import parse_pattern
from netpick.disk.members import MEMBERS, MOST_RECORD, RECORD
from netpick.disk.strict import RefusedError, from_parsed, open_archive, parse_json, read_as
from netpick.errors import ModelFileError, RequestError
from netpick.saved.record import BLEND, FORMAT, ModelRecord
from netpick.saved.trial import require_moderate, try_encoders, try_scores, try_task
from netpick.tasks import TASKS, Task
from netpick.tasks.examples import examples_of
from netpick.tasks.learned import require_readable
from netpick.types import Inputs

MOST_EXTENT = 1 << 24  # of one dimension of an input
MOST_VALUES = 1 << 31  # of one row of an input
MOST_PATTERN = 1_000  # characters of label_from


@dataclass(frozen=True, kw_only=True)
class ModelParts:
    """What reads raw rows into a network's inputs, and its answers into words."""

    record: ModelRecord
    encoders: tuple[Encoder, ...]
    task_state: Any
    card: str

    @property
    def inputs(self) -> Inputs:
        return self.record.inputs

    @property
    def task(self) -> Task:
        return TASKS[self.record.task]


def read_parts(content: bytes, card: str, path: Path) -> ModelParts:
    """The parts from the bytes of a model.json. Raises ModelFileError, which names `path`, for anything unknown in it."""
    try:
        record = read_record(content, path)
        encoders = tuple(
            Encoder(column=e.column, kind=e.kind, state=from_parsed(known(e.kind, KINDS, path).State, e.state))
            for e in record.encoders
        )
        task_state = from_parsed(known(record.task, TASKS, path).State, record.task_state)
        parts = ModelParts(record=record, encoders=encoders, task_state=task_state, card=card)
        _require_sense(parts)
    except ModelFileError:
        raise
    except (RefusedError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, PolarsError) as error:
        refuse(path, f"model.json, {(str(error) or type(error).__name__).splitlines()[0].rstrip('.')[:300]}")
    return parts


def read_record(content: bytes, path: Path) -> ModelRecord:
    """model.json, strictly. Raises ModelFileError."""
    try:
        record = read_as(ModelRecord, content, MOST_RECORD)
    except RefusedError as error:
        refuse(path, f"model.json, {error}")
    if record.format != FORMAT:
        refuse(path, f"model.json is of format {record.format}, this version reads {FORMAT}")
    return record


def peek_record(path: Path) -> ModelRecord:
    """What a model file says of itself, before the rest of it is read. Raises RequestError when there is none, and
    ModelFileError when it is damaged."""
    if not path.is_file():
        raise RequestError(f"There is no model file {path}. `netpick fit` writes one: RUN/model.netpick.")
    try:
        with open_archive(path, MEMBERS, FORMAT) as bundle:
            return read_record(bytes(bundle.read(RECORD)), path)
    except RefusedError as error:
        refuse(path, str(error).rstrip(".")[:400])


class NoNetworkError(RequestError):
    """A baseline or a blend was given where a network is needed."""

    def __init__(self, record: ModelRecord) -> None:
        what = "is the blend, an average of several models" if record.family == BLEND else "is a baseline"
        super().__init__(
            f"This model ('{record.candidate[:60]}') {what}, but this needs a network. Pass the run folder and name a network of that "
            "run: RUN --candidate NAME, such as --candidate mlp."
        )


def _require_sense(parts: ModelParts) -> None:
    """Raises RefusedError when what model.json says in one place is not what it says in another."""
    record, task, state = parts.record, parts.task, parts.task_state
    columns = [encoder.column for encoder in parts.encoders]
    if len(set(columns)) != len(columns):
        raise RefusedError("two encoders are of one column")
    if record.num_outputs != task.answer.num_outputs(state) or record.labels != tuple(task.answer.labels(state)):
        raise RefusedError("its labels or outputs are not those of its task")
    if len(set(record.labels)) != len(record.labels) or not record.targets:
        raise RefusedError("its labels are not all different, or it has no target")
    if record.threshold is not None and not 0 <= record.threshold <= 1:
        raise RefusedError(f"its threshold is {record.threshold}")
    if record.costs is not None:
        _require_costs(parts)
    if record.primary_metric not in METRICS:
        raise RefusedError(f"it names the metric '{record.primary_metric[:60]}', which this version does not know")
    if record.label_from is not None:
        if len(record.label_from) > MOST_PATTERN:
            raise RefusedError("its pattern of names is longer than any that is written")
        parse_pattern(record.label_from)
    if record.learned is not None:
        require_readable(record.learned)
    for name, spec in record.inputs.items():
        if any(not 1 <= extent <= MOST_EXTENT for extent in spec.shape) or prod(spec.shape) > MOST_VALUES:
            raise RefusedError(f"its input '{name[:60]}' has the shape {str(spec.shape)[:100]}")
    if dict(record.inputs) != dict(examples_of(task).inputs(state, parts.encoders)):
        raise RefusedError("its encoders do not make the inputs that it states")
    for where, said in (
        *((f"column '{e.column[:60]}'", e.state) for e in record.encoders),
        ("its task", record.task_state),
    ):
        require_moderate(said, where)
    try_scores(record.scores)
    try_encoders(parts.encoders)
    try_task(task, state)


def _require_costs(parts: ModelParts) -> None:
    """Raises RefusedError for what cannot be the costs of mistakes between the classes."""
    record = parts.record
    rows, count = record.costs or (), len(record.labels)
    if not parts.task.answer.one_class or len(rows) != count or any(len(row) != count for row in rows):
        raise RefusedError("its costs are not those of its classes")
    if any(
        not 0 <= cost <= MOST_COST or (cost > 0 and i == j) for i, row in enumerate(rows) for j, cost in enumerate(row)
    ):
        raise RefusedError("its costs are not numbers that a mistake can cost")


def strict_json(content: bytes, path: Path) -> Any:
    """JSON without duplicate keys, NaN, or more of anything than is ever written. Raises ModelFileError."""
    try:
        return parse_json(content, MOST_RECORD)
    except RefusedError as error:
        refuse(path, str(error))


def known(name: str, table: Mapping[str, Any], path: Path) -> Any:
    """The entry of a closed table. Raises ModelFileError for a name that is not in it."""
    if name not in table:
        refuse(path, f"it names '{name[:60]}', which this version does not know")
    return table[name]


def refuse(path: Path, why: str) -> NoReturn:
    raise ModelFileError(
        f"{path} is not a model file that can be trusted: {why}. Nothing was loaded. Get the file again, or train it anew."
    )
