"""From columns of tokens and tags to rows of at most so many tokens: which columns are meant, whether they fit, and long sentences in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from netpick.answers.spans import Found, are_entities, find_scheme
from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.sentence import tokens_of
from netpick.errors import DataError, RequestError, near_matches
from netpick.types import Array, Note, Rows, Source, TableColumn

STOPS = frozenset(".!?;:,")  # behind which a long sentence is cut, if one of them is near
NEAR = 0.75  # of the most tokens that a piece has
DOCUMENT = "document"  # the column that readers name documents in
SENTENCE = "sentence"  # the same of pieces of one sentence
LOOKED_AT = 200  # rows
SHOWN = 3
MARKS = r"[\[(\"'“”‘’«»¿¡.,!?;:…)\]]"
AROUND = re.compile(rf"({MARKS}*)(.*?)({MARKS}*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Rows of a source as pieces of sentences: which row each piece is of, and where among its tokens it begins."""

    source: Source
    rows: Rows  # (M,) of the source that was cut
    starts: Rows

    @property
    def groups(self) -> Array | None:
        """(M,) equal for pieces of one document, or of one sentence; None where each sentence stands alone."""
        for name in (DOCUMENT, SENTENCE):
            column = self.source.columns.get(name)
            if isinstance(column, TableColumn):
                return np.asarray(column.values.rank("dense").fill_null(0).to_numpy(), dtype=np.int64)
        return None


def tagged_columns(source: Source, target: Sequence[str]) -> tuple[str, str]:
    """The columns of tokens and of their tags. Raises RequestError where the data hold none, or not the one that was asked for."""
    texts = [name for name, column in source.columns.items() if _is_text(column)]
    if len(target) > 1:
        raise RequestError(f"--target {','.join(target)} was given, but tokens have one tag each. Name one column.")
    if target and target[0] not in source.columns:
        raise RequestError(
            f"There is no column '{target[0]}' in {source.name}.{near_matches(target[0], source.columns)}"
        )
    tags = target[0] if target else source.target
    if source.tokens is not None and tags is not None:
        return source.tokens, tags
    pairs = [(tokens, other) for tokens in texts for other in texts if tokens != other and _fit(source, tokens, other)]
    pairs = [(tokens, other) for tokens, other in pairs if other == tags] if tags is not None else pairs
    variety = {name: len(set(" ".join(_some(source, name)).split())) for name in texts}
    pairs = [pair for pair in pairs if variety[pair[0]] > variety[pair[1]]]
    if not pairs:
        raise RequestError(
            f"{source.name} holds no column of tokens with {f'as many tags in {tags!r}' if tags else 'a column of as many tags'}, both parted "
            f"by blanks, but --task tag learns from such. Columns of text: {', '.join(texts) or 'none'}. Pass a file of CoNLL columns, or JSON "
            "lines with lists of tokens and tags."
        )
    return min(pairs, key=lambda pair: variety[pair[1]])


def as_pieces(source: Source, tokens: str, tags: str | None, most: int) -> Pieces:
    """The sentences that have a token, each of at most so many.

    Raises DataError where a row has not as many tags as tokens.
    """
    words = [tokens_of(cell) for cell in _cells(source, tokens)]
    labels = words if tags is None else [tokens_of(cell) for cell in _cells(source, tags)]
    for row, (one, other) in enumerate(zip(words, labels, strict=True)):
        if len(one) != len(other) and other:
            name = f"row {row + 1}" if source.row_names is None else source.row_names[row]
            raise DataError(
                f"{source.name}, {name}: {len(one):,} tokens and {len(other):,} tags were found, but as many of both were expected. It begins "
                f"'{' '.join(one[:SHOWN])}'. Correct it, or leave it out."
            )
    places = [(row, start, end) for row, line in enumerate(words) for start, end in _cut(line, most)]
    rows = np.array([row for row, _, _ in places], dtype=np.int64)
    columns = {
        tokens: pl.Series(tokens, [" ".join(words[row][start:end]) for row, start, end in places], dtype=pl.String)
    }
    if tags is not None:
        columns[tags] = pl.Series(
            tags, [" ".join(labels[row][start:end]) for row, start, end in places], dtype=pl.String
        )
    if DOCUMENT in source.columns:
        columns[DOCUMENT] = pl.Series(DOCUMENT, _cells(source, DOCUMENT), dtype=pl.String).gather(rows)
    elif len(np.unique(rows)) < len(rows):
        columns[SENTENCE] = pl.Series(SENTENCE, [f"{row + 1}" for row in rows.tolist()], dtype=pl.String)
    made = replace(
        source,
        columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
        num_rows=len(rows),
        tokens=tokens,
        target=tags,
        groups=[name for name in (DOCUMENT, SENTENCE) if name in columns],
        aside=(),
        given_split=None if source.given_split is None else source.given_split[rows],
        row_names=None if source.row_names is None else [source.row_names[row] for row in rows.tolist()],
    )
    return Pieces(source=made, rows=rows, starts=np.array([start for _, start, _ in places], dtype=np.int64))


