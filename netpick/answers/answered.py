"""What models say about rows, typed by what is answered: a class, several labels, numbers, the steps of a horizon, symbols, notes, a text, tags,
or a class for each pixel.

Answers (answers/) make these values of a model's outputs; metrics, comparisons, reports and servers read them.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from netpick.columns.batches import joined as filled_up
from netpick.types import Array
from netpick.types.results import Answered

Floats = npt.NDArray[np.float64]
A = TypeVar("A", bound=Answered)


@dataclass(frozen=True, kw_only=True)
class AnsweredChances(Answered, ABC):
    """Probabilities of named outcomes."""

    averaged: ClassVar[tuple[str, ...]] = ("probabilities",)
    own: ClassVar[tuple[str, ...]] = ("uncalibrated",)
    probabilities: Floats  # (n, K)
    uncalibrated: Floats | None = None  # as the model states them, where calibration changed them

    @property
    def stated(self) -> Floats:
        return self.probabilities


@dataclass(frozen=True, kw_only=True)
class AnsweredClasses(AnsweredChances):
    """Probabilities (n, K) of exclusive classes, which sum to 1."""

    thresholds: Floats | None = None  # (n,) that each row is decided by, where folds have their own


@dataclass(frozen=True, kw_only=True)
class AnsweredLabels(AnsweredChances):
    """Probabilities (n, L) of labels, each by itself."""


@dataclass(frozen=True, kw_only=True)
class AnsweredQuantities(Answered, ABC):
    """Numbers in the units of the target."""

    averaged: ClassVar[tuple[str, ...]] = ("values",)
    values: Floats  # (n, T)

    @property
    def stated(self) -> Floats:
        return self.values


@dataclass(frozen=True, kw_only=True)
class AnsweredNumbers(AnsweredQuantities):
    """Numbers (n, T), with the ends of their intervals; None where too few rows say how wide an interval is."""

    own: ClassVar[tuple[str, ...]] = ("low", "high")
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class AnsweredHorizon(AnsweredQuantities):
    """The next H steps of V targets, step by step (n, H * V), and what scale-free metrics divide by."""

    averaged: ClassVar[tuple[str, ...]] = ("values", "quantiles", "chosen")
    quantiles: Floats | None = None  # (n, H * V, 3) of 10, 50 and 90 %
    chosen: Floats | None = None  # (n, H * V, K) of the levels that were asked for, where any were
    levels: Floats | None = None  # (n, K), the same in every row
    naive: Floats | None = None  # (n, V), seasonal naive error of the row's series in training
    deviation: Floats | None = None  # (n, V), standard deviation of the row's series in training
    seasonal: Floats | None = None  # (n, H * V), what repeating the last season says, where that is compared with

    @property
    def stated_quantiles(self) -> tuple[tuple[float, ...], Floats | None]:
        """The levels that were asked for, () where none were, and the quantiles that tables show and losses count."""
        if self.chosen is None or self.levels is None or not len(self.levels):
            return (), self.quantiles
        return tuple(self.levels[0].tolist()), self.chosen


@dataclass(frozen=True, kw_only=True)
class AnsweredCame(Answered, ABC):
    """What came, one after another: the probability that each had (n, ...), 1 where there is none, and its rank among all."""

    averaged: ClassVar[tuple[str, ...]] = ("chances",)
    own: ClassVar[tuple[str, ...]] = ("ranks",)
    chances: Floats
    ranks: Floats | None = None  # 1 for the likeliest, 0 where there is none; of a blend nobody's

    @property
    def stated(self) -> Floats:
        return self.chances


@dataclass(frozen=True, kw_only=True)
class AnsweredSymbols(AnsweredCame):
    """Blocks of T symbols (n, T)."""


@dataclass(frozen=True, kw_only=True)
class AnsweredNotes(AnsweredCame):
    """Blocks of T chords of V notes (n, T, V), and what was guessed in their place without being told any note of the chord."""

    own: ClassVar[tuple[str, ...]] = ("ranks", "guesses")
    guesses: Floats | None = None  # numbers of notes, 0 where there is none; of a blend nobody's


@dataclass(frozen=True, kw_only=True)
class AnsweredTexts(Answered):
    """A text a row, as the code points of its characters (n, L), 0 behind its end: see `codes_of`."""

    averaged: ClassVar[tuple[str, ...]] = ()  # nothing lies between two texts
    codes: npt.NDArray[np.int32]

    @property
    def stated(self) -> Floats:
        return self.codes.astype(np.float64)

    @property
    def texts(self) -> list[str]:
        """The texts, in the order of the rows."""
        return texts_of(self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def finite(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class AnsweredTranscripts(AnsweredTexts):
    """What is said in recordings."""


@dataclass(frozen=True, kw_only=True)
class AnsweredTranslations(AnsweredTexts):
    """A text for a text."""


NO_TEXT = -1  # the first code point of a row that has no text at all
END_OF_TEXT = 0  # a code point that no text holds: see `codes_of`


def codes_of(texts: Sequence[str | None]) -> npt.NDArray[np.int32]:
    """Texts as code points (n, L) of their characters, one column at least: they lie in files of arrays, where strings cannot."""
    lengths = [len(text or "") for text in texts]
    codes = np.zeros((len(texts), max([1, *lengths])), dtype=np.int32)
    for row, text in enumerate(texts):
        if text is None:
            codes[row, 0] = NO_TEXT
        elif text:
            plain = text.replace("\0", " ")
            codes[row, : len(plain)] = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype="<i4")
    return codes


def texts_of(codes: Array) -> list[str]:
    """The inverse of `codes_of`; a row without a text gives an empty one. What is no character is read as a question mark."""
    whole = np.asarray(codes, dtype=np.int64)
    known = np.where((whole >= 0) & (whole <= 0x10FFFF) & ((whole < 0xD800) | (whole > 0xDFFF)), whole, ord("?"))
    made = []
    for row, points in zip(whole, known.astype("<u4"), strict=True):
        ends = np.flatnonzero((row == END_OF_TEXT) | (row == NO_TEXT))
        end = int(ends[0]) if len(ends) else len(row)
        made.append(points[:end].tobytes().decode("utf-32-le"))
    return made


@dataclass(frozen=True, kw_only=True)
class AnsweredTags(Answered):
    """Tags of up to T tokens: probabilities (n, T, K), zeros where there is no token, and the likeliest allowed tags (n, T), -1 there."""

    averaged: ClassVar[tuple[str, ...]] = ("probabilities",)
    own: ClassVar[tuple[str, ...]] = ("tags",)
    probabilities: npt.NDArray[Any]
    parts: npt.NDArray[np.int16]  # (n, K, 3) what tags say of entities (spans.py), the same in every row
    tags: npt.NDArray[np.int64] | None = None  # of an average they are found when they are asked for

    @property
    def stated(self) -> npt.NDArray[Any]:
        return self.probabilities


@dataclass(frozen=True, kw_only=True)
class AnsweredMasks(Answered):
    """A class for each pixel of pictures that lie at the top left of (H, W): the class (n, H, W), and its probability in 255ths."""

    averaged: ClassVar[tuple[str, ...]] = ()  # a blend would keep the probabilities of all classes
    classes: npt.NDArray[np.uint8]
    sure: npt.NDArray[np.uint8]
    shares: Floats  # (n, K) mean probability of each class
    sizes: npt.NDArray[np.int32] | None = None  # (n, 2) heights and widths of the pictures

    @property
    def stated(self) -> Floats:
        return self.shares

    @property
    def num_classes(self) -> int:
        return int(self.shares.shape[1])


@dataclass(frozen=True, kw_only=True)
class AnsweredBoxes(Answered):
    """Objects of n pictures, the surest first: boxes (n, D, 4) of left, top, right, bottom in pixels that the network read, how sure each is,
    and its class; -1 where there is no more."""

    averaged: ClassVar[tuple[str, ...]] = ()  # boxes of several networks have no mean
    boxes: npt.NDArray[np.floating[Any]]
    scores: npt.NDArray[np.floating[Any]]  # (n, D)
    classes: npt.NDArray[np.int64]  # (n, D)
    kept: npt.NDArray[np.bool_]  # (n, D) which are said: as sure as objects of their class have to be
    scale: Floats | None = None  # (n, 2) pixels of the file, across and down, that are one of these
    sizes: npt.NDArray[np.int32] | None = None  # (n, 2) heights and widths of the pictures, in these

    @property
    def stated(self) -> Floats:
        return np.asarray(self.scores, dtype=np.float64)

    @property
    def in_files(self) -> Floats:
        """The boxes in pixels of the files, cut at their edges."""
        boxes = np.asarray(self.boxes, dtype=np.float64)
        if self.sizes is not None:
            boxes = np.clip(boxes, 0, np.tile(self.sizes[:, ::-1], 2)[:, None, :])
        return boxes if self.scale is None else boxes * np.tile(self.scale, 2)[:, None, :]


FACTS = (
    "told",
    "columns",
    "pairs",
    "covered",
    "density",
    "copied",
    "held_copied",
    "near_copied",
    "held_near_copied",
    "nearer",
    "rare",
    "held_rare",
)
"""What a test row says of made-up rows: see models/likeness.py."""


@dataclass(frozen=True, kw_only=True)
class AnsweredSamples(Answered):
    """What n test rows say of rows that were made up: the answers about them of trees that learned from those, and the facts; or, while a network
    learns, its loss for each."""

    averaged: ClassVar[tuple[str, ...]] = ()  # rows of two generators are those of neither
    useful: Floats | None = None  # (n, K) probabilities of classes, or (n, 1) numbers
    facts: Floats | None = None  # (n, FACTS)
    losses: Floats | None = None  # (n,)

    @property
    def stated(self) -> Floats:
        known = self.losses if self.facts is None else self.facts
        return np.zeros(0) if known is None else known


def joined(parts: Sequence[A]) -> A:
    """What was said about some rows, and about the rows behind them; fields that one part lacks are left out."""
    columns = {name: [vars(part)[name] for part in parts] for name in vars(parts[0])}
    fields = {name: None if any(c is None for c in cs) else filled_up(cs) for name, cs in columns.items()}
    return replace(parts[0], **fields)


def averaged(parts: Sequence[A], weights: Sequence[float]) -> A:
    """The weighted average of what several models say about the same rows.

    What belongs to one model (its calibration, its intervals) is left out, but for the quantiles of a forecast.
    """
    fields = dict.fromkeys((*parts[0].averaged, *parts[0].own))
    for name in parts[0].averaged:
        columns = [vars(part)[name] for part in parts]
        if all(column is not None for column in columns):
            fields[name] = np.tensordot(np.asarray(weights), np.stack(columns), axes=1)
    return replace(parts[0], **fields)


def as_stated(predictions: Answered) -> AnsweredChances | None:
    """Probabilities as the model states them; None where calibration left them alone, or where there are none."""
    if not isinstance(predictions, AnsweredChances) or predictions.uncalibrated is None:
        return None
    return replace(predictions, probabilities=predictions.uncalibrated, uncalibrated=None, folds=None)
