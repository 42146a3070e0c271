"""Extremely randomised trees (Geurts et al. 2006) for two classes, all of them grown at once, a level at a time.

They only have to tell two sets of rows apart, before anything is trained: importing a library of trees takes longer than growing
these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.types import Array, Rows

TREES = 40
SMALLEST = 5  # rows of a leaf
TRIES = 4  # times the usual number of columns are tried where none of them divides a node


@dataclass(frozen=True, kw_only=True)
class _Nodes:
    """The nodes of one level. Rows (R,) stand by node, and those of a node side by side."""

    row: Rows
    node: Array  # (R,) number of each row's node
    starts: Rows  # of the nodes
    counts: Array  # rows of each
    positive: Array  # of them with label 1

    @classmethod
    def of(cls, row: Rows, node: Array, labels: Array) -> _Nodes:
        starts = np.flatnonzero(np.diff(node, prepend=-1))
        counts = np.diff(np.append(starts, len(row)))
        return cls(row=row, node=node, starts=starts, counts=counts, positive=np.add.reduceat(labels[row], starts))


def share_of_ones(known: Array, labels: Array, asked: Array, seed: int = 0) -> Array:
    """For each asked row (m,), how much of its leaves has label 1, over all trees. known (n, d), labels (n,) of 0 and 1."""
    generator = np.random.default_rng(seed)
    row, node = np.tile(np.arange(len(known)), TREES), np.repeat(np.arange(TREES), len(known))
    waiting, at = np.tile(np.arange(len(asked)), TREES), np.repeat(np.arange(TREES), len(asked))
    total = np.zeros(len(asked))
    while len(row):
        nodes = _Nodes.of(row, node, labels)
        column, threshold = _splits(known, labels, nodes, generator)
        divided = column >= 0
        ended = ~divided[at]
        share = nodes.positive / nodes.counts
        total += np.bincount(waiting[ended], share[at[ended]], minlength=len(asked))
        waiting, at = waiting[~ended], at[~ended]
        row, node = row[divided[node]], node[divided[node]]
        first = 2 * (np.cumsum(divided) - 1)  # of the two nodes below each
        at = first[at] + (asked[waiting, column[at]] > threshold[at])
        node = first[node] + (known[row, column[node]] > threshold[node])
        order = np.argsort(node, kind="stable")
        row, node = row[order], node[order]
    return total / TREES


def _splits(known: Array, labels: Array, nodes: _Nodes, generator: np.random.Generator) -> tuple[Array, Array]:
    """For each node the column and threshold that divide it best, of a few drawn at random; column -1: it is a leaf."""
    usual = max(1, int(np.sqrt(known.shape[1])))
    column, threshold = np.full(len(nodes.starts), -1), np.zeros(len(nodes.starts))
    best = np.full(len(nodes.starts), -np.inf)
    mixed = (nodes.positive > 0) & (nodes.positive < nodes.counts)
    growing = np.flatnonzero(mixed & (nodes.counts >= 2 * SMALLEST))
    for attempt in range(TRIES * usual):
        if attempt >= usual:
            growing = growing[column[growing] < 0]
        if not len(growing):
            break
        drawn = generator.integers(known.shape[1], size=len(growing))
        limit, gain = _random_split(known, labels, _only(nodes, growing), drawn, generator)
        better = gain > best[growing]
        chosen = growing[better]
        best[chosen], column[chosen], threshold[chosen] = gain[better], drawn[better], limit[better]
    return column, threshold


def _only(nodes: _Nodes, some: Array) -> _Nodes:
    """Some of the nodes, numbered anew."""
    if len(some) == len(nodes.starts):
        return nodes
    number = np.full(len(nodes.starts), -1)
    number[some] = np.arange(len(some))
    kept = number[nodes.node] >= 0
    counts = nodes.counts[some]
    return _Nodes(
        row=nodes.row[kept],
        node=number[nodes.node[kept]],
        starts=np.cumsum(counts) - counts,
        counts=counts,
        positive=nodes.positive[some],
    )


def _random_split(
    known: Array, labels: Array, nodes: _Nodes, column: Array, generator: np.random.Generator
) -> tuple[Array, Array]:
    """A threshold for each node within its column's range, and how pure both sides become; -inf where one would be too small."""
    values = known[nodes.row, column[nodes.node]]
    low, high = np.minimum.reduceat(values, nodes.starts), np.maximum.reduceat(values, nodes.starts)
    limit = low + generator.random(len(low)) * (high - low)
    left = values <= limit[nodes.node]
    count = np.add.reduceat(left, nodes.starts, dtype=np.int64)
    ones = np.add.reduceat(left & (labels[nodes.row] == 1), nodes.starts, dtype=np.int64)
    rest, other = nodes.counts - count, nodes.positive - ones
    fits = (count >= SMALLEST) & (rest >= SMALLEST)
    # The Gini impurity of both sides, without what is the same for all splits of a node.
    purity = (ones**2 + (count - ones) ** 2) / np.maximum(count, 1) + (other**2 + (rest - other) ** 2) / np.maximum(
        rest, 1
    )
    return limit, np.where(fits, purity, -np.inf)
