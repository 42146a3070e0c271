"""Tables of ratings: who, what, and how much. Ids of both sides are inputs there, and the rating is a quantity.

Known by its columns' names and by how their values meet: two columns of ids that come again, hardly ever the same two
together, and a target that is called a rating.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from netpick.columns.kinds.cells import as_numbers, series_of
from netpick.types import Column

ID_NAMES = {"id", "ids", "uid", "asin", "isbn", "sku"}
PEOPLE = {
    "user",
    "reviewer",
    "customer",
    "member",
    "viewer",
    "reader",
    "player",
    "client",
    "person",
    "visitor",
    "rater",
}
THINGS = {
    *("item", "movie", "film", "book", "product", "song", "track", "artist", "album", "game", "restaurant", "business"),
    *(
        "hotel",
        "recipe",
        "joke",
        "anime",
        "article",
        "show",
        "beer",
        "wine",
        "shop",
        "store",
        "place",
        "venue",
        "title",
    ),
}
RATING_NAMES = {"rating", "ratings", "stars", "star", "score", "rate", "rated"}
ROWS_AN_ID = 1.2  # at least, so that its values come again
FEWEST_IDS, FEWEST_ROWS = 5, 50
MEET_ONCE = 0.9  # of the rows: somebody rates a thing once


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """The two columns of ids, in the order of the table."""

    ids: tuple[str, str]


def words_of(name: str) -> set[str]:
    """The words of a column's name, in lower case: userId, user-id and USER_ID are of two."""
    return set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def holds_ids(name: str, series: pl.Series, distinct: int) -> bool:
    """Whether whole numbers are called ids, and come again: names of things, and no quantity."""
    filled = len(series) - series.null_count()
    named = bool(words_of(name) & ID_NAMES)
    return named and series.dtype.is_integer() and 2 < distinct <= filled / ROWS_AN_ID


def find_ratings(columns: Mapping[str, Column], target: Sequence[str], left_out: Sequence[str]) -> Ratings | None:
    """The ids of a table of ratings; None for any other table."""
    if len(target) != 1 or not words_of(target[0]) & RATING_NAMES:
        return None
    rated = series_of(columns[target[0]])
    if rated is None or len(rated) < FEWEST_ROWS or as_numbers(rated).null_count() > len(rated) / 2:
        return None
    counts: dict[str, int] = {}
    for name, column in columns.items():
        series = series_of(column)
        if name in target or name in left_out or series is None or not words_of(name) & (ID_NAMES | PEOPLE | THINGS):
            continue
        if not (series.dtype.is_integer() or series.dtype == pl.String):
            continue
        distinct = series.n_unique()
        if FEWEST_IDS <= distinct <= len(series) / ROWS_AN_ID:
            counts[name] = distinct
    first, *others = sorted(counts, key=lambda name: -counts[name]) or [""]
    for second in others:
        pairs = pl.DataFrame([series_of(columns[first]), series_of(columns[second])]).n_unique()
        if pairs >= MEET_ONCE * len(rated):
            return Ratings(
                ids=(first, second) if [*columns].index(first) < [*columns].index(second) else (second, first)
            )
    return None
