"""What an array means by its shape and values: images, series or a table; and what labels beside it are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from netpick.data.sources.array_shapes import channel_side, is_picture, time_side
from netpick.data.sources.pixels import Pixels, own_range, to_bytes, usual_range
from netpick.data.sources.table import FIRST_DAY, LAST_DAY
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Column, Note, TableColumn

IMAGE, SERIES = "image", "series"  # names of the columns that arrays become, and their kinds


@dataclass(frozen=True, kw_only=True)
class ArrayMeaning:
    """What is known of an array before it is looked at: from the user, or from the model that is to answer."""

    said: Mapping[str, str] = field(default_factory=dict)  # by the name that a column would have, its kind
    pixels: Pixels | None = None  # the range of pictures that a model keeps
    channels: int | None = None  # of the series that a model was trained on


UNKNOWN = ArrayMeaning()


def columns_of(x: Array, where: str, known: ArrayMeaning = UNKNOWN) -> tuple[dict[str, Column], list[Note]]:
    """The columns of X.

    (N,) and (N, F): a table x1 ... xF. (N, H, W), (N, H, W, C), (N, C, H, W) of pixels: images. (N, T, C) and (N, C, T) of
    other numbers: series. (N, T, H, W, C): clips. (N,) of arrays: series of several lengths. Series that the user calls so are
    (N, T, C). Raises DataError for other shapes and for cells that are not numbers.
    """
    if x.ndim == 0:
        raise DataError(
            f"{where}: X is a single value, but an array with one entry per row was expected. Check how it was made."
        )
    if x.size == 0:
        raise DataError(f"{where}: X has shape {x.shape} and no values, but rows were expected. Check how it was made.")
    if x.dtype == object and x.ndim == 1 and all(isinstance(row, np.ndarray) for row in x):
        return _of_rows(list(x), where, known)
    if x.ndim <= 2:
        return _table(x.reshape(len(x), -1), where), []
    if x.dtype.kind not in "uifb":
        raise DataError(
            f"{where}: X has {x.dtype} cells in shape {x.shape}, but numbers were expected. Convert it to floats."
        )
    if x.ndim == 3:
        return _of_three_sides(x, where, known)
    if x.ndim == 4 and (side := channel_side(x.shape)) is not None:
        return _image(x.transpose(0, 3, 1, 2) if side == 3 else x, x.shape, where, known.pixels)
    if x.ndim == 5 and (x.shape[4] in (1, 3) or x.shape[2] in (1, 3)):
        return _clip(x, where, known.pixels)
    what = " (volumes, which are not read)" if x.ndim == 4 else ""
    raise DataError(
        f"{where}: X has shape {x.shape}{what}, but rows (N, F), series (N, T, C), images (N, H, W), (N, H, W, C), (N, C, H, W) or "
        "clips (N, T, H, W, C) were expected. Reshape it."
    )


def _of_three_sides(x: Array, where: str, known: ArrayMeaning) -> tuple[dict[str, Column], list[Note]]:
    pixels, said, range_given = usual_range(x), known.said, known.pixels
    forced = said.get(IMAGE) or said.get(SERIES)
    if forced == IMAGE or (forced is None and (range_given is not None or is_picture(x, pixels))):
        name = IMAGE if SERIES not in said else SERIES
        columns, notes = _image(x[:, None], x.shape, where, range_given, name)
        if forced is None and range_given is None and x.dtype not in (np.uint8, np.bool_):
            notes = [
                replace(note, text=f"{note.text} If they are series, say so.", override="--kind image=series")
                for note in notes
            ]
        return columns, notes
    turned = forced is None and time_side(x) == 2
    if known.channels is not None:
        turned = x.shape[2] != known.channels and x.shape[1] == known.channels
    values = _as_float32(x.transpose(0, 2, 1) if turned else x, where)
    _, steps, channels = values.shape
    text = f"X of shape {x.shape} is read as {len(x):,} series of {steps} steps and {channels} channels."
    if turned:
        text += " Its longer side is time; if it is the channels, say so."
    override = (
        "--kind series=series" if turned else "--kind series=image" if pixels is not None and forced is None else None
    )
    name = SERIES if IMAGE not in said else IMAGE
    note = Note(subject="array", text=text, override=override)
    return {name: ArrayColumn(name=name, values=values, kind="series")}, [note]


def _of_rows(rows: list[Array], where: str, known: ArrayMeaning) -> tuple[dict[str, Column], list[Note]]:
    """An array of arrays: stacked where they are of one shape, else series of several lengths."""
    shapes = {row.shape for row in rows}
    if len(shapes) == 1:
        return columns_of(np.stack(rows), where, known)
    sides = {row.ndim for row in rows}
    if sides <= {1} or (sides == {2} and len({row.shape[1] for row in rows}) == 1):
        series = [_as_float32(row.reshape(1, len(row), -1), where)[0] for row in rows]
        lengths = np.array([len(row) for row in series], np.int32)
        if lengths.min() == 0:
            raise DataError(
                f"{where}: row {int(lengths.argmin()) + 1} of X has no step, but series were expected. Leave it out."
            )
        values = np.zeros((len(rows), int(lengths.max()), series[0].shape[1]), np.float32)
        for place, row in enumerate(series):
            values[place, : len(row)] = row
        text = f"X is read as {len(rows):,} series of {lengths.min()} to {lengths.max()} steps and {values.shape[2]} channels."
        column = ArrayColumn(name=SERIES, values=values, kind="series", lengths=lengths)
        return {SERIES: column}, [Note(subject="array", text=text)]
    some = ", ".join(map(str, sorted(shapes)[:3]))
    raise DataError(
        f"{where}: the rows of X are arrays of several shapes ({some}, ...), but one shape, or series (T, C) that differ in T alone, "
        "were expected. Bring them to one shape."
    )


def label_column(y: Array, where: str) -> tuple[dict[str, Column], str, list[Note]]:
    """The columns of y, the target's name (several are divided by commas), and notes.

    Whole numbers and words are "label", other numbers "target"; (N, 1) is flattened, one-hot rows become "label".
    """
    if y.ndim == 0:
        raise DataError(f"{where}: y is a single value, but one label per row was expected. Check how it was made.")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1:
        name = "target" if y.dtype.kind == "f" else "label"
        return {name: TableColumn(name=name, values=cells_of(y, name, where))}, name, []
    if y.ndim != 2:
        raise DataError(
            f"{where}: y has shape {y.shape}, but one label per row was expected: (N,), (N, 1) or (N, K). Reshape it."
        )
    if y.dtype.kind in "uifb" and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        note = Note(
            subject="target",
            text=f"y of shape {y.shape} is one-hot; it is read as class numbers 0 to {y.shape[1] - 1}.",
        )
        return {"label": TableColumn(name="label", values=pl.Series("label", y.argmax(axis=1)))}, "label", [note]
    names = [f"y{number}" for number in range(1, y.shape[1] + 1)]
    columns: dict[str, Column] = {
        name: TableColumn(name=name, values=cells_of(y[:, position], name, where))
        for position, name in enumerate(names)
    }
    return columns, ",".join(names), []


def _table(x: Array, where: str) -> dict[str, Column]:
    names = [f"x{number}" for number in range(1, x.shape[1] + 1)]
    return {name: TableColumn(name=name, values=cells_of(x[:, i], name, where)) for i, name in enumerate(names)}


def cells_of(values: Array, name: str, where: str) -> pl.Series:
    """One column of cells of any type that numpy has. Raises DataError for types that are neither numbers nor text nor times."""
    kind = values.dtype.kind
    if kind == "f":
        return pl.Series(name, np.ascontiguousarray(values, np.float64)).fill_nan(None)
    if kind == "u" or kind == "i":
        beyond = kind == "u" and values.size > 0 and int(values.max()) > np.iinfo(np.int64).max
        return pl.Series(name, np.ascontiguousarray(values, np.uint64 if beyond else np.int64))
    if kind == "b":
        return pl.Series(name, np.ascontiguousarray(values))
    if kind == "m":  # durations, in seconds
        return pl.Series(name, values / np.timedelta64(1, "s")).fill_nan(None)
    if kind == "M":
        days = values.astype("datetime64[D]").astype(np.int64)
        possible = (days >= FIRST_DAY) & (days <= LAST_DAY)
        times = np.where(possible, values, np.datetime64("NaT")).astype("datetime64[us]")
        return pl.Series(name, times)
    if kind in "US":
        return _texts(values.tolist(), name, where)
    if kind == "O":
        cells = [None if _is_missing(cell) else cell for cell in values.tolist()]
        kinds = {type(cell) for cell in cells if cell is not None}
        if kinds <= {str, int, float, bool, np.str_} and len(kinds - {int, float}) + bool(kinds & {int, float}) <= 1:
            return pl.Series(name, cells, strict=False).fill_nan(None) if kinds & {float} else pl.Series(name, cells)
        return _texts(
            [None if cell is None else cell if isinstance(cell, bytes) else str(cell) for cell in cells], name, where
        )
    raise DataError(f"{where}: column {name} has {values.dtype} cells, but numbers or text were expected. Convert it.")


def _is_missing(cell: object) -> bool:
    """None, and what does not equal itself: NaN, NaT, and pandas' NA, which knows no truth."""
    try:
        return cell is None or not bool(cell == cell)
    except (TypeError, ValueError):
        return True


