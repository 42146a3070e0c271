"""What training a candidate takes, as data: its entry of the plan, its share of the clock, and what a round's trainings learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from netpick.answers.metrics import METRICS
from netpick.models.infer import DeviceData
from netpick.tasks import Task
from netpick.training.job import Job, Trained
from netpick.training.plan import CandidatePlan
from netpick.training.step import class_weights
from netpick.types import Array, Rows

Build = Callable[[], nn.Module]  # a fresh network from torch's current generator


@dataclass(frozen=True, kw_only=True)
class Material:
    """What all trainings of a round learn from."""

    task: Task
    state: Any  # the task's
    data: DeviceData
    truth: Array
    train: Rows
    validation: Rows
    learnable: Rows  # of a second training, where there is one
    primary: str  # the metric that the contest is about
    num_scores: int  # classes, labels or values that it is about


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One candidate's training."""

    key: str  # within the run
    plan: CandidatePlan
    refit: bool  # small data: trained again with the validation rows
    trials: int  # of learning rates
    fixed: bool  # --steps: nothing depends on a clock
    replayed: bool  # the record decides, and nothing is added to it
    share: float  # seconds
    until: float  # of the run's clock
    threads: Sequence[int]  # numbers of them to try
    pause: int | None = None  # a trial: the step at which it is judged, and goes on or not


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What became of it: the network that was scored on the validation rows, and the one that is handed over."""

    first: Trained
    last: Trained
    threads: int | None  # the fastest number of them; None where the clock had no say
    remark: str = ""  # what is to be said of the second training

    @property
    def seconds(self) -> float:
        """That training took."""
        return self.first.seconds + (0.0 if self.last is self.first else self.last.seconds)


def job_of(material: Material, plan: CandidatePlan, build: Build) -> Job:
    """What the plan says, for the engine."""
    return Job(
        plan=plan,
        build=build,
        task=material.task,
        target_state=material.state,
        data=material.data,
        truth=material.truth,
        train=_sampled(material.train, plan.rows, plan.seed),
        validation=material.validation,
        primary=METRICS[material.primary],
        class_weights=class_weights(material.truth, material.train, plan.recipe, material.num_scores),
    )


def _sampled(rows: Rows, count: int, seed: int) -> Rows:
    """So many of the rows, drawn at random; all of them for 0."""
    if not 0 < count < len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
