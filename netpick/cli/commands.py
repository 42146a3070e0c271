"""The command line: parses, calls api, renders. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import time

STARTED = time.perf_counter()  # the clock of --budget counts from here, imports included

import io  # noqa: E402
import sys  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Annotated, Any, NoReturn  # noqa: E402

import typer  # noqa: E402

from netpick.cli import arguments as arg  # noqa: E402
from netpick.cli import going_on  # noqa: E402
from netpick.cli.doctor import backbones, doctor  # noqa: E402
from netpick.cli.ending import exit_code  # noqa: E402
from netpick.cli.grouped import GroupedCommand  # noqa: E402
from netpick.cli.importing import import_  # noqa: E402
from netpick.cli.making import generate  # noqa: E402
from netpick.errors import shown  # noqa: E402

if TYPE_CHECKING:
    from netpick.api import Run
    from netpick.contest.prepare import FitOptions

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Which neural network fits this data, can its score be believed, and how do I use it?",
)


@app.command(cls=GroupedCommand)
def fit(
    data: arg.DataArgument,
    target: arg.Target = None,
    task: arg.TaskOption = None,
    models: arg.Models = None,
    layers: arg.LayersOption = None,
    budget: arg.Budget = None,
    steps: arg.Steps = None,
    split: arg.SplitOption = None,
    folds: arg.FoldsOption = None,
    test: arg.Test = None,
    cut: arg.CutOption = None,
    horizon: arg.Horizon = None,
    context: arg.ContextOption = None,
    windows: arg.Windows = None,
    every: arg.Every = None,
    point: arg.Point = None,
    quantiles: arg.Quantiles = None,
    known: arg.Known = None,
    holidays: arg.Holidays = None,
    hierarchy: arg.HierarchyOption = None,
    time: arg.TimeOption = None,
    ids: arg.Ids = None,
    level: arg.LevelOption = None,
    beam: arg.Beam = None,
    seed: arg.Seed = 0,
    out: arg.Out = None,
    accept: arg.Accept = None,
    cost: arg.Cost = None,
    metric: arg.MetricOption = None,
    margin: arg.Margin = None,
    prefer: arg.PreferOption = None,
    synthetic: arg.SyntheticOption = None,
    recipe: arg.RecipeOption = None,
    drop: arg.Drop = None,
    kinds: arg.KindOption = None,
    rows: arg.RowsOption = None,
    image_size: arg.ImageSize = None,
    loudness: arg.LoudnessOption = "own",
    pretrained: arg.Pretrained = False,
    trials: arg.Trials = 1,
    tune: arg.Tune = None,
    keep: arg.KeepOption = "all",
    private: arg.Private = False,
    plan: arg.PlanOption = None,
    device: arg.Device = "auto",
    threads: arg.Threads = None,
    workers: arg.Workers = 1,
    memory_limit: arg.MemoryLimit = None,
    separator: arg.Separator = None,
    header: arg.Header = None,
    encoding: arg.Encoding = None,
    quote: arg.Quote = None,
    missing: arg.Missing = None,
    not_missing: arg.NotMissing = None,
    merge: arg.Merge = None,
    formats: arg.FormatOption = None,
    label_from: arg.LabelFrom = None,
    masks: arg.MaskFolder = None,
    classes: arg.ClassNames = None,
    frames: arg.FramesOption = None,
    sheet: arg.Sheet = None,
) -> None:
    """Train the networks that fit DATA next to plain baselines; say which one to use, and whether to believe it."""
    from netpick.cli.parsing import fit_options

    _fit(data, fit_options(locals(), STARTED))


app.command()(going_on.resume)
app.command("continue")(going_on.continue_)


@app.command(cls=GroupedCommand)
def look(
    data: arg.DataArgument,
    target: arg.Target = None,
    task: arg.TaskOption = None,
    split: arg.SplitOption = None,
    folds: arg.FoldsOption = None,
    test: arg.Test = None,
    cut: arg.CutOption = None,
    horizon: arg.Horizon = None,
    context: arg.ContextOption = None,
    windows: arg.Windows = None,
    every: arg.Every = None,
    point: arg.Point = None,
    quantiles: arg.Quantiles = None,
    known: arg.Known = None,
    holidays: arg.Holidays = None,
    hierarchy: arg.HierarchyOption = None,
    time: arg.TimeOption = None,
    ids: arg.Ids = None,
    level: arg.LevelOption = None,
    drop: arg.Drop = None,
    kinds: arg.KindOption = None,
    rows: arg.RowsOption = None,
    image_size: arg.ImageSize = None,
    loudness: arg.LoudnessOption = "own",
    separator: arg.Separator = None,
    header: arg.Header = None,
    encoding: arg.Encoding = None,
    quote: arg.Quote = None,
    missing: arg.Missing = None,
    not_missing: arg.NotMissing = None,
    merge: arg.Merge = None,
    formats: arg.FormatOption = None,
    label_from: arg.LabelFrom = None,
    masks: arg.MaskFolder = None,
    classes: arg.ClassNames = None,
    frames: arg.FramesOption = None,
    accept: arg.Accept = None,
    sheet: arg.Sheet = None,
) -> None:
    """Say what DATA is, what is wrong with it, and which networks would fit; train nothing."""
    from netpick.cli.console import Progress, show_look
    from netpick.cli.parsing import fit_options
    from netpick.contest.prepare import inspect

    options = fit_options(locals(), STARTED)
    with Progress() as progress:
        prepared = inspect(data, options, progress)
    show_look(prepared, accepted=options.accept)


@app.command()
def score(
    model: arg.ModelArgument,
    data: arg.DataArgument,
    candidate: arg.CandidateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    beam: arg.Beam = None,
    strict: arg.Strict = False,
    separator: arg.Separator = None,
    header: arg.Header = None,
    encoding: arg.Encoding = None,
    quote: arg.Quote = None,
    missing: arg.Missing = None,
    not_missing: arg.NotMissing = None,
    formats: arg.FormatOption = None,
    sheet: arg.Sheet = None,
) -> None:
    """Evaluate MODEL on labelled DATA: every metric with n and a 95 % interval."""
    from netpick.cli.console import show_scores, show_unlike
    from netpick.cli.parsing import told
    from netpick.saved.use import heeded, load

    loaded = told(load(model, candidate=candidate), locals())
    source = loaded.read(data, labelled=True)
    show_unlike(source)
    show_scores(loaded.score(heeded(source, strict=strict)), as_json=as_json)


@app.command()
def predict(
    model: arg.ModelArgument,
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A file, a folder, several images, or COLUMN=VALUE pairs of one row."),
    ],
    out: arg.PredictionsFile = None,
    candidate: arg.CandidateOption = None,
    strict: arg.Strict = False,
    csv_safe: arg.CsvSafe = False,
    events: arg.HeardEvents = False,
    observed: arg.Observed = False,
    threshold: arg.Threshold = None,
    beam: arg.Beam = None,
    separator: arg.Separator = None,
    header: arg.Header = None,
    encoding: arg.Encoding = None,
    quote: arg.Quote = None,
    missing: arg.Missing = None,
    not_missing: arg.NotMissing = None,
    formats: arg.FormatOption = None,
    sheet: arg.Sheet = None,
) -> None:
    """Answer for new rows of DATA."""
    from netpick.cli.answering import answered
    from netpick.cli.boxes import is_coco, predict_coco
    from netpick.cli.console import require_writable, write_table
    from netpick.cli.marked import is_marked, predict_marked
    from netpick.cli.masks import is_folder, predict_masks
    from netpick.cli.parsing import rows_given, told
    from netpick.saved.use import load

    folder = is_folder(out)
    require_writable(None if folder or is_marked(out) else out)
    loaded = told(load(model, candidate=candidate), locals())
    if out is not None and folder:
        return predict_masks(loaded, rows_given(data), out, strict=strict)
    if out is not None and is_coco(loaded, out):
        return predict_coco(loaded, rows_given(data), out, strict=strict)
    if out is not None and is_marked(out):
        return predict_marked(loaded, rows_given(data), out, strict=strict)
    table = answered(loaded, rows_given(data), events=events, observed=observed, strict=strict)
    if csv_safe:
        from netpick.saved.predictions import without_formulas

        table = without_formulas(table)
    write_table(table, out)
    if loaded.interval_words:
        print(loaded.interval_words, file=sys.stderr)


app.command()(generate)


@app.command()
def explain(
    model: arg.ModelArgument,
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A file, a folder, several images, or COLUMN=VALUE pairs of one row."),
    ],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("explanation.html"),
    rows: Annotated[int, typer.Option(min=1, max=20, help="Rows that are explained one by one.")] = 4,
    candidate: arg.CandidateOption = None,
    separator: arg.Separator = None,
    header: arg.Header = None,
    encoding: arg.Encoding = None,
    quote: arg.Quote = None,
    missing: arg.Missing = None,
    not_missing: arg.NotMissing = None,
    formats: arg.FormatOption = None,
    sheet: arg.Sheet = None,
) -> None:
    """Show what MODEL goes by on DATA, and where it errs, on a page that works offline."""
    from netpick.api.pages import write_explanation
    from netpick.cli.parsing import reading, rows_given

    given = reading(locals())
    print(write_explanation(model, rows_given(data), out, rows=rows, candidate=candidate, read=given))


@app.command()
def export(
    model: arg.ModelArgument,
    to: Annotated[
        str, typer.Option(help="Format: onnx; or keras, of a network that was imported from there.")
    ] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write (of keras: a file). Default: onnx, beside the model file.")
    ] = None,
    samples: Annotated[
        bool,
        typer.Option(
            "--samples",
            help="Of sounds: also write samples.onnx, which takes samples (log-mel frames are made inside).",
        ),
    ] = False,
    candidate: arg.CandidateOption = None,
) -> None:
    """Write MODEL as a graph that other runtimes run and that serves without torch, once its answers equal torch's."""
    from netpick.api.pages import write_export

    print(write_export(model, to, out, candidate=candidate, samples=samples))


