"""The task of a class for each pixel, and what it learned of masks: which values stand for which class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.masks import MASKS
from netpick.answers.metrics.masks import IGNORED
from netpick.columns.kinds.cells import as_text
from netpick.tasks.base import Task
from netpick.types import STRICT, Array, Field, Rows, TableColumn

MOST_CLASSES = 255
SQUARES = (64, 1024)  # the smallest and the largest side of a square that is learned from at once


@dataclass(config=STRICT, kw_only=True)
class SegmentState:
    """The classes in the order of the outputs, and the values of masks that stand for them; 255 for none."""

    labels: tuple[str, ...] = PydanticField(min_length=2, max_length=MOST_CLASSES)
    values: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    square: int = PydanticField(default=256, ge=8, le=SQUARES[1])  # pixels of a side of what is learned from at once
    threshold: int | None = PydanticField(default=None, ge=1, le=255)  # of the second of two classes, in 255ths

    def __post_init__(self) -> None:
        if len(self.values) != len(self.classes) or len(set(self.values)) != len(self.values):
            raise ValueError("a class of every value")
        if any(c != IGNORED and not 0 <= c < len(self.labels) for c in self.classes):
            raise ValueError("classes that have a name")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("classes of different names")


class Segment(Task):
    """A class for each pixel. Its target column holds the number of pixels of each class as words; the masks themselves go beside it."""

    name: ClassVar[str] = "segment"
    State = SegmentState
    answer = MASKS
    examples = "masks"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # a column of masks is told by the layout: examples.py

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> SegmentState:
        labels = list(dict.fromkeys(name for cell in counts_in(columns[0]) for name in cell))
        return SegmentState(labels=tuple([*labels, *("0", "1")][: max(2, len(labels))]))

    def encode(self, columns: Sequence[TableColumn], state: SegmentState) -> Array:
        """(N, 1, 1) of 0 where a row has a mask with a class in it, else 255: the masks are not in the column."""
        known = [sum(cell.values()) > 0 for cell in counts_in(columns[0])]
        return np.where(known, 0, IGNORED).astype(np.uint8)[:, None, None]


def counts_in(column: TableColumn) -> list[dict[str, int]]:
    """Pixels of each class, as `counted_cells` writes them."""
    cells = as_text(column.values).to_list()
    return [
        {name: int(count) for part in (cell or "").split("; ") if part for name, _, count in [part.rpartition(": ")]}
        for cell in cells
    ]


def counted_cells(truth: Array, labels: Sequence[str]) -> list[str]:
    """Of each mask (N, H, W) the pixels of every class: 'cell: 1024; membrane: 96'."""
    cells = []
    for mask in truth:
        counts = np.bincount(mask.ravel(), minlength=IGNORED + 1)[: len(labels)]
        named = [f"{label}: {count}" for label, count in zip(labels, counts.tolist(), strict=True) if count]
        cells.append("; ".join(named))
    return cells


SEGMENT = Segment()
