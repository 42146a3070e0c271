"""What a model's rows and answers mean: what its description says, what the user says, and what is taken where neither does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from netpick.columns.encode import Encoder
from netpick.columns.kinds.image import ImageState
from netpick.columns.kinds.number import NumberState
from netpick.columns.kinds.series import SeriesState
from netpick.columns.kinds.text import TextState
from netpick.columns.kinds.token_readers import FIRST, MOST_TOKENS, Vocabulary
from netpick.errors import RequestError
from netpick.models.imported.graph import Node
from netpick.tasks import TASKS
from netpick.tasks.classify import MAX_CLASSES, ClassifyState
from netpick.tasks.multilabel import MultilabelState
from netpick.tasks.regress import RegressState

FORMS = ("image", "series", "table", "text")  # what --as takes
NUMBERS_APART = float(
    1 << 20
)  # that numbers of a table are stored as parts of: up to ten times that many are read as they are
MOST_VOCABULARY = 8 << 20  # bytes
SCALES = "255 (values 0 to 1), 1 (values 0 to 255), or -1..1"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user says of a model that its file does not."""

    form: str | None = None
    labels: tuple[str, ...] = ()
    scale: str | None = None
    shape: tuple[int, ...] = ()
    task: str | None = None
    columns: tuple[str, ...] = ()
    target: str | None = None
    vocabulary: Path | None = None
    zeros: str = "behind"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Encoders of its rows, and what else its opening needs; `remarks`: what was taken for granted, in sentences."""

    encoders: tuple[Encoder, ...]
    shape: tuple[int, ...]
    factor: float = 1.0
    mean: tuple[float, ...] = ()  # of the channels of pictures in 0..1
    std: tuple[float, ...] = ()
    remarks: tuple[str, ...] = field(default=())


def row_shape(stated: Sequence[int | None], wanted: Wanted) -> tuple[int, ...]:
    """The shape of a row. Raises RequestError where the file leaves it open, or what was said does not fit."""
    if not wanted.shape:
        if any(extent is None for extent in stated):
            said = ",".join("?" if extent is None else str(extent) for extent in stated)
            raise RequestError(
                f"The model reads rows of shape {said}. Say which size it is to read: --shape {said.replace('?', '100')}"
            )
        return tuple(extent for extent in stated if extent is not None)
    fits = len(stated) == len(wanted.shape) and all(
        s is None or s == w for s, w in zip(stated, wanted.shape, strict=False)
    )
    if not fits:
        said = ", ".join("any" if extent is None else str(extent) for extent in stated)
        raise RequestError(
            f"--shape {','.join(map(str, wanted.shape))} does not fit a model that reads rows of shape ({said})."
        )
    return wanted.shape


def meaning_of(shape: tuple[int, ...], nodes: Sequence[Node], wanted: Wanted) -> Meaning:
    """How rows are read. Raises RequestError for what does not fit the shape."""
    first = next((node for node in nodes if 0 in node.inputs), None)
    form = wanted.form or _form(shape, first, wanted)
    if form not in FORMS:
        raise RequestError(f"--as {form} is nothing that a row can be. Choose from: {', '.join(FORMS)}.")
    makers = {"image": _image, "series": _series, "table": _table, "text": _text}
    return makers[form](shape, first, wanted)


def _form(shape: tuple[int, ...], first: Node | None, wanted: Wanted) -> str:
    if wanted.vocabulary is not None:
        return "text"
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "image"
    if len(shape) == 2:
        return "series"
    if len(shape) == 1:
        return "table"
    raise RequestError(
        f"The model reads rows of shape {shape}, which could be several things. Say which: --as image, --as series or --as table"
    )


def _image(shape: tuple[int, ...], first: Node | None, wanted: Wanted) -> Meaning:
    if len(shape) == 2:
        height, width, channels = (*shape, 1)
    elif len(shape) == 3 and shape[-1] in (1, 3, 4):
        height, width, channels = shape
    else:
        raise RequestError(
            f"--as image does not fit a model that reads rows of shape {shape}: height, width, and 1, 3 or 4 channels are images."
        )
    scaled = first is not None and first.kind in ("Rescaling", "Normalization")
    scale = wanted.scale or ("1" if scaled else "255")
    if scale == "-1..1":
        mean, std, words = 0.5, 0.5, "values from -1 to 1"
    else:
        divisor = _divisor(scale)
        mean, std, words = 0.0, divisor / 255.0, f"values from 0 to {255 / divisor:g}"
    why = (
        "--scale says so"
        if wanted.scale
        else f"its first layer is {first.kind}"
        if scaled and first is not None
        else "nothing in it scales them"
    )
    kind = {1: "grey", 3: "colour"}.get(channels, "colour and alpha")
    remarks = (
        f"It reads {kind} images of {width} x {height} pixels, as {words} ({why}"
        + (")." if wanted.scale else f"; --scale {SCALES})."),
    )
    state = ImageState(shape=(channels, height, width), mean=(mean,) * channels, std=(std,) * channels)
    return Meaning(
        encoders=(Encoder(column="image", kind="image", state=state),),
        shape=shape,
        mean=state.mean,
        std=state.std,
        remarks=remarks,
    )


def _divisor(scale: str) -> float:
    try:
        value = float(scale)
    except ValueError:
        value = 0.0
    if not 1e-3 <= value <= 1e4:
        raise RequestError(
            f"--scale {scale} cannot be used. Pass the number that pixels of 0 to 255 are divided by: {SCALES}."
        )
    return value


def _series(shape: tuple[int, ...], first: Node | None, wanted: Wanted) -> Meaning:
    if len(shape) < 2 and first is not None and first.kind != "Reshape":
        raise RequestError(
            f"--as series does not fit a model that reads rows of shape {shape}: steps and channels are a series."
        )
    steps, channels = shape[0], prod(shape[1:])
    state = SeriesState(length=steps, mean=(0.0,) * channels, std=(1.0,) * channels, padded=False)
    remark = f"It reads series of exactly {steps} steps and {channels} channel{'s' * (channels != 1)}, on the scale that they come in."
    return Meaning(encoders=(Encoder(column="series", kind="series", state=state),), shape=shape, remarks=(remark,))


def _table(shape: tuple[int, ...], first: Node | None, wanted: Wanted) -> Meaning:
    count = prod(shape)
    if count > 20_000:
        raise RequestError(
            f"The model reads rows of {count:,} numbers, more than a table has columns. Say what they are: --as image or --as series"
        )
    names = wanted.columns or tuple(f"x{number}" for number in range(1, count + 1))
    if len(names) != count or len(set(names)) != count:
        raise RequestError(
            f"--columns names {len(set(names))} different columns, and the model reads {count} numbers a row."
        )
    state = NumberState(scaling="standard", quantiles=(), mean=0.0, std=NUMBERS_APART, flag_missing=False)
    remarks = [
        f"It reads the numbers of {count} columns as they are ({', '.join(names[:4])}{', ...' if count > 4 else ''})."
    ]
    if not wanted.columns:
        remarks.append("The columns are named by their order; --columns names them as your table does.")
    if first is not None and first.kind == "Embedding":
        remarks.append("They are numbers of words; --vocabulary FILE, a word a line, makes it read texts.")
    encoders = tuple(Encoder(column=name, kind="number", state=state) for name in names)
    return Meaning(encoders=encoders, shape=shape, factor=NUMBERS_APART, remarks=tuple(remarks))


def _text(shape: tuple[int, ...], first: Node | None, wanted: Wanted) -> Meaning:
    if len(shape) != 1 or first is None or first.kind != "Embedding":
        raise RequestError("--as text needs a model that begins with an Embedding of one row of numbers.")
    if wanted.vocabulary is None:
        raise RequestError(
            "The model reads numbers of words, and the file does not say which. Pass --vocabulary FILE: a word a line, line 0 for padding, 1 for unknown words."
        )
    words = read_vocabulary(wanted.vocabulary, int(first.options.get("input_dim", 0)))
    vocabulary = Vocabulary(reading="words", tokens=words)
    state = TextState(vocabulary=vocabulary, length=shape[0], share_cut=0.0, share_unknown=0.0)
    where = "in front of" if wanted.zeros == "before" else "behind"
    remark = f"It reads texts by words, in lower case: the {len(words):,} of {wanted.vocabulary.name}, the first {shape[0]} of a text; zeros stand {where} shorter ones."
    return Meaning(encoders=(Encoder(column="text", kind="text", state=state),), shape=shape, remarks=(remark,))


def read_vocabulary(path: Path, known: int) -> tuple[str, ...]:
    """Words by their numbers, from number 2 on. Raises RequestError."""
    try:
        if path.stat().st_size > MOST_VOCABULARY:
            raise RequestError(f"The vocabulary {path} has more than {MOST_VOCABULARY >> 20} MB.")
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The vocabulary {path} cannot be read: {error}.") from None
    lines = [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    words = tuple(lines[FIRST:])
    if len(lines) > known or len(words) > MOST_TOKENS:
        most = min(known, MOST_TOKENS + FIRST)
        raise RequestError(
            f"The vocabulary {path} has {len(lines):,} lines, and the model knows {most:,} numbers of words."
        )
    if not words or len(set(words)) != len(words) or not all(words):
        raise RequestError(
            f"The vocabulary {path} needs a word a line, each once: line 0 for padding, 1 for unknown words, then words."
        )
    return words


# --- answers ---------------------------------------------------------------------------------------------------------


def task_state(task: str, units: int, wanted: Wanted) -> tuple[Any, tuple[str, ...], str]:
    """The task's state, the names of its targets, and what was taken for granted. Raises RequestError."""
    answer = TASKS[task].answer
    count = max(2, units) if answer.one_class else units
    if count > MAX_CLASSES:
        raise RequestError(f"The model gives {count:,} values for a row, and at most {MAX_CLASSES:,} are read.")
    if wanted.labels and len(wanted.labels) != count:
        raise RequestError(
            f"--labels names {len(wanted.labels)}, and the model tells {count} apart. Name all, in the order of its outputs."
        )
    if len(set(wanted.labels)) != len(wanted.labels):
        raise RequestError("--labels names one of them twice.")
    numbered = tuple(str(number) for number in range(count))
    if answer.one_class:
        labels = wanted.labels or numbered
        state: Any = ClassifyState(
            labels=labels, variants={}, cells="integer" if all(map(_is_integer, labels)) else "text"
        )
        return (
            state,
            (wanted.target or "label",),
            ""
            if wanted.labels
            else f"Its classes are called {_few(labels)}; --labels names them, in the order of its outputs.",
        )
    if answer.any_labels:
        labels = wanted.labels or numbered
        return (
            MultilabelState(labels=labels, one_column=False, delimiter=""),
            labels,
            "" if wanted.labels else "--labels names what it answers.",
        )
    names = wanted.labels or (
        (wanted.target or "target",) if count == 1 else tuple(f"y{number}" for number in range(1, count + 1))
    )
    return (
        RegressState(names=names, mean=(0.0,) * count, std=(1.0,) * count),
        names,
        "" if wanted.labels else "--labels names the numbers that it answers.",
    )


def _is_integer(label: str) -> bool:
    return label.removeprefix("-").isdecimal() and str(int(label)) == label


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= 4 else f"{labels[0]}, {labels[1]}, ..., {labels[-1]}"
