"""A model of pairs of texts as the server holds it: a row is a text, and its answer a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from netpick.columns.encode import Encoder
from netpick.serve.options import Limits
from netpick.serve.ports.base import Joined, Port
from netpick.serve.ports.table import CellPort
from netpick.serve.served import ServedModel
from netpick.tasks.pairs.state import PairState, pair_rows
from netpick.tasks.text.levels import UNKNOWN
from netpick.types import Array

TEXT = "text"  # what a person gives
MANY_UNKNOWN = 0.5  # of the symbols of a text


class SourcePort(CellPort):
    """The text that is answered."""

    def __init__(self, encoder: Encoder, limits: Limits, pairs: PairState) -> None:
        super().__init__(encoder, limits)
        self.pairs = pairs

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"], "maxLength": self.limits.text}

    def describe(self) -> dict[str, Any]:
        return {"length": self.pairs.sides[0], "reading": self.pairs.level}

    def remade(self, value: Array) -> Any:
        return self.pairs.spelled(value[: self.pairs.sides[0]].tolist())

    def encode(self, joined: Joined) -> Array:
        return pair_rows(joined, None, self.pairs)

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        longest, level = self.pairs.sides[0], self.pairs.of
        for row, text in enumerate(joined):
            numbers = self.pairs.numbers_of((text or "").strip())
            if not numbers:
                yield row, f"{self.name} is empty; there is nothing to answer."
            elif (unknown := numbers.count(UNKNOWN)) > MANY_UNKNOWN * len(numbers):
                yield row, f"{unknown:,} of the {len(numbers):,} {level.plural} of {self.name} are in no training text."
            if len(numbers) > longest:
                yield (
                    row,
                    f"{self.name} is longer than the network reads: only its first {longest:,} {level.plural} count.",
                )


class ServedPairs(ServedModel):
    """See ServedModel."""

    @property
    def pairs(self) -> PairState:
        state: PairState = self.model.parts.task_state
        return state

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        """One text, as a server sees it; the symbols are the task's."""
        return (Encoder(column=self.pairs.source, kind=TEXT, state=None),)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        return (SourcePort(self.encoders[0], self.limits, self.pairs),)

    @cached_property
    def places(self) -> tuple[tuple[str, slice | None], ...]:
        return tuple((name, None) for name in self.model.parts.inputs)
