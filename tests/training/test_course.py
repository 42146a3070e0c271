"""The clock steers a training: paces that change, stalls, clocks that jump; and its record repeats it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from netpick.training.clock import WorkClock
from netpick.training.course import ClockCourse, FixedCourse, Record, Segment, Share, thread_choices
from netpick.training.optimize import rate_multiplier
from netpick.types.recipe import Recipe

Pace = Callable[[float, int, int], float]  # (seconds so far, step, threads) -> seconds of the step


@dataclass
class Scripted:
    """A clock that moves when it is told to."""

    now: float = 0.0

    def seconds(self) -> float:
        return self.now

    def watched(self) -> float:
        return self.now

    def set(self, seconds: float) -> None:
        self.now = seconds


@dataclass
class Walk:
    """What a training did: its rates by step, and the threads of each segment."""

    rates: dict[int, float] = field(default_factory=dict)
    looks: int = 0
    branches: int = 0
    segments: list[Segment] = field(default_factory=list)
    seconds: float = 0.0


def walk(course: ClockCourse, clock: Scripted, pace: Pace, look: float = 0.02) -> Walk:
    """Goes along a course as train.py does."""
    made, step, branched, began = Walk(), 0, False, clock.now
    while (segment := course.next(step, branched=branched)) is not None:
        made.segments.append(segment)
        at, late = step, False
        while at < segment.until and not late:
            if not segment.branch:
                assert at not in made.rates
                made.rates[at] = segment.fraction(at)
            clock.now += pace(clock.now - began, at, segment.threads)
            at += 1
            late = at < segment.until and course.late(at)
        course.stepped(at)
        if segment.look and not late:
            clock.now += look
            made.looks += not segment.branch
        if segment.branch:
            branched, made.branches = True, made.branches + 1
        else:
            step = at
    made.seconds = clock.now - began
    return made


def steady(seconds: float) -> Pace:
    return lambda now, step, threads: seconds


def slower_tenfold(now: float, step: int, threads: int) -> float:
    return 0.01 if now < 7 else 0.1


def faster_tenfold(now: float, step: int, threads: int) -> float:
    return 0.1 if now < 7 else 0.01


def stalls(now: float, step: int, threads: int) -> float:
    return 2.0 if step % 97 == 50 else 0.01


def busy_for_two(now: float, step: int, threads: int) -> float:
    """Alone, two threads are faster; beside a busy program some steps of theirs take very long."""
    if threads == 1:
        return 0.017
    return 0.011 if now < 6 or now > 14 else (0.8 if step % 5 == 0 else 0.022)


def share(seconds: float = 20.0, most_steps: int = 1_000_000, threads: tuple[int, ...] = (1,)) -> Share:
    return Share(
        seconds=seconds, most_steps=most_steps, step_seconds=dict.fromkeys(threads, 0.02), evaluation_seconds=0.02
    )


PACES = [steady(0.01), steady(0.3), steady(3e-4), slower_tenfold, faster_tenfold, stalls]


@pytest.mark.parametrize("pace", PACES)
def test_a_share_is_used_and_ends_annealed_whatever_the_pace_does(pace: Pace) -> None:
    clock = Scripted()
    made = walk(ClockCourse(share(), clock, Record()), clock, pace)
    assert 0.93 * 20 <= made.seconds <= 1.06 * 20
    steps = sorted(made.rates)
    assert steps == list(range(len(steps)))
    fractions = [made.rates[step] for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert rate_multiplier(Recipe(schedule="onecycle", warmup=0.2), fractions[-1]) <= 0.02
    assert made.looks >= 2


def test_a_clock_that_jumps_ends_the_training_soon_and_annealed() -> None:
    clock = Scripted()
    made = walk(ClockCourse(share(), clock, Record()), clock, lambda now, step, threads: 300.0 if step == 400 else 0.01)
    assert len(made.rates) < 500
    assert made.rates[max(made.rates)] == pytest.approx(1.0)


def test_more_steps_than_repay_themselves_are_not_made() -> None:
    clock = Scripted()
    made = walk(ClockCourse(share(most_steps=300), clock, Record()), clock, steady(0.01))
    assert len(made.rates) == 300
    assert made.rates[299] == pytest.approx(1.0)
    assert made.seconds < 6


def test_two_threads_are_left_while_they_are_slower_and_taken_up_again() -> None:
    clock = Scripted()
    made = walk(
        ClockCourse(share(threads=(1, 2)), clock, Record(), contested=lambda threads: False), clock, busy_for_two
    )
    used = [segment.threads for segment in made.segments]
    assert {1, 2} == set(used)
    assert 0.93 * 20 <= made.seconds <= 1.1 * 20
    clock = Scripted()
    alone = walk(ClockCourse(share(), clock, Record()), clock, steady(0.017))
    assert len(made.rates) > 0.95 * len(alone.rates)


def test_half_time_is_measured_once_by_a_branch_that_changes_no_step() -> None:
    clock = Scripted()
    record = Record()
    made = walk(ClockCourse(share(), clock, record), clock, steady(0.01))
    branches = [segment for segment in record.segments if segment.branch]
    assert made.branches == len(branches) == 1
    assert 0.4 <= branches[0].begin <= 0.7
    clock = Scripted()
    assert walk(ClockCourse(replace(share(), branch=False), clock, Record()), clock, steady(0.01)).branches == 0


@pytest.mark.parametrize("pace", PACES)
def test_the_record_repeats_a_training_whatever_the_clock_says(pace: Pace) -> None:
    clock, kept = Scripted(), list[tuple[Segment, bool]]()
    made = walk(ClockCourse(share(), clock, Record(keep=lambda s, replaced: kept.append((s, replaced)))), clock, pace)
    segments: list[Segment] = []
    for segment, replaced in kept:
        if replaced:
            segments.pop()
        segments.append(segment)
    clock = Scripted()
    again = walk(ClockCourse(share(), clock, Record(segments=segments, whole=True)), clock, steady(7.0))
    assert again.rates == made.rates
    assert [(s.step, s.until, s.threads, s.look) for s in again.segments] == [
        (s.step, s.until, s.threads, s.look) for s in segments
    ]


def test_a_training_that_was_killed_repeats_what_was_decided_and_then_goes_on() -> None:
    clock, kept = Scripted(), Record()
    whole = walk(ClockCourse(share(), clock, kept), clock, steady(0.01))
    half = [s for s in kept.segments if s.until <= 900]
    clock = Scripted()
    course = ClockCourse(share(), clock, Record(segments=list(half)))
    course.taken_up(9.0)
    assert clock.now == 9.0
    made = walk(course, clock, steady(0.01))  # from the first step, as if there had been no checkpoint
    last = max(s.until for s in half)
    assert all(made.rates[step] == whole.rates[step] for step in range(last))
    assert made.rates[max(made.rates)] == pytest.approx(1.0)


def test_fixed_steps_know_no_clock() -> None:
    course = FixedCourse(steps=100, evaluations=7)
    step, fractions = 0, list[float]()
    while (segment := course.next(step, branched=False)) is not None:
        fractions += [segment.fraction(at) for at in range(segment.step, segment.until)]
        assert course.next((segment.step + segment.until) // 2, branched=False) == segment
        step = segment.until
    np.testing.assert_allclose(fractions, (np.arange(100) + 1) / 100)


def test_threads_to_try() -> None:
    assert thread_choices(1) == [1]
    assert thread_choices(2) == [1, 2]
    assert thread_choices(16) == [1, 8, 16]


def test_time_in_which_the_process_did_not_run_is_no_budget() -> None:
    wall, worked = [100.0], [1.0]
    clock = WorkClock(started=100.0, read=lambda: wall[0], worked=lambda: worked[0])
    wall[0], worked[0] = 103.0, 3.5  # three seconds of work
    assert clock.watched() == pytest.approx(3.0)
    wall[0], worked[0] = 123.0, 3.51  # stopped for twenty
    assert clock.watched() == pytest.approx(3.0)
    wall[0], worked[0] = 127.0, 4.3  # beside busy programs a fifth of the time is work
    assert clock.watched() == pytest.approx(7.0)
    wall[0] = 137.0  # waiting for others, between stages
    assert clock.seconds() == pytest.approx(17.0)
    clock.set(5.0)
    wall[0] += 1.0
    assert clock.seconds() == pytest.approx(6.0)
