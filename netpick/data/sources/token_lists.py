"""Columns whose cells are lists of tokens and of their tags, as JSON lines and Parquet hold them: each as one text, parted by blanks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from netpick.types import Note

TOKENS = ("tokens", "words", "token", "word")  # what such columns are called
TAGS = (
    "ner_tags",
    "tags",
    "ner",
    "labels",
    "upos",
    "pos_tags",
    "pos",
    "chunk_tags",
)  # the first that is there is predicted
NO_BREAK = "\N{NO-BREAK SPACE}"  # for a blank inside of a token
MOSTLY = 0.5  # of the rows have as many tags as tokens


@dataclass(frozen=True, kw_only=True)
class TokenLists:
    """A frame with its tokens and tags as texts, and what they are called; None where there are none."""

    frame: pl.DataFrame
    tokens: str | None = None
    target: str | None = None


def as_texts(frame: pl.DataFrame, notes: list[Note]) -> TokenLists:
    """The frame with lists of tokens and of tags as texts, and a note of what became of them."""
    lists = {name: frame[name] for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)}
    tokens = next((name for name in _named(lists, TOKENS) if lists[name].dtype == pl.List(pl.String)), None)
    if tokens is None:
        return TokenLists(frame=frame)
    tags = [name for name in lists if name != tokens and _fits(lists[tokens], lists[name])]
    named = [*_named(tags, TAGS), *(name for name in tags if "tag" in name.lower())]
    if not named and tokens not in TOKENS[:1]:
        return TokenLists(frame=frame)
    frame = frame.with_columns([_joined(lists[name]) for name in (tokens, *tags)])
    what = "lists of tokens" + (f", and {', '.join(map(repr, tags))} lists of as many tags" if tags else "")
    notes.append(Note(subject="columns", text=f"Column {tokens!r} holds {what}."))
    return TokenLists(frame=frame, tokens=tokens, target=named[0] if named else None)


def _named(names: Sequence[str] | dict[str, pl.Series], wanted: Sequence[str]) -> list[str]:
    lowered = {name.lower(): name for name in names}
    return [lowered[name] for name in wanted if name in lowered]


def _fits(tokens: pl.Series, tags: pl.Series) -> bool:
    """Whether most rows have as many of both, and tags are texts or whole numbers."""
    inner = tags.dtype.inner  # type: ignore[attr-defined]
    if inner != pl.String and not inner.is_integer():
        return False
    same = tokens.list.len() == tags.list.len()
    return bool((same.fill_null(False)).mean() > MOSTLY)  # type: ignore[operator]


def _joined(lists: pl.Series) -> pl.Series:
    cells = [
        None
        if cell is None
        else " ".join("_" if item is None else NO_BREAK.join(str(item).split()) or "_" for item in cell)
        for cell in lists.to_list()
    ]
    return pl.Series(lists.name, cells, dtype=pl.String)
