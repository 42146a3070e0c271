"""Which windows are learned from, chosen on and tested: parts in time, tested from as many origins as the history allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.errors import RequestError
from netpick.tasks.forecast.timeline import Timeline
from netpick.tasks.forecast.times import read_date
from netpick.tasks.forecast.windows import Windows
from netpick.types import Rows, Split
from netpick.types.words import counted

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.15
FEW_HORIZONS = 20  # of history; below, a few horizons at the end are for testing, and one before them for choosing
ORIGINS = 10  # of test windows, where the history allows as many
MOST_TEST_VALUES = 4_000_000  # forecast values; more windows are thinned out evenly
MOST_VALIDATION = 1_000  # windows
MOST_VALIDATION_VALUES = 400_000


@dataclass(frozen=True, kw_only=True)
class Borders:
    """Positions on the grid: where validation begins, where testing begins, and where it ends."""

    validation: int
    test: int
    end: int
    every: int = 1  # steps between the origins of test windows


@dataclass(frozen=True, kw_only=True)
class BorderRequest:
    """What a window takes, and what the user said of the parts."""

    horizon: int
    context: int
    split: str | None = None  # --split
    origins: int | None = None  # --windows


def find_borders(timeline: Timeline, request: BorderRequest, end: int) -> Borders:
    """Where the parts begin, from --split or by the rule of thumb. end: behind the last known value. Raises RequestError."""
    begin = int(timeline.first.min())
    dates = _dates(timeline, request.split)
    if len(dates) >= 2:
        return Borders(validation=dates[0], test=dates[1], end=dates[2] if len(dates) == 3 else end)
    length, horizon, context = end - begin, request.horizon, request.context
    few = length < FEW_HORIZONS * horizon
    span, every = (end - dates[0], 1) if dates else _test_span(length, request)
    test = end - span
    before = test - begin
    # Enough windows to choose on, but never more than a third of what is left to learn from.
    spare = (before - context - 2 * horizon) // 2
    wanted = horizon + max(0, min(horizon - 1, spare))
    if not few:
        wanted = max(2 * horizon - 1, round(VALIDATION_SHARE * before))
    held_out = min(wanted, max(horizon, before - context - horizon))
    return Borders(validation=test - held_out, test=test, end=end, every=every)


def _test_span(length: int, request: BorderRequest) -> tuple[int, int]:
    """Steps of the test part, and steps between its origins: as many origins as were asked for, or as the history allows.

    Beyond one horizon each to learn from, to choose on and to test on, testing takes at most half of what is left.
    """
    horizon = request.horizon
    spare = max(0, length - request.context - 3 * horizon)
    if request.origins is not None:
        between = request.origins - 1
        if between > spare:
            raise RequestError(
                f"--windows {request.origins} were asked for, but beside what is learned from and chosen on the history leaves "
                f"{spare + 1}. Pass --windows {spare + 1} or less, or a shorter --horizon or --context."
            )
        every = max(1, min(horizon, (spare // 2) // max(1, between)))
        return horizon + between * every, every
    usual = round(TEST_SHARE * length) - horizon if length >= FEW_HORIZONS * horizon else 2 * horizon
    return horizon + min(max(usual, ORIGINS - 1), max(usual if length >= FEW_HORIZONS * horizon else 0, spare // 2)), 1


def _dates(timeline: Timeline, rule: str | None) -> list[int]:
    if rule is None:
        return []
    name, _, said = rule.partition(":")
    texts = [text for text in said.split(",") if text.strip()]
    if name == "time" and not texts:
        return []
    times = [int(t) if t.strip().isdigit() and timeline.step.counted else read_date(t) for t in texts]
    if name != "time" or len(texts) > 3 or any(time is None for time in times) or times != sorted(times, key=_or_zero):
        raise RequestError(
            f"A forecast is split by time, but --split {rule} was asked for. Pass --split time:DATE (testing begins there), "
            "time:DATE,DATE (choosing, then testing begin) or time:DATE,DATE,DATE (and testing ends), such as "
            "time:2017-06-26,2017-10-24."
        )
    end = int((timeline.first + timeline.lengths).max())
    grid = np.arange(int(timeline.first.min()), end)
    return [int(grid[0] + np.searchsorted(timeline.times(grid), time)) for time in times if time is not None]


def _or_zero(time: int | None) -> int:
    return time or 0


def split_windows(windows: Windows, borders: Borders, rule: str | None) -> Split:
    """The rows of each part: no horizon reaches into a later part. Raises RequestError when one would be empty."""
    timeline, state = windows.timeline, windows.state
    rows = windows.rows
    begin = timeline.positions[rows]
    end = begin + state.horizon
    train = rows[end <= borders.validation]
    validation = rows[(begin >= borders.validation) & (end <= borders.test)]
    apart = (begin - borders.test) % borders.every == 0
    test = rows[(begin >= borders.test) & (end <= borders.end) & apart]
    for part, found in (("to learn from", train), ("to choose on", validation), ("to test on", test)):
        if len(found) == 0:
            raise RequestError(
                f"No window {part} is left, but one is needed: a window takes {state.context:,} steps before and {state.horizon:,} after its "
                f"origin, and the longest series has {int(timeline.lengths.max()):,}. Pass a smaller --horizon or --context, "
                "or other dates with --split time:DATE,DATE."
            )
    values = state.horizon * len(state.targets)
    validation, _ = thinned(windows, validation, min(MOST_VALIDATION, MOST_VALIDATION_VALUES // values))
    test, every = thinned(windows, test, MOST_TEST_VALUES // values)
    starts = timeline.step.text(timeline.times(np.array([borders.validation, borders.test])))
    counts = f"{len(train):,} to learn from, {len(validation):,} to choose on, {len(test):,} to test on"
    sparse = f" (every {every}th)" if every > 1 else ""
    origins = len(np.unique(timeline.positions[test]))
    sentence = (
        f"By time: test horizons begin at {starts[1]} or later, validation horizons at {starts[0]} or later, and none reaches "
        f"into a later part. Windows of {state.context:,} steps and a horizon of {state.horizon:,}: {counts}{sparse}, from "
        f"{counted(origins, 'origin')}. Networks and trees are fitted once, before the test part, and see the history up to each origin; smoothing and the like are fitted "
        "anew on the way where their entries say so."
    )
    return Split(
        train=train,
        validation=validation,
        test=test,
        sentence=sentence,
        method="time",
        override="--split time:DATE,DATE",
    )


def learnable_before(windows: Windows, borders: Borders) -> Rows:
    """All windows whose horizons end before the test part."""
    end = windows.timeline.positions[windows.rows] + windows.state.horizon
    return windows.rows[end <= borders.test]


def thinned(windows: Windows, rows: Rows, most: int) -> tuple[Rows, int]:
    """About so many of the rows at most, evenly spread, and every how many-th that is; whole origins where series add up."""
    every = max(1, -(-len(rows) // max(1, most)))
    if windows.state.hierarchy is None:
        return rows[::every], every
    origins, at = np.unique(windows.timeline.positions[rows], return_inverse=True)
    every = min(every, len(origins))
    return rows[at % every == 0], every