@app.command()
def serve(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="Model files, run folders, or exported folders.")
    ],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(envvar="NETPICK_TOKEN", help="Answer nobody without it: Authorization: Bearer TOKEN."),
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Answer everyone, on another address too.")] = False,
    name: Annotated[
        list[str] | None, typer.Option(help="A name that this server is called by. May be repeated.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Another site whose pages may ask: https://example.org. May be repeated.")
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, torch or onnx. auto: onnx where MODEL was exported.")] = "auto",
    candidate: arg.CandidateOption = None,
    beam: arg.Beam = None,
    most_body: Annotated[str | None, typer.Option(help="Largest request, such as 20MB.")] = None,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Most rows of one CSV. Default: 200,000.")] = None,
    timeout: Annotated[str | None, typer.Option(help="Longest time for one answer, such as 30s.")] = None,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="A log line a request, without its data.")
    ] = False,
) -> None:
    """Serve MODEL as a web page and an HTTP API, on this machine alone unless said otherwise."""
    from netpick.contest.quantities import parse_bytes, parse_duration
    from netpick.serve.options import Limits, ServeOptions
    from netpick.serve.run import serve as run_server

    limits: dict[str, Any] = {}
    if most_body is not None:
        limits["body"] = parse_bytes(most_body)
    if max_rows is not None:
        limits["table_rows"] = max_rows
    if timeout is not None:
        limits["answer_seconds"] = parse_duration(timeout)
    options = ServeOptions(
        host=host,
        port=port,
        token=token,
        no_auth=no_auth,
        names=tuple(name or ()),
        origins=tuple(origin or ()),
        engine=engine,
        candidate=candidate,
        beam=beam,
        log_requests=log_requests,
        limits=Limits(**limits),
    )
    run_server(models, options, lambda line: print(shown(line), file=sys.stderr))


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    out: Annotated[
        Path | None, typer.Option(help="Page to write. Default: RUN/report.html; of several runs comparison.html.")
    ] = None,
) -> None:
    """Write the report of a finished run again; or put several runs on one page: scores on shared rows, curves, differences."""
    from netpick.api.pages import write_comparison, write_report

    if len(runs) == 1:
        print(shown(str(write_report(runs[0], out))))
    else:
        print(write_comparison(runs, out or Path("comparison.html")))


