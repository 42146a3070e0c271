"""What the engine adds to a step: the same network, batch and precision, in our loop and in a bare one.

The only file in bench/ that looks inside netpick: it builds a training job from the MNIST arrays.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.measure import PYTHON, SHARED_DATA, Section, median, need, run_command

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.training.job import Job

STEPS = 150
ROUNDS = 5
PLAIN = "clip=0,augment=,average=0,label_smoothing=0"  # what the bare loop does
RECIPES = {"nothing but the loop": PLAIN, "the recipe that netpick proposes": None}


def measure_step_time() -> Section:
    """The engine's loop against the bare loop, in turns, in a process of its own."""
    need(SHARED_DATA / "mnist")
    output = run_command([PYTHON, "-m", "bench.step_time"]).output
    rows = []
    for line in output.strip().splitlines():
        result = json.loads(line)
        ours, bare = median(result["ours"]), median(result["bare"])
        ratios = [a / b for a, b in zip(result["ours"], result["bare"], strict=True)]
        times = f"{1000 * ours:.2f} ms", f"{1000 * bare:.2f} ms"
        rows.append([result["recipe"], *times, f"{100 * (median(ratios) - 1):+.1f} %", result["goal"]])
    return Section(
        title="Time per step", columns=["engine's recipe", "engine", "bare loop", "difference", "goal"], rows=rows,
        note=f"The CNN for MNIST, {ROUNDS} rounds of {STEPS} steps in turns; the bare loop is the same in both rows.",
    )  # fmt: skip


def make_mnist_job(recipe: str | None) -> Job:
    """The job that `netpick fit` would train for the CNN, from arrays, without looks at the validation rows."""
    import numpy as np

    from bench.make_mnist_png import read_part
    from netpick.answers.metrics import METRICS
    from netpick.columns.store import Store
    from netpick.contest.candidates import Contestants, make_candidates
    from netpick.models.infer import DeviceData
    from netpick.tasks import TASKS
    from netpick.training.job import Job
    from netpick.types import InputSpec

    images, labels = read_part(SHARED_DATA / "mnist", "train")
    inputs = {"grid": InputSpec(form="grid", shape=(1, 28, 28), mean=(0.1307,), std=(0.3081,))}
    target = labels.astype(np.int64)
    data = DeviceData(Store(arrays={"grid": np.ascontiguousarray(images[:, None])}), inputs, "cpu", target)
    asked = Contestants(
        inputs=inputs, num_outputs=10, num_rows=55_000, labels=tuple("0123456789"), device="cpu", seed=0, models="cnn",
        recipe=recipe,
    )  # fmt: skip
    (candidate,) = make_candidates(asked)
    rows = np.arange(60_000)
    return Job(
        plan=replace(candidate.plan, steps=STEPS, looks=1), build=candidate.build, task=TASKS["classify"],
        target_state=None, data=data, truth=target, train=rows[:55_000], validation=rows[55_000:],
        primary=METRICS["accuracy"], select=False,
    )  # fmt: skip


def seconds_of_engine(job: Job) -> float:
    """Seconds per step of netpick's loop."""
    from netpick.training.train import train

    return train(job, lambda event: None).seconds / STEPS


def seconds_of_bare_loop(network: nn.Module, job: Job) -> float:
    """Seconds per step of the shortest loop that trains this network in torch."""
    import time

    import torch

    images, labels = job.data.tensors["grid"], job.data.target
    recipe = job.plan.recipe
    rate = torch.optim.lr_scheduler.OneCycleLR
    started = time.perf_counter()
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = rate(optimizer, recipe.learning_rate, total_steps=STEPS)
    order = torch.randperm(len(job.train))
    network.train()
    for step in range(STEPS):
        rows = pick(order, step, recipe.batch_size)
        with torch.autocast("cpu", torch.bfloat16, enabled=job.plan.precision == "bfloat16"):
            outputs = network({"grid": images[rows]})
        loss = torch.nn.functional.cross_entropy(outputs.float(), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return (time.perf_counter() - started) / STEPS


def pick(order: Tensor, step: int, size: int) -> Tensor:
    """The row numbers of a step, starting over at the end of an epoch."""
    start = (step * size) % (len(order) - size + 1)
    return order[start : start + size]


def main() -> None:
    """Prints one JSON line per recipe."""
    from netpick.training.job import new_network

    for name, recipe in RECIPES.items():
        job = make_mnist_job(recipe)
        ours, bare = [], []
        seconds_of_bare_loop(new_network(job), job)  # warm-up
        for _ in range(ROUNDS):
            ours.append(seconds_of_engine(job))
            bare.append(seconds_of_bare_loop(new_network(job), job))
        goal = "at most +5 %" if recipe == PLAIN else ""
        sys.stdout.write(json.dumps({"recipe": name, "goal": goal, "ours": ours, "bare": bare}) + "\n")


if __name__ == "__main__":
    main()
