"""What a run begins with, and what holds for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from netpick.contest.prepare import FitOptions
from netpick.contest.replay import Replay
from netpick.errors import RequestError
from netpick.tasks.examples import Prepared
from netpick.training.clock import Clock
from netpick.training.course import thread_choices
from netpick.training.keeping import Keeper
from netpick.training.stop import Stop
from netpick.types import OnEvent


@dataclass(frozen=True, kw_only=True)
class Start:
    """Prepared data, and all that steers the run."""

    prepared: Prepared
    options: FitOptions
    budget: float | None  # seconds; None where --steps fixes the trainings
    started: float  # time.perf_counter() at the beginning, moved back by what earlier starts took
    clock: Clock  # of the budget
    on_event: OnEvent
    stop: Stop = field(default_factory=Stop)
    data: str | Path | None = None  # the path that was given, so that the run can be resumed
    folder: Path | None = None  # of an earlier start, to resume it
    replay: Replay | None = None  # a plan whose decisions are repeated, whatever the clock says


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for every training of the run."""

    options: FitOptions
    budget: float | None
    clock: Clock
    keeper: Keeper
    replay: Replay | None
    device: str
    threads: int
    started: float  # time.perf_counter() at the beginning
    workers: int  # processes that train side by side
    rounds: int  # times that every candidate is trained: once for all rows, and once a fold

    @property
    def thread_choices(self) -> Sequence[int]:
        """Numbers of threads to try: one, half and all of a process's; on a GPU, or where the user said one, no others."""
        if self.options.threads is not None or self.device != "cpu":
            return [self.threads]
        return thread_choices(max(1, self.threads // self.workers))


def device_of(options: FitOptions) -> str:
    """The device to train on. Raises RequestError where there is none of that name."""
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.device != "auto":
        if options.device.startswith("cuda") and not torch.cuda.is_available():
            raise RequestError(
                "--device cuda was asked for, but torch sees no GPU here. Leave --device out, or pass cpu."
            )
        if options.device.split(":")[0] not in ("cpu", "cuda"):
            raise RequestError(f"There is no device '{options.device}'. Known: auto, cpu, cuda, cuda:1, ...")
        return options.device
    return "cuda" if torch.cuda.is_available() else "cpu"
