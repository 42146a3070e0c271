"""Simple features for baselines: the numbers as they are, codes as indicators or categories, and for images and series
what fits in a hundred numbers. Nothing is learned here but means, scales, frequent codes and principal axes, all from the
training rows that a baseline uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from netpick.baselines.base import Problem
from netpick.baselines.shrink import MEDIA_FORMS, READ_SIDE, media_features
from netpick.types import Array, Rows

Purpose = Literal["linear", "trees", "distance"]

MAX_INDICATORS = 50  # indicator columns per categorical column; rarer codes share one
MAX_CATEGORIES = 254  # what the trees' 255 bins hold beside "any other"
MAX_LINEAR = 1_000  # more columns than that are reduced to principal axes
MAX_MEDIA = 100  # more columns than that of an image or series are reduced for trees and distances, to:
MEDIA_COMPONENTS = 40
NANOSECONDS = {  # of making features, per input number, measured on one core
    "vector": 5.0,
    "codes": 100.0,
    "tokens": 20.0,
    "series": 60.0,
    "grid": 8.0,
    "spectrogram": 10.0,
    "clip": 8.0,
}
AXES_ROWS = 4_000  # rows from which principal axes are learned


@dataclass(frozen=True, kw_only=True)
class Axes:
    """A centred linear map (F,) -> (D,) onto the directions of largest variance."""

    mean: Array  # (F,)
    directions: Array  # (F, D)

    def __call__(self, values: Array) -> Array:
        return np.asarray((values - self.mean) @ self.directions)


def principal_axes(values: Array, count: int) -> Axes:
    """The `count` leading principal axes of `values` (n, F), each with its largest entry positive."""
    mean = values.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = values[:: max(1, len(values) // AXES_ROWS)] - mean
    if len(centred) < centred.shape[1]:
        _, _, rows = np.linalg.svd(centred, full_matrices=False)
        directions = rows[:count].T
    else:
        directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :count]
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])])
    return Axes(mean=mean, directions=(directions * np.where(signs == 0, 1, signs)).astype(np.float32))


class FeatureMaker:
    """Maps rows of a problem to a matrix (n, F) float32; fitted on `train` when it is made.

    linear: every column standardised. distance: pixels and steps standardised together, other columns each, and every
    input weighs the same.
    trees: raw values, with `categorical` (F,) marking the columns that hold category numbers.
    """

    def __init__(self, problem: Problem, train: Rows, purpose: Purpose) -> None:
        self._problem = problem
        self._purpose = purpose
        self._tables = _code_tables(problem, train, MAX_CATEGORIES if purpose == "trees" else MAX_INDICATORS)
        self._axes: dict[str, Axes] = {}
        blocks = self._raw_blocks(train)
        limit, kept = (MAX_LINEAR, MAX_LINEAR) if purpose == "linear" else (MAX_MEDIA, MEDIA_COMPONENTS)
        for name, block in blocks.items():
            reducible = name != "codes" and (purpose == "linear" or _is_raw(name))
            if reducible and block.shape[1] > limit:
                self._axes[name] = principal_axes(block, kept)
                blocks[name] = self._axes[name](block)
        self.reduced = bool(self._axes)
        self.categorical = np.concatenate(
            [np.full(block.shape[1], purpose == "trees" and name == "codes") for name, block in blocks.items()]
        )
        self._means = {name: block.mean(axis=0, dtype=np.float64) for name, block in blocks.items()}
        self._scales = {name: self._scale(name, block) for name, block in blocks.items()}
        self.train_features = self._joined(blocks)

    def __call__(self, rows: Rows) -> Array:
        blocks = self._raw_blocks(rows)
        for name, axes in self._axes.items():
            blocks[name] = axes(blocks[name])
        return self._joined(blocks)

    def _scale(self, name: str, block: Array) -> Array:
        deviations = block.std(axis=0, dtype=np.float64)
        if self._purpose == "distance" and _is_raw(name):  # a dark corner stays unimportant
            deviations = np.full_like(deviations, np.sqrt(np.square(deviations).sum()))
        elif self._purpose == "distance":
            deviations = deviations * np.sqrt(block.shape[1])
        return np.where(deviations > 1e-8, deviations, 1.0)

    def _joined(self, blocks: dict[str, Array]) -> Array:
        if self._purpose != "trees":
            blocks = {name: (block - self._means[name]) / self._scales[name] for name, block in blocks.items()}
        return np.concatenate(list(blocks.values()), axis=1, dtype=np.float32, casting="unsafe")

    def _raw_blocks(self, rows: Rows) -> dict[str, Array]:
        arrays = self._problem.arrays
        blocks: dict[str, Array] = {}
        if "vector" in arrays:
            blocks["vector"] = np.asarray(arrays["vector"][rows], dtype=np.float32)
        if "codes" in arrays:
            codes = np.asarray(arrays["codes"][rows])
            places = [table[codes[:, column]] for column, table in enumerate(self._tables)]
            blocks["codes"] = np.stack(places, axis=1) if self._purpose == "trees" else self._indicators(places)
        for name, spec in self._problem.inputs.items():
            if spec.form in MEDIA_FORMS:
                for part, block in media_features(spec, arrays[name], arrays.get(f"{name}.lengths"), rows).items():
                    blocks[f"{name} {part}".strip()] = block
        return blocks

    def _indicators(self, places: list[Array]) -> Array:
        columns = [
            place[:, None] == np.arange(int(table.max()) + 1) for place, table in zip(places, self._tables, strict=True)
        ]
        return np.concatenate(columns, axis=1).astype(np.float32)


def _is_raw(block: str) -> bool:
    """Whether a block holds pixels, steps or word counts, as against columns of a table and summaries."""
    return block not in ("vector", "codes") and not block.endswith(" summary")


def _code_tables(problem: Problem, train: Rows, limit: int) -> list[Array]:
    """Per column of codes, a table code -> place: the `limit` codes most frequent in training, 0 for all others."""
    if "codes" not in problem.arrays:
        return []
    codes = np.asarray(problem.arrays["codes"][train])
    tables = []
    for column, cardinality in enumerate(problem.inputs["codes"].cardinalities):
        counts = np.bincount(codes[:, column], minlength=cardinality)
        kept = np.argsort(-counts, kind="stable")[:limit]
        kept = np.sort(kept[counts[kept] > 0])
        table = np.zeros(len(counts), dtype=np.int64)
        table[kept] = np.arange(1, len(kept) + 1)
        tables.append(table)
    return tables


def count_features(problem: Problem, purpose: Purpose) -> int:
    """About how many columns a FeatureMaker will make, from a few rows."""
    return len(FeatureMaker(problem, np.sort(problem.train)[:500], purpose).categorical)


def cost_of_features(problem: Problem) -> float:
    """Seconds per row for making features, measured on one core."""
    nanoseconds = 0.0
    for spec in problem.inputs.values():
        numbers = float(np.prod([min(side, 2 * READ_SIDE) for side in spec.shape]))
        nanoseconds += NANOSECONDS[spec.form] * numbers
    return nanoseconds * 1e-9