def notes_of(whole: Source, pieces: Pieces, most: int) -> list[Note]:
    """What is said of empty sentences, and of those that were cut."""
    empty = whole.num_rows - len(np.unique(pieces.rows))
    cut = np.unique(pieces.rows[pieces.starts > 0])
    notes = []
    if empty:
        verb = "1 row has" if empty == 1 else f"{empty:,} rows have"
        notes.append(Note(subject="sentences", text=f"{verb} no token, and {'is' if empty == 1 else 'are'} left out."))
    if len(cut):
        verb = "1 sentence has" if len(cut) == 1 else f"{len(cut):,} sentences have"
        text = f"{verb} more than {most} tokens, and {'is' if len(cut) == 1 else 'are'} read in pieces: where one is cut, an entity ends."
        notes.append(Note(subject="sentences", text=text))
    return notes


def scheme_note(source: Source, tags: str) -> Note:
    """How tags name entities, in words, and which of them no scheme allows."""
    lines = [tokens_of(cell) for cell in _cells(source, tags)]
    labels = sorted({tag for line in lines for tag in line})
    if not are_entities(labels):
        return Note(subject="tags", text=f"{len(labels):,} different tags, one a token, which name no entities")
    found = find_scheme(lines, labels)
    words = {
        "IOB1": "IOB1: B- stands only behind an entity of the same type",
        "IOB2": "IOB2: each entity begins with B-",
        "BIOES": "BIOES: E- ends an entity, S- is one of a single token",
    }[found.scheme]
    return Note(subject="tags", text=f"The tags name entities ({words}).{_odd_words(source, found, lines)}")


def split_marks(text: str, known: Callable[[str], bool]) -> str:
    """A text whose words stand between blanks, with marks at the ends of words that are not known as tokens of their own."""
    made: list[str] = []
    for word in text.split():
        found = AROUND.fullmatch(word)
        if known(word) or found is None or not found[2]:
            made.append(word)
        else:
            made += [*found[1], found[2], *found[3]]
    return " ".join(made)


def _odd_words(source: Source, found: Found, lines: Sequence[Sequence[str]]) -> str:
    if not found.odd:
        return ""
    row, place = found.odd[0]
    name = f"row {row + 1}" if source.row_names is None else source.row_names[row]
    before = lines[row][place - 1] if place else "the beginning"
    count = f"{len(found.odd):,} tags stand" if len(found.odd) > 1 else "1 tag stands"
    return (
        f" {count} where no scheme allows it ({lines[row][place]} behind {before}, token {place + 1} of {name}): read as the beginning of an "
        "entity, as conlleval does."
    )


def _cut(words: Sequence[str], most: int) -> list[tuple[int, int]]:
    """Where the pieces of a sentence begin and end; none of an empty one."""
    pieces, start = [], 0
    while len(words) - start > most:
        near = range(start + most, start + int(NEAR * most), -1)
        end = next((end for end in near if words[end - 1] in STOPS), start + most)
        pieces.append((start, end))
        start = end
    return [*pieces, (start, len(words))] if len(words) > start else pieces


def _is_text(column: object) -> bool:
    return isinstance(column, TableColumn) and column.values.dtype == pl.String


def _cells(source: Source, name: str) -> list[str | None]:
    """Raises DataError for what holds no cells of text."""
    column = source.columns.get(name)
    if not isinstance(column, TableColumn):
        raise DataError(
            f"{source.name} has no column '{name}' of text, but tokens or tags were expected there. Columns found: "
            f"{', '.join(source.columns)}."
        )
    return as_text(column.values).to_list()


def _some(source: Source, name: str) -> list[str]:
    return [cell or "" for cell in _cells(source, name)[:: max(1, source.num_rows // LOOKED_AT)]]


def _fit(source: Source, tokens: str, tags: str) -> bool:
    """Whether some rows of two columns have as many words."""
    pairs = [
        (len(one.split()), len(other.split()))
        for one, other in zip(_some(source, tokens), _some(source, tags), strict=True)
    ]
    return bool(pairs) and all(one == other for one, other in pairs) and any(one > 1 for one, _ in pairs)
