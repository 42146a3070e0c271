"""Sentences as examples: rows of tokens, each with a tag; those of one document are kept together where documents are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.metrics.entities import EntityF1
from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.sentence import LONGEST, tokens_of
from netpick.columns.store import Allocator
from netpick.errors import DataError, RequestError
from netpick.tasks.examples.base import Encoded, ExampleRequest, Labelled, Prepared
from netpick.tasks.examples.rows import NewRows, PreparedRows, RowExamples
from netpick.tasks.tag.sentences import (
    DOCUMENT,
    SENTENCE,
    Pieces,
    as_pieces,
    notes_of,
    scheme_note,
    split_marks,
    tagged_columns,
)
from netpick.types import Array, Note, Rows, Source, TableColumn
from netpick.types.results import DecisionRule


@dataclass(frozen=True, kw_only=True)
class PreparedSentences(PreparedRows):
    """An example is a sentence, or a piece of a long one."""

    groups_columns: ClassVar[bool] = False
    explained: ClassVar[bool] = False

    def primary(self, balance: float) -> str:
        """Of entities whether they are found: nine tokens of ten are outside of any."""
        return super().primary(balance) if self.state.scheme == "none" else EntityF1.name

    @property
    def scored_numbers(self) -> int:
        return max(2, int(self.state.steps))

    def test_groups(self, rows: Rows) -> Array | None:
        """Which are of one document, or pieces of one sentence."""
        pieces = Pieces(source=self.source, rows=rows, starts=rows)
        return None if pieces.groups is None else pieces.groups[rows]


@dataclass(frozen=True, kw_only=True)
class NewSentences(NewRows):
    """New sentences, whole or in pieces; marks at the ends of words are tokens of their own where the words have no tags yet."""

    noun: ClassVar[str] = "sentence"

    @cached_property
    def pieces(self) -> Pieces:
        """Raises DataError when the column is missing, or tags and tokens do not fit."""
        source = _named(self.source, self.encoders[0].column, self.targets)
        tokens = self.encoders[0].column
        tags = next((name for name in self.targets if name in source.columns), None)
        if tags is None and source.tokens is None:
            source = _with_marks_apart(source, tokens, self.encoders[0].state)
        return as_pieces(source, tokens, tags, self.state.steps)

    @cached_property
    def _rows(self) -> NewRows:
        """The pieces as rows."""
        return NewRows(
            task=self.task, state=self.state, encoders=self.encoders, targets=self.targets, source=self.pieces.source
        )

    def encoded(self, allocator: Allocator) -> Encoded:
        if not self.pieces.source.num_rows:
            raise DataError(
                f"{self.source.name} holds no token, but some were expected. Pass sentences, one a row or line."
            )
        return self._rows.encoded(allocator)

    def labelled(self, allocator: Allocator) -> Labelled:
        found = self._rows.labelled(allocator)
        groups = self.pieces.groups
        return found if groups is None else replace(found, groups=groups[found.encoded.rows])

    def truth(self) -> Array | None:
        return self._rows.truth()

    @property
    def names(self) -> Sequence[str] | None:
        return self.pieces.source.row_names

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """A row a token: the number of its sentence, the token, its tag, and how likely that is."""
        answer = self.task.answer
        rows = answer.json_rows(answer.decode(answers, self.state), labels, rule, self.state)
        column = self.pieces.source.columns[self.encoders[0].column]
        assert isinstance(column, TableColumn)
        words = [tokens_of(cell) for cell in as_text(column.values).to_list()]
        sentence = np.repeat(self.pieces.rows + 1, [len(line) for line in words])
        return pl.DataFrame(
            {
                "sentence": pl.Series(sentence, dtype=pl.Int64),
                "token": pl.Series([word for line in words for word in line], dtype=pl.String),
                "prediction": pl.Series([tag for row in rows for tag in row["prediction"]], dtype=pl.String),
                "probability": pl.Series([chance for row in rows for chance in row["probability"]], dtype=pl.Float64),
            }
        )


class SentenceExamples(RowExamples):
    """See Examples. Meant where --task tag asks for it, or by data of tokens with tags."""

    name: ClassVar[str] = "sentences"
    New = NewSentences
    Made = PreparedSentences

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        tagged = source.tokens is not None and source.target is not None
        if not asked and (not tagged or request.task is not None):
            return None
        _refuse_what_rows_have(request)
        tokens, tags = tagged_columns(source, request.target)
        pieces = as_pieces(source, tokens, tags, LONGEST)
        if not pieces.source.num_rows:
            raise DataError(
                f"{source.origin} holds no token with a tag, but some were expected. Check how it was written."
            )
        task = Note(subject="task", text="tag (a label for each token)", override="--task")
        notes = [*source.notes, task, scheme_note(source, tags), *notes_of(source, pieces, LONGEST)]
        others = [name for name in source.columns if name not in (tokens, tags, DOCUMENT, SENTENCE)]
        if others:
            text = f"'{tags}' is predicted from the words of '{tokens}'. Left aside: {', '.join(map(repr, others))}."
            notes.append(Note(subject="target", text=text, override="--target"))
        return replace(pieces.source, notes=notes)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        assert source.tokens is not None
        assert source.target is not None
        kinds = ((source.tokens, "sentence"),)
        made = super().prepare(source, replace(request, task="tag", target=(source.target,), kinds=kinds))
        told = {source.tokens: ("words parted by blanks", "sentence"), source.target: ("a tag for each word", None)}
        fields = [
            replace(f, reason=told[f.name][0], kind=told[f.name][1]) if f.name in told else f
            for f in made.schema.fields
        ]
        schema = replace(made.schema, fields=fields)
        return replace(made, schema=schema, evidence=replace(made.evidence, schema=schema))


def _refuse_what_rows_have(request: ExampleRequest) -> None:
    for name, given in (("--cut", request.cut), ("--kind", request.kinds), ("--drop", request.drop)):
        if given:
            raise RequestError(
                f"{name} was given, but tokens with tags are read as such, and nothing else of them. Leave {name} out; --target says which "
                "tags are meant."
            )


def _named(source: Source, tokens: str, targets: Sequence[str]) -> Source:
    """A file of tokens and tags whose columns have other names than in training: they take those."""
    columns = dict(source.columns)
    for wanted, found in ((tokens, source.tokens), (targets[0] if targets else None, source.target)):
        if wanted is None or found is None or source.tokens is None or wanted in columns or found not in columns:
            continue
        column = columns.pop(found)
        assert isinstance(column, TableColumn)
        columns[wanted] = TableColumn(name=wanted, values=column.values.alias(wanted))
    return replace(source, columns=columns)


def _with_marks_apart(source: Source, tokens: str, state: Any) -> Source:
    """Texts as people write them, with the tokens that training had."""
    column = source.columns.get(tokens)
    if not isinstance(column, TableColumn):
        return source
    known = set(state.known[0]) | set(state.known[1])
    texts = [
        split_marks(text or "", lambda word: word in known or word.lower() in known) for text in as_text(column.values)
    ]
    return replace(
        source,
        columns={**source.columns, tokens: TableColumn(name=tokens, values=pl.Series(tokens, texts, dtype=pl.String))},
    )
