"""Near copies among all rows, as groups that a split keeps together: `--split near-copies`.

What D016, D017 and D018 look for between two sides is looked for among all rows here; copies of copies are of one group.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netpick.errors import RequestError
from netpick.tasks.near.compare import Copies
from netpick.tasks.near.images import copied_images
from netpick.tasks.near.sounds import copied_sounds
from netpick.tasks.near.texts import copied_texts
from netpick.types import Array, ArrayColumn, Rows, Schema, Source, TableColumn

MOST_ROWS = 60_000  # all are compared with all: some minutes
TOGETHER = 2_000  # rows compared with all others at once


def with_near_copies(source: Source, schema: Schema, groups: Array) -> Array:
    """Numbers (N,) of rows that are identical (equal in `groups`) or near copies. Raises RequestError where nothing is compared."""
    media = [
        (source.columns[f.name], f.kind)
        for f in schema.features
        if f.kind == "text" or isinstance(source.columns[f.name], ArrayColumn)
    ]
    if not media:
        raise RequestError(
            "--split near-copies compares texts, pictures, sounds, clips or series, but there is no column of them. Pass "
            "--split random, which keeps identical rows together, or --split group:COLUMN."
        )
    rows = np.unique(groups, return_index=True)[1]  # one of each
    if len(rows) > MOST_ROWS:
        raise RequestError(
            f"--split near-copies compares all rows with each other, {MOST_ROWS:,} at most, but {len(rows):,} differ. Pass "
            "--split group:COLUMN with a column that names what rows are copies of."
        )
    rows = np.sort(rows)
    parent = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    pairs = [(c.test, c.learned) for column, kind in media for c in _copies(column, kind, rows)]
    left = np.concatenate([parent[a] for a, _ in pairs])
    right = np.concatenate([parent[b] for _, b in pairs])
    return _joined(left, right, int(parent.max()) + 1)[parent]


def _copies(column: object, kind: str | None, rows: Rows) -> Iterator[Copies]:
    for start in range(0, len(rows), TOGETHER):
        asked = rows[start : start + TOGETHER]
        if isinstance(column, TableColumn):
            yield copied_texts(column.values, asked, rows)
        elif isinstance(column, ArrayColumn) and kind in ("image", "clip"):
            yield copied_images(column, asked, rows)
        elif isinstance(column, ArrayColumn):
            yield copied_sounds(column, asked, rows)


def _joined(left: Array, right: Array, count: int) -> Array:
    """The number of each group's component (count,), where left and right are joined in pairs."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(count, count))
    return np.asarray(connected_components(edges, directed=False)[1], np.int64)
