"""A chain of trees: each column from those before it, by a tree whose leaves give their rows' own cells (synthpop; Nowok, Raab & Dibben 2016;
Reiter 2005). One draws a cell as it was; the other keeps the code alone, so that a number lies anywhere in its bin."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from netpick.models.baselines.base import Decision, Fitted, Limit, Problem
from netpick.models.baselines.fitting import quietly_on_one_thread
from netpick.models.baselines.made_rows import OfRows, made, require_rows, rows_of
from netpick.types import Array, Inputs

LEAST_LEAF = 5  # rows
MOST_CLASSES = 50  # of a column that a tree tells apart; of more their order decides
NAMES = ("feature", "threshold", "left", "right", "first", "rows")


class ChainOfTrees(OfRows):
    """Cells as training rows have them."""

    name = "chain of trees"
    definition = "Draws each column from those before it: a decision tree finds training rows that are alike so far, and one of them gives its cell."
    holds_rows = True
    own_cells: ClassVar[bool] = True

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        codes, places = rows_of(problem)
        ordered = problem.inputs["record"].ahead
        parts: dict[str, list[Array]] = {name: [] for name in NAMES}
        ends, nodes, donors = [], 0, 0
        for column in range(codes.shape[1]):
            tree = _tree(codes, column, ordered=ordered[column] % 2 == 1, seed=problem.seed)
            parts["feature"].append(tree["feature"])
            parts["threshold"].append(tree["threshold"])
            parts["left"].append(np.where(tree["left"] < 0, -1, tree["left"] + nodes))
            parts["right"].append(np.where(tree["left"] < 0, -1, tree["right"] + nodes))
            parts["first"].append(tree["first"] + donors)
            parts["rows"].append(tree["rows"])
            nodes, donors = nodes + len(tree["feature"]), donors + len(tree["rows"])
            ends.append(nodes)
        arrays = {name: np.concatenate(values) for name, values in parts.items()}
        arrays["first"] = np.append(arrays["first"], donors)
        whole = {"codes": codes, "places": places, "ends": np.array(ends), **arrays}
        return made(self.name, codes.shape[1], len(codes), whole)

    def draw(self, fitted: Fitted, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        arrays = fitted.arrays
        codes = np.zeros((count, fitted.state.columns), dtype=np.int32)
        places = np.zeros((count, fitted.state.columns))
        starts = [0, *arrays["ends"][:-1].tolist()]
        for column, start in enumerate(starts):
            leaves = _leaves(arrays, codes, start)
            first, last = arrays["first"][leaves], arrays["first"][leaves + 1]
            donors = arrays["rows"][first + (random.random(count) * (last - first)).astype(np.int64)]
            codes[:, column] = arrays["codes"][donors, column]
            places[:, column] = arrays["places"][donors, column] if self.own_cells else random.random(count)
        return codes, places

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        arrays = dict(fitted.arrays)
        require_rows(arrays, inputs, {"codes", "places", "ends", *NAMES})
        nodes, ends = len(arrays["feature"]), arrays["ends"]
        shapes = dict.fromkeys(("feature", "threshold", "left", "right"), (nodes,))
        if any(arrays[name].shape != shape for name, shape in shapes.items()) or arrays["first"].shape != (nodes + 1,):
            raise ValueError("trees of other shapes")
        if any(arrays[name].dtype != np.int64 for name in ("feature", "left", "right", "first", "rows", "ends")):
            raise ValueError("trees of other numbers")
        if len(ends) != fitted.state.columns or ends[-1] != nodes or (np.diff(ends, prepend=0) < 1).any():
            raise ValueError("trees of other columns")
        rows, first = arrays["rows"], arrays["first"]
        if (
            (rows < 0).any()
            or (rows >= len(arrays["codes"])).any()
            or first[0] != 0
            or first[-1] != len(rows)
            or (np.diff(first) < 0).any()
        ):
            raise ValueError("leaves of rows that are not there")
        inner, number = arrays["left"] >= 0, np.arange(nodes)
        children = np.stack([arrays["left"], arrays["right"]])
        if (
            (children[:, inner] <= number[inner]).any()
            or (children >= nodes).any()
            or (children[:, ~inner] != -1).any()
        ):
            raise ValueError("trees that do not end")
        of_tree = np.searchsorted(ends, number, side="right")
        if (of_tree[children[:, inner]] != of_tree[inner]).any() or (arrays["feature"][inner] >= of_tree[inner]).any():
            raise ValueError("trees that look ahead")
        if (arrays["feature"][inner] < 0).any() or (np.diff(first)[~inner] < 1).any():
            raise ValueError("leaves without rows")


class SmoothChainOfTrees(ChainOfTrees):
    """Cells anywhere in the bins of training rows' cells."""

    name = "smoothed chain of trees"
    definition = "The chain of trees, but a number of many different values is drawn anywhere in its bin, so that rows are seldom copies."
    own_cells = False


def _tree(codes: Array, column: int, *, ordered: bool, seed: int) -> dict[str, Array]:
    """A tree over the columns before one, and the training rows of each of its leaves."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    target = codes[:, column]
    if column == 0:
        empty = np.array([-1])
        return {
            "feature": empty, "threshold": np.zeros(1), "left": empty, "right": empty, "first": np.zeros(1, np.int64),
            "rows": np.arange(len(codes)),
        }  # fmt: skip
    kind = DecisionTreeRegressor if ordered or len(np.unique(target)) > MOST_CLASSES else DecisionTreeClassifier
    with quietly_on_one_thread():
        fitted = kind(min_samples_leaf=LEAST_LEAF, random_state=seed, max_depth=40).fit(codes[:, :column], target)
        leaf = fitted.apply(codes[:, :column].astype(np.float32)).astype(np.int64)
    tree = fitted.tree_
    order = np.argsort(leaf, kind="stable")
    return {
        "feature": np.where(tree.children_left < 0, -1, tree.feature).astype(np.int64),
        "threshold": tree.threshold.astype(np.float64),
        "left": tree.children_left.astype(np.int64),
        "right": tree.children_right.astype(np.int64),
        "first": np.searchsorted(leaf[order], np.arange(tree.node_count)).astype(np.int64),
        "rows": order.astype(np.int64),
    }


def _leaves(arrays: object, codes: Array, start: int) -> Array:
    """(n,) the leaf that each row comes to, from the root at `start` on."""
    assert isinstance(arrays, dict)
    at = np.full(len(codes), start)
    number = np.arange(len(codes))
    while (inner := arrays["left"][at] >= 0).any():
        here, rows = at[inner], number[inner]
        goes_left = codes[rows, arrays["feature"][here]] <= arrays["threshold"][here]
        at[inner] = np.where(goes_left, arrays["left"][here], arrays["right"][here])
    return at
