"""Runs jobs (a case and a way each) in worker processes, and trains the small models that `predict` cases use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from corpus.case import Case, Way
from corpus.judge import Outcome, wrong

TESTS = Path(__file__).resolve().parent.parent
Job = tuple[Case, Way]


def jobs_of(cases: Sequence[Case], ways: Sequence[Way] | None = None) -> list[Job]:
    """Every way of every case; the dearest first would be no quicker, so in order."""
    return [(case, way) for case in cases for way in case.ways if ways is None or way in ways]


def run_jobs(
    jobs: Sequence[Job], folder: Path, models: dict[str, Path] | None = None, workers: int = 1
) -> Iterator[tuple[Case, Outcome, list[str]]]:
    """Outcomes with what is wrong with each, in the order of the jobs."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    started = [Worker() for _ in range(min(workers, max(1, len(jobs))))]
    for worker in started:
        idle.put(worker)

    def run(number: int) -> Outcome:
        case, way = jobs[number]
        worker = idle.get()
        try:
            return worker.run(case, way, folder / f"{number}", (models or {}).get(case.model or ""))
        finally:
            idle.put(worker)

    try:
        with ThreadPoolExecutor(len(started)) as pool:
            for (case, _), outcome in zip(jobs, pool.map(run, range(len(jobs))), strict=True):
                yield case, outcome, wrong(case, outcome)
    finally:
        for worker in started:
            worker.close()


class Worker:
    """A process of corpus.run."""

    def __init__(self) -> None:
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "2",
            "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent))),
            "PYTHONWARNINGS": "default",
            "COLUMNS": "120",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "corpus.run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def run(self, case: Case, way: Way, folder: Path, model: Path | None) -> Outcome:
        job = {"case": case.name, "way": way, "folder": str(folder), "model": None if model is None else str(model)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The worker ended at {case.name} ({way}).")
        return Outcome(**json.loads(answer))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
