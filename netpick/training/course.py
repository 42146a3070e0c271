"""The course of one training: which steps come next, at which learning rate, on how many threads.

The clock steers: a training owns a share of seconds, its learning rate is a function of the fraction of the share that is
used (budgeted training, Li et al. 2020), and how many steps are still to come is decided anew every few hundredths of the
share, from the pace that was measured. The record decides: each decision is a `Segment`, kept before it is carried out, so
that a resumed or replayed training takes the same steps at the same rates, whatever the clock says then.

Pure logic: no torch, no files. Segments leave through `Record.keep`; train.py carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.training.clock import Clock, contested
from netpick.types import STRICT

MOST_EVALUATIONS = 20
EVALUATION_SHARE = 0.12  # of the time that scoring the validation rows may take
PART = 1 / 6  # of the time that is left, which the next segment takes
SHORTEST, LONGEST = 1 / 60, 1 / 20  # of the whole share, the same
LATE, LATE_SHARE = (
    2.5,
    0.03,
)  # a segment is cut short when it takes so many times what was expected, and so much of the share
CLOSING = 0.05  # of the steps so far, in which the rate falls to nothing when the time is suddenly over
FEWEST_CLOSING = 3
EXPLORE = 8  # every so many segments another number of threads is tried
EXPLORE_UNTIL = 0.8  # of the course
HOPELESS = 4.0  # times as slow as the best one: not tried the next time
TRIAL = 1 / 100  # of the share, that trying takes
HALF, BRANCH = 0.45, 0.09  # of the course: where a branch is annealed, and how long it is in parts of the steps so far
FEWEST_BRANCH_STEPS = 60  # before it; fewer have nothing to tell


@strict_dataclass(config=STRICT, kw_only=True)
class Segment:
    """Steps `step` to `until` (not included). The schedule's fraction goes from `begin` to `end`, which it would have at step
    `planned`: later than `until` where the segment was cut short.

    look: the validation rows are scored afterwards. branch: the rate falls to nothing over these steps, the validation rows are
    scored, and training goes on from `step` as if they had not been: what was learned by then.
    """

    step: int = Field(ge=0)
    until: int = Field(ge=1)
    planned: int = Field(ge=1)
    begin: float = Field(ge=0, le=1)
    end: float = Field(ge=0, le=1)
    threads: int = Field(ge=1, le=4096)
    look: bool = True
    branch: bool = False

    def fraction(self, step: int) -> float:
        """Of the schedule, that is used once step `step` is made."""
        return self.begin + (self.end - self.begin) * ((step + 1 - self.step) / (self.planned - self.step))

    @property
    def reached(self) -> float:
        """The schedule's fraction where the segment ends."""
        return self.fraction(self.until - 1)

    def cut(self, step: int) -> Segment:
        """The same, ended before `step`."""
        return replace(self, until=step, look=False)


def _segment(step: int, until: int, begin: float, end: float, threads: int) -> Segment:
    return Segment(step=step, until=until, planned=until, begin=begin, end=end, threads=threads)


class Course(Protocol):
    """What train.py asks."""

    @property
    def threads(self) -> int:
        """The number that is fastest, as far as is known now."""

    @property
    def steps(self) -> int:
        """Steps in all, as far as is known now."""

    @property
    def used(self) -> float:
        """Seconds of the share that are used."""

    def taken_up(self, used: float) -> None:
        """Training goes on from a checkpoint, before which so many seconds of the share were used."""

    def next(self, step: int, *, branched: bool) -> Segment | None:
        """The segment that holds `step`; None when training is over. branched: the branch was had."""

    def late(self, step: int) -> bool:
        """Asked after every step of a segment but its last: whether it ends here, before `step`."""

    def stepped(self, step: int) -> None:
        """The segment's steps are made; what follows is scoring."""


