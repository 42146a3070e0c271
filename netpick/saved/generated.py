"""Rows that nobody has: what an encoder could have made, drawn at random. Graphs are proved with them, and models that hold no
training row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netpick.columns.forms import FORMS, LENGTHS, is_number, stored_as
from netpick.models.baselines import Fitted, Given, History, Problem
from netpick.models.baselines.base import Baseline, text_columns
from netpick.tasks.forecast.state import ForecastState
from netpick.types import Array, Inputs, InputSpec

TEXTS = ("", "a", "one and two", "0 1, 2.")
MOST_STEPS = 2_000  # of a history
MOST_SIDE = 96  # pixels of pictures that keep their size
SIZES = 10  # different ones


def generated_rows(inputs: Inputs, count: int, seed: int = 0) -> dict[str, Array]:
    """Rows that an encoder could have made, of all lengths: empty ones, single steps, whole ones."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for name, spec in inputs.items():
        arrays[name] = _values(spec, count, random)
        if spec.padded:
            lengths = random.integers(0, spec.shape[0] + 1, count).astype(LENGTHS)
            lengths[: min(count, 3)] = (spec.shape[0], 0, 1)[: min(count, 3)]
            arrays[f"{name}.lengths"] = lengths
            valid = np.arange(spec.shape[0])[None, :] < lengths[:, None]
            arrays[name][~valid] = 0
    return arrays


def with_sizes(inputs: Inputs, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Generated rows whose pictures have sizes of their own, where they may."""
    made = dict(arrays)
    for name, spec in inputs.items():
        if FORMS[spec.form].sized:
            height, width = arrays[name].shape[-2:]
            random = np.random.default_rng(2)
            sizes = np.stack([random.integers(1, most + 1, SIZES) for most in (height, width)], axis=1)
            sizes[0] = height, width
            made[f"{name}.sizes"] = sizes[np.arange(len(arrays[name])) % SIZES].astype(LENGTHS)
    return made


def _values(spec: InputSpec, count: int, random: np.random.Generator) -> Array:
    dtype = stored_as(spec)
    shape = (count, *spec.shape)
    if FORMS[spec.form].sized:
        shape = (count, spec.shape[0], *(min(side, MOST_SIDE) for side in spec.shape[1:]))
    if is_number(spec):
        return np.zeros(shape, dtype=dtype)
    if FORMS[spec.form].indices and FORMS[spec.form].joined:  # a table for each column
        return np.stack([random.integers(0, size, count) for size in spec.cardinalities], axis=1).astype(dtype)
    if FORMS[spec.form].indices:
        most = [max(2, size) for size in spec.cardinalities]
        return random.integers(1, most[0] if len(most) == 1 else most, shape).astype(dtype)
    if dtype == "uint8":
        return random.integers(0, 256, shape).astype(dtype)
    return random.normal(size=shape).astype(dtype)


def generated_given(baseline: Baseline, fitted: Fitted, problem: Problem, count: int) -> Given:
    """Generated rows with all that this baseline reads."""
    random = np.random.default_rng(0)
    texts = text_columns(problem.inputs, problem.columns) if baseline.reads_texts else {}
    return Given(
        inputs=problem.inputs,
        arrays=generated_rows(problem.inputs, count),
        texts={name: np.resize(np.array(TEXTS, dtype=object), count) for name in texts},
        numbers={name: random.normal(size=count) for name in baseline.numbers(fitted)},
        history=None if problem.windows is None else _history(problem.windows.state, count, random),
    )


def _history(state: ForecastState, count: int, random: np.random.Generator) -> History:
    """Steps of the first series, by its location and scale; the rows are the last ones."""
    steps = min(MOST_STEPS, 2 * max(state.context, state.season) + state.horizon) + count
    drawn = np.asarray(state.location[0]) + np.asarray(state.scale[0]) * random.normal(size=(steps, len(state.targets)))
    values = np.where(np.asarray(state.log), np.exp(np.where(np.asarray(state.log), drawn, 0.0)), drawn)
    rows = np.arange(steps - count, steps)
    return History(values=values, starts=np.array([0, steps]), rows=rows, series=np.zeros(count, np.int64), state=state)
