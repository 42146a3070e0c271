"""The contract of a task: which target columns it is for, how their cells become numbers, and how it is answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from netpick.answers import Answer
from netpick.types import Array, Field, Rows, TableColumn


class Task(ABC):
    """What is asked: a target, its examples and one answer. Instances are stateless; what is learned from the target is a
    `State`, which is JSON and which the answer reads."""

    name: ClassVar[str]
    State: ClassVar[type[Any]]
    answer: ClassVar[Answer[Any]]
    examples: ClassVar[str] = "rows"  # what is learned from and answered: a name in EXAMPLES (examples/)
    asked: ClassVar[bool] = False  # taken only where it is asked for: its columns alone do not say it

    @abstractmethod
    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        """Why these target columns are of this task, in words; None when they are not."""

    @abstractmethod
    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> Any:
        """Learns the State. Labels come from all labelled rows (a class is known even if only test rows have it);
        scales come from `rows` alone."""

    @abstractmethod
    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        """Truth of all rows: (N,) int64 classes, -1 missing; (N, L) int8 labels, -1 missing; (N, T) float64 numbers in the
        target's own units, NaN missing."""

    def beside(self, state: Any) -> tuple[str, ...]:
        """Further columns that new data have to bring, such as the times of a forecast."""
        return ()
