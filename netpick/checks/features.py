"""Rows as plain numbers, column by column: enough to tell how alike rows are, and cheap.

Media are shrunk, numbers become ranks, categories indicators, texts a few axes of their words. Nothing here is what a
network reads; it serves checks that look at rows as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from netpick.checks.base import CheckContext, some_of
from netpick.columns.kinds.calendar import calendar_columns, calendar_days
from netpick.columns.kinds.cells import as_numbers, as_text, counts_of
from netpick.columns.kinds.datetime import format_of, to_days
from netpick.types import Array, ArrayColumn, Field, Rows, TableColumn

Floats = npt.NDArray[np.float32]

LEARNED_ROWS, TEST_ROWS = 4_000, 2_000  # of a sample; distances between all of them take a fraction of a second
MOST_VALUES = 20  # categories that get a column of their own
TEXT_AXES, TEXT_HASHES = 48, 1 << 14
SIDE, STEPS, BANDS = 16, 32, 16  # of shrunk images, series, and sounds
MOST_CHANNELS = 12  # of a series
CLIP_FRAMES, CLIP_SIDE = 4, 8
TIME_WORDS = {"year", "yr", "date", "time", "timestamp", "ts", "epoch", "datetime"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Sampled rows and what they look like; blocks hold the learned rows first, then the test rows."""

    learned: Rows
    test: Rows
    blocks: Mapping[str, Floats]  # by column: (n, d)

    @property
    def values(self) -> Floats:
        """All blocks side by side, every column of the data with the same weight."""
        scaled = []
        for block in self.blocks.values():
            spread = float(np.sqrt(np.square(block.std(axis=0)).sum()))
            scaled.append(block / spread if spread > 0 else block)
        rows = len(self.learned) + len(self.test)
        return np.concatenate(scaled, axis=1) if scaled else np.zeros((rows, 0), np.float32)


def make_sample(context: CheckContext) -> Sample:
    """A sample of both sides, with every feature as numbers. What is learned for it comes from the learned rows."""
    learned = some_of(context.learned, LEARNED_ROWS)
    test = some_of(context.test, TEST_ROWS)
    rows = np.concatenate([learned, test])
    blocks = {}
    for column in context.schema.features:
        block = _block(context, column, rows, len(learned))
        if block is not None and block.shape[1]:
            blocks[column.name] = block
    return Sample(learned=learned, test=test, blocks=blocks)


def _block(context: CheckContext, field: Field, rows: Rows, known: int) -> Floats | None:
    column = context.source.columns[field.name]
    if isinstance(column, ArrayColumn):
        return shrunk(column, rows)
    if not isinstance(column, TableColumn):
        return None
    if field.kind == "text":
        return _words(as_text(column.values.gather(rows)), known)
    if field.kind in ("category", "boolean"):
        return _indicators(as_text(column.values.gather(rows)), known)
    if field.kind == "datetime":
        return _ranks(days_of(column.values)[rows], known)
    return _ranks(as_numbers(column.values.gather(rows)).fill_null(float("nan")).to_numpy(), known)


