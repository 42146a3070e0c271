"""Steps that working calendars make: the last working day of each month, its first Friday, the 25th or the working day before.

A day is counted from 1970-01-01. Holidays are not known: a rule stands when nearly all dates follow it, and a date that a holiday
moved still counts for its month.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT, Array

Rule = Literal[
    "last working day", "first working day", "nth weekday", "working day on or before", "working day on or after"
]
FOLLOWED = 0.9  # share of the dates that follow a rule
FEWEST = 6  # dates
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST = 5  # as n-th: the last one of the month, be it the fourth or the fifth


@dataclass(config=STRICT, kw_only=True)
class MonthRule:
    """Which day of a month. nth and weekday belong to "nth weekday", day to the 25th and its like."""

    rule: Rule
    nth: int = Field(default=0, ge=0, le=LAST)
    weekday: int = Field(default=0, ge=0, le=6)
    day: int = Field(default=1, ge=1, le=31)

    def days(self, months: Array) -> Array:
        """The day in each of these months, counted since January 1970."""
        starts = months.astype("datetime64[M]").astype("datetime64[D]")
        ends = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - 1
        if self.rule == "last working day":
            days = np.busday_offset(ends, 0, roll="preceding")
        elif self.rule == "first working day":
            days = np.busday_offset(starts, 0, roll="following")
        elif self.rule == "nth weekday":
            days = self._nth(starts, ends)
        else:
            dates = np.minimum(starts + (self.day - 1), ends)
            days = np.busday_offset(dates, 0, roll="preceding" if self.rule.endswith("before") else "following")
        return np.asarray(days.astype("datetime64[D]").astype(np.int64))

    def _nth(self, starts: Array, ends: Array) -> Array:
        if self.nth == LAST:
            numbers = ends.astype(np.int64)
            return np.asarray(ends - ((numbers + 3) % 7 - self.weekday) % 7)
        numbers = starts.astype(np.int64)
        return np.asarray(starts + (self.weekday - (numbers + 3) % 7) % 7 + 7 * (self.nth - 1))

    @property
    def words(self) -> str:
        if self.rule == "nth weekday":
            place = ("first", "second", "third", "fourth", "last")[self.nth - 1]
            return f"on the {place} {WEEKDAYS[self.weekday]} of the month"
        if "on or" in self.rule:
            return f"on day {self.day} of the month or the working day {self.rule.rpartition(' ')[2]}"
        return f"on the {self.rule} of the month"


def month_rule(days: Array) -> MonthRule | None:
    """The rule that dates (days since 1970, at most one a month and series) follow; None when too few agree on one."""
    if len(days) < FEWEST:
        return None
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    of_month = days - months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    weekdays = (days + 3) % 7
    weekday = int(np.bincount(weekdays, minlength=7).argmax())
    candidates = [MonthRule(rule="last working day"), MonthRule(rule="first working day")]
    candidates += [MonthRule(rule="nth weekday", nth=nth, weekday=weekday) for nth in range(1, LAST + 1)]
    candidates += [
        MonthRule(rule="working day on or before", day=int(of_month.max())),
        MonthRule(rule="working day on or after", day=int(of_month.min())),
    ]
    agreement = [float((rule.days(months) == days).mean()) for rule in candidates]
    best = int(np.argmax(agreement))
    return candidates[best] if agreement[best] >= FOLLOWED else None


def half_month(days: Array) -> tuple[int, int] | None:
    """The two days of the month on which dates fall, 0 standing for its last one; None when they are no two."""
    if len(days) < FEWEST:
        return None
    dates = days.astype("datetime64[D]")
    of_month = days - dates.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    at_end = (dates + 1).astype("datetime64[M]") != dates.astype("datetime64[M]")
    firsts = np.unique(of_month[of_month <= 16])
    seconds = of_month[of_month > 16]
    if len(firsts) == 2 and not (of_month > 16).any():
        return int(firsts[0]), int(firsts[1])
    if len(firsts) != 1 or len(seconds) == 0:
        return None
    if at_end[of_month > 16].all():
        return int(firsts[0]), 0
    return (int(firsts[0]), int(seconds[0])) if len(np.unique(seconds)) == 1 else None


def weekmask_of(days: Array) -> str | None:
    """The days of the week on which dates fall, as numpy writes them ("1111110"); None when they are all seven, or too few."""
    if len(days) < FEWEST:
        return None
    present = np.bincount((days + 3) % 7, minlength=7) > 0
    if present.all() or present.sum() < 2:
        return None
    return "".join(str(int(day)) for day in present)


def weekmask_words(mask: str) -> str:
    named = [WEEKDAYS[place] for place, open_day in enumerate(mask) if open_day == "1"]
    closed = [WEEKDAYS[place] for place, open_day in enumerate(mask) if open_day == "0"]
    if mask == "1111100":
        return "on working days"
    if len(closed) == 1:
        return f"daily but for {closed[0]}s"
    return f"on {', '.join(f'{name}s' for name in named[:-1])} and {named[-1]}s"
