"""The task of pairs of texts, and what it learned of them: the symbols of both sides together, and how long targets are.

A row of a network's input holds S symbols of a source, then T of its target, each with the end of a line behind it and 0 behind that; the target's are 0 where
none is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.answered import codes_of
from netpick.answers.decoding import MOST_BEAM, PERIODS, longest_runs
from netpick.answers.translations import TRANSLATIONS
from netpick.columns.kinds.cells import as_text
from netpick.tasks.base import Task
from netpick.tasks.text.levels import END, FIRST, LEVELS, UNKNOWN
from netpick.tasks.text.levels.base import MOST_SYMBOLS, Split
from netpick.tasks.text.spelled import Spelled
from netpick.types import STRICT, Array, Field, Inputs, InputSpec, Rows, TableColumn

FEWEST_PIECES, CHARACTERS_A_PIECE = 512, 800  # 5,000 pieces of Multi30k: each has to be met often, on either side
LONGEST_SIDE = 512  # symbols that are read of a source, or learned of a target
LONGEST_TEXT = 1 << 16  # characters
# What is longer than so many times this quantile of training, and some symbols, is cut.
USUAL_QUANTILE, LONGER, ROOM = 0.995, 1.25, 8
# Of nearly all targets, where texts are strings that are right or wrong as a whole.
SHORT_WORDS, SHORT_CHARACTERS = 3, 60
MOST_ALPHABET = 400  # different characters of such strings
SLACK, MOST_SLACK = 3, 8  # symbols that a generated text may be longer than those of training with such a source


@dataclass(config=STRICT, kw_only=True)
class PairState(Spelled):
    """What pairs of texts are made of."""

    source: str  # the columns
    column: str
    sides: tuple[int, int]  # S and T
    limits: tuple[int, int]  # percent and extra: see decoding.Limits
    usual: int = PydanticField(ge=1, le=LONGEST_SIDE)  # symbols of the median target
    runs: tuple[int, ...] = PydanticField(min_length=PERIODS, max_length=PERIODS)
    longest: int = PydanticField(ge=1, le=LONGEST_TEXT)  # characters of a target
    strings: bool = False  # targets are short, and right or wrong as a whole
    beam: int | None = PydanticField(default=None, ge=1, le=MOST_BEAM)  # texts that are followed at once; None: BEAM

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(not 1 <= side <= LONGEST_SIDE for side in self.sides):
            raise ValueError("sides of some symbols")
        if not 0 <= self.limits[0] <= 1_000_000 or not 0 <= self.limits[1] <= LONGEST_SIDE:
            raise ValueError("limits of some symbols")
        if any(not 0 <= run <= LONGEST_SIDE for run in self.runs):
            raise ValueError("passages that are repeated some times")

    @cached_property
    def _splitter(self) -> Split:
        return self.of.splitter(self.learned)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: FIRST + place for place, symbol in enumerate(self.symbols)}

    def numbers_of(self, text: str) -> list[int]:
        """The symbols of a text, without an end."""
        return [self._numbers.get(symbol, UNKNOWN) for symbol in self._splitter(text)]

    def spelled(self, numbers: Iterable[int]) -> str:
        """The text of these symbols; what is none of them is left out."""
        most = self.num_symbols
        return self.of.joined(self.symbols[number - FIRST] for number in numbers if FIRST <= number < most)


class Translate(Task):
    """A text for a text."""

    name: ClassVar[str] = "translate"
    State = PairState
    answer = TRANSLATIONS
    examples = "pairs"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # examples.py looks at both columns

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> PairState:
        """Of targets alone, each its own source; examples.py makes the state of pairs."""
        texts = [text for text in as_text(columns[0].values)[rows].to_list() if text]
        return new_state((columns[0].name, columns[0].name), (texts, texts))

    def encode(self, columns: Sequence[TableColumn], state: PairState) -> Array:
        return truth_of(as_text(columns[0].values).to_list())


TRANSLATE = Translate()


def truth_of(texts: Sequence[str | None]) -> Array:
    """(N, L) characters of targets; an empty one is none."""
    return codes_of([text.strip()[:LONGEST_TEXT] or None if text else None for text in texts])


def are_strings(targets: Sequence[str]) -> bool:
    """Whether targets are short and right or wrong as a whole: dates, words, codes; not sentences."""
    if not targets:
        return False
    words = np.quantile([len(text.split()) for text in targets], 0.9)
    characters = np.quantile([len(text) for text in targets], 0.99)
    return bool(words <= SHORT_WORDS and characters <= SHORT_CHARACTERS and len(set().union(*targets)) <= MOST_ALPHABET)


def new_state(
    names: tuple[str, str], texts: tuple[Sequence[str], Sequence[str]], level: str | None = None
) -> PairState:
    """Of training texts of both sides, of the same length each."""
    draft = drafted(names, texts, level)
    return measured(draft, [[draft.numbers_of(text) for text in side] for side in texts])


def drafted(names: tuple[str, str], texts: tuple[Sequence[str], Sequence[str]], level: str | None) -> PairState:
    """The symbols of training texts; how long both sides are is not known yet."""
    strings = are_strings(texts[1])
    level = level or ("characters" if strings else "pieces")
    both = [*texts[0], *texts[1]]
    of, most = LEVELS[level], MOST_SYMBOLS
    if of.long and of.spells_all:  # learned pieces, of which there may be more or fewer
        most = max(FEWEST_PIECES, sum(map(len, both)) // CHARACTERS_A_PIECE)
    symbols = of.learned(both, most)
    return PairState(
        source=names[0],
        column=names[1],
        level=level,
        symbols=symbols.names,
        merges=symbols.merges,
        sides=(LONGEST_SIDE, LONGEST_SIDE),
        limits=(0, 1),
        usual=1,
        runs=(0,) * PERIODS,
        longest=max([1, *(min(len(text), LONGEST_TEXT) for text in texts[1])]),
        strings=strings,
    )


def measured(draft: PairState, numbers: Sequence[Sequence[Sequence[int]]]) -> PairState:
    """With how long both sides of the training pairs are, and how often passages of targets are repeated."""
    lengths = [np.array([1, *(len(row) + 1 for row in side)]) for side in numbers]
    usual = [float(np.quantile(side, USUAL_QUANTILE)) for side in lengths]
    sides = [min(LONGEST_SIDE, int(LONGER * most) + ROOM) for most in usual]
    source, target = (np.minimum(side, most) for side, most in zip(lengths, sides, strict=True))
    padded = np.zeros((max(1, len(numbers[1])), sides[1]), dtype=np.int32)
    for row, symbols in zip(padded, numbers[1], strict=False):
        row[: len(symbols)] = symbols[: sides[1]]
    return replace(
        draft,
        sides=(sides[0], sides[1]),
        limits=_limits(source, target),
        usual=int(np.median(target)),
        runs=tuple(run + period + 1 for period, run in enumerate(longest_runs(padded))),
    )


def _limits(source: Array, target: Array) -> tuple[int, int]:
    """How long nearly all targets of training are at most: so many hundredths of their source, and so many symbols more."""
    percent = int(np.ceil(100 * np.median(target / source)))
    over = np.quantile(target - source * percent / 100, 0.999)
    return percent, min(
        LONGEST_SIDE, int(np.ceil(max(0.0, float(over)))) + int(np.clip(np.median(target) // 2, SLACK, MOST_SLACK))
    )


def pair_rows(sources: Sequence[str | None], targets: Sequence[str | None] | None, state: PairState) -> Array:
    """(N, S + T) symbols; without targets the second part is 0."""
    sides = [sources] if targets is None else [sources, targets]
    return filled([[state.numbers_of((text or "").strip()) for text in side] for side in sides], state)


def filled(numbers: Sequence[Sequence[Sequence[int]]], state: PairState) -> Array:
    """(N, S + T) of the symbols of one side or both; an empty target is none."""
    longest, most = state.sides
    rows = np.zeros((len(numbers[0]), longest + most), dtype=np.int32)
    for row, symbols in zip(rows, numbers[0], strict=True):
        _put(row[:longest], symbols)
    for row, symbols in zip(rows, numbers[1], strict=True) if len(numbers) > 1 else ():
        if symbols:
            _put(row[longest:], symbols)
    return rows


def _put(row: Array, numbers: Sequence[int]) -> None:
    """Symbols and an end, as far as there is room."""
    whole = [*numbers[: len(row)], END][: len(row)]
    row[: len(whole)] = whole


def pair_inputs(state: PairState) -> Inputs:
    """What a network reads of a pair."""
    beam = () if state.beam is None else (state.beam,)
    ahead = (1, *state.sides, *state.limits, state.usual, *state.runs, *beam)
    spec = InputSpec(
        form="pair",
        shape=(sum(state.sides),),
        cardinalities=(state.num_symbols,),
        names=(state.source,),
        ahead=ahead,
    )
    return {"pair": spec}
