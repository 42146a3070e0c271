"""Some rows of a Source, drawn at random: where there are more than can be read in time, or than somebody wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from netpick.types import Array, Column, FileColumn, Rows, Source, TableColumn

LEAST = 50  # rows of a class in a part that stay where there are as many
MOST_CLASSES = 0.1  # of the rows that are drawn: a column of more values is no class


def rows_of(source: Source, rows: Rows, columns: Mapping[str, Column] | None = None) -> Source:
    """The Source with these rows only; columns: what takes the place of some, with these rows already."""
    known = columns or {}
    at = {row: number for number, row in enumerate(rows.tolist())} if source.strays else {}
    return replace(
        source,
        columns={
            name: known[name] if name in known else _taken(column, rows) for name, column in source.columns.items()
        },
        num_rows=len(rows),
        given_split=None if source.given_split is None else source.given_split[rows],
        row_names=None if source.row_names is None else [source.row_names[row] for row in rows.tolist()],
        strays={name: [(at[row], cell) for row, cell in cells if row in at] for name, cells in source.strays.items()},
    )


def drawn(source: Source, count: int, seed: int, target: str | None = None) -> Source:
    """`count` rows in their order: of every given part and class its share, and of small ones all, up to LEAST rows.

    Rows without a name get their number in the whole.
    """
    cells = _cells(source, target, count)
    sizes = np.bincount(cells)
    least = np.minimum(sizes, min(LEAST, count // (2 * len(sizes))))
    shares = least + (sizes - least) * (count - least.sum()) / max(1, source.num_rows - least.sum())
    wanted = np.floor(shares).astype(np.int64)
    wanted[np.argsort(wanted - shares, kind="stable")[: count - wanted.sum()]] += 1  # the largest remainders
    order = np.random.default_rng(seed).permutation(source.num_rows)
    inside = _place_in_cell(cells[order])
    rows = np.sort(order[inside < wanted[cells[order]]])
    names = source.row_names or [f"row {row + 1}" for row in range(source.num_rows)]
    return rows_of(replace(source, row_names=names), rows)


def _cells(source: Source, target: str | None, count: int) -> Array:
    """The number (N,) of the part and class that a row belongs to."""
    part = np.zeros(source.num_rows, np.int64) if source.given_split is None else source.given_split.astype(np.int64)
    column = source.columns.get(target or source.target or "")
    label = np.zeros(source.num_rows, np.int64)
    if isinstance(column, TableColumn) and column.values.n_unique() <= MOST_CLASSES * count:
        label = column.values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    _, cells = np.unique(np.stack([part, label], axis=1), axis=0, return_inverse=True)
    return cells.reshape(-1)


def _place_in_cell(cells: Array) -> Array:
    """How many rows of the same cell stand before each (N,)."""
    order = np.argsort(cells, kind="stable")
    first = np.searchsorted(cells[order], cells[order])
    place = np.empty(len(cells), np.int64)
    place[order] = np.arange(len(cells)) - first
    return place


def _taken(column: Column, rows: Rows) -> Column:
    if isinstance(column, TableColumn):
        return replace(column, values=column.values.gather(pl.Series(rows)))
    if isinstance(column, FileColumn):
        spans = None if column.spans is None else [column.spans[row] for row in rows.tolist()]
        return replace(column, paths=[column.paths[row] for row in rows.tolist()], spans=spans)
    lengths = None if column.lengths is None else column.lengths[rows]
    formats: Sequence[str] | None = None if column.formats is None else [column.formats[row] for row in rows.tolist()]
    sizes = None if column.sizes is None else column.sizes[rows]
    own = None if column.own is None else column.own[rows]
    return replace(column, values=column.values[rows], lengths=lengths, formats=formats, sizes=sizes, own=own)
