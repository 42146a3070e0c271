"""Jobs done side by side, each in a process of its own. What they leave in the run folder is taken up by the contest.

A process that is killed is started once more, and goes on from its last checkpoint. Whatever is then still missing, because a process
died again or its training failed, is trained in this process, which says why it fails.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from netpick.contest.executors.files import JobFile, write_job
from netpick.disk.strict import RefusedError, parse_json
from netpick.disk.strict.values import from_parts
from netpick.errors import Interrupted
from netpick.training.keeping import Keeper
from netpick.types import Event, OnEvent

MOST_LINE = 1 << 20  # bytes of an event
STARTS = 2  # of a job's process, before this process takes it over
LISTEN = 0.1  # seconds between two looks at whether the run is to stop


@dataclass
class Worker:
    """A process at work on a job."""

    key: str
    process: subprocess.Popen[bytes]
    starts: int = 1
    listener: Thread | None = None  # of what it says


@dataclass
class Crew:
    """The processes that are at work, and what they say."""

    folder: Path
    said: Queue[tuple[Worker, bytes | None]] = field(default_factory=Queue)
    working: list[Worker] = field(default_factory=list)

    def start(self, key: str, starts: int = 1) -> None:
        """Gives a job to a new process."""
        command = [sys.executable, "-m", "netpick.contest.executors.worker", str(self.folder), key]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which tells the others
        )
        worker = Worker(key=key, process=process, starts=starts)
        self.working.append(worker)
        worker.listener = Thread(target=self._listen, args=(worker,), daemon=True)
        worker.listener.start()

    def _listen(self, worker: Worker) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            self.said.put((worker, line))
        self.said.put((worker, None))

    def ended(self, worker: Worker) -> int:
        """Takes the process out of the crew; its exit code."""
        self.working.remove(worker)
        code = worker.process.wait()
        assert worker.listener is not None
        worker.listener.join()
        for pipe in (worker.process.stdin, worker.process.stdout):
            assert pipe is not None
            pipe.close()
        return code

    def dismiss(self) -> None:
        """Ends all processes, each with its state kept."""
        for worker in self.working:
            worker.process.terminate()
        for worker in list(self.working):
            self.ended(worker)


def train_side_by_side(
    jobs: Sequence[Callable[[], JobFile]], workers: int, keeper: Keeper, on_event: OnEvent
) -> list[JobFile]:
    """Does the jobs in their order, so many at a time; each is made when its turn comes. Raises Interrupted when asked to stop."""
    crew, waiting = Crew(keeper.folder), iter(jobs)
    given: list[JobFile] = []
    keeper.stop.training = True  # it is looked at here
    try:
        for _ in range(workers):
            given += _give(crew, waiting)
        while crew.working:
            if keeper.stop.asked:
                raise Interrupted(f"Training was interrupted in {len(crew.working)} processes.")
            try:
                worker, line = crew.said.get(timeout=LISTEN)
            except Empty:
                continue
            if line is not None:
                _pass_on(line, on_event)
                continue
            code = crew.ended(worker)
            if code < 0 and worker.starts < STARTS:  # killed
                crew.start(worker.key, worker.starts + 1)
            else:
                given += _give(crew, waiting)
    finally:
        keeper.stop.training = False
        crew.dismiss()
    return given


def _give(crew: Crew, waiting: Iterator[Callable[[], JobFile]]) -> list[JobFile]:
    """The next job, to a process of its own; none when all are given out."""
    for make in waiting:
        job = make()
        write_job(crew.folder, job)
        crew.start(job.assignment.key)
        return [job]
    return []


def _pass_on(line: bytes, on_event: OnEvent) -> None:
    try:
        event = from_parts(Event, parse_json(line, MOST_LINE), {})
    except RefusedError:
        return  # cut short, as a killed process leaves it
    on_event(event)
