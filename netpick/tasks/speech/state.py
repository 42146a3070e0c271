"""The task of what was said, and what it learned of transcripts: the symbols that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers import TRANSCRIPTS
from netpick.answers.answered import codes_of
from netpick.answers.decoding import MOST_BEAM
from netpick.answers.transcripts import collapsed
from netpick.columns.kinds.cells import as_text
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.tasks.speech.language import BEAM, Language, searched
from netpick.tasks.speech.writing import chosen_level, normalised
from netpick.tasks.text.levels import FIRST, LEVELS, UNKNOWN, Symbols
from netpick.tasks.text.spelled import Spelled
from netpick.types import STRICT, Array, Field, Rows, TableColumn

MOST_SYMBOLS, LONGEST_SYMBOL = 1 << 14, 1 << 10
MOST_CHARACTERS = 1 << 16  # of a transcript
# Frames of a sound that are one step of a network: the most that leave room for nearly all transcripts.
STRIDES = (4, 2, 1)
OF_WORDS = 8  # of whole words, where there is room for twice as many: with fewer steps they are found much sooner


@dataclass(config=STRICT, kw_only=True)
class TranscribeState(Spelled):
    """What transcripts are made of, and how many frames of a sound are one of a network."""

    column: str
    longest: int = PydanticField(ge=1, le=MOST_CHARACTERS)  # characters of a transcript that was learned from
    stride: int = PydanticField(default=STRIDES[0], ge=1, le=8)
    language: Language | None = None  # that one candidate's transcripts are searched with
    beam: int | None = PydanticField(default=None, ge=1, le=MOST_BEAM)  # beginnings that are kept; 1: no search

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.symbols) <= MOST_SYMBOLS or any(len(one) > LONGEST_SYMBOL for one in self.symbols):
            raise ValueError("some symbols of a few characters")
        if self.language is not None:
            self.language.require(self.num_symbols)

    def numbers_of(self, text: str) -> list[int]:
        """The symbols of a normalised transcript."""
        return _reader(self.level, self.symbols, self.merges)(text)

    def heard(self, frames: Array) -> list[list[int]]:
        """The symbols of each row of steps (n, T, V): the likeliest ones, or what a search finds, with the language where there is one."""
        if self.beam == 1 or (self.language is None and self.beam is None):
            return collapsed(frames)
        if self.language is None:
            return [searched(row, self.beam or BEAM) for row in frames]
        return [self.language.searched(row, self.num_symbols, self.beam or BEAM) for row in frames]

    def spelled(self, numbers: Sequence[int]) -> str:
        """The transcript that has these symbols; those that training did not know are left out."""
        known = [self.symbols[n - FIRST] for n in numbers if FIRST <= n < self.num_symbols]
        return " ".join(self.of.joined(known).split())


@lru_cache(maxsize=8)
def _reader(level: str, symbols: tuple[str, ...], merges: tuple[tuple[str, str], ...]) -> Callable[[str], list[int]]:
    numbers = {symbol: FIRST + place for place, symbol in enumerate(symbols)}
    split = LEVELS[level].splitter(Symbols(names=symbols, merges=merges))
    return lambda text: [numbers.get(symbol, UNKNOWN) for symbol in split(text)]


class Transcribe(Task):
    """What was said in a recording."""

    name: ClassVar[str] = "transcribe"
    State = TranscribeState
    answer = TRANSCRIPTS
    examples = "recordings"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # a column of texts is more often something to predict from

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> TranscribeState:
        texts = transcripts_of(columns[0])
        return new_state(columns[0].name, [text for row in rows.tolist() if (text := texts[row]) is not None], None)

    def encode(self, columns: Sequence[TableColumn], state: TranscribeState) -> Array:
        """(N, L) code points: see `codes_of`."""
        return codes_of(transcripts_of(columns[0]))


TRANSCRIBE = Transcribe()


def transcripts_of(column: TableColumn) -> list[str | None]:
    """Normalised transcripts; None where a row has none."""
    return [None if text is None else normalised(text) for text in as_text(column.values).to_list()]


def new_state(column: str, texts: Sequence[str], level: str | None, stride: int = STRIDES[0]) -> TranscribeState:
    """The symbols of these transcripts. Raises DataError where there are none."""
    chosen = chosen_level(texts, level).level
    symbols = LEVELS[chosen].learned(texts)
    if not symbols.names or not any(texts):
        raise DataError(
            f"Column '{column}' holds no words to learn from, but transcripts were expected: texts with letters or digits. Choose another "
            "column with --target."
        )
    return TranscribeState(
        column=column,
        level=chosen,
        symbols=symbols.names,
        merges=symbols.merges,
        longest=max(map(len, texts)),
        stride=stride,
    )


__all__ = ["OF_WORDS", "STRIDES", "TRANSCRIBE", "TranscribeState", "new_state", "transcripts_of"]
