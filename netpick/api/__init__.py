"""What users call from Python. The main job is put together in prepare.py and contest/, and reads like the design's line.

source -> schema -> decode -> checks -> split -> encode -> plan -> train -> compare -> evaluate -> report -> artifact
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netpick.api.options import given_options
from netpick.api.watching import Watching
from netpick.contest.prepare import MOST_TRIALS, FitOptions, inspect, prepare, silent
from netpick.data.decoders.base import Loudness
from netpick.errors import RequestError, near_matches
from netpick.training.clock import WorkClock
from netpick.training.stop import Stop
from netpick.types import OnEvent
from netpick.types.results import RunResults

if TYPE_CHECKING:
    import polars as pl

    from netpick.contest.replay import Replay
    from netpick.saved.use import Model
    from netpick.tasks.examples import Prepared


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: what it found, where it lies, and the recommended model."""

    folder: Path
    results: RunResults
    seconds: float
    data: object | None = field(default=None, repr=False, compare=False)  # what was learned from, where it was no path
    modules: Sequence[Any] = field(default=(), repr=False, compare=False)  # networks of the user's own

    def __repr__(self) -> str:
        return f"<Run {self.folder}: {self.results.verdict.headline or self.verdict}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, and the contest with its chart."""
        from netpick.report.notebook import run_html

        return run_html(self.results)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence or two."""
        return self.results.verdict.sentence

    @property
    def scores(self) -> pl.DataFrame:
        """Test scores, a row a candidate, metric and value, with n and the 95 % interval."""
        import polars as pl

        rows = [
            {
                "candidate": c.name,
                "family": c.family,
                "metric": m,
                "value": s.value,
                "low": s.low,
                "high": s.high,
                "n": s.n,
            }
            for c in self.results.entries
            for m, s in c.test.items()
        ]
        return pl.DataFrame(rows)

    @property
    def model(self) -> Model:
        """The recommended model, loaded from its file: a network, or a baseline."""
        from netpick.saved.use import load

        return load(self.folder / "model.netpick")

    @property
    def models(self) -> Mapping[str, Model]:
        """Every candidate and baseline that was kept, by name, each loaded from its file when it is asked for."""
        from netpick.contest.run_models import RunModels

        return RunModels(folder=self.folder, names=tuple(self.results.kept))

    def continue_(
        self,
        *,
        budget: str | float | None = None,
        steps: int | None = None,
        out: str | os.PathLike[str] | None = None,
        on_event: OnEvent | None = None,
    ) -> Run:
        """Trains its networks further, in a run of its own; see `netpick.continue_`."""
        from netpick.api.continuing import continue_

        return continue_(
            self.folder, budget=budget, steps=steps, out=out, data=self.data, modules=self.modules, on_event=on_event
        )

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Writes the report page to another place."""
        page, target = self.folder / "report.html", Path(path)
        if not page.is_file():
            from netpick.api.pages import write_report

            return write_report(self.folder, target)
        shutil.copyfile(page, target)
        return target


def run_fit(data: object, options: FitOptions, on_event: OnEvent = silent, stop: Stop | None = None) -> Run:
    """The main job. Raises a NetpickError before anything is written, or TrainingError when no network could be trained."""
    started = options.started if options.started is not None else time.perf_counter()
    _refuse_impossible(options)
    if options.out is not None and options.out.exists():
        unfinished = (options.out / "request.json").is_file() and not (options.out / "report.json").is_file()
        remedy = f"It is unfinished: go on with `netpick resume {options.out}`, or pass" if unfinished else "Pass"
        raise RequestError(
            f"{options.out} exists already, and a run never overwrites one. {remedy} another --out, or remove it."
        )
    if options.keep not in ("all", "best"):
        raise RequestError(f"Models cannot be kept as '{options.keep}'. Pass --keep all or --keep best.")
    replay = None
    if options.plan is not None:
        from netpick.contest.replay import read_replay, replayed_options

        replay = read_replay(Path(options.plan))
        options = replayed_options(replay, options)
    prepared = prepare(data, options, on_event)
    if replay is not None:
        replay.refuse_others(prepared.source.fingerprint)
    return run_prepared(data, prepared, replace(options, started=started), on_event, stop, replay)


