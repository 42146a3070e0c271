"""Simple features for baselines: the numbers as they are, codes as indicators or categories, and for images and series
what fits in a hundred numbers. Nothing is learned here but means, scales, frequent codes and principal axes, all from the
training rows that a baseline uses; what was learned is data, and the features of new rows follow from it alone.

Texts have no features here: counts of their words are a baseline's of their own (text_counts.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.columns.forms import FORMS
from netpick.models.baselines.base import Given, Problem
from netpick.models.baselines.shrink import media_features
from netpick.types import STRICT, Array, Inputs, Rows

Purpose = Literal["linear", "trees", "distance"]

MAX_INDICATORS = 50  # indicator columns per categorical column; rarer codes share one
MAX_CATEGORIES = 254  # what the trees' 255 bins hold beside "any other"
MAX_LINEAR = 1_000  # more columns than that are reduced to principal axes
MAX_MEDIA = 100  # more columns than that of an image or series are reduced for trees and distances, to:
MEDIA_COMPONENTS = 40
AXES_ROWS = 4_000  # rows from which principal axes are learned
CHUNK_ROWS = 2_048
PREFIX = "features."
FURTHEST = 10.0  # standard deviations of a raw number from its mean


@strict_dataclass(config=STRICT, kw_only=True)
class FeatureState:
    """What the features of a matrix (n, F) are made for, and of which blocks; `columns` (F,) are those of each block."""

    purpose: Purpose
    blocks: tuple[str, ...]
    columns: tuple[int, ...]
    reduced: tuple[bool, ...]  # to principal axes
    numbers: tuple[str, ...] = ()  # raw columns of the block of that name

    def __post_init__(self) -> None:
        if not len(self.blocks) == len(self.columns) == len(self.reduced) or len(set(self.blocks)) != len(self.blocks):
            raise ValueError("columns of every block")

    @property
    def width(self) -> int:
        return sum(self.columns)

    @property
    def categorical(self) -> Array:
        """(F,) bool: columns of trees that hold category numbers."""
        flags = [name == "codes" and self.purpose == "trees" for name in self.blocks]
        return np.repeat(np.asarray(flags, dtype=bool), self.columns)


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


def has_features(inputs: Inputs) -> bool:
    """Whether there is anything but texts to make features of."""
    forms = [FORMS[spec.form] for spec in inputs.values()]
    return any(form.joined or not (form.indices or form.sized) for form in forms)


def fit_features(
    problem: Problem, used: Rows, purpose: Purpose, *, with_numbers: bool = False
) -> tuple[FeatureState, dict[str, Array], Array]:
    """State and arrays learned from the rows `used`, and their features (n, F) float32.

    linear: every column standardised, with_numbers raw ones beside those that networks see. distance: pixels and steps standardised together, other columns each, and every
    input weighs the same. trees: raw values, category numbers among them.
    """
    arrays = {f"{PREFIX}table.{i}": table for i, table in enumerate(_code_tables(problem, used, purpose))}
    chunks = [used[start : start + CHUNK_ROWS] for start in range(0, len(used), CHUNK_ROWS)]
    raw = purpose == "linear" and with_numbers
    parts = [_raw_blocks(problem.given(chunk, numbers=raw), purpose, arrays) for chunk in chunks]
    blocks = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    numbers: tuple[str, ...] = ()
    if "numbers" in blocks:
        numbers = tuple(problem.given(used[:1], numbers=True).numbers)
        known = ~np.isnan(blocks["numbers"])
        sums = np.where(known, blocks["numbers"], 0.0).sum(axis=0)
        arrays[f"{PREFIX}missing"] = sums / np.maximum(known.sum(axis=0), 1)
        blocks["numbers"] = _filled(blocks["numbers"], arrays)
    limit, kept = (MAX_LINEAR, MAX_LINEAR) if purpose == "linear" else (MAX_MEDIA, MEDIA_COMPONENTS)
    reduced = []
    for i, (name, block) in enumerate(blocks.items()):
        reducible = name not in ("codes", "numbers") and (purpose == "linear" or _is_raw(name))
        reduced.append(reducible and block.shape[1] > limit)
        if reduced[-1]:
            axes = principal_axes(block, kept)
            arrays |= {f"{PREFIX}{i}.axes_mean": axes.mean, f"{PREFIX}{i}.axes": axes.directions}
            blocks[name] = axes(block)
        if purpose != "trees":
            arrays[f"{PREFIX}{i}.mean"] = blocks[name].mean(axis=0, dtype=np.float64)
            arrays[f"{PREFIX}{i}.scale"] = _scale(purpose, name, blocks[name])
    columns = tuple(block.shape[1] for block in blocks.values())
    state = FeatureState(
        purpose=purpose, blocks=tuple(blocks), columns=columns, reduced=tuple(reduced), numbers=numbers
    )
    return state, arrays, _joined(state, arrays, blocks)


def make_features(state: FeatureState, arrays: Mapping[str, Array], given: Given) -> Array:
    """The features (n, F) float32 of rows. Raises ValueError where they are of other inputs than those learned from."""
    given = replace(given, numbers={name: given.numbers[name] for name in state.numbers})
    blocks = _raw_blocks(given, state.purpose, arrays)
    if tuple(blocks) != state.blocks:
        raise ValueError("features of other inputs")
    if "numbers" in blocks:
        blocks["numbers"] = _filled(blocks["numbers"], arrays)
    for i, name in enumerate(state.blocks):
        if state.reduced[i]:
            axes = Axes(mean=arrays[f"{PREFIX}{i}.axes_mean"], directions=arrays[f"{PREFIX}{i}.axes"])
            blocks[name] = axes(blocks[name])
    features = _joined(state, arrays, blocks)
    if features.shape != (len(given), state.width):
        raise ValueError("features of other widths")
    return features


def require_features(state: FeatureState, arrays: Mapping[str, Array], inputs: Inputs) -> None:
    """Raises ValueError where the arrays are not those that the state and the inputs call for."""
    names = {PREFIX + name for name in _array_names(state, inputs)}
    if names != {name for name in arrays if name.startswith(PREFIX)}:
        raise ValueError("arrays of the features are missing or too many")
    tables = inputs["codes"].cardinalities if "codes" in inputs else ()
    for i, cardinality in enumerate(tables):
        table = arrays[f"{PREFIX}table.{i}"]
        most = MAX_CATEGORIES if state.purpose == "trees" else MAX_INDICATORS
        if (
            table.shape != (cardinality,)
            or table.dtype != np.int64
            or table.min(initial=0) < 0
            or table.max(initial=0) > most
        ):
            raise ValueError("a table of codes does not fit")
    if state.numbers and arrays[f"{PREFIX}missing"].shape != (len(state.numbers),):
        raise ValueError("what stands for missing numbers does not fit their columns")
    for i, columns in enumerate(state.columns):
        for part in ("mean", "scale") if state.purpose != "trees" else ():
            if arrays[f"{PREFIX}{i}.{part}"].shape != (columns,):
                raise ValueError("means and scales do not fit their columns")
        if state.purpose != "trees" and not (arrays[f"{PREFIX}{i}.scale"] > 0).all():
            raise ValueError("a scale is not above 0")


def _array_names(state: FeatureState, inputs: Inputs) -> Iterable[str]:
    if state.numbers:
        yield "missing"
    yield from (f"table.{i}" for i in range(len(inputs["codes"].cardinalities) if "codes" in inputs else 0))
    for i, reduced in enumerate(state.reduced):
        if state.purpose != "trees":
            yield from (f"{i}.mean", f"{i}.scale")
        if reduced:
            yield from (f"{i}.axes_mean", f"{i}.axes")


def _scale(purpose: Purpose, name: str, block: Array) -> Array:
    deviations = block.std(axis=0, dtype=np.float64)
    if purpose == "distance" and _is_raw(name):  # a dark corner stays unimportant
        deviations = np.full_like(deviations, np.sqrt(np.square(deviations).sum()))
    elif purpose == "distance":
        deviations = deviations * np.sqrt(block.shape[1])
    return np.where(deviations > 1e-8, deviations, 1.0)


def _joined(state: FeatureState, arrays: Mapping[str, Array], blocks: Mapping[str, Array]) -> Array:
    parts = list(blocks.values())
    if state.purpose != "trees":
        parts = [(part - arrays[f"{PREFIX}{i}.mean"]) / arrays[f"{PREFIX}{i}.scale"] for i, part in enumerate(parts)]
        parts = [
            part.clip(-FURTHEST, FURTHEST) if name == "numbers" else part
            for name, part in zip(blocks, parts, strict=True)
        ]
    return np.concatenate(parts, axis=1, dtype=np.float32, casting="unsafe")


def _raw_blocks(given: Given, purpose: Purpose, tables: Mapping[str, Array]) -> dict[str, Array]:
    """Blocks (n, F) by name: the numbers, the codes, and of each image, series, ... its steps and its summary."""
    blocks: dict[str, Array] = {}
    if "vector" in given.inputs:
        blocks["vector"] = np.asarray(given.arrays["vector"], dtype=np.float32)
    if "codes" in given.inputs:
        codes = given.arrays["codes"]
        of_column = [tables[f"{PREFIX}table.{i}"] for i in range(codes.shape[1])]
        places = [table[codes[:, i]] for i, table in enumerate(of_column)]
        blocks["codes"] = np.stack(places, axis=1) if purpose == "trees" else _indicators(places, of_column)
    if given.numbers:
        blocks["numbers"] = np.stack(list(given.numbers.values()), axis=1).astype(np.float64)
    for name, spec in given.inputs.items():
        if FORMS[spec.form].summarised:
            lengths = given.arrays.get(f"{name}.lengths")
            for part, block in media_features(spec, given.arrays[name], lengths).items():
                blocks[f"{name} {part}".strip()] = block
    return blocks


def _filled(numbers: Array, arrays: Mapping[str, Array]) -> Array:
    """Missing values as the mean of the training rows; that they were missing is told by another column."""
    return np.where(np.isnan(numbers), arrays[f"{PREFIX}missing"], numbers)


def _indicators(places: list[Array], tables: list[Array]) -> Array:
    columns = [place[:, None] == np.arange(int(table.max()) + 1) for place, table in zip(places, tables, strict=True)]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _is_raw(block: str) -> bool:
    """Whether a block holds pixels or steps, as against columns of a table and summaries."""
    return block not in ("vector", "numbers", "codes") and not block.endswith(" summary")


def _code_tables(problem: Problem, used: Rows, purpose: Purpose) -> list[Array]:
    """Per column of codes, a table code -> place: the codes most frequent in training, 0 for all others."""
    if "codes" not in problem.inputs:
        return []
    limit = MAX_CATEGORIES if purpose == "trees" else MAX_INDICATORS
    codes = np.asarray(problem.arrays["codes"][used])
    tables = []
    for column, cardinality in enumerate(problem.inputs["codes"].cardinalities):
        counts = np.bincount(codes[:, column], minlength=cardinality)
        kept = np.argsort(-counts, kind="stable")[:limit]
        kept = np.sort(kept[counts[kept] > 0])
        table = np.zeros(len(counts), dtype=np.int64)
        table[kept] = np.arange(1, len(kept) + 1)
        tables.append(table)
    return tables
