"""How a text is generated symbol by symbol: greedily, or by a beam whose texts are compared by their mean log-probability.

A pure function of what `Next` says: whatever engine computes that (torch, a graph in onnxruntime), the same texts come out. Three limits hold always:
a text is no longer than those of training were for a source of its length, a passage that repeats itself more often than any
did in training ends the text, and a beam has a fixed number of texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netpick.errors import RequestError
from netpick.types import Array, InputSpec, Rows

END = 2  # of a text: see tasks/text/levels
PERIODS = 4  # lengths of passages, 1 to so many symbols, whose repetitions are counted
CUT = 1e6  # that the mean log-probability of a text counts less which was cut
BEAM = 4  # texts that are followed at once, unless asked otherwise
MOST_BEAM = 32
CHOICES = 2 * BEAM  # symbols that may come next which a model says of each text at most


def require_beam(beam: int) -> None:
    """Raises RequestError for a beam that is none."""
    if not 1 <= beam <= MOST_BEAM:
        raise RequestError(
            f"A beam of {beam} cannot be followed. Pass 1 to {MOST_BEAM}: 1 takes the likeliest symbol each time, more take longer."
        )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long targets of training were, and how often passages of them were repeated.

    percent, extra: a target has at most so many hundredths of its source's symbols, and so many more. runs: for passages of 1, 2, ...
    symbols, how many symbols in a row were the same as those one passage before.
    """

    longest: int
    percent: int
    extra: int
    usual: int  # symbols of the median target
    runs: tuple[int, ...]
    beam: int = BEAM  # texts that are followed at once

    def of(self, lengths: Array) -> Array:
        """Symbols (B,) that targets may have, for sources of so many."""
        return np.asarray(np.clip(lengths * self.percent // 100 + self.extra, 1, self.longest))


def limits_of(spec: InputSpec) -> Limits:
    """Of an input of pairs."""
    _, _, longest, percent, extra, usual, *rest = spec.ahead
    runs, beam = tuple(rest[:PERIODS]), (*rest[PERIODS:], BEAM)[0]
    return Limits(longest=longest, percent=percent, extra=extra, usual=usual, runs=runs, beam=beam)


class Next(Protocol):
    """What a model says next."""

    def __call__(self, rows: Rows, parents: Rows, symbols: Array) -> tuple[Array, Array]:
        """The likeliest symbols (n, C) of n texts and their log-probabilities (n, C), the likeliest first.

        rows: (n,) which source each text is of; parents: (n,) which text of the call before it goes on from, at first its source;
        symbols: (n,) its last symbol.
        """


@dataclass(kw_only=True)
class _Texts:
    """A texts of W each that are still going on."""

    rows: Rows  # (A,) sources
    scores: Array  # (A, W) log-probabilities
    symbols: Array  # (A, W, t)
    runs: Array  # (A, W, PERIODS)
    parents: Rows  # (A * W,)

    @property
    def width(self) -> int:
        return int(self.scores.shape[1])

    def kept(self, rows: Array) -> _Texts:
        """Those of some of the sources."""
        parents = self.parents.reshape(self.scores.shape)[rows].ravel()
        return _Texts(
            rows=self.rows[rows],
            scores=self.scores[rows],
            symbols=self.symbols[rows],
            runs=self.runs[rows],
            parents=parents,
        )


class _Best:
    """The best finished text of each source."""

    def __init__(self, rows: int, longest: int) -> None:
        self.scores = np.full(rows, -np.inf)
        self.symbols = np.zeros((rows, longest), dtype=np.int32)
        self.counts = np.zeros(rows, dtype=np.int64)  # of those that ended by themselves

    def add(self, rows: Rows, scores: Array, symbols: Array, ended: Array, *, cut: bool = False) -> None:
        """Texts (A, W, t) with log-probabilities (A, W), where they ended (A, W); the end is a symbol, too. One that was cut is taken where
        none ended by itself."""
        length = symbols.shape[2]
        means = np.where(ended, scores / (length + 1) - CUT * cut, -np.inf)
        best = means.argmax(axis=1)
        means = np.take_along_axis(means, best[:, None], axis=1)[:, 0]
        better = means > self.scores[rows]
        at = rows[better]
        self.scores[at] = means[better]
        self.symbols[at] = 0
        self.symbols[at, :length] = symbols[better, best[better]]
        self.counts[rows] += 0 if cut else ended.sum(axis=1)


def decoded(following: Next, most: Array, beam: int, runs: tuple[int, ...]) -> Array:
    """Symbols (B, L) of the texts of B sources, 0 behind their ends. most: (B,) symbols of each; runs: see Limits."""
    best = _Best(len(most), int(most.max(initial=1)))
    texts = _Texts(
        rows=np.arange(len(most)),
        scores=np.zeros((len(most), 1)),
        symbols=np.zeros((len(most), 1, 0), dtype=np.int32),
        runs=np.zeros((len(most), 1, PERIODS), dtype=np.int64),
        parents=np.arange(len(most)),
    )
    while len(texts.rows):
        last = texts.symbols[:, :, -1].ravel() if texts.symbols.shape[2] else np.full(len(texts.rows), END)
        said, logs = following(np.repeat(texts.rows, texts.width), texts.parents, last)
        texts = _further(texts, said, logs, beam, best)
        stuck = (texts.runs > np.asarray(runs)).any(axis=2)
        over = texts.symbols.shape[2] >= most[texts.rows]
        best.add(texts.rows, texts.scores, texts.symbols, np.isfinite(texts.scores) & (stuck | over[:, None]), cut=True)
        texts.scores[stuck] = -np.inf
        going_on = ~over & (best.counts[texts.rows] < beam) & np.isfinite(texts.scores).any(axis=1)
        texts = texts.kept(going_on)
    length = int((best.symbols > 0).sum(axis=1).max(initial=1))
    return best.symbols[:, : max(1, length)]


def _further(texts: _Texts, said: Array, logs: Array, beam: int, best: _Best) -> _Texts:
    """The best continuations of each source's texts by one symbol; those that end among the first are put aside."""
    count, width, choices = len(texts.rows), texts.width, said.shape[1]
    totals = (texts.scores.reshape(-1, 1) + logs).reshape(count, -1)
    order = np.argsort(-totals, axis=1, kind="stable")[:, : 2 * beam]
    totals, parents = np.take_along_axis(totals, order, axis=1), order // choices
    symbols = np.take_along_axis(said.reshape(count, -1), order, axis=1)
    before = np.take_along_axis(texts.symbols, parents[:, :, None], axis=1)
    ended = (symbols == END) & np.isfinite(totals)
    best.add(texts.rows, totals[:, :beam], before[:, :beam], ended[:, :beam])
    totals = np.where(ended, -np.inf, totals)
    alive = np.argsort(-totals, axis=1, kind="stable")[:, :beam]
    scores, parents, symbols = (np.take_along_axis(part, alive, axis=1) for part in (totals, parents, symbols))
    before = np.take_along_axis(texts.symbols, parents[:, :, None], axis=1)
    runs = np.take_along_axis(texts.runs, parents[:, :, None], axis=1)
    return _Texts(
        rows=texts.rows,
        scores=scores,
        symbols=np.concatenate([before, symbols[:, :, None].astype(np.int32)], axis=2),
        runs=_counted(before, symbols, runs),
        parents=(np.arange(count)[:, None] * width + parents).ravel(),
    )


def _counted(before: Array, symbols: Array, runs: Array) -> Array:
    """For each period, how many of the last symbols in a row are the same as the one a period before."""
    counted = np.zeros_like(runs)
    for period in range(1, min(PERIODS, before.shape[2]) + 1):
        same = before[:, :, -period] == symbols
        counted[:, :, period - 1] = np.where(same, runs[:, :, period - 1] + 1, 0)
    return counted


def longest_runs(symbols: Array) -> tuple[int, ...]:
    """For passages of 1, 2, ... symbols: the most symbols in a row of any text (n, T) that are the same as those one passage before."""
    longest = []
    for period in range(1, PERIODS + 1):
        if symbols.shape[1] <= period:
            longest.append(0)
            continue
        same = (symbols[:, period:] == symbols[:, :-period]) & (symbols[:, period:] > 0)
        run, most = np.zeros(len(symbols), dtype=np.int64), 0
        for step in same.T:
            run = np.where(step, run + 1, 0)
            most = max(most, int(run.max(initial=0)))
        longest.append(most)
    return tuple(longest)
