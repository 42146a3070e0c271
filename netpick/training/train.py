"""The engine: one loop that trains any network on encoded rows.

Batches are gathered by row number from tensors that lie on the device; order and augmentation are pure functions of (seed,
epoch, row). Nothing in the loop waits for the device: the loss is summed there and fetched when the validation rows are
scored. It prints nothing; progress leaves through `on_event`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import astuple, fields, replace

import numpy as np
import torch
from torch import Tensor, nn

from netpick.errors import Interrupted, TrainingError
from netpick.models.networks.base import trained_parts
from netpick.training.course import Course, FixedCourse, Segment
from netpick.training.evaluation import evaluate, score_start
from netpick.training.job import Job, Trained, feed_of, new_network
from netpick.training.optimize import Average, rate_multiplier
from netpick.training.optimizers import make_optimizers
from netpick.training.step import make_step
from netpick.training.training_state import Progress, TrainingState
from netpick.types import OnEvent
from netpick.types.results import HalfTime


def train(job: Job, on_event: OnEvent) -> Trained:
    """Trains one candidate along its course, from its last checkpoint where there is one.

    Raises TrainingError when the loss becomes NaN or infinite, and Interrupted, with a checkpoint written, when asked to stop.
    """
    started = time.perf_counter()
    threads = torch.get_num_threads()
    network = new_network(job)
    if job.start is not None:
        network.load_state_dict(job.start)
    optimizers = make_optimizers(network, job.plan.recipe)
    average = Average(network, job.plan.recipe.average) if job.plan.recipe.average > 0 else None
    progress = Progress()
    state = TrainingState(
        network=network,
        optimizers=optimizers,
        average=average,
        progress=progress,
        scored_rows=len(job.validation),
        rows=min(job.plan.recipe.batch_size, len(job.train)),
    )
    course = job.course or FixedCourse(steps=job.plan.steps, evaluations=job.plan.looks, threads=threads)
    with torch.random.fork_rng(devices=[] if job.data.device == "cpu" else None):
        torch.manual_seed(job.plan.seed + 1)  # dropout
        started -= _take_up(job, state)
        if job.start is not None and job.select and progress.step == 0 and progress.best_weights is None:
            score_start(job, state)
        network.train()
        loop = _Loop(job=job, state=state, course=course, on_event=on_event, started=started)
        try:
            while not progress.stop and (segment := course.next(progress.step, branched=progress.branched)) is not None:
                torch.set_num_threads(segment.threads)
                (loop.branch if segment.branch else loop.run)(segment)
        finally:
            torch.set_num_threads(threads)
        if job.pauses and job.checkpoints is not None and not progress.stop:
            saved = state.save(time.perf_counter() - started, course.used)
            job.checkpoints.save(saved.tensors, saved.state)
    return _finish(job, network, average, progress, started)


class _Loop:
    """Carries out the segments of a course."""

    def __init__(self, *, job: Job, state: TrainingState, course: Course, on_event: OnEvent, started: float) -> None:
        self.job, self.state, self.course, self.on_event, self.started = job, state, course, on_event, started
        self.step_once = make_step(job, state.network, tuple(state.optimizers))
        self.base_rates = [[group.lr for group in optimizer.groups] for optimizer in state.optimizers]
        self.feed = self._feed()
        self.trained = trained_parts(state.network)

    def run(self, segment: Segment) -> None:
        """The steps of a segment that are still to be made, and the scoring behind it."""
        progress, course = self.state.progress, self.course
        while progress.step < segment.until:
            _keep(self.job, self.state, self.started, course)
            multiplier = rate_multiplier(self.job.plan.recipe, segment.fraction(progress.step)) * progress.rate_scale
            for part in self.trained:
                part.hold(segment.fraction(progress.step) <= self.job.plan.recipe.held)
            self._step(self.feed, multiplier)
            progress.step += 1
            if self.state.average is not None:
                self.state.average.update()
            if progress.step < segment.until and course.late(progress.step):
                break
        self._settle()
        course.stepped(progress.step)
        if segment.look and progress.step == segment.until:
            evaluate(self.job, self.state, self.started, multiplier, self.on_event, course.steps)

    def branch(self, segment: Segment) -> None:
        """Anneals from here, scores the validation rows, and goes back: what half of the time was worth."""
        state, progress = self.state, self.state.progress
        saved = {name: tensor.clone() for name, tensor in state.save(0.0).tensors.items()}
        kept = replace(progress, history=list(progress.history))
        averaged = 0 if state.average is None else state.average.count
        start = rate_multiplier(self.job.plan.recipe, max(segment.begin, 1e-9)) * progress.rate_scale
        whole = self._annealed(segment, start)
        if whole and segment.look:
            evaluate(self.job, state, self.started, start, None, segment.until)
            kept.half_step, kept.half_score = progress.step, progress.history[-1].validation_score
            kept.half_losses = progress.last_losses
            kept.best_score, kept.best_loss = progress.best_score, progress.best_loss
            kept.best_step, kept.best_weights = progress.best_step, progress.best_weights
        state.put_back(saved)
        if state.average is not None:
            state.average.count = averaged
        for field_of in fields(Progress):
            setattr(progress, field_of.name, getattr(kept, field_of.name))
        _keep(self.job, state, self.started, self.course)  # ends it here when it was interrupted, before the branch
        progress.branched = True

    def _annealed(self, segment: Segment, start: float) -> bool:
        """The steps of a branch; False when they were given up."""
        progress, feed = self.state.progress, self._feed()
        for step in range(segment.step, segment.until):
            if self.job.interrupted():
                return False
            self._step(feed, start * max(1e-4, 1 - (step + 1 - segment.step) / (segment.until - segment.step)))
            progress.step += 1
            if self.state.average is not None:
                self.state.average.update()
            if progress.step < segment.until and self.course.late(progress.step):
                return False
        self._settle()
        self.course.stepped(progress.step)
        return True

    def _step(self, feed: Iterator[tuple[Tensor, int]], multiplier: float) -> None:
        progress = self.state.progress
        for optimizer, rates in zip(self.state.optimizers, self.base_rates, strict=True):
            for group, rate in zip(optimizer.groups, rates, strict=True):
                group.lr = rate * multiplier
        loss = self.step_once(*next(feed))
        progress.loss_sum = loss if progress.loss_sum is None else progress.loss_sum + loss
        progress.loss_count += 1

    def _feed(self) -> Iterator[tuple[Tensor, int]]:
        return feed_of(self.job, self.state.network, skip=self.state.progress.step)

    def _settle(self) -> None:
        """A GPU is waited for, so that the pace is that of steps which were made."""
        if self.job.data.device.startswith("cuda"):
            torch.cuda.synchronize()


def _take_up(job: Job, state: TrainingState) -> float:
    """Goes back to the last checkpoint, if there is one; returns the seconds that were spent until then."""
    if job.checkpoints is None:
        return 0.0
    job.checkpoints.expect(sum(weight.numel() * weight.element_size() for weight in state.network.parameters()))
    saved = job.checkpoints.load(state.expected)
    if saved is None:
        return 0.0
    spent = state.load(saved)
    if job.course is not None:
        job.course.taken_up(float(saved.state["used"]))
    return spent


def _keep(job: Job, state: TrainingState, started: float, course: Course) -> None:
    """Writes a checkpoint when one is due, or when training is to end here."""
    interrupted = job.interrupted()
    if job.checkpoints is not None and (interrupted or job.checkpoints.due()):
        began = time.perf_counter()
        saved = state.save(began - started, course.used)
        job.checkpoints.save(saved.tensors, saved.state, began)
    if interrupted:
        raise Interrupted(f"{job.plan.name} was interrupted at step {state.progress.step:,} of {course.steps:,}.")


def _finish(job: Job, network: nn.Module, average: Average | None, progress: Progress, started: float) -> Trained:
    if progress.best_weights is not None:
        network.load_state_dict(progress.best_weights)
    elif average is not None:
        average.swap()
    if not all(bool(torch.isfinite(p).all()) for p in network.parameters()):
        raise TrainingError(f"The weights of {job.plan.name} became NaN or infinite. Lower the learning rate.")
    network.eval()
    return Trained(
        network=network,
        history=tuple(progress.history),
        best_step=progress.step if progress.best_weights is None else progress.best_step,
        steps=progress.step,
        seconds=time.perf_counter() - started,
        remarks=(progress.stop,) if progress.stop else (),
        half_time=_half_time(progress),
    )


def _half_time(progress: Progress) -> HalfTime | None:
    half, last = progress.half_losses, progress.last_losses
    if half is None or last is None:
        return None
    differences = (half - last).double()
    measured = HalfTime(
        step=progress.half_step,
        validation_loss=float(half.mean()),
        validation_score=progress.half_score,
        end_step=progress.step,
        end_loss=float(last.mean()),
        end_score=progress.history[-1].validation_score,
        loss_error=float(differences.std() / len(differences) ** 0.5) if len(differences) > 1 else 0.0,
    )
    return measured if np.isfinite(astuple(measured)).all() else None
