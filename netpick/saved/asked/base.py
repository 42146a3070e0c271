"""The contract of what a model is asked: examples of new data, encoded for an engine; its answers as a table; scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import polars as pl

from netpick.saved.engines import Engine
from netpick.saved.parts import ModelParts
from netpick.tasks.learned import Scores
from netpick.types import Array, Source


@dataclass(frozen=True)
class Asked(ABC):
    """The examples that one source holds for a model. Nothing is read of it before it is asked for."""

    parts: ModelParts
    source: Source

    @staticmethod
    def arranged(source: Source) -> Source:
        """The source with its rows and columns as the examples need them."""
        return source

    @abstractmethod
    def encoded(self, engine: Engine, limit: int | None = None) -> AbstractContextManager[Mapping[str, Array]]:
        """What the engine reads, by store name; on disk above `limit` bytes (half of the free memory) and gone afterwards.

        Raises DataError when columns are missing or there is no example.
        """

    @abstractmethod
    def table(self, answers: Array) -> pl.DataFrame:
        """The engine's answers, in the order of the examples, in the words and units of the target."""

    @abstractmethod
    def score(self, engine: Engine) -> Scores:
        """All metrics on what is labelled, with n and intervals. Raises DataError where nothing is."""
