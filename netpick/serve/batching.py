"""Requests that come together are answered together.

A batch is what has queued up while the engine was busy, so a lone request never waits for company and a crowd fills batches by
itself. A batch is full when the engine takes BATCH_SECONDS for it, as measured so far: larger ones would hardly be answered
faster by the row, and only make everyone wait. As much again may queue behind it, or wait to be read; what comes then is turned
away at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from netpick.serve.faults import Fault
from netpick.serve.guard import guarded
from netpick.serve.queries import LATE, Line, Query
from netpick.serve.rows import RowSet
from netpick.serve.served import Prepared, ServedModel
from netpick.serve.wanted import still_wanted, wanted_while
from netpick.types import Array

BATCH_SECONDS = 0.005  # of the engine for a full batch: what does not grow with its rows is a small share of that
AHEAD = 0.25  # of a full batch, queued up: then it is prepared while the engine still has one, so that it never waits
FEWEST_ROWS, MOST_ROWS = 4, 1024  # of a full batch; a request that is larger is a batch by itself
FIRST_ROWS = 32  # before anything was measured
SLOWLY = 0.1  # weight of the newest batch
HESITANTLY = (
    0.02  # the same where it took longer: to wait for a core, or for the interpreter, is no work of the engine's
)
FEWEST_QUEUED = 16  # requests that may queue where that takes no longer than QUEUED_SECONDS, however few fill a batch
QUEUED_SECONDS = 0.05  # of engine and readers; where less takes as long, as many as the smallest batch holds may queue
READERS = 2  # threads that read bodies which are not quick to read
HANDED_OVER = 2 * READERS  # of a model's bodies: so that no reader waits for the loop


@dataclass(slots=True)
class Batch:
    """Queries whose rows are ready for the engine."""

    queries: Sequence[Query]
    prepared: Prepared


class Cost:
    """Seconds of the engine for a row, and of a reader for a body, as it goes: averages that forget."""

    def __init__(self) -> None:
        self.per_row = BATCH_SECONDS / FIRST_ROWS
        self.per_body = BATCH_SECONDS / FIRST_ROWS

    def learn(self, rows: int, seconds: float) -> None:
        """Takes one batch into account. One that took far longer than it should was interrupted, and hardly counts."""
        more = min(seconds, 3 * self.per_row * rows) / rows - self.per_row
        self.per_row += (SLOWLY if more < 0 else HESITANTLY) * min(1.0, rows / self.enough) * more

    def learn_body(self, seconds: float) -> None:
        """Takes a body that a reader has read into account."""
        self.per_body += SLOWLY * (seconds - self.per_body)

    @property
    def enough(self) -> int:
        """Rows of a batch that takes BATCH_SECONDS."""
        return int(min(MOST_ROWS, max(FEWEST_ROWS, BATCH_SECONDS / self.per_row)))


class Batcher:
    """The queue of one model, and the thread of its engine.

    All else happens on the event loop: a second thread that wants the interpreter costs more in waiting for it than it takes
    over. The engine lets go of the interpreter; a next batch is prepared for it while it answers one.
    """

    def __init__(self, served: ServedModel, engine_lock: threading.Lock, readers: ThreadPoolExecutor) -> None:
        """engine_lock: of all models together, so that they do not fight over the processor. readers: threads that read
        bodies which are not quick to read."""
        self.served, self._engine_lock, self._readers = served, engine_lock, readers
        self.cost = Cost()
        self.batches = self.rows = 0
        self._unread, self._queue = Line(), Line()  # queries that wait for a reader, and for the engine
        self._being_read: set[Query] = set()
        self._bytes_per_row: dict[str, float] = {}
        self._in_engine = 0  # batches
        self._planned = False  # a look at the queue, at the end of this turn of the loop
        self._prepared: SimpleQueue[Batch | None] = SimpleQueue()
        self._answered: deque[tuple[Batch, Array | Fault, float]] = deque()  # by the engine, and not yet sent
        self._thread = threading.Thread(target=self._run_engine, name=f"{served.name} engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """After the last query was done."""
        self._prepared.put(None)
        if self._thread.is_alive():
            self._thread.join()

    @property
    def queued(self) -> int:
        """Rows that wait for a batch."""
        return self._queue.rows + self._unread.rows + sum(query.expected for query in self._being_read)

    @property
    def _engine_seconds(self) -> float:
        return self.cost.per_row * self._queue.rows

    @property
    def _reading_seconds(self) -> float:
        return self.cost.per_body * (len(self._unread) + len(self._being_read)) / READERS

    def full(self) -> bool:
        """Whether the next request is to be turned away: as much is queued as one batch takes, and nobody gives way.

        Where many clients ask at once, a turn of the loop takes long: what the engine has answered by now goes out first, so
        that neither it nor those who wait for it wait for the turn's end.
        """
        self._end_answered()
        return self._has_enough() and self._late_line() is None

    def _has_enough(self) -> bool:
        if not self._being_read and self._queue.rows < self.cost.enough:
            return False
        waiting = len(self._queue) + len(self._unread) + len(self._being_read)
        if waiting < FEWEST_ROWS:
            return False
        rows, reading = self.queued, self._reading_seconds
        few = FEWEST_QUEUED if rows * self.cost.per_row + reading < QUEUED_SECONDS else FEWEST_ROWS
        return waiting >= few and (rows >= self.cost.enough or reading >= BATCH_SECONDS)

    def _late_line(self) -> Line | None:
        """Where somebody has waited too long."""
        if self._unread.is_late(self._reading_seconds):
            return self._unread
        return self._queue if self._queue.is_late(self._engine_seconds) else None

    def submit(self, query: Query) -> bool:
        """Takes a query, or says that the queue is full."""
        self._end_answered()
        if self._has_enough():
            late = self._late_line()
            if late is None:
                return False
            late.give_way()
        if query.call.is_quick(query.body):
            self._was_read(query, guarded(lambda: query.call.read(query.body)))
            return True
        per_row = self._bytes_per_row.get(query.call.format)
        query.expected = 1 if per_row is None else max(1, round(len(query.body) / per_row))
        self._unread.append(query)
        self._hand_over()
        return True

    # --- on the loop -------------------------------------------------------------------------------------------------

    def _was_read(self, query: Query, rows: RowSet | Fault) -> None:
        if isinstance(rows, Fault):
            query.done(rows)
            return
        query.rows = rows
        self._queue.append(query)
        if not self._ready():
            return
        if self._queue.rows >= self.cost.enough:
            self._begin(self._take())
        elif not self._planned:
            assert self._loop is not None
            self._planned = True  # requests that come in the same turn of the loop are answered together
            self._loop.call_soon(self._begin_ready)

    def _hand_over(self) -> None:
        """Gives bodies to the readers."""
        while len(self._being_read) < HANDED_OVER and (query := self._unread.next(self._reading_seconds)) is not None:
            self._being_read.add(query)
            self._readers.submit(self._read, query)

    def _was_read_aside(self, query: Query, rows: RowSet | Fault, seconds: float) -> None:
        self._being_read.discard(query)
        if rows is not LATE:  # which was not read
            self.cost.learn_body(seconds)
        self._hand_over()
        if not isinstance(
            rows, Fault
        ):  # an average that follows slowly: formats differ, requests of one client seldom do
            per_row = max(1.0, len(query.body) / rows.count)
            known = self._bytes_per_row.get(query.call.format, per_row)
            self._bytes_per_row[query.call.format] = known + 0.1 * (per_row - known)
        self._was_read(query, rows)

    def _ready(self) -> bool:
        """Whether to make a batch: at once where the engine is free, else one ahead, once that is worth it."""
        free = self._in_engine == 0 or (self._in_engine == 1 and self._queue.rows >= AHEAD * self.cost.enough)
        return free and len(self._queue) > 0

    def _begin_ready(self) -> None:
        self._planned = False
        while self._ready():
            self._begin(self._take())

    def _take(self) -> list[Query]:
        """The next queries of a batch."""
        queries: list[Query] = []
        rows, most = 0, self.cost.enough
        while (query := self._queue.next(self._engine_seconds, most - rows if queries else float("inf"))) is not None:
            rows += query.count
            queries.append(query)
        return queries

    def _begin(self, queries: Sequence[Query]) -> None:
        if not queries:
            return
        prepared = guarded(lambda: self.served.prepare([query.known_rows for query in queries]))
        if isinstance(prepared, Fault):
            self._failed(queries, prepared)
            return
        self._in_engine += 1
        self._prepared.put(Batch(queries, prepared))

    def _end_answered(self) -> None:
        while self._answered:
            self._ended(*self._answered.popleft())

    def _ended(self, batch: Batch, answers: Array | Fault, seconds: float) -> None:
        self._in_engine -= 1
        self._begin_ready()  # first, so that the engine does not wait for us
        if isinstance(answers, Fault):
            self._failed(batch.queries, answers)
            return
        arrays_answered = answers
        finished = guarded(lambda: self.served.finish(arrays_answered, batch.prepared))
        if isinstance(finished, Fault):
            self._failed(batch.queries, finished)
            return
        whole, start = finished, 0
        for query in batch.queries:
            stop = start + query.count
            query.done(guarded(lambda: query.call.write(whole, start, stop)))  # noqa: B023 - called at once
            start = stop
        self.batches += 1
        self.rows += start
        self.cost.learn(start, seconds)

    def _failed(self, queries: Sequence[Query], fault: Fault) -> None:
        """One request's rows spoil the batch: each by itself."""
        if len(queries) == 1:
            queries[0].done(fault)
            return
        for query in queries:
            self._begin([query])

    # --- on threads --------------------------------------------------------------------------------------------------

    def _read(self, query: Query) -> None:
        started = time.perf_counter()
        with wanted_while(query.check):
            rows = guarded(lambda: _read(query))
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._was_read_aside, query, rows, time.perf_counter() - started)

    def _run_engine(self) -> None:
        while (batch := self._prepared.get()) is not None:
            arrays = batch.prepared.arrays
            with self._engine_lock:
                started = time.perf_counter()
                answers = guarded(lambda: self.served.model.engine.outputs(arrays))  # noqa: B023 - called at once
                seconds = time.perf_counter() - started
            assert self._loop is not None
            self._answered.append((batch, answers, seconds))
            self._loop.call_soon_threadsafe(self._end_answered)


def _read(query: Query) -> RowSet:
    still_wanted()
    return query.call.read(query.body)
