"""The first half of the main job: source -> schema -> decode -> checks -> split. Nothing is fitted here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from netpick.answers.decoding import require_beam
from netpick.columns.kinds.cells import as_text
from netpick.columns.store import memory_limit
from netpick.contest.affordable import affordable_rows
from netpick.contest.deciding import deciding_metric
from netpick.contest.earlier import Earlier
from netpick.data.decode import start_decoding
from netpick.data.decoders.base import PHOTO_SIDE, DecodeRequest, Loudness
from netpick.data.drawn import drawn
from netpick.data.parts import with_parts, with_windows
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.errors import FindingError, RequestError
from netpick.models.backbones import BACKBONE_SIDE
from netpick.tasks import TASKS
from netpick.tasks.examples import Evidence, ExampleRequest, Examples, Prepared, choose_examples
from netpick.tasks.split import SealedRows
from netpick.types import Event, FileColumn, Finding, Note, OnEvent, Source, TableColumn

MOST_TRIALS = 9
LEAST_DRAWN = 20  # rows


@dataclass(frozen=True, kw_only=True)
class FitOptions(ExampleRequest):
    """Every choice a user can make about a run; None and () mean: infer it and say so."""

    models: str | None = None
    layers: tuple[str, ...] = ()
    modules: Sequence[Any] = ()
    recipe: str | None = None
    pretrained: bool = False  # every family competes from the weights of others, too, where such are here
    trials: int = 1  # learning-rate trials a candidate
    tune: str | None = None  # settings are searched before the contest: "auto", "grid", "40", "mlp[width=64..512]"
    workers: int = 1  # processes that train candidates side by side
    device: str = "auto"
    out: Path | None = None
    plan: str | None = None  # the plan.json of a run that is to be made again
    accept: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)  # {"fn": 10} makes a missed positive ten times as dear
    metric: str | None = None  # that decides; None: the task's own
    margin: float | None = None  # differences in the primary metric that do not matter in use
    prefer: Literal["any", "network"] = "any"  # who may be recommended
    rows: int | None = (
        None  # that are drawn at random and read; None: all, or of files as many as the budget can pay for
    )
    image_size: tuple[int, int] | None = None
    loudness: Loudness = "own"  # of sounds: each in relation to its own loudest moment, or kept as it is
    memory_limit: int | None = None
    threads: int | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    command: str = ""
    keep: Literal["all", "best"] = "all"  # candidates whose models the run folder holds
    name: str | None = None  # for titles, where the data do not bring one
    started: float | None = None  # time.perf_counter() when the clock of the budget began
    synthetic: str | None = None  # a generator, whose rows are tried beside the real ones
    earlier: Earlier | None = None  # the finished run whose networks are trained further

    @property
    def as_sized(self) -> FitOptions:
        """With the budget that rows are read and networks sized for: that of the run that is continued, where there is one."""
        if self.earlier is None:
            return self
        return replace(self, budget=self.earlier.budget, steps=self.earlier.steps)

    @property
    def asks_pretrained(self) -> bool:
        """Whether any candidate starts from what others have trained."""
        return self.pretrained or "pretrained=" in (self.models or "")

    def to_json(self) -> dict[str, Any]:
        """Plain data for request.json; networks of the user's own are handed over again on resuming."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("modules", "started", "out")}
        given["test"] = None if self.test is None else str(self.test)
        given["synthetic"] = None if self.synthetic is None else str(self.synthetic)
        earlier = None if self.earlier is None else asdict(self.earlier)
        return {**given, "read": asdict(self.read), "cost": dict(self.cost), "earlier": earlier}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FitOptions:
        """The options that `to_json` gave. Raises RequestError when they are damaged."""
        try:
            return TypeAdapter(cls).validate_json(json.dumps(dict(data)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"The kept request is damaged ({where}: {first['msg']}). Start the run anew.") from None


def silent(event: Event, /) -> None:
    """Takes progress and does nothing with it."""


def prepare(data: object, options: FitOptions, on_event: OnEvent = silent) -> Prepared:
    """Reads, understands, splits and checks the data. Raises DataError, RequestError or, for severe findings, FindingError."""
    prepared = _prepared(data, options.as_sized, on_event, _load_training)
    if options.earlier is None:
        return prepared
    openings = [f"scores of {options.earlier.run}"] * options.earlier.openings
    return replace(prepared, sealed=SealedRows(prepared.sealed.rows, openings))


def inspect(data: object, options: FitOptions, on_event: OnEvent = silent) -> Prepared:
    """What `prepare` gives; severe findings stop nothing, whoever looks wants to see them beside all else. Needs no torch."""
    from netpick.checks import CHECKS

    return _prepared(data, replace(options, accept=tuple(CHECKS)), on_event, _nothing)


def _prepared(data: object, options: FitOptions, on_event: OnEvent, meanwhile: Callable[[], None]) -> Prepared:
    """`meanwhile` is called while other processes decode."""
    source = open_source(data, options=_as_said(options), test=options.test, target=",".join(options.target))
    if options.tune is not None and options.folds is None:
        options = replace(options, folds=1)  # settings are chosen on the validation rows of a single split
    source = with_parts(source, (*options.target, *options.drop, *dict(options.kinds)))
    texts = TASKS[options.task].answer.texts if options.task in TASKS else source.spoken is not None
    sounds = any(isinstance(c, FileColumn) and c.kind == "audio" for c in source.columns.values())
    if options.cut and sounds and not texts:  # of what is said, windows know nothing
        source, options = with_windows(source, options.cut), replace(options, cut=None)
    if options.name is not None:
        source = replace(source, name=options.name, origin=options.name)
    examples, given = choose_examples(source, options)
    on_event(Event(stage="source", text=f"{given.name}: {given.num_rows:,} rows ({given.layout})"))
    request = DecodeRequest(
        image_size=options.image_size,
        photo_side=BACKBONE_SIDE if options.asks_pretrained else PHOTO_SIDE,
        loudness=options.loudness,
        every_word=examples.every_word,
        seconds=options.seconds,
        memory_limit=memory_limit(options.memory_limit),
    )
    given, count = _drawn(given, examples, request, options)
    decoded = _decoded(given, request, meanwhile)
    if options.beam is not None:
        require_beam(options.beam)
    prepared = examples.prepare(decoded, options)
    if options.beam is not None and not prepared.task.answer.texts:
        raise RequestError(
            f"--beam was given, but {prepared.task.answer.plural} are answered here, and a beam searches for texts (--task translate or transcribe). "
            "Leave --beam out."
        )
    if count is not None and prepared.source.cut is not None:
        raise RequestError(
            "--rows draws rows at random, but windows are cut from rows that follow each other. Leave --rows out, or pass --cut 0."
        )
    if options.metric is not None:
        deciding_metric(prepared, options.metric)  # which refuses one that does not fit before anything takes long
    prepared = replace(prepared, findings=_spelled_otherwise(decoded, prepared.evidence), rows=count)
    return _checked(given, prepared, options, on_event)


def _drawn(
    source: Source, examples: Examples, request: DecodeRequest, options: FitOptions
) -> tuple[Source, int | None]:
    """With as many rows as were asked for, or as the budget can pay for, and how many; None where that is all."""
    count, why = options.rows, ", as --rows asks"
    if count is not None:
        _refuse_rows(source, examples, count)
    elif options.seconds is not None:
        count = affordable_rows(source, request, options.seconds, options.seed)
        usual = f"the {options.seconds:g} s that `netpick fit` takes by default"
        budget = usual if options.budget is None else f"a budget of {options.seconds:g} s"
        why = f": reading all of them would take too much of {budget}"
    if count is None or count >= source.num_rows:
        return source, count
    target = options.target[0] if len(options.target) == 1 else None
    some = drawn(source, count, options.seed, target)
    text = f"{some.num_rows:,} of {source.num_rows:,} rows, drawn at random{why}."
    return replace(some, notes=[*some.notes, Note(subject="rows", text=text, override="--rows")]), count


def _refuse_rows(source: Source, examples: Examples, count: int) -> None:
    if not examples.can_be_drawn:
        raise RequestError(
            "--rows draws rows at random, but a forecast or a running text needs what follows each other. Leave --rows out."
        )
    if count < LEAST_DRAWN:
        raise RequestError(
            f"{count} rows are too few to learn from and to be tested on. Pass --rows {LEAST_DRAWN} or more."
        )


def _decoded(source: Source, request: DecodeRequest, meanwhile: Callable[[], None]) -> Source:
    """With media as arrays."""
    decoding = start_decoding(source, request)
    meanwhile()
    return decoding.finish()


def _load_training() -> None:
    """Imports torch and scikit-learn."""
    # Waiting OpenMP threads spin for long by default: beside any other busy process a step then takes up to a hundred times
    # as long. A short spin costs nothing on a quiet machine; none at all ("passive") doubles the time of a small step.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    import netpick.training.train  # noqa: F401
    from netpick.models.baselines.fitting import load_libraries

    load_libraries()


def _nothing() -> None:
    pass


def _checked(given: Source, prepared: Prepared, options: FitOptions, on_event: OnEvent) -> Prepared:
    """With what the checks found. given: before its files were decoded."""
    from netpick.checks import CHECKS, CheckContext, kept_files, outcomes, run_checks

    context = CheckContext.of(prepared.evidence, kept_files(given, prepared.source))
    findings, not_applicable, _ = run_checks(context)
    findings += prepared.findings
    on_event(Event(stage="split", text=prepared.split.sentence))
    _stop_if_severe(findings, options.accept)
    return replace(
        prepared,
        findings=tuple(findings),
        checks=outcomes(CHECKS.values(), findings, not_applicable),
        copied=context.copied,
    )


def _spelled_otherwise(source: Source, evidence: Evidence) -> tuple[Finding, ...]:
    """That labels of given parts were read as others (D004)."""
    from netpick.checks import variants_finding

    if not evidence.variants:
        return ()
    column = source.columns[evidence.schema.targets[0].name]
    assert isinstance(column, TableColumn)
    return (variants_finding(column.name, evidence.variants, as_text(column.values).drop_nulls().to_list()),)


def _as_said(options: FitOptions) -> ReadOptions:
    """What --kind says of columns, before their cells are read."""
    words = tuple(name for name, kind in options.kinds if kind in ("category", "text", "boolean"))
    texts = options.target if options.task in TASKS and TASKS[options.task].answer.texts else ()
    times = tuple(name for name, kind in options.kinds if kind == "datetime")
    numbers = tuple(name for name, kind in options.kinds if kind == "number")
    arrays = tuple((name, kind) for name, kind in options.kinds if kind in ("image", "series"))
    running = TASKS[options.task].answer.sequences if options.task in TASKS else options.level is not None
    return replace(
        options.read,
        words=(*words, *texts),  # a text is a text, whatever it looks like
        as_text=(*options.read.as_text, *texts),
        times=times,
        numbers=numbers,
        arrays=arrays,
        running=running,
    )


def _stop_if_severe(findings: Sequence[Finding], accepted: Sequence[str]) -> None:
    severe = [f for f in findings if f.severity == "severe" and f.code not in accepted]
    if severe:
        said = " ".join(f"{f.code} {f.title}: {f.evidence} {f.advice}" for f in severe)
        codes = ",".join(sorted({f.code for f in severe}))
        raise FindingError(f"{said} Nothing was trained. To go on all the same, pass --accept {codes}.")
