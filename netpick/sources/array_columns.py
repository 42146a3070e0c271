"""What an array means by its shape and values: images, series or a table; and what labels beside it are."""

from __future__ import annotations

import numpy as np
import polars as pl

from netpick.errors import DataError
from netpick.sources.table import FIRST_DAY, LAST_DAY
from netpick.types import Array, ArrayColumn, Column, Note, TableColumn

SMALLEST_IMAGE = 4  # pixels a side
CHANNELS = (1, 3, 4)


def columns_of(x: Array, where: str) -> tuple[dict[str, Column], list[Note]]:
    """The columns of X.

    (N,) and (N, F): a table x1 ... xF. (N, H, W), (N, H, W, C), (N, C, H, W) of bytes, or of numbers in 0..1, -1..1 or whole
    0..255: images. (N, T, C) of other numbers: series. Raises DataError for other shapes and for cells that are not numbers.
    """
    if x.ndim == 0:
        raise DataError(
            f"{where}: X is a single value, but an array with one entry per row was expected. Check how it was made."
        )
    if x.size == 0:
        raise DataError(f"{where}: X has shape {x.shape} and no values, but rows were expected. Check how it was made.")
    if x.ndim <= 2:
        return _table(x.reshape(len(x), -1), where), []
    if x.dtype.kind not in "uifb":
        raise DataError(
            f"{where}: X has {x.dtype} cells in shape {x.shape}, but numbers were expected. Convert it to floats."
        )
    if x.ndim == 3:
        pixels = _as_pixels(x) if _is_square_enough(x) else None
        if pixels is not None:
            return _image(pixels[0][:, None], pixels[1], x, where)
        values = _as_float32(x, where)
        text = f"X of shape {x.shape} is read as {len(x):,} series of {x.shape[1]} steps and {x.shape[2]} channels."
        return {"series": ArrayColumn(name="series", values=values, kind="series")}, [Note(subject="array", text=text)]
    if x.ndim == 4 and (x.shape[3] in CHANNELS or x.shape[1] in CHANNELS):
        pixels = _as_pixels(x)
        if pixels is not None:
            last = x.shape[3] in CHANNELS
            return _image(pixels[0].transpose(0, 3, 1, 2) if last else pixels[0], pixels[1], x, where)
        known = x[~np.isnan(x)] if x.dtype.kind == "f" else x
        reach = f"values from {known.min():.6g} to {known.max():.6g}" if known.size else "no values but NaN"
        raise DataError(
            f"{where}: X of shape {x.shape} has {reach}, but pixels in 0..255, 0..1 or -1..1 were expected. Rescale it."
        )
    raise DataError(
        f"{where}: X has shape {x.shape}, but rows (N, F), series (N, T, C) or images (N, H, W), (N, H, W, C), (N, C, H, W) "
        "were expected. Reshape it."
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
        return {name: TableColumn(name=name, values=_cells(y, name, where))}, name, []
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
        name: TableColumn(name=name, values=_cells(y[:, position], name, where)) for position, name in enumerate(names)
    }
    return columns, ",".join(names), []


def _table(x: Array, where: str) -> dict[str, Column]:
    names = [f"x{number}" for number in range(1, x.shape[1] + 1)]
    return {name: TableColumn(name=name, values=_cells(x[:, i], name, where)) for i, name in enumerate(names)}


def _cells(values: Array, name: str, where: str) -> pl.Series:
    kind = values.dtype.kind
    if kind == "f":
        return pl.Series(name, np.ascontiguousarray(values, np.float64)).fill_nan(None)
    if kind == "u" or kind == "i":
        return pl.Series(name, values.astype(np.int64))
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
        cells = values.tolist()
        kinds = {type(cell) for cell in cells if cell is not None and cell == cell}
        if kinds <= {str, int, float, bool, np.str_} and len(kinds - {int, float}) + bool(kinds & {int, float}) <= 1:
            return pl.Series(name, cells, strict=False).fill_nan(None) if kinds & {float} else pl.Series(name, cells)
        return _texts([None if cell is None or cell != cell else str(cell) for cell in cells], name, where)
    raise DataError(f"{where}: column {name} has {values.dtype} cells, but numbers or text were expected. Convert it.")


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


def _is_square_enough(x: Array) -> bool:
    """(N, H, W) against (N, T, C): bytes are pixels; other numbers only when the picture would be square."""
    _, height, width = x.shape
    if min(height, width) < SMALLEST_IMAGE:
        return False
    return x.dtype == np.uint8 or height == width


def _as_pixels(x: Array) -> tuple[Array, str] | None:
    """Values as bytes, with what was done to them; None when they are no pixels."""
    if x.dtype == np.uint8:
        return x, ""
    if x.dtype == np.bool_:
        return x.astype(np.uint8) * np.uint8(255), " Its booleans become 0 and 255."
    low, high = float(x.min()), float(x.max())
    if not np.isfinite(low) or not np.isfinite(high) or low < -1 or high > 255:
        return None
    if x.dtype.kind in "ui":
        return (x.astype(np.uint8), "") if low >= 0 else None
    if high > 1:
        whole = low >= 0 and bool((x == np.round(x)).all())
        return (x.astype(np.uint8), "") if whole else None
    if low >= 0:
        return _to_bytes(x, 255.0, 0.0), " Its values in 0..1 become bytes in 0..255."
    return (_to_bytes(x, 127.5, 127.5), " Its values in -1..1 become bytes in 0..255.") if x.ndim == 4 else None


def _to_bytes(x: Array, scale: float, shift: float) -> Array:
    scaled = np.multiply(x, np.float32(scale), dtype=np.float32)
    return np.rint(scaled + np.float32(shift), out=scaled).astype(np.uint8)


def _image(pixels: Array, done: str, x: Array, where: str) -> tuple[dict[str, Column], list[Note]]:
    pixels = np.ascontiguousarray(pixels)
    _, channels, height, width = pixels.shape
    if min(height, width) < 1:
        raise DataError(f"{where}: X has shape {x.shape}, but images with pixels were expected. Reshape it.")
    colours = "grey" if channels == 1 else f"{channels} channels"
    text = f"X of shape {x.shape} is read as {len(x):,} images of {height} x {width} pixels, {colours}.{done}"
    return {"image": ArrayColumn(name="image", values=pixels, kind="image")}, [Note(subject="array", text=text)]
