"""One symbol a character (a Unicode code point)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from netpick.tasks.text.levels.base import MOST_SYMBOLS, Level, Split, Symbols, frequent

MOST_CHARACTERS = 2_000  # different ones; rarer ones are unknown


class Characters(Level):
    """See Level."""

    name, noun, plural = "characters", "character", "characters"
    unknown_size = 1

    def learned(self, lines: Sequence[str], most: int = MOST_SYMBOLS) -> Symbols:
        counts: Counter[str] = Counter()
        for line in lines:
            counts.update(line)
        return Symbols(names=frequent(counts, min(most, MOST_CHARACTERS)))

    def splitter(self, symbols: Symbols) -> Split:
        return str

    def joined(self, names: Iterable[str]) -> str:
        return "".join(names)

    def size(self, name: str) -> int:
        return 1

    def require(self, symbols: Symbols) -> None:
        super().require(symbols)
        if any(len(name) != 1 for name in symbols.names):
            raise ValueError("characters")
