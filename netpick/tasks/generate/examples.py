"""Whole rows as examples: all their cells are learned together, and the rows that were not learned from judge what is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.columns.discrete import MOST_VALUES, DiscreteState, fit_discrete
from netpick.columns.encode import Encoder
from netpick.columns.kinds.cells import series_of
from netpick.columns.store import Allocator, Store
from netpick.errors import DataError, RequestError
from netpick.tasks.classify import Classify
from netpick.tasks.examples.base import Encoded, Evidence, ExampleRequest, Examples, Labelled, NewExamples, Prepared
from netpick.tasks.examples.rows import divided, wanted_schema
from netpick.tasks.examples.whole import PreparedWhole
from netpick.tasks.generate.state import GENERATE, GenerateState, parts_of, record_inputs
from netpick.tasks.label_variants import with_one_spelling
from netpick.tasks.regress import Regress
from netpick.tasks.row_groups import row_groups
from netpick.tasks.schema import infer_schema
from netpick.tasks.split import SealedRows
from netpick.types import Array, Field, Inputs, Note, Rows, Schema, Source, Split, TableColumn
from netpick.types.results import DecisionRule

FEWEST_ROWS = 200
CLASSIFY, REGRESS = Classify(), Regress()
MADE_OF = ("number", "datetime", "category", "boolean")  # kinds


@dataclass(frozen=True, kw_only=True)
class PreparedSamples(PreparedWhole):
    """An example is a row, and what is learned of it is all of it."""

    @property
    def num_scores(self) -> int:
        return int(self.state.num_useful)

    @property
    def scored_numbers(self) -> int:
        return len(self.state.columns)

    @property
    def inputs(self) -> Inputs:
        return record_inputs(self.state)

    def store(self, allocator: Allocator) -> Store:
        return Store(arrays={"record": allocator.adopt("record", np.ascontiguousarray(parts_of(self.truth)[0]))})

    @property
    def columns(self) -> Mapping[str, Any]:
        return {}

    @property
    def trained_twice(self) -> bool:
        """What is handed over is what was judged: rows that were learned from tell a copy from a new row."""
        return False

    @property
    def blends(self) -> bool:
        return False

    def test_groups(self, rows: Rows) -> Array | None:
        return None


class NewSamples(NewExamples):
    """Rows that are there: a generator makes others, and says nothing of them."""

    def encoded(self, allocator: Allocator) -> Encoded:
        raise RequestError(
            "This model makes up rows, and answers nothing about rows that are there. Pass them to another model, or make some: "
            "netpick generate MODEL --rows 1000 --out rows.csv"
        )

    def labelled(self, allocator: Allocator) -> Labelled:
        raise RequestError(
            "This model makes up rows, and is scored by rows that were held out when it was trained: its report has the scores. "
            "To see what its rows are worth elsewhere, make some with `netpick generate`, and train on them."
        )

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        raise RequestError("This model makes up rows: netpick generate MODEL --rows 1000 --out rows.csv")

    @property
    def names(self) -> Sequence[str] | None:
        return None

    def truth(self) -> Array | None:
        return None


class SampleExamples(Examples):
    """See Examples. Meant where --task generate asks for it."""

    name: ClassVar[str] = "samples"
    New = NewSamples

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if not asked:
            return None
        for name, given in (
            ("--folds", request.folds not in (None, 1)),
            ("--cut", request.cut),
            ("--private", request.private),
        ):
            if given:
                raise RequestError(
                    f"{name} was given, but a generator is judged by one set of held-out rows, and learns from single rows. Leave {name} out."
                )
        if source.num_rows < FEWEST_ROWS:
            raise DataError(
                f"{source.name} has {source.num_rows:,} rows, but making up rows needs at least {FEWEST_ROWS}: fewer are learned by heart. Add rows."
            )
        return source

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return record_inputs(state)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        schema = _schema(source, request)
        source, variants = with_one_spelling(source, schema)
        if variants:
            schema = _schema(source, request)
        split = _split(source, schema, request)
        state, schema = _fitted(source, schema, split.train)
        columns = [TableColumn(name=one.column, values=_series(source, one.column)) for one in state.columns]
        truth = GENERATE.encode(columns, state)
        evidence = Evidence(
            source=source,
            schema=schema,
            train=split.train,
            validation=split.validation,
            test=split.test,
            target=np.zeros((source.num_rows, 1)),
            labels=(),
        )
        return PreparedSamples(
            source=source,
            schema=schema,
            task=GENERATE,
            state=state,
            truth=truth,
            split=split,
            sealed=SealedRows(split.test),
            evidence=evidence,
            private=request.private,
        )


def _series(source: Source, name: str) -> pl.Series:
    series = series_of(source.columns[name])
    assert series is not None
    return series.alias(name)


def _schema(source: Source, request: ExampleRequest) -> Schema:
    """What the columns are; the one that made-up rows are useful for is the target, or the last where none stands out."""
    wanted = replace(wanted_schema(request), task=GENERATE.name)
    try:
        schema = infer_schema(source, wanted)
    except RequestError:
        last = next(
            (n for n in reversed(list(source.columns)) if n not in request.drop and n != source.part_column), None
        )
        if request.target or last is None:
            raise
        schema = infer_schema(source, replace(wanted, target=(last,)))
        text = f"'{last}', the last column: made-up rows are judged by how well it is predicted from them"
        schema = replace(schema, notes=(*schema.notes, Note(subject="target", text=text, override="--target")))
    if len(schema.targets) != 1:
        names = ", ".join(field.name for field in schema.targets)
        raise RequestError(
            f"Made-up rows are judged by one column, but {names} were to be predicted. Choose one with --target."
        )
    return schema


def _split(source: Source, schema: Schema, request: ExampleRequest) -> Split:
    """As it would be were the target predicted: what is made up can then be tried beside the rows of another run."""
    target = schema.targets[0]
    column = TableColumn(name=target.name, values=_series(source, target.name))
    task = CLASSIFY if CLASSIFY.recognise([column], [target]) else REGRESS
    truth = task.encode([column], task.fit([column], np.arange(source.num_rows)))
    as_predicted = replace(schema, task=task.name)
    return divided(source, as_predicted, truth, row_groups(source, schema), replace(request, folds=1))[0]


def _fitted(source: Source, schema: Schema, rows: Rows) -> tuple[GenerateState, Schema]:
    """The columns that rows are made up of, and the schema with what is left out of them by name."""
    states, fields, left = list[DiscreteState](), list[Field](), list[str]()
    target: tuple[DiscreteState, bool] | None = None
    for field in schema.fields:
        used = field.role in ("feature", "target", "group", "time") and isinstance(
            source.columns[field.name], TableColumn
        )
        kind = field.kind if used and field.kind in MADE_OF else None
        state = fit_discrete(_series(source, field.name), kind, rows) if kind is not None else None
        if field.role == "target":
            if state is None:
                raise RequestError(_no_target(field))
            classes = bool(state.values) or _few_whole(state)
            target = (state, classes)
        elif state is not None:
            states.append(state)
        elif field.role != "left_out":
            reason = f"{field.kind or 'cells'} of {field.num_distinct:,} different values: rows are made up of numbers, dates and categories of at most {MOST_VALUES:,} values"
            field = replace(field, role="left_out", kind=None, reason=reason)
        if field.role == "left_out":
            left.append(field.name)
        fields.append(field)
    assert target is not None
    if not states:
        raise DataError(
            f"{source.origin} has no column beside '{target[0].column}' that rows could be made up of, but at least one number, date or category is "
            "needed. Add columns."
        )
    notes = schema.notes
    if left:
        text = f"made-up rows have no {', '.join(repr(name) for name in left)} (identifiers, free text and constants are left out)"
        notes = (*notes, Note(subject="columns", text=text))
    whole = GenerateState(columns=(*states, target[0]), classes=target[1])
    return whole, replace(schema, fields=tuple(fields), notes=notes)


def _few_whole(state: DiscreteState) -> bool:
    return not state.knots and state.decimals == 0 and len(state.atoms) <= 20 and state.cells == "integer"


def _no_target(field: Field) -> str:
    return (
        f"Column '{field.name}' holds {field.kind or 'cells'} that rows cannot be made up of, but made-up rows are judged by how well one column is "
        "predicted from them. Choose a column of categories or numbers with --target."
    )
