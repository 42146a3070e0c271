"""The first half of the main job: source -> schema -> decode -> checks -> split. Nothing is fitted here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from netpick.columns.kinds.cells import as_numbers
from netpick.columns.store import memory_limit
from netpick.data.decode import start_decoding
from netpick.data.decoders.base import DecodeRequest
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.wide import turned
from netpick.errors import DataError, FindingError, RequestError
from netpick.tasks import TASKS, Task
from netpick.tasks.folds import RICH, make_folds, number_of_folds
from netpick.tasks.forecast.parts import (
    ForecastRequest,
    SeriesParts,
    forecast_note,
    is_forecast,
    series_parts,
)
from netpick.tasks.forecast.state import FORECAST
from netpick.tasks.forecast.timeline import table_columns
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.tasks.split import SealedRows, SplitRequest, apart, make_split
from netpick.types import (
    TEST,
    Array,
    CheckOutcome,
    Event,
    Examples,
    Finding,
    Note,
    OnEvent,
    Rows,
    Schema,
    Source,
    Split,
    TableColumn,
)
from netpick.types.results import TargetInfo

if TYPE_CHECKING:
    from netpick.checks import CheckContext

DEFAULT_BUDGET = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Every choice a user can make about a run; None and () mean: infer it and say so."""

    target: tuple[str, ...] = ()
    task: str | None = None
    drop: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    models: str | None = None
    layers: tuple[str, ...] = ()
    modules: Sequence[Any] = ()
    recipe: str | None = None
    budget: float | None = None  # seconds
    steps: int | None = None
    trials: int = 1  # learning-rate trials a candidate
    workers: int = 1  # processes that train candidates side by side
    split: str | None = None
    folds: int | None = None  # in which every row is tested once; 1 is a single test part
    test: object | None = None
    horizon: int | None = None  # steps to forecast
    context: int | None = None  # steps before them that a network sees
    known: tuple[str, ...] = ()  # columns that are known for the horizon
    time: tuple[str, ...] = ()  # columns that tell the time
    ids: tuple[str, ...] = ()  # columns that tell series apart
    seed: int = 0
    device: str = "auto"
    out: Path | None = None
    plan: str | None = None  # the plan.json of a run that is to be made again
    accept: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)  # {"fn": 10} makes a missed positive ten times as dear
    margin: float | None = None  # differences in the primary metric that do not matter in use
    prefer: Literal["any", "network"] = "any"  # who may be recommended
    image_size: tuple[int, int] | None = None
    memory_limit: int | None = None
    threads: int | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    command: str = ""
    keep: Literal["all", "best"] = "all"  # candidates whose models the run folder holds
    private: bool = False  # no file of the finished run holds anything of single rows
    name: str | None = None  # for titles, where the data do not bring one
    started: float | None = None  # time.perf_counter() when the clock of the budget began

    def to_json(self) -> dict[str, Any]:
        """Plain data for request.json; networks of the user's own are handed over again on resuming."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("modules", "started", "out")}
        given["test"] = None if self.test is None else str(self.test)
        return {**given, "read": asdict(self.read), "cost": dict(self.cost)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FitOptions:
        """The options that `to_json` gave. Raises RequestError when they are damaged."""
        try:
            return TypeAdapter(cls).validate_json(json.dumps(dict(data)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"The kept request is damaged ({where}: {first['msg']}). Start the run anew.") from None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Data that were read, understood, checked and split; nothing is fitted yet."""

    source: Source
    schema: Schema
    task: Task
    state: Any  # the task's
    truth: Array
    split: Split
    sealed: SealedRows
    findings: tuple[Finding, ...]
    series: SeriesParts | None = None  # of a forecast: rows are windows
    checks: tuple[CheckOutcome, ...] = ()
    folds: tuple[Split, ...] = ()  # what the contest is judged by, where all rows are tested
    copied: Rows = field(
        default_factory=lambda: np.zeros(0, dtype=np.int64)
    )  # test rows that are copies of learned ones
    private: bool = False  # encoders learn nothing of single rows

    @property
    def target(self) -> TargetInfo:
        return TargetInfo(
            names=tuple(f.name for f in self.schema.targets),
            task=self.task.name,
            labels=self.task.answer.labels(self.state),
        )

    def state_of(self, rows: Rows) -> Any:
        """The task's state as these rows have it; that of all rows where these do not tell it (a target that is the same in all)."""
        variants = {"variants": self.state.variants} if self.task.answer.one_class else {}
        try:
            found = self.task.fit([_table(self.source, f.name) for f in self.schema.targets], rows)
        except DataError:
            return self.state
        return replace(found, **variants)

    @property
    def known_rows(self) -> Rows:
        return np.concatenate([self.split.train, self.split.validation])


