"""Spellings of one value: case, blanks, marks at the ends, Unicode forms, and 1.0 for 1; and their merging, where it is asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from netpick.errors import RequestError, near_matches
from netpick.types import Note, Source, TableColumn

QUOTES = " \t\r\n'\"`\u200b\ufeff"
STRAY = QUOTES + ".,;:!"  # at the end; no + - < > =: they may be all that two values differ by
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")  # leading zeros mean something: "007" is a name
INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
MOST_VALUES = 1_000  # different ones; columns of more are no categories
NAMED = 3


def plain_spelling(value: str) -> str:
    """The value without what people and programs add by accident; itself where nothing would be left."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", value))
    text = " ".join(text.casefold().split()).rstrip(STRAY).lstrip(QUOTES)
    if NUMBER.fullmatch(text):
        return repr(float(text))
    return text or value


def alike(counts: Mapping[str, int]) -> list[list[str]]:
    """Groups of values that differ in their spelling alone, the commonest first; counts: cells by value."""
    groups: dict[str, list[str]] = {}
    for value in sorted(counts):
        groups.setdefault(plain_spelling(value), []).append(value)
    return [sorted(group, key=lambda v: (-counts[v], v)) for group in groups.values() if len(group) > 1]


def merged(source: Source, names: Sequence[str]) -> Source:
    """The source with each value of these columns in its commonest spelling. Raises RequestError for names that are none."""
    columns, notes = dict(source.columns), list(source.notes)
    for name in names:
        column = columns.get(name)
        if column is None:
            raise RequestError(f"There is no column '{name}' in {source.name}.{near_matches(name, columns)}")
        if not isinstance(column, TableColumn) or column.values.dtype != pl.String:
            raise RequestError(
                f"--merge {name} was given, but column '{name}' of {source.name} holds no words. Leave the option out."
            )
        counts = dict(column.values.drop_nulls().alias("value").value_counts().iter_rows())
        spelled = {variant: group[0] for group in alike(counts) for variant in group[1:]}
        columns[name] = TableColumn(name=name, values=column.values.replace(spelled) if spelled else column.values)
        shown = ", ".join(
            f"{variant!r} as {value!r} ({counts[variant]:,})" for variant, value in list(spelled.items())[:NAMED]
        )
        more = f" and {len(spelled) - NAMED:,} more" if len(spelled) > NAMED else ""
        text = (
            f"'{name}': spellings are merged, as asked: {shown}{more}."
            if spelled
            else f"'{name}': no value has two spellings."
        )
        notes.append(Note(subject="spelling", text=text, override="--merge"))
    return replace(source, columns=columns, notes=notes)