@dataclass(frozen=True, kw_only=True)
class FixedCourse:
    """So many steps, scored so many times: nothing depends on a clock."""

    steps: int
    evaluations: int
    threads: int = 1
    pause: int | None = None  # the step before which it ends for now

    @property
    def used(self) -> float:
        """See Course."""
        return 0.0

    def taken_up(self, used: float) -> None:
        """See Course."""

    def next(self, step: int, *, branched: bool) -> Segment | None:
        """See Course."""
        if step >= (self.steps if self.pause is None else min(self.pause, self.steps)):
            return None
        marks = [round(self.steps * count / self.evaluations) for count in range(self.evaluations + 1)]
        until = next(mark for mark in marks if mark > step)
        first = max(mark for mark in marks if mark <= step)
        return _segment(first, until, first / self.steps, until / self.steps, self.threads)

    def late(self, step: int) -> bool:
        """See Course."""
        return False

    def stepped(self, step: int) -> None:
        """See Course."""


@dataclass
class Record:
    """What was decided, in order. `keep` is told each segment before it is carried out, and each cut: (segment, replaced)."""

    segments: list[Segment] = field(default_factory=list)
    keep: Callable[[Segment, bool], None] = field(default=lambda segment, replaced: None)
    whole: bool = False  # replayed: nothing is added

    def at(self, step: int, *, branched: bool) -> Segment | None:
        """The decided segment that holds `step`; a branch at `step` comes first."""
        for segment in self.segments:
            if segment.branch:
                if segment.step == step and not branched:
                    return segment
            elif segment.step <= step < segment.until:
                return segment
        return None

    @property
    def fraction(self) -> float:
        """Of the schedule, that is used at the end of what was decided."""
        return max((s.reached for s in self.segments if not s.branch), default=0.0)

    @property
    def over(self) -> bool:
        """Whether the schedule is at its end."""
        return self.fraction > 1 - 1e-9

    def add(self, segment: Segment) -> None:
        self.keep(segment, False)
        self.segments.append(segment)

    def cut(self, step: int) -> None:
        """The last segment ends before `step`; a branch that is cut counts for nothing."""
        segment = self.segments.pop()
        ended = segment.cut(step)
        self.keep(ended, True)
        self.segments.append(ended)


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one training may use."""

    seconds: float
    most_steps: int  # more do not repay themselves
    step_seconds: dict[int, float]  # by number of threads, as probed
    evaluation_seconds: float
    threads: Sequence[int] = ()  # further numbers that may be tried
    branch: bool = True  # measure what the second half brings


class ClockCourse:
    """A share of the clock as segments: the record first, and where it ends, decisions by the pace."""

    def __init__(
        self, share: Share, clock: Clock, record: Record, contested: Callable[[int], bool] = contested
    ) -> None:
        self.share, self.clock, self.record, self.contested = share, clock, record, contested
        self.started = clock.seconds()
        self._paces = dict(share.step_seconds)
        self._evaluation_seconds = share.evaluation_seconds
        self._segment: Segment | None = None
        self._begun = self._over = self.started
        self._count = 0
        self._last_evaluation = 0.0

    @property
    def steps(self) -> int:
        """See Course."""
        last = max((s.until for s in self.record.segments if not s.branch), default=0)
        if self.record.whole or self.record.over:
            return last
        left = self.share.seconds - (self._begun - self.started)
        return max(last, min(self.share.most_steps, last + int(max(0.0, left) / min(self._paces.values()))))

    @property
    def used(self) -> float:
        """See Course."""
        return max(0.0, self.clock.watched() - self.started)

    def taken_up(self, used: float) -> None:
        """See Course."""
        self.clock.set(self.started + used)

    def next(self, step: int, *, branched: bool) -> Segment | None:
        """See Course."""
        now = self.clock.watched()
        self._measure_evaluation(now)
        segment = self.record.at(step, branched=branched)
        if segment is None:
            if self.record.whole or self.record.over or step >= self.share.most_steps:
                return None
            segment = self._decide(step, now, branched=branched)
            self.record.add(segment)
        self._segment, self._begun, self._first = segment, now, max(step, segment.step)
        self._count += 1
        if segment.look and not segment.branch:
            self._last_evaluation = segment.reached
        return segment

    def late(self, step: int) -> bool:
        """See Course."""
        segment = self._segment
        if segment is None or self.record.whole or segment is not self.record.segments[-1]:
            return False
        expected = (segment.until - self._first) * self._pace(segment.threads)
        taken = self.clock.watched() - self._begun
        if taken <= LATE * expected or taken <= expected + LATE_SHARE * self.share.seconds:
            return False
        self.record.cut(step)
        self._segment = self.record.segments[-1]
        return True

    def stepped(self, step: int) -> None:
        """See Course."""
        self._over = self.clock.watched()
        if self._segment is not None and step > self._first:
            pace = (self._over - self._begun) / (step - self._first)
            before = self._paces.get(self._segment.threads, pace)
            self._paces[self._segment.threads] = max(1e-6, 0.5 * (before + pace))

    def _measure_evaluation(self, now: float) -> None:
        if self._segment is not None and self._segment.look and self._over > self._begun:
            self._evaluation_seconds = 0.5 * (self._evaluation_seconds + now - self._over)

    def _decide(self, step: int, now: float, *, branched: bool) -> Segment:
        fraction, share = self.record.fraction, self.share
        threads = self._threads(fraction)
        pace = self._pace(threads)
        left = share.seconds - (now - self.started)
        if self._branches(step, fraction, left, pace, branched=branched):
            until = step + max(10, round(BRANCH * step))
            return replace(_segment(step, until, fraction, fraction, threads), branch=True)
        distance = self._evaluation_distance()
        usable = left - self._evaluation_seconds * max(1.0, (1 - fraction) / distance)
        to_come = min(usable / pace, float(share.most_steps - step))
        if to_come < FEWEST_CLOSING:  # over: what is left of the schedule in a few steps
            closing = max(FEWEST_CLOSING, round(CLOSING * step * (1 - fraction)))
            until = step + max(1, min(closing, share.most_steps - step))
            return _segment(step, until, fraction, 1.0, threads)
        seconds = min(max(PART * usable, SHORTEST * share.seconds), LONGEST * share.seconds)
        if threads != self.threads:
            seconds = TRIAL * share.seconds
        count = max(1, round(seconds / pace))
        if count >= 0.6 * to_come:
            until = step + max(1, round(to_come))
            return _segment(step, until, fraction, 1.0, threads)
        end = fraction + (1 - fraction) * count / to_come
        look = end - self._last_evaluation >= distance
        return replace(_segment(step, step + count, fraction, end, threads), look=look)

    def _branches(self, step: int, fraction: float, left: float, pace: float, *, branched: bool) -> bool:
        """Whether it is time for the branch, and the time for it is there."""
        if branched or not self.share.branch or not HALF <= fraction <= HALF + 0.2 or step < FEWEST_BRANCH_STEPS:
            return False
        return BRANCH * step * pace + self._evaluation_seconds < 0.25 * left

    def _evaluation_distance(self) -> float:
        """Of the course from one scoring to the next."""
        affordable = EVALUATION_SHARE * self.share.seconds / max(self._evaluation_seconds, 1e-6)
        return 1 / min(MOST_EVALUATIONS, max(2.0, affordable))

    @property
    def threads(self) -> int:
        """The number with the best pace so far."""
        return min(self._paces, key=lambda threads: self._paces[threads])

    def _pace(self, threads: int) -> float:
        """As measured; of what was not tried, that of the best one."""
        return self._paces.get(threads, self._paces[self.threads])

    def _threads(self, fraction: float) -> int:
        """The number with the best pace; now and then another, since machines get busy and quiet again."""
        best = self.threads
        others = sorted({*self._paces, *self.share.threads} - {best})
        if not others or self._count % EXPLORE != EXPLORE - 1 or fraction > EXPLORE_UNTIL:
            return best
        other = others[(self._count // EXPLORE) % len(others)]
        if self._pace(other) >= HOPELESS * self._paces[best]:
            self._paces[other] *= 0.5  # it may have been a bad moment
            return best
        return best if self.contested(other) else other


def thread_choices(most: int) -> Sequence[int]:
    """One, half and all of the cores."""
    return sorted({1, max(1, most // 2), most})