def silent(event: Event, /) -> None:
    """Takes progress and does nothing with it."""


def prepare(data: object, options: FitOptions, on_event: OnEvent = silent) -> Prepared:
    """Reads, understands, splits and checks the data. Raises DataError, RequestError or, for severe findings, FindingError."""
    source = open_source(data, options=_as_said(options), test=options.test)
    if options.name is not None:
        source = replace(source, name=options.name, origin=options.name)
    given, source = source, _upright(source, options)
    on_its_side = source is not given
    on_event(Event(stage="source", text=f"{source.name}: {source.num_rows:,} rows ({source.layout})"))
    limit = memory_limit(options.memory_limit)
    # Waiting OpenMP threads spin for long by default: beside any other busy process a step then takes up to a hundred times
    # as long. A short spin costs nothing on a quiet machine; none at all ("passive") doubles the time of a small step.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    decoding = start_decoding(source, DecodeRequest(image_size=options.image_size, memory_limit=limit))
    import netpick.training.train  # noqa: F401  (torch and scikit-learn are imported while other processes decode)
    from netpick.models.baselines.fitting import load_libraries

    load_libraries()
    given, source = source, decoding.finish()
    return PREPARE["windows" if on_its_side else _examples(source, options)](given, source, options, on_event)


def _prepare_rows(given: Source, source: Source, options: FitOptions, on_event: OnEvent) -> Prepared:
    """Each row is an example. given: before its files were decoded."""
    from netpick.checks import CHECKS, CheckContext, kept_files, outcomes, repeats_by_chance, row_groups, run_checks

    wanted = SchemaOptions(target=options.target, task=options.task, drop=options.drop, kinds=options.kinds)
    schema = infer_schema(source, wanted)
    if TASKS[schema.task].answer.quantities and (note := forecast_note(source, [f.name for f in schema.targets])):
        schema = replace(schema, notes=(*schema.notes, note))
    source, variants, variant_findings = _merge_label_variants(source, schema)
    task = TASKS[schema.task]
    targets = [_table(source, f.name) for f in schema.targets]
    state = task.fit(targets, np.arange(source.num_rows))
    truth = task.encode(targets, state)
    groups = row_groups(source, schema)
    request = SplitRequest(
        labelled=task.answer.labelled(truth),
        classes=truth if truth.ndim == 1 else None,
        groups=apart(groups, repeats_by_chance(source, schema, groups)),
        rule=options.split,
        seed=options.seed,
    )
    split, folds = _divided(source, schema, request, options)
    looked_at = folds[0] if folds else split  # checks compare two sides
    if not len(split.train) or not len(split.test):
        raise DataError(
            f"{source.origin} leaves no rows to {'learn from' if not len(split.train) else 'test on'}: rows that are the same are "
            f"kept on one side of the split, and only {len(np.unique(groups)):,} of {source.num_rows:,} rows differ. Add rows that "
            "differ, or check how the data were written."
        )
    state = task.fit(targets, split.train)
    if variants and not options.private:  # spellings are cells
        state = replace(state, variants=variants)
    context = CheckContext(
        source=source,
        schema=schema,
        train=looked_at.train,
        validation=looked_at.validation,
        test=looked_at.test,
        num_tested=len(split.test),
        target=truth,
        labels=task.answer.labels(state) if truth.ndim == 1 else (),
        row_groups=groups,
        files=kept_files(given, source),
    )
    findings, not_applicable, _ = run_checks(context)
    findings = [*findings, *variant_findings]
    on_event(Event(stage="split", text=split.sentence))
    _stop_if_severe(findings, options.accept)
    return Prepared(
        source=source,
        schema=schema,
        task=task,
        state=state,
        truth=truth,
        split=split,
        sealed=SealedRows(split.test),
        findings=tuple(findings),
        checks=outcomes(CHECKS.values(), findings, not_applicable),
        folds=folds,
        copied=context.copied,
        private=options.private,
    )


