"""The run that another one continues: where it lies, and what it was asked for that decides about rows and sizes."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT


@dataclass(config=STRICT, kw_only=True)
class Earlier:
    """A finished run whose networks are trained further."""

    run: str  # its folder
    budget: float | None = None  # seconds that the rows and the sizes of networks were chosen for
    steps: int | None = None  # instead of them
    openings: int = Field(ge=0, default=0)  # how often its test rows were opened
    trainings: str  # SHA-256 over what it had trained
