"""The contract of a kind: what a column of cells means, and how it becomes numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from netpick.columns.own_encoding import OwnEncoding
from netpick.types import Array, Column, Form, InputSpec, Note, Rows, TableColumn

# What a state may say, so that one from a hostile file asks for nothing absurd.
Scale = Annotated[float, Field(gt=0)]
Extent = Annotated[int, Field(ge=1, le=1 << 24)]  # of one dimension
FEWEST_ROWS = 10  # that a word, a category or a value of a private model comes from


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A kind's say on a column: how well it fits (0..1), why, and the cells that do not."""

    strength: float
    reason: str
    stray: Sequence[tuple[int, str]] = ()
    num_missing: int = 0
    num_distinct: int = 0
    examples: Sequence[str] = field(default_factory=tuple)


class Kind(ABC):
    """One kind of column. Instances are stateless; what is learned from training rows is a `State`, which is JSON."""

    name: ClassVar[str]
    form: ClassVar[Form]  # which input of the network it feeds
    cells: ClassVar[type[Any]] = TableColumn  # what `fit` and `encode` read; ArrayColumn for series and decoded files
    State: ClassVar[type[Any]]  # a strict frozen pydantic dataclass

    @abstractmethod
    def claim(self, column: Column) -> Claim | None:
        """Says whether the column could be of this kind; None when it cannot."""

    @abstractmethod
    def fit(self, column: Column, rows: Rows) -> Any:
        """Learns the State from these (training) rows and no others."""

    def fit_private(self, column: Column, rows: Rows) -> Any:
        """As `fit`, but nothing in the State comes from fewer than FEWEST_ROWS rows. Kinds whose State is of cells say how."""
        return self.fit(column, rows)

    def learn(self, column: Column, rows: Rows, *, private: bool) -> Any:
        """The State of a model, or of one that holds nothing of single rows."""
        return self.fit_private(column, rows) if private else self.fit(column, rows)

    def fit_own(self, column: Column, rows: Rows, own: OwnEncoding) -> Any:
        """The state for an encoding that an architecture brings with it, of which only these rows are known."""
        raise NotImplementedError(f"no architecture has an encoding of its own for the kind {self.name}")

    @abstractmethod
    def encode(self, column: Column, state: Any) -> Array:
        """All rows as numbers: vector (N, F) float32, codes and tokens int32, series (N, T, C) float32, media uint8."""

    @abstractmethod
    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        """Names of the F or K columns, or of the C channels, that `encode` makes from a column called `name`."""

    def cardinalities(self, state: Any) -> tuple[int, ...]:
        """For codes: how many values each output can take, 0 (missing, never seen) included."""
        return ()

    def spec(self, name: str, state: Any) -> InputSpec:
        """For rich forms (all but vector and codes, whose columns are put side by side): the input that `encode` makes."""
        raise NotImplementedError

    def lengths(self, column: Column, state: Any, encoded: Array) -> Array | None:
        """For padded rich forms: valid steps (N,) int32 of each row of what `encode` gave."""
        return None

    def sample(self, name: str, state: Any) -> Column:
        """Rows that `encode` can read, the first one missing where a cell can be: what a received model is tried with."""
        import polars as pl

        return TableColumn(name=name, values=pl.Series(name, [None, "0"], dtype=pl.String))

    def notes(self, name: str, state: Any, *, private: bool = False) -> Sequence[Note]:
        """What was learned of a column called `name` that its user should know. private: by `fit_private`."""
        return ()

    def decoding(self, state: Any) -> Mapping[str, Any]:
        """For media: how to decode new files as those of training were."""
        return {}
