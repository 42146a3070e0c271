"""The command line: parses, calls api, renders. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import time

STARTED = time.perf_counter()  # the clock of --budget counts from here, imports included

import io  # noqa: E402
import sys  # noqa: E402
from contextlib import suppress  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Annotated, Any, NoReturn  # noqa: E402

import typer  # noqa: E402

from netpick.errors import NetpickError, RequestError, printable, shown  # noqa: E402

if TYPE_CHECKING:
    from netpick.api import Run
    from netpick.contest.prepare import FitOptions

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Which neural network fits this data, can its score be believed, and how do I use it?",
)

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table (CSV, Parquet, JSON, Excel, ARFF, ...), a folder of images, sounds, clips or texts, a zip, .npz, IDX or .ts files.",
    ),
]
ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or the run folder that holds it.")]
CandidateOption = Annotated[
    str | None,
    typer.Option(
        help='Another candidate of the run than the recommended one: rnn, "boosted trees". MODEL is its folder.'
    ),
]
KeepOption = Annotated[
    str, typer.Option(help="all: the model of every candidate and baseline; best: the recommended one.")
]
Private = Annotated[
    bool,
    typer.Option(
        "--private", help="Keep training rows, rare words and categories, examples, paths and titles out of all files."
    ),
]
Target = Annotated[str | None, typer.Option(help="Column to predict; several: a,b,c. Default: inferred, and said.")]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="classify, multilabel, regress or forecast. Default: inferred, and said.")
]
Models = Annotated[
    str | None, typer.Option(help='Families or variants: "mlp,cnn[width=32],rnn[cell=gru]". Default: all that fit.')
]
LayersOption = Annotated[
    list[str] | None,
    typer.Option("--layers", help='A network spelled out: "conv 32 3 relu, maxpool 2, flatten, dense 64 relu".'),
]
Budget = Annotated[str | None, typer.Option(help="Time for the whole command, such as 60s or 5m. Default: 60s.")]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Steps per network instead of a budget: the same on every machine.")
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="random, time:COLUMN (or time:year,month,day) or group:COLUMN; a forecast: time:DATE,DATE (choosing begins, "
        "testing begins; a third date ends it). Default: inferred, and said.",
    ),
]
FoldsOption = Annotated[
    int | None,
    typer.Option(
        "--folds",
        help="Test every row once, in so many folds, with as many trainings; 1: a single test part. Default: 5 below 1,000 rows, "
        "unless --steps, --split, a budget below 30 s or a test part is given.",
    ),
]
Horizon = Annotated[
    int | None, typer.Option(help="Steps to forecast; asks for a forecast. Default: inferred from the step, and said.")
]
ContextOption = Annotated[
    int | None, typer.Option("--context", help="Steps before them that a network sees. Default: inferred, and said.")
]
Known = Annotated[str | None, typer.Option(help="Columns of a forecast that are known ahead, such as holidays: a,b.")]
TimeOption = Annotated[
    str | None,
    typer.Option("--time", help="Column that tells the time of a forecast, or year,month,day. Default: found."),
]
Ids = Annotated[
    str | None, typer.Option("--id", help="Columns that tell the series of a forecast apart. Default: found.")
]
Test = Annotated[
    str | None, typer.Option(help="A file with the test rows, or 'none' to leave a given test part aside.")
]
Seed = Annotated[int, typer.Option(help="Seed of the split, the weights and the order of rows.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the run; must not exist. Default: runs/NAME-NUMBER.")]
Accept = Annotated[str | None, typer.Option(help="Codes of severe findings to go on with: D002,D006.")]
Cost = Annotated[
    list[str] | None,
    typer.Option(
        help="What a mistake costs: fn=10 (missed positives) or fp=2 for two classes, 'cat>dog=5' (a cat called dog) for "
        "any, or a CSV file with a matrix. May be repeated."
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(help="Difference in the primary metric that does not matter to you: 0.01. Default: the metric's own."),
]
PreferOption = Annotated[
    str | None, typer.Option("--prefer", help="network: recommend a network even where a baseline is as good.")
]
RecipeOption = Annotated[
    str | None, typer.Option("--recipe", help='How to train: "optimizer=muon,learning_rate=0.01,schedule=step".')
]
Drop = Annotated[str | None, typer.Option(help="Columns to leave out: a,b,c.")]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", help="What a column is: zip_code=category. May be repeated.")
]
ImageSize = Annotated[str | None, typer.Option(help="Size that images are brought to: 64 or 96x64 (width x height).")]
Trials = Annotated[int, typer.Option(min=1, max=9, help="Learning-rate trials for every network.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workers = Annotated[
    int,
    typer.Option(min=1, help="Processes that train candidates side by side. With --steps the results are the same."),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads. Default: all cores.")]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Memory for encoded data, such as 500MB; above, it lies on disk.")
]
Separator = Annotated[str | None, typer.Option(help="Separator of cells. Default: detected, and said.")]
Header = Annotated[
    bool | None, typer.Option(help="Whether the first line names the columns. Default: detected, and said.")
]
Encoding = Annotated[str | None, typer.Option(help="Text encoding, such as utf-8. Default: detected, and said.")]
Quote = Annotated[str | None, typer.Option(help="Quote character. Default: detected, and said.")]
Missing = Annotated[str | None, typer.Option(help="Further texts that mean a missing cell: -999,unknown.")]
PlanOption = Annotated[
    Path | None,
    typer.Option(help="plan.json of a finished run to make again: the same data and machine give the same bytes."),
]
NotMissing = Annotated[
    str | None, typer.Option("--not-missing", help="Texts that are values although they look missing: NA,None.")
]
Merge = Annotated[
    str | None,
    typer.Option(
        help="Columns in which values that differ in case, blanks or Unicode forms alone are one: city,label."
    ),
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help='How the cells of a column are written: price="1.234,56", day=%d/%m/%y, time=unix. May be repeated. '
        "Default: detected (printed when the run starts).",
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse rows with cells that are not written as in training, instead of warning."),
]
LabelFrom = Annotated[
    str | None, typer.Option(help='What the names of files say: "{label}_{speaker}_{index}.wav" for 3_anna_12.wav.')
]
FramesOption = Annotated[
    bool | None, typer.Option(help="Whether folders of numbered pictures are clips. Default: detected, and said.")
]


@app.command()
def fit(
    data: DataArgument,
    target: Target = None,
    task: TaskOption = None,
    models: Models = None,
    layers: LayersOption = None,
    budget: Budget = None,
    steps: Steps = None,
    split: SplitOption = None,
    folds: FoldsOption = None,
    test: Test = None,
    horizon: Horizon = None,
    context: ContextOption = None,
    known: Known = None,
    time: TimeOption = None,
    ids: Ids = None,
    seed: Seed = 0,
    out: Out = None,
    accept: Accept = None,
    cost: Cost = None,
    margin: Margin = None,
    prefer: PreferOption = None,
    recipe: RecipeOption = None,
    drop: Drop = None,
    kind: KindOption = None,
    image_size: ImageSize = None,
    trials: Trials = 1,
    keep: KeepOption = "all",
    private: Private = False,
    plan: PlanOption = None,
    device: Device = "auto",
    threads: Threads = None,
    workers: Workers = 1,
    memory_limit: MemoryLimit = None,
    separator: Separator = None,
    header: Header = None,
    encoding: Encoding = None,
    quote: Quote = None,
    missing: Missing = None,
    not_missing: NotMissing = None,
    merge: Merge = None,
    formats: FormatOption = None,
    label_from: LabelFrom = None,
    frames: FramesOption = None,
) -> None:
    """Train the networks that fit DATA next to plain baselines; say which one to use, and whether to believe it."""
    options = _options(locals())
    _fit(data, options)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="The folder of an interrupted run.", metavar="RUN")],
) -> None:
    """Go on where an interrupted run stopped; what comes out is what it would have been without the interruption."""
    from netpick.api import run_resume
    from netpick.cli.console import Progress, show_run
    from netpick.training.stop import Stop

    stop = Stop()
    with stop.listening(), Progress() as progress:
        finished = run_resume(run, progress, stop=stop)
    show_run(finished)


@app.command()
def look(
    data: DataArgument,
    target: Target = None,
    task: TaskOption = None,
    split: SplitOption = None,
    folds: FoldsOption = None,
    test: Test = None,
    horizon: Horizon = None,
    context: ContextOption = None,
    known: Known = None,
    time: TimeOption = None,
    ids: Ids = None,
    drop: Drop = None,
    kind: KindOption = None,
    image_size: ImageSize = None,
    separator: Separator = None,
    header: Header = None,
    encoding: Encoding = None,
    quote: Quote = None,
    missing: Missing = None,
    not_missing: NotMissing = None,
    merge: Merge = None,
    formats: FormatOption = None,
    label_from: LabelFrom = None,
    frames: FramesOption = None,
) -> None:
    """Say what DATA is, what is wrong with it, and which networks would fit; train nothing."""
    from netpick.cli.console import Progress, show_look
    from netpick.contest.prepare import prepare

    options = _options({**locals(), "accept": "all"})
    with Progress() as progress:
        prepared = prepare(data, options, progress)
    show_look(prepared)


@app.command()
def score(
    model: ModelArgument,
    data: DataArgument,
    candidate: CandidateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Strict = False,
) -> None:
    """Evaluate MODEL on labelled DATA: every metric with n and a 95 % interval."""
    from netpick.cli.console import show_scores, show_unlike
    from netpick.saved.use import heeded, load

    loaded = load(model, candidate=candidate)
    source = loaded.read(data, labelled=True)
    show_unlike(source)
    show_scores(loaded.score(heeded(source, strict=strict)), as_json=as_json)


@app.command()
def predict(
    model: ModelArgument,
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A file, a folder, several images, or COLUMN=VALUE pairs of one row."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv, .json or .parquet. Default: CSV on standard output.")
    ] = None,
    candidate: CandidateOption = None,
    strict: Strict = False,
    csv_safe: Annotated[
        bool,
        typer.Option("--csv-safe", help="Put an apostrophe before texts that a spreadsheet would run as a formula."),
    ] = False,
) -> None:
    """Answer for new rows of DATA."""
    from netpick.cli.console import show_unlike, write_table
    from netpick.saved.use import heeded, load

    if out is not None and out.suffix.lower() not in (".csv", ".json", ".parquet"):
        raise RequestError(
            f"{out} cannot be written: its ending is unknown. Pass a name that ends in .csv, .json or .parquet."
        )
    loaded = load(model, candidate=candidate)
    source = loaded.read(_rows_of(data))
    show_unlike(source)
    table = loaded.predict(heeded(source, strict=strict))
    if csv_safe:
        from netpick.saved.predictions import without_formulas

        table = without_formulas(table)
    write_table(table, out)
    if loaded.interval_words:
        print(loaded.interval_words, file=sys.stderr)


@app.command()
def explain(
    model: ModelArgument,
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A file, a folder, several images, or COLUMN=VALUE pairs of one row."),
    ],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("explanation.html"),
    rows: Annotated[int, typer.Option(min=1, max=20, help="Rows that are explained one by one.")] = 4,
    candidate: CandidateOption = None,
) -> None:
    """Show what MODEL goes by on DATA, and where it errs, on a page that works offline."""
    from netpick.api import write_explanation

    print(write_explanation(model, _rows_of(data), out, rows=rows, candidate=candidate))


@app.command()
def export(
    model: ModelArgument,
    to: Annotated[str, typer.Option(help="Format: onnx.")] = "onnx",
    out: Annotated[Path | None, typer.Option(help="Folder to write. Default: onnx, beside the model file.")] = None,
    candidate: CandidateOption = None,
) -> None:
    """Write MODEL as a graph that other runtimes run and that serves without torch, once its answers equal torch's."""
    from netpick.api import write_export

    print(write_export(model, to, out, candidate=candidate))


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
    candidate: CandidateOption = None,
    most_body: Annotated[str | None, typer.Option(help="Largest request, such as 20MB.")] = None,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Most rows of one CSV. Default: 200,000.")] = None,
    timeout: Annotated[str | None, typer.Option(help="Longest time for one answer, such as 30s.")] = None,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="A log line a request, without its data.")
    ] = False,
) -> None:
    """Serve MODEL as a web page and an HTTP API, on this machine alone unless said otherwise."""
    from netpick.api import parse_duration
    from netpick.serve.options import Limits, ServeOptions
    from netpick.serve.run import serve as run_server

    given: dict[str, Any] = {}
    if most_body is not None:
        given["body"] = _bytes(most_body)
    if max_rows is not None:
        given["table_rows"] = max_rows
    if timeout is not None:
        given["answer_seconds"] = parse_duration(timeout)
    options = ServeOptions(
        host=host,
        port=port,
        token=token,
        no_auth=no_auth,
        names=tuple(name or ()),
        origins=tuple(origin or ()),
        engine=engine,
        candidate=candidate,
        log_requests=log_requests,
        limits=Limits(**given),
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
    from netpick.api import write_comparison, write_report

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


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="digits, iris, wine, breast_cancer or diabetes.")] = "digits",
    budget: Budget = "20s",
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Do the main job on a data set that comes with scikit-learn."""
    from netpick.cli.demo import demo_data

    options = _options({"budget": budget, "seed": seed, "out": out})
    _fit(demo_data(name), replace(options, name=name))


def _fit(data: object, options: FitOptions) -> None:
    from netpick.api import run_fit
    from netpick.cli.console import Progress, show_run
    from netpick.training.stop import Stop

    stop = Stop()
    with stop.listening(), Progress(budget=options.budget if options.steps is None else None) as progress:
        run: Run = run_fit(data, options, progress, stop)
    show_run(run)


READ_KEYS = ("separator", "header", "encoding", "quote", "label_from", "frames")


def _options(given: dict[str, Any]) -> FitOptions:
    """FitOptions from the command line's words; every default stands in FitOptions, not here."""
    from netpick.api import parse_duration
    from netpick.contest.prepare import FitOptions
    from netpick.data.sources.base import ReadOptions

    said = {key: value for key, value in given.items() if value is not None}
    read: dict[str, Any] = {key: said[key] for key in READ_KEYS if key in said}
    if "separator" in read:
        read["separator"] = {"\\t": "\t", "tab": "\t"}.get(read["separator"], read["separator"])
    for key in ("missing", "not_missing", "merge"):
        if key in said:
            read[key] = _names(said[key])
    if "formats" in said:
        read["formats"] = tuple(_pair(text, "--format COLUMN=EXAMPLE") for text in said["formats"])
    if said.get("test") == "none":
        read["find_test"] = False
        del said["test"]
    options: dict[str, Any] = {
        key: said[key]
        for key in (
            *(
                "task",
                "models",
                "steps",
                "split",
                "folds",
                "test",
                "seed",
                "out",
                "recipe",
                "device",
                "threads",
                "workers",
                "trials",
            ),
            *("horizon", "context", "keep", "margin", "prefer", "private"),
        )
        if key in said
    }
    for key in ("target", "drop", "accept", "known", "time", "ids"):
        if key in said:
            options[key] = _names(said[key])
    if "plan" in said:
        options["plan"] = str(said["plan"].absolute())
    if "layers" in said:
        options["layers"] = tuple(said["layers"])
    if "kind" in said:
        options["kinds"] = tuple(_pair(text, "--kind COLUMN=KIND") for text in said["kind"])
    if "cost" in said:
        from netpick.answers.compare.costs import read_cost_words

        options["cost"] = read_cost_words(said["cost"])
    if "budget" in said:
        options["budget"] = parse_duration(said["budget"])
    if "image_size" in said:
        options["image_size"] = _size(said["image_size"])
    if "memory_limit" in said:
        options["memory_limit"] = _bytes(said["memory_limit"])
    command = " ".join(["netpick", *sys.argv[1:]])
    return FitOptions(**options, read=ReadOptions(**read), command=command, started=STARTED)


