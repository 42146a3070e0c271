"""Times as numbers on a regular grid: finding the step between them, counting steps, and naming it all.

A time is int64 microseconds since 1970 (UTC, or the clock that the data were written by). Months and working days are
steps of unequal length, so a step is more than a duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.tasks.forecast.holidays import PREFIX, is_holiday
from netpick.tasks.forecast.working_calendar import MonthRule, half_month, month_rule, weekmask_of, weekmask_words
from netpick.types import STRICT, Array

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
WEEK = 7 * DAY
MISSING = np.iinfo(np.int64).min  # a time that is missing
LEAST_REGULAR = 0.9  # share of the distances that must be whole steps before single rows are called irregular
WEEKEND_SHARE = 0.8  # of the Fridays that are followed by a Monday, before a daily series counts working days

WORKING_DAYS = "1111100"  # Monday to Friday
JITTER = 0.05  # of a step, that times may lie beside it
LEAST_COVERED = 0.8  # of the open days between the first and the last date, before steps are counted on open days

Unit = Literal["duration", "month", "half month", "weekday", "row", "year"]
Counted = Literal["", "row", "year"]  # what times count that are mere numbers; "": they are times


@dataclass(config=STRICT, kw_only=True)
class Step:
    """The distance of neighbouring times. `anchor` is one time on the grid: microseconds, or the number of a row or year.

    size: microseconds (duration), months (month), 1 (weekday), or the distance of row numbers (row) or of years (year).
    """

    unit: Unit
    size: int = Field(ge=1, le=1 << 60)
    anchor: int = Field(ge=-(1 << 60), le=1 << 60)
    month_end: bool = False  # months are counted at their last day
    rule: MonthRule | None = None  # which working day of each month
    weekmask: str = Field(default=WORKING_DAYS, pattern="^[01]{7}$")  # open days of a step of weekdays
    halves: tuple[int, int] = (1, 15)  # days of the month of a half month; 0: the last one

    def __post_init__(self) -> None:
        if "1" not in self.weekmask:
            raise ValueError("a week with a day")
        if not (1 <= self.halves[0] <= 16 and (self.halves[1] == 0 or self.halves[0] < self.halves[1] <= 28)):
            raise ValueError("two days of a month")

    @property
    def counted(self) -> bool:
        """Whether times are mere numbers, of rows or of years."""
        return self.unit in ("row", "year")

    def positions(self, times: Array) -> Array:
        """Whole steps from the anchor (n,) float64; NaN where a time lies beside the grid."""
        if self.unit == "duration" or self.counted:
            steps = (times - self.anchor) / self.size
            whole = (times - self.anchor) % self.size == 0
        elif self.unit == "month":
            months, rest = _months_and_rest(times)
            base, base_rest = _months_and_rest(np.array([self.anchor]))
            steps = (months - base) / self.size
            at_day = _is_month_end(times) if self.month_end else rest == base_rest
            whole = ((months - base) % self.size == 0) & (at_day if self.rule is None else times == times)
        elif self.unit == "half month":
            steps, whole = self._half_steps(times)
        else:
            days, rest = np.divmod(times, DAY)
            anchor_day, anchor_rest = divmod(self.anchor, DAY)
            dates = days.astype("datetime64[D]")
            steps = np.busday_count(np.datetime64(anchor_day, "D"), dates, weekmask=self.weekmask).astype(np.float64)
            whole = np.is_busday(dates, weekmask=self.weekmask) & (rest == anchor_rest)
        return np.where(whole, steps, np.nan)

    def times(self, positions: Array) -> Array:
        """The inverse of `positions`: times of whole steps from the anchor, int64 microseconds (or row numbers)."""
        positions = positions.astype(np.int64)
        if self.unit == "duration" or self.counted:
            return self.anchor + positions * self.size
        if self.unit == "weekday":
            days, rest = divmod(self.anchor, DAY)
            dates = np.busday_offset(np.datetime64(days, "D"), positions, weekmask=self.weekmask)
            return np.asarray(dates.astype("datetime64[D]").astype(np.int64) * DAY + rest)
        base, rest_of_base = _months_and_rest(np.array([self.anchor]))
        if self.unit == "half month":
            halves = base[0] * 2 + int(self._second(np.array([self.anchor]))[0]) + positions
            first = _month_starts(halves // 2) + (self.halves[0] - 1) * DAY
            last = _month_starts(halves // 2 + 1) - DAY
            second = _month_starts(halves // 2) + (self.halves[1] - 1) * DAY if self.halves[1] else last
            return np.where(halves % 2 == 0, first, second) + self.anchor % DAY
        months = base[0] + positions * self.size
        if self.rule is not None:
            return self.rule.days(months) * DAY + self.anchor % DAY
        if not self.month_end:
            return np.asarray(_month_starts(months) + rest_of_base[0])
        clock = self.anchor % DAY
        return _month_starts(months + 1) - DAY + clock

    def _half_steps(self, times: Array) -> tuple[Array, Array]:
        months, rest = _months_and_rest(times)
        base, _ = _months_and_rest(np.array([self.anchor]))
        second = self._second(times)
        day = rest // DAY + 1
        at_second = _is_month_end(times) if self.halves[1] == 0 else day == self.halves[1]
        whole = np.where(second, at_second, day == self.halves[0]) & (times % DAY == self.anchor % DAY)
        start = base[0] * 2 + int(self._second(np.array([self.anchor]))[0])
        return (months * 2 + second - start).astype(np.float64), whole

    def _second(self, times: Array) -> Array:
        """Whether times lie in the second half of their months."""
        _, rest = _months_and_rest(times)
        return np.asarray(rest // DAY + 1 > self.halves[0])

    @property
    def words(self) -> str:
        """'hourly', 'every 15 minutes', 'monthly', ..."""
        named = {HOUR: "hourly", DAY: "daily", WEEK: "weekly", MINUTE: "every minute", SECOND: "every second"}
        if self.unit == "half month":
            ordinals = [f"day {day}" if day else "the last day" for day in self.halves]
            return f"twice a month ({' and '.join(ordinals)})"
        if self.unit == "month" and self.rule is not None:
            every = {1: "monthly", 3: "quarterly", 12: "yearly"}.get(self.size, f"every {self.size} months")
            return f"{every}, {self.rule.words}"
        if self.unit == "month":
            return {1: "monthly", 3: "quarterly", 12: "yearly"}.get(self.size, f"every {self.size} months")
        if self.unit == "weekday":
            return weekmask_words(self.weekmask)
        if self.unit == "year":
            return "yearly" if self.size == 1 else f"every {self.size} years"
        if self.unit == "row":
            return "row by row" if self.size == 1 else f"every {self.size} counts"
        if self.size in named:
            return named[self.size]
        for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"), (SECOND, "seconds")):
            if self.size % unit == 0:
                return f"every {self.size // unit} {name}"
        return f"every {self.size / SECOND:g} seconds"

    @property
    def noun(self) -> str:
        """What one step is, for counting: '7 hours', '12 months'."""
        if self.unit == "month":
            return {1: "months", 3: "quarters", 12: "years"}.get(self.size, "steps")
        if self.unit == "year":
            return "years" if self.size == 1 else "steps"
        named = {HOUR: "hours", DAY: "days", WEEK: "weeks", MINUTE: "minutes", SECOND: "seconds"}
        return named.get(self.size, "steps") if self.unit == "duration" else "steps"

    def text(self, times: Array) -> list[str]:
        """Times as people write them: the date alone where the clock is always at midnight."""
        if self.counted:
            return [str(int(t)) for t in times]
        stamps = times.astype("datetime64[us]")
        if self.unit == "duration" and self.size % DAY:
            return [
                str(t).replace("T", " ") for t in np.datetime_as_string(stamps, unit="s" if self.size % MINUTE else "m")
            ]
        if (times % DAY == 0).all():
            return [str(t) for t in np.datetime_as_string(stamps, unit="D")]
        return [str(t).replace("T", " ") for t in np.datetime_as_string(stamps, unit="m")]


# --- the step --------------------------------------------------------------------------------------------------------


def infer_step(groups: Sequence[Array], *, numbers: Counted = "") -> Step | None:
    """The step of times that are sorted and distinct within each group; None when too few distances agree on one.

    numbers: what times count that are mere numbers.
    """
    distances = np.concatenate([np.diff(times) for times in groups]) if groups else np.empty(0, dtype=np.int64)
    every = np.concatenate(groups)
    if len(distances) == 0:
        return None
    anchor = int(every.min())
    if numbers:
        return _of_mode(distances, anchor, numbers)
    if distances.min() >= 28 * DAY:
        months = _month_step(groups, every, anchor)
        if months is not None:
            return months
    step = _of_mode(distances, anchor, "duration")
    if step is not None and step.size == DAY and _skips_weekends(groups):
        return Step(unit="weekday", size=1, anchor=anchor)
    if step is None or step.size % DAY == 0:
        return _of_calendar(groups, every, anchor) or step
    return step


def jittered_step(groups: Sequence[Array]) -> Step | None:
    """The step of clocks that are read a little late: 12:00:00.321, 12:01:00.322; None when times keep to no step at all."""
    distances = np.concatenate([np.diff(times) for times in groups])
    if len(distances) == 0:
        return None
    middle = int(np.median(distances))
    sizes = [
        size
        for unit in (DAY, HOUR, MINUTE, SECOND)
        if abs((size := round(middle / unit) * unit) - middle) <= JITTER * middle
    ]
    if not sizes or sizes[0] <= 0:
        return None
    size = sizes[0]
    every = np.concatenate(groups)
    anchor = int(every.min()) + int(np.median((every - every.min() + size // 2) % size - size // 2))
    step = Step(unit="duration", size=size, anchor=anchor)
    beside = np.abs((every - anchor + size // 2) % size - size // 2)
    return step if (beside <= JITTER * size).all() else None


def snapped(times: Array, step: Step) -> tuple[Array, int]:
    """Times that lie beside the grid by a little as those on it, and how far the farthest lay beside; 0: nothing moved."""
    if step.unit != "duration":
        return times, 0
    beside = (times - step.anchor + step.size // 2) % step.size - step.size // 2
    farthest = int(np.abs(beside).max(initial=0))
    return (times - beside, farthest) if 0 < farthest <= JITTER * step.size else (times, 0)


def _of_calendar(groups: Sequence[Array], every: Array, anchor: int) -> Step | None:
    """Steps on some days of the week or on two days of the month."""
    if (every % DAY != anchor % DAY).any():
        return None
    days = every // DAY
    halves = half_month(days)
    gaps = np.concatenate([np.diff(times) // DAY for times in groups])
    if halves is not None and gaps.min() >= 12 and gaps.max() <= 40 and np.median(gaps) < 17:
        return Step(unit="half month", size=1, anchor=anchor, halves=halves)
    mask = weekmask_of(days)
    if mask is None or mask == WORKING_DAYS:
        return None
    spans = [int(np.busday_count(_date(t[0]), _date(t[-1]), weekmask=mask)) + 1 for t in groups if len(t)]
    if len(every) < LEAST_COVERED * sum(spans):
        return None
    return Step(unit="weekday", size=1, anchor=anchor, weekmask=mask)


def _date(time: int) -> np.datetime64:
    return np.datetime64(int(time) // DAY, "D")


def _of_mode(distances: Array, anchor: int, unit: Unit) -> Step | None:
    sizes, counts = np.unique(distances, return_counts=True)
    size = int(sizes[counts.argmax()])
    if size <= 0 or (distances % size == 0).mean() < LEAST_REGULAR or counts.max() < 0.3 * len(distances):
        return None
    return Step(unit=unit, size=size, anchor=anchor)


def _month_step(groups: Sequence[Array], every: Array, anchor: int) -> Step | None:
    _, rest = _months_and_rest(every)
    ends = bool(_is_month_end(every).all()) and not (rest == rest[0]).all()
    gaps = np.concatenate([np.diff(_months_and_rest(times)[0]) for times in groups])
    rule = None
    if not ends and (rest != rest[0]).any():
        same_clock = bool((every % DAY == anchor % DAY).all())
        rule = month_rule(every // DAY) if same_clock and (gaps > 0).all() else None
        if rule is None:
            return None
    size = int(np.gcd.reduce(gaps))
    return Step(unit="month", size=max(1, size), anchor=anchor, month_end=ends, rule=rule)


def _skips_weekends(groups: Sequence[Array]) -> bool:
    days = np.concatenate([times[:-1] // DAY for times in groups])
    gaps = np.concatenate([np.diff(times) // DAY for times in groups])
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    last = np.concatenate([times // DAY for times in groups])
    if ((last + 3) % 7 >= 5).any():
        return False
    fridays = weekday == 4
    return bool(fridays.any() and (gaps[fridays] == 3).mean() >= WEEKEND_SHARE)


def _months_and_rest(times: Array) -> tuple[Array, Array]:
    """Months since 1970, and microseconds since the month began."""
    months = times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return months, times - _month_starts(months)


def _month_starts(months: Array) -> Array:
    return np.asarray(months).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)


def _is_month_end(times: Array) -> Array:
    days = times.astype("datetime64[us]").astype("datetime64[D]")
    return np.asarray((days + 1).astype("datetime64[M]") != days.astype("datetime64[M]"))


# --- seasons and calendars -------------------------------------------------------------------------------------------


def seasons_of(step: Step) -> tuple[int, ...]:
    """Periods, in steps, that such data often have; the most usual one first."""
    if step.unit == "half month":
        return (24,)
    if step.unit == "month":
        return tuple(s for s in (12 // step.size,) if 12 % step.size == 0 and s > 1)
    if step.unit == "weekday":
        week = step.weekmask.count("1")
        return (week, round(week * 365.2425 / 7))
    if step.counted:
        return ()
    periods = (DAY, WEEK, 365 * DAY) if step.size < DAY else (WEEK, 365 * DAY) if step.size < WEEK else (364 * DAY,)
    if step.size < MINUTE:
        periods = (MINUTE, HOUR, DAY)
    return tuple(p // step.size for p in periods if p % step.size == 0 and 1 < p // step.size <= 20_000)


def usual_horizon(step: Step, season: int) -> int:
    """How far people look ahead with such data."""
    if step.unit == "month":
        return max(1, {1: 12, 3: 4, 12: 3}.get(step.size, 6))
    if step.unit == "year":
        return 3
    if step.unit == "half month":
        return 12
    if step.unit == "duration" and step.size >= DAY:
        return 30 if step.size == DAY else 13 if step.size == WEEK else 10
    if step.unit == "duration" and step.size >= 5 * MINUTE:
        return max(1, DAY // step.size)
    return 20 if step.unit == "weekday" else season if 1 < season <= 100 else 10


CYCLES = {"day": DAY, "week": WEEK, "year": 365.2425 * DAY, "half year": 182.62125 * DAY}
CYCLES |= {"weekday": WEEK, "weekend": WEEK}  # the latter in files of before
FEWEST_WEEKS = 26
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def calendar_names(step: Step, span: int) -> tuple[str, ...]:
    """Which cycles of the calendar can matter for data with this step over `span` microseconds."""
    if step.counted:
        return ()
    length = {"month": 30 * DAY * step.size, "half month": 15 * DAY, "weekday": DAY}.get(step.unit, step.size)
    wanted = [("day", DAY, 2 * DAY), ("week", WEEK, 2 * WEEK), ("year", 360 * DAY, 720 * DAY)]
    names = [name for name, period, least in wanted if 2 * length <= period and span >= least]
    if "year" in names:
        names.append("half year")
    if "week" in names and length <= DAY:
        # Days of the week, where there are enough weeks for seven of them: trees took a few odd Thursdays for a rule.
        if length == DAY and span >= FEWEST_WEEKS * WEEK:
            names.append("weekday")
        elif step.unit == "duration":
            names.append("weekend")
    return tuple(names)


def calendar_features(times: Array, names: Sequence[str]) -> Array:
    """(n, K) float32: sine and cosine of each cycle, and 0/1 for days of the week, for the weekend and for holidays."""
    parts = []
    for name in names:
        if name.startswith(PREFIX):
            parts.append(is_holiday(times, name.removeprefix(PREFIX)))
            continue
        day = (times // DAY + 3) % 7  # 1970-01-01 was a Thursday
        if name == "weekday":
            parts += [(day == number).astype(np.float64) for number in range(7)]
            continue
        if name == "weekend":
            parts.append((day >= 5).astype(np.float64))
            continue
        shifted = times + 3 * DAY if name == "week" else times
        angle = shifted * (2 * np.pi / CYCLES[name])
        parts += [np.sin(angle), np.cos(angle)]
    return np.stack(parts, axis=1).astype(np.float32) if parts else np.zeros((len(times), 0), np.float32)


def calendar_value_names(names: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `calendar_features` are called."""
    found: list[str] = []
    for name in names:
        if name == "weekday":
            found += WEEKDAYS
        elif name == "weekend" or name.startswith(PREFIX):
            found.append(name)
        else:
            found += (f"sine of {name}", f"cosine of {name}")
    return tuple(found)
