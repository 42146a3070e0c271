"""The linear baseline of tags: logistic regression on what a few words around a token are, how they begin and end, and their shapes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, grow
from netpick.models.baselines.linear_model import BIAS, WEIGHTS, LinearWork, require_linear
from netpick.models.baselines.outputs import ONE_CLASS, Outputs, from_scores
from netpick.models.baselines.tag_words import known_of, tokens_of, words_of
from netpick.types import STRICT, Array, Inputs, InputSpec

AROUND = 2  # words on each side that are looked at
# Facts about them (columns/kinds/sentence.py): lower case, the last two and three letters, shape.
NEIGHBOURS = (1, 5, 6, 8)
PENALTY = 1.0
SIZES = Sizes(start=500, measured=5, enough=30, most=200)


@strict_dataclass(config=STRICT, kw_only=True)
class TagLinearState:
    """How far it looks, and what the weights are for."""

    around: int = Field(ge=0, le=32)
    outputs: Outputs


class _Work(LinearWork):
    def __init__(self, problem: Problem, limit: int) -> None:
        used = sample_rows(problem, limit)
        spec = words_of(problem.inputs)
        _, tags = tokens_of(problem, used, spec.shape[0])
        arrays = {name: np.asarray(problem.arrays[name][used]) for name in ("words", "words.lengths")}
        known = (problem.target[used] >= 0) & (problem.target[used] < problem.num_classes)
        self.of = Outputs(task=ONE_CLASS, num=problem.num_classes, classes=tuple(np.unique(tags).tolist()))
        place = np.searchsorted(np.asarray(self.of.classes), tags)
        targets = place[:, None].astype(np.float64) if self.of.num_scores == 1 else np.eye(len(self.of.classes))[place]
        super().__init__(_sparse(columns_of(arrays, spec, AROUND)[known], spec, AROUND), targets, self.of, PENALTY)


class TagLinear(Baseline):
    """A sum of weights of what stands in a window of words."""

    name = "linear of a window"
    definition = "Logistic regression on the words around each token, their beginnings and endings, and their shapes."
    State: ClassVar[type[Any]] = TagLinearState

    def applies(self, problem: Problem) -> bool:
        return problem.answer.each_token

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda rows: _Work(problem, rows), decided)
        return Fitted(
            baseline=self.name,
            state=TagLinearState(around=AROUND, outputs=work.of),
            arrays=work.arrays,
            decision=decision,
            remark=describe(decision, total, work.finished, SIZES.enough),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, T, K) probabilities, zeros where there is no token."""
        state: TagLinearState = fitted.state
        spec, known = words_of(given.inputs), known_of(given.arrays)
        made = np.zeros((*known.shape, state.outputs.num))
        if known.any():
            columns = columns_of(given.arrays, spec, state.around)[known]
            scores = _sparse(columns, spec, state.around) @ fitted.arrays[WEIGHTS].astype(np.float64)
            made[known] = from_scores(np.asarray(scores) + fitted.arrays[BIAS], state.outputs)
        return made

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: TagLinearState = fitted.state
        if state.outputs.num != num_outputs or not state.outputs.one_class:
            raise ValueError("the state is not that of such tags")
        spec = words_of(inputs)
        require_linear(fitted.arrays, state.outputs, width_of(spec, state.around))


def places_of(spec: InputSpec, around: int) -> list[tuple[int, int]]:
    """What is looked at: (words to the right, which fact). Of the word itself all, of neighbours less, of those further off the least."""
    facts = spec.ahead[1]
    of_neighbours = [fact for fact in NEIGHBOURS if fact < facts]
    return [
        (place, fact)
        for place in range(-around, around + 1)
        for fact in (range(facts) if place == 0 else of_neighbours if abs(place) == 1 else of_neighbours[:1])
    ]


def width_of(spec: InputSpec, around: int) -> int:
    """How many values all that is looked at can have, together."""
    return sum(spec.cardinalities[fact] for _, fact in places_of(spec, around))


def columns_of(arrays: Any, spec: InputSpec, around: int) -> Array:
    """(n, T, C) numbers of what holds of each token's window, of all values of all that is looked at: the first of a fact's stands for no
    word at that place."""
    known = known_of(arrays)
    codes = np.where(known[..., None], arrays["words"][..., : spec.ahead[1]], 0).astype(np.int64)
    padded = np.pad(codes, ((0, 0), (around, around), (0, 0)))
    steps, start, parts = codes.shape[1], 0, []
    for place, fact in places_of(spec, around):
        parts.append(padded[:, around + place : around + place + steps, fact] + start)
        start += spec.cardinalities[fact]
    return np.stack(parts, axis=2)


def _sparse(columns: Array, spec: InputSpec, around: int) -> Any:
    """Ones at these columns (N, C), as a matrix of rows."""
    from scipy import sparse

    count, held = columns.shape
    ends = np.arange(0, count * held + 1, held)
    return sparse.csr_matrix((np.ones(count * held), columns.ravel(), ends), shape=(count, width_of(spec, around)))
