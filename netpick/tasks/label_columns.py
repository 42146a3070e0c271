"""Several labels in columns of their own: which columns those are, and what their cells say.

Beside a text or a medium, columns of yes and no are labels more often than inputs: 'toxic', 'obscene', 'insult' of a comment.
Where other inputs stand beside them (numbers, categories), yes and no may be inputs as well, and the user has to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from netpick.columns.kinds import Claim
from netpick.columns.kinds.boolean import PAIRS, SIGNS
from netpick.columns.kinds.cells import as_text, series_of
from netpick.types import Array, Column, TableColumn

NO, YES = {no for no, _ in PAIRS}, {yes for _, yes in PAIRS}
MARKS = YES | {"x"}  # what stands alone in a cell where the others are empty
FEWEST, MOST_SPELLINGS = 2, 7  # columns; three spellings of each, and missing

Claimed = Mapping[str, tuple[str | None, Claim | None]]


def label_columns(
    columns: Mapping[str, Column], claimed: Claimed, is_input: Callable[[str, Column], bool]
) -> list[str]:
    """Columns of yes and no beside texts or media and nothing else; [] where there are none."""
    written = {n for n, c in columns.items() if claimed[n][0] == "text" or not isinstance(c, TableColumn)}
    if not written:
        return []
    labels = [name for name, column in columns.items() if name not in written and says_yes_or_no(column)]
    others = [n for n in columns if n not in written and n not in labels and claimed[n][0] != "datetime"]
    alone = not any(is_input(name, columns[name]) for name in others)
    return labels if len(labels) >= FEWEST and alone and any(is_input(n, columns[n]) for n in written) else []


def says_yes_or_no(column: Column) -> bool:
    """Whether cells are yes or no in one spelling, or a mark and empty."""
    series = series_of(column)
    if series is None or series.dtype.is_temporal() or series.dtype.is_nested() or series.n_unique() > MOST_SPELLINGS:
        return False
    cells = _distinct(series)
    marked = len(cells) == 1 and cells <= MARKS and series.null_count() > 0
    return marked or any(cells == set(pair) for pair in (*PAIRS, SIGNS))


def are_marks(columns: Sequence[TableColumn]) -> bool:
    """Whether labels are marked where they hold and empty where they do not: nowhere stands a no."""
    return all(_distinct(column.values) <= MARKS for column in columns)


def set_labels(columns: Sequence[TableColumn], *, empty_is_none: bool) -> Array:
    """(N, L) int8: 1 set, 0 not set, -1 unknown. Of rows whose cells are all empty nothing is known where columns are new
    and empty throughout."""
    codes = np.stack([_codes(column.values) for column in columns], axis=1)
    if empty_is_none and (codes >= 0).any():
        codes[codes < 0] = 0
    return codes


def _codes(series: pl.Series) -> Array:
    text = as_text(series).str.strip_chars().str.to_lowercase()
    known = {**dict.fromkeys(NO, 0), **dict.fromkeys(MARKS, 1)}
    if set(SIGNS) >= _distinct(series):  # beside 0 and 1, -1 may mean that nothing is known
        known["-1"] = 0
    codes = text.replace_strict(known, default=-1, return_dtype=pl.Int8)
    return codes.fill_null(-1).to_numpy().astype(np.int8)


def _distinct(series: pl.Series) -> set[str]:
    return set(as_text(series.unique()).drop_nulls().str.strip_chars().str.to_lowercase().to_list())
