"""The frozen values that cross stages.

Nothing here computes: a stage takes some of these and returns others. Arrays are numpy, tables are polars; torch is not
imported here, so that reading data and rendering reports stay light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass as settings_dataclass

Rows = npt.NDArray[np.int64]
Array = npt.NDArray[Any]
Form = Literal[
    "vector",
    "codes",
    "tokens",
    "series",
    "grid",
    "spectrogram",
    "clip",
    "window",
    "stream",
    "speech",
    "pair",
    "words",
    "chords",
    "scene",
    "objects",
    "record",
]
Media = Literal["image", "audio", "clip", "scene", "mask"]
Severity = Literal["info", "warning", "severe"]
Role = Literal["feature", "target", "left_out", "group", "time"]

TRAIN, VALIDATION, TEST, UNASSIGNED = 0, 1, 2, -1

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


# --- what is read ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something that was detected or inferred, and the option that overrides it (None when nothing can)."""

    subject: str
    text: str
    override: str | None = None
    cells: Mapping[str, int] = field(default_factory=dict)  # of columns in which it is about some cells, how many


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column of a table: cells as polars read them (text stays text; kinds decide what it means)."""

    name: str
    values: Any  # polars.Series

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """A column whose cells are files (or folders of frames), in a folder or inside a zip, named relative to `root`."""

    name: str
    root: Path  # a folder, or the zip file
    paths: Sequence[str]  # relative to the folder, or member names of the zip
    in_zip: bool = False
    kind: Media = "image"
    spans: Sequence[tuple[float, float]] | None = (
        None  # of sounds: from which second to which each is read; None: from its beginning
    )
    longest: int | None = None  # of scenes: pixels of the longest side that they are brought to; None: their own size

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, kw_only=True)
class ArrayColumn:
    """A column of equally shaped arrays: images (N, C, H, W) uint8, series (N, T, C) float32, sounds as log-mel frames
    (N, T, F) uint8, clips (N, T, C, H, W) uint8; series and sounds are zero-padded.

    `lengths` (N,) gives the valid steps of each row when they differ. NaN in a series is a missing value. `decoding` says
    how files became values; a kind keeps it, so that new files are decoded alike. Scenes (N, C, H, W) and masks (N, H, W)
    lie at the top left of the array: `sizes` (N, 2) are height and width there, `own` (N, 2) those of the files.
    """

    name: str
    values: Array
    kind: Literal["image", "series", "audio", "clip", "scene", "mask"]
    lengths: npt.NDArray[np.int32] | None = None
    sizes: npt.NDArray[np.int32] | None = None
    own: npt.NDArray[np.int32] | None = None
    decoding: Mapping[str, Any] = field(default_factory=dict)
    formats: Sequence[str] | None = None  # what each row's file was, such as "WAV 16 bit, 8,000 Hz"

    def __len__(self) -> int:
        return len(self.values)


Column = TableColumn | FileColumn | ArrayColumn


@dataclass(frozen=True, kw_only=True)
class UnreadableRow:
    """A row whose file could not be decoded."""

    row: int
    path: str
    reason: str


@settings_dataclass(config=STRICT, kw_only=True)
class CellFormat:
    """How the cells of a column of text are written: a name in FORMATS, what was found, and the same in words."""

    way: str
    state: dict[str, Any]
    words: str


MOST_WINDOW = 1 << 16  # steps


@settings_dataclass(config=STRICT, kw_only=True)
class Cut:
    """How a table of steps became windows: of these columns, so many steps each, of one value in the columns `apart`."""

    channels: tuple[str, ...] = PydanticField(min_length=1)
    steps: int = PydanticField(ge=2, le=MOST_WINDOW)
    apart: tuple[str, ...] = ()


@settings_dataclass(config=STRICT, kw_only=True)
class Parts:
    """Columns of a table whose rows are parts of recordings: the file, the second where a part begins, and where it ends."""

    file: str
    start: str
    end: str
    lasts: bool = False  # whether `end` says how long a part is


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows to learn from: named columns of equal length, and what the layout says about target and split."""

    name: str  # short name for titles and file names: "adult_train"
    origin: str  # what the user gave: a path, "DataFrame", "arrays"
    layout: str  # the reader's name: "csv", "image_folder", "idx", "ts", ...
    columns: Mapping[str, Column]
    num_rows: int
    fingerprint: str  # hex SHA-256, stable for the same data
    target: str | None = None  # the column that the layout says is the target (class folders, IDX labels, .ts classes)
    groups: Sequence[str] = ()  # columns that the layout says name things that come again: who is speaking
    aside: Sequence[str] = ()  # columns that names of files say, which rows may be split by and are never learned from
    given_split: npt.NDArray[np.int8] | None = None  # (N,) of TRAIN / VALIDATION / TEST, UNASSIGNED where not said
    part_column: str | None = None  # the column that says so
    notes: Sequence[Note] = ()
    unreadable: Sequence[UnreadableRow] = ()
    row_names: Sequence[str] | None = None  # how a person would name a row (a file's path); else row numbers
    not_read: Mapping[str, str] = field(default_factory=dict)  # columns that are there, and what they hold
    formats: Mapping[str, CellFormat] = field(
        default_factory=dict
    )  # how columns of text were written that are no text any more
    strays: Mapping[str, Sequence[tuple[int, str]]] = field(
        default_factory=dict
    )  # their cells that are written otherwise
    missing_words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # read as missing, by column
    tokens: str | None = None  # the column whose cells are words parted by blanks, each with a tag in `target`
    running: str | None = None  # the column whose rows are the lines of a text, in their order
    apart: bool = False  # each of these lines is a text of its own, such as a name
    music: str | None = None  # the column whose cells are pieces of music, a chord a line
    spoken: str | None = None  # the column that holds what is said in the sounds, where the layout says so
    masks: Sequence[str] = ()  # columns of masks that say what is where in the pictures: one, or one a class
    legend: Mapping[int, str] = field(default_factory=dict)  # names of the masks' values, where the layout says them
    objects: str | None = (
        None  # the column that holds what is in the pictures, and boxes around it: see types/objects.py
    )
    pairs: bool = False  # two of its columns are the same in two ways: sentences in two languages
    separator: str = ""  # of the cells of a delimited file
    cut: Cut | None = None  # of a table of steps whose rows are windows now
    parts: Parts | None = None  # of a table whose rows are parts of recordings


