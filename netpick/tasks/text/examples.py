"""Blocks of a text as examples: what comes next is learned from all that came before, and every symbol is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.symbols import stretches
from netpick.columns.encode import Encoder
from netpick.columns.kinds.base import FEWEST_ROWS
from netpick.columns.kinds.cells import as_text
from netpick.columns.store import Allocator, Store
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.running_text import running_text
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.examples.base import Encoded, Evidence, ExampleRequest, Examples, Labelled, NewExamples, Prepared
from netpick.tasks.examples.whole import PreparedWhole
from netpick.tasks.split import SealedRows
from netpick.tasks.text.blocks import (
    Blocks,
    Chosen,
    chosen_level,
    cut_blocks,
    divided,
    part_numbers,
    require_enough,
)
from netpick.tasks.text.levels import LEVELS, UNKNOWN
from netpick.tasks.text.state import NEXT, NextState, new_state, numbers_of, stream_inputs, text_of
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
class PreparedBlocks(PreparedWhole):
    """An example is a block of the text; blocks of a part follow each other, and parts are whole."""

    windows: Array  # (N, C + 1 + T) of all blocks

    @property
    def num_scores(self) -> int:
        """How many symbols there are, which tells whether they are characters."""
        return self.state.num_symbols  # type: ignore[no-any-return]

    @property
    def scored_numbers(self) -> int:
        return max(2, int(self.state.block) // 4)

    @property
    def inputs(self) -> Inputs:
        return stream_inputs(self.state)

    def store(self, allocator: Allocator) -> Store:
        return Store(arrays={"stream": allocator.adopt("stream", self.windows)})

    @property
    def columns(self) -> Mapping[str, Any]:
        return {}

    @property
    def trained_twice(self) -> bool:
        """What is handed over is what was tested: the beginning of a text that is chosen by says little of its end."""
        return False

    def test_groups(self, rows: Rows) -> Array | None:
        """Stretches of text: what lies close together is hard together."""
        return stretches(len(rows))

    def learned(self, store: Store) -> LearnedRows | None:
        """Nothing: blocks of the same text that begin elsewhere are other rows, and a score would be called clean that is not."""
        return None


class NewBlocks(NewExamples):
    """New text: all its symbols, in blocks."""

    noun: ClassVar[str] = "block"

    @cached_property
    def blocks(self) -> Blocks:
        """Raises DataError when the column is missing, or there is no text."""
        lines = _lines(self.source, self.state.column)
        numbers = numbers_of(lines, self.state)
        if not any(map(str.strip, lines)):
            raise DataError(
                f"{self.source.name} holds no text, but some was expected. Pass a file with text, or one a line."
            )
        return cut_blocks(numbers, self.state)

    def encoded(self, allocator: Allocator) -> Encoded:
        windows = self.blocks.windows
        return Encoded(arrays={"stream": windows}, rows=np.arange(len(windows)), state=self.state)

    def labelled(self, allocator: Allocator) -> Labelled:
        """A text is its own truth."""
        blocks = self.blocks
        return Labelled(encoded=self.encoded(allocator), truth=blocks.truth, groups=stretches(len(blocks)))

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """A row a block: its text, its symbols, and the bits that they cost."""
        answer, state = self.task.answer, self.state
        symbols = self.blocks.truth[:, 0]
        columns = answer.columns(answer.decode(answers, state), labels, rule)
        texts = pl.Series(state.column, [text_of(block, state) for block in symbols.tolist()], dtype=pl.String)
        counts = pl.Series("symbols", (symbols > 0).sum(axis=1))
        return pl.DataFrame([texts, counts, *columns.values()])

    @property
    def names(self) -> Sequence[str] | None:
        return None

    def truth(self) -> Array | None:
        return self.blocks.truth


class BlockExamples(Examples):
    """See Examples. Meant where --task next asks for it, or by a text file."""

    name: ClassVar[str] = "blocks"
    New = NewBlocks
    can_be_drawn = False

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if asked or (request.task is None and (source.running or request.level is not None)):
            _refuse_what_rows_have(source, request)
            return source
        if request.level is not None:
            raise RequestError(
                f"--level belongs to texts that go on, but --task {request.task} was asked for. Leave one of them out."
            )
        return None

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return stream_inputs(state)

    def loose(self, data: object, state: Any, encoding: str | None) -> Source | None:
        return running_text(data, ReadOptions(encoding=encoding))

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        column = _text_column(source, request)
        lines = _lines(source, column)
        if not any(map(str.strip, lines)):
            raise DataError(f"{source.origin} holds no text, but a text to learn from was expected. Check the file.")
        apart = not source.running or source.apart
        level = chosen_level(lines, apart, request.level, private=request.private)
        rows = divided(lines, source.given_split, apart=apart, seed=request.seed)
        fewest = FEWEST_ROWS if request.private else 1
        learned = [lines[row] for row in rows[TRAIN].tolist()]
        state = new_state(column, level.level, learned, apart=apart, fewest=fewest)
        numbers = {part: part_numbers(lines, rows[part], state) for part in PARTS}
        require_enough(numbers, state, source.origin)
        blocks = {part: cut_blocks(numbers[part], state) for part in PARTS}
        windows = np.concatenate([blocks[part].windows for part in PARTS])
        truth = np.concatenate([blocks[part].truth for part in PARTS])
        split = _split(source, blocks, numbers, state)
        text = _as_blocks(source, column, truth, state)
        schema = _schema(source, column, _notes(level, numbers, state))
        evidence = Evidence(
            source=text,
            schema=schema,
            train=split.train,
            validation=split.validation,
            test=split.test,
            target=truth[:, 0],
            labels=(),
        )
        return PreparedBlocks(
            source=text,
            schema=schema,
            task=NEXT,
            state=state,
            truth=truth,
            split=split,
            sealed=SealedRows(split.test),
            evidence=evidence,
            private=request.private,
            windows=windows,
        )


def _refuse_what_rows_have(source: Source, request: ExampleRequest) -> None:
    """Raises RequestError for options that belong to rows."""
    for name, given in (
        ("--folds", request.folds not in (None, 1)),
        ("--cut", request.cut),
        ("--split", request.split),
    ):
        if given:
            raise RequestError(
                f"{name} was given, but a text is tested on its end, or on the part that is given for it. Leave {name} out; files named "
                "train, valid and test, or --test FILE, give the parts."
            )
    if request.private and request.level == "pieces":
        raise RequestError(
            "--private was given, but --level pieces learns pieces of the text, rare names among them. Pass --level characters, bytes or words."
        )
    if request.level is not None and request.level not in LEVELS:
        raise RequestError(f"There is no level '{request.level[:60]}'.{near_matches(request.level, LEVELS)}")


def _text_column(source: Source, request: ExampleRequest) -> str:
    """The column that holds the text. Raises RequestError where that is not clear."""
    texts = [
        name
        for name, column in source.columns.items()
        if isinstance(column, TableColumn) and column.values.dtype == pl.String and name != source.target
    ]
    if request.target:
        name = request.target[0]
        if len(request.target) > 1 or name not in texts:
            raise RequestError(
                f"--target {','.join(request.target)} was given, but the next symbol is one of a column of text."
                f"{near_matches(name, texts)} Columns of text: {', '.join(texts) or 'none'}."
            )
        return name
    if source.running and source.running in texts:
        return source.running
    if not texts:
        raise RequestError(
            f"{source.name} holds no column of text, but --task next learns from one. Pass a text file, or a table with such a column."
        )
    return max(texts, key=lambda name: int(source.columns[name].values.str.len_chars().sum() or 0))  # type: ignore[union-attr]


def _lines(source: Source, column: str) -> list[str]:
    """The lines of a text, or the texts of rows, each cut into its lines."""
    held = source.columns.get(column)
    if held is None and source.running:
        held = source.columns[source.running]
    if not isinstance(held, TableColumn):
        raise DataError(
            f"{source.name} has no column '{column}', but the model reads its text there. Pass a text file, or such a table. Columns "
            f"found: {', '.join(source.columns)}."
        )
    return [text or "" for text in as_text(held.values).to_list()]


def _split(source: Source, blocks: Mapping[int, Blocks], numbers: Mapping[int, Array], state: NextState) -> Split:
    ends = np.cumsum([0, *(len(blocks[part]) for part in PARTS)])
    rows = [np.arange(start, end) for start, end in pairwise(ends)]
    plural = state.of.plural
    told = ", ".join(
        f"{len(numbers[part]):,} {plural} {words}"
        for part, words in zip(PARTS, ("to learn from", "to choose by", "to test on"), strict=True)
    )
    parts = () if source.given_split is None else np.unique(source.given_split).tolist()
    given = VALIDATION in parts or TEST in parts
    if given:
        sentence = f"The parts are those that are given: {told}."
    elif state.apart:
        sentence = f"A random tenth of the texts is tested, equal ones on one side: {told}."
    else:
        sentence = f"The last tenth of the text is tested, and its beginning is chosen by: {told}."
    return Split(
        train=rows[0],
        validation=rows[1],
        test=rows[2],
        sentence=sentence,
        method="given" if given else "random" if state.apart else "time",
        override=None,
        validation_given=VALIDATION in parts and TEST in parts,
    )


def _as_blocks(source: Source, column: str, truth: Array, state: NextState) -> Source:
    """The source with a row a block, as reports and checks show it."""
    texts = pl.Series(column, [text_of(block, state) for block in truth[:, 0].tolist()], dtype=pl.String)
    return replace(
        source,
        columns={column: TableColumn(name=column, values=texts)},
        num_rows=len(truth),
        given_split=None,
        part_column=None,
        row_names=None,
        target=None,
        groups=(),
        aside=(),
    )


def _schema(source: Source, column: str, notes: Sequence[Note]) -> Schema:
    held = source.columns[column]
    assert isinstance(held, TableColumn)
    values = as_text(held.values)
    text = Field(
        name=column,
        kind="text",
        role="target",
        reason="the text whose next symbol is asked",
        num_missing=values.null_count(),
        num_distinct=values.n_unique(),
        examples=values.head(3).fill_null("").to_list(),
    )
    return Schema(fields=[text], task=NEXT.name, notes=notes)


def _notes(level: Chosen, numbers: Mapping[int, Array], state: NextState) -> list[Note]:
    noun, plural = state.of.noun, state.of.plural
    symbols = counted(len(state.symbols), f"different {noun}", f"different {plural}")
    override = None if level.given else "--level"
    notes = [
        Note(subject="task", text="the next symbol of a text", override="--task"),
        Note(subject="level", text=f"by {plural} ({level.reason}): {symbols} and the end of a line", override=override),
    ]
    if unknown := int((numbers[TEST] == UNKNOWN).sum()):
        share = unknown / len(numbers[TEST])
        text = f"{unknown:,} of {len(numbers[TEST]):,} {plural} of the test part ({share:.1%}) are unknown or hidden in the text"
        if not state.of.spells_all:
            text += ": nobody can spell them, so there are no bits per character"
        notes.append(Note(subject="symbols", text=f"{text}."))
    return notes
