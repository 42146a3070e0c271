"""Pictures as examples, at their own size: what tasks share whose answers lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from netpick.columns.kinds.scene import sizes_of
from netpick.columns.store import Store
from netpick.errors import DataError
from netpick.tasks.examples.base import Encoded
from netpick.tasks.examples.rows import NewRows, PreparedRows
from netpick.types import ArrayColumn, FileColumn, LearnedRows, Rows, Source


@dataclass(frozen=True, kw_only=True)
class PreparedScenes(PreparedRows):
    """An example is a picture, and nothing else of its row."""

    groups_columns: ClassVar[bool] = False
    explained: ClassVar[bool] = False

    @property
    def scene(self) -> ArrayColumn:
        """The pictures."""
        return scene_of(self.source)

    def state_of(self, rows: Rows) -> Any:
        """One state for all folds: networks are of one size."""
        return self.state

    @property
    def blends(self) -> bool:
        return False

    def learned(self, store: Store) -> LearnedRows | None:
        """Nothing: pictures lie in larger arrays beside others, and would not be known again."""
        return None


class NewScenes(NewRows):
    """New pictures of any size."""

    noun: ClassVar[str] = "picture"

    @property
    def scene(self) -> ArrayColumn:
        """The pictures."""
        column = self.source.columns[self.encoders[0].column]
        assert isinstance(column, ArrayColumn)
        return column

    def decoded(self, answers: Any, encoded: Encoded) -> Any:
        predictions = self.task.answer.decode(answers, encoded.state)
        return replace(predictions, sizes=sizes_of(self.scene)[encoded.rows])


def scene_of(source: Source) -> ArrayColumn:
    """The column of pictures. Raises DataError where there is none."""
    for column in source.columns.values():
        if isinstance(column, ArrayColumn) and column.kind == "scene":
            return column
    raise DataError(f"{source.origin} holds no pictures, but some were expected.")


def as_scenes(source: Source, longest: int | None = None) -> Source:
    """With columns of pictures that are decoded at their own size, or with this longest side."""
    columns = {
        name: replace(column, kind="scene", longest=longest)
        if isinstance(column, FileColumn) and column.kind == "image"
        else column
        for name, column in source.columns.items()
    }
    return replace(source, columns=columns)


def square_of(sizes: Any, most: int) -> int:
    """Pixels of a side of the square that is learned from at once: the usual shorter side of pictures (N, 2), at most so many."""
    usual = float(np.median(sizes.min(axis=1)))
    return int(np.clip(round(usual / 16) * 16, 32, most))


def named(source: Source, row: int) -> str:
    """How a person would name a picture."""
    names: Sequence[str] | None = source.row_names
    return names[row] if names is not None else f"picture {row + 1}"
