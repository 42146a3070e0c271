"""Interpolated modified Kneser-Ney (Chen & Goodman 1999) of any order, over numbers, with numpy alone.

An n-gram is a number: that of its first n - 1 symbols times V, plus its last symbol, looked up among those that training has. So
every position of a text has a number for each order, and a model is for each order the sorted n-grams, their discounted shares,
and what each context leaves to shorter ones. Lower orders count in how many ways an n-gram goes on to the left.

Where lines start anew, the end of a line stands for the beginning of the next, and nothing before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from netpick.types import Array

END = 2  # the number of the end of a line
FIRST_SYMBOL = 1  # 0 is no symbol
USUAL_DISCOUNTS = (0.5, 1.0, 1.5)  # of n-grams that come once, twice, more often, where a text is too small to tell
CELLS = 1 << 20  # probabilities that are worked out at a time
NONE = -1
Mixed = Callable[[Array, Array], Array]


@dataclass(frozen=True, kw_only=True)
class Order:
    """The n-grams of one length that training has."""

    keys: Array  # (m,) int64, sorted: number of the context times V, plus the symbol
    shares: Array  # (m,) float32: discounted counts as shares of their context's
    left: Array  # (contexts,) float32: what a context leaves to the next shorter one; 1 where it never was one


@dataclass(frozen=True, kw_only=True)
class Ngrams:
    """A fitted model. `orders` from the shortest on; the first has the one context 0, and what it leaves goes to all alike."""

    num_symbols: int
    restarts: bool
    orders: Sequence[Order]

    def starts(self, symbols: Array) -> Array:
        """For each place of rows (n, L) of symbols, and each length up to the longest context, the number of what ends there:
        (K - 1, n, L), NONE for what training does not have."""
        ends = np.full((max(1, len(self.orders) - 1), *symbols.shape), NONE, dtype=np.int64)
        ends[0] = np.where(symbols >= FIRST_SYMBOL, symbols, NONE)
        for length in range(1, len(self.orders) - 1):
            before = np.full(symbols.shape, NONE, dtype=np.int64)
            before[:, 1:] = ends[length - 1][:, :-1]
            if self.restarts:
                before[symbols == END] = NONE  # the end of a line begins the next
            ends[length] = find(self.orders[length].keys, before, symbols, self.num_symbols)
        return ends

    def chances(self, contexts: Array) -> Array:
        """Probabilities (n, V) float32 of what follows contexts (K - 1, n), as `starts` numbers them."""
        weight = np.ones(contexts.shape[1], dtype=np.float32)
        rows, symbols, added = [], [], []
        for length in range(len(self.orders) - 1, 0, -1):
            order, context = self.orders[length], contexts[length - 1]
            low = np.searchsorted(order.keys, context * self.num_symbols)
            high = np.searchsorted(order.keys, (context + 1) * self.num_symbols)
            counts = np.where(context == NONE, 0, high - low)
            row = np.repeat(np.arange(len(context)), counts)
            place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
            rows.append(row)
            symbols.append(order.keys[place] - context[row] * self.num_symbols)
            added.append(order.shares[place] * weight[row])
            weight = weight * np.where(context == NONE, np.float32(1), order.left[np.maximum(context, 0)])
        made = weight[:, None] * self.plain[None, :]
        for row, symbol, share in zip(rows, symbols, added, strict=True):
            made[row, symbol] += share
        return made

    @property
    def plain(self) -> Array:
        """(V,) float32: probabilities without any context."""
        order = self.orders[0]
        plain = np.zeros(self.num_symbols, dtype=np.float32)
        plain[FIRST_SYMBOL:] = order.left[0] / (self.num_symbols - FIRST_SYMBOL)
        plain[order.keys] += order.shares
        return plain

    def of_blocks(self, symbols: Array, block: int, mixed: Mixed | None = None) -> tuple[Array, Array]:
        """Log-probabilities and ranks (n, T) float64 of the last T symbols of rows (n, L); 0 where there is none.

        mixed: what becomes of probabilities (m, V) of the symbols that have these numbers among the n T ones of all blocks.
        """
        starts = self.starts(symbols)[:, :, -block - 1 : -1].reshape(max(1, len(self.orders) - 1), -1)
        following = symbols[:, -block:].reshape(-1).astype(np.int64)
        logs, ranks = np.zeros(len(following)), np.zeros(len(following))
        present = np.flatnonzero(following >= FIRST_SYMBOL)
        size = max(1, CELLS // self.num_symbols)
        for begin in range(0, len(present), size):
            part = present[begin : begin + size]
            chances = self.chances(starts[:, part])
            chances = chances if mixed is None else mixed(chances, part)
            own = np.take_along_axis(chances, following[part, None], axis=1)
            logs[part] = np.log(own[:, 0].astype(np.float64))
            ranks[part] = 1 + (chances > own).sum(axis=1)
        shape = (len(symbols), block)
        return logs.reshape(shape), ranks.reshape(shape)


def find(keys: Array, before: Array, symbols: Array, num_symbols: int) -> Array:
    """The numbers of n-grams among the sorted keys; NONE for those that are not there, or whose beginning is not."""
    wanted = np.where(before == NONE, NONE, before * num_symbols + symbols)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[place] == wanted) & (before != NONE), place, NONE)


def fit_ngrams(symbols: Array, num_symbols: int, order: int, *, restarts: bool) -> Ngrams:
    """Learns from a text (N,) of symbols, which begins behind the end of a line."""
    text = np.concatenate([[END], symbols.astype(np.int64)])
    grams = [text]  # of each length, the number of what ends at each place as the symbol that came
    as_context = text  # the same as what goes before: the end of a line begins the next
    counted: list[tuple[Array, Array, Array]] = []  # of each length: keys, number at each place, its first place
    keys = np.arange(num_symbols, dtype=np.int64)
    came = np.arange(1, len(text))
    counted.append((keys, text, came))
    for _ in range(1, order):
        before = np.full(len(text), NONE, dtype=np.int64)
        before[1:] = as_context[:-1]
        whole = np.where(before == NONE, NONE, before * num_symbols + text)
        places = np.flatnonzero(whole != NONE)
        if not len(places):
            break
        keys, numbers = np.unique(whole[places], return_inverse=True)
        ends = np.full(len(text), NONE, dtype=np.int64)
        ends[places] = numbers
        grams.append(ends)
        counted.append((keys, ends, places))
        as_context = np.where(text == END, NONE, ends) if restarts else ends
    return Ngrams(
        num_symbols=num_symbols,
        restarts=restarts,
        orders=[_order(counted, length, num_symbols) for length in range(len(counted))],
    )


def _order(counted: Sequence[tuple[Array, Array, Array]], length: int, num_symbols: int) -> Order:
    """The shares of one length: of counts for the longest, of ways to go on to the left for the others."""
    keys, ends, places = counted[length]
    counts = np.bincount(ends[places], minlength=len(keys))
    if length + 1 < len(counted):
        _, longer_ends, longer_places = counted[length + 1]
        inner = longer_places[np.unique(longer_ends[longer_places], return_index=True)[1]]
        outer = np.setdiff1d(places, longer_places, assume_unique=True)  # nothing goes before them
        counts = np.bincount(ends[inner], minlength=len(keys)) + np.bincount(ends[outer], minlength=len(keys))
    if length == 0:
        found = np.flatnonzero(counts)
        keys, counts, contexts, number = found.astype(np.int64), counts[found], np.zeros(len(found), np.int64), 1
    else:
        contexts, number = keys // num_symbols, len(counted[length - 1][0])
    discounts = np.array(_discounts(counts))[np.minimum(counts, 3) - 1]
    totals = np.bincount(contexts, counts, number)
    kept = np.bincount(contexts, discounts, number)
    left = np.divide(kept, totals, out=np.ones(number), where=totals > 0)
    shares = (counts - discounts) / totals[contexts]
    return Order(keys=keys, shares=shares.astype(np.float32), left=left.astype(np.float32))


def _discounts(counts: Array) -> tuple[float, float, float]:
    """What n-grams that come once, twice and more often give away (Chen & Goodman 1999)."""
    once, twice, thrice, four = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (once and twice and thrice and four):
        return USUAL_DISCOUNTS
    part = once / (once + 2 * twice)
    found = (1 - 2 * part * twice / once, 2 - 3 * part * thrice / twice, 3 - 4 * part * four / thrice)
    if any(not 0 < discount < times for times, discount in enumerate(found, start=1)):
        return USUAL_DISCOUNTS
    return found