def run_prepared(
    data: object,
    prepared: Prepared,
    options: FitOptions,
    on_event: OnEvent,
    stop: Stop | None,
    replay: Replay | None = None,
) -> Run:
    """The contest on prepared data, in a new run folder. Raises as `run_fit` does."""
    from netpick.contest.run import run_contest
    from netpick.contest.start import Start

    started = options.started if options.started is not None else time.perf_counter()
    options = replace(options, rows=prepared.rows)  # whoever resumes or repeats the run draws as many
    path = data if isinstance(data, (str, Path)) else None
    start = Start(
        prepared=prepared,
        options=options,
        started=started,
        budget=options.seconds,
        on_event=on_event,
        clock=WorkClock(started=started),
        replay=replay,
        data=path,
        stop=stop or Stop(),
    )
    done = run_contest(start)
    seconds, given = time.perf_counter() - started, None if path is not None else data
    return Run(folder=done.folder, results=done.results, seconds=seconds, data=given, modules=options.modules)


def _refuse_impossible(options: FitOptions) -> None:
    """Raises RequestError for a margin, a count or a preference that cannot be."""
    if options.margin is not None and not 0 <= options.margin < math.inf:
        raise RequestError(
            f"A margin of {options.margin:g} cannot be used. Pass a difference in the primary metric, 0 or more: --margin 0.01."
        )
    for name, most in (("steps", None), ("trials", MOST_TRIALS), ("workers", None), ("threads", None)):
        count = getattr(options, name)
        if count is not None and (count < 1 or (most is not None and count > most)):
            raise RequestError(f"--{name} {count} cannot be. Pass {'1 or more' if most is None else f'1 to {most}'}.")
    if options.prefer not in ("any", "network"):
        raise RequestError(f"'{options.prefer}' cannot be preferred. Pass --prefer network, or leave --prefer out.")


