"""Ports of the cells of a table: numbers, categories, yes or no, dates, texts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import LARGEST, as_moderate_numbers, as_numbers, as_text, series_of
from netpick.columns.kinds.datetime import plain_moment, to_days
from netpick.columns.kinds.number import NumberScaler
from netpick.columns.kinds.token_readers import PADDING, UNKNOWN, EncodedTexts, Reader, read_texts, reader_of
from netpick.serve.faults import refuse, shown
from netpick.serve.ports.base import Cells, Joined, Port, PortGroup, Tensor, flat_list
from netpick.types import Array, Column, TableColumn

MOST = 1e300  # that a JSON number may be
FAR = 5.0  # standard deviations from the mean of training, where its range is not known
EARLIEST, LATEST = -719_162.0, 2_932_896.0  # days from 1970: the years 1 to 9999
LATE = 3.0  # of dates: a training range of evenly spread dates ends at 1.7
MANY_UNKNOWN = 0.5  # of a text's tokens, and at least three times the training texts' share
MANY_CATEGORIES = 50  # of more, forms offer a text box
NUMBER = {"type": ["number", "null"]}
TEXT = {"type": ["string", "number", "boolean", "null"]}
NUMBERS, WORDS = {int, float}, {str}


class NumberGroup(PortGroup):
    """All numbers of a row as one matrix: a numpy call costs more than 64 numbers do."""

    def __init__(self, ports: Sequence[Port]) -> None:
        super().__init__(ports)
        self._scaler = NumberScaler([port.state for port in ports])
        ranges = [_range(port.state) for port in ports]
        self._lows = np.array([[low] for low, _ in ranges])
        self._highs = np.array([[high] for _, high in ranges])

    def encode(self, joined: Mapping[str, Joined]) -> Sequence[Array]:
        return self._scaler.scale(np.stack([joined[port.name] for port in self.ports]))

    def unlike(self, joined: Mapping[str, Joined]) -> Iterator[tuple[int, str]]:
        numbers = np.stack([joined[port.name] for port in self.ports])
        outside = (numbers < self._lows) | (numbers > self._highs)  # NaN is in no range and out of none
        for column, row in np.argwhere(outside).tolist():
            port = self.ports[column]
            low, high = _range(port.state)
            bounds = f"{_short(low)} to {_short(high)}"
            known = port.state.scaling == "quantile"
            where = f"all training rows lie in {bounds}" if known else f"training rows hardly leave {bounds}"
            yield row, f"{port.name} is {_short(float(numbers[column, row]))}, but {where}."


class NumberPort(Port):
    """A quantity: a JSON number, or null where it is not known."""

    group = NumberGroup

    def schema(self) -> dict[str, Any]:
        return dict(NUMBER)

    def describe(self) -> dict[str, Any]:
        low, high = _range(self.state)
        return {"low": low, "high": high, "range_known": self.state.scaling == "quantile"}

    def example(self) -> Any:
        quantiles = self.state.quantiles
        return _tidy(quantiles[len(quantiles) // 2] if quantiles else self.state.mean, self.state.std)

    def read(self, cells: Sequence[Any]) -> Cells:
        if set(map(type, cells)) <= NUMBERS and -MOST < min(cells) <= max(cells) < MOST:
            return list(cells)  # what nearly all requests hold
        for row, cell in enumerate(cells):
            kind = type(cell)
            if ((kind is float or kind is int) and -MOST < cell < MOST) or cell is None:
                continue
            hint = " Send it without quotes." if kind is str and _is_number(cell) else ""
            refuse(
                "invalid_value",
                f"Field '{self.name}' (row {row}) holds {shown(cell)}, but a number was expected, or null where it is not "
                f"known.{hint}",
                field=self.name,
                row=row,
            )
        return list(cells)

    def join(self, parts: Sequence[Cells]) -> Joined:
        arrays = [np.array(part, dtype=np.float64) for part in parts] if _any_array(parts) else None
        numbers = (
            np.array(flat_list(parts), dtype=np.float64) if arrays is None else np.concatenate(arrays)
        )  # None: NaN
        return np.clip(numbers, -LARGEST, LARGEST)

    def of_column(self, column: Column) -> Joined:
        return as_moderate_numbers(_series(column)).to_numpy()

    def column(self, joined: Joined) -> Column:
        return TableColumn(name=self.name, values=pl.Series(self.name, joined).fill_nan(None))

    def tensor(self) -> Tensor:
        return Tensor(datatype="FP64", shape=(-1,))

    def from_tensor(self, values: Array) -> Cells:
        if values.dtype.kind not in "fiub":
            refuse(
                "invalid_value",
                f"Input '{self.name}' holds {values.dtype} values, but numbers (FP64) were expected.",
            )
        flat = _flat(values, self.name).astype(np.float64)
        return np.where(np.isfinite(flat), flat, np.nan)  # NaN is how tensors say missing


class _TextPort(Port):
    """Cells that are text in the end: numbers and booleans are written as a CSV would hold them."""

    def schema(self) -> dict[str, Any]:
        return dict(TEXT)

    def read(self, cells: Sequence[Any]) -> Cells:
        if set(map(type, cells)) == WORDS and max(map(len, cells)) <= self.limits.text:
            return list(cells)  # what nearly all requests hold
        made: list[Any] = []
        for row, cell in enumerate(cells):
            if type(cell) is str:
                if len(cell) > self.limits.text:
                    refuse(
                        "too_long",
                        f"Field '{self.name}' (row {row}) holds {len(cell):,} characters, but at most {self.limits.text:,} are "
                        "read. Send its beginning.",
                        field=self.name,
                        row=row,
                    )
                made.append(cell)
            elif cell is None:
                made.append(None)
            else:
                made.append(_written(cell, self.name, row))
        return made

    def join(self, parts: Sequence[Cells]) -> Joined:
        return flat_list(parts)

    def of_column(self, column: Column) -> Joined:
        return as_text(_series(column)).to_list()

    def column(self, joined: Joined) -> Column:
        return TableColumn(name=self.name, values=pl.Series(self.name, joined, dtype=pl.String))

    def tensor(self) -> Tensor:
        return Tensor(datatype="BYTES", shape=(-1,))

    def from_tensor(self, values: Array) -> Cells:
        flat = _flat(values, self.name)
        if flat.dtype.kind != "O":
            return self.read(flat.tolist())
        texts: list[Any] = []
        for row, cell in enumerate(flat.tolist()):
            try:
                texts.append(cell.decode("utf-8") if isinstance(cell, bytes) else cell)
            except UnicodeDecodeError:
                refuse(
                    "invalid_value",
                    f"Input '{self.name}' (row {row}) is not UTF-8, but text was expected. Encode it as UTF-8.",
                    field=self.name,
                    row=row,
                )
        return self.read(texts)


class CellPort(_TextPort):
    """A cell of any kind, as a file would hold it."""

    def describe(self) -> dict[str, Any]:
        return {}


class CategoryPort(_TextPort):
    """One of a few values; others are answered too, and said to be new."""

    def describe(self) -> dict[str, Any]:
        values = self.state.values
        return {"values": list(values[:1000]), "many": len(values) > MANY_CATEGORIES}

    def example(self) -> Any:
        return next(iter(self.state.values), None)

    @cached_property
    def codes(self) -> dict[str | None, int]:
        """The code of every value; unseen ones have none, and are encoded like missing ones, as 0."""
        return {**{value: code for code, value in enumerate(self.state.values, start=1)}, None: 0}

    def encode(self, joined: Joined) -> Array:
        codes = self.codes
        return np.array([codes.get(cell, 0) for cell in joined], dtype=np.int32).reshape(-1, 1)

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        new = set(joined) - self.codes.keys()
        if new:
            for row, cell in enumerate(joined):
                if cell in new:
                    yield row, f"{self.name} is {shown(cell)}, which no training row is."


class BooleanPort(_TextPort):
    """Yes or no."""

    def describe(self) -> dict[str, Any]:
        return {"values": [self.state.no, self.state.yes], "many": False}

    def example(self) -> Any:
        return self.state.no

    @cached_property
    def codes(self) -> dict[str, int]:
        return {self.state.no: 1, self.state.yes: 2}

    def encode(self, joined: Joined) -> Array:
        codes = self.codes
        cells = [0 if cell is None else codes.get(cell) or codes.get(cell.strip().lower(), 0) for cell in joined]
        return np.array(cells, dtype=np.int32).reshape(-1, 1)

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        known = self.codes
        for row, cell in enumerate(joined):
            if cell is not None and cell not in known and cell.strip().lower() not in known:
                yield row, f"{self.name} is {shown(cell)}, but the training rows know {' and '.join(known)} alone."


class DatetimePort(_TextPort):
    """A point in time, written as in the training data."""

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"], "description": f"Written like {self.example()}."}

    def describe(self) -> dict[str, Any]:
        return {"written": self.example()}

    def example(self) -> Any:
        moment = datetime(1970, 1, 1) + timedelta(days=min(max(self.state.mean, -700_000.0), 2_900_000.0))
        moment = moment.replace(microsecond=0)
        text_format = self.state.format
        return moment.strftime(text_format.replace("%.f", "")) if text_format else moment.isoformat(sep=" ")

    def knows(self, cell: str) -> bool:
        """Whether a cell is written exactly as in training, in a plain format."""
        return plain_moment(cell, self.state.format) is not None

    def read(self, cells: Sequence[Any]) -> Cells:
        made = super().read(cells)
        assert isinstance(made, list)
        if not self.state.format:
            return [self._moment(cell, row) for row, cell in enumerate(made)]
        moments = [None if cell is None else plain_moment(cell, self.state.format) for cell in made]
        rest = [row for row, cell in enumerate(made) if moments[row] is None and cell is not None and cell.strip()]
        if rest:
            days = to_days(pl.Series(self.name, [made[row] for row in rest], dtype=pl.String), self.state.format)
            for row, day in zip(rest, days.tolist(), strict=True):
                if not EARLIEST <= day <= LATEST:
                    self._refuse(made[row], row)
                moments[row] = datetime(1970, 1, 1) + timedelta(days=day)
        return moments

    def join(self, parts: Sequence[Cells]) -> Joined:
        return pl.Series(self.name, flat_list(parts), dtype=pl.Datetime("us"))

    def of_column(self, column: Column) -> Joined:
        return _series(column)

    def column(self, joined: Joined) -> Column:
        return TableColumn(name=self.name, values=joined)

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        days = to_days(joined, self.state.format)
        far = np.abs(days - self.state.mean) > LATE * self.state.std
        for row in np.flatnonzero(far).tolist():
            side = "later" if days[row] > self.state.mean else "earlier"
            yield row, f"{self.name} is {shown(self.worded(joined[row]))}, far {side} than the training rows."

    def worded(self, cell: Any) -> str:
        """As it is written in training."""
        text_format = self.state.format
        return cell.strftime(text_format.replace("%.f", "")) if text_format and type(cell) is datetime else str(cell)

    def _moment(self, cell: str | None, row: int) -> datetime | None:
        if cell is None or not cell.strip():
            return None
        try:
            moment = datetime.fromisoformat(cell.strip())
        except ValueError:
            self._refuse(cell, row)
        return (moment - moment.utcoffset() if moment.utcoffset() is not None else moment).replace(tzinfo=None)  # type: ignore[operator]

    def _refuse(self, cell: str, row: int) -> NoReturn:
        refuse(
            "invalid_value",
            f"Field '{self.name}' (row {row}) holds {shown(cell)}, but a date written like {self.example()} was "
            "expected, or null where it is not known.",
            field=self.name,
            row=row,
        )


class SentencePort(_TextPort):
    """A text whose words have a tag each."""

    def describe(self) -> dict[str, Any]:
        return {"length": self.limits.text, "reading": "characters"}


class JoinedTexts:
    """Texts of several requests, cut into tokens once: for the network, and for what is said of unusual ones."""

    def __init__(self, cells: pl.Series, port: TextPort) -> None:
        self.cells, self._port = cells, port

    @cached_property
    def encoded(self) -> EncodedTexts:
        state = self._port.state
        return read_texts(self.cells, self._port.reader, state.length, ends=state.ends)


class TextPort(_TextPort):
    """Something written."""

    @cached_property
    def reader(self) -> Reader:
        return reader_of(self.state.vocabulary)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"], "maxLength": self.limits.text}

    def describe(self) -> dict[str, Any]:
        return {"length": self.state.length, "reading": self.state.vocabulary.reading}

    def read(self, cells: Sequence[Any]) -> Cells:
        for row, cell in enumerate(cells):
            if cell is not None and type(cell) is not str:
                refuse(
                    "invalid_value",
                    f"Field '{self.name}' (row {row}) holds {shown(cell)}, but text was expected. Send it in quotes.",
                    field=self.name,
                    row=row,
                )
        return super().read(cells)

    def join(self, parts: Sequence[Cells]) -> Joined:
        return JoinedTexts(pl.Series(self.name, flat_list(parts), dtype=pl.String), self)

    def of_column(self, column: Column) -> Joined:
        return JoinedTexts(as_text(_series(column)), self)

    def column(self, joined: Joined) -> Column:
        return TableColumn(name=self.name, values=joined.cells)

    def encode(self, joined: Joined) -> Array:
        numbers: Array = joined.encoded.numbers
        return numbers

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        (numbers, longer), state, name = joined.encoded, self.state, self.name
        counts, unknown = (numbers > PADDING).sum(axis=1), (numbers == UNKNOWN).sum(axis=1)
        strange = unknown > max(MANY_UNKNOWN, 3 * state.share_unknown) * counts
        blank = np.array([cell is None or not cell or cell.isspace() for cell in joined.cells.to_list()], dtype=bool)
        noun = "characters" if state.vocabulary.reading == "characters" else "words"
        for row in np.flatnonzero(blank | strange | longer).tolist():
            if blank[row]:
                yield row, f"{name} is empty; there is nothing to read in it."
            elif strange[row]:
                yield row, f"{unknown[row] / counts[row]:.0%} of the {noun} of {name} are in no training text."
            if longer[row]:
                which = f"first and last {state.length // 2:,}" if state.ends else f"first {state.length:,}"
                yield row, f"{name} is longer than the network reads: only its {which} tokens count."


def _any_array(parts: Sequence[Cells]) -> bool:
    return any(isinstance(part, np.ndarray) for part in parts)


def _series(column: Column) -> pl.Series:
    series = series_of(column)
    assert series is not None, "a column of cells"
    return series


def _flat(values: Array, name: str) -> Array:
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        refuse(
            "invalid_value",
            f"Input '{name}' has shape {list(values.shape)}, but one value a row was expected: [rows] or [rows, 1].",
            field=name,
        )
    return values


def _written(cell: object, name: str, row: int) -> str:
    if isinstance(cell, (bool, int, float)):
        if isinstance(cell, float) and not math.isfinite(cell):
            refuse("invalid_value", f"Field '{name}' (row {row}) is not a finite number.", field=name, row=row)
        if isinstance(cell, int) and not isinstance(cell, bool):
            return str(cell)
        return str(as_text(pl.Series([cell]))[0])
    refuse(
        "invalid_value",
        f"Field '{name}' (row {row}) holds {shown(cell)}, but one value was expected: a text, a number or null.",
        field=name,
        row=row,
    )


def _range(state: Any) -> tuple[float, float]:
    if state.scaling == "quantile":
        return state.quantiles[0], state.quantiles[-1]
    return state.mean - FAR * state.std, state.mean + FAR * state.std


def _tidy(value: float, scale: float) -> float | int:
    """A number with as many digits as its scale deserves."""
    digits = max(0, 2 - math.floor(math.log10(max(scale, 1e-12))))
    rounded = round(value, min(digits, 12))
    return int(rounded) if rounded == int(rounded) else rounded


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def _is_number(text: str) -> bool:
    return as_numbers(pl.Series([text])).null_count() == 0
