"""What is learned of texts that are read symbol by symbol, whatever is asked of them: their level and their symbols."""

from __future__ import annotations

from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.tasks.text.levels import FIRST, LEVELS, Level, Symbols
from netpick.tasks.text.levels.base import MOST_SYMBOLS
from netpick.types import STRICT

LONGEST_SYMBOL = 1 << 20  # characters


@dataclass(config=STRICT, kw_only=True)
class Spelled:
    """A level, and the symbols that training texts are made of."""

    level: str
    symbols: tuple[str, ...] = PydanticField(max_length=MOST_SYMBOLS)  # of the numbers from FIRST on
    merges: tuple[tuple[str, str], ...] = PydanticField(default=(), max_length=MOST_SYMBOLS)  # of pieces

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError("a level that this version knows")
        if len(set(self.symbols)) != len(self.symbols) or any(not 1 <= len(s) <= LONGEST_SYMBOL for s in self.symbols):
            raise ValueError("symbols that are all different")
        self.of.require(self.learned)

    @property
    def of(self) -> Level:
        """The level."""
        return LEVELS[self.level]

    @property
    def learned(self) -> Symbols:
        """The symbols, as the level reads them."""
        return Symbols(names=self.symbols, merges=self.merges)

    @property
    def num_symbols(self) -> int:
        """Numbers that symbols can have, with those that are none."""
        return FIRST + len(self.symbols)
