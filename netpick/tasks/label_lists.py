"""Several labels in one cell: which mark divides them, as far as the labels themselves show it.

A bar or a semicolon hardly stands in a name. Commas, slashes and blanks do ("Portland, OR"), so for these the parts have to
behave as labels: few of them make up many combinations, and none always comes with the same companion.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence

import polars as pl

PLAIN_MARKS = ("|", ";")
WEAK_MARKS = (",", "#", "/", "+", " ")
LISTED = "[]"  # ['a', 'b'] as Python and JSON write lists
DELIMITERS = (*PLAIN_MARKS, *WEAK_MARKS, LISTED)
MAX_LABELS = 500
LEAST_DIVIDED = 0.1  # share of the cells that have to hold several labels
PER_LABEL = 1.5  # combinations a label that weak marks need
LIST = re.compile(r"\[.*\]|\(.*\)|\{.*\}", re.DOTALL)


def find_delimiter(cells: pl.Series) -> str | None:
    """The mark that divides labels in at least a tenth of the cells; None where cells are no lists of labels."""
    filled = cells.drop_nulls()
    if len(filled) == 0:
        return None
    counts = filled.alias("cell").value_counts()  # of few different cells, a few are looked at for all
    listed = counts["cell"].str.strip_chars().str.contains(r"(?s)^\[.*\]$")
    if listed.all() and _come_again(split_cells(filled, LISTED)):
        return LISTED
    for mark in PLAIN_MARKS:
        if _divided(counts, mark) and _come_again(split_cells(filled, mark)):
            return mark
    return next((mark for mark in WEAK_MARKS if _divided(counts, mark) and _are_labels(filled, mark)), None)


def split_cells(cells: pl.Series, delimiter: str) -> list[list[str] | None]:
    """The labels of every cell; None where it is missing. cells: text."""
    if delimiter == LISTED:
        known = {cell: _listed(cell) for cell in cells.drop_nulls().unique().to_list()}
        return [None if cell is None else known[cell] for cell in cells.to_list()]
    parts = cells.str.split(delimiter).to_list()
    return [None if cell is None else [part.strip() for part in cell if part and part.strip()] for cell in parts]


def _divided(counts: pl.DataFrame, mark: str) -> bool:
    holding = counts["cell"].str.contains(mark, literal=True)
    return int(counts["count"].filter(holding).sum()) >= LEAST_DIVIDED * int(counts["count"].sum())


def _come_again(cells: Sequence[list[str] | None]) -> bool:
    counts = Counter(label for cell in cells for label in cell or ())
    return len(counts) <= min(MAX_LABELS, max(2, counts.total() // 3))


def _are_labels(filled: pl.Series, mark: str) -> bool:
    combinations = {frozenset(cell) for cell in split_cells(filled.unique(), mark) if cell}
    counts = Counter(label for cell in combinations for label in cell)
    if not 2 <= len(counts) <= MAX_LABELS or len(combinations) < PER_LABEL * len(counts):
        return False
    if any(len(set(cell)) < len(cell) for cell in split_cells(filled.head(1000), mark) if cell):
        return False  # a label never comes twice in a cell, words do
    companions: dict[str, set[str]] = {}
    for cell in combinations:
        for label in cell:
            companions.setdefault(label, set()).update(cell - {label})
    alone = {label for cell in combinations if len(cell) == 1 for label in cell}
    free = sum(label in alone or len(companions[label]) > 1 for label in counts)
    # At the same place of a cell stand different labels: "City, ST" has its own words at each.
    return free == len(counts) and _places_mix(filled, mark)


def _places_mix(filled: pl.Series, mark: str) -> bool:
    first: set[str] = set()
    later: set[str] = set()
    for cell in split_cells(filled.unique(), mark):
        first.update((cell or [])[:1])
        later.update((cell or [])[1:])
    return len(first & later) >= 0.3 * min(len(first), len(later))


def _listed(cell: str) -> list[str]:
    """The items of a list as Python or JSON writes it, without running any of it."""
    inside = cell.strip()
    inside = inside[1:-1] if LIST.fullmatch(inside) else inside
    labels: list[str] = []
    for quote in ("'", '"'):
        if quote in inside:
            row = next(csv.reader(io.StringIO(inside), quotechar=quote, skipinitialspace=True, escapechar="\\"), [])
            labels = [item.strip().strip("'\"") for item in row]
            break
    else:
        labels = [item.strip() for item in inside.split(",")]
    return [label for label in labels if label]
