"""One symbol a byte of UTF-8, written as the letter of the same number: whatever stands in a text, no symbol is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from netpick.tasks.text.levels.base import MOST_SYMBOLS, Level, Split, Symbols, frequent, is_inside

ALL = 256


class Bytes(Level):
    """See Level."""

    name, noun, plural = "bytes", "byte", "bytes"
    of_any_text = True

    def learned(self, lines: Sequence[str], most: int = MOST_SYMBOLS) -> Symbols:
        counts: Counter[str] = Counter({chr(byte): 0 for byte in range(ALL)})
        for line in lines:
            counts.update(_letters(line))
        return Symbols(names=frequent(counts, ALL))

    def splitter(self, symbols: Symbols) -> Split:
        return _letters

    def joined(self, names: Iterable[str]) -> str:
        return "".join(names).encode("latin-1").decode("utf-8", "replace")

    def size(self, name: str) -> int:
        return 0 if is_inside(ord(name)) else 1

    def require(self, symbols: Symbols) -> None:
        super().require(symbols)
        if any(len(name) != 1 or ord(name) >= ALL for name in symbols.names):
            raise ValueError("bytes")


def _letters(line: str) -> str:
    return line.encode("utf-8", "replace").decode("latin-1")
