"""The baselines of a text that goes on: how often each symbol comes, and Kneser-Ney, which a network has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.tasks.text.ngrams import Ngrams, Order, fit_ngrams
from netpick.types import STRICT, Array, Inputs, InputSpec

LONGEST = 10  # symbols of an n-gram
OF_WORDS, OF_CHARACTERS = 5, 8  # what an n-gram takes in: five words, or eight characters
FEW_SYMBOLS = 1_000  # different ones; so few are characters or bytes
MOST_LEARNED = 30_000_000  # symbols
PARTS = ("keys", "shares", "left")
ROUNDED = 1e-3  # that shares of a context may miss 1 by


@strict_dataclass(config=STRICT, kw_only=True)
class NgramState:
    """How many symbols there are, how long n-grams are, and whether lines start anew."""

    symbols: int = Field(ge=3, le=1 << 20)
    order: int = Field(ge=1, le=LONGEST)
    restarts: bool
    block: int = Field(ge=1, le=1 << 24)


class OfText(Baseline):
    """N-grams of some length."""

    State: ClassVar[type] = NgramState

    def applies(self, problem: Problem) -> bool:
        return "stream" in problem.inputs

    def order(self, spec: InputSpec) -> int:
        """How long its n-grams are."""
        raise NotImplementedError

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        spec = stream_of(problem.inputs)
        _, block, restarts = spec.ahead
        rows = rows_of(problem, MOST_LEARNED // block if decided is None else decided.rows)
        text = text_in(problem, rows)
        state = NgramState(symbols=spec.cardinalities[0], order=self.order(spec), restarts=bool(restarts), block=block)
        made = fit_ngrams(text, state.symbols, state.order, restarts=state.restarts)
        full = len(rows) == len(problem.train)
        return Fitted(
            baseline=self.name,
            state=state,
            arrays=dict(ngram_arrays(made)),
            decision=Decision(rows=len(rows), iterations=len(made.orders), full=full),
            remark="" if full else f"on the last {len(text):,} symbols",
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, 2 T): log-probabilities of what came, then their ranks."""
        logs, ranks = ngrams_of(fitted).of_blocks(given.arrays["stream"], fitted.state.block)
        return np.concatenate([logs, ranks], axis=1)

    def following(self, fitted: Fitted, symbols: Array) -> Array:
        made = ngrams_of(fitted)
        return made.chances(made.starts(symbols)[:, :, -1])

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        spec, state = stream_of(inputs), fitted.state
        if (state.symbols, state.block, int(state.restarts)) != (spec.cardinalities[0], spec.ahead[1], spec.ahead[2]):
            raise ValueError("the state is not that of such a text")
        require_ngrams(fitted.arrays, state.order, state.symbols)


class Unigram(OfText):
    """How often each symbol comes, whatever went before."""

    name = "unigram"
    definition = "Says of every symbol how often it comes, whatever went before."
    costs_time = False

    def order(self, spec: InputSpec) -> int:
        return 1


class KneserNey(OfText):
    """Interpolated modified Kneser-Ney: what came after the same few symbols, mixed with what came after fewer."""

    name = "kneser-ney"
    holds_rows = True  # n-grams are pieces of the text
    definition = "Counts what came after the last few symbols, and mixes it with what came after fewer of them (interpolated modified Kneser-Ney)."

    def order(self, spec: InputSpec) -> int:
        return OF_CHARACTERS if spec.cardinalities[0] < FEW_SYMBOLS else OF_WORDS


def rows_of(problem: Problem, most: int) -> Array:
    """The last rows to learn from, in the order of the text."""
    return np.sort(problem.train)[-most:]


def text_in(problem: Problem, rows: Array) -> Array:
    """The symbols of these rows, one after another."""
    block = stream_of(problem.inputs).ahead[1]
    text = np.asarray(problem.arrays["stream"][rows])[:, -block:].ravel()
    return text[text > 0]


def stream_of(inputs: Inputs) -> InputSpec:
    """The text among the inputs. Raises ValueError where there is none."""
    if "stream" not in inputs or len(inputs["stream"].ahead) != 3:
        raise ValueError("an input of a text")
    return inputs["stream"]


def ngrams_of(fitted: Fitted, restarts: bool | None = None) -> Ngrams:
    """The n-grams of a fitted baseline, put together once. restarts: where its state does not say it."""
    if "ngrams" not in fitted.cache:
        state = fitted.state
        anew = state.restarts if restarts is None else restarts
        orders = [
            Order(**{part: fitted.arrays[f"{part}{length}"] for part in PARTS})
            for length in range(len(fitted.arrays) // len(PARTS))
        ]
        fitted.cache["ngrams"] = Ngrams(num_symbols=state.symbols, restarts=anew, orders=orders)
    made: Ngrams = fitted.cache["ngrams"]
    return made


def ngram_arrays(made: Ngrams) -> Mapping[str, Array]:
    """N-grams as named arrays."""
    return {
        f"{part}{length}": array
        for length, order in enumerate(made.orders)
        for part, array in zip(PARTS, (order.keys, order.shares, order.left), strict=True)
    }


def require_ngrams(arrays: Mapping[str, Array], order: int, symbols: int) -> None:
    """Raises ValueError where arrays are no n-grams of up to that length."""
    lengths = len(arrays) // len(PARTS)
    if not 1 <= lengths <= order or set(arrays) != {f"{p}{n}" for p in PARTS for n in range(lengths)}:
        raise ValueError("arrays that this baseline does not have")
    contexts = 1
    for length in range(lengths):
        contexts = _required(arrays, length, contexts, symbols)


def _required(arrays: Mapping[str, Array], length: int, contexts: int, symbols: int) -> int:
    """Raises ValueError where the n-grams of a length are none; how many contexts the next length has."""
    keys, shares, left = (arrays[f"{part}{length}"] for part in PARTS)
    if keys.dtype != np.int64 or shares.dtype != np.float32 or left.dtype != np.float32:
        raise ValueError("n-grams of other types")
    if keys.ndim != 1 or not len(keys) or shares.shape != keys.shape or left.shape != (contexts,):
        raise ValueError("n-grams whose parts do not fit together")
    if (np.diff(keys) <= 0).any() or keys[0] < 0 or keys[-1] >= contexts * symbols:
        raise ValueError("n-grams out of order or range")
    of_context = np.bincount(keys // symbols if length else np.zeros(len(keys), np.int64), shares, contexts)
    if not ((shares >= 0).all() and (left > 0).all() and (np.abs(of_context + left - 1) <= ROUNDED).all()):
        raise ValueError("shares that are none")  # nothing can be impossible, and all together is certain
    return symbols if length == 0 else len(keys)