def _texts(cells: list[str | bytes | None], name: str, where: str) -> pl.Series:
    texts: list[str | None] = []
    for row, cell in enumerate(cells, start=1):
        try:
            text = cell.decode() if isinstance(cell, bytes) else cell
            if text is not None and not text.isascii():
                text.encode()  # half a letter cannot be written anywhere
        except UnicodeError:
            raise DataError(
                f"{where}: column {name} (row {row}) holds {cell!r}, which is no UTF-8 text, but text or numbers were expected. "
                "Convert it first."
            ) from None
        texts.append(text)
    return pl.Series(name, texts, dtype=pl.String)


def _as_float32(x: Array, where: str) -> Array:
    """Raises DataError for infinities and for numbers that would become some."""
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(x, np.float32)
    if np.isinf(values).any():
        row, step, channel = (int(place[0]) for place in np.nonzero(np.isinf(values)))
        raise DataError(
            f"{where}: row {row + 1}, step {step + 1}, channel {channel + 1} of X is {x[row, step, channel]}, but numbers must be "
            "finite and smaller than 3e38. Correct it, or put NaN where a value is missing."
        )
    return values


def _image(
    x: Array, shape: tuple[int, ...], where: str, given: Pixels | None, name: str = IMAGE
) -> tuple[dict[str, Column], list[Note]]:
    """x: (N, C, H, W)."""
    pixels, values = _bytes_of(x, where, given, shape)
    values = np.ascontiguousarray(values)
    _, channels, height, width = values.shape
    if min(height, width) < 1:
        raise DataError(f"{where}: X has shape {shape}, but images with pixels were expected. Reshape it.")
    colours = "grey" if channels == 1 else f"{channels} channels"
    text = f"X of shape {shape} is read as {len(x):,} images of {height} x {width} pixels, {colours}.{pixels.words}"
    column = ArrayColumn(name=name, values=values, kind="image", decoding=pixels.decoding)
    return {name: column}, [Note(subject="array", text=text)]


