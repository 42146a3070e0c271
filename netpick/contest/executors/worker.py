"""A worker process: `python -m netpick.contest.executors.worker RUN KEY` does one job of a run folder, and leaves what it trained there.

Progress goes to standard output, a JSON object a line. It ends when it is told to (SIGTERM), or when whoever started it is gone:
standard input is then at its end. Either way the training's state is kept, and goes on from there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from threading import Thread

import torch

from netpick.contest.executors.files import builder_of, material_of, read_job
from netpick.contest.executors.here import train_networks
from netpick.disk.files import locked
from netpick.errors import Interrupted, RequestError
from netpick.training.clock import WorkClock
from netpick.training.keeping import CHECKPOINTS, Keeper
from netpick.training.stop import Stop
from netpick.types import Event

INTERRUPTED = 4  # exit code
PATIENCE, PAUSE = 60.0, 0.05  # seconds in which another worker of the same job must have ended


def main(folder: Path, key: str) -> int:
    """Does the job; 0 when its networks lie in the folder."""
    stop = Stop()
    Thread(target=_until_alone, args=(stop,), daemon=True).start()
    with stop.listening(), ExitStack() as stack:
        _hold(stack, folder / CHECKPOINTS / key)
        job = read_job(folder, key)
        torch.set_num_threads(job.cores)
        clock = WorkClock()
        clock.set(job.used)
        earlier = None if job.earlier is None else Path(job.earlier)
        keeper = Keeper(folder=folder, stop=stop, clock=clock, earlier=earlier)
        try:
            train_networks(job.assignment, material_of(folder, job), builder_of(job), keeper, _told)
        except Interrupted:
            return INTERRUPTED
    return 0


def _until_alone(stop: Stop) -> None:
    os.read(sys.stdin.fileno(), 1)  # not through a buffer, whose lock would be held when this process ends
    stop.asked = True


def _hold(stack: ExitStack, folder: Path) -> None:
    """Holds the job for this process; one that an earlier start has left behind is about to end."""
    began = time.monotonic()
    while True:
        try:
            stack.enter_context(locked(folder))
            return
        except RequestError:
            if time.monotonic() - began > PATIENCE:
                raise
            time.sleep(PAUSE)


def _told(event: Event, /) -> None:
    sys.stdout.write(json.dumps(asdict(event)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
