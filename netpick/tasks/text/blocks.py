"""From lines of a text to blocks: which lines are of which part, what their symbols are, and the rows that networks read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netpick.errors import DataError
from netpick.tasks.text.levels import END, LEVELS, PADDING, UNKNOWN_WORD
from netpick.tasks.text.state import NextState, numbers_of, sizes_of
from netpick.types import TEST, TRAIN, VALIDATION, Array, Rows

SMALL = 5_000_000  # characters; a text of more is read by pieces of its words
MOST_ALPHABET = 2_000  # different characters; a text of more (Chinese) is read by its bytes
SAMPLE = 2_000  # lines that are looked at
FEWEST_SYMBOLS = 500  # of a text, below which nothing can be learned or tested
MOST_VALIDATION = 50_000  # characters that are put aside to choose by, where no part is given for it
TENTH = 0.1


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A level, and why it was taken."""

    level: str
    reason: str
    given: bool = False


def chosen_level(lines: Sequence[str], apart: bool, asked: str | None, *, private: bool = False) -> Chosen:
    """What the symbols of these lines are: as asked, or by size and content. private: nothing learned from single lines."""
    if asked is not None:
        return Chosen(level=asked, reason="as given", given=True)
    some = [line for line in lines[:: max(1, len(lines) // SAMPLE)] if line.strip()]
    if hides_words(some) or _is_tokenised(some):
        return Chosen(level="words", reason="words and marks stand between blanks already")
    size = sum(map(len, lines))
    if len(set().union(*some) if some else ()) > MOST_ALPHABET:
        return Chosen(level="bytes", reason=f"more than {MOST_ALPHABET:,} different characters")
    if size <= SMALL or apart:
        return Chosen(level="characters", reason=f"{size:,} characters are a small text")
    if private:
        return Chosen(level="bytes", reason="pieces would be of the text itself, which --private leaves out")
    return Chosen(level="pieces", reason=f"{size:,} characters are a large text")


def hides_words(lines: Sequence[str]) -> bool:
    """Whether rare words were replaced already."""
    return any(UNKNOWN_WORD in line.split() for line in lines)


def _is_tokenised(lines: Sequence[str]) -> bool:
    """Whether full stops and commas stand between blanks, as tokenisers leave them."""
    words = [word for line in lines for word in line.split()]
    marks = [word for word in words if word.rstrip(".,;:!?") == ""]
    attached = [word for word in words if len(word) > 1 and word[-1] in ".,;:!?" and word[:-1].isalnum()]
    return len(marks) >= 20 and len(marks) > 20 * len(attached)


def divided(lines: Sequence[str], given: Array | None, *, apart: bool, seed: int) -> dict[int, Rows]:
    """Which lines are of which part, in the order in which they are read.

    given: (N,) parts, where the data say them; of two parts the second is tested. Of texts that are apart equal ones stay on one
    side, and their order is drawn. What is chosen by is the beginning: the text right before the test part is worth most to those
    who learn (Shakespeare by characters, Kneser-Ney: 2.42 bits without the last twentieth before it, 2.19 with it).
    """
    order = _drawn(lines, seed) if apart else np.arange(len(lines))
    if given is None or not (given != TRAIN).any():
        test = len(order) - _share(lines, order[::-1], np.inf)
        chosen = _share(lines, order[:test], MOST_VALIDATION, TENTH / (1 - TENTH))
        rows = {TRAIN: order[chosen:test], VALIDATION: order[:chosen], TEST: order[test:]}
        return _together(rows, lines) if apart else rows
    tested = TEST if (given == TEST).any() else VALIDATION
    train, chosen_by = order[given[order] == TRAIN], order[(given[order] == VALIDATION) & (tested != VALIDATION)]
    if not len(chosen_by):
        chosen = _share(lines, train, MOST_VALIDATION)
        train, chosen_by = train[chosen:], train[:chosen]
    return {TRAIN: train, VALIDATION: chosen_by, TEST: order[given[order] == tested]}


def _drawn(lines: Sequence[str], seed: int) -> Rows:
    """All lines in a random order, equal ones side by side."""
    order = np.random.default_rng(seed).permutation(len(lines))
    first: dict[str, int] = {}
    for place, row in enumerate(order.tolist()):
        first.setdefault(lines[row], place)
    return order[np.argsort([first[lines[row]] for row in order.tolist()], kind="stable")]


def _share(lines: Sequence[str], rows: Rows, most: float, share: float = TENTH) -> int:
    """How many of the first of these lines are that share of all, and not more than `most` characters; one at least where there are two."""
    lengths = np.array([len(lines[row]) + 1 for row in rows.tolist()])
    most = min(share * lengths.sum(), most)
    return max(int((np.cumsum(lengths) <= most).sum()), min(1, len(rows) - 1))


def _together(rows: dict[int, Rows], lines: Sequence[str]) -> dict[int, Rows]:
    """Lines of the later parts that an earlier one has go there."""
    part_of: dict[str, int] = {}
    for part, members in rows.items():
        for row in members.tolist():
            part_of.setdefault(lines[row], part)
    everything = np.concatenate(list(rows.values()))
    parts = np.array([part_of[lines[row]] for row in everything.tolist()])
    return {part: everything[parts == part] for part in rows}


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Blocks of one text or part of it, one behind the other."""

    windows: Array  # (n, C + 1 + T) int32: see InputSpec
    truth: Array  # (n, 2, T) int32

    def __len__(self) -> int:
        return len(self.windows)


def cut_blocks(numbers: Array, state: NextState) -> Blocks:
    """A text's symbols (N,) as blocks of T; before its beginning a line has ended, and nothing stands before that."""
    block, context = state.block, state.context
    count = -(-len(numbers) // block)
    whole = np.full(context + 1 + count * block, PADDING, dtype=np.int32)
    whole[context] = END
    whole[context + 1 : context + 1 + len(numbers)] = numbers
    width = context + 1 + block
    views = np.lib.stride_tricks.sliding_window_view(whole, width)[::block] if count else np.zeros((0, width), np.int32)
    windows = np.ascontiguousarray(views)
    symbols = windows[:, context + 1 :]
    sizes = sizes_of(state)[symbols]
    return Blocks(windows=windows, truth=np.stack([symbols, sizes], axis=1))


def part_numbers(lines: Sequence[str], rows: Rows, state: NextState) -> Array:
    """The symbols of these lines, one after another."""
    return numbers_of((lines[row] for row in rows.tolist()), state)


def require_enough(numbers: dict[int, Array], state: NextState, origin: str) -> None:
    """Raises DataError for a text that is too short, or of a single symbol."""
    total = sum(map(len, numbers.values()))
    plural = LEVELS[state.level].plural
    if total < FEWEST_SYMBOLS:
        raise DataError(
            f"{origin} holds {total:,} {plural}, but a text of at least {FEWEST_SYMBOLS} was expected: of less, nothing can be learned "
            "and tested. Add more text."
        )
    if len(np.unique(numbers[TRAIN])) < 2 or len(state.symbols) < 2:
        only = f"'{state.symbols[0]}'" if state.symbols else "ends of lines"
        raise DataError(
            f"{origin} holds a single symbol, {only}, again and again, but a text of different {plural} was expected. Check how it was "
            "written, or choose another --level."
        )
    short = next((part for part in (TRAIN, VALIDATION, TEST) if len(numbers[part]) < 2), None)
    if short is not None:
        name = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}[short]
        raise DataError(
            f"The {name} part of {origin} holds {len(numbers[short]):,} {plural}, but some text was expected in each part. Add text to it, "
            "or pass the text as one file."
        )