def _clip(x: Array, where: str, given: Pixels | None) -> tuple[dict[str, Column], list[Note]]:
    """x: (N, T, H, W, C) or (N, T, C, H, W)."""
    last = x.shape[4] in (1, 3)
    pixels, values = _bytes_of(x.transpose(0, 1, 4, 2, 3) if last else x, where, given, x.shape)
    _, steps, channels, height, width = values.shape
    colours = "grey" if channels == 1 else "colour"
    text = f"X of shape {x.shape} is read as {len(x):,} clips of {steps} frames of {height} x {width} pixels, {colours}.{pixels.words}"
    column = ArrayColumn(name="clip", values=np.ascontiguousarray(values), kind="clip", decoding=pixels.decoding)
    return {"clip": column}, [Note(subject="array", text=text)]


def _bytes_of(x: Array, where: str, given: Pixels | None, shape: tuple[int, ...]) -> tuple[Pixels, Array]:
    """Values as bytes by the range that is given, where they fit into it, else by their own."""
    own = usual_range(x)
    if given is not None and own is not None and x.dtype != np.uint8 and float(x.max()) > 2 * given.high > 0:
        given = None  # 0..255 where training had 0..1
    pixels = given or own or own_range(x, where, shape)
    return pixels, to_bytes(x, pixels) if x.dtype != np.bool_ else x.astype(np.uint8) * np.uint8(255)
