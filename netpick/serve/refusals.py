"""Refusals of a crowd, sent a moment later: who is refused at once asks again at once, and each refusal costs a fifth of an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

HELD_SECONDS = 0.03  # with a turn of the loop before it a client still knows within 50 ms
EVERY_SECONDS = 0.005  # they are sent together


class Refusals:
    """All of it on the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()  # when each is due, and what sends it

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __len__(self) -> int:
        return len(self._waiting)

    def send_later(self, send: Callable[[], None]) -> None:
        """Calls it once HELD_SECONDS are over."""
        assert self._loop is not None
        if not self._waiting:
            self._loop.call_later(HELD_SECONDS, self._send)
        self._waiting.append((self._loop.time() + HELD_SECONDS, send))

    def _send(self) -> None:
        assert self._loop is not None
        due = self._loop.time() + EVERY_SECONDS / 2
        while self._waiting and self._waiting[0][0] <= due:
            self._waiting.popleft()[1]()
        if self._waiting:
            self._loop.call_later(max(EVERY_SECONDS, self._waiting[0][0] - due), self._send)
