"""Whether the first row of a table names its columns, and what the columns are called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from netpick.data.formats.missing import MISSING
from netpick.data.sources.cutting import CONSISTENT, is_number
from netpick.types import Note

YEAR = re.compile(r"(?:1[6-9]|20|21)\d\d")
FEWEST_COUNTED = 3  # columns, that are numbered
FEWEST_BELOW = 8  # rows below numbers that count alone
FEWEST_YEARS = 5  # in a row, that are names of columns
NAME_LENGTH = 60  # characters; a longer cell in the first row is prose, not a name


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Each column votes: a word above numbers says yes, a number above numbers no, a word that comes again below no."""
    if len(rows) < 2:
        return bool(rows) and not any(is_number(cell) for cell in rows[0])
    if _are_times_as_names(rows) or _are_counted(rows):
        return True
    votes = 0
    for position, cell in enumerate(rows[0]):
        below = [row[position].strip() for row in rows[1:] if position < len(row)]
        filled = [text for text in below if text not in MISSING]
        if filled and sum(map(is_number, filled)) >= CONSISTENT * len(filled):
            votes += -1 if is_number(cell) or cell.strip() in MISSING[1:] else 1
        elif cell.strip() and cell.strip() in filled:
            votes -= 1
    if votes:
        return votes > 0
    cells = [cell.strip() for cell in rows[0]]
    named = [cell for cell in cells if cell]
    if any(not cell and not _mostly_empty(rows[1:], place) for place, cell in enumerate(cells)):
        return False
    return len(set(named)) == len(named) >= min(2, len(cells)) and all(
        len(cell) <= NAME_LENGTH and not is_number(cell) and len(cell.split()) <= 5 for cell in named
    )


def _are_times_as_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names years that rise by one step, beside words or not, and the rows below do not."""

    def run(row: Sequence[str]) -> int:
        years = [int(cell) for cell in map(str.strip, row) if YEAR.fullmatch(cell)]
        steps = {after - before for before, after in itertools.pairwise(years)}
        return len(years) if len(steps) == 1 and steps.pop() > 0 else 0

    return run(rows[0]) >= FEWEST_YEARS and not any(run(row) for row in rows[1:20])


def _are_counted(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row numbers its columns (0, 1, 2, label), as tables without names are written, and no row below does."""

    def counts(row: Sequence[str]) -> bool:
        numbers = [int(cell) for cell in map(str.strip, row) if cell.isdecimal() and len(cell) < 6]
        return len(numbers) >= FEWEST_COUNTED and numbers in (
            list(range(len(numbers))),
            list(range(1, len(numbers) + 1)),
        )

    first = [cell.strip() for cell in rows[0]]
    words = {cell for cell in first if cell and not is_number(cell)}
    again = any(
        row[place].strip() == cell
        for place, cell in enumerate(first)
        if cell in words
        for row in rows[1:]
        if place < len(row)
    )
    fractions = len(rows) > FEWEST_BELOW and any(
        is_number(cell) and not cell.strip().isdecimal() for row in rows[1:] for cell in row
    )
    return counts(rows[0]) and not again and bool(words or fractions) and not any(map(counts, rows[1:]))


def _mostly_empty(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column without a name hardly holds anything either."""
    filled = sum(1 for row in rows if place < len(row) and row[place].strip())
    return filled <= 0.5 * len(rows)


def column_names(rows: Sequence[Sequence[str]], header: bool) -> tuple[list[str], list[Note]]:
    if not rows:
        return [], []
    width = len(rows[0])
    if not header:
        return [f"column_{number}" for number in range(1, width + 1)], []
    names = [cell.strip() for cell in rows[0]]
    if len(rows) < 2 or any(len(row) != width + 1 for row in rows[1:]):
        return names, []
    if all(not row[-1].strip() for row in rows[1:]):  # every line ends in a separator
        text = "Every row ends in a separator that the header lacks; the empty last column has no name."
        return [*names, ""], [Note(subject="header", text=text, override="--no-header")]
    text = "Rows have one cell more than the header: the first holds row names, as R writes them; it is called 'row'."
    return ["row", *names], [Note(subject="header", text=text, override="--no-header")]
