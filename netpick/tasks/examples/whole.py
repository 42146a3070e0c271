"""Examples that are texts or pieces of music and nothing else: their symbols are what networks read, so no column is encoded beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from netpick.columns.encode import Encoder
from netpick.tasks.examples.base import Prepared
from netpick.types import Array, Rows


@dataclass(frozen=True, kw_only=True)
class PreparedWhole(Prepared):
    """What the preparations of such examples have in common."""

    groups_columns: ClassVar[bool] = False
    explained: ClassVar[bool] = False

    @property
    def learned_target(self) -> Array:
        return self.task.answer.target(self.truth, self.state)

    def state_of(self, rows: Rows) -> Any:
        """One state for all folds: networks are of one size."""
        return self.state

    @property
    def encoders(self) -> tuple[Encoder, ...]:
        return ()

    def numbers(self, rows: Rows) -> Mapping[str, Array]:
        return {}

    @property
    def learnable(self) -> Rows:
        return self.known_rows

    def calibrated(self, answered: Array) -> Any:
        return self.state
