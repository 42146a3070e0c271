"""Which of two columns of texts is generated from the other: as was said, by what languages they are called, or the second."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_text
from netpick.data.sources.languages import ENGLISH, is_language
from netpick.errors import RequestError, near_matches
from netpick.types import Note, Source, TableColumn

SOURCES = ("source", "src", "input", "from", "question", "original", "wrong", "raw")
TARGETS = ("target", "tgt", "output", "to", "answer", "translation", "correct", "normalised", "normalized", "clean")
DISTINCT = 0.5  # of the cells of a column that holds texts, and no classes
WORDS = 2.0  # of a cell on average, at least
SAMPLE = 5_000
UNPARTED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff]")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The columns of a pair, and how that was found."""

    source: str
    target: str
    notes: tuple[Note, ...] = ()


def text_columns(source: Source) -> list[str]:
    """Columns of cells that are texts."""
    return [
        name
        for name, column in source.columns.items()
        if isinstance(column, TableColumn) and column.values.dtype == pl.String and name != source.part_column
    ]


def cells_of(source: Source, name: str) -> pl.Series:
    """The cells of a column of texts."""
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return as_text(column.values)


def meant(source: Source, target: tuple[str, ...]) -> bool:
    """Whether a table is one of pairs, unasked: two columns of differing texts of some words, and nothing else to predict or learn from."""
    if source.pairs:
        return not target or target[0] in source.columns
    usable = [name for name in source.columns if name != source.part_column]
    texts = text_columns(source)
    if len(usable) != 2 or len(texts) != 2 or (target and target[0] not in texts) or source.target is not None:
        return False
    return all(_is_prose(cells_of(source, name)) for name in texts)


def chosen_sides(source: Source, target: tuple[str, ...], drop: tuple[str, ...] = ()) -> Sides:
    """Raises RequestError where it is not clear, or columns are not there."""
    texts = [name for name in text_columns(source) if name not in drop]
    if len(target) > 1 or (target and target[0] not in texts):
        raise RequestError(
            f"--target {','.join(target)} was given, but a translation is learned from one column of texts to another."
            f"{near_matches(target[0], texts)} Columns of text: {', '.join(texts) or 'none'}."
        )
    others = [name for name in texts if name not in target]
    if len(texts) < 2:
        raise RequestError(
            f"{source.name} holds {len(texts)} column{'' if len(texts) == 1 else 's'} of texts, but --task translate learns from pairs of them: "
            "two files of as many lines (train.en, train.de), or a table with two such columns."
        )
    if target:
        english = [name for name in others if _word(name) in ENGLISH]
        return Sides(source=_longest(source, english or others), target=target[0])
    first, second = texts[:2] if len(texts) == 2 else _two_languages(source, texts)
    names = {name: _word(name) for name in (first, second)}
    reason = "the second of two columns"
    if names[second] in ENGLISH and names[first] not in ENGLISH:
        first, second, reason = second, first, "English is taken as the source"
    elif names[first] in ENGLISH:
        reason = "English is taken as the source"
    elif names[first] in TARGETS or names[second] in SOURCES:
        first, second, reason = second, first, "by the names of the columns"
    elif names[second] in TARGETS or names[first] in SOURCES:
        reason = "by the names of the columns"
    note = Note(
        subject="target",
        text=f"'{second}' is generated from '{first}' ({reason}); the other way round: --target {first}",
        override="--target",
    )
    return Sides(source=first, target=second, notes=(note,))


def _two_languages(source: Source, texts: list[str]) -> tuple[str, str]:
    """The two columns that are called after languages, or by the names of sides."""
    named = [name for name in texts if is_language(name.rpartition(".")[2]) or _word(name) in (*SOURCES, *TARGETS)]
    if len(named) != 2:
        raise RequestError(
            f"{source.name} has {len(texts)} columns of texts ({', '.join(texts[:8])}), and it is not clear which two are the pairs. Pass --target "
            "COLUMN, and leave the others out with --drop."
        )
    return named[0], named[1]


def _longest(source: Source, names: list[str]) -> str:
    """The column with most text."""
    return max(names, key=lambda name: int(cells_of(source, name).str.len_chars().sum() or 0))


def _word(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower().rpartition(".")[2])


def parts_no_words(texts: Sequence[str]) -> bool:
    """Whether texts are in a script that writes words without blanks: kana, Han, Thai, Lao, Tibetan, Burmese, Khmer."""
    return bool(texts) and sum(UNPARTED.search(text) is not None for text in texts) >= DISTINCT * len(texts)


def _is_prose(values: pl.Series) -> bool:
    texts = values.drop_nulls().head(SAMPLE)
    if len(texts) < 2 or texts.n_unique() < DISTINCT * len(texts):
        return False
    cells = texts.to_list()
    return bool(np.mean([len(text.split()) for text in cells]) >= WORDS) or parts_no_words(cells)
