"""The clock that a budget is measured by: seconds in which the run could work, as against seconds that merely passed.

A laptop sleeps, a process is stopped, a run is killed and resumed: such time is not budget. Tests replace the clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

ASLEEP = (
    2.0  # seconds between two looks at the clock during training, from which on it is asked whether the process ran
)
IDLE = 0.02  # of that time on a processor, below which it did not


class Clock(Protocol):
    """Seconds of a run's budget that are used."""

    def seconds(self) -> float:
        """Used since the run began."""

    def watched(self) -> float:
        """The same, asked between two pieces of this process's own work: a gap in which it did not run is not counted."""

    def set(self, seconds: float) -> None:
        """Goes on from here: work that an earlier process lost is not counted twice."""


@dataclass
class WorkClock:
    """The machine's clock. `read` is a monotonic one, which stands still while the machine is suspended; `worked` counts
    this process's time on processors."""

    started: float = field(default_factory=time.perf_counter)
    read: Callable[[], float] = time.perf_counter
    worked: Callable[[], float] = time.process_time

    def __post_init__(self) -> None:
        self._last, self._last_worked = self.read(), self.worked()

    def seconds(self) -> float:
        """See Clock."""
        self._last, self._last_worked = self.read(), self.worked()
        return self._last - self.started

    def watched(self) -> float:
        """See Clock."""
        now, worked = self.read(), self.worked()
        gap = now - self._last
        if gap > ASLEEP and worked - self._last_worked < IDLE * gap:
            self.started += gap
        self._last, self._last_worked = now, worked
        return now - self.started

    def set(self, seconds: float) -> None:
        """See Clock."""
        self._last, self._last_worked = self.read(), self.worked()
        self.started = self._last - seconds


def runnable() -> int:
    """Other threads on this machine that run or want to at this moment, as far as the system says: 0 where it does not."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            return max(0, int(file.read().split()[3].split("/")[0]) - 1)
    except (OSError, ValueError, IndexError):
        return 0


def contested(threads: int) -> bool:
    """Whether so many threads would share their cores with others: some of them would then be waited for by all."""
    return threads > 1 and runnable() + threads > (os.cpu_count() or 1)
