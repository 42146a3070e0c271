"""Texts that are being continued: a few at once, one symbol of each in turn, on a thread of their own.

The engine is held for one symbol at a time, so that requests for rows wait for no more than that. A text ends with its last symbol, at its
deadline, or at the next symbol after its client has left.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from netpick.saved.generating import Prompt, Sampling, continued
from netpick.saved.readers import Reader
from netpick.serve.faults import Fault
from netpick.serve.guard import guarded
from netpick.serve.served import ServedModel
from netpick.types import Array

Ended = Literal["length", "time", "left", "stopping", "failed"]


@dataclass(eq=False, kw_only=True)
class Generation:
    """One text on its way to its client."""

    pieces: Iterator[str]
    deadline: float  # on time.monotonic
    loop: asyncio.AbstractEventLoop
    written: deque[str] = field(default_factory=deque)  # and not sent yet
    symbols: int = 0
    ended: Ended | None = None
    dropped: bool = False  # the client has gone
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def drop(self) -> None:
        """On the event loop: nobody waits any more."""
        self.dropped = True
        self.news.set()

    def step(self) -> None:
        """Draws one symbol, or ends. On the thread."""
        if self.dropped:
            self.ended = "left"
        elif time.monotonic() > self.deadline:
            self.ended = "time"
        else:
            piece = guarded(lambda: next(self.pieces, None))
            if isinstance(piece, str):
                self.written.append(piece)
                self.symbols += 1
            else:
                self.ended = "length" if piece is None else "failed"
        self._wake()

    def _wake(self) -> None:
        """Who waits clears the news before looking at what is written, so that nothing is overlooked here."""
        if not self.news.is_set():
            self.loop.call_soon_threadsafe(self.news.set)


class OneAtATime:
    """A reader that holds the engine's lock while it reads."""

    def __init__(self, reader: Reader, engine_lock: threading.Lock) -> None:
        self._reader, self._engine_lock = reader, engine_lock

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        with self._engine_lock:
            return self._reader.read(symbols)


class Generations:
    """The texts that are continued now, and the thread that draws them. A daemon: it keeps no process from ending."""

    def __init__(self, engine_lock: threading.Lock, most: int) -> None:
        self._engine_lock, self._most = engine_lock, most
        self._turns: deque[Generation] = deque()
        self._open = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="generations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends what is still open."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def __len__(self) -> int:
        return self._open

    def begin(self, served: ServedModel, prompt: Prompt, sampling: Sampling, seconds: float) -> Generation:
        """Starts to continue a prompt. On the event loop. Raises Fault where as many are open as may be."""
        engine, state = served.model.engine, served.model.parts.task_state
        pieces = continued(lambda: OneAtATime(engine.reader(), self._engine_lock), state, prompt, sampling)
        made = Generation(pieces=pieces, deadline=time.monotonic() + seconds, loop=asyncio.get_running_loop())
        with self._changed:
            if self._open >= self._most:
                raise Fault(
                    code="too_many_texts",
                    message=f"{self._most} texts are being continued already. Wait the seconds that Retry-After says, then ask again.",
                    headers={"retry-after": "2"},
                )
            self._open += 1
            self._turns.append(made)
            self._changed.notify()
        return made

    def _run(self) -> None:
        while (one := self._next()) is not None:
            one.step()
            with self._changed:
                if one.ended is None:
                    self._turns.append(one)  # behind the others
                else:
                    self._open -= 1

    def _next(self) -> Generation | None:
        with self._changed:
            while not self._turns and not self._stopped:
                self._changed.wait()
            return None if self._stopped else self._turns.popleft()
