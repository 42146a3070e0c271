"""Which rows are identical in every feature: numbers that are equal for such rows."""

from __future__ import annotations

import numpy as np

from netpick.columns.row_hashes import Hashes, as_words, mix, num_words
from netpick.types import Array, ArrayColumn, FileColumn, Schema, Source

ROWS_AT_ONCE = 1024  # of pixels, so that a chunk stays in the processor's cache


def row_groups(source: Source, schema: Schema) -> Array:
    """Numbers (N,) int64 that are equal for rows whose features are identical in every column.

    Tables are hashed by polars (64 bits: a chance of 1 in 10^6 of any mistake in 5 million rows), texts without regard to
    case and blanks; images and series by a sum of products, and rows of equal hash are compared in full. Files that are not decoded count as identical
    when their paths are.
    """
    import polars as pl

    tables, total = [], np.zeros(source.num_rows, dtype=np.uint64)
    for number, field in enumerate(schema.features):
        column = source.columns[field.name]
        if isinstance(column, ArrayColumn):
            total = mix(total) + hash_arrays(column) * np.uint64(2 * number + 1)
        elif isinstance(column, FileColumn):
            spans = column.spans
            named = (
                list(column.paths) if spans is None else [f"{p} {s}" for p, s in zip(column.paths, spans, strict=True)]
            )
            tables.append(pl.Series(field.name, named, dtype=pl.String))
        elif field.kind == "text" and column.values.dtype == pl.String:
            text = column.values.str.to_lowercase().str.replace_all(r"\s+", " ")
            tables.append(text.str.strip_chars().alias(field.name))
        else:
            tables.append(column.values.alias(field.name))
    if tables:
        total = mix(total) + pl.DataFrame(tables).hash_rows(seed=0).to_numpy()
    return total.view(np.int64)


def hash_arrays(column: ArrayColumn) -> Hashes:
    """A hash per row (N,) that is equal if, and only if, values and length are equal."""
    n = len(column.values)
    if n == 0:
        return np.zeros(0, dtype=np.uint64)
    hashes = np.empty(n, dtype=np.uint64)
    keys = np.random.default_rng(0).integers(0, 2**64 - 1, num_words(column.values), dtype=np.uint64) | np.uint64(1)
    for start in range(0, n, ROWS_AT_ONCE):
        words = as_words(column.values[start : start + ROWS_AT_ONCE])
        hashes[start : start + len(words)] = words @ keys
    if column.lengths is not None:
        hashes = mix(hashes) + column.lengths.astype(np.uint64)
    _tell_apart(hashes, column)
    return mix(hashes)


def _tell_apart(hashes: Hashes, column: ArrayColumn) -> None:
    """Gives rows that differ in spite of an equal hash another one (rows that differ in few high bits may collide)."""
    order = np.argsort(hashes)
    equal = hashes[order][1:] == hashes[order][:-1]
    suspects = np.union1d(order[1:][equal], order[:-1][equal])
    seen: dict[tuple[int, bytes, int], int] = {}
    variants: dict[int, int] = {}
    number = np.zeros(len(suspects), dtype=np.uint64)
    for i, row in enumerate(suspects):
        length = 0 if column.lengths is None else int(column.lengths[row])
        key = (int(hashes[row]), np.ascontiguousarray(column.values[row]).tobytes(), length)
        if key not in seen:
            seen[key] = variants.get(key[0], 0)
            variants[key[0]] = seen[key] + 1
        number[i] = seen[key]
    hashes[suspects] = np.where(number > 0, mix(hashes[suspects] + mix(number)), hashes[suspects])
