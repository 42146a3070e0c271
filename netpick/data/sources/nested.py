"""Cells that hold more than one value, as plain columns: fields of objects, lists of labels, vectors of one length, bytes of text."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars.exceptions import PolarsError

from netpick.types import Note

MOST_FIELDS = 4_096  # columns that one column may become
MOST_LABELS = 500  # different values of lists that are labels
MARKS = ("|", ";", ",", "#", "/")  # between labels, the first that is in none of them
DEEPEST = 4  # objects in objects


def plain_columns(series: pl.Series, notes: list[Note]) -> list[pl.Series]:
    """A column as columns of plain cells, with a note of what became of it; [] where it holds what no kind reads."""
    columns = list(_plain(series, 0))
    if not columns or columns[0] is series:
        return columns
    name = series.name
    if len(columns) == 1 and columns[0].name == name:
        what = "bytes, read as text" if series.dtype == pl.Binary else "lists, read as labels"
        notes.append(Note(subject="columns", text=f"Column {name!r} holds {what}."))
    else:
        some = ", ".join(repr(one.name) for one in columns[:3]) + (", ..." if len(columns) > 3 else "")
        what = "objects" if series.dtype == pl.Struct else "vectors"
        text = f"Column {name!r} holds {what}, read as {len(columns):,} columns: {some}."
        notes.append(Note(subject="columns", text=text))
    return columns


def _plain(series: pl.Series, depth: int) -> Iterator[pl.Series]:
    dtype = series.dtype
    if isinstance(dtype, pl.Struct):
        if depth < DEEPEST and len(dtype.fields) <= MOST_FIELDS:
            for field in dtype.fields:
                inner = series.struct.field(field.name)
                yield from _plain(inner.alias(f"{series.name}.{field.name}"), depth + 1)
    elif isinstance(dtype, (pl.List, pl.Array)):
        yield from _of_lists(series)
    elif dtype == pl.Binary:
        text = _as_text(series)
        if text is not None:
            yield text
    elif dtype != pl.Object:
        yield series


def _of_lists(series: pl.Series) -> Iterator[pl.Series]:
    lists = series.arr.to_list() if isinstance(series.dtype, pl.Array) else series
    assert isinstance(lists.dtype, pl.List)
    inner = lists.dtype.inner
    if inner == pl.Null:
        yield pl.Series(series.name, [None if cell is None else "" for cell in lists.to_list()], dtype=pl.String)
        return
    lengths = lists.list.len().drop_nulls()
    if inner.is_numeric() and len(lengths) and lengths.min() == lengths.max() and 1 < int(lengths[0]) <= MOST_FIELDS:
        for place in range(int(lengths[0])):
            yield lists.list.get(place).alias(f"{series.name}_{place + 1}")
        return
    if inner == pl.String or inner.is_integer() or isinstance(inner, (pl.Categorical, pl.Enum)):
        texts = lists.cast(pl.List(pl.String))
        labels = texts.explode().drop_nulls().unique()
        if len(labels) <= MOST_LABELS:
            mark = next((mark for mark in MARKS if not labels.str.contains(mark, literal=True).any()), None)
            if mark is not None:
                yield texts.list.drop_nulls().list.join(mark).alias(series.name)
        elif inner == pl.String:  # words of a text
            yield texts.list.drop_nulls().list.join(" ").alias(series.name)


def _as_text(series: pl.Series) -> pl.Series | None:
    try:
        return series.cast(pl.String)
    except PolarsError:  # bytes that are no text
        return None
