"""Rows that a model makes up, as a table: of a network or a baseline, all of them or those with given values.

What is drawn is a function of the model, the seed and the values. Given values are met by drawing until enough rows have them, which draws from
the same distribution as conditioning does, and works for every generator alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from netpick.columns.discrete import DiscreteState, decode_discrete, decoded_table, encode_discrete
from netpick.errors import RequestError, near_matches
from netpick.saved.engines import BaselineEngine, TorchEngine
from netpick.types import Array

if TYPE_CHECKING:
    from netpick.saved.use import Model
    from netpick.tasks.generate.state import GenerateState

MOST_ROWS = 10_000_000
MOST_TRIES = 500  # rows that are drawn for one that is wanted, at most
LEAST_DRAWN = 1_000


def makes_rows(model: Model) -> bool:
    """Whether a model makes up rows."""
    return model.parts.task.answer.made_up


def draw_rows(model: Model, count: int, given: Mapping[str, str] | None = None, seed: int = 0) -> pl.DataFrame:
    """So many rows, all with the given values. Raises RequestError for other models, unknown columns, values that were never seen, and
    values that hardly any row has."""
    if not makes_rows(model):
        raise RequestError(
            f"This model was trained to {model.parts.task.answer.purpose(len(model.labels))}, but rows are made up by one that was trained with "
            "--task generate."
        )
    if not 1 <= count <= MOST_ROWS:
        raise RequestError(f"--rows {count:,} cannot be. Pass 1 to {MOST_ROWS:,}.")
    if seed < 0:
        raise RequestError(f"--seed {seed} cannot be. Pass 0 or more.")
    state = model.parts.task_state
    wanted = dict(_given(state, name, str(value)) for name, value in (given or {}).items())
    random = np.random.default_rng([seed, 7])
    codes, places = _rows(model, count, wanted, given or {}, random)
    return decoded_table(codes, places, state.columns)


def _rows(
    model: Model, count: int, wanted: Mapping[int, int], given: Mapping[str, str], random: np.random.Generator
) -> tuple[Array, Array]:
    if not wanted:
        return drawn_rows(model, count, random)
    parts, found, tried, chunk = list[tuple[Array, Array]](), 0, 0, max(LEAST_DRAWN, count)
    while found < count:
        codes, places = drawn_rows(model, chunk, random)
        fits = np.all([codes[:, place] == code for place, code in wanted.items()], axis=0)
        parts.append((codes[fits], places[fits]))
        found, tried = found + int(fits.sum()), tried + chunk
        if tried >= MOST_TRIES * max(count, 20) and found < count:
            said = ", ".join(f"{name}={value}" for name, value in given.items())
            raise RequestError(
                f"Of {tried:,} rows that were drawn, {found:,} have {said}, but {count:,} were asked for. Ask for fewer rows, or for fewer values."
            )
        chunk = int(np.clip((count - found) * tried / max(1, found) * 1.1, LEAST_DRAWN, 100_000))
    codes, places = (np.concatenate([part[side] for part in parts])[:count] for side in range(2))
    return codes, places


def drawn_rows(model: Model, count: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Codes and places (count, K) of so many rows."""
    engine = model.engine
    if isinstance(engine, BaselineEngine | TorchEngine):
        return engine.drawn_rows(count, random)
    raise RequestError(
        "Rows are made up by the model file itself, and this is an exported folder. Pass RUN/model.netpick."
    )


def _given(state: GenerateState, name: str, value: str) -> tuple[int, int]:
    """The column of that name, and the code of the value. Raises RequestError."""
    names = [column.column for column in state.columns]
    if name not in names:
        raise RequestError(f"--given {name}={value}: made-up rows have no column '{name}'.{near_matches(name, names)}")
    place = names.index(name)
    column = state.columns[place]
    if column.values:
        if value not in column.values:
            raise RequestError(
                f"--given {name}={value}: no row that was learned from has this value.{near_matches(value, column.values)}"
            )
        return place, column.values.index(value) + 1
    if column.cells in ("date", "datetime"):
        return place, _code_of_moment(column, name, value)
    try:
        number = float(value)
    except ValueError:
        raise RequestError(f"--given {name}={value}: '{name}' holds numbers. Pass one of them.") from None
    ends = [*column.atoms, *column.knots]
    if not min(ends) <= number <= max(ends) or (not column.knots and number not in column.atoms):
        raise RequestError(
            f"--given {name}={value}: no row that was learned from has this value; '{name}' goes from {min(ends):g} to {max(ends):g}."
        )
    codes, _ = encode_discrete(pl.Series(name, [number]), column)
    return place, int(codes[0])


def _code_of_moment(column: DiscreteState, name: str, value: str) -> int:
    """The code of a date that is written as the column's are, or as 2024-05-31. Raises RequestError."""
    written = pl.Series(name, [value])
    moments = written.str.to_datetime(column.format or "%Y-%m-%d", strict=False)
    if moments.null_count():
        raise RequestError(
            f"--given {name}={value}: '{name}' holds dates. Write one {column.format or 'as 2024-05-31'}."
        )
    codes, _ = encode_discrete(written if column.format else moments, column)
    again = decode_discrete(codes, np.full(1, 0.5), column)
    if (
        not column.bins
        and str(again.cast(pl.String)[0])[:10]
        != str((written if column.format else moments.cast(pl.Date)).cast(pl.String)[0])[:10]
    ):
        raise RequestError(f"--given {name}={value}: no row that was learned from has this date.")
    return int(codes[0])
