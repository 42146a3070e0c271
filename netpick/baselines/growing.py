"""Fits that a limit of time steers while they run: growing samples, measured costs, the best so far kept.

A full fit is made where it can be. Where it would take longer than its share, as measured on smaller samples, the largest
sample that fits is learned from. No model of cost is written down anywhere: the clock is asked, and what it decided is a
Decision, with which the same fit is made again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from netpick.baselines.base import Decision, Limit

SAFETY = 0.8  # of the time that is left is planned with
STEEPEST = 8  # times as many rows as were measured, unless even twice the cost would fit
WORTH_IT = 1.5  # times as many rows: less is no reason to begin again

Stop = Callable[[int, int], bool]  # (iterations so far, of the next stretch): whether to stop before it


class Work(ABC):
    """A fit on some rows that is under way."""

    iterations: int = 0
    finished: bool = False  # nothing is gained by going on

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
    return work, Decision(rows=count, iterations=work.iterations, full=full)


def _grown(total: int, sizes: Sizes, limit: Limit, begin: Callable[[int], W]) -> tuple[W, int]:
    seconds = limit.seconds or 0.0
    clock, started = limit.clock, limit.clock()
    count = min(total, sizes.start)
    while True:
        begun = clock()
        work = begin(count)
        prepared = clock()
        work.run(lambda so_far, coming: so_far >= sizes.measured)
        measured = clock()
        cost = prepared - begun + work.answer_seconds(clock)
        if not work.finished:
            cost += (measured - prepared) * max(1.0, sizes.enough / max(1, work.iterations))
        else:
            cost += measured - prepared
        if count >= total:
            break
        more = _next_count(count, total, cost, (seconds, limit.most, clock() - started))
        if more < WORTH_IT * count and more < total:
            break
        count = more

    def stop(so_far: int, coming: int) -> bool:
        pace = (clock() - prepared) / max(1, so_far)
        allowed = limit.most if so_far < sizes.enough and count >= total else seconds
        return clock() - started + pace * coming > allowed

    _go_on(work, sizes, None, stop)
    return work, count


def _go_on(work: Work, sizes: Sizes, decided: Decision | None, stop: Stop) -> None:
    """In two stretches, with or without a clock, so that a repeated fit goes the same way."""
    most = sizes.most if decided is None else decided.iterations
    work.run(lambda so_far, coming: so_far >= min(sizes.measured, most))
    if not work.finished and work.iterations < most:
        work.run(lambda so_far, coming: so_far >= most or stop(so_far, coming))


def _next_count(count: int, total: int, cost: float, times: tuple[float, float, float]) -> int:
    """Rows to learn from next, when `count` of them cost so many seconds: a cost in proportion is the worst case here, since
    whatever a fit costs beside its rows was measured too."""
    seconds, most, spent = times
    whole = cost * total / count
    if whole <= SAFETY * (max(seconds, most) - spent) and (total <= STEEPEST * count or 2 * whole <= seconds - spent):
        return total
    affordable = int(count * max(0.0, SAFETY * (seconds - spent)) / max(cost, 1e-9))
    if affordable >= total:  # it seems to fit, but so many rows are far from what was measured
        return min(total, STEEPEST * count)
    # What fits into the time that a full fit may take is measured once more before the rows are cut.
    far = int(count * max(0.0, SAFETY * (most - spent)) / max(cost, 1e-9))
    return min(max(affordable, min(far, 2 * count) if far >= total else 0), STEEPEST * count, total)
