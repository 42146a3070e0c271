"""Cells of a table as whole numbers, and back: the inverse of encoding, for rows that are made up.

Every column becomes a code: 0 where a cell is missing, then one for each of its values, or, of a number with many different ones, for each that
comes often and for bins of equal counts between them. A number in a bin has a place in it, 0 to 1 by rank, so that a cell is a code and a place,
and `decode(encode(cell))` is the cell. What is made up of a code alone lies at a random place of its bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.cells import as_moderate_numbers, as_text
from netpick.columns.kinds.datetime import FORMATS, format_of, to_days
from netpick.types import STRICT, Array, Rows

MOST_VALUES = 1_000  # of a category, each with a code of its own
MOST_ATOMS = 256  # different numbers that have codes of their own where a column has no more
ROWS_AN_ATOM = 5  # that come of each of them on average, or they are binned, so that no single cell is kept
ATOM_SHARE = 0.01  # of the rows, from which on a number has a code of its own among others
BINS, KNOTS = 100, 10  # bins of the other numbers, and steps of their distribution inside each
MOST_DECIMALS = 12
DAY = 86_400.0

Cells = Literal["text", "integer", "number", "boolean", "date", "datetime"]


@dataclass(config=STRICT, kw_only=True)
class DiscreteState:
    """How the cells of one column become codes, as learned from training rows."""

    column: str
    cells: Cells  # what they were
    ordered: bool  # whether a larger code is a larger value
    values: tuple[str, ...] = PydanticField(default=(), max_length=MOST_VALUES)  # texts, in the order of their codes
    atoms: tuple[float, ...] = PydanticField(default=(), max_length=MOST_VALUES)  # numbers with codes of their own
    knots: tuple[float, ...] = PydanticField(default=(), max_length=BINS * KNOTS + 1)  # quantiles of the others
    decimals: int = PydanticField(default=-1, ge=-1, le=MOST_DECIMALS)  # -1: as they come
    format: str = ""  # of dates that are text
    missing: bool = False  # whether training rows miss some

    def __post_init__(self) -> None:
        if self.values and (self.atoms or self.knots):
            raise ValueError("texts or numbers, and not both")
        if len(set(self.values)) != len(self.values) or list(self.atoms) != sorted(set(self.atoms)):
            raise ValueError("values that differ from each other")
        if list(self.knots) != sorted(self.knots) or (self.knots and (len(self.knots) - 1) % KNOTS):
            raise ValueError("quantiles in their order")
        if self.format not in ("", *FORMATS):
            raise ValueError("a date format that is known")

    @property
    def bins(self) -> int:
        return (len(self.knots) - 1) // KNOTS if self.knots else 0

    @property
    def cardinality(self) -> int:
        """How many codes there are, that of a missing cell included."""
        return 1 + len(self.values) + len(self.atoms) + self.bins

    @property
    def order(self) -> Array:
        """Which of the numbers with codes of their own, and then of the bins, has code 1, 2, ...: a larger code is a larger number."""
        middles = [*self.atoms, *(self.knots[KNOTS * b + KNOTS // 2] for b in range(self.bins))]
        return np.argsort(np.array(middles), kind="stable")

    @property
    def positions(self) -> Array:
        """(cardinality,) where each code lies among the others, -1 to 1; 0 where they have no order."""
        if not self.ordered or self.cardinality < 3:
            return np.zeros(self.cardinality)
        return np.concatenate([[0.0], np.linspace(-1, 1, self.cardinality - 1)])

    @property
    def binned(self) -> Array:
        """(cardinality,) which codes are bins."""
        inside = np.zeros(self.cardinality, dtype=bool)
        if self.bins:
            inside[1:] = self.order >= len(self.atoms)
        return inside


def fit_discrete(series: pl.Series, kind: str, rows: Rows) -> DiscreteState | None:
    """What training rows say of a column of that kind; None for one of too many values, or of a kind that nothing is made up of."""
    seen = series.gather(pl.Series(rows))
    missing = seen.null_count() > 0
    if kind in ("category", "boolean"):
        texts = as_text(seen)
        values = texts.drop_nulls().unique().sort().to_list()
        if not values or len(values) > MOST_VALUES:
            return None
        cells = _cells_of(series)
        ordered = isinstance(series.dtype, pl.Enum)
        if isinstance(series.dtype, pl.Enum):
            values = [one for one in series.dtype.categories.to_list() if one in set(values)]
        elif cells in ("integer", "number"):
            values.sort(key=float)
            ordered = True
        return DiscreteState(column=series.name, cells=cells, ordered=ordered, values=tuple(values), missing=missing)
    if kind not in ("number", "datetime"):
        return None
    text_format = (format_of(series) or "") if kind == "datetime" and series.dtype == pl.String else ""
    numbers = _numbers(seen, kind, text_format)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return None
    if kind == "datetime":
        whole_days = bool((known % DAY == 0).all())
        written: Cells = "date" if whole_days and (series.dtype == pl.Date or "%H" not in text_format) else "datetime"
        decimals = 0 if bool((known == known.round()).all()) else 6
    else:
        decimals = decimals_of(known)
        written = "integer" if series.dtype.is_integer() or (decimals == 0 and series.dtype == pl.String) else "number"
    atoms, knots = _cut(known)
    return DiscreteState(
        column=series.name,
        cells=written,
        ordered=True,
        atoms=tuple(atoms.tolist()),
        knots=tuple(knots.tolist()),
        decimals=decimals,
        format=text_format,
        missing=bool(np.isnan(numbers).any()),
    )


def decimals_of(numbers: Array) -> int:
    """Decimals that these numbers are written with, 0 for whole ones; -1 where they have more than are told apart."""
    for decimals in range(MOST_DECIMALS + 1):
        rounded = np.round(numbers, decimals)
        if bool((rounded == numbers).all()):
            return decimals
    return -1


def encode_discrete(series: pl.Series, state: DiscreteState) -> tuple[Array, Array]:
    """Codes (n,) int32 and places (n,) float64 in 0..1. Values that training rows had not are missing; numbers beyond theirs lie at the ends."""
    if state.values:
        found = as_text(series).cast(pl.Enum(list(state.values)), strict=False).to_physical()
        return (found.cast(pl.Int32).fill_null(-1).to_numpy() + 1).astype(np.int32), np.zeros(len(series))
    kind = "datetime" if state.cells in ("date", "datetime") else "number"
    numbers = _numbers(series, kind, state.format)
    codes, places = np.zeros(len(numbers), dtype=np.int32), np.zeros(len(numbers))
    known = ~np.isnan(numbers)
    atoms = np.array(state.atoms)
    if len(atoms):
        nearest = np.clip(np.searchsorted(atoms, numbers), 0, len(atoms) - 1)
        equal = known & (atoms[nearest] == numbers)
        codes[equal] = 1 + nearest[equal]
    else:
        equal = np.zeros(len(numbers), dtype=bool)
    rest = known & ~equal
    if state.bins:
        knots = np.array(state.knots)
        ranks = np.interp(numbers[rest], *_strict(knots))
        bins = np.clip(ranks.astype(np.int64) // KNOTS, 0, state.bins - 1)
        codes[rest] = 1 + len(atoms) + bins
        places[rest] = np.clip(ranks / KNOTS - bins, 0.0, 1.0)
    elif len(atoms):  # of the numbers that training rows had, the nearest
        upper = np.clip(np.searchsorted(atoms, numbers[rest]), 1, max(1, len(atoms) - 1))
        lower = np.clip(upper - 1, 0, len(atoms) - 1)
        upper = np.clip(upper, 0, len(atoms) - 1)
        nearer = np.abs(atoms[upper] - numbers[rest]) < np.abs(atoms[lower] - numbers[rest])
        codes[rest] = 1 + np.where(nearer, upper, lower)
    codes[codes > 0] = 1 + np.argsort(state.order)[codes[codes > 0] - 1]
    return codes, places


def numbers_of_codes(codes: Array, places: Array, state: DiscreteState) -> Array:
    """(n,) the values of a column of numbers or times (NaN where missing), or the codes of one of texts."""
    if state.values:
        return np.where(codes > 0, codes.astype(np.float64), np.nan)
    atoms, numbers = np.array(state.atoms), np.full(len(codes), np.nan)
    codes = np.concatenate([[0], 1 + state.order])[codes]
    exact = (codes > 0) & (codes <= len(atoms))
    numbers[exact] = atoms[codes[exact] - 1]
    inside = codes > len(atoms)
    if state.bins and inside.any():
        ranks = (codes[inside] - 1 - len(atoms) + np.clip(places[inside], 0.0, 1.0)) * KNOTS
        knots = np.array(state.knots)
        between = np.interp(ranks, np.arange(len(knots)), knots)
        if state.decimals >= 0:
            between = np.round(between, state.decimals)
        numbers[inside] = np.clip(between, knots[0], knots[-1])
    return numbers


def decode_discrete(codes: Array, places: Array, state: DiscreteState) -> pl.Series:
    """The cells that codes (n,) and places (n,) stand for: the inverse of `encode_discrete`."""
    name = state.column
    if state.values:
        words = np.array([None, *state.values], dtype=object)[codes]
        return _typed(pl.Series(name, words.tolist(), dtype=pl.String), state.cells)
    numbers = numbers_of_codes(codes, places, state)
    if state.cells in ("date", "datetime"):
        return _moments(name, numbers, state)
    series = pl.Series(name, numbers).fill_nan(None)
    return series.cast(pl.Int64) if state.cells == "integer" else series


def _numbers(series: pl.Series, kind: str, text_format: str) -> Array:
    """(n,) float64, times in seconds since 1970; NaN where missing."""
    if kind == "datetime":
        return np.round(to_days(series, text_format) * DAY, 6)
    return np.asarray(as_moderate_numbers(series).to_numpy(), dtype=np.float64)


def _cut(known: Array) -> tuple[Array, Array]:
    """The numbers with codes of their own, and the quantiles of the others."""
    values, counts = np.unique(known, return_counts=True)
    few = len(values) <= min(MOST_ATOMS, max(2, len(known) // ROWS_AN_ATOM))
    if few and (counts > 1).mean() >= 0.5:
        return values, np.zeros(0)
    often = counts >= max(2, ATOM_SHARE * len(known))
    rest = known[~np.isin(known, values[often])]
    if len(np.unique(rest)) < 2:
        return values[:MOST_VALUES], np.zeros(0)
    bins = int(np.clip(len(rest) // 20, 1, BINS))
    return values[often], np.quantile(rest, np.linspace(0, 1, bins * KNOTS + 1), method="linear")


def _strict(knots: Array) -> tuple[Array, Array]:
    """Knots that differ, with the mean rank of each: what equal ones share."""
    values, first, counts = np.unique(knots, return_index=True, return_counts=True)
    return values, first + (counts - 1) / 2


def _cells_of(series: pl.Series) -> Cells:
    if series.dtype.is_integer():
        return "integer"
    if series.dtype == pl.Boolean:
        return "boolean"
    return "number" if series.dtype.is_float() else "text"


def _typed(words: pl.Series, cells: Cells) -> pl.Series:
    if cells == "integer":
        return words.cast(pl.Float64, strict=False).cast(pl.Int64)
    if cells == "number":
        return words.cast(pl.Float64, strict=False)
    if cells == "boolean":
        return words.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return words


def _moments(name: str, seconds: Array, state: DiscreteState) -> pl.Series:
    if state.cells == "date":
        seconds = np.round(seconds / DAY) * DAY
    start = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    moments = [None if np.isnan(one) else start + timedelta(seconds=float(one)) for one in seconds.tolist()]
    series = pl.Series(name, moments, dtype=pl.Datetime("us"))
    if state.format:
        return series.dt.to_string(state.format)
    return series.cast(pl.Date) if state.cells == "date" else series


def decoded_table(codes: Array, places: Array, states: Sequence[DiscreteState]) -> pl.DataFrame:
    """Rows (n, K) of codes and places as a table."""
    return pl.DataFrame([decode_discrete(codes[:, k], places[:, k], state) for k, state in enumerate(states)])
