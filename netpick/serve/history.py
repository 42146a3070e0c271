"""A forecaster as the server holds it: a request gives a table whose series are continued, not rows to answer one by one."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.quantiles import band
from netpick.errors import NetpickError
from netpick.serve.faults import Fault
from netpick.serve.forms import read_table
from netpick.serve.history_example import as_csv, example_rows, needed_ahead
from netpick.serve.tables import ServedTable
from netpick.tasks.forecast.state import ForecastState


class ServedHistory(ServedTable):
    """See ServedModel."""

    refused_form: ClassVar[str] = "A forecast continues a table, but the form holds none. Send a CSV."

    @property
    def given_as(self) -> str:
        return "table"

    @property
    def state(self) -> ForecastState:
        state: ForecastState = self.model.parts.task_state
        return state

    @property
    def times(self) -> tuple[str, ...]:
        """Columns that tell the time of a row."""
        state = self.state
        return state.time_columns if state.resampling is None else state.resampling.time

    @property
    def columns(self) -> tuple[str, ...]:
        state = self.state
        return tuple(dict.fromkeys((*self.times, *state.id_columns, *state.targets, *state.covariates, *state.known)))

    def inputs(self) -> list[dict[str, Any]]:
        state = self.state
        roles = {
            **dict.fromkeys((*state.covariates, *state.known), "beside"),
            **dict.fromkeys(state.targets, "target"),
            **dict.fromkeys(state.id_columns, "series"),
            **dict.fromkeys(self.times, "time"),
        }
        return [{"name": name, "kind": roles[name], "is_file": False} for name in self.columns]

    def outlook(self) -> dict[str, Any]:
        state = self.state
        return {
            "horizon": state.horizon,
            "context": state.context,
            "time": list(state.time_columns),
            "series": list(state.id_columns),
            "known_ahead": list(state.known),
            "step": state.step.words,
            "band": dict(zip(("low", "high", "share"), band(state.quantiles), strict=True)),
            "drawn": _drawn(state),
            "needs": needed_ahead(state),
            "example": as_csv(self.example_history),
        }

    @cached_property
    def example_history(self) -> list[dict[str, Any]]:
        """Rows that a request may hold; empty where none can be made that are answered."""
        rows = example_rows(self.state, self.encoders, self.times, self.limits)
        try:
            if rows:
                self.answered(read_table(self, as_csv(rows).encode()))
        except (Fault, NetpickError):  # times that are written in a way of their own, for one
            return []
        return rows

    def cells(self) -> dict[str, Any]:
        words = self._words
        texts, numbers = {"type": ["string", "number", "null"]}, {"type": ["number", "null"]}
        return {name: texts if name in words else numbers for name in self.columns}

    @property
    def _words(self) -> set[str]:
        """Columns whose cells are texts."""
        texts = (encoder.column for encoder in self.encoders if encoder.kind in ("category", "boolean"))
        return {*self.times, *self.state.id_columns, *texts}

    def tensors(self) -> list[dict[str, Any]]:
        words = self._words
        return [{"name": n, "datatype": "BYTES" if n in words else "FP64", "shape": [-1]} for n in self.columns]

    def answered(self, data: object) -> pl.DataFrame:
        """What continues the series of a table: a row a series and step. Raises DataError."""
        return self.model.predict(data)


def _drawn(state: ForecastState) -> dict[str, Any] | None:
    """What a curve drawn by hand needs to become a history: times, and the range of its height. None where more is asked for."""
    others = (*state.id_columns, *state.covariates, *state.known)
    if others or len(state.targets) != 1 or len(state.time_columns) > 1 or not state.location:
        return None
    middle, spread = state.location[0][0], state.scale[0][0]
    ends = [middle - 3 * spread, middle + 3 * spread]
    low, high = [float(np.exp(min(end, 60.0))) for end in ends] if state.log[0] else ends
    times = state.step.text(state.step.times(np.arange(state.context))) if state.time_columns else []
    return {"low": low, "high": high, "times": times}
