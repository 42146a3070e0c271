"""How bodies of each content type become rows, and how answers become replies. Each runs in a thread, off the event loop.

A `Call` goes through a model's batcher, together with others. A `Task` does a whole request by itself: large bodies, forms,
tables, forecasts, explanations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from netpick.answers.answered import joined
from netpick.serve import forms, v2
from netpick.serve.faults import refuse
from netpick.serve.ports.base import Cells, PaddedCells
from netpick.serve.ports.media import size_of_png
from netpick.serve.replies import JSON, Reply
from netpick.serve.rows import RowSet
from netpick.serve.sentences import ServedSentences, by_sentence
from netpick.serve.served import Answers, ServedModel
from netpick.serve.tables import ServedTable
from netpick.serve.wanted import still_wanted

CSV = "text/csv; charset=utf-8"
QUICK = 48 << 10  # bytes of cells that are read on the event loop: 200 us
QUICK_FILE, QUICK_PIXELS = 4 << 10, 1 << 14  # of a PNG's bytes and pixels there: 100 us
PIECE = 512  # rows of a large request that are answered at once, so that small ones get their turn between

Written = Literal["json", "csv", "safe csv"]  # how a table comes back; a safe one holds no formulas
Task = Callable[[], Reply]
Together = Callable[[RowSet], Answers]  # answers rows under the engine's lock


class JsonCall:
    """{"rows": [...]} to {"predictions": [...]}."""

    format = "json"

    def __init__(self, served: ServedModel) -> None:
        self._served = served

    def is_quick(self, body: bytes) -> bool:
        return len(body) <= QUICK and not self._served.reads_files

    def read(self, body: bytes) -> RowSet:
        return self._served.rows_of_json(body)

    def write(self, answers: Answers, start: int, stop: int) -> Reply:
        return Reply(self._served.body(answers, start, stop))


class FileCall(JsonCall):
    """The bytes of one file."""

    format = "file"

    def is_quick(self, body: bytes) -> bool:
        size = size_of_png(body) if len(body) <= QUICK_FILE else None
        return size is not None and size[0] * size[1] <= QUICK_PIXELS

    def read(self, body: bytes) -> RowSet:
        if not body:
            refuse("unreadable_file", "The body is empty (0 bytes), but a whole file was expected.")
        return self._served.rows_of_file(body)


class TextCall(JsonCall):
    """One text as it is."""

    format = "text"

    def read(self, body: bytes) -> RowSet:
        return self._served.rows_of([{self._served.encoders[0].column: decoded(body)}])


class InferCall:
    """The Open Inference Protocol."""

    format = "v2"

    def __init__(self, served: ServedModel, json_length: int | None) -> None:
        self._served, self._json_length = served, json_length
        self._asked: v2.Asked | None = None

    def is_quick(self, body: bytes) -> bool:
        return len(body) <= QUICK and not self._served.reads_files

    def read(self, body: bytes) -> RowSet:
        tensors, self._asked = v2.read_request(body, self._json_length, self._served.limits)
        return v2.rows_of(self._served, tensors, self._asked)

    def write(self, answers: Answers, start: int, stop: int) -> Reply:
        assert self._asked is not None
        return v2.reply(self._served, answers, start, stop, self._asked)


@dataclass(frozen=True)
class Tasks:
    """Requests that are done by themselves, for one model."""

    served: ServedModel
    together: Together

    def json(self, body: bytes) -> Reply:
        rows = self.served.rows_of_json(body)
        answered = in_pieces(rows, self.together)
        return Reply(self.served.body(answered, 0, rows.count))

    def infer(self, body: bytes, json_length: int | None) -> Reply:
        tensors, asked = v2.read_request(body, json_length, self.served.limits)
        rows = v2.rows_of(self.served, tensors, asked)
        return v2.reply(self.served, in_pieces(rows, self.together), 0, rows.count, asked)

    def file(self, body: bytes) -> Reply:
        rows = FileCall(self.served).read(body)
        return Reply(self.served.body(self.together(rows), 0, 1))

    def form(self, body: bytes, content_type: str, *, written: Written) -> Reply:
        parts = forms.read_form(body, content_type, self.served.limits)
        tables = [part for part in parts if part.is_table]
        if tables:
            return self.table(tables[0].data, written=written, tabs=(tables[0].filename or "").lower().endswith(".tsv"))
        return self.parts(parts)

    def parts(self, parts: Sequence[forms.Part]) -> Reply:
        """A form without a table."""
        rows = forms.rows_of_parts(self.served, parts)
        return Reply(self.served.body(in_pieces(rows, self.together), 0, rows.count))

    def table(self, body: bytes, *, written: Written, tabs: bool = False) -> Reply:
        source = forms.read_table(self.served, body, tabs=tabs)
        arrays = self.served.model.encode(source)
        pieces = []
        for start in range(0, source.num_rows, PIECE):
            still_wanted()
            piece = {name: array[start : start + PIECE] for name, array in arrays.items()}
            pieces.append(self.served.model.engine.outputs(piece))
        answers = np.concatenate(pieces)
        if written != "json":
            table = forms.table_with(source, self.served.model.finish(answers, source))
            return Reply(forms.csv_of(table, safe=written == "safe csv"), content_type=CSV)
        whole = self.served.answers_of(answers, self.served.unlike(source))
        return Reply(self.served.body(whole, 0, source.num_rows))


@dataclass(frozen=True)
class TableTasks(Tasks):
    """The same for models that answer for a whole table."""

    served: ServedTable

    def json(self, body: bytes) -> Reply:
        return self.answered(self.served.asked(body), written="json")

    def infer(self, body: bytes, json_length: int | None) -> Reply:
        tensors, asked = v2.read_request(body, json_length, self.served.limits)
        return v2.reply_table(self.served, self.served.answered(v2.table_of(self.served, tensors, asked)), asked)

    def parts(self, parts: Sequence[forms.Part]) -> Reply:
        refuse("unsupported_type", self.served.refused_form)

    def plain(self, body: bytes, *, written: Written) -> Reply:
        """A text as it is, of models that read nothing else."""
        (column,) = self.served.columns
        return self.answered(pl.DataFrame({column: [decoded(body)]}), written=written)

    def table(self, body: bytes, *, written: Written, tabs: bool = False) -> Reply:
        return self.answered(forms.read_table(self.served, body, tabs=tabs), written=written)

    def answered(self, data: object, *, written: Written) -> Reply:
        """The answer to a table that was read."""
        table = self.served.answered(data)
        if written != "json":
            return Reply(forms.csv_of(table, safe=written == "safe csv"), content_type=CSV)
        return Reply(self.served.body_of(table_rows(table)), content_type=JSON)


def decoded(body: bytes) -> str:
    """A body that is text. Raises Fault."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse("invalid_value", f"The body is not UTF-8 (byte {error.start}), but text was expected.")


