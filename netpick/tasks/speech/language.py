"""What words follow each other in transcripts, and a search for the likeliest transcript that goes by it beside the sound.

A prefix beam search (Hannun et al. 2014): of each beginning of a transcript, how likely it is that it ended with a blank or with its last
symbol, step by step; n-grams of the training transcripts (Kneser-Ney) weigh each symbol that is added.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.tasks.text.levels import END, FIRST
from netpick.tasks.text.ngrams import Ngrams, Order, fit_ngrams
from netpick.types import STRICT, Array

LONGEST = {True: 3, False: 6}  # symbols of an n-gram: of words or pieces, or of characters
MOST_NGRAMS = 60_000  # that a model file holds; longer ones are left out where there are more
MOST_TEXT = 1 << 20  # letters of the packed numbers of one length
BEAM = 8  # beginnings that are kept, unless asked otherwise
POSSIBLE = -7.0  # log-probability of a symbol at a step, below which it is not looked at
SURE = math.log(0.999)  # of a blank: such a step adds nothing
LEAST = 1e-30
MOST_KNOWN = 1 << 22  # chances that a model remembers
Packed = Annotated[str, PydanticField(max_length=MOST_TEXT)]


@strict_dataclass(config=STRICT, kw_only=True)
class PackedOrder:
    """The n-grams of one length: int64 keys, float32 shares, and float32 of what contexts leave, little-endian in base64."""

    keys: Packed
    shares: Packed
    left: Packed


@strict_dataclass(config=STRICT, kw_only=True)
class Language:
    """N-grams of symbols, and how much they weigh beside what is heard."""

    orders: tuple[PackedOrder, ...] = PydanticField(min_length=1, max_length=10)
    weight: float = PydanticField(ge=0, le=10)  # of the logarithm of a symbol's chance
    bonus: float = PydanticField(ge=-10, le=10)  # for each symbol, since every one costs

    def require(self, num_symbols: int) -> None:
        """Raises ValueError for n-grams that are none of so many symbols: they may come from a forged file."""
        contexts = 1
        for length, order in enumerate(_unpacked(self.orders)):
            if not len(order.keys) or len(order.shares) != len(order.keys) or len(order.left) != contexts:
                raise ValueError("n-grams whose parts fit together")
            if (np.diff(order.keys) <= 0).any() or order.keys[0] < 0 or order.keys[-1] >= contexts * num_symbols:
                raise ValueError("n-grams in order and range")
            if not all(((part >= 0) & (part <= 1)).all() for part in (order.shares, order.left)):
                raise ValueError("shares between 0 and 1")
            contexts = num_symbols if length == 0 else len(order.keys)

    def searched(self, frames: Array, num_symbols: int, beam: int = BEAM) -> list[int]:
        """The symbols of the likeliest transcript of steps (T, V), of which so many beginnings are kept."""
        return _search(frames, beam, _model(self.orders, num_symbols), self.weight, self.bonus)


def fit_language(rows: Iterable[Sequence[int]], num_symbols: int, *, long: bool) -> Language | None:
    """N-grams of transcripts, as long as few enough of them allow; None where there is nothing to count. long: symbols are words, or nearly."""
    text = [number for row in rows for number in (*row, END)]
    if len(text) < 2:
        return None
    for length in range(LONGEST[long], 0, -1):
        made = fit_ngrams(np.array(text), num_symbols, length, restarts=True)
        if sum(len(order.keys) for order in made.orders) <= MOST_NGRAMS or length == 1:
            return Language(orders=tuple(map(_packed, made.orders)), weight=0.0, bonus=0.0)
    return None


def _packed(order: Order) -> PackedOrder:
    parts = order.keys.astype("<i8"), order.shares.astype("<f4"), order.left.astype("<f4")
    keys, shares, left = (base64.b64encode(part.tobytes()).decode() for part in parts)
    return PackedOrder(keys=keys, shares=shares, left=left)


@lru_cache(maxsize=8)
def _unpacked(orders: tuple[PackedOrder, ...]) -> tuple[Order, ...]:
    return tuple(
        Order(keys=_numbers(one.keys, "<i8"), shares=_numbers(one.shares, "<f4"), left=_numbers(one.left, "<f4"))
        for one in orders
    )


def _numbers(text: str, dtype: str) -> Array:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype)


@dataclass
class _Model:
    """Chances of what follows a beginning, looked up once."""

    ngrams: Ngrams
    known: dict[tuple[int, ...], Array] = field(default_factory=dict)

    def following(self, prefix: tuple[int, ...]) -> Array:
        """(V,) logarithms of the chances of what comes behind a beginning of a transcript."""
        reach = max(1, len(self.ngrams.orders) - 1)
        last = (END, *prefix)[-reach:]
        found = self.known.get(last)
        if found is None:
            starts = self.ngrams.starts(np.array([last], dtype=np.int64))[:, :, -1]
            found = np.log(np.maximum(self.ngrams.chances(starts)[0].astype(np.float64), LEAST))
            if len(self.known) * len(found) > MOST_KNOWN:  # a server hears beginnings without end
                self.known.clear()
            self.known[last] = found
        return found


@lru_cache(maxsize=4)
def _model(orders: tuple[PackedOrder, ...], num_symbols: int) -> _Model:
    return _Model(ngrams=Ngrams(num_symbols=num_symbols, restarts=True, orders=_unpacked(orders)))


@dataclass(slots=True)
class _Beginning:
    """A beginning of a transcript: log-probabilities that it ended with a blank and with its last symbol, and what language adds."""

    blank: float
    symbol: float
    added: float

    @property
    def heard(self) -> float:
        return _plus(self.blank, self.symbol)

    @property
    def score(self) -> float:
        return self.heard + self.added


def searched(frames: Array, beam: int) -> list[int]:
    """The symbols of the likeliest transcript of steps (T, V) by what is heard alone: all ways to lay it along the steps count."""
    return _search(frames, beam)


def _search(
    frames: Array, beam: int, model: _Model | None = None, weight: float = 0.0, bonus: float = 0.0
) -> list[int]:
    """Step by step, the best beginnings and what goes on from them; steps that are surely blank add nothing."""
    kept: dict[tuple[int, ...], _Beginning] = {(): _Beginning(0.0, -math.inf, 0.0)}
    steps = frames[frames.any(axis=1)].astype(np.float64)
    for step in steps[steps[:, 0] < SURE]:
        silent = float(step[0])
        likely = [symbol for symbol in np.flatnonzero(step > POSSIBLE).tolist() if symbol >= FIRST]
        made: dict[tuple[int, ...], _Beginning] = {}
        for prefix, one in kept.items():
            stays = _of(made, prefix, one.added)
            stays.blank = _plus(stays.blank, one.heard + silent)
            if prefix:
                stays.symbol = _plus(stays.symbol, one.symbol + float(step[prefix[-1]]))
            if not likely:
                continue
            language = model.following(prefix) if weight and model else None
            for symbol in likely:
                gain = bonus + (0.0 if language is None else weight * float(language[symbol]))
                longer = _of(made, (*prefix, symbol), one.added + gain)
                before = one.blank if prefix and symbol == prefix[-1] else one.heard
                longer.symbol = _plus(longer.symbol, before + float(step[symbol]))
        kept = dict(sorted(made.items(), key=lambda item: -item[1].score)[:beam])
    if weight and model:
        for prefix, one in kept.items():
            one.added += weight * float(model.following(prefix)[END])
    best, _ = max(kept.items(), key=lambda item: item[1].score)
    return list(best)


def _of(made: dict[tuple[int, ...], _Beginning], prefix: tuple[int, ...], added: float) -> _Beginning:
    if prefix not in made:
        made[prefix] = _Beginning(-math.inf, -math.inf, added)
    return made[prefix]


def _plus(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