# --- what it means ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column's meaning."""

    name: str
    kind: str | None  # a name in KINDS; None when left out
    role: Role
    reason: str  # why this kind, or why left out, in words
    num_missing: int
    num_distinct: int
    examples: Sequence[str] = ()
    stray: Sequence[tuple[int, str]] = ()  # cells that do not fit the kind: (row, text), read as missing
    explicit: bool = False  # that it is an input was said, or is what such a table is about


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What every column is, which ones are the target, and which task follows."""

    fields: Sequence[Field]
    task: str  # a name in TASKS
    notes: Sequence[Note] = ()

    @property
    def features(self) -> list[Field]:
        return [f for f in self.fields if f.role == "feature"]

    @property
    def targets(self) -> list[Field]:
        return [f for f in self.fields if f.role == "target"]


@settings_dataclass(config=STRICT, kw_only=True)
class InputSpec:
    """One input of a network, without the batch dimension.

    vector: shape (F,). codes: shape (K,), cardinalities per column; 0 means missing or never seen. tokens: shape (T,), one
    cardinality, padded; 0 is padding, 1 unknown. series: shape (T, C), `padded` when lengths differ. grid: shape (C, H, W),
    uint8 with mean and std per channel in 0..1 for normalising. spectrogram: shape (T, F), uint8, padded, mean and std per
    band F. clip: shape (T, C, H, W), uint8, mean and std per channel. window: shape (T, C) of a forecast, its V targets
    first, with `ahead` = (V, H steps ahead, steps of a season), and for some (..., 1 where a column behind the targets is 1 from where
    the series began and 0 before, 1 where the targets are amounts: what moves them does so in proportion to their level).
    stream: shape (C + 1 + T,), one cardinality: C symbols before a block and the one that it follows, then its T, 0 where there
    is none; `ahead` = (1, T, 1 where lines start anew). speech: as spectrogram, with a frame every 10 ms; `ahead` = (1, frames that a network
    reads as one).
    pair: shape (S + T,), one cardinality: S symbols of a source, then T of its target, 0 where there is none; `ahead` = (1, S, T, how
    long targets are, what they repeat: see Limits in answers/decoding.py).
    words: shape (T, K + L), a cardinality of each column, padded: K facts about each word of a sentence as numbers, then L of its letters;
    `ahead` = (1, K).
    chords: shape (C + T, V), one cardinality: C chords before a block of a piece, then its T, a number for each of V voices, 0 where there is
    none; `ahead` = (1, T). Columns are counted from the beginning of a bar.
    scene: shape (C, H, W) of the largest picture of training, uint8, mean and std per channel; pictures have sizes of their own, and new ones
    may be larger; `ahead` = (1, pixels of a side of the square that is learned from at once).
    record: shape (K,), a cardinality of each of K columns in their order: all cells of a row as codes, of rows that are made up; `ahead` =
    of each 1 where a larger code is a larger value, and 2 more where cells may be missing.
    objects: as scene, of pictures in which objects are found; they are learned from whole.
    """

    form: Form
    shape: tuple[int, ...]
    cardinalities: tuple[int, ...] = ()
    padded: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    names: tuple[str, ...] = ()  # names of the F or K columns, or C channels
    ahead: tuple[int, ...] = ()  # of a window, a stream, speech, a pair, words, chords or a scene


Inputs = Mapping[str, InputSpec]  # by input name: the form, or "form:COLUMN" for a second column of a rich form


@dataclass(frozen=True, kw_only=True)
class Split:
    """Row numbers of the parts. `test` is only to be read through SealedRows.open (see split.py)."""

    train: Rows
    validation: Rows
    test: Rows
    sentence: str  # how and why, in one sentence
    method: Literal["given", "time", "group", "random", "none"]
    override: str | None = "--split"
    folds: int = 1  # in which the test rows were tested, each once, by models that did not learn from it
    by: str = ""  # the column whose groups are kept together, or whose values are the folds
    validation_given: bool = False  # by the data themselves: these rows are chosen on and never learned from


MOST_HASHES = 100_000  # characters of the kept hashes of a part


@settings_dataclass(config=STRICT, kw_only=True)
class PartOfRows:
    """Hashes of the rows of one part, cut to `bits` bits: 32-bit little-endian numbers in base64 (see learned.py)."""

    rows: Annotated[int, PydanticField(ge=0)]
    bits: Annotated[int, PydanticField(ge=1, le=32)]
    hashes: Annotated[str, PydanticField(max_length=MOST_HASHES)]


@settings_dataclass(config=STRICT, kw_only=True)
class LearnedRows:
    """The fingerprint of the rows that a model learned from and was chosen on."""

    train: PartOfRows
    validation: PartOfRows
    by_chance: Annotated[float, PydanticField(ge=0)] = (
        0.0  # share of rows never seen that equal one that was learned from
    )


# --- findings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A coded observation about data, training or results."""

    code: str
    severity: Severity
    title: str
    evidence: str  # which rows, which column, how much
    advice: str  # what to do
    clause: str = ""  # the finding in a headline, where it can be severe: "23% of the test images are near copies ..."
    columns: Sequence[str] = ()
    rows: Sequence[int] = ()  # at most a few dozen examples


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What became of one check. That it does not apply is not that it passed."""

    code: str
    title: str
    outcome: Literal["found", "passed", "does not apply"]


# --- progress --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of progress. `stage` is a pipeline stage; `data` is JSON-ready."""

    stage: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


class OnEvent(Protocol):
    """Receives progress; returns nothing. Stages never print."""

    def __call__(self, event: Event, /) -> None: ...
