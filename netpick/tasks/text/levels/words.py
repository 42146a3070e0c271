"""One symbol a word: what stands between blanks. Several blanks are read as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from netpick.tasks.text.levels.base import MOST_SYMBOLS, Level, Split, Symbols, frequent

UNKNOWN_WORD = "<unk>"
MOST_WORDS = 30_000  # different ones; rarer ones are unknown
RARE = 1  # times that a word must come more often to be a symbol, where the text has no unknown words of its own


class Words(Level):
    """See Level."""

    name, noun, plural = "words", "word", "words"
    sentences = long = True
    spells_all = False
    end_size = 0  # the blank behind the last word of a line, which is not there, is its end

    def learned(self, lines: Sequence[str], most: int = MOST_SYMBOLS) -> Symbols:
        counts = Counter(chain.from_iterable(map(str.split, lines)))
        if counts.pop(UNKNOWN_WORD, 0) == 0:
            counts = Counter({word: count for word, count in counts.items() if count > RARE})
        return Symbols(names=frequent(counts, min(most, MOST_WORDS)))

    def splitter(self, symbols: Symbols) -> Split:
        return str.split

    def joined(self, names: Iterable[str]) -> str:
        return " ".join(names)

    def size(self, name: str) -> int:
        return len(name) + 1

    def require(self, symbols: Symbols) -> None:
        super().require(symbols)
        if any(len(name.split()) != 1 for name in symbols.names):
            raise ValueError("words")
