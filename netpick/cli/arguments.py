"""What the commands take: the arguments and options that several of them share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
Target = Annotated[
    str | None, typer.Option(help="Column to predict; several: a,b,c. Default: detected (printed when the run starts).")
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="What is asked of a row, such as classify, regress or forecast; an unknown name lists all. Default: detected (printed when the run starts).",
    ),
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
        help="random, time:COLUMN (or time:year,month,day), group:COLUMN, or near-copies (at random, with near copies of texts, "
        "pictures, sounds and series kept together); a forecast: time:DATE,DATE (choosing begins, "
        "testing begins; a third date ends it). Default: detected (printed when the run starts).",
    ),
]
FoldsOption = Annotated[
    str | None,
    typer.Option(
        "--folds",
        help="Test every row once, in so many folds, with as many trainings, or in those that a column names; 1: a single test "
        "part. Default: 5 below 1,000 rows, "
        "unless --steps, --split, a budget below 30 s or a test part is given.",
    ),
]
CutOption = Annotated[
    int | None,
    typer.Option(
        "--cut",
        min=0,
        help="Consecutive rows of a table that form one example, such as steps of a sensor; 0: every row is one. Default: detected (printed when the run starts). Of "
        "long sounds: seconds of each window.",
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(help="Steps to forecast; asks for a forecast. Default: by the step (printed when the run starts)."),
]
ContextOption = Annotated[
    int | None,
    typer.Option(
        "--context", help="Steps before them that a network sees. Default: detected (printed when the run starts)."
    ),
]
Windows = Annotated[
    int | None,
    typer.Option(
        help="Origins from which a forecast is tested. Default: as many as the history allows (printed when the run starts)."
    ),
]
Every = Annotated[
    str | None,
    typer.Option(
        help="Step that the rows of a forecast are brought to: 15min, 1h, 1d, 1w, 1mo (their mean), 1d:sum, or auto. Default: rows are steps."
    ),
]
Point = Annotated[
    Literal["mean", "median"] | None,
    typer.Option(
        help="Point forecast: mean (squared errors decide) or median (absolute errors decide). Default: mean."
    ),
]
Quantiles = Annotated[
    str | None,
    typer.Option(help="Quantiles of a forecast: 0.05,0.5,0.95. Default: 0.1,0.5,0.9, called low, median and high."),
]
Observed = Annotated[
    bool,
    typer.Option(
        "--observed",
        help="Forecasts: list known steps beside the forecast made one step earlier, and mark those outside the interval.",
    ),
]
Known = Annotated[
    str | None,
    typer.Option(
        help="Columns whose future values are known: a,b. Default: those with values after the last known target."
    ),
]
Holidays = Annotated[
    str | None,
    typer.Option(
        help="Country whose public holidays a forecast knows: DE, DE-BY, US. Needs the extra netpick[holidays]."
    ),
]
HierarchyOption = Annotated[
    str | None,
    typer.Option(
        "--hierarchy",
        help="Levels whose sums are forecast too, from the largest down: region/shop. All forecasts then add up, by MinT; or region/shop:wls, "
        ":bottom-up, :top-down.",
    ),
]
TimeOption = Annotated[
    str | None,
    typer.Option("--time", help="Column that tells the time of a forecast, or year,month,day. Default: detected."),
]
Ids = Annotated[
    str | None, typer.Option("--id", help="Columns that tell the series of a forecast apart. Default: detected.")
]
LevelOption = Annotated[
    str | None,
    typer.Option(
        "--level",
        help="What the symbols of a text (--task next), of transcripts or of pairs of texts are: characters, bytes, words or pieces of words. Default: by size and content (printed when the run starts).",
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(
        help="Beginnings of a translation or transcript that are followed at once; 1: the likeliest symbol each time. Default: 4, of transcripts 8 where n-grams help."
    ),
]
Test = Annotated[
    str | None, typer.Option(help="A file with the test rows, or 'none' to ignore an existing test split.")
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
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="The metric that decides: f1, roc_auc, mae. Networks are stopped, chosen, compared and headlined by it. Default: by task and classes.",
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(help="Difference in the primary metric that does not matter to you: 0.01. Default: the metric's own."),
]
PreferOption = Annotated[
    str | None, typer.Option("--prefer", help="network: recommend a network even where a baseline is as good.")
]
Tune = Annotated[
    str | None,
    typer.Option(
        "--tune",
        metavar="WHAT",
        help='Search settings before the contest, within the budget: --tune alone, grid, 40 (trials of each family), or "mlp[width=64..512,'
        'dropout=0..0.5,activation=relu|silu]". Needs the extra netpick[tune].',
    ),
]
RecipeOption = Annotated[
    str | None, typer.Option("--recipe", help='How to train: "optimizer=muon,learning_rate=0.01,schedule=step".')
]
Drop = Annotated[str | None, typer.Option(help="Columns to leave out: a,b,c.")]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", help="What a column is: zip_code=category. May be repeated.")
]
LoudnessOption = Annotated[
    Literal["own", "kept"],
    typer.Option(
        "--loudness",
        help="Sounds: own (each is scaled to its own loudest moment) or kept (loudness carries information).",
    ),
]
RowsOption = Annotated[
    int | None,
    typer.Option(
        "--rows",
        help="Read a random sample of this many rows. Default: all; of media files, as many as can be read in a fifth of the budget.",
    ),
]
ImageSize = Annotated[str | None, typer.Option(help="Size that images are brought to: 64 or 96x64 (width x height).")]
Pretrained = Annotated[
    bool,
    typer.Option(
        "--pretrained",
        help="Beside each network also the same from weights that others have learned, where this machine has them (`netpick backbones`).",
    ),
]
Trials = Annotated[int, typer.Option(min=1, max=9, help="Learning-rate trials for every network.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workers = Annotated[
    int,
    typer.Option(min=1, help="Processes that train candidates side by side. With --steps the results are the same."),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads. Default: all cores.")]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        help="Memory for encoded data, such as 500MB; larger data are memory-mapped from disk. Default: half of what is free."
    ),
]
Separator = Annotated[
    str | None, typer.Option(help="Separator of cells. Default: detected (printed when the run starts).")
]
Header = Annotated[
    bool | None,
    typer.Option(help="Whether the first line names the columns. Default: detected (printed when the run starts)."),
]
Encoding = Annotated[
    str | None, typer.Option(help="Text encoding, such as utf-8. Default: detected (printed when the run starts).")
]
Quote = Annotated[str | None, typer.Option(help="Quote character. Default: detected (printed when the run starts).")]
Missing = Annotated[str | None, typer.Option(help="More texts that mean a missing value: -999,unknown.")]
PlanOption = Annotated[
    Path | None,
    typer.Option(help="plan.json of a finished run to make again: the same data and machine give the same bytes."),
]
NotMissing = Annotated[
    str | None,
    typer.Option("--not-missing", help="Texts that are values, although they usually mean missing: NA,None."),
]
Merge = Annotated[
    str | None,
    typer.Option(
        help="Columns in which values that differ only in case, spaces or Unicode form are the same: city,label."
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
    typer.Option("--strict", help="Refuse rows with cells that cannot be read as in training, instead of warning."),
]
LabelFrom = Annotated[
    str | None, typer.Option(help='What the names of files say: "{label}_{speaker}_{index}.wav" for 3_anna_12.wav.')
]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook. Default: the first that holds a table.")]
Prompt = Annotated[
    str,
    typer.Option(
        help="Text to continue; of music chords, or a CSV or MIDI file. Default: the beginning of a line or piece."
    ),
]
MusicFile = Annotated[
    Path | None, typer.Option(help="Music file to write, .mid or .wav; without an ending both are written.")
]
SyntheticOption = Annotated[
    str | None,
    typer.Option("--synthetic", help="A model of --task generate: do its rows beside the real ones help?"),
]
MadeRows = Annotated[int | None, typer.Option("--rows", help="Of a model of rows: how many to make up. Default: 100.")]
GivenValues = Annotated[
    list[str] | None,
    typer.Option("--given", help="COLUMN=VALUE that all made-up rows have. May be repeated."),
]
MadeFile = Annotated[
    Path | None,
    typer.Option("--out", help="File of made-up rows: .csv, .json or .parquet. Default: CSV on standard output."),
]
FramesOption = Annotated[
    bool | None,
    typer.Option(
        help="Whether folders of numbered pictures are clips. Default: detected (printed when the run starts)."
    ),
]

PredictionsFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="File to write: .csv, .json or .parquet; of masks a folder of PNGs as well; .json of boxes is COCO JSON; of tags .txt, .html and .conll are the marked text. Default: CSV on standard output.",
    ),
]
CsvSafe = Annotated[
    bool, typer.Option("--csv-safe", help="Put an apostrophe before texts that a spreadsheet would run as a formula.")
]
MaskFolder = Annotated[
    str | None,
    typer.Option("--masks", help="Folder in DATA that holds the masks of its images. Default: detected by names."),
]
ClassNames = Annotated[
    str | None,
    typer.Option(
        "--classes",
        help="File that names the classes of masks or of YOLO's boxes: a name a line, or name, value or name, red, green, blue.",
    ),
]
HeardEvents = Annotated[
    bool, typer.Option("--events", help="Of long recordings: what is heard when, a row an event between pauses.")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Probability from which a row is the second of two classes, or has a label. Default: as the contest chose it."
    ),
]
