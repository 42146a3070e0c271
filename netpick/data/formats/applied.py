"""A way of writing applied to a whole column: its values, and the cells that it does not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from netpick.data.formats.base import Way
from netpick.data.formats.tidy import tidy


@dataclass(frozen=True, kw_only=True)
class Rest:
    """The filled cells that were not read."""

    rows: pl.Series  # their numbers
    texts: pl.Series  # tidied
    filled: int  # cells of the whole column that hold more than blanks


def values_of(way: Way, cells: pl.Series, state: Any) -> tuple[pl.Series, Rest]:
    """The values of a column of text, or of numbers that mean times. What reads as it stands is not tidied before, which costs
    as much as reading it."""
    tidied = cells.dtype != pl.String
    texts = cells if tidied or way.as_they_stand else tidy(cells)
    values = way.read(texts, state)
    rows = (texts.is_not_null() & values.is_null()).arg_true()
    odd = texts.gather(rows)
    if way.as_they_stand and not tidied and len(rows):
        odd = tidy(odd)
        read = way.read(odd, state)
        values = values.scatter(rows, read)
        unread = read.is_null() & odd.is_not_null()
        filled = len(cells) - cells.null_count() - odd.null_count()
        return values, Rest(rows=rows.filter(unread), texts=odd.filter(unread), filled=filled)
    return values, Rest(rows=rows, texts=odd.cast(pl.String), filled=len(texts) - texts.null_count())
