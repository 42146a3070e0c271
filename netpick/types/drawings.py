"""Figures that explain a model, as data: what they show, when not to trust it, and what is drawn. report/drawing.py draws them.

Numbers, pixels and words alone, so that a figure can be kept in a file and read back; what is read back is never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A signed value with its name, the words that stand for the number, and an interval where there is one."""

    name: str
    value: float
    text: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Signed bars as a table: name, bar, number."""

    kind: Literal["bars"] = "bars"
    caption: str
    heads: tuple[str, str]
    shown: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve: x and y, a class of the style sheet (k0, k1, ..., soft), and dots on its points."""

    x: Numbers
    y: Numbers
    kind: str = "k0"
    dots: bool = False


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Curves in one frame. `under`: (T,) signed values behind them, one for each x of the first line."""

    kind: Literal["curves"] = "curves"
    lines: Sequence[Line]
    axes: tuple[str, str]
    under: Numbers | None = None


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A picture with a line under it. pixels: uint8 (H, W) or (H, W, 3)."""

    pixels: Numbers
    label: str


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """Pictures side by side. size: "small", "large" or "wide"."""

    kind: Literal["tiles"] = "tiles"
    shown: Sequence[Tile]
    size: str = ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text with its words on grounds of their weight (T,)."""

    kind: Literal["words"] = "words"
    words: Sequence[str]
    weights: Numbers


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A drawing with a heading of its own."""

    kind: Literal["panel"] = "panel"
    title: str
    shown: Curves


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A drawing that is shown when asked for."""

    kind: Literal["fold"] = "fold"
    title: str
    shown: Bars


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Drawings one after the other. style: a class of the style sheet."""

    kind: Literal["stack"] = "stack"
    parts: Sequence[Bars | Curves | Tiles | Words | Panel | Fold]
    style: str = ""


Drawing = Bars | Curves | Tiles | Words | Panel | Fold | Stack


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a drawing shows, when not to trust it, and words for those who cannot see it."""

    title: str
    sentence: str  # what it shows
    caution: str  # when not to trust it
    alt: str  # the same in words
    drawing: Drawing | str  # or markup, made by report/markup.py, on pages that are not drawn again


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What the recommended network goes by on one row."""

    row: str  # as a person would name it
    said: str  # its answer in words
    truth: str
    figures: Sequence[Figure]

    def __post_init__(self) -> None:
        if any(isinstance(figure.drawing, str) for figure in self.figures):
            raise TypeError("A report is drawn again from its run folder, where nothing is markup.")
