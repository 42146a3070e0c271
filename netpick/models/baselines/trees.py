"""Decision trees as arrays, and their sums: what a fitted forest or boosting of scikit-learn is kept as.

All trees lie in one table of nodes. A child stands behind its parent, and a leaf is its own child, so that walking down ends
whatever a file says. Rows are walked down all trees at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.types import Array

MOST_DEPTH = 10_000
MOST_VISITS = 1 << 18  # rows times trees that are walked at once: what a processor's cache holds
SET_BYTES = 32  # of a set of categories, a bit each

DTYPES = {
    "feature": "int32",  # (M,) that a node looks at
    "threshold": "float64",  # (M,) values up to it go left
    "left": "int32",  # (M,) number of the node, its own for a leaf
    "right": "int32",
    "categories": "int32",  # (M,) number of the set of categories that go left; -1 where the threshold decides
    "sets": "uint8",  # (S, 32), the lowest bit of a byte first
    "value": "float64",  # (M, W) of leaves
    "roots": "int32",  # (T,) first node of each tree
    "output": "int32",  # (T,) score that a tree adds to, in ascending order; 0 where W is their number
    "start": "float64",  # (scores,) what the trees add to
}


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One tree, its nodes numbered from 0."""

    feature: Array
    threshold: Array
    left: Array
    right: Array
    categories: Array
    sets: Array
    value: Array  # (m, W)
    output: int = 0


def joined(trees: Sequence[Tree], start: Array, width: int) -> dict[str, Array]:
    """The arrays of these trees, which add to `start`."""
    trees = sorted(trees, key=lambda tree: tree.output)
    sizes = [len(tree.feature) for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1]
    offsets = np.cumsum([0, *(len(tree.sets) for tree in trees)])[:-1]
    parts: dict[str, list[Any]] = {name: [] for name in DTYPES}
    for tree, root, offset in zip(trees, roots, offsets, strict=True):
        for name in ("feature", "threshold", "sets", "value"):
            parts[name].append(getattr(tree, name))
        parts["left"].append(tree.left + int(root))
        parts["right"].append(tree.right + int(root))
        parts["categories"].append(np.where(tree.categories >= 0, tree.categories + int(offset), -1))
    empty = {"value": np.zeros((0, width)), "sets": np.zeros((0, SET_BYTES), dtype=np.uint8)}
    arrays = {
        name: np.concatenate(pieces) if pieces else empty.get(name, np.zeros(0)) for name, pieces in parts.items()
    }
    arrays |= {"roots": roots, "output": np.array([tree.output for tree in trees]), "start": np.asarray(start)}
    return {f"trees.{name}": np.ascontiguousarray(arrays[name], dtype=dtype) for name, dtype in DTYPES.items()}