@app.command()
def board(
    folder: Annotated[Path, typer.Argument(help="A folder of runs, or one run.")] = Path("runs"),
    port: Annotated[int, typer.Option(help="Port on this machine; 0 for any that is free.")] = 8001,
) -> None:
    """Show the runs of FOLDER in a browser, with the curves of the one in progress. Reads only; Ctrl-C ends it."""
    from netpick.serve.board.serving import run_board
    from netpick.serve.options import ServeOptions

    run_board(folder, ServeOptions(port=port), lambda address: print(shown(address), flush=True))


app.command()(backbones)
app.command("import")(import_)
app.command()(doctor)


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="digits, iris, wine, breast_cancer or diabetes.")] = "digits",
    budget: arg.Budget = "20s",
    seed: arg.Seed = 0,
    out: arg.Out = None,
) -> None:
    """Do the main job on a data set that comes with scikit-learn."""
    from netpick.cli.demo import demo_data
    from netpick.cli.parsing import fit_options

    options = fit_options({"budget": budget, "seed": seed, "out": out}, STARTED)
    _fit(demo_data(name), replace(options, name=name))


def _fit(data: object, options: FitOptions) -> None:
    from netpick.api import run_fit
    from netpick.cli.console import Progress, show_run
    from netpick.training.stop import Stop

    stop = Stop()
    with stop.listening(), Progress(budget=options.budget if options.steps is None else None) as progress:
        run: Run = run_fit(data, options, progress, stop)
    show_run(run)


def main() -> NoReturn:
    """Runs the command line; every failure ends in one short paragraph and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that is not UTF-8 ends no run
    try:
        app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
        code = 0
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        code = exit_code(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
