"""The contract of a level: what the symbols of a text are, and how lines are cut into them.

Numbers are the same for all levels: 0 is no symbol, 1 one that training did not know, 2 the end of a line, and from 3 on those
that training has, the most frequent first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

PADDING, UNKNOWN, END, FIRST = 0, 1, 2, 3
MOST_SYMBOLS = 1 << 16
UNSPELLED = -1  # the size of a symbol that stands for any characters

Split = Callable[[str], Sequence[str]]  # a line, without its end, to its symbols


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """What a text is made of, the most frequent first; `merges` of pieces, in the order in which they were learned."""

    names: tuple[str, ...]
    merges: tuple[tuple[str, str], ...] = ()


class Level(ABC):
    """One way to cut lines into symbols. Instances are stateless."""

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    sentences: ClassVar[bool] = False  # what goes before a line says little of it
    long: ClassVar[bool] = False  # a symbol is a word, or nearly one
    of_any_text: ClassVar[bool] = False  # its symbols are the same whatever was learned from
    spells_all: ClassVar[bool] = True  # whether <unk> is none of its symbols
    unknown_size: ClassVar[int] = UNSPELLED
    end_size: ClassVar[int] = 1

    @abstractmethod
    def learned(self, lines: Sequence[str], most: int = MOST_SYMBOLS) -> Symbols:
        """The symbols of these lines, at most so many; bytes are always all."""

    @abstractmethod
    def splitter(self, symbols: Symbols) -> Split:
        """How lines are cut into these symbols; into others, too, where a line has such."""

    @abstractmethod
    def joined(self, names: Iterable[str]) -> str:
        """The line that has these symbols."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Characters of a text that a symbol stands for; UNSPELLED where it does not say which."""

    def require(self, symbols: Symbols) -> None:
        """Raises ValueError for symbols that are none of this level: they may come from a forged file."""
        if symbols.merges:
            raise ValueError("no merges")


def frequent(counts: Counter[str], most: int) -> tuple[str, ...]:
    """The most frequent first, equals by their spelling, so that the same text gives the same numbers."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ordered[:most])


def is_inside(byte: int) -> bool:
    """Whether a byte of UTF-8 goes on with a character: each has one that does not."""
    return 0x80 <= byte < 0xC0