def _rows_of(data: list[str]) -> Any:
    """One path, several, or the cells of one row."""
    if all("=" in item and not Path(item).exists() for item in data):
        return dict(item.split("=", 1) for item in data)
    return data[0] if len(data) == 1 else data


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pair(text: str, expected: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left or not right:
        raise RequestError(f"'{text}' cannot be read. Expected {expected}.")
    return left.strip(), right.strip()


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().replace("*", "x").split("x")
    try:
        width, height = int(parts[0]), int(parts[-1])
    except ValueError:
        width = height = 0
    if len(parts) > 2 or not (4 <= width <= 1024 and 4 <= height <= 1024):
        raise RequestError(
            f"An image size of '{text}' cannot be used. Pass 4 to 1024 pixels, such as 64 or 96x64 (width x height)."
        )
    return height, width


def _bytes(text: str) -> int:
    units = {"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9}
    number = text.strip().lower().rstrip("bkmg ")
    try:
        return int(float(number) * units[text.strip().lower()[len(number) :].strip()])
    except (ValueError, KeyError):
        raise RequestError(f"A memory limit of '{text}' cannot be read. Pass a size such as 500MB or 2GB.") from None


def main() -> NoReturn:
    """Runs the command line; every failure ends in one short paragraph and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that is not UTF-8 ends no run
    try:
        app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
        code = 0
    except NetpickError as error:
        code = _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _say("Stopped.", 4)
    except OSError as error:
        code = _os_error(error)
    except SystemExit as error:  # how click ends for a closed pipe
        code = _os_error(error.__context__) if isinstance(error.__context__, OSError) else int(error.code or 0)
    except Exception as error:
        code = _other(error)
    sys.exit(code)


def _os_error(error: OSError) -> int:
    import errno
    import os

    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return _say(f"The disk is full{where}. Free some space, or pass --out on another disk, and run it again.", 2)
    if error.errno == errno.EPIPE:  # the reader of our output had enough
        with suppress(OSError, ValueError):  # what is still to be flushed goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return _say(f"The system refused: {error.strerror or error}{where}. Check the path and its permissions.", 2)


def _other(error: Exception) -> int:
    usage_error = typer.BadParameter.__mro__[1]  # typer gives no public name to these two
    click_exception = typer.BadParameter.__mro__[2]
    if isinstance(error, typer.Exit):
        return int(error.exit_code)
    if isinstance(error, typer.Abort):
        return _say("Stopped.", 4)
    if isinstance(error, click_exception):
        context = error.ctx if isinstance(error, usage_error) else None  # type: ignore[attr-defined]
        usage = f"{context.command_path} --help" if context else "netpick --help"
        return _say(f"{error.format_message()} See `{usage}`.", 2)  # type: ignore[attr-defined]
    import traceback

    traceback.print_exc()
    return _say(f"This is a bug in netpick ({type(error).__name__}). Please report it with the lines above.", 1)


def _say(text: str, code: int) -> int:
    with suppress(OSError):  # what we print to may lie on the full disk that we tell of
        print(f"netpick: {printable(text)}" if code else text, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
