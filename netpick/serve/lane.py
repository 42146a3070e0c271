"""The lane of requests that are done by themselves: large bodies, forms, tables, forecasts, explanations.

Each is a `Work` with a deadline and an owner. It is answered once, at the latest at its deadline; it stops soon after that, or
after its client has left, since it asks `check` between pieces. Clients take turns, so that one with many requests keeps nobody out.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from netpick.serve.faults import Fault
from netpick.serve.guard import guarded
from netpick.serve.queries import LATE
from netpick.serve.replies import Reply
from netpick.serve.wanted import wanted_while

THREADS, MOST_WAITING = 2, 8  # threads, and how many requests may wait or run


@dataclass(eq=False)
class Work:
    """One request of the lane."""

    client: str
    finish: Callable[[Reply | Fault], None]  # called on the event loop, once
    deadline: float  # on time.monotonic
    task: Callable[[], Reply] | None = None
    dropped: bool = False  # the client has gone, or was answered already
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raises Fault once nobody waits for the answer any more. Called from the thread that works."""
        if self.dropped or time.monotonic() > self.deadline:
            raise LATE.with_traceback(None)  # one object for all: it must not gather where it was raised

    def drop(self) -> None:
        """Nobody waits any more. The task goes, and its body with it: it knows this work by `check`, and only the collector of
        circles, which comes seldom, would free them otherwise."""
        self.dropped, self.task = True, None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def answer(self, outcome: Reply | Fault) -> None:
        """On the event loop."""
        waited = not self.dropped
        self.drop()
        if waited:
            self.finish(outcome)


class Lane:
    """A few daemon threads: one that is stuck in a library does not keep the process from ending."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Work]] = {}  # by client, in the order of turns
        self._running: list[Work] = []
        self._changed = threading.Condition()
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = [threading.Thread(target=self._run, name=f"large {i}", daemon=True) for i in range(THREADS)]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends what waits; what runs ends at its next `check`, and is not waited for."""
        with self._changed:
            self._ended = True
            for work in self._running:
                work.dropped = True  # its timer belongs to the loop
            self._changed.notify_all()

    def __len__(self) -> int:
        """Requests that wait or run; those that nobody waits for any more count while they run."""
        return len(self._running) + sum(map(len, self._waiting.values()))

    def submit(self, work: Work) -> bool:
        """On the event loop. Takes the work, or says that the lane is full and nobody has more in it than this client."""
        assert self._loop is not None
        with self._changed:
            if len(self) >= MOST_WAITING and not self._make_room(work.client):
                return False
            self._waiting.setdefault(work.client, deque()).append(work)
            self._changed.notify()
        delay = max(0.0, work.deadline - time.monotonic())
        work.timer = self._loop.call_later(delay, work.answer, LATE)
        return True

    def _make_room(self, client: str) -> bool:
        """The newest request of whoever has most in line gives way to a client with fewer."""
        for queue in self._waiting.values():
            for work in [work for work in queue if work.dropped]:
                queue.remove(work)
        if len(self) < MOST_WAITING:
            return True
        most = max(self._waiting, key=lambda name: len(self._waiting[name]), default=client)
        if len(self._waiting.get(most, ())) <= len(self._waiting.get(client, ())) + 1:
            return False
        assert self._loop is not None
        self._loop.call_soon(self._waiting[most].pop().answer, LATE)
        return True

    def _run(self) -> None:
        while self._did_next():
            pass

    def _did_next(self) -> bool:
        """Does the next work, and keeps nothing of it while the thread waits for another. False at the end."""
        work = self._next()
        if work is None:
            return False
        assert self._loop is not None
        task = work.task
        outcome: Reply | Fault = LATE
        try:
            if task is not None and not work.dropped:
                with wanted_while(work.check):
                    outcome = guarded(task)
        finally:
            with self._changed:
                self._running.remove(work)
            self._loop.call_soon_threadsafe(work.answer, outcome)
        return True

    def _next(self) -> Work | None:
        """The oldest request of the client whose turn it is."""
        with self._changed:
            while not self._ended:
                for client, queue in list(self._waiting.items()):
                    del self._waiting[client]
                    if queue:
                        work = queue.popleft()
                        if queue:
                            self._waiting[client] = queue  # behind the others
                        self._running.append(work)
                        return work
                self._changed.wait()
            return None