def _as_said(options: FitOptions) -> ReadOptions:
    """What --kind says of columns, before their cells are read."""
    words = tuple(name for name, kind in options.kinds if kind in ("category", "text", "boolean"))
    times = tuple(name for name, kind in options.kinds if kind == "datetime")
    numbers = tuple(name for name, kind in options.kinds if kind == "number")
    arrays = tuple((name, kind) for name, kind in options.kinds if kind in ("image", "series"))
    return replace(options.read, words=words, times=times, numbers=numbers, arrays=arrays)


def _divided(
    source: Source, schema: Schema, request: SplitRequest, options: FitOptions
) -> tuple[Split, tuple[Split, ...]]:
    """The split, and the folds that the contest is judged by where all rows are tested."""
    budget = DEFAULT_BUDGET if options.budget is None else options.budget
    seconds = None if options.steps is not None else budget
    rich = any(field.kind in RICH for field in schema.features)
    count = number_of_folds(options.folds, source, request, seconds=seconds, rich=rich)
    if count > 1:
        try:
            folds = make_folds(source, schema, request, count)
        except RequestError:  # too few groups for folds that nobody asked for
            if options.folds is not None:
                raise
            return make_split(source, schema, request), ()
        if all(len(rows) for part in folds.parts for rows in (part.train, part.validation, part.test)):
            return folds.whole, folds.parts
        if options.folds is not None:
            raise RequestError(
                f"--folds {count} leaves a fold without rows to learn from or to test on: rows that are the same, or of one "
                "group, stay together. Pass fewer folds, or --folds 1."
            )
    return make_split(source, schema, request), ()


def _upright(source: Source, options: FitOptions) -> Source:
    """A table on its side as a row a step, unless something in it as it lies is asked for."""
    of_windows = options.task is None or _asks_for_windows(options)
    asked = {*options.target, *options.drop, *(name for name, _ in options.kinds)}
    return turned(source) if of_windows and not asked & set(source.columns) else source


def _asks_for_windows(options: FitOptions) -> bool:
    return options.task in TASKS and TASKS[options.task].examples == "windows"


def _examples(source: Source, options: FitOptions) -> Examples:
    """Windows where a forecast is asked for, by its own options or by --task, or by a table of nothing but times and numbers."""
    asked = {
        "--horizon": options.horizon,
        "--context": options.context,
        "--known": options.known,
        "--time": options.time,
        "--id": options.ids,
    }
    given = [name for name, value in asked.items() if value]
    if _asks_for_windows(options) or (options.task is None and given):
        if options.folds is not None and options.folds > 1:
            raise RequestError(
                f"--folds {options.folds} was given, but a forecast is tested on the end of its own series. Leave --folds out; "
                "--split time:DATE sets where testing begins."
            )
        if options.test is not None:
            raise RequestError(
                "--test was given, but a forecast is tested on the end of its own series. Put the rows of both files into one "
                "table and pass --split time:DATE, with the date at which testing begins."
            )
        if any(not isinstance(column, TableColumn) for column in source.columns.values()):
            raise RequestError(
                f"{source.name} holds files or arrays, but a forecast is made from a table with a column of times and columns "
                "of numbers. Pass such a table, or leave the options of forecasts out."
            )
        return "windows"
    if given:
        raise RequestError(
            f"{given[0]} belongs to forecasts, but --task {options.task} was asked for. Leave one of them out."
        )
    return "windows" if options.task is None and not options.target and is_forecast(source) else "rows"


