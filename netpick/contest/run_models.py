"""The models of a finished run, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from netpick.saved.use import Model, load


@dataclass(frozen=True)
class RunModels(Mapping[str, Model]):
    """Every candidate and baseline that a run kept, each loaded (and proved) when it is asked for."""

    folder: Path
    names: tuple[str, ...]

    def __getitem__(self, candidate: str) -> Model:
        """Raises RequestError, with near matches, where there is no such candidate."""
        return load(self.folder, candidate=candidate)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
