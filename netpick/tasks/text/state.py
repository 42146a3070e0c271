"""The task of the next symbol, and what it learned of a text: its level, its symbols, and how it is cut into blocks.

An example is a block: some symbols that follow each other, each to be said from those before it. Its truth is (2, T): the
numbers of the symbols, 0 behind the end of the text, and the characters that each stands for, UNSPELLED for a word that the
text itself hides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.symbols import SYMBOLS
from netpick.columns.kinds.cells import as_text
from netpick.tasks.base import Task
from netpick.tasks.text.levels import END, FIRST, LEVELS, PADDING, UNKNOWN, UNKNOWN_WORD, Symbols
from netpick.tasks.text.spelled import Spelled
from netpick.types import STRICT, Array, Field, Inputs, InputSpec, Rows, TableColumn

MOST_SYMBOLS = 1 << 16
MOST_STEPS = (
    1 << 11
)  # of a block, and of what goes before it: a network that attends to twice as many still loads in seconds
BLOCK = {True: 40, False: 64}  # words or pieces, and characters or bytes, of a block
SHOWN = {True: (5, 40), False: (20, 120)}  # symbols of a beginning in a report, at least, and of what is added
HALF = "\N{REPLACEMENT CHARACTER}"  # a character of which bytes are still to come
CONTEXT = {True: 64, False: 128}  # of what a network sees before it


@dataclass(config=STRICT, kw_only=True)
class NextState(Spelled):
    """What a text is made of."""

    column: str
    apart: bool  # each row is a text of its own, and what goes before it says nothing of it
    block: int = PydanticField(ge=1, le=MOST_STEPS)
    context: int = PydanticField(ge=1, le=MOST_STEPS)

    @property
    def restarts(self) -> bool:
        """Whether what goes before the end of a line is forgotten behind it by those who count."""
        return self.apart or self.of.sentences

    # --- going on: see GoesOn ---

    @property
    def nouns(self) -> tuple[str, str]:
        return self.of.noun, self.of.plural

    @property
    def most_read(self) -> int:
        return self.context + self.block

    @property
    def read_again(self) -> int:
        return self.context + 1

    @property
    def ends(self) -> bool:
        return False

    @property
    def whole(self) -> bool:
        return "\n" in self.symbols

    @property
    def never(self) -> tuple[int, ...]:
        return (PADDING, UNKNOWN) if self.of.spells_all else (PADDING,)

    @property
    def shown(self) -> tuple[int, int]:
        beginning, added = SHOWN[self.of.long]
        return 0 if self.apart else beginning, added

    def prompt(self, text: str) -> Array:
        return numbers_of(text.split("\n"), self)[:-1]  # its last line goes on

    def text_of(self, numbers: Sequence[int]) -> str:
        return text_of(numbers, self)

    def recent(self, numbers: Sequence[int], most: int) -> list[int]:
        return list(numbers[-most:])

    def taken(self, numbers: Sequence[int]) -> int:
        return len(numbers)

    def writer(self, before: Array) -> LineWriter:
        return LineWriter(before, self)


class LineWriter:
    """The line that is written, and how much of it was said."""

    def __init__(self, before: Array, state: NextState) -> None:
        """before: the symbols of the text so far."""
        ends = np.flatnonzero(before == END)
        self._state = state
        self._numbers: list[int] = before[ends[-1] + 1 if len(ends) else 0 :].tolist()
        self._said = len(state.text_of(self._numbers))

    def added(self, number: int, *, last: bool) -> str:
        """What one more symbol adds to the text; nothing yet where it is a part of a character, unless it is the last."""
        self._numbers.append(number)
        text = self._state.text_of(self._numbers)
        if text.endswith(HALF) and not last:
            return ""
        added = text[self._said :]
        self._said = len(text)
        if number == END:
            self._numbers, self._said = [], 0
        return added


class Next(Task):
    """The next symbol of a text."""

    name: ClassVar[str] = "next"
    State = NextState
    answer = SYMBOLS
    examples = "blocks"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # a column of texts is more often what a label is predicted from

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> NextState:
        """Of texts that are rows, each by itself; blocks.py makes the state of running texts."""
        lines = [line for row in rows.tolist() for line in _lines(as_text(columns[0].values)[row])]
        return new_state(columns[0].name, "characters", lines, apart=True)

    def encode(self, columns: Sequence[TableColumn], state: NextState) -> Array:
        """The first block of each row."""
        texts = as_text(columns[0].values).fill_null("").to_list()
        truth = np.zeros((len(texts), 2, state.block), dtype=np.int32)
        for row, text in enumerate(texts):
            if not text:
                continue
            numbers = numbers_of(_lines(text), state)[: state.block]
            truth[row, 0, : len(numbers)] = numbers
            truth[row, 1, : len(numbers)] = sizes_of(state)[numbers]
        return truth


NEXT = Next()


def new_state(column: str, level: str, lines: Sequence[str], *, apart: bool, fewest: int = 1) -> NextState:
    """The symbols of these lines. fewest: how many lines must have one."""
    symbols, long = LEVELS[level].learned(lines), LEVELS[level].long
    names = symbols.names if fewest == 1 or LEVELS[level].of_any_text else _frequent(symbols, level, lines, fewest)
    return NextState(
        column=column,
        level=level,
        symbols=names,
        merges=symbols.merges,
        apart=apart,
        block=BLOCK[long],
        context=CONTEXT[long],
    )


def _frequent(symbols: Symbols, level: str, lines: Sequence[str], fewest: int) -> tuple[str, ...]:
    split = LEVELS[level].splitter(symbols)
    counts = Counter(symbol for line in lines for symbol in set(split(line)))
    return tuple(name for name in symbols.names if counts[name] >= fewest)


def numbers_of(lines: Iterable[str], state: NextState) -> Array:
    """The symbols of lines as numbers (n,), each line with its end."""
    numbers = {symbol: FIRST + place for place, symbol in enumerate(state.symbols)}
    split, found = state.of.splitter(state.learned), list[int]()
    for line in lines:
        found += [numbers.get(symbol, UNKNOWN) for symbol in split(line)]
        found.append(END)
    return np.array(found, dtype=np.int32)


def text_of(numbers: Iterable[int], state: NextState) -> str:
    """The inverse of `numbers_of`, with ends of lines as such; what training did not know is written <unk>."""
    lines: list[list[str]] = [[]]
    symbols, most = state.symbols, state.num_symbols
    for number in numbers:
        if number == END:
            lines.append([])
        elif number != PADDING:
            lines[-1].append(symbols[number - FIRST] if FIRST <= number < most else _unknown(state))
    return "\n".join(state.of.joined(line) for line in lines)


def sizes_of(state: NextState) -> Array:
    """(V,) characters that each number stands for."""
    level = state.of
    first = [0, level.unknown_size, level.end_size]
    return np.array([*first, *map(level.size, state.symbols)], dtype=np.int32)


def stream_inputs(state: NextState) -> Inputs:
    """What a network reads of a block: the symbols before it and its own, as numbers."""
    shape = (state.context + 1 + state.block,)
    ahead = (1, state.block, int(state.restarts))
    return {"stream": InputSpec(form="stream", shape=shape, cardinalities=(state.num_symbols,), ahead=ahead)}


def _unknown(state: NextState) -> str:
    return "\N{REPLACEMENT CHARACTER}" if state.of.spells_all else UNKNOWN_WORD


def _lines(text: str | None) -> list[str]:
    return (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
