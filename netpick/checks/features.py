"""Rows as plain numbers, column by column: enough to tell how alike rows are, and cheap.

Media are shrunk, numbers become ranks, categories indicators, texts a few axes of their words. Nothing here is what a
network reads; it serves checks that look at rows as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.checks.base import CheckContext, some_of
from netpick.columns.kinds.calendar import calendar_columns, calendar_days
from netpick.columns.kinds.cells import as_numbers, as_text, counts_of, ends_of
from netpick.columns.kinds.datetime import format_of, to_days
from netpick.tasks.near.shrink import Floats, shrunk
from netpick.types import Array, ArrayColumn, Field, Rows, TableColumn

LEARNED_ROWS, TEST_ROWS = 4_000, 2_000  # of a sample; distances between all of them take a fraction of a second
MOST_VALUES = 20  # categories that get a column of their own
TEXT_AXES, TEXT_HASHES = 48, 1 << 14
MOST_CHARACTERS = 8_000_000  # of all texts of a sample; of longer ones the two ends
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
        return _words(ends_of(as_text(column.values.gather(rows)).fill_null(""), MOST_CHARACTERS), known)
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
