"""The contract of a way of writing: from the text cells of a column to a format, and from any text to values by that format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

Decimal = Literal["", ".", ","]  # empty: no cell shows any
Order = Literal["", "dmy", "mdy", "ymd"]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What the other columns of the file show about where it was written; empty: nothing."""

    decimal: Decimal = ""
    order: Order = ""
    separator: str = ""  # of its cells
    halves: bool = False  # another column holds times with AM and PM, as those write them who mostly write months first
    trained: bool = False  # the order is that of the rows that a model was trained on


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A column of text as a way looks at it: tidied texts, missing ones left out."""

    name: str
    sample: Sequence[str]  # different ones, from the whole column
    head: pl.Series  # the first ones, in the order of the file

    @property
    def examples(self) -> str:
        return ", ".join(repr(cell) for cell in self.sample[:3])


@dataclass(frozen=True, kw_only=True)
class Found:
    """A format that explains the cells. `other`: a second reading that explains them as well, as --format takes it."""

    state: Any
    decimal: Decimal = ""  # what it shows of the file
    order: Order = ""
    other: str = ""
    doubt: str = ""  # the two readings in words

    @property
    def certain(self) -> bool:
        return not self.other


class Way(ABC):
    """One way of writing values as text. Instances are stateless; what is found in a column is a `State`, which is JSON."""

    name: ClassVar[str]
    State: ClassVar[type[Any]]  # a strict frozen pydantic dataclass
    as_they_stand: ClassVar[bool] = (
        False  # whether a text that reads untidied has the same value tidied: most need no tidying
    )
    mark: ClassVar[str] = (
        ""  # a pattern (of polars) that every text of this way holds: columns without it are not looked at
    )

    @abstractmethod
    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        """The format in which (nearly) all of the sample reads; None when there is none."""

    @abstractmethod
    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        """Tidied texts as Float64 or Datetime; null where a cell is not written this way."""

    @abstractmethod
    def words(self, state: Any) -> str:
        """What the values are and how they are written, as it follows "numbers written like"."""

    def given(self, text: str) -> Any | None:
        """The State that the user means by `--format COLUMN=TEXT`; None when TEXT is no example of this way."""
        return None