def _prepare_windows(given: Source, source: Source, options: FitOptions, on_event: OnEvent) -> Prepared:
    """Each window of a series is an example."""
    from netpick.checks import CHECKS, outcomes, run_checks

    asked = ForecastRequest(
        target=options.target,
        drop=options.drop,
        kinds=options.kinds,
        horizon=options.horizon,
        context=options.context,
        known=options.known,
        time=options.time,
        ids=options.ids,
        split=options.split,
        private=options.private,
    )
    parts = series_parts(source, asked)
    if options.task is None and options.horizon is None:
        reason = "nothing but times and numbers" if not options.target else "an option of forecasts was given"
        note = Note(subject="task", text=f"forecast ({reason})", override="--task")
        parts = replace(parts, schema=replace(parts.schema, notes=(note, *parts.schema.notes)))
    findings, not_applicable, _ = run_checks(_window_context(source, parts))
    on_event(Event(stage="split", text=parts.split.sentence))
    _stop_if_severe(findings, options.accept)
    return Prepared(
        source=source,
        schema=parts.schema,
        task=FORECAST,
        state=parts.windows.state,
        truth=parts.windows.truth,
        split=parts.split,
        sealed=SealedRows(parts.split.test),
        findings=tuple(findings),
        checks=outcomes(CHECKS.values(), findings, not_applicable),
        series=parts,
        private=options.private,
    )


def _window_context(source: Source, parts: SeriesParts) -> CheckContext:
    """What the checks may look at: rows are steps, those from the first test window's horizon on are test rows."""
    from netpick.checks import CheckContext

    timeline, split = parts.windows.timeline, parts.split
    present = timeline.rows >= 0
    rows, positions = timeline.rows[present], timeline.positions[present]
    test = int(timeline.positions[split.test].min())
    validation = int(timeline.positions[split.validation].min()) if len(split.validation) else test
    series = np.zeros(source.num_rows, dtype=np.int64)
    series[rows] = timeline.series[present]
    table = table_columns(source.columns)
    targets = [as_numbers(table[f.name]).fill_null(float("nan")).to_numpy() for f in parts.schema.targets]
    return CheckContext(
        source=source,
        schema=parts.schema,
        train=rows[positions < validation],
        validation=rows[(positions >= validation) & (positions < test)],
        test=rows[positions >= test],
        target=np.stack(targets, axis=1),
        labels=(),
        order=rows,
        series=series,
        known=parts.windows.state.known,
    )


PREPARE: Mapping[Examples, Callable[[Source, Source, FitOptions, OnEvent], Prepared]] = {
    "rows": _prepare_rows,
    "windows": _prepare_windows,
}


def _table(source: Source, name: str) -> TableColumn:
    column = source.columns[name]
    if not isinstance(column, TableColumn):
        raise RequestError(
            f"Column '{name}' holds images or series, but a target is a column of a table. Choose another --target."
        )
    return column


def _merge_label_variants(source: Source, schema: Schema) -> tuple[Source, dict[str, str], list[Finding]]:
    """Labels of given parts that differ only by a stray character are one label; said as finding D004."""
    from netpick.checks import label_variants, variants_finding
    from netpick.columns.kinds.cells import as_text

    if not TASKS[schema.task].answer.one_class or source.given_split is None or not (source.given_split == TEST).any():
        return source, {}, []
    name = schema.targets[0].name
    text = as_text(_table(source, name).values)
    is_test = source.given_split == TEST
    parts = {"train": text.filter(~is_test).drop_nulls(), "test": text.filter(is_test).drop_nulls()}
    variants = label_variants({part: cells.to_list() for part, cells in parts.items()})
    if not variants:
        return source, {}, []
    merged = TableColumn(name=name, values=text.replace(variants).alias(name))
    finding = variants_finding(name, variants, {part: cells.to_list() for part, cells in parts.items()})
    return replace(source, columns={**source.columns, name: merged}), variants, [finding]


def _stop_if_severe(findings: Sequence[Finding], accepted: Sequence[str]) -> None:
    severe = [f for f in findings if f.severity == "severe" and f.code not in accepted]
    if severe:
        said = " ".join(f"{f.code} {f.title}: {f.evidence} {f.advice}" for f in severe)
        codes = ",".join(sorted({f.code for f in severe}))
        raise FindingError(f"{said} Nothing was trained. To go on all the same, pass --accept {codes}.")
