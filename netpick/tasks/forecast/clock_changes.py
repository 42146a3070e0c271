"""The two clock changes of a year in series that were written by a local clock: an hour that stands twice, and one that is not there."""

from __future__ import annotations

import numpy as np

from netpick.tasks.forecast.timesteps import DAY, HOUR, MISSING
from netpick.types import Array, Note

BACK_MONTHS, FORWARD_MONTHS = (2, 3, 4, 9, 10, 11), (3, 4, 8, 9, 10)  # on both halves of the globe
FIRST_HOURS = 4  # changes are made in the night
SUNDAY = 3  # of days since 1970-01-01, a Thursday, modulo 7
MOST_A_YEAR = 1


def without_second_hours(keys: tuple[Array, Array], order: Array, notes: list[Note]) -> Array:
    """The order without the rows of hours that stand twice because clocks went back; as it is where times come again otherwise.

    keys: the series and the time of each row.
    """
    codes, times = keys
    same = np.flatnonzero((np.diff(times[order]) == 0) & (np.diff(codes[order]) == 0))
    if not len(same) or (times == MISSING).any():
        return order
    twice = times[order[same]]
    days = np.unique(twice // DAY)
    years = int(np.ptp(times) // (366 * DAY)) + 1
    per_day = [np.ptp(twice[twice // DAY == day]) for day in days]
    if not _may_be_changes(twice, BACK_MONTHS) or max(per_day) >= HOUR or len(days) > MOST_A_YEAR * years + 1:
        return order
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in days[:3]) + (", ..." if len(days) > 3 else "")
    rows = "row stands" if len(same) == 1 else "rows stand"
    text = (
        f"clocks went back on {shown}: {len(same):,} {rows} at a time that was there an hour before, and the second of each two is "
        "left out. Write times with their zone to keep both"
    )
    notes.append(Note(subject="clock change", text=text))
    return np.delete(order, same + 1)


def skipped_hours(gaps: Array, span: int) -> list[Note]:
    """What to say of gaps (times, microseconds) that are hours which clocks skip; nothing where some gap is another.

    span: microseconds from the first to the last time.
    """
    days, most = np.unique(gaps // DAY), MOST_A_YEAR * (abs(span) // (366 * DAY) + 1) + 1
    if not len(gaps) or not _may_be_changes(gaps, FORWARD_MONTHS) or len(days) > most:
        return []
    if max(np.ptp(gaps[gaps // DAY == day]) for day in days) >= HOUR:
        return []
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in days[:3]) + (", ..." if len(days) > 3 else "")
    return [
        Note(subject="clock change", text=f"clocks went forward on {shown}: the hour that is not there counts as a gap")
    ]


def _may_be_changes(times: Array, months: tuple[int, ...]) -> bool:
    """Whether all times lie in the first hours of Sundays of these months."""
    sundays = times // DAY % 7 == SUNDAY
    month = times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return bool((sundays & np.isin(month, months) & (times % DAY < FIRST_HOURS * HOUR)).all())