def fit(
    data: object,
    target: object = None,
    *,
    budget: str | float | None = None,
    steps: int | None = None,
    trials: int = 1,
    tune: bool | int | str | Mapping[str, str] | None = None,
    models: str | Sequence[Any] | None = None,
    pretrained: bool = False,
    layers: str | Sequence[str] | None = None,
    task: str | None = None,
    split: str | None = None,
    folds: int | str | None = None,
    test: object | None = None,
    cut: int | None = None,
    horizon: int | None = None,
    context: int | None = None,
    windows: int | None = None,
    every: str | None = None,
    point: Literal["mean", "median"] | None = None,
    quantiles: Sequence[float] = (),
    known: Sequence[str] = (),
    holidays: str | None = None,
    hierarchy: str | None = None,
    time_column: str | Sequence[str] = (),
    id_column: str | Sequence[str] = (),
    level: str | None = None,
    beam: int | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    workers: int = 1,
    memory_limit: str | int | None = None,
    out: str | os.PathLike[str] | None = None,
    accept: Sequence[str] = (),
    cost: Mapping[str, float] | str | os.PathLike[str] | None = None,
    metric: str | None = None,
    margin: float | None = None,
    prefer: Literal["any", "network"] = "any",
    synthetic: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
    plan: str | os.PathLike[str] | None = None,
    drop: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    rows: int | None = None,
    image_size: str | int | None = None,
    loudness: Loudness = "own",
    separator: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    quote: str | None = None,
    formats: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
    not_missing: Sequence[str] = (),
    merge: Sequence[str] = (),
    label_from: str | None = None,
    masks: str | None = None,
    classes: str | None = None,
    sheet: str | None = None,
    frames: bool | None = None,
    keep: Literal["all", "best"] = "all",
    private: bool = False,
    on_event: OnEvent | None = None,
) -> Run:
    """Trains the network families that fit the data, next to plain baselines, and says which one to use.

    data: a path, a polars or pandas frame, an arrow table, or arrays. target: the column to predict, or a list of them; or the labels
    themselves, an array or a series beside the rows: `fit(X, y)`.
    budget: seconds, or text such as "90s" or "2m" (default 60s); steps: a fixed number of steps instead. trials: of learning
    rates for every network. tune: search settings before the contest: True, a number of trials of each family, "grid", "random", or
    ranges, {"mlp": "width=64..512,activation=relu|silu"}. threads: of the processor (default: all cores); workers: processes that train side by side.
    memory_limit: of encoded data, such as "500MB"; larger data are memory-mapped from disk.
    rows: that are drawn at random and read (default: all, or of files as many as a fifth of the budget can pay for, and said).
    image_size: that images are brought to, 64 or "96x64" (width x height). loudness: of sounds, "own" or "kept". separator, header, encoding, quote: of a table in a
    file, detected where they are left out; frames: whether folders of numbered pictures are clips.
    formats: how the cells of columns are written: {"price": "1.234,56", "day": "%d/%m/%y"}.
    merge: columns in which values that differ in case, blanks or Unicode forms alone are one.
    keep: "best" keeps the recommended model only, and not those of all candidates and baselines.
    private: no file of the finished run holds training rows, rare words or categories, examples, paths or titles.
    label_from: what the names of files say, such as "{label}_{speaker}_{index}.wav"; sheet: the one of a workbook that is read.
    masks: the folder that holds the masks of images; classes: a file that names their classes.
    models: "mlp,cnn[width=32]", or a list that may also hold torch.nn.Module instances. pretrained: beside each network also the same
    from weights that others have learned, where this machine has them (netpick backbones).
    plan: the plan.json of a finished run, which is made again: the same data, plan and machine give the same bytes.
    folds: how many times to train, each time testing another part, so that every row is tested once (default 5 below 1,000 rows,
    unless steps, split, a budget below 30 s or a test part is given; 1: a single test part), or the column that names folds.
    cost: of mistakes, {"fn": 10} for two classes, {"cat>dog": 5} (a cat called dog) for any, or a CSV file with a matrix.
    metric: that decides: networks are stopped, chosen, compared and headlined by it, such as "f1", "roc auc" or "mae" (default: the task's own).
    margin: difference in it that does not matter; prefer: "network" recommends one even where a baseline is
    as good. synthetic: a model of task="generate": whether its rows beside the real ones help.
    cut: steps of a table that are one example together, such as those of a sensor; 0: every row is one. Of long sounds: seconds of
    each window.
    horizon: steps to forecast, from `context` steps before them, tested from so many origins (`windows`); `known` columns are
    known for the horizon too, and so are the public holidays of a country ("DE", "US"). point: "mean" or "median";
    quantiles: such as [0.05, 0.5, 0.95]; every: step that rows are brought to ("1h", "1d:sum", "auto").
    hierarchy: levels whose sums are forecast too, so that all adds up: "region/shop", or with how, "region/shop:bottom-up".
    level: what the symbols of texts are that are learned or generated: "characters", "bytes", "words" or "pieces" (default: by size and content).
    beam: how many beginnings of a translation or transcript are followed at once; 1: the likeliest symbol each time (default: 4, of
    transcripts 8 where n-grams help).
    on_event: receives progress (default: one line in a terminal or a notebook, nothing elsewhere; netpick.silent: nothing).
    Raises NetpickError (a ValueError) with what was found, what was expected and what to do.
    """
    data, options = given_options(locals())
    with Watching(on_event) as told:
        return run_fit(data, replace(options, command="netpick.fit(...)"), told)


def look(data: object, target: object = None, **options: Any) -> Prepared:
    """Reads, understands, splits and checks the data, and trains nothing; severe findings are among the others.

    options: those of `netpick.fit`, by the same names. Raises RequestError for others.
    """
    known = {name: one.default for name, one in signature(fit).parameters.items() if name not in ("data", "on_event")}
    for name in options:
        if name not in known:
            raise RequestError(f"There is no option '{name}'.{near_matches(name, list(known))}")
    data, asked = given_options({**known, **options, "data": data, "target": target})
    return inspect(data, asked)
