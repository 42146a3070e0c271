"""What is said of times that keep to no step: how far they lie apart, and how they are brought to one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netpick.errors import DataError
from netpick.tasks.forecast.timesteps import DAY, HOUR, MINUTE, SECOND, WEEK
from netpick.types import Array, Source

SPANS = (
    ("1s", SECOND),
    ("1m", MINUTE),
    ("5m", 5 * MINUTE),
    ("15m", 15 * MINUTE),
    ("1h", HOUR),
    ("3h", 3 * HOUR),
    ("6h", 6 * HOUR),
    ("1d", DAY),
    ("1w", WEEK),
    ("1mo", 31 * DAY),
    ("1q", 92 * DAY),
)


def irregular(source: Source, time: Sequence[str], groups: Sequence[Array], *, numbers: bool) -> DataError:
    """What stands in the way of a regular step, and what to do."""
    distances = [np.diff(times) for times in groups]
    every = np.concatenate(distances) if distances else np.empty(0)
    if len(every) == 0:
        return DataError(
            f"Every series of {source.name} has one row ({len(groups):,} series in {source.num_rows:,} rows), but a forecast "
            "learns from many steps of each. Name what tells series apart with --id COLUMN, or --drop what numbers the rows."
        )
    middle = int(np.median(every))
    shortest, longest = int(every.min()), int(every.max())
    step = next((name for name, micros in SPANS if micros >= middle), "1y")
    remedy = f"Pass --every {step} to average the rows of a step ({step}:sum adds them up, auto finds a step)"
    remedy = "Bring the rows to one row a step first, for example by averaging them" if numbers else remedy
    return DataError(
        f"The times of {source.name} ({quoted(time)}) have no regular step: they are {span_words(shortest)} to {span_words(longest)} "
        f"apart, mostly about {span_words(middle)}. A forecast needs steps of one length. {remedy}, or predict single rows with "
        "--task regress."
    )


def span_words(micros: int) -> str:
    """A span in its largest unit."""
    for size, name in ((86_400_000_000, "days"), (3_600_000_000, "hours"), (60_000_000, "minutes"), (1_000_000, "s")):
        if micros >= size:
            return f"{micros / size:.3g} {name}"
    return f"{micros} microseconds" if micros > 1 else str(micros)


def quoted(names: Sequence[str]) -> str:
    """Columns as one quoted word."""
    return f"'{','.join(names)}'"
