"""A model of texts as the server holds it: says what a text costs, block by block, and continues a prompt."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.saved.generating import Sampling
from netpick.serve.faults import refuse
from netpick.serve.forms import frame_of_rows
from netpick.serve.tables import ServedTable
from netpick.serve.wanted import still_wanted
from netpick.tasks.text.goes_on import GoesOn
from netpick.types import Source, TableColumn

PIECE = 32  # blocks that are answered at once, so that an answer that nobody waits for ends soon


class ServedText(ServedTable):
    """See ServedModel."""

    refused_form: ClassVar[str] = "A text was expected, but the form holds none. Send it as JSON, text/plain or a CSV."

    @property
    def given_as(self) -> str:
        return "prompt"

    @property
    def state(self) -> GoesOn:
        state: GoesOn = self.model.parts.task_state
        return state

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.state.column,)

    def inputs(self) -> list[dict[str, Any]]:
        return [{"name": self.state.column, "kind": "text", "is_file": False}]

    def cells(self) -> dict[str, Any]:
        return {self.state.column: {"type": "string", "maxLength": self.limits.values}}

    def tensors(self) -> list[dict[str, Any]]:
        return [{"name": self.state.column, "datatype": "BYTES", "shape": [-1]}]

    def continues(self) -> dict[str, Any]:
        return {
            "symbol": self.state.nouns[0],
            "symbols": self.state.nouns[1],
            "heard": self.model.parts.task.answer.heard,
            "seen": self.state.most_read,
            "prompt": self.limits.prompt,
            "tokens": self.limits.new_symbols,
            "seconds": self.limits.answer_seconds,
            "at_once": self.limits.texts,
            "defaults": asdict(Sampling()),
        }

    def asked(self, body: bytes) -> object:
        return self._lines(frame_of_rows(self, body))

    def answered(self, data: object) -> pl.DataFrame:
        """A row a block: its text, its symbols, and the bits that they cost."""
        source = self.model.read(self._lines(data) if isinstance(data, pl.DataFrame) else data)
        self._require_short(source)
        arrays = self.model.encode(source)
        pieces = []
        for start in range(0, len(next(iter(arrays.values()))), PIECE):
            still_wanted()
            piece = {name: array[start : start + PIECE] for name, array in arrays.items()}
            pieces.append(self.model.engine.outputs(piece))
        return self.model.finish(np.concatenate(pieces), source)

    def _lines(self, table: pl.DataFrame) -> pl.DataFrame:
        """Texts of several lines as rows of one, unless lines are no ends where training saw them."""
        texts = table[self.state.column].cast(pl.String).fill_null("")
        if self.state.whole:
            return texts.to_frame()
        return texts.str.replace_all("\r\n?", "\n").str.split("\n").explode().to_frame()

    def _require_short(self, source: Source) -> None:
        held = source.columns.get(self.state.column)
        if isinstance(held, TableColumn) and held.values.dtype == pl.String:
            length = int(held.values.str.len_chars().sum() or 0)
            if length > self.limits.values:
                refuse(
                    "too_long",
                    f"The text has {length:,} characters, and at most {self.limits.values:,} are answered at once. Send less.",
                )
