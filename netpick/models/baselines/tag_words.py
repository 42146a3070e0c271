"""The baseline of tags that looks at the word alone: the tag that it most often had in training."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.types import STRICT, Array, Inputs, InputSpec

TINY = 1e-6
LOWER = 1  # which fact about a word is the word in lower case (columns/kinds/sentence.py)
UNKNOWN = 1
SHARES = "shares"


@strict_dataclass(config=STRICT, kw_only=True)
class WordTagState:
    """Nothing but the array of shares."""


class WordTags(Baseline):
    """How often each word had each tag; of words that training did not have, how often those that came once had it."""

    name = "majority tag"
    definition = "Says for each word the tag that it most often had in training, and for unknown words that of words that came once."
    State: ClassVar[type[Any]] = WordTagState
    costs_time = False

    def applies(self, problem: Problem) -> bool:
        return problem.answer.each_token

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        spec, rows = words_of(problem.inputs), np.sort(problem.train)
        codes, tags = tokens_of(problem, rows, spec.shape[0])
        words = codes[:, LOWER]
        counts = np.zeros((spec.cardinalities[LOWER], problem.num_classes))
        np.add.at(counts, (words, tags), 1.0)
        once = counts.sum(axis=1) == 1
        counts[UNKNOWN] += counts[once].sum(axis=0)
        overall = counts.sum(axis=0) + TINY
        counts[counts.sum(axis=1) == 0] = overall
        shares = np.maximum(counts / counts.sum(axis=1, keepdims=True), TINY)
        return Fitted(
            baseline=self.name,
            state=WordTagState(),
            arrays={SHARES: shares.astype(np.float32)},
            decision=Decision(rows=len(rows), iterations=1, full=True),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, T, K) shares, zeros where there is no token."""
        codes = given.arrays["words"]
        shares = fitted.arrays[SHARES][codes[..., LOWER]].astype(np.float64)
        return normalised(shares, known_of(given.arrays))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        shares = fitted.arrays[SHARES]
        if shares.shape != (words_of(inputs).cardinalities[LOWER], num_outputs) or shares.dtype != np.float32:
            raise ValueError("shares that do not fit the words and tags")
        if not ((shares > 0) & (shares <= 1)).all():
            raise ValueError("shares that are none")


def words_of(inputs: Inputs) -> InputSpec:
    """The words among the inputs. Raises ValueError where there are none."""
    if "words" not in inputs or len(inputs["words"].ahead) != 2:
        raise ValueError("an input of words")
    return inputs["words"]


def known_of(arrays: Any) -> Array:
    """(n, T) where there is a token."""
    steps = np.arange(arrays["words"].shape[1])
    return np.asarray(steps[None, :] < np.asarray(arrays["words.lengths"])[:, None])


def tokens_of(problem: Problem, rows: Array, steps: int) -> tuple[Array, Array]:
    """The codes (N, K + L) and tags (N,) of all tokens of these rows whose tag is known."""
    tags = problem.target[rows][:, :steps]
    known = (tags >= 0) & (tags < problem.num_classes)
    return np.asarray(problem.arrays["words"][rows])[known], tags[known]


def normalised(shares: Array, known: Array) -> Array:
    """Shares (n, T, K) that sum to 1 for each token, and are 0 where there is none."""
    return np.asarray(shares / shares.sum(axis=2, keepdims=True) * known[..., None])
