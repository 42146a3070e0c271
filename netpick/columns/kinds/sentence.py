"""Sentences of words parted by blanks, each word to be said something of: facts about each word as numbers, and its letters.

What a word is tells most: as it is written, in lower case, how it begins and ends, its shape. Words that training did not have are
known by the rest (Ratnaparkhi 1996; Ma & Hovy 2016 on letters).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import FEWEST_ROWS, Claim, Kind
from netpick.columns.kinds.cells import as_text, series_of
from netpick.types import STRICT, Array, Column, Form, InputSpec, Note, Rows

UNKNOWN, FIRST = 1, 2  # numbers; 0 is none
LETTERS = 16  # of a word: of longer ones the two ends
SHORTEST, LONGEST = 32, 128  # words that are read of a sentence; longer ones are cut into several (tasks/tag/)
MOST_KNOWN = 1 << 20  # different words, beginnings, ...
RUN = 3  # letters of one shape that are told apart by their number


def tokens_of(cell: str | None) -> list[str]:
    """The words of a sentence."""
    return [word for word in (cell or "").split(" ") if word]


def steps_of(sentences: Iterable[Sequence[str]]) -> int:
    """How many words are read of each: as many as the longest has, within limits."""
    return min(LONGEST, max([SHORTEST, *map(len, sentences)]))


def shape_of(word: str) -> str:
    """Xxx for Paris, dddd for 1984, X.X. for U.S.; long runs of one shape are cut."""
    shape = re.sub(r"[^\W\d_]", _case, word)
    shape = re.sub(r"\d", "d", shape)
    return re.sub(r"(.)\1{3,}", lambda run: run[1] * (RUN + 1), shape)


def _case(letter: re.Match[str]) -> str:
    return "X" if letter[0].isupper() else "x"


# What is said of a word, and from how many times on a value of it is known: those that come once say what unknown ones are like.
FACTS: dict[str, tuple[Callable[[str], str], int]] = {
    "word": (lambda word: word, 2),
    "lower": (lambda word: re.sub(r"\d", "0", word.lower()), 1),
    "first 1": (lambda word: word[:1], 2),
    "first 3": (lambda word: word[:3].lower(), 2),
    "last 1": (lambda word: word[-1:].lower(), 2),
    "last 2": (lambda word: word[-2:].lower(), 2),
    "last 3": (lambda word: word[-3:].lower(), 2),
    "last 4": (lambda word: word[-4:].lower(), 2),
    "shape": (shape_of, 2),
}


@dataclass(config=STRICT, kw_only=True)
class SentenceState:
    """The values of each fact that are known, of the numbers from FIRST on; the letters; and how many words a sentence has at most."""

    known: tuple[tuple[str, ...], ...] = Field(min_length=len(FACTS), max_length=len(FACTS))
    letters: tuple[str, ...] = Field(max_length=MOST_KNOWN)
    length: int = Field(ge=1, le=1 << 12)
    share_unknown: float = Field(ge=0, le=1)  # of training words, each as if it was not among them

    def __post_init__(self) -> None:
        if any(len(set(values)) != len(values) or len(values) > MOST_KNOWN for values in (*self.known, self.letters)):
            raise ValueError("values that are all different")


class Sentence(Kind):
    """A sentence whose words stand between blanks. Taken where each word has a tag, or where it is asked for."""

    name: ClassVar[str] = "sentence"
    form: ClassVar[Form] = "words"
    State = SentenceState

    def claim(self, column: Column) -> Claim | None:
        return None  # most texts are classified as a whole

    def fit(self, column: Column, rows: Rows) -> SentenceState:
        return _fitted(column, rows, 1)

    def fit_private(self, column: Column, rows: Rows) -> SentenceState:
        return _fitted(column, rows, FEWEST_ROWS)

    def encode(self, column: Column, state: Any) -> Array:
        places: dict[str, int] = {}
        sentences = [
            [places.setdefault(word, len(places)) for word in tokens_of(cell)[: state.length]]
            for cell in _cells(column)
        ]
        numbers = _numbers(list(places), state)
        made = np.zeros((len(sentences), state.length, numbers.shape[1]), dtype=np.int32)
        for row, words in zip(made, sentences, strict=True):
            row[: len(words)] = numbers[words]
        return made

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return (name,)

    def spec(self, name: str, state: Any) -> InputSpec:
        sizes = [FIRST + len(values) for values in state.known] + [FIRST + len(state.letters)] * LETTERS
        return InputSpec(
            form="words",
            shape=(state.length, len(sizes)),
            cardinalities=tuple(sizes),
            padded=True,
            names=(name,),
            ahead=(1, len(FACTS)),
        )

    def lengths(self, column: Column, state: Any, encoded: Array) -> Array:
        return np.asarray((encoded[..., 0] > 0).sum(axis=1), dtype=np.int32)

    def notes(self, name: str, state: Any, *, private: bool = False) -> tuple[Note, ...]:
        words, ends = len(state.known[1]), sum(map(len, state.known[2:8]))
        text = (
            f"'{name}' is read word by word: {words:,} different words in lower case, {ends:,} beginnings and endings of them, their "
            f"shapes and letters; {state.share_unknown:.1%} of the training words come once, as new words do."
        )
        return (Note(subject="words", text=text),)


def _cells(column: Column) -> Sequence[str | None]:
    series = series_of(column)
    assert series is not None
    return as_text(series).to_list()


def _fitted(column: Column, rows: Rows, fewest: int) -> SentenceState:
    """By what comes in at least so many sentences."""
    sentences = [tokens_of(cell) for cell in _cells(column)]
    learned = [sentences[row] for row in rows.tolist()]
    known = [_known(learned, fact, max(fewest, least)) for fact, least in FACTS.values()]
    letters = _known([list("".join(words)) for words in learned], lambda letter: letter, max(fewest, 2))
    counts = Counter(word for words in learned for word in words)
    once = sum(count == 1 for count in counts.values())
    return SentenceState(
        known=tuple(known),
        letters=letters,
        length=steps_of(sentences),
        share_unknown=once / max(1, counts.total()),
    )


def _known(sentences: Iterable[Sequence[str]], fact: Callable[[str], str], fewest: int) -> tuple[str, ...]:
    """Values that come so often, the commonest first. Of a private model they come in as many sentences."""
    counts: Counter[str] = Counter()
    for words in sentences:
        values = [fact(word) for word in words]
        counts.update(set(values) if fewest >= FEWEST_ROWS else values)
    return tuple(sorted((v for v, count in counts.items() if count >= fewest), key=lambda v: (-counts[v], v)))


def _numbers(words: Sequence[str], state: SentenceState) -> Array:
    """(U, K + L) of different words."""
    tables = [{value: FIRST + place for place, value in enumerate(values)} for values in state.known]
    letters = {letter: FIRST + place for place, letter in enumerate(state.letters)}
    made = np.zeros((len(words), len(FACTS) + LETTERS), dtype=np.int32)
    for row, word in zip(made, words, strict=True):
        for place, (table, (fact, _)) in enumerate(zip(tables, FACTS.values(), strict=True)):
            row[place] = table.get(fact(word), UNKNOWN)
        kept = word if len(word) <= LETTERS else word[: LETTERS // 2] + word[-LETTERS // 2 :]
        row[len(FACTS) : len(FACTS) + len(kept)] = [letters.get(letter, UNKNOWN) for letter in kept]
    return made