def _ranks(values: Array, known: int) -> Floats:
    """Ranks among the first `known` values, 0 to 1; missing ones in the middle, with a column that says so."""
    missing = np.isnan(values)
    base = np.sort(values[:known][~missing[:known]])
    if not len(base):
        return np.zeros((len(values), 0), np.float32)
    filled = np.where(missing, base[len(base) // 2], values)
    rank = (np.searchsorted(base, filled, "left") + np.searchsorted(base, filled, "right")) / (2 * len(base))
    parts = [rank, missing] if missing[:known].any() else [rank]
    return np.stack(parts, axis=1).astype(np.float32)


def _indicators(cells: pl.Series, known: int) -> Floats:
    counts = counts_of(cells.head(known)).head(MOST_VALUES)
    values = counts[:, 0].to_list()
    return (
        np.stack([(cells == value).fill_null(False).to_numpy() for value in values], axis=1).astype(np.float32)
        if (values)
        else np.zeros((len(cells), 0), np.float32)
    )


def _words(cells: pl.Series, known: int) -> Floats:
    """Texts on the leading axes of their weighted words."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    texts = cells.fill_null("").to_list()
    hashed = HashingVectorizer(n_features=TEXT_HASHES, norm=None, alternate_sign=False).transform(texts)
    weighted = TfidfTransformer(sublinear_tf=True).fit(hashed[:known]).transform(hashed)
    if weighted[:known].nnz == 0 or known <= TEXT_AXES:
        return np.zeros((len(texts), 0), np.float32)
    axes = TruncatedSVD(TEXT_AXES, n_iter=2, random_state=0).fit(weighted[:known])
    return np.asarray(axes.transform(weighted), np.float32)


# --- media -----------------------------------------------------------------------------------------------------------


def shrunk(column: ArrayColumn, rows: Rows) -> Floats:
    """Media of these rows as short rows of numbers (n, d)."""
    if column.kind == "image":
        return pooled_images(column.values, rows, SIDE).reshape(len(rows), -1)
    if column.kind == "clip":
        return clip_frames(column, rows).reshape(len(rows), -1)
    if column.kind == "audio":
        return pooled_steps(column, rows, SIDE, BANDS).reshape(len(rows), -1)
    return pooled_steps(column, rows, STEPS, MOST_CHANNELS).reshape(len(rows), -1)


def pooling(size: int, wanted: int) -> Floats:
    """(size, wanted) weights that average neighbours; as it is when there are no more than wanted."""
    if size <= wanted:
        return np.eye(size, dtype=np.float32)
    edges = np.linspace(0, size, wanted + 1)
    position = np.arange(size)[:, None]
    overlap = np.minimum(position + 1, edges[None, 1:]) - np.maximum(position, edges[None, :-1])
    weights = np.clip(overlap, 0, 1)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


def pooled_images(values: Array, rows: Rows, side: int, *, grey: bool = False) -> Floats:
    """Images (n, C, h, w) as averages of at most side x side fields, 0 to 1; in pieces, so that memory stays small."""
    _, channels, height, width = values.shape
    across, down = pooling(width, side), pooling(height, side)
    out = np.empty((len(rows), 1 if grey else channels, down.shape[1], across.shape[1]), np.float32)
    piece = max(1, 8_000_000 // max(1, channels * height * width))
    for start in range(0, len(rows), piece):
        part = np.asarray(values[rows[start : start + piece]])
        pixels = part.mean(axis=1, keepdims=True, dtype=np.float32) if grey else part.astype(np.float32)
        narrow = pixels.reshape(-1, width) @ across
        narrow = narrow.reshape(-1, height, across.shape[1]).swapaxes(1, 2).reshape(-1, height) @ down
        small = narrow.reshape(len(part), -1, across.shape[1], down.shape[1]).swapaxes(2, 3)
        out[start : start + len(part)] = small / 255
    return out


def clip_frames(column: ArrayColumn, rows: Rows) -> Floats:
    """A few grey frames of each clip, small: (n, frames, h, w)."""
    steps = column.values.shape[1]
    at = np.unique(np.linspace(0, steps - 1, CLIP_FRAMES).round().astype(int))
    frames = [pooled_images(column.values[:, step], rows, CLIP_SIDE, grey=True) for step in at.tolist()]
    return np.concatenate(frames, axis=1)


def pooled_steps(column: ArrayColumn, rows: Rows, steps: int, channels: int) -> Floats:
    """Series or sounds (n, t, c): each row's own steps, averaged to at most so many; channels in units of their spread."""
    values: Floats = np.asarray(column.values[rows], dtype=np.float32)
    if column.kind == "series":
        # The same scales for whatever rows are asked for, so that those of both sides can be compared.
        some = np.nan_to_num(column.values[:: max(1, len(column.values) // 1_000)]).reshape(-1, values.shape[2])
        spread, middle = some.std(axis=0).astype(np.float32), some.mean(axis=0).astype(np.float32)
        values = (np.nan_to_num(values) - middle) / np.where(spread > 0, spread, np.float32(1))
    else:
        values = values / np.float32(255)
    if values.shape[2] > channels:
        values = values @ pooling(values.shape[2], channels)
    if column.lengths is None or (column.lengths[rows] == values.shape[1]).all():
        return np.asarray(np.einsum("ntc,ts->nsc", values, pooling(values.shape[1], steps), optimize=True), np.float32)
    wanted: int = min(steps, values.shape[1])
    out = np.zeros((len(rows), wanted, values.shape[2]), np.float32)
    for i, length in enumerate(column.lengths[rows].tolist()):
        if length:
            own = values[i, :length]
            out[i] = pooling(length, wanted).T @ own if length > wanted else _stretched(own, wanted)
    return out


def _stretched(values: Floats, wanted: int) -> Floats:
    places = np.linspace(0, len(values) - 1, wanted).round().astype(int)
    return np.asarray(values[places])


# --- time ------------------------------------------------------------------------------------------------------------


def days_of(series: pl.Series) -> Array:
    """When each row was, in days or in the column's own numbers (float64, NaN where missing)."""
    if series.dtype.is_numeric():
        return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    text_format = format_of(series) if series.dtype == pl.String else ""
    if text_format is None:
        return np.full(len(series), np.nan)
    return to_days(series, text_format)


def time_of(context: CheckContext) -> tuple[str, Array] | None:
    """The column that tells when rows happened and their times; of several dates the first. None where nothing does."""
    return next(iter(times_of(context)), None)


def times_of(context: CheckContext) -> list[tuple[str, Array]]:
    """All columns that tell a time, with the times of the rows: dates, else year, month, day, else a number called so."""
    fields = [f for f in context.schema.fields if f.role != "target"]
    tables = {f.name: c for f in fields if isinstance(c := context.source.columns[f.name], TableColumn)}
    dates = [f.name for f in fields if f.kind == "datetime" and f.name in tables]
    if dates:
        return [(name, days_of(tables[name].values)) for name in dates]
    parts = calendar_columns(context.source.columns, list(tables))
    if parts:
        return [(",".join(parts), calendar_days(context.source.columns, parts))]
    numbers = [n for n, c in tables.items() if n.strip().lower() in TIME_WORDS and c.values.dtype.is_numeric()]
    return [(name, days_of(tables[name].values)) for name in numbers]
