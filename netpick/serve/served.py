"""A model as the server holds it: reads rows of requests, answers those of many requests at once, words the answers.

Everything here may be called from any thread; nothing here knows of HTTP but for what a Fault says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic_core import to_json

from netpick.answers import Answer
from netpick.columns.encode import Encoder, input_places
from netpick.columns.forms import stored_as
from netpick.columns.kinds import KINDS
from netpick.data.decoders import DECODERS
from netpick.saved.engines import raw_cells
from netpick.saved.use import Model
from netpick.serve.faults import shown
from netpick.serve.options import Limits
from netpick.serve.ports import port_of
from netpick.serve.ports.base import Cells, Joined, PaddedCells, Port, PortGroup
from netpick.serve.rows import RowSet, as_written, json_rows, refuse_row, source_of
from netpick.types import Array, Source
from netpick.types.results import Answered

MOST_WARNINGS = 8  # of one row
NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Rows as an engine reads them, and what is unusual about them."""

    arrays: Mapping[str, Array]
    warnings: Mapping[int, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the model says of some rows, and what is unusual about them."""

    predictions: Answered
    warnings: Mapping[int, Sequence[str]]
    word: Callable[[Answered], list[dict[str, Any]]]  # predictions as JSON values

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """All of them as JSON values, made once for all requests of a batch."""
        rows = self.word(self.predictions)
        for number, row in enumerate(rows):
            row["warnings"] = self.warnings.get(number, NOTHING)[:MOST_WARNINGS]
        return rows


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model of a server, which answers rows; those of several requests are answered together."""

    alone: ClassVar[bool] = False  # whether each request is answered by itself
    warns: ClassVar[bool] = True  # whether answers come with warnings

    name: str
    path: Path
    model: Model
    limits: Limits
    sha256: str = ""  # of the model file, when it was loaded; empty for an exported folder

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        return self.model.parts.encoders

    @cached_property
    def reads_files(self) -> bool:
        """Whether a row holds files, which take long to read."""
        return any(encoder.kind in DECODERS for encoder in self.encoders)

    @cached_property
    def reads_one_file(self) -> bool:
        """Whether a file alone is a row."""
        return len(self.encoders) == 1 and self.reads_files

    @cached_property
    def is_heavy(self) -> bool:
        """Whether few bytes may take long to read."""
        return any(port.is_heavy for port in self.ports)

    @property
    def answer_kind(self) -> Answer[Any]:
        """What it answers."""
        return self.model.parts.task.answer

    @cached_property
    def coverage(self) -> float | None:
        """The share of rows that `low` and `high` hold; None where there are none."""
        return self.answer_kind.coverage(self.model.parts.task_state)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """One a column, in the encoders' order."""
        return tuple(port_of(encoder, self.limits) for encoder in self.encoders)

    @cached_property
    def groups(self) -> tuple[PortGroup, ...]:
        """The ports of each kind, in the order of each kind's first."""
        by_kind: dict[type[Port], list[Port]] = {}
        for port in self.ports:
            by_kind.setdefault(type(port), []).append(port)
        return tuple(kind.group(ports) for kind, ports in by_kind.items())

    @cached_property
    def places(self) -> tuple[tuple[str, slice | None], ...]:
        """The input that each column is (part of), and which of its columns where several share it."""
        return tuple(input_places(self.encoders))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that a request must give."""
        return tuple(encoder.column for encoder in self.encoders)

    # --- what a request gives, in words ------------------------------------------------------------------------------

    @property
    def given_as(self) -> str:
        """How a person gives a row: form, text, image, audio, clip, series; or table, a history to continue; or prompt, a text to continue."""
        kinds = [encoder.kind for encoder in self.encoders]
        return kinds[0] if len(kinds) == 1 and (kinds[0] in DECODERS or kinds[0] in ("text", "series")) else "form"

    def inputs(self) -> list[dict[str, Any]]:
        """What each column is."""
        return [_described(port) for port in self.ports]

    def outlook(self) -> dict[str, Any] | None:
        """How far a forecast reaches, and what it is made from; None for rows."""
        return None

    def continues(self) -> dict[str, Any] | None:
        """Of a model of texts, what of a prompt is read and how far it may be continued; None for all others."""
        return None

    @property
    def example_history(self) -> list[dict[str, Any]]:
        """Of a forecaster, a history that it continues."""
        return []

    def cells(self) -> dict[str, Any]:
        """JSON schema of a row's cells, by column."""
        return {port.name: port.schema() for port in self.ports}

    def tensors(self) -> list[dict[str, Any]]:
        """The inputs in the words of the Open Inference Protocol."""
        specs = {port.name: port.tensor() for port in self.ports}
        return [{"name": name, "datatype": spec.datatype, "shape": list(spec.shape)} for name, spec in specs.items()]

    # --- reading -----------------------------------------------------------------------------------------------------

    def rows_of_json(self, body: bytes) -> RowSet:
        """The rows of a JSON body. Raises Fault."""
        return self.rows_of(json_rows(body, self.limits, self.columns))

    def rows_of(self, rows: Sequence[Any]) -> RowSet:
        """Rows as JSON objects, checked. Raises Fault, with row and field."""
        cells: dict[str, Cells] = {}
        remarks: dict[int, list[str]] = {}
        for port in self.ports:
            name = port.name
            try:
                given = [row[name] for row in rows]
            except (KeyError, TypeError):
                refuse_row(rows, name, self.columns)
            cells[name] = port.read(as_written(given, port, self.model.parts.record.formats.get(name)))
        wanted = len(self.ports)
        for number, row in enumerate(rows):
            if len(row) != wanted:
                extra = [str(key) for key in row if key not in self.columns]
                said = ", ".join(shown(key) for key in extra[:4]) + (", …" if len(extra) > 4 else "")
                remarks[number] = [f"Not read by this model, and left aside: {said}."]
        return self._with_remarks(len(rows), cells, remarks)

    def rows_of_cells(self, cells: Mapping[str, Cells], count: int) -> RowSet:
        """Rows from cells that were checked already, such as those of tensors and files."""
        for port in self.ports:
            if port.name not in cells:
                refuse_row([dict.fromkeys(cells)], port.name, self.columns)
        return self._with_remarks(count, cells, {})

    def rows_of_file(self, data: bytes, most_pixels: int | None = None) -> RowSet:
        """One row from the bytes of a file, for models that read nothing but one file a row. Raises Fault.

        most_pixels: what is left of those that one request may unpack; None: all of them.
        """
        (port,) = self.ports
        cells = port.read_file(data, self.limits.request_pixels if most_pixels is None else most_pixels)
        assert cells is not None
        return self._with_remarks(1, {port.name: cells}, {})

    def _with_remarks(self, count: int, cells: Mapping[str, Cells], remarks: dict[int, list[str]]) -> RowSet:
        for part in cells.values():
            if isinstance(part, PaddedCells):
                for row, sentence in part.remarks:
                    remarks.setdefault(row, []).append(sentence)
        return RowSet(count=count, cells=cells, remarks=remarks)

    # --- answering ---------------------------------------------------------------------------------------------------

    def prepare(self, sets: Sequence[RowSet]) -> Prepared:
        """The rows of several requests, one behind the other, as the engine reads them. Raises DataError."""
        joined = {port.name: port.join([rows.cells[port.name] for rows in sets]) for port in self.ports}
        count = sum(rows.count for rows in sets)
        warnings = self._unlike(joined)
        start = 0
        for rows in sets:
            for row, sentences in rows.remarks.items():
                warnings.setdefault(start + row, []).extend(sentences)
            start += rows.count
        return Prepared(arrays=self.encoded(joined, count), warnings=warnings)

    def finish(self, answers: Array, prepared: Prepared) -> Answers:
        """The engine's answers for prepared rows."""
        return self.answers_of(answers, prepared.warnings)

    def answers_of(self, answers: Array, warnings: Mapping[int, Sequence[str]]) -> Answers:
        """The engine's answers, in units and words."""
        return Answers(predictions=self.predictions(answers), warnings=warnings, word=self._as_json)

    def _as_json(self, predictions: Answered) -> list[dict[str, Any]]:
        parts = self.model.parts
        return self.answer_kind.json_rows(predictions, self.model.labels, parts.record.rule, parts.task_state)

    def answer(self, sets: Sequence[RowSet]) -> Answers:
        """`prepare`, the engine, and `finish` in a row."""
        prepared = self.prepare(sets)
        return self.finish(self.model.engine.outputs(prepared.arrays), prepared)

    def encoded(self, joined: Mapping[str, Joined], count: int) -> dict[str, Array]:
        """What an engine reads: as `Model.encode` makes it, held to that by a test."""
        arrays: dict[str, Array] = {}
        specs = self.model.parts.inputs
        parts = {
            port.name: part
            for group in self.groups
            for port, part in zip(group.ports, group.encode(joined), strict=True)
        }
        for port, (name, place) in zip(self.ports, self.places, strict=True):
            part = parts[port.name]
            if place is None:
                arrays[name] = part
                if specs[name].padded:
                    lengths = port.lengths(joined[port.name], part)
                    assert lengths is not None
                    arrays[f"{name}.lengths"] = lengths
                continue
            if name not in arrays:
                arrays[name] = np.empty((count, *specs[name].shape), stored_as(specs[name]))
            arrays[name][:, place] = part
        if raw := self.model.engine.raw:
            asked = {key.partition(".")[2] for key in raw}
            columns = {port.name: port.column(joined[port.name]) for port in self.ports if port.name in asked}
            arrays |= raw_cells(self.model.engine, columns)
        return arrays

    def predictions(self, answers: Array) -> Answered:
        """An engine's answers in the units of the target."""
        predictions: Answered = self.answer_kind.decode(answers, self.model.parts.task_state)
        return predictions

    def unlike(self, source: Source) -> dict[int, list[str]]:
        """Warnings by row for data that were read as a table."""
        warnings = self._unlike({port.name: port.of_column(source.columns[port.name]) for port in self.ports})
        for name, cells in source.strays.items():
            for row, text in cells:
                sentence = f"{name} is {shown(text)}, which is written otherwise than in the training rows and is read as missing."
                warnings.setdefault(row, []).append(sentence[0].upper() + sentence[1:])
        return warnings

    def _unlike(self, joined: Mapping[str, Joined]) -> dict[int, list[str]]:
        warnings: dict[int, list[str]] = {}
        for group in self.groups:
            for row, sentence in group.unlike(joined):
                warnings.setdefault(row, []).append(sentence[0].upper() + sentence[1:])
        return warnings

    def source(self, rows: RowSet) -> Source:
        """Checked rows as a source, for what reads columns."""
        return source_of(rows, self.ports)

    def asked(self, body: bytes) -> object:
        """What a JSON body asks about, as `Model.predict` reads it. Raises Fault."""
        return self.source(self.rows_of_json(body))

    # --- wording -----------------------------------------------------------------------------------------------------

    def body(self, answers: Answers, start: int, stop: int) -> bytes:
        """The JSON body of one request's answers."""
        return self.body_of(answers.rows[start:stop])

    def body_of(self, predictions: Sequence[Mapping[str, Any]]) -> bytes:
        content: dict[str, Any] = {"model": self.name, "predictions": predictions}
        threshold = self.model.parts.record.threshold
        if threshold is not None:
            content["threshold"] = threshold
        if self.coverage is not None:
            content["coverage"] = self.coverage
        return to_json(content, inf_nan_mode="null")


def _described(port: Port) -> dict[str, Any]:
    form, is_file = KINDS[port.kind].form, port.kind in DECODERS
    return {"name": port.name, "kind": port.kind, "form": form, "is_file": is_file, **port.describe()}
