"""One symbol a piece of a word, learned by byte pairs (Sennrich et al. 2016) over bytes: frequent words are one piece, and nothing is unknown.

The `tokenizers` library learns and applies the pairs; kept are lists of strings alone. A byte is written as the letter that
this library has for it, in which a blank is \u0120.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from netpick.tasks.text.levels.base import MOST_SYMBOLS, Level, Split, Symbols, frequent, is_inside

FEWEST_PIECES, MOST_PIECES = 512, 8_000
CHARACTERS_A_PIECE = 500  # of text, for one piece more
ALL = 256


class Pieces(Level):
    """See Level."""

    name, noun, plural = "pieces", "piece", "pieces"
    long = True

    def learned(self, lines: Sequence[str], most: int = MOST_SYMBOLS) -> Symbols:
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        size = min(max(sum(map(len, lines)) // CHARACTERS_A_PIECE, FEWEST_PIECES), most, MOST_PIECES)
        alphabet = sorted(letters().values())
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(lines, trainer)
        model = json.loads(tokenizer.to_str())["model"]
        counts: Counter[str] = Counter(dict.fromkeys(model["vocab"], 0))
        for line in lines:
            counts.update(tokenizer.encode(line).tokens)
        merges = tuple((first, second) for first, second in model["merges"])
        return Symbols(names=frequent(counts, len(counts)), merges=merges)

    def splitter(self, symbols: Symbols) -> Split:
        from tokenizers import Tokenizer, models, pre_tokenizers

        numbers = {name: number for number, name in enumerate(symbols.names)}
        tokenizer: Any = Tokenizer(models.BPE(vocab=numbers, merges=list(symbols.merges)))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return lambda line: tokenizer.encode(line).tokens

    def joined(self, names: Iterable[str]) -> str:
        return bytes(_bytes_of("".join(names))).decode("utf-8", "replace")

    def size(self, name: str) -> int:
        return sum(not is_inside(byte) for byte in _bytes_of(name))

    def require(self, symbols: Symbols) -> None:
        known, alphabet = set(symbols.names), set(letters().values())
        if not alphabet <= known or any(not set(name) <= alphabet for name in symbols.names):
            raise ValueError("pieces of bytes, all bytes among them")
        if any(not {first, second, first + second} <= known for first, second in symbols.merges):
            raise ValueError("merges of known pieces")


@cache
def letters() -> dict[int, str]:
    """The letter of each byte: its own where it can be seen, else one of those from 256 on, in order."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(ALL) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(ALL + place) for place, byte in enumerate(others)}


@cache
def _numbers() -> dict[str, int]:
    return {letter: byte for byte, letter in letters().items()}


def _bytes_of(name: str) -> list[int]:
    numbers = _numbers()
    return [numbers[letter] for letter in name]
