"""How long the event loop works before it looks for new requests again.

Where clients ask for more than the loop can do, requests wait before anybody has seen them: all that came during one turn of the loop
are read in the next, and a turn takes as long as all of them need. No queue of ours shows that wait. So the loop's own work in a turn
is looked at: once turns are long one after the other, what is left of such a turn is turned away, which costs a tenth of an answer.
"""

from __future__ import annotations

import asyncio
import time

TURN_SECONDS = (
    0.008  # of the loop's processor time; a request waits for at most about two turns, which is far below LATE_SECONDS
)
FEW = 3  # long turns in a row may be those of one large request
REMEMBERED = 2 * FEW


class Turns:
    """All of it on the event loop. Processor time counts, since a turn that other programs interrupt is not one of work; it costs
    more to ask for than the time of day, which is looked at first."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = False  # a request of this turn has come
        self._began = self._began_work = 0.0  # of time, and of the processor's
        self._over = False  # this one is too long, and stays so
        self._long = 0  # turns in a row, less one for each short one behind them

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def is_too_long(self) -> bool:
        """Asked at each request: whether this turn is a long one behind others."""
        if not self._open:
            assert self._loop is not None
            self._open, self._began, self._began_work = True, time.perf_counter(), time.thread_time()
            self._loop.call_soon(self._end)  # behind all that was ready with this request
            return False
        self._over = self._over or (self._long >= FEW and self._is_long())
        return self._over

    def _is_long(self) -> bool:
        if time.perf_counter() - self._began < TURN_SECONDS:
            return False
        return time.thread_time() - self._began_work > TURN_SECONDS

    def _end(self) -> None:
        self._long = min(self._long + 1, REMEMBERED) if self._is_long() else max(0, self._long - 1)
        self._open = self._over = False
