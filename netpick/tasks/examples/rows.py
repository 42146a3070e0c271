"""Rows as they are: each is an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.columns.encode import Encoder, encode, encode_own, fit_encoders, input_specs, with_own
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.cells import as_moderate_numbers, series_of
from netpick.columns.own_encoding import OwnEncoding
from netpick.columns.store import Allocator, Store
from netpick.data.steps import cut_steps
from netpick.errors import DataError, RequestError
from netpick.tasks import TASKS
from netpick.tasks.examples.base import Encoded, Evidence, ExampleRequest, Examples, Labelled, NewExamples, Prepared
from netpick.tasks.folds import RICH, folds_by, make_folds, number_of_folds
from netpick.tasks.forecast.recognise import recognise
from netpick.tasks.label_variants import with_one_spelling
from netpick.tasks.near import with_near_copies
from netpick.tasks.recordings import recording
from netpick.tasks.repeats import repeats_by_chance
from netpick.tasks.row_groups import row_groups
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.tasks.split import NEAR_COPIES, SealedRows, SplitRequest, apart, column_of, make_split
from netpick.types import Array, Inputs, Note, Rows, Schema, Source, Split, TableColumn
from netpick.types.results import DecisionRule


@dataclass(frozen=True, kw_only=True)
class PreparedRows(Prepared):
    """An example is a row of the data: its columns are encoded once, by encoders fitted on training rows."""

    own: tuple[Encoder, ...] = ()  # of an architecture that reads a column in its own way; (): as all read them

    @property
    def learned_target(self) -> Array:
        return self.task.answer.target(self.truth, self.state)

    def state_of(self, rows: Rows) -> Any:
        """See Prepared; that of all rows where these do not tell it (a target that is the same in all)."""
        variants = {"variants": self.state.variants} if self.task.answer.one_class else {}
        try:
            learned = self.task.fit([target_column(self.source, f.name) for f in self.schema.targets], rows)
        except DataError:
            return self.state
        return replace(learned, **variants)

    @property
    def num_scores(self) -> int:
        return self.task.answer.num_outputs(self.state)

    @property
    def scored_numbers(self) -> int:
        return max(2, len(self.target.labels))

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        return self.own or fit_encoders(self.source, self.schema, self.split.train, private=self.private)

    @property
    def inputs(self) -> Inputs:
        return input_specs(self.encoders)

    @property
    def notes(self) -> list[Note]:
        private = self.private
        return [n for e in self.encoders for n in KINDS[e.kind].notes(e.column, e.state, private=private)]

    def store(self, allocator: Allocator) -> Store:
        return encode(self.source.columns, self.encoders, allocator)

    def read_by(self, encoding: OwnEncoding) -> Prepared:
        own = with_own(self.encoders, encoding, self.source.columns, self.split.train)
        return replace(self, own=own)

    def store_beside(self, before: Prepared, store: Store, allocator: Allocator, name: str) -> Store:
        return encode_own(self.source.columns, (before.encoders, self.encoders), store, allocator, name)

    def numbers(self, rows: Rows) -> Mapping[str, Array]:
        named = {e.column: series_of(self.source.columns[e.column]) for e in self.encoders if e.kind == "number"}
        return {
            name: as_moderate_numbers(series.gather(pl.Series(rows))).to_numpy()
            for name, series in named.items()
            if series is not None
        }

    @property
    def trained_twice(self) -> bool:
        """Not where validation rows are given as such, nor where they lie between training and test in time. The model of all
        rows, which folds are judged beside, is tested by none."""
        if self.split.folds > 1:
            return True
        return self.split.method not in ("none", "time") and not self.split.validation_given

    @property
    def learnable(self) -> Rows:
        return self.known_rows

    def test_groups(self, rows: Rows) -> Array | None:
        """Which belong to one entity, when the split kept entities together."""
        if self.split.method != "group":
            return None
        series = series_of(self.source.columns[self.split.by])
        assert series is not None
        return np.asarray(series.rank("dense").fill_null(0).to_numpy()[rows], dtype=np.int64)

    def calibrated(self, answered: Array) -> Any:
        answer, plain = self.task.answer, self.state
        return answer.calibrated(answer.decode(answered, plain), self.truth[self.split.validation], plain)


class NewRows(NewExamples):
    """See NewExamples."""

    def encoded(self, allocator: Allocator) -> Encoded:
        arrays = encode(self.source.columns, self.encoders, allocator).arrays
        count = len(next(iter(arrays.values())))
        if count == 0:
            raise DataError("There is no row to predict. Pass a table, files or arrays with at least one.")
        return Encoded(arrays=arrays, rows=np.arange(count), state=self.state)

    def labelled(self, allocator: Allocator) -> Labelled:
        given = self.source.columns
        missing = [name for name in self.targets if name not in given]
        if missing:
            raise DataError(
                f"The data have no column '{missing[0]}', but scoring compares predictions with it. Add the target "
                f"column, or use `netpick predict`. Columns found: {', '.join(given)}."
            )
        truth = self.truth()
        if truth is None:
            raise DataError(f"No row has a known value in '{self.targets[0]}', but scoring needs some.")
        rows = np.flatnonzero(self.task.answer.labelled(truth))
        return Labelled(encoded=replace(self.encoded(allocator), rows=rows), truth=truth[rows])

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        answer = self.task.answer
        columns = answer.columns(answer.decode(answers, self.state), labels, rule)
        table = pl.DataFrame(list(columns.values()))
        if "prediction" in table.columns and table["prediction"].dtype == pl.String:
            table = table.with_columns(answer.as_cells(table["prediction"], self.state))
        if self.names is not None:
            table.insert_column(0, pl.Series("name", list(self.names), dtype=pl.String))
        return table

    @property
    def names(self) -> Sequence[str] | None:
        return self.source.row_names

    def truth(self) -> Array | None:
        columns = [self.source.columns[name] for name in self.targets if name in self.source.columns]
        tables = [column for column in columns if isinstance(column, TableColumn)]
        if not self.targets or len(tables) != len(self.targets):
            return None
        truth = self.task.encode(tables, self.state)
        return truth if bool(self.task.answer.labelled(truth).any()) else None


class RowExamples(Examples):
    """See Examples. Data of which nothing else is made are rows."""

    name: ClassVar[str] = "rows"
    New = NewRows
    Made: ClassVar[type[PreparedRows]] = PreparedRows

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        others = {"segment": "masks"} if source.masks else {"detect": "boxes"} if source.objects is not None else {}
        for task, what in others.items():
            raise RequestError(
                f"--task {request.task} was given, but {source.origin} holds pictures with {what}, which --task {task} learns from, and no column "
                f"that --task {request.task} could. Leave --task out, or put the pictures into a folder a class."
            )
        return source

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return input_specs(encoders)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        schema = _schema(source, request)
        cut = recording(source, schema, request.cut)
        if cut is not None:
            source = cut_steps(source, cut, [f.name for f in schema.fields if f.role == "group"])
            schema = _schema(source, replace(request, target=tuple(f.name for f in schema.targets), drop=(), kinds=()))
        source, variants = with_one_spelling(source, schema)
        if variants:
            schema = _schema(source, request)  # of fewer classes
        task = TASKS[schema.task]
        targets = [target_column(source, f.name) for f in schema.targets]
        truth = task.encode(targets, task.fit(targets, np.arange(source.num_rows)))
        groups = row_groups(source, schema)
        split, folds = divided(source, schema, truth, groups, request)
        if not len(split.train) or not len(split.test):
            raise _too_alike(source, split, groups)
        state = task.fit(targets, split.train)
        if variants and not request.private:  # spellings are cells
            state = replace(state, variants=variants)
        looked_at = folds[0] if folds else split  # checks compare two sides
        evidence = Evidence(
            source=source,
            schema=schema,
            train=looked_at.train,
            validation=looked_at.validation,
            test=looked_at.test,
            num_tested=len(split.test),
            target=truth,
            labels=task.answer.labels(state) if truth.ndim == 1 else (),
            row_groups=groups,
            variants=variants,
        )
        return self.Made(
            source=source,
            schema=schema,
            task=task,
            state=state,
            truth=truth,
            split=split,
            sealed=SealedRows(split.test),
            evidence=evidence,
            folds=folds,
            private=request.private,
        )


def wanted_schema(request: ExampleRequest) -> SchemaOptions:
    """What was said of columns and task."""
    return SchemaOptions(
        target=request.target,
        task=request.task,
        drop=request.drop,
        kinds=request.kinds,
        split_by=column_of(request.split, request.folds),
    )


def _schema(source: Source, request: ExampleRequest) -> Schema:
    wanted = wanted_schema(request)
    found = recognise(source, request.target, request.drop)
    try:
        schema = infer_schema(source, wanted)
    except RequestError as error:
        if request.target or not found.obstacle:
            raise
        one_by_one = "To predict rows one by one, name a column with --target COLUMN."
        raise RequestError(f"{found.obstacle} {one_by_one} ({error})") from None
    if not TASKS[schema.task].answer.quantities:
        return schema
    note = None
    if found.obstacle and request.task is None:
        text = f"rows are predicted one by one, since no forecast can be made of them. {found.obstacle}"
        note = Note(subject="forecast", text=text, override="--task forecast")
    elif found.is_forecast:
        text = f"the rows have times in even steps: --task forecast forecasts '{schema.targets[0].name}' instead"
        note = Note(subject="forecast", text=text, override="--task forecast")
    return replace(schema, notes=(*schema.notes, note)) if note else schema


def divided(
    source: Source, schema: Schema, truth: Array, groups: Array, request: ExampleRequest
) -> tuple[Split, tuple[Split, ...]]:
    """The split of rows with a target, and the folds that the contest is judged by where all rows are tested."""
    together = apart(groups, repeats_by_chance(source, schema, groups))
    wanted = SplitRequest(
        labelled=TASKS[schema.task].answer.labelled(truth),
        classes=truth if truth.ndim == 1 else None,
        groups=with_near_copies(source, schema, together) if request.split == NEAR_COPIES else together,
        rule=request.split,
        seed=request.seed,
    )
    rich = any(field.kind in RICH for field in schema.features)
    count = number_of_folds(request.folds, source, wanted, seconds=request.seconds, rich=rich)
    if count > 1:
        try:
            if isinstance(request.folds, str):
                folds = folds_by(source, wanted, request.folds)
            else:
                folds = make_folds(source, schema, wanted, count)
        except RequestError:  # too few groups for folds that nobody asked for
            if request.folds is not None:
                raise
            return make_split(source, schema, wanted), ()
        if all(len(rows) for part in folds.parts for rows in (part.train, part.validation, part.test)):
            return folds.whole, folds.parts
        if request.folds is not None:
            raise RequestError(
                f"--folds {request.folds} leaves a fold without rows to learn from or to test on: rows that are the same, or of one "
                "group, stay together. Pass fewer folds, or --folds 1."
            )
    return make_split(source, schema, wanted), ()


def _too_alike(source: Source, split: Split, groups: Array) -> DataError:
    return DataError(
        f"{source.origin} leaves no rows to {'learn from' if not len(split.train) else 'test on'}: rows that are the same are "
        f"kept on one side of the split, and only {len(np.unique(groups)):,} of {source.num_rows:,} rows differ. Add rows that "
        "differ, or check how the data were written."
    )


def target_column(source: Source, name: str) -> TableColumn:
    """A column to predict. Raises RequestError for what cannot be one."""
    column = source.columns[name]
    if not isinstance(column, TableColumn):
        raise RequestError(
            f"Column '{name}' holds images or series, but a target is a column of a table. Choose another --target."
        )
    return column
