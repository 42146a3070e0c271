"""Requests that come together are answered together.

Threads take what has queued up while they were busy, so a lone request never waits for company and a crowd fills batches by
itself. A batch is full when the engine takes BATCH_SECONDS for it, as measured so far: larger ones would hardly be answered
faster by the row, and only make everyone wait. As much again may queue behind it; what comes then is turned away at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from netpick.serve.faults import Fault
from netpick.serve.guard import guarded
from netpick.serve.replies import Reply
from netpick.serve.served import Answers, RowSet, ServedModel

BATCH_SECONDS = 0.005  # of the engine for a full batch: what does not grow with its rows is a small share of that
FEWEST_ROWS, MOST_ROWS = 4, 1024  # of a full batch; a request that is larger is a batch by itself
FIRST_ROWS = 32  # before anything was measured
SLOWLY = 0.1  # weight of the newest batch
FEWEST_QUEUED = 16  # requests that may always queue: a page's few clients are never turned away


class Call(Protocol):
    """How a request's body becomes rows, and how answers become its reply. Jobs of one format have about equal bytes a row."""

    format: str

    def read(self, body: bytes) -> RowSet: ...
    def write(self, answers: Answers, start: int, stop: int) -> Reply: ...


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way through a batcher."""

    call: Call
    body: bytes
    done: Callable[[Reply | Fault], None]  # called on the event loop
    deadline: float  # on time.monotonic
    rows: int = 1  # estimated before it is read
    dropped: bool = False  # the client has gone
    outcome: Reply | Fault | None = field(default=None)


class Cost:
    """Seconds of the engine for a row, as it goes: an average over batches that forgets."""

    def __init__(self) -> None:
        self.per_row = BATCH_SECONDS / FIRST_ROWS

    def learn(self, rows: int, seconds: float) -> None:
        """Takes one batch into account. One that took far longer than it should was interrupted, and hardly counts."""
        seconds = min(seconds, 3 * self.per_row * rows)
        self.per_row += SLOWLY * min(1.0, rows / self.enough) * (seconds / rows - self.per_row)

    @property
    def enough(self) -> int:
        """Rows of a batch that takes BATCH_SECONDS."""
        return int(min(MOST_ROWS, max(FEWEST_ROWS, BATCH_SECONDS / self.per_row)))


class Batcher:
    """The queue of one model, and the two threads that empty it: one prepares a batch while the engine has the other's."""

    def __init__(
        self, served: ServedModel, deliver: Callable[[Sequence[Job]], None], engine_lock: threading.Lock
    ) -> None:
        """deliver: hands finished jobs to the event loop; called from the batcher's threads, once a batch.
        engine_lock: of all models together, so that they do not fight over the processor."""
        self.served, self._deliver, self._engine_lock = served, deliver, engine_lock
        self.cost = Cost()
        self.batches = self.rows = 0
        self._queue: deque[Job] = deque()
        self._queued_rows = 0
        self._bytes_per_row: dict[str, float] = {}
        self._condition = threading.Condition()
        self._at_work = 0  # threads that have a batch
        self._stopping = False
        names = (f"{served.name} batches {number}" for number in (1, 2))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answers what is queued, then ends."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    @property
    def queued(self) -> int:
        return self._queued_rows

    def full(self) -> bool:
        """Whether the next request is to be turned away: as much is queued as one batch takes."""
        return len(self._queue) >= FEWEST_QUEUED and self._queued_rows >= self.cost.enough

    def submit(self, job: Job) -> bool:
        """Takes a job, or says that the queue is full. Called on the event loop."""
        if self.full():
            return False
        per_row = self._bytes_per_row.get(job.call.format)
        job.rows = 1 if per_row is None else max(1, round(len(job.body) / per_row))
        with self._condition:
            self._queue.append(job)
            self._queued_rows += job.rows
            if self._ready():
                self._condition.notify()
        return True

    # --- the threads -------------------------------------------------------------------------------------------------

    def _ready(self) -> bool:
        """Whether a thread should take a batch: at once where the engine is free, else when a whole one has queued up."""
        return bool(self._queue) and (self._at_work == 0 or self._queued_rows >= self.cost.enough)

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._ready() and not (self._stopping and not self._queue):
                    self._condition.wait()
                if not self._queue:
                    return
                jobs = self._take()
                self._at_work += 1
            try:
                self._answer(jobs)
            finally:
                with self._condition:
                    self._at_work -= 1
                    self._condition.notify()
                self._deliver(jobs)

    def _take(self) -> list[Job]:
        most, rows = self.cost.enough, 0
        jobs: list[Job] = []
        while self._queue and (not jobs or rows + self._queue[0].rows <= most):
            job = self._queue.popleft()
            rows += job.rows
            self._queued_rows -= job.rows
            jobs.append(job)
        return jobs

    def _answer(self, jobs: Sequence[Job]) -> None:
        read = self._read(jobs)
        if read and not self._answer_together(read) and len(read) > 1:
            for pair in read:  # one request's rows spoil the batch: each by itself
                self._answer_together([pair])

    def _read(self, jobs: Sequence[Job]) -> list[tuple[Job, RowSet]]:
        now = time.monotonic()
        read: list[tuple[Job, RowSet]] = []
        for job in jobs:
            if job.dropped:
                continue
            if now > job.deadline:
                job.outcome = Fault(
                    code="out_of_time", message="The server was too busy to answer in time. Ask again later."
                )
                continue
            rows = guarded(lambda job=job: job.call.read(job.body))  # type: ignore[misc]
            if isinstance(rows, Fault):
                job.outcome = rows
                continue
            read.append((job, rows))
            # An average that follows slowly: formats differ, requests of one client seldom do.
            per_row = max(1.0, len(job.body) / rows.count)
            known = self._bytes_per_row.get(job.call.format, per_row)
            self._bytes_per_row[job.call.format] = known + 0.1 * (per_row - known)
        return read

    def _answer_together(self, read: Sequence[tuple[Job, RowSet]]) -> bool:
        """Whether all were answered; else all have the fault of the whole."""

        def answer() -> bool:
            prepared = self.served.prepare([rows for _, rows in read])
            with self._engine_lock:
                started = time.perf_counter()
                answers = self.served.model.engine.outputs(prepared.arrays)
                seconds = time.perf_counter() - started
            finished = self.served.finish(answers, prepared)
            start = 0
            for job, rows in read:
                job.outcome = job.call.write(finished, start, start + rows.count)
                start += rows.count
            self.batches += 1
            self.rows += start
            self.cost.learn(start, seconds)
            return True

        done = guarded(answer)
        if isinstance(done, Fault):
            for job, _ in read:
                job.outcome = done
            return False
        return True
