"""What keeping a training safe costs: with checkpoints as every run writes them, and without, in turns in one process."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import PYTHON, SHARED_DATA, Section, median, need, run_command

if TYPE_CHECKING:
    from netpick.training.job import Job

ROUNDS = 5
SECONDS = 12.0  # of each training: what a network gets of the default budget, four of them in a minute
NETWORKS = ("cnn", "mlp[width=512,layers=3]", "mlp[width=2048,layers=6]")


def measure_checkpoints() -> Section:
    """Seconds of the same training, kept in a run folder and not kept."""
    need(SHARED_DATA / "mnist")
    rows = []
    for line in run_command([PYTHON, "-m", "bench.checkpoints"]).output.strip().splitlines():
        result = json.loads(line)
        ratios = [kept / plain for kept, plain in zip(result["kept"], result["plain"], strict=True)]
        seconds = f"{median(result['kept']):.2f} s", f"{median(result['plain']):.2f} s"
        size = f"{result['parameters']:,}", f"{result['written']:.1f}"
        rows.append([result["network"], *size, *seconds, f"{100 * (median(ratios) - 1):+.1f} %", "at most +5 %"])
    columns = ["network", "parameters", "checkpoints", "kept", "not kept", "difference", "goal"]
    note = f"MNIST, {ROUNDS} rounds in turns of a fixed number of steps, some {SECONDS:.0f} s; the last row is as large as they come."
    return Section(title="Checkpoints", columns=columns, rows=rows, note=note)


def make_job(models: str) -> Job:
    """The job that `netpick fit` would train for these networks on MNIST, with steps for about SECONDS."""
    import numpy as np

    from bench.make_mnist_png import read_part
    from netpick.answers.metrics import METRICS
    from netpick.columns.store import Store
    from netpick.contest.candidates import Contestants, make_candidates
    from netpick.models.infer import DeviceData
    from netpick.tasks import TASKS
    from netpick.training.job import Job
    from netpick.training.probe import probe
    from netpick.types import InputSpec

    images, labels = read_part(SHARED_DATA / "mnist", "train")
    inputs = {"grid": InputSpec(form="grid", shape=(1, 28, 28), mean=(0.1307,), std=(0.3081,))}
    target = labels.astype(np.int64)
    data = DeviceData(Store(arrays={"grid": np.ascontiguousarray(images[:, None])}), inputs, "cpu", target)
    names = tuple("0123456789")
    asked = Contestants(
        inputs=inputs, num_outputs=10, num_rows=55_000, labels=names, device="cpu", seed=0, models=models
    )
    (candidate,) = make_candidates(asked)
    rows = np.arange(60_000)
    job = Job(
        plan=replace(candidate.plan, steps=1, looks=5), build=candidate.build, task=TASKS["classify"], target_state=None,
        data=data, truth=target, train=rows[:55_000], validation=rows[55_000:], primary=METRICS["accuracy"],
    )  # fmt: skip
    steps = max(20, int(SECONDS / probe(job, 1, 2.0, [1]).pace))
    return replace(job, plan=replace(job.plan, steps=steps))


def main() -> None:
    """Prints one JSON line per network."""
    from netpick.training.checkpoint import Checkpoints
    from netpick.training.keeping import Keeper
    from netpick.training.stop import Stop
    from netpick.training.train import train

    written = 0
    real = Checkpoints.save

    def counted(self: Checkpoints, *arguments: object) -> None:
        nonlocal written
        written += 1
        real(self, *arguments)  # type: ignore[arg-type]

    Checkpoints.save = counted  # type: ignore[method-assign]
    for network in NETWORKS:
        job = make_job(network)
        kept, plain, written = [], [], 0
        with tempfile.TemporaryDirectory(
            dir=Path.cwd()
        ) as folder:  # on a disk, which the system's own folder may not be
            for number in range(ROUNDS):
                keeper = Keeper(folder=Path(folder) / f"{number}", stop=Stop())
                started = time.perf_counter()
                keeper.trained("0", job, lambda event: None)
                kept.append(time.perf_counter() - started)
                started = time.perf_counter()
                trained = train(job, lambda event: None)
                plain.append(time.perf_counter() - started)
        parameters = sum(weight.numel() for weight in trained.network.parameters())
        line = {"network": network, "parameters": parameters, "written": written / ROUNDS, "kept": kept, "plain": plain}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
