"""A column of a table that says which rows are for training and which for testing: split, part, Usage, is_valid."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from netpick.data.sources.paths import PART_NAMES, PART_WORDS
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION, Note, Source, TableColumn

VALUES: Mapping[str, int] = {**PART_WORDS, "publictest": VALIDATION, "privatetest": TEST, "holdout": TEST, "eval": TEST}
FLAGS: Mapping[str, tuple[int, int]] = {  # by name, the parts of the rows that say no and yes
    "istrain": (TEST, TRAIN),
    "istest": (TRAIN, TEST),
    "isvalid": (TRAIN, VALIDATION),
    "isval": (TRAIN, VALIDATION),
    "isvalidation": (TRAIN, VALIDATION),
}
FIRST = 200  # cells
TRUTHS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1, "0.0": 0, "1.0": 1}


def with_part_column(source: Source, *, inputs: Sequence[str], together: bool) -> Source:
    """The source with the split that a column of it gives. `inputs`: columns that are something else; `together`: all parts
    are one set."""
    if source.given_split is not None or source.part_column is not None:
        return source
    for name, column in source.columns.items():
        if name in inputs or name == source.target or not isinstance(column, TableColumn):
            continue
        parts = _parts_of(name, column.values)
        if parts is not None:
            return _with_parts(source, name, parts, together=together)
    return source


def _with_parts(source: Source, name: str, parts: pl.Series, *, together: bool) -> Source:
    given = parts.fill_null(UNASSIGNED).cast(pl.Int8).to_numpy()
    counts = ", ".join(
        f"{PART_NAMES[part]} {int((given == part).sum()):,}" for part in PART_NAMES if (given == part).any()
    )
    if together:
        text = f"Column '{name}' names parts ({counts}), which are put together, as asked; it is no input."
        return replace(source, part_column=name, notes=[*source.notes, Note(subject="split", text=text)])
    text = f"The split is given by column '{name}': {counts}. It is no input."
    note = Note(subject="split", text=text, override=f"--test none, or --kind '{name}=category' for an input")
    return replace(source, part_column=name, given_split=given, notes=[*source.notes, note])


def _parts_of(name: str, cells: pl.Series) -> pl.Series | None:
    """The part of each row, where every value of a column is one and some rows are for training; None else."""
    flags = FLAGS.get(re.sub(r"[^a-z]", "", name.lower()))
    if flags is None and cells.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    # The first cells tell of nearly every column that it names no parts, without a look at all of them.
    if any(_part(str(value), flags) is None for value in cells.head(FIRST).unique().drop_nulls().to_list()):
        return None
    values = cells.unique().drop_nulls()
    if not 2 <= len(values) <= len(VALUES) or (flags is None and cells.null_count()):
        return None
    meanings = {value: _part(str(value), flags) for value in values.to_list()}
    if None in meanings.values() or TRAIN not in meanings.values() or len(set(meanings.values())) < 2:
        return None
    texts = cells.cast(pl.String)
    known = dict(zip(values.cast(pl.String), meanings.values(), strict=True))
    return texts.replace_strict(known, default=None, return_dtype=pl.Int8)


def _part(text: str, flags: tuple[int, int] | None) -> int | None:
    plain = text.strip().lower()
    if flags is not None:
        return flags[TRUTHS[plain]] if plain in TRUTHS else None
    return VALUES.get(re.sub(r"[ _-]|set$", "", plain))
