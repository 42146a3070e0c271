"""Pictures in tables: all pixels in one cell ("70 80 82 ..."), or a column a pixel (pixel0 ... pixel783)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from netpick.data.sources.pixels import BYTES
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Column, Note, Source, TableColumn

FEWEST_PIXELS = 49  # 7 x 7
MOST_PIXELS = 1 << 22
FIRST = 20  # cells that are looked at before all of them
ROWS_AT_ONCE = 2_000
MARKS = r"[\s,;]+"  # between pixels
AROUND = "[]() \t\n\r,;"
OF_PIXELS = rf"^[\[(\s]*\d{{1,3}}(?:{MARKS}\d{{1,3}}){{{FEWEST_PIXELS - 1},}}[\])\s,;]*$"
PIXEL_NAME = re.compile(r"(?i)(?:pixels?|pix|px)[ _.-]?(\d+)(?:[ _x.-](\d+))?|(\d{1,3})x(\d{1,3})")
IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Of a picture whose pixels stand one behind the other."""

    channels: int
    height: int
    width: int

    @property
    def words(self) -> str:
        return f"pictures of {self.height} x {self.width} pixels, {'grey' if self.channels == 1 else 'colour'}"


def sides_of(count: int) -> Sides | None:
    """A square of grey or coloured pixels; None for any other number of values."""
    for channels in (1, 3):
        side = round((count / channels) ** 0.5)
        if side * side * channels == count and side * side >= FEWEST_PIXELS:
            return Sides(channels=channels, height=side, width=side)
    return None


def with_pictures(source: Source, *, others: Collection[str]) -> Source:
    """The source with pictures in the place of texts and columns of pixels; others: columns that are something else."""
    for name, column in source.columns.items():
        if isinstance(column, TableColumn) and column.values.dtype == pl.String and name not in others:
            source = _with_cells(source, name, column.values)
    run = _pixel_columns(source.columns)
    if run and not set(run) & set(others):
        source = _with_columns(source, run)
    return source


# --- all pixels in one cell ------------------------------------------------------------------------------------------


def _with_cells(source: Source, name: str, cells: pl.Series) -> Source:
    first = cells.head(FIRST).drop_nulls()
    if not len(first) or not first.str.contains(OF_PIXELS).all():
        return source
    counts = cells.str.count_matches(r"\d+")
    usual = int(first.str.count_matches(r"\d+").mode().sort()[0])
    sides = sides_of(usual)
    if sides is None or usual > MOST_PIXELS or not _all_bytes(first):
        return source
    odd = (~cells.str.contains(OF_PIXELS) | (counts != usual)).fill_null(True)
    if odd.any():
        row = int(odd.arg_max() or 0)
        found = "nothing" if cells[row] is None else f"{counts[row]:,} numbers"
        raise DataError(
            f"Column '{name}' (row {row + 1}) of {source.origin} holds {found}, but {usual:,} pixels a cell were expected "
            f"({sides.words}). Correct the row, or pass --kind {name}=text to read the cells as text."
        )
    values = np.concatenate(
        [_parsed(cells.slice(at, ROWS_AT_ONCE), name, at) for at in range(0, len(cells), ROWS_AT_ONCE)]
    )
    text = f"Each cell of '{name}' holds {usual:,} numbers from 0 to 255, read as {sides.words}."
    note = Note(subject="pictures", text=text, override=f"--kind {name}=text")
    columns = {**source.columns, name: _picture_column(name, values, sides)}
    return replace(source, columns=columns, notes=[*source.notes, note])


def picture_in(cell: str, shape: tuple[int, int, int]) -> Array | None:
    """(1, C, H, W) of a text of pixels, as in training; None for any other text."""
    sides = Sides(channels=shape[0], height=shape[1], width=shape[2])
    cells = pl.Series("cell", [cell])
    if not cells.str.contains(OF_PIXELS)[0] or cells.str.count_matches(r"\d+")[0] != shape[0] * shape[1] * shape[2]:
        return None
    return _picture_column("cell", _parsed(cells, "cell", 0), sides).values if _all_bytes(cells) else None