def scores_of(arrays: Mapping[str, Array], features: Array) -> Array:
    """Sums (n, scores) of all trees for features (n, F) float32."""
    start, roots = arrays["trees.start"], arrays["trees.roots"]
    scores = np.tile(start, (len(features), 1))
    if not len(roots):
        return scores
    at_once = max(1, MOST_VISITS // len(roots))
    for first in range(0, len(features), at_once):
        part = np.ascontiguousarray(features[first : first + at_once], dtype=np.float32)
        leaves = _leaves(arrays, part)  # (n, T)
        if arrays["trees.value"].shape[1] > 1:
            for tree in range(len(roots)):  # a tree at a time: (n, T, W) may be large
                scores[first : first + at_once] += arrays["trees.value"][leaves[:, tree]]
            continue
        values = arrays["trees.value"][:, 0][leaves]
        ends = np.searchsorted(arrays["trees.output"], np.arange(len(start) + 1))
        for score in range(len(start)):
            scores[first : first + at_once, score] += values[:, ends[score] : ends[score + 1]].sum(axis=1)
    return scores


def _leaves(arrays: Mapping[str, Array], features: Array) -> Array:
    """(n, T) number of the leaf in which each row ends."""
    feature, threshold, categories = (arrays[f"trees.{name}"] for name in ("feature", "threshold", "categories"))
    children = np.stack([arrays["trees.right"], arrays["trees.left"]], axis=1).ravel()
    sets = arrays["trees.sets"].ravel()
    flat = features.ravel()
    n, roots = len(features), arrays["trees.roots"]
    node = np.tile(roots, n)
    row = np.repeat(np.arange(n, dtype=np.int64) * features.shape[1], len(roots))
    walking = np.arange(len(node))
    for _ in range(MOST_DEPTH):
        at = node[walking]
        value = flat[row[walking] + feature[at]]
        left = value <= threshold[at]
        if len(sets):
            of_set = categories[at]
            asked = np.flatnonzero(of_set >= 0)
            if len(asked):
                category = value[asked].astype(np.int64).clip(0, 8 * SET_BYTES - 1)
                byte = sets[of_set[asked] * SET_BYTES + (category >> 3)].astype(np.int64)
                left[asked] = (byte >> (category & 7)) & 1 == 1
        below = children[2 * at + left]
        node[walking] = below
        walking = walking[below != at]
        if not len(walking):
            break
    return node.reshape(n, len(roots))


def require_trees(arrays: Mapping[str, Array], width: int, num_scores: int) -> None:
    """Raises ValueError where these are no trees of features of this width: children before their parents, nodes or columns that
    are not there, thresholds that are no numbers."""
    if {f"trees.{name}" for name in DTYPES} != {name for name in arrays if name.startswith("trees.")}:
        raise ValueError("arrays of the trees are missing or too many")
    own = {name: arrays[f"trees.{name}"] for name in DTYPES}
    if any(str(own[name].dtype) != dtype for name, dtype in DTYPES.items()):
        raise ValueError("an array of the trees has another type of number")
    nodes, trees = len(own["feature"]), len(own["roots"])
    flat = ("threshold", "left", "right", "categories")
    if any(own[name].shape != (nodes,) for name in ("feature", *flat)) or own["value"].ndim != 2:
        raise ValueError("the trees' arrays are of different lengths")
    if own["value"].shape[0] != nodes or own["value"].shape[1] not in (1, num_scores):
        raise ValueError("the trees' values do not fit")
    if own["sets"].shape != (len(own["sets"]), SET_BYTES) or own["start"].shape != (num_scores,):
        raise ValueError("the trees' sets or start do not fit")
    if own["roots"].shape != (trees,) or own["output"].shape != (trees,):
        raise ValueError("the trees' roots do not fit")
    roots, output = own["roots"].astype(np.int64), own["output"]
    if trees and (roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= nodes):
        raise ValueError("the trees' roots are out of order")
    if trees and (output.min() < 0 or output.max() >= num_scores or (np.diff(output) < 0).any()):
        raise ValueError("a tree adds to a score that is not there")
    if bool(trees) != bool(nodes):
        raise ValueError("nodes without trees")
    _require_nodes(own, roots, nodes, width)


def _require_nodes(given: Mapping[str, Array], roots: Array, nodes: int, width: int) -> None:
    own = np.arange(nodes)
    left, right = given["left"], given["right"]
    leaf = (left == own) & (right == own)
    inner = (left > own) & (right > own) & (left < nodes) & (right < nodes)
    if not (leaf | inner).all():
        raise ValueError("a node's children do not stand behind it")
    if nodes and (given["feature"].min() < 0 or given["feature"].max() >= width):
        raise ValueError("a node looks at a feature that is not there")
    if nodes and (given["categories"].min() < -1 or given["categories"].max() >= len(given["sets"])):
        raise ValueError("a node names a set of categories that is not there")
    if np.isnan(given["threshold"]).any() or not np.isfinite(given["value"]).all():
        raise ValueError("a threshold or value is no number")
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=nodes)
    is_root = np.zeros(nodes, dtype=bool)
    is_root[roots] = True
    if (parents != ~is_root).any():
        raise ValueError("a node belongs to no tree, or to several")
    level, depth = roots, 0
    while len(level) and depth <= MOST_DEPTH:  # each node comes once
        level = level[~leaf[level]]
        level = np.concatenate([left[level], right[level]])
        depth += 1
    if len(level):
        raise ValueError("its trees are deeper than any that is grown")
