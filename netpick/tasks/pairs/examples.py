"""Pairs of texts as examples: each is a row, and rows with the same source or the same target stay on one side of the split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from netpick.answers.answered import texts_of
from netpick.answers.metrics.texts import ExactMatch
from netpick.answers.metrics.translation import Chrf
from netpick.columns.encode import Encoder
from netpick.columns.kinds.cells import as_text
from netpick.columns.store import Allocator, Store
from netpick.data.sources.loose_texts import loose_texts
from netpick.data.sources.parallel_lines import own_lines, parallel_files
from netpick.data.sources.tatoeba import TatoebaReader
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.examples.base import Encoded, Evidence, ExampleRequest, Examples, Labelled, NewExamples, Prepared
from netpick.tasks.examples.whole import PreparedWhole
from netpick.tasks.pairs.columns import Sides, chosen_sides, meant, parts_no_words
from netpick.tasks.pairs.state import TRANSLATE, PairState, drafted, filled, measured, pair_inputs, pair_rows, truth_of
from netpick.tasks.row_groups import row_groups
from netpick.tasks.split import SealedRows, SplitRequest, make_split
from netpick.tasks.text.levels import END, LEVELS
from netpick.types import Array, Field, Inputs, Note, Rows, Schema, Source, Split, TableColumn
from netpick.types.results import DecisionRule
from netpick.types.words import counted

FEWEST_PAIRS = 20
SOME = 2_000  # targets that tell which script they are in


@dataclass(frozen=True, kw_only=True)
class PreparedPairs(PreparedWhole):
    """An example is a pair."""

    rows_of_pairs: Array  # (N, S + T) symbols
    together: Array  # (N,) equal numbers of pairs that have a side in common

    @property
    def num_scores(self) -> int:
        return 1

    def primary(self, balance: float) -> str:
        """Strings are right or wrong as a whole; of sentences words are right, or characters where a script parts no words."""
        if self.state.strings:
            return ExactMatch.name
        targets = texts_of(self.truth[self.split.train[:SOME]])
        return Chrf.name if parts_no_words(targets) else super().primary(balance)

    @property
    def scored_numbers(self) -> int:
        return 40

    @property
    def inputs(self) -> Inputs:
        return pair_inputs(self.state)

    def store(self, allocator: Allocator) -> Store:
        return Store(arrays={"pair": allocator.adopt("pair", self.rows_of_pairs)})

    @property
    def trained_twice(self) -> bool:
        return self.split.method != "none" and not self.split.validation_given

    def test_groups(self, rows: Rows) -> Array | None:
        """Which have a source or a target in common; None where none do."""
        groups = self.together[rows]
        return groups if len(np.unique(groups)) < len(groups) else None


class NewPairs(NewExamples):
    """New sources, with or without their targets."""

    noun: ClassVar[str] = "text"

    @cached_property
    def sources(self) -> list[str | None]:
        """Raises DataError when the column is missing, or there is no row."""
        texts = _texts(self.source, self.state.source)
        if texts is None:
            raise DataError(
                f"{self.source.name} has no column '{self.state.source}', but the model reads its texts there. Pass a text file with one a line, "
                f"or such a table. Columns found: {', '.join(self.source.columns)}."
            )
        if not texts:
            raise DataError("There is no text to answer. Pass a file with one a line, a table, or texts.")
        return texts

    def encoded(self, allocator: Allocator) -> Encoded:
        rows = pair_rows(self.sources, None, self.state)
        return Encoded(arrays={"pair": allocator.adopt("pair", rows)}, rows=np.arange(len(rows)), state=self.state)

    def labelled(self, allocator: Allocator) -> Labelled:
        truth = self.truth()
        if truth is None:
            raise DataError(
                f"The data have no texts in a column '{self.state.column}', but scoring compares generated texts with them. Add the target "
                f"column, or use `netpick predict`. Columns found: {', '.join(self.source.columns)}."
            )
        rows = np.flatnonzero(self.task.answer.labelled(truth))
        pairs = pair_rows(self.sources, _texts(self.source, self.state.column), self.state)
        encoded = Encoded(arrays={"pair": allocator.adopt("pair", pairs)}, rows=rows, state=self.state)
        return Labelled(encoded=encoded, truth=truth[rows])

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        answer = self.task.answer
        columns = answer.columns(answer.decode(answers, self.state), labels, rule)
        return pl.DataFrame([pl.Series(self.state.source, self.sources, dtype=pl.String), *columns.values()])

    @property
    def names(self) -> Sequence[str] | None:
        return None

    def truth(self) -> Array | None:
        texts = _texts(self.source, self.state.column)
        truth = None if texts is None else truth_of(texts)
        return truth if truth is not None and bool(self.task.answer.labelled(truth).any()) else None


class PairExamples(Examples):
    """See Examples. Meant where --task translate asks for it, by a layout of pairs, and by a table of two columns of texts."""

    name: ClassVar[str] = "pairs"
    New = NewPairs

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        if asked or (request.task is None and meant(source, request.target)):
            _refuse_what_rows_have(source, request)
            return source
        return None

    def loose(self, data: object, state: Any, encoding: str | None) -> Source | None:
        """Lines of a text file, one that is named after its language too, or texts themselves."""
        if isinstance(data, str | Path):
            lines = own_lines(data, state.source, encoding)
            if lines is not None or holds_pairs(data):
                return lines
        return loose_texts(data, column=state.source, by_line=True, encoding=encoding)

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        return pair_inputs(state)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        sides = chosen_sides(source, request.target, request.drop)
        sources, targets = _required(source, sides)
        truth = truth_of([t if s else None for s, t in zip(sources, targets, strict=True)])
        schema = _schema(source, sides)
        together = _together(sources, targets)
        wanted = SplitRequest(
            labelled=TRANSLATE.answer.labelled(truth),
            classes=None,
            groups=together,
            rule=request.split,
            seed=request.seed,
        )
        split = make_split(source, schema, wanted)
        state, rows = _learned(sides, (sources, targets), split, request.level)
        state = replace(state, beam=request.beam)
        schema = replace(schema, notes=[*sides.notes, *_notes(rows, truth, state, request)])
        evidence = Evidence(
            source=source,
            schema=schema,
            train=split.train,
            validation=split.validation,
            test=split.test,
            target=truth,
            labels=(),
            row_groups=row_groups(source, schema),
        )
        return PreparedPairs(
            source=source,
            schema=schema,
            task=TRANSLATE,
            state=state,
            truth=truth,
            split=split,
            sealed=SealedRows(split.test),
            evidence=evidence,
            private=request.private,
            rows_of_pairs=rows,
            together=together,
        )


def holds_pairs(data: str | Path) -> bool:
    """Whether something in a layout of pairs lies there."""
    try:
        path = Path(data)
        return path.exists() and (bool(parallel_files(path)) or TatoebaReader().recognises(path))
    except (OSError, ValueError):  # a text, and no name of a file
        return False


def _refuse_what_rows_have(source: Source, request: ExampleRequest) -> None:
    """Raises RequestError for options that belong to others."""
    for name, given in (("--folds", request.folds not in (None, 1)), ("--cut", request.cut)):
        if given:
            raise RequestError(f"{name} was given, but pairs of texts are tested on one part. Leave {name} out.")
    if request.private:
        raise RequestError(
            "--private was given, but a network that generates texts holds words of its rows. Leave --private out."
        )
    if request.level is not None and request.level not in LEVELS:
        raise RequestError(f"There is no level '{request.level[:60]}'.{near_matches(request.level, LEVELS)}")


def _texts(source: Source, name: str) -> list[str | None] | None:
    column = source.columns.get(name)
    if not isinstance(column, TableColumn):
        return None
    return as_text(column.values).str.strip_chars().to_list()


def _required(source: Source, sides: Sides) -> tuple[list[str], list[str]]:
    """Both sides; an empty or missing cell is "". Raises DataError where too few pairs have both."""
    both = [[text or "" for text in _texts(source, name) or []] for name in (sides.source, sides.target)]
    whole = sum(bool(s and t) for s, t in zip(*both, strict=True))
    if whole < FEWEST_PAIRS:
        raise DataError(
            f"{source.origin} holds {counted(whole, 'pair')} of which neither '{sides.source}' nor '{sides.target}' is empty, but at least "
            f"{FEWEST_PAIRS} were expected. Add pairs, or choose other columns with --target."
        )
    return both[0], both[1]


def _together(sources: Sequence[str], targets: Sequence[str]) -> Array:
    """(N,) numbers that are equal for pairs connected by equal sources or targets, whatever their case."""
    keys = [f"s{text.casefold()}" for text in sources], [f"t{text.casefold()}" for text in targets]
    numbers: dict[str, int] = {}
    first, second = (np.array([numbers.setdefault(key, len(numbers)) for key in side], dtype=np.int64) for side in keys)
    edges = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(numbers), len(numbers)))
    _, components = connected_components(edges, directed=False)
    empty = np.array([not (s and t) for s, t in zip(sources, targets, strict=True)])
    return np.where(empty, -1 - np.arange(len(first)), components[first])


def _learned(
    sides: Sides, texts: tuple[list[str], list[str]], split: Split, level: str | None
) -> tuple[PairState, Array]:
    """The state of the training pairs, and all pairs as networks read them. Raises DataError where there is nothing to learn from."""
    parts = {"learn from": split.train, "choose on": split.validation, "test on": split.test}
    if empty := [purpose for purpose, rows in parts.items() if not len(rows)]:
        raise DataError(
            f"No pair is left to {' or to '.join(empty)}: pairs with the same source or target are kept together, and each of these parts needs "
            "some. Add pairs that differ."
        )
    train = split.train.tolist()
    learned = ([texts[0][row] for row in train], [texts[1][row] for row in train])
    draft = drafted((sides.source, sides.target), learned, level)
    numbers = [[draft.numbers_of(text) for text in side] for side in texts]
    state = measured(draft, [[side[row] for row in train] for side in numbers])
    return state, filled(numbers, state)


def _schema(source: Source, sides: Sides) -> Schema:
    fields = []
    for name, column in source.columns.items():
        role = "target" if name == sides.target else "feature" if name == sides.source else "left_out"
        reason = {"target": "the text that is generated", "feature": "the text that it is generated from"}.get(
            role, "translations are learned from two columns alone"
        )
        values = as_text(column.values) if isinstance(column, TableColumn) else pl.Series([], dtype=pl.String)
        fields.append(
            Field(
                name=name,
                kind=None if role == "left_out" else "text",
                role=role,  # type: ignore[arg-type]
                reason=reason,
                num_missing=values.null_count(),
                num_distinct=values.n_unique(),
                examples=values.head(3).fill_null("").to_list(),
            )
        )
    return Schema(fields=fields, task=TRANSLATE.name)


def _notes(rows: Array, truth: Array, state: PairState, request: ExampleRequest) -> list[Note]:
    level = state.of
    why = "as given" if request.level else "targets are short strings" if state.strings else "sentences"
    symbols = counted(len(state.symbols), f"different {level.noun}", f"different {level.plural}")
    notes = [
        Note(subject="task", text="translate (a text is generated from a text)", override="--task"),
        Note(
            subject="level", text=f"by {level.plural} ({why}): {symbols}, the same for both sides", override="--level"
        ),
    ]
    if state.beam is not None:
        text = f"generated with a beam of {state.beam}, as --beam asks"
        notes.append(Note(subject="search", text=text, override="--beam"))
    there = TRANSLATE.answer.labelled(truth)
    if left_out := int((~there).sum()):
        notes.append(Note(subject="rows", text=f"{counted(left_out, 'pair')} with an empty side are left out."))
    longest = state.sides[0]
    ends = [part[:, -1] for part in (rows[:, :longest], rows[:, longest:])]
    full = [int(((last > 0) & (last != END)).sum()) for last in ends]
    if sum(full):
        few = f"{counted(full[0], 'source')} and {counted(full[1], 'target')}"
        text = f"{few} of more than {state.sides[0]} and {state.sides[1]} {level.plural} are read as far as that."
        notes.append(Note(subject="length", text=text))
    return notes