def _all_bytes(cells: pl.Series) -> bool:
    return bool((cells.str.extract_all(r"\d+").explode().cast(pl.Int64) < 256).all())


def _parsed(cells: pl.Series, name: str, before: int) -> Array:
    """(N, pixels) of cells that hold as many numbers each."""
    plain = cells.str.strip_chars(AROUND).str.replace_all(MARKS, " ")
    values = np.fromstring(" ".join(plain.to_list()), dtype=np.int32, sep=" ").reshape(len(cells), -1)
    if int(values.max()) > 255:
        row = int(values.max(axis=1).argmax())
        raise DataError(
            f"Column '{name}' (row {before + row + 1}) holds {int(values[row].max())}, but pixels from 0 to 255 were expected. Rescale "
            f"them, or pass --kind {name}=text to read the cells as text."
        )
    return values.astype(np.uint8)


# --- a column a pixel ------------------------------------------------------------------------------------------------


def _pixel_columns(columns: Mapping[str, Column]) -> list[str]:
    """Columns that are called after the pixels of a picture, in a row, and hold bytes; [] where they make up no square."""
    names = [name for name in columns if PIXEL_NAME.fullmatch(name)]
    if len(names) < FEWEST_PIXELS or sides_of(len(names)) is None:
        return []
    places = [next(place for place, name in enumerate(columns) if name == end) for end in (names[0], names[-1])]
    if places[1] - places[0] + 1 != len(names) or names != sorted(names, key=_numbers):
        return []
    return names if all(_holds_bytes(columns[name]) for name in names) else []


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", name)))


def _holds_bytes(column: Column) -> bool:
    if not isinstance(column, TableColumn) or column.values.null_count() or not column.values.dtype.is_integer():
        return False
    return bool(column.values.is_between(0, 255).all())


def _with_columns(source: Source, run: Sequence[str]) -> Source:
    sides = sides_of(len(run))
    name = IMAGE if IMAGE not in source.columns else "picture"
    if sides is None or name in source.columns:
        return source
    values = np.empty((source.num_rows, len(run)), np.uint8)
    for place, one in enumerate(run):
        column = source.columns[one]
        assert isinstance(column, TableColumn)
        values[:, place] = column.values.cast(pl.UInt8).to_numpy()
    columns: dict[str, Column] = {}
    for one, column in source.columns.items():
        if one == run[0]:
            columns[name] = _picture_column(name, values, sides)
        elif one not in run:
            columns[one] = column
    text = f"The {len(run):,} columns '{run[0]}' to '{run[-1]}' hold pixels and are read as {sides.words}, in column '{name}'."
    note = Note(subject="pictures", text=text, override=f"--kind {run[0]}=number")
    return replace(source, columns=columns, notes=[*source.notes, note])


def _picture_column(name: str, flat: Array, sides: Sides) -> ArrayColumn:
    """Pixels as (N, C, H, W). Colours stand side by side or one plane behind the other: as neighbours differ less."""
    values = flat.reshape(len(flat), sides.channels, sides.height, sides.width)
    if sides.channels > 1:
        mixed = flat.reshape(len(flat), sides.height, sides.width, sides.channels).transpose(0, 3, 1, 2)
        if _roughness(mixed) < _roughness(values):
            values = np.ascontiguousarray(mixed)
    return ArrayColumn(name=name, values=values, kind="image", decoding=BYTES.decoding)


def _roughness(values: Array) -> float:
    """How much neighbouring pixels of some pictures differ."""
    some = values[:: max(1, len(values) // FIRST)].astype(np.int16)
    return float(np.abs(np.diff(some, axis=3)).mean() + np.abs(np.diff(some, axis=2)).mean())
