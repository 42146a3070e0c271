"""Jobs in a run folder: what all trainings of a round learn from in one file of arrays, each job in a file of JSON.

checkpoints/rows/ROUND.safetensors   inputs, targets and row numbers, which every worker maps
checkpoints/KEY/job.json             the job; what was trained comes to lie beside it
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors.numpy import save_file
from torch import nn

from netpick.columns.store import Store
from netpick.contest.executors.jobs import Assignment, Build, Material
from netpick.disk.files import aside, write_whole
from netpick.disk.strict import RefusedError, parse_json, read_file
from netpick.disk.strict.tensors import mapped_arrays
from netpick.disk.strict.values import from_parts, to_parts
from netpick.models.infer import DeviceData
from netpick.models.networks.network import begun, build_network, settings_from_json
from netpick.tasks import TASKS
from netpick.training.keeping import CHECKPOINTS
from netpick.types import Array, InputSpec

MOST_JOB = 4 << 20  # bytes
MOST_ROWS = 8 << 30  # bytes of a round's arrays: more are not written twice
KEY = re.compile(r"[a-z0-9-]{1,40}")
INPUT = "input:"  # before the name of an encoded input


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """job.json."""

    assignment: Assignment
    rows: str  # the name of the round's file of arrays
    task: str
    state: Mapping[str, Any]  # the task's, as JSON
    inputs: Mapping[str, InputSpec]
    num_outputs: int
    device: str
    cores: int  # threads of torch
    primary: str
    num_scores: int
    used: float  # seconds of the run's budget, when the job was given out
    weights: str | None = None  # the user's own file of them, that it begins with
    earlier: str | None = None  # the folder of the run that is continued


def write_rows(folder: Path, name: str, store: Store, target: Array, material: Material) -> bool:
    """Writes what the trainings of a round learn from; False where that is too much to lie on the disk twice."""
    arrays = {f"{INPUT}{key}": array for key, array in store.arrays.items()}
    arrays |= {"target": target, "truth": material.truth, "learnable": material.learnable}
    arrays |= {"train": material.train, "validation": material.validation}
    if sum(array.nbytes for array in arrays.values()) > MOST_ROWS:
        return False
    path = folder / CHECKPOINTS / "rows" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = aside(path)
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, partial_path)
    partial_path.replace(path)
    return True


def write_job(folder: Path, job: JobFile) -> None:
    """Writes a job, for the process that is given its key."""
    path = folder / CHECKPOINTS / job.assignment.key / "job.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    plain, _ = to_parts(job)
    write_whole(path, json.dumps(plain, allow_nan=False).encode())


def read_job(folder: Path, key: str) -> JobFile:
    """The job of that key. Raises RefusedError."""
    if KEY.fullmatch(key) is None:
        raise RefusedError(f"'{key[:40]}' is the key of no job")
    content = read_file(folder / CHECKPOINTS / key / "job.json", MOST_JOB)
    return from_parts(JobFile, parse_json(content, MOST_JOB), {})


def material_of(folder: Path, job: JobFile) -> Material:
    """What the job's training learns from, mapped from the round's file. Raises RefusedError."""
    if KEY.fullmatch(job.rows) is None:
        raise RefusedError(f"'{job.rows[:40]}' is the name of no rows")
    arrays = mapped_arrays(folder / CHECKPOINTS / "rows" / f"{job.rows}.safetensors")
    inputs = {name.removeprefix(INPUT): array for name, array in arrays.items() if name.startswith(INPUT)}
    task = TASKS[job.task]
    return Material(
        task=task,
        state=TypeAdapter(task.State).validate_json(json.dumps(dict(job.state))),
        data=DeviceData(Store(arrays=inputs), job.inputs, job.device, arrays["target"]),
        truth=arrays["truth"],
        train=arrays["train"],
        validation=arrays["validation"],
        learnable=arrays["learnable"],
        primary=job.primary,
        num_scores=job.num_scores,
    )


def builder_of(job: JobFile) -> Build:
    """What builds the job's network. Raises ModelFileError for settings of another version."""
    plan, inputs = job.assignment.plan, dict(job.inputs)
    settings = settings_from_json(plan.family, inputs, plan.settings)
    geometry, weights = TASKS[job.task].answer.geometry, None if job.weights is None else Path(job.weights)

    def build() -> nn.Module:
        network = build_network(plan.family, settings, inputs, job.num_outputs, geometry)
        return begun(network, plan.family, settings, inputs, weights)

    return build


def state_json(task: str, state: Any) -> dict[str, Any]:
    """A task's state as JSON."""
    made: dict[str, Any] = json.loads(TypeAdapter(TASKS[task].State).dump_json(state))
    return made