@dataclass(frozen=True)
class SentenceTasks(Tasks):
    """The same for a model of tags: texts are cut into tokens, and read in pieces where they are long."""

    served: ServedSentences

    def json(self, body: bytes) -> Reply:
        return Reply(self.served.body_of_rows(self.served.rows_of_json(body)))

    def parts(self, parts: Sequence[forms.Part]) -> Reply:
        return Reply(self.served.body_of_rows(forms.rows_of_parts(self.served, parts)))

    def table(self, body: bytes, *, written: Written, tabs: bool = False) -> Reply:
        source = forms.read_table(self.served, body, tabs=tabs)
        table = self.served.tagged(source)
        if written != "json":
            return Reply(forms.csv_of(table, safe=written == "safe csv"), content_type=CSV)
        rows = by_sentence(table, source.num_rows)
        return Reply(self.served.body_of([{**row, "warnings": ()} for row in rows]), content_type=JSON)


def tasks_of(served: ServedModel, together: Together) -> Tasks:
    """The requests that this model answers by themselves."""
    if isinstance(served, ServedSentences):
        return SentenceTasks(served, together)
    return TableTasks(served, together) if isinstance(served, ServedTable) else Tasks(served, together)


def table_rows(table: pl.DataFrame) -> list[dict[str, object]]:
    """An answer's table as JSON values, times as text."""
    texts = [column.cast(pl.String) for column in table.get_columns() if column.dtype.is_temporal()]
    return [{**row, "warnings": ()} for row in table.with_columns(texts).to_dicts()]


def in_pieces(rows: RowSet, together: Together) -> Answers:
    """The answers of many rows, piece by piece."""
    if rows.count <= PIECE:
        return together(rows)
    parts = [together(_slice(rows, start, min(start + PIECE, rows.count))) for start in range(0, rows.count, PIECE)]
    warnings = {PIECE * i + row: said for i, part in enumerate(parts) for row, said in part.warnings.items()}
    return replace(parts[0], predictions=joined([part.predictions for part in parts]), warnings=warnings)


def _slice(rows: RowSet, start: int, stop: int) -> RowSet:
    cells: dict[str, Cells] = {}
    for name, part in rows.cells.items():
        if isinstance(part, PaddedCells):
            lengths = None if part.lengths is None else part.lengths[start:stop]
            cells[name] = PaddedCells(values=part.values[start:stop], lengths=lengths)
        else:
            cells[name] = part[start:stop]
    remarks = {row - start: said for row, said in rows.remarks.items() if start <= row < stop}
    return RowSet(count=stop - start, cells=cells, remarks=remarks)
