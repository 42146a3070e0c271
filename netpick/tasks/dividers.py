"""Columns that say which rows belong together, or that rows are divided by: no features, since of new rows they say nothing."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from netpick.columns.kinds.cells import series_of
from netpick.tasks.ratings import words_of
from netpick.types import Column, Field, Source

ENTITY_WORDS = {"patient", "subject", "person", "user", "customer", "speaker", "writer", "client", "group", "session"}
FOLD_WORDS, MOST_FOLDS = {"fold", "folds"}, 20  # what a column of given folds is called, and how many there are at most
FEWEST_GROUPS = 3  # one each to learn from, to choose on and to test on


def as_divider(field: Field, source: Source, split_by: str | None) -> Field:
    """A column that the rows are divided by, or that is there for nothing else, is no feature: of new rows it says nothing."""
    if field.role not in ("feature", "left_out", "group") or field.explicit:
        return field
    if field.name == split_by and (field.kind not in ("number", "datetime") or _names_folds(field)):
        reason = f"names {_distinct(field, source):,} things that come again; kept together in the split"
        return field if field.role == "group" else replace(field, kind=None, role="group", reason=reason)
    if field.role == "group" and split_by is not None and field.name != split_by:
        return replace(field, role="left_out", reason=f"names things that come again; the split goes by '{split_by}'")
    if field.name in source.aside:
        distinct = _distinct(field, source)
        reason = f"{distinct:,} different ones in the names of the files; --split group:{field.name} keeps those of one together"
        return replace(field, role="left_out", kind=None, reason=reason)
    if _names_folds(field):
        reason = f"names {_distinct(field, source)} folds; --folds {field.name} tests each of them once"
        return replace(field, role="left_out", kind=None, reason=reason)
    return field


def _distinct(field: Field, source: Source) -> int:
    series = series_of(source.columns[field.name])
    return field.num_distinct or (series.n_unique() if series is not None else 0)


def _names_folds(field: Field) -> bool:
    return words_of(field.name) <= FOLD_WORDS and bool(words_of(field.name)) and 2 <= field.num_distinct <= MOST_FOLDS


def as_group(field: Field, column: Column, *, said: bool, forced: bool) -> Field:
    """A column that names a person or thing that comes again ('patient_id') tells which rows belong together.

    One of which the layout says so is no feature in any case: new files come without it.
    """
    series = series_of(column)
    if forced and not said:  # an explicit kind makes the column an input
        return replace(field, explicit=field.role == "feature")
    if said and field.role in ("feature", "left_out") and series is not None:
        distinct = series.n_unique()
        if distinct < FEWEST_GROUPS:
            return replace(field, role="left_out", kind=None, reason=f"names {distinct} things, too few to split by")
        reason = f"names {distinct:,} things that come again in {len(series):,} rows; kept together in the split"
        return replace(field, role="group", kind=None, reason=reason)
    if field.role not in ("feature", "left_out") or series is None or field.kind in ("boolean", "datetime"):
        return field
    distinct = field.num_distinct or series.n_unique()
    if not names_entities(field.name, series, distinct):
        return field
    reason = f"names {distinct:,} things that come again in {len(series):,} rows; kept together in the split"
    return replace(field, role="group", kind=None, reason=reason)


def names_entities(name: str, series: pl.Series, distinct: int) -> bool:
    """Whether a column names persons or things that come again: by its name, and by how often its values repeat."""
    words = words_of(name)
    numbered = words & {"id", "ids", "nr", "no", "number", "name", "key"}
    if not words & ENTITY_WORDS or not (numbered or len(words) == 1):
        return False
    if not (series.dtype.is_integer() or series.dtype == pl.String):
        return False
    return 5 <= distinct <= len(series) / 1.5
