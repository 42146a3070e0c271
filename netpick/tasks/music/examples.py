"""Blocks of pieces of music as examples: the next chord is learned from all before it, and every note is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.columns.encode import Encoder
from netpick.columns.kinds.cells import as_text
from netpick.columns.store import Allocator, Store
from netpick.data.notes import MOST_VOICES
from netpick.data.sources.chord_folder import pieces_in
from netpick.errors import DataError, RequestError
from netpick.tasks.examples.base import Encoded, Evidence, ExampleRequest, Examples, Labelled, NewExamples, Prepared
from netpick.tasks.examples.whole import PreparedWhole
from netpick.tasks.music.parts import Divided, divided
from netpick.tasks.music.state import MUSIC, MusicState, chord_inputs, cut_piece, parsed, text_of_block
from netpick.tasks.split import SealedRows
from netpick.types import (
    TEST,
    TRAIN,
    VALIDATION,
    Array,
    Field,
    Inputs,
    LearnedRows,
    Note,
    Rows,
    Schema,
    Source,
    Split,
    TableColumn,
)
from netpick.types.results import DecisionRule
from netpick.types.words import counted

PARTS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The blocks of pieces, those of a piece one behind the other."""

    windows: Array  # (n, C + T, V) int32
    truth: Array  # (n, 2, T, V) int32
    pieces: Array  # (n,) which piece each is of


def cut(pieces: Sequence[Array], state: MusicState) -> Blocks:
    """All blocks of these pieces."""
    both = [cut_piece(chords, state) for chords in pieces]
    return Blocks(
        windows=np.concatenate([windows for windows, _ in both]),
        truth=np.concatenate([truth for _, truth in both]),
        pieces=np.repeat(np.arange(len(both)), [len(windows) for windows, _ in both]),
    )


@dataclass(frozen=True, kw_only=True)
class PreparedPieces(PreparedWhole):
    """An example is a block of a piece, and pieces are whole in one part."""

    blocks: Blocks

    @property
    def num_scores(self) -> int:
        return int(self.state.num_symbols)

    @property
    def scored_numbers(self) -> int:
        return int(self.state.block * self.state.voices)

    @property
    def inputs(self) -> Inputs:
        return chord_inputs(self.state)

    def store(self, allocator: Allocator) -> Store:
        return Store(arrays={"chords": allocator.adopt("chords", self.blocks.windows)})

    @property
    def columns(self) -> Mapping[str, Any]:
        return {}

    @property
    def trained_twice(self) -> bool:
        """What is handed over is what was tested."""
        return False

    def test_groups(self, rows: Rows) -> Array | None:
        """Pieces: notes of one are hard together."""
        return self.blocks.pieces[rows]

    def learned(self, store: Store) -> LearnedRows | None:
        """Nothing: a piece in another key is another row, and a score would be called clean that is not."""
        return None


class NewPieces(NewExamples):
    """New pieces: all their chords, in blocks."""

    noun: ClassVar[str] = "block"

    @cached_property
    def blocks(self) -> Blocks:
        """Raises DataError when the column is missing, or there is no piece."""
        column = _column(self.source, self.state.column)
        texts = as_text(column.values).fill_null("").to_list()
        pieces = [
            chords for chords in parsed(column.name, texts, self.state.voices, self.source.row_names) if len(chords)
        ]
        if not pieces:
            raise DataError(f"{self.source.name} holds no chord, but some were expected. Pass pieces of music.")
        return cut(pieces, self.state)

    def encoded(self, allocator: Allocator) -> Encoded:
        windows = self.blocks.windows
        return Encoded(arrays={"chords": windows}, rows=np.arange(len(windows)), state=self.state)

    def labelled(self, allocator: Allocator) -> Labelled:
        """A piece is its own truth."""
        return Labelled(encoded=self.encoded(allocator), truth=self.blocks.truth, groups=self.blocks.pieces)

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """A row a block: its piece, its chords, and what its notes cost."""
        answer, state = self.task.answer, self.state
        columns = answer.columns(answer.decode(answers, state), labels, rule)
        texts = [text_of_block(block) for block in self.blocks.truth[:, 0]]
        names = self.source.row_names
        pieces = [str(piece + 1) if names is None else names[piece] for piece in self.blocks.pieces.tolist()]
        notes = (self.blocks.truth[:, 1] > 0).sum(axis=(1, 2))
        of_piece = [pl.Series("name", pieces, dtype=pl.String), pl.Series(state.column, texts, dtype=pl.String)]
        return pl.DataFrame([*of_piece, pl.Series("notes", notes), *columns.values()])

    @property
    def names(self) -> Sequence[str] | None:
        return None

    def truth(self) -> Array | None:
        return self.blocks.truth


