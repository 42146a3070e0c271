"""Kneser-Ney with a cache: what came in the text just before comes again more often than counts of all texts say (Kuhn & De Mori 1990).

The cache is of what a row holds: symbols that followed the same few symbols earlier in it, each as often as it did so. How many symbols must be
the same (none, for a cache of single words) and how much the cache weighs are chosen on the last tenth of the training text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.text_ngrams import KneserNey, NgramState, ngrams_of, rows_of, text_in
from netpick.tasks.text.ngrams import END, FIRST_SYMBOL, fit_ngrams
from netpick.types import STRICT, Array

SAME = (0, 1, 2, 4, 6)  # symbols before one that have to be the same: what is tried
MOST_SAME = 6
TENTH = 10
MOST_TRIED = 2_000  # rows that the cache is weighed on
ROUNDS = 30  # of expectation and maximisation
AT_ONCE = 1 << 22  # pairs of places that are compared at a time


@strict_dataclass(config=STRICT, kw_only=True)
class CacheState(NgramState):
    """The same, and what the cache is."""

    same: int = Field(ge=0, le=MOST_SAME)
    weight: float = Field(ge=0, lt=1)


@dataclass(frozen=True, kw_only=True)
class Cache:
    """What rows (n, L) of symbols hold of what may come again."""

    symbols: Array
    contexts: Array  # (n, L + 1) int64: the symbols before each place, and behind the last, as a number
    counted: Array  # (n, L) bool: whether the symbol may come again

    @classmethod
    def of(cls, symbols: Array, same: int, num_symbols: int) -> Cache:
        wide = np.pad(symbols.astype(np.int64), ((0, 0), (same, 0)))
        contexts = np.zeros((len(symbols), symbols.shape[1] + 1), dtype=np.int64)
        for back in range(
            same
        ):  # numbers of contexts may wrap around where symbols are many; they still tell almost all apart
            contexts = contexts * num_symbols + wide[:, back : back + contexts.shape[1]]
        return cls(symbols=symbols, contexts=contexts, counted=(symbols >= FIRST_SYMBOL) & (symbols != END))

    def earlier(self, rows: Array, places: Array) -> Array:
        """(m, L) bool: the places before each of these whose symbols followed what stands before it."""
        alike = self.contexts[rows, :-1] == self.contexts[rows, places][:, None]
        return np.asarray(alike & self.counted[rows] & (np.arange(self.symbols.shape[1]) < places[:, None]))

    def mixed(self, chances: Array, rows: Array, places: Array, weight: float) -> Array:
        """Probabilities (m, V) of what comes at these places, with those of the cache."""
        made = np.array(chances)
        for part in _parts(len(rows), self.symbols.shape[1]):
            earlier = self.earlier(rows[part], places[part])
            total = earlier.sum(axis=1)
            share = np.where(total > 0, weight, 0.0).astype(np.float32)
            made[part] *= (1 - share)[:, None]
            which, place = np.nonzero(earlier)
            came = self.symbols[rows[part][which], place]
            np.add.at(made[part], (which, came), share[which] / total[which].astype(np.float32))
        return made


def _parts(count: int, length: int) -> Iterator[slice]:
    """Places that are compared with `length` earlier ones each, so many at a time that memory is bounded."""
    size = max(1, AT_ONCE // length)
    yield from (slice(start, start + size) for start in range(0, count, size))


class KneserNeyCache(KneserNey):
    """See the module."""

    name = "kneser-ney-cache"
    definition = "Kneser-Ney, mixed with what followed the same symbols in the text just before (a cache)."
    State: ClassVar[type] = CacheState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        fitted = super().fit(problem, limit, decided)
        same, weight = self._weighed(problem, rows_of(problem, fitted.decision.rows), fitted.state)
        state = CacheState(**asdict(fitted.state), same=same, weight=weight)
        return replace(fitted, state=state)

    def answer(self, fitted: Fitted, given: Given) -> Array:
        symbols, state = given.arrays["stream"], fitted.state
        cache = Cache.of(symbols, state.same, state.symbols)
        before = symbols.shape[1] - state.block

        def mixed(chances: Array, places: Array) -> Array:
            return cache.mixed(chances, places // state.block, before + places % state.block, state.weight)

        logs, ranks = ngrams_of(fitted).of_blocks(symbols, state.block, mixed)
        return np.concatenate([logs, ranks], axis=1)

    def following(self, fitted: Fitted, symbols: Array) -> Array:
        cache = Cache.of(symbols, fitted.state.same, fitted.state.symbols)
        behind = np.full(len(symbols), symbols.shape[1])
        return cache.mixed(super().following(fitted, symbols), np.arange(len(symbols)), behind, fitted.state.weight)

    def _weighed(self, problem: Problem, rows: Array, state: NgramState) -> tuple[int, float]:
        """How many symbols have to be the same, and the weight: those of which the last tenth of the text is likeliest."""
        held = rows[-max(1, len(rows) // TENTH) :]
        if len(held) == len(rows):
            return 0, 0.0
        made = fit_ngrams(text_in(problem, rows[: -len(held)]), state.symbols, state.order, restarts=state.restarts)
        symbols = np.asarray(problem.arrays["stream"][held[:MOST_TRIED]])
        logs, _ = made.of_blocks(symbols, state.block)
        best = (float("-inf"), 0, 0.0)
        for same in SAME:
            came = recalled(Cache.of(symbols, same, state.symbols), state.block)
            known = (came >= 0) & (symbols[:, -state.block :] >= FIRST_SYMBOL)
            weight, gain = weighed(np.exp(logs[known]), came[known])
            best = max(best, (gain, same, weight))
        return best[1:]


def recalled(cache: Cache, block: int) -> Array:
    """(n, T): the cache's probability of each symbol that came in a block; -1 where the cache has nothing to say."""
    count, length = cache.symbols.shape
    flat = np.arange(count * block)
    found = np.full(len(flat), -1.0)
    for part in (flat[places] for places in _parts(len(flat), length)):
        rows, places = part // block, length - block + part % block
        earlier = cache.earlier(rows, places)
        total = earlier.sum(axis=1)
        hits = (earlier & (cache.symbols[rows] == cache.symbols[rows, places][:, None])).sum(axis=1)
        found[part] = np.where(total > 0, hits / np.maximum(total, 1), -1.0)
    return found.reshape(count, block)


def weighed(plain: Array, recalled: Array) -> tuple[float, float]:
    """The weight of the cache under which what came is likeliest, and by how much likelier it is, in nats."""
    if not len(plain):
        return 0.0, 0.0
    weight = 0.1
    for _ in range(ROUNDS):
        both = (1 - weight) * plain + weight * recalled
        weight = float(np.mean(weight * recalled / both))
    weight = round(min(weight, 0.999), 4)
    return weight, float(np.log(((1 - weight) * plain + weight * recalled) / plain).sum())
