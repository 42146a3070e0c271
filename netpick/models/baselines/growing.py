"""Fits that a limit of time steers while they run: growing samples, measured costs, the best so far kept.

A full fit is made where it can be. Where it would take longer than its share, as measured on smaller samples, the largest
sample that fits is learned from. No model of cost is written down anywhere: the clock is asked, and what it decided is a
Decision, with which the same fit is made again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from netpick.models.baselines.base import Decision, Limit

SAFETY = 0.8  # of the time that is left is planned with
STEEPEST = 8  # times as many rows as were measured
FLATTEST = 0.25  # of a cost in proportion to the rows: more rows are never taken for cheaper than that
LOOK_SHARE = 0.4  # of the time, for a look at how a cost grows
WORTH_IT = 1.5  # times as many rows: less is no reason to begin again

Stop = Callable[[int, int], bool]  # (iterations so far, of the next stretch): whether to stop before it


class Work(ABC):
    """A fit on some rows that is under way."""

    iterations: int = 0
    finished: bool = False  # nothing is gained by going on
    answers_grow: ClassVar[bool] = True  # answering takes longer where more rows were learned from

    @abstractmethod
    def run(self, stop: Stop) -> None:
        """Goes on until `stop` says so, or until it has finished."""

    def answer_seconds(self, clock: Callable[[], float]) -> float:
        """Seconds that answering will take, tried on a few rows; 0 where it hardly counts."""
        return 0.0


W = TypeVar("W", bound=Work)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How a fit grows: rows to begin with, and iterations to measure, to be worth having, and at most."""

    start: int = 1_000
    measured: int = 1
    enough: int = 1
    most: int = 1


def grow(
    total: int, sizes: Sizes, limit: Limit, begin: Callable[[int], W], decided: Decision | None = None
) -> tuple[W, Decision]:
    """The work on as many of `total` rows as the limit allows, and what was decided."""
    if decided is not None or limit.seconds is None:
        count = total if decided is None else decided.rows
        work = begin(count)
        _go_on(work, sizes, decided, lambda so_far, coming: False)
    else:
        work, count = _grown(total, sizes, limit, begin)
    full = count >= total and (work.finished or work.iterations >= sizes.enough)
    if decided is not None:  # a fit that converged then ends by its count now
        full = decided.full
    return work, Decision(rows=count, iterations=work.iterations, full=full)


@dataclass(frozen=True, kw_only=True)
class _Tried(Generic[W]):
    """A sample on which a fit was begun, and measured."""

    count: int
    work: W
    measuring: float  # seconds that this took
    cost: float  # of a fit on it that is worth having, with answers that take longer the more is learned from
    pace: float  # seconds an iteration
    fixed: float  # of answers that take as long after any fit

    def fits(self, total: int, seconds: float, most: float) -> bool:
        """Whether the rest of it fits into the time that is left."""
        return self.cost - self.measuring <= self.room(most if self.count >= total else seconds)

    def room(self, seconds: float) -> float:
        """What answers leave of this time: half of it at least, since learning from fewer rows would not make them faster."""
        return seconds - min(self.fixed, seconds / 2)


def _grown(total: int, sizes: Sizes, limit: Limit, begin: Callable[[int], W]) -> tuple[W, int]:
    clock, started = limit.clock, limit.clock()
    seconds = limit.seconds or 0.0
    most = max(seconds, limit.most)
    tried = [_measured(min(total, sizes.start), sizes, clock, begin)]
    while (more := _next_count(total, tried, seconds - (clock() - started), most - (clock() - started))) > tried[
        -1
    ].count:
        tried.append(_measured(more, sizes, clock, begin))
    spent = clock() - started
    largest = next((t for t in reversed(tried) if t.fits(total, seconds - spent, most - spent)), tried[0])
    work, resumed, done = largest.work, clock(), largest.work.iterations

    def stop(so_far: int, coming: int) -> bool:
        pace = (clock() - resumed) / (so_far - done) if so_far > done else largest.pace
        allowed = most if so_far < sizes.enough and largest.count >= total else seconds
        return clock() - started + pace * coming > allowed

    _go_on(work, sizes, None, stop)
    return work, largest.count


def _measured(count: int, sizes: Sizes, clock: Callable[[], float], begin: Callable[[int], W]) -> _Tried[W]:
    started = clock()
    work = begin(count)
    prepared = clock()
    work.run(lambda so_far, coming: so_far >= sizes.measured)
    ran = clock() - prepared
    pace = ran / max(1, work.iterations)
    rest = 0.0 if work.finished else max(0, sizes.enough - work.iterations) * pace
    answers = work.answer_seconds(clock)
    return _Tried(
        count=count,
        work=work,
        measuring=clock() - started,
        cost=prepared - started + ran + rest + (answers if work.answers_grow else 0.0),
        pace=pace,
        fixed=0.0 if work.answers_grow else answers,
    )


def _next_count(total: int, tried: Sequence[_Tried[W]], seconds: float, most: float) -> int:
    """Rows to try next; those tried last where there is nothing to gain. seconds, most: that are left."""
    last = tried[-1]
    room, most = last.room(seconds), last.room(most)
    slope = last.cost / last.count  # the worst case, since whatever a fit costs beside its rows was measured too
    if len(tried) > 1:
        seen = (last.cost - tried[-2].cost) / (last.count - tried[-2].count)
        slope = max(seen, FLATTEST * slope)
    if last.cost + slope * (total - last.count) <= SAFETY * most:
        return min(total, STEEPEST * last.count)
    affordable = int(last.count + (SAFETY * room - last.cost) / max(slope, 1e-12))
    if affordable >= WORTH_IT * last.count:
        return min(affordable, STEEPEST * last.count, total)
    if len(tried) == 1 and 2 * last.measuring <= LOOK_SHARE * seconds:
        return min(2 * last.count, total)  # to see how much of the cost grows with the rows
    return last.count


def _go_on(work: Work, sizes: Sizes, decided: Decision | None, stop: Stop) -> None:
    """In two stretches, with or without a clock, so that a repeated fit goes the same way. A stretch that was run is not begun anew."""
    most = sizes.most if decided is None else decided.iterations
    measured = min(sizes.measured, most)
    if not work.finished and work.iterations < measured:
        work.run(lambda so_far, coming: so_far >= measured)
    if not work.finished and work.iterations < most:
        work.run(lambda so_far, coming: so_far >= most or stop(so_far, coming))
