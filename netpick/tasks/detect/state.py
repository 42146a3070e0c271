"""The task of objects in pictures, and what it learned of them: which classes there are, and how sure an object has to be to be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.boxes import BOXES, as_truth
from netpick.columns.kinds.cells import as_text
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.tasks.classify import sort_labels
from netpick.types import STRICT, Array, Field, Rows, TableColumn
from netpick.types.objects import Thing, read_cell

MOST_CLASSES = 1_000


@dataclass(config=STRICT, kw_only=True)
class DetectState:
    """The classes in the order of the outputs, and of one candidate the score from which on an object of each is said."""

    labels: tuple[str, ...] = PydanticField(min_length=1, max_length=MOST_CLASSES)
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("classes of different names")
        if self.thresholds and (
            len(self.thresholds) != len(self.labels) or not all(0 <= value <= 1 for value in self.thresholds)
        ):
            raise ValueError("a threshold of every class")


class Detect(Task):
    """Objects, each of one class. Cells of its target are as types/objects.py writes them."""

    name: ClassVar[str] = "detect"
    State = DetectState
    answer = BOXES
    examples = "pictures"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # a column of objects is told by the layout: examples.py

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> DetectState:
        counts = Counter(thing.label for things in things_in(columns[0]) for thing in things or () if not thing.aside)
        labels = tuple(sort_labels(list(counts)))
        if not 1 <= len(labels) <= MOST_CLASSES:
            raise DataError(
                f"Column '{columns[0].name}' holds objects of {len(labels):,} classes, but 1 to {MOST_CLASSES:,} were expected. Check how the boxes were written."
            )
        return DetectState(labels=labels)

    def encode(self, columns: Sequence[TableColumn], state: DetectState) -> Array:
        """(N, M, 8): see answers/boxes.py; in pixels of the files."""
        return as_truth(things_in(columns[0]), {label: place for place, label in enumerate(state.labels)})


def things_in(column: TableColumn) -> list[list[Thing] | None]:
    """The objects of each row; None where nobody looked. Raises DataError for cells that hold no objects."""
    try:
        return [read_cell(cell) for cell in as_text(column.values).to_list()]
    except ValueError as error:
        raise DataError(str(error)) from None


DETECT = Detect()
