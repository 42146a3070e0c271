"""Series by a local clock: the hour that stands twice in autumn, and the one that is not there in spring, are named."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from netpick.data.sources import open_source
from netpick.errors import DataError
from netpick.tasks.forecast.timeline import Timeline, TimelineRequest, make_timeline

AUTUMN, SPRING = datetime(2021, 10, 31, 3), datetime(2021, 3, 28, 2)


def timeline(times: list[datetime]) -> Timeline:
    frame = pl.DataFrame({"time": times, "load": [float(i) for i in range(len(times))]})
    return make_timeline(open_source(frame), TimelineRequest())


def hours(start: datetime, count: int = 300) -> list[datetime]:
    return [start + timedelta(hours=i) for i in range(count)]


def said(made: Timeline) -> str:
    return " ".join(note.text for note in made.notes if note.subject == "clock change")


def test_the_second_of_two_hours_is_left_out() -> None:
    local = [t if t < AUTUMN else t - timedelta(hours=1) for t in hours(datetime(2021, 10, 26))]
    made = timeline(local)
    assert (made.num_steps, int((made.rows < 0).sum())) == (299, 0)
    assert "clocks went back on 2021-10-31: 1 row stands at a time that was there an hour before" in said(made)


def test_the_hour_that_is_not_there_is_named() -> None:
    local = [t if t < SPRING else t + timedelta(hours=1) for t in hours(datetime(2021, 3, 20))]
    made = timeline(local)
    assert int((made.rows < 0).sum()) == 1
    assert said(made) == "clocks went forward on 2021-03-28: the hour that is not there counts as a gap"


def test_other_times_that_come_twice_are_refused_and_other_gaps_are_gaps() -> None:
    monday = [t if t < datetime(2021, 11, 1, 3) else t - timedelta(hours=1) for t in hours(datetime(2021, 10, 26))]
    with pytest.raises(DataError, match="have the same time 2021-11-01 02:00:00"):
        timeline(monday)
    gap = [t for t in hours(datetime(2021, 3, 20)) if t != datetime(2021, 3, 24, 2)]
    assert said(timeline(gap)) == ""
