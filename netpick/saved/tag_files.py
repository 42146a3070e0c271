"""Tags of new sentences as text that people read and other tools take: marked text, a page with coloured marks, CoNLL columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import polars as pl

from netpick.answers.spans import NOTHING, are_entities, parts_of, spans_of, types_of
from netpick.answers.tags import numbers_of

COLOURS = ("#ffe2a8", "#bfe3c9", "#c9d8f5", "#f3c9d8", "#ddcff3", "#c7e6ea")
STYLE = "body{font:16px/1.9 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#222;background:#fff}mark{padding:.1em .3em;border-radius:.3em;color:#222}mark small{margin-left:.4em;opacity:.75}"


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Some tokens of a sentence, and what they are called together; "" for tokens that are nothing."""

    tokens: tuple[str, ...]
    name: str
    sure: float  # the probability of the least likely of their tags


def marked_sentences(table: pl.DataFrame, labels: Sequence[str]) -> Iterator[list[Marked]]:
    """The pieces of each sentence of what a model of tags predicts (a row a token): entities whole, other tags token by token."""
    for _, rows in table.group_by("sentence", maintain_order=True):
        tokens, tags = rows["token"].to_list(), rows["prediction"].to_list()
        chances = rows["probability"].to_list()
        if not are_entities(labels):
            names = ["" if tag == NOTHING else tag for tag in tags]
            yield [
                Marked(tokens=(t,), name=name, sure=sure) for t, name, sure in zip(tokens, names, chances, strict=True)
            ]
            continue
        spans = spans_of(numbers_of(pl.Series([" ".join(tags)]), labels), parts_of(tuple(labels), "IOB2"))
        ends = dict(
            zip(spans.starts.tolist(), zip(spans.ends.tolist(), spans.types.tolist(), strict=True), strict=True)
        )
        made, place = list[Marked](), 0
        while place < len(tokens):
            end, kind = ends.get(place, (place, -1))
            name = types_of(labels)[kind] if kind >= 0 else ""
            made.append(Marked(tokens=tuple(tokens[place : end + 1]), name=name, sure=min(chances[place : end + 1])))
            place = end + 1
        yield made


def as_marked_text(table: pl.DataFrame, labels: Sequence[str]) -> str:
    """A line a sentence: [Anna Baker](person) lives in [Oslo](place) . Tags that are no entities stand behind each token: Anna/PROPN."""
    entities = are_entities(labels)

    def piece(one: Marked) -> str:
        words = " ".join(one.tokens)
        return words if not one.name else f"[{words}]({one.name})" if entities else f"{words}/{one.name}"

    return "".join(" ".join(map(piece, line)) + "\n" for line in marked_sentences(table, labels))


def as_conll(table: pl.DataFrame, labels: Sequence[str]) -> str:
    """A token and its tag a line, parted by a tab; an empty line behind each sentence."""
    del labels
    made = []
    for _, rows in table.group_by("sentence", maintain_order=True):
        made += [f"{token}\t{tag}\n" for token, tag in rows.select("token", "prediction").iter_rows()]
        made.append("\n")
    return "".join(made)


def as_page(table: pl.DataFrame, labels: Sequence[str]) -> str:
    """A page of its own, without scripts: marks in the colour of their name, with the probability as a tooltip."""
    names = types_of(labels) or tuple(label for label in labels if label != NOTHING)
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}

    def piece(one: Marked) -> str:
        words = escape(" ".join(one.tokens))
        if not one.name:
            return words
        title = f"{escape(one.name)}, {one.sure:.1%}"
        colour = colours.get(one.name, COLOURS[0])
        return f'<mark style="background:{colour}" title="{title}">{words}<small>{escape(one.name)}</small></mark>'

    lines = "\n".join(f"<p>{' '.join(map(piece, line))}</p>" for line in marked_sentences(table, labels))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tagged text</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{lines}\n</body>\n</html>\n'


MARKED: Mapping[str, Callable[[pl.DataFrame, Sequence[str]], str]] = {
    ".txt": as_marked_text,
    ".html": as_page,
    ".conll": as_conll,
}
