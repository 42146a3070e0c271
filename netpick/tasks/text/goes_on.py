"""What is asked of the state of anything that goes on symbol by symbol, a text or a piece of music, by who continues it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from netpick.types import Array


class Writer(Protocol):
    """What is written, symbol by symbol."""

    def added(self, number: int, *, last: bool) -> str:
        """What one more symbol adds; nothing yet where it is a part of a character, unless it is the last."""


class GoesOn(Protocol):
    """The state of a task whose answers are sequences."""

    column: str

    @property
    def num_symbols(self) -> int:
        """Numbers that symbols can have, with those that are none."""

    @property
    def nouns(self) -> tuple[str, str]:
        """What a symbol is called, and several."""

    @property
    def most_read(self) -> int:
        """Symbols that one is drawn from at most."""

    @property
    def read_again(self) -> int:
        """How many of the last ones reading begins anew with, where more were read."""

    @property
    def ends(self) -> bool:
        """Whether nothing is written behind the end of a text."""

    @property
    def whole(self) -> bool:
        """Whether a text of several lines is one, and not a line each."""

    @property
    def never(self) -> Sequence[int]:
        """Numbers that are not drawn."""

    @property
    def shown(self) -> tuple[int, int]:
        """Symbols of a beginning that is shown, and of what is added to it."""

    def prompt(self, text: str) -> Array:
        """The numbers of a text that is to be continued. Raises ValueError for what is none, with what was found and expected."""

    def text_of(self, numbers: Sequence[int]) -> str:
        """The text of numbers."""

    def recent(self, numbers: Sequence[int], most: int) -> list[int]:
        """The last symbols, at most so many, from where reading may begin."""

    def taken(self, numbers: Sequence[int]) -> int:
        """How much of `most_read` these take."""

    def writer(self, before: Array) -> Writer:
        """Who writes behind these symbols."""
