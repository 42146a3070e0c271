"""The baselines of rows that are made up: the real rows themselves, columns by themselves, and a Gaussian copula.

All draw codes and places of cells (columns/discrete.py) as networks' rows have them.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.types import STRICT, Array, Inputs

LEAST_EIGENVALUE = 1e-6


@dataclass(config=STRICT, kw_only=True)
class MadeState:
    """How many columns a row has."""

    columns: int = Field(ge=1, le=500)


class OfRows(Baseline):
    """A baseline that makes up rows."""

    State = MadeState
    real: ClassVar[bool] = False  # its rows are those that were learned from, drawn again

    def applies(self, problem: Problem) -> bool:
        return problem.answer.made_up and "record" in problem.inputs

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, 1) zeros: nothing is said of a row."""
        return np.zeros((len(given), 1))

    @abstractmethod
    def draw(self, fitted: Fitted, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """New rows: codes (count, K) int32 and places (count, K)."""

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        if "record" not in inputs or fitted.state.columns != inputs["record"].shape[0]:
            raise ValueError("rows of another number of columns")


class RealRows(OfRows):
    """The rows that were learned from: what made-up rows are measured by, and no generator."""

    name = "real rows"
    definition = "The training rows themselves: what made-up rows can hardly surpass. It makes nothing up, so that it is never recommended."
    costs_time = False
    holds_rows = True
    real = True

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        codes, places = rows_of(problem)
        return made(self.name, codes.shape[1], len(codes), {"codes": codes, "places": places})

    def draw(self, fitted: Fitted, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Without any drawn twice before all were drawn once."""
        codes, places = fitted.arrays["codes"], fitted.arrays["places"]
        rounds = [random.permutation(len(codes)) for _ in range(-(-count // len(codes)))]
        rows = np.concatenate(rounds)[:count]
        return codes[rows], places[rows]

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        require_rows(fitted.arrays, inputs, {"codes", "places"})


class ColumnsShuffled(OfRows):
    """Each column by itself."""

    name = "columns shuffled"
    definition = "Draws each cell from its column alone, as if no column had to do with another."
    costs_time = False

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        codes, _ = rows_of(problem)
        return made(self.name, codes.shape[1], len(codes), {"ends": ends_of(codes, problem.inputs)})

    def draw(self, fitted: Fitted, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        ends = fitted.arrays["ends"]
        at = random.random((count, ends.shape[0]))
        return from_shares(at, ends), random.random((count, ends.shape[0]))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        if set(fitted.arrays) != {"ends"}:
            raise ValueError("arrays that this baseline does not have")
        require_ends(fitted.arrays["ends"], inputs)


class GaussianCopula(OfRows):
    """Each column by its own distribution, tied by one correlation of each two (Sklar 1959; of tables: Patki et al. 2016)."""

    name = "gaussian copula"
    definition = (
        "Draws cells from their columns' own distributions, tied together by the correlation of each two columns."
    )
    costs_time = False

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        from scipy.special import ndtri

        codes, _ = rows_of(problem)
        ends = ends_of(codes, problem.inputs)
        starts = np.concatenate([np.zeros((len(ends), 1)), ends[:, :-1]], axis=1)
        middles = (starts + ends) / 2
        scores = ndtri(np.clip(np.take_along_axis(middles.T, codes, axis=0), 1e-6, 1 - 1e-6))
        scores = (scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-9)
        values, vectors = np.linalg.eigh(scores.T @ scores / len(scores))
        root = vectors * np.sqrt(np.maximum(values, LEAST_EIGENVALUE))
        root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
        return made(self.name, codes.shape[1], len(codes), {"ends": ends, "root": root})

    def draw(self, fitted: Fitted, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        from scipy.special import ndtr

        root = fitted.arrays["root"]
        at = ndtr(random.standard_normal((count, root.shape[1])) @ root.T)
        return from_shares(at, fitted.arrays["ends"]), random.random((count, len(root)))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        super().require(fitted, inputs, num_outputs)
        if set(fitted.arrays) != {"ends", "root"}:
            raise ValueError("arrays that this baseline does not have")
        require_ends(fitted.arrays["ends"], inputs)
        columns = fitted.state.columns
        if fitted.arrays["root"].shape != (columns, columns) or not np.isfinite(fitted.arrays["root"]).all():
            raise ValueError("correlations of other columns")


def rows_of(problem: Problem) -> tuple[Array, Array]:
    """Codes and places of the training rows."""
    target = problem.target[np.sort(problem.train)]
    width = (target.shape[1] - 1) // 2
    return np.ascontiguousarray(target[:, 1 : 1 + width].astype(np.int32)), np.ascontiguousarray(target[:, 1 + width :])


def made(name: str, columns: int, rows: int, arrays: dict[str, Array]) -> Fitted:
    """A full fit."""
    return Fitted(
        baseline=name,
        state=MadeState(columns=columns),
        arrays=arrays,
        decision=Decision(rows=rows, iterations=1, full=True),
    )


def ends_of(codes: Array, inputs: Inputs) -> Array:
    """(K, largest cardinality) share of the rows whose code is at most this one; 1 behind a column's last."""
    sizes = inputs["record"].cardinalities
    counts = np.stack([np.bincount(codes[:, k], minlength=max(sizes)) for k in range(len(sizes))])
    return np.asarray(np.cumsum(counts, axis=1) / len(codes))


def from_shares(at: Array, ends: Array) -> Array:
    """Codes (n, K) of shares (n, K) in 0..1: the inverse of the columns' distributions."""
    return np.stack(
        [
            np.searchsorted(ends[k], at[:, k], side="right").clip(0, np.searchsorted(ends[k], 1 - 1e-12))
            for k in range(len(ends))
        ],
        axis=1,
    ).astype(np.int32)


def require_ends(ends: Array, inputs: Inputs) -> None:
    """Raises ValueError where they are no distributions of these columns."""
    sizes = inputs["record"].cardinalities
    if ends.shape != (len(sizes), max(sizes)) or not np.isfinite(ends).all() or (np.diff(ends, axis=1) < 0).any():
        raise ValueError("distributions of other columns")
    if (np.array([row[size - 1] for row, size in zip(ends, sizes, strict=True)]) < 1 - 1e-9).any() or (
        ends > 1 + 1e-9
    ).any():
        raise ValueError("distributions of codes that the columns do not have")


def require_rows(arrays: object, inputs: Inputs, names: set[str]) -> None:
    """Raises ValueError where codes and places are none of these columns."""
    assert isinstance(arrays, dict)
    sizes = np.array(inputs["record"].cardinalities)
    if set(arrays) != names:
        raise ValueError("arrays that this baseline does not have")
    codes, places = arrays["codes"], arrays["places"]
    if (
        codes.dtype != np.int32
        or codes.ndim != 2
        or codes.shape[1] != len(sizes)
        or not len(codes)
        or places.shape != codes.shape
    ):
        raise ValueError("rows of another shape")
    if (codes < 0).any() or (codes >= sizes).any() or not ((places >= 0) & (places <= 1)).all():
        raise ValueError("codes that the columns do not have")
