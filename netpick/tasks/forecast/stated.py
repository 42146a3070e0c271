"""What a forecast states of a step, as the user wants it: a mean or a median, and which quantiles."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from netpick.answers.quantiles import independent
from netpick.errors import RequestError
from netpick.tasks.examples.base import ExampleRequest
from netpick.tasks.forecast.state import ForecastState, Point
from netpick.types import Note
from netpick.types.words import listed

MOST_QUANTILES = 99


def with_stated(state: ForecastState, request: ExampleRequest, notes: list[Note]) -> ForecastState:
    """The state with the point forecast and the quantiles that were asked for. Raises RequestError for impossible ones."""
    levels = tuple(sorted(set(request.quantiles)))
    if request.point not in (None, *get_args(Point)):
        raise RequestError(f"A point forecast '{request.point}' is unknown. Pass --point mean or --point median.")
    if any(not 0 < level < 1 for level in levels) or len(levels) > MOST_QUANTILES:
        wrong = next((level for level in levels if not 0 < level < 1), None)
        found = f"{len(levels)} quantiles were" if wrong is None else f"The quantile {wrong:g} was"
        raise RequestError(
            f"{found} asked for, but quantiles are up to {MOST_QUANTILES} shares between 0 and 1. Pass, for example, --quantiles 0.05,0.5,0.95."
        )
    if request.point == "median":
        text = "medians: absolute errors decide"
        notes.append(Note(subject="point forecasts", text=text, override="--point"))
    if levels:
        text = f"{listed([f'{level:g}' for level in levels], 12)}, in tables and in the quantile loss (WQL)"
        notes.append(Note(subject="quantiles", text=text, override="--quantiles"))
    return replace(state, point=request.point or state.point, quantiles=levels)


def beyond_validation(state: ForecastState, rows: int) -> Note | None:
    """That so many validation windows cannot tell the outermost quantiles apart from their largest error."""
    errors = independent(max(1, rows), state.horizon)
    far = [level for level in state.quantiles if abs(2 * level - 1) * (1 + 1 / errors) > 1]
    if not far:
        return None
    text = (
        f"{listed([f'{level:g}' for level in far], 12)} cannot be told from so few validation windows ({rows:,}): set by their largest "
        "errors, true values will lie beyond more often than said"
    )
    return Note(subject="quantiles", text=text, override="--quantiles")
