"""What the training of one candidate needs, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from netpick.answers.metrics.base import Metric
from netpick.columns.forms import FORMS
from netpick.models.infer import DeviceData
from netpick.models.networks.base import Carrying
from netpick.tasks import Task
from netpick.training.batches import batches, streams
from netpick.training.checkpoint import Checkpoints
from netpick.training.course import Course
from netpick.training.plan import CandidatePlan
from netpick.types import Array, Inputs, Rows
from netpick.types.results import HalfTime, HistoryPoint


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that one candidate's training needs."""

    plan: CandidatePlan
    build: Callable[[], nn.Module]  # a fresh network from torch's current generator
    task: Task
    target_state: Any
    data: DeviceData
    truth: Array  # in the task's own units, for scoring
    train: Rows
    validation: Rows
    primary: Metric[Any]
    class_weights: tuple[float, ...] | None = None
    course: Course | None = None  # which steps, at which rates; None: those that the plan fixes
    checkpoints: Checkpoints | None = None  # where the state is kept between steps, and taken up again
    interrupted: Callable[[], bool] = field(default=lambda: False)  # asked before every step; True ends it, resumable
    start: Mapping[str, Tensor] | None = None  # weights of an earlier run that training goes on from; None: fresh ones
    pauses: bool = False  # its course ends before its schedule does: a checkpoint of the last step is left
    select: bool = True  # score validation rows and keep the best weights; False: a plain run of all steps


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network and what happened."""

    network: nn.Module
    history: tuple[HistoryPoint, ...]
    best_step: int
    steps: int
    seconds: float
    before: int = 0  # of these steps, made by the run that is continued
    remarks: tuple[str, ...] = ()
    half_time: HalfTime | None = None  # where a branch was annealed at about half of the course


def feed_of(job: Job, network: nn.Module, skip: int = 0) -> Iterator[tuple[Tensor, int]]:
    """Which rows each step learns from, as (row numbers, epoch), for ever. skip: batches that were had before."""
    size, seed = job.plan.recipe.batch_size, job.plan.seed
    if isinstance(network, Carrying) and network.carries:
        return streams(job.train, size, seed, skip=skip)
    return batches(job.train, size, seed, job.data.lengths, skip=skip, even=_by_steps(job.data.inputs))


def _by_steps(inputs: Inputs) -> bool:
    """Whether each step of a row is learned, so that batches are of as many steps."""
    return any(FORMS[spec.form].two_sided for spec in inputs.values())


def new_network(job: Job) -> nn.Module:
    """A freshly initialised network on the device: the same for the same seed, whatever ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.plan.seed)
        network = job.build()
    network = network.to(job.data.device)
    if any(FORMS[spec.form].channels_last for spec in job.data.inputs.values()):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