class PieceExamples(Examples):
    """See Examples. Meant where --task music asks for it, or by a folder of chords."""

    name: ClassVar[str] = "pieces"
    New = NewPieces
    can_be_drawn = False

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if not asked and not (request.task is None and source.music):
            return None
        for name, given in (
            ("--folds", request.folds not in (None, 1)),
            ("--cut", request.cut),
            ("--split", request.split),
            ("--level", request.level),
        ):
            if given:
                raise RequestError(
                    f"{name} was given, but music is learned from and tested on whole pieces. Leave {name} out; folders named train, valid and "
                    "test give the parts."
                )
        return source

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return chord_inputs(state)

    def loose(self, data: object, state: Any, encoding: str | None) -> Source | None:
        return pieces_in(data)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        column = _column(source, request.target[0] if request.target else source.music)
        texts = as_text(column.values).fill_null("").to_list()
        pieces = parsed(column.name, texts, _voices(column.name, texts), source.row_names)
        parts = divided(pieces, source.given_split, seed=request.seed, origin=source.origin)
        state = MusicState(column=column.name, voices=pieces[parts.rows[TRAIN][0]].shape[1])
        order = np.concatenate([parts.rows[part] for part in PARTS])
        blocks = cut([pieces[row] for row in order.tolist()], state)
        split = _split(parts, blocks, pieces)
        rows = _as_blocks(source, column.name, blocks)
        schema = _schema(column, parts, state, pieces)
        evidence = Evidence(
            source=rows,
            schema=schema,
            train=split.train,
            validation=split.validation,
            test=split.test,
            target=blocks.truth[:, 0].reshape(len(blocks.truth), -1),
            labels=(),
        )
        return PreparedPieces(
            source=rows,
            schema=schema,
            task=MUSIC,
            state=state,
            truth=blocks.truth,
            split=split,
            sealed=SealedRows(split.test),
            evidence=evidence,
            private=request.private,
            blocks=blocks,
        )


def _column(source: Source, name: str | None) -> TableColumn:
    """The column that holds the pieces. Raises RequestError or DataError where there is none."""
    texts = [
        column
        for column in source.columns.values()
        if isinstance(column, TableColumn) and column.values.dtype == pl.String
    ]
    named = next((column for column in texts if column.name in (name, source.music)), None)
    if named is not None:
        return named
    if name is None and texts:
        return max(texts, key=lambda column: int(column.values.str.len_chars().sum() or 0))
    listed = ", ".join(column.name for column in texts) or "none"
    raise RequestError(
        f"{source.name} has no column {f'{name!r} ' if name else ''}of pieces, but music is a folder of chords (CSV or MIDI), or a column with a piece in "
        f"each cell, a chord a line. Columns of text: {listed}."
    )


def _voices(column: str, texts: Sequence[str]) -> int:
    """How many notes the first chord has. Raises DataError where nothing is one."""
    first = next((text for text in texts if text.strip()), None)
    if first is None:
        raise DataError(f"Column '{column}' holds no piece, but chords were expected. Check the data.")
    voices = int(parsed(column, [first])[0].shape[1])
    if not 1 <= voices <= MOST_VOICES:
        raise DataError(
            f"Column '{column}' holds no chord, but notes such as 67 62 59 43 were expected. Choose another --target."
        )
    return voices


def _split(parts: Divided, blocks: Blocks, pieces: Sequence[Array]) -> Split:
    counts = [len(parts.rows[part]) for part in PARTS]
    ends = np.searchsorted(blocks.pieces, np.cumsum(counts))
    starts = [0, *ends[:-1].tolist()]
    rows = [np.arange(start, end) for start, end in zip(starts, ends.tolist(), strict=True)]
    told = ", ".join(
        f"{counted(count, 'piece')} ({sum(len(pieces[row]) for row in parts.rows[part].tolist()):,} chords) {words}"
        for part, count, words in zip(PARTS, counts, ("to learn from", "to choose by", "to test on"), strict=True)
    )
    sentence = (
        f"The parts are those that are given: {told}."
        if parts.given
        else f"A random tenth of the pieces is tested, equal beginnings of the melody in any key on one side: {told}."
    )
    return Split(
        train=rows[0],
        validation=rows[1],
        test=rows[2],
        sentence=sentence,
        method="given" if parts.given else "random",
        override=None,
        validation_given=parts.validation_given,
    )


def _as_blocks(source: Source, column: str, blocks: Blocks) -> Source:
    """The source with a row a block, as reports and checks show it."""
    texts = pl.Series(column, [text_of_block(block) for block in blocks.truth[:, 0]], dtype=pl.String)
    return replace(
        source,
        columns={column: TableColumn(name=column, values=texts)},
        num_rows=len(blocks.truth),
        given_split=None,
        part_column=None,
        row_names=None,
        target=None,
        groups=(),
        aside=(),
        unreadable=(),
    )


def _schema(column: TableColumn, parts: Divided, state: MusicState, pieces: Sequence[Array]) -> Schema:
    values = as_text(column.values)
    field = Field(
        name=column.name,
        kind="text",
        role="target",
        reason="the pieces whose next chord is asked",
        num_missing=values.null_count(),
        num_distinct=values.n_unique(),
        examples=[" / ".join((text or "").split("\n")[:4]) for text in values.head(3).to_list()],
    )
    whole = np.concatenate([chords.ravel() for chords in pieces])
    sounding = whole[whole > 0]
    reach = f"notes from {int(sounding.min())} to {int(sounding.max())}" if len(sounding) else "silence alone"
    notes = [
        Note(subject="task", text="the next chord of a piece of music", override="--task"),
        Note(
            subject="chords",
            text=f"{counted(state.voices, 'voice')}, {reach} (60 is middle C, 0 silence); a bar is read as 16 chords",
        ),
    ]
    if parts.tunes:
        text = f"{parts.tunes} of {counted(len(parts.rows[TEST]), 'test piece')} begin with the melody of a training piece, in some key."
        notes.append(Note(subject="tunes", text=f"{text} Scores of those may be too optimistic."))
    return Schema(fields=[field], task=MUSIC.name, notes=notes)
