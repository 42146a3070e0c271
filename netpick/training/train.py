"""The engine: one loop that trains any network on encoded rows.

Batches are gathered by row number from tensors that lie on the device; order and augmentation are pure functions of (seed,
epoch, row). Nothing in the loop waits for the device: the loss is summed there and fetched when the validation rows are
scored. It prints nothing; progress leaves through `on_event`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.answers.metrics.base import Metric
from netpick.columns.forms import FORMS
from netpick.errors import Interrupted, TrainingError
from netpick.models.infer import DeviceData, Members, Outputs, answers_of, autocast, predict_outputs
from netpick.models.networks import main_input
from netpick.tasks import Task
from netpick.training.augment import Augmenter
from netpick.training.checkpoint import Checkpoints
from netpick.training.clock import contested
from netpick.training.course import Course, FixedCourse, Segment
from netpick.training.optimize import Average, Optimizer, make_optimizers, rate_multiplier
from netpick.training.plan import CandidatePlan, Probe
from netpick.training.training_state import Progress, TrainingState
from netpick.types import Array, Event, OnEvent, Rows
from netpick.types.recipe import Recipe
from netpick.types.results import HalfTime, HistoryPoint

STRETCH = 32  # batches within which rows are sorted by length
MOST_PROBED = 40  # steps
PROBED_ROWS = 256  # that are predicted
LOOK_NOISE = 0.1  # divided by the root of the validation rows: differences of scores below it are chance


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
    select: bool = True  # score validation rows and keep the best weights; False: a plain run of all steps


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network and what happened."""

    network: nn.Module
    history: tuple[HistoryPoint, ...]
    best_step: int
    steps: int
    seconds: float
    remarks: tuple[str, ...] = ()
    half_time: HalfTime | None = None  # where a branch was annealed at about half of the course


def new_network(job: Job) -> nn.Module:
    """A freshly initialised network on the device: the same for the same seed, whatever ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.plan.seed)
        network = job.build()
    network = network.to(job.data.device)
    if any(FORMS[spec.form].channels_last for spec in job.data.inputs.values()):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def train(job: Job, on_event: OnEvent) -> Trained:
    """Trains one candidate along its course, from its last checkpoint where there is one.

    Raises TrainingError when the loss becomes NaN or infinite, and Interrupted, with a checkpoint written, when asked to stop.
    """
    started = time.perf_counter()
    threads = torch.get_num_threads()
    network = new_network(job)
    optimizers = make_optimizers(network, job.plan.recipe)
    average = Average(network, job.plan.recipe.average) if job.plan.recipe.average > 0 else None
    progress = Progress()
    state = TrainingState(
        network=network,
        optimizers=optimizers,
        average=average,
        progress=progress,
        scored_rows=len(job.validation),
    )
    course = job.course or FixedCourse(steps=job.plan.steps, looks=job.plan.looks, threads=threads)
    with torch.random.fork_rng(devices=[] if job.data.device == "cpu" else None):
        torch.manual_seed(job.plan.seed + 1)  # dropout
        started -= _take_up(job, state)
        network.train()
        loop = _Loop(job=job, state=state, course=course, on_event=on_event, started=started)
        try:
            while not progress.stop and (segment := course.next(progress.step, branched=progress.branched)) is not None:
                torch.set_num_threads(segment.threads)
                (loop.branch if segment.branch else loop.run)(segment)
        finally:
            torch.set_num_threads(threads)
    return _finish(job, network, average, progress, started)


class _Loop:
    """Carries out the segments of a course."""

    def __init__(self, *, job: Job, state: TrainingState, course: Course, on_event: OnEvent, started: float) -> None:
        self.job, self.state, self.course, self.on_event, self.started = job, state, course, on_event, started
        self.step_once = make_step(job, state.network, tuple(state.optimizers))
        self.base_rates = [[group.lr for group in optimizer.groups] for optimizer in state.optimizers]
        self.feed = self._feed()

    def run(self, segment: Segment) -> None:
        """The steps of a segment that are still to be made, and the scoring behind it."""
        progress, course = self.state.progress, self.course
        while progress.step < segment.until:
            _keep(self.job, self.state, self.started, course)
            multiplier = rate_multiplier(self.job.plan.recipe, segment.fraction(progress.step)) * progress.rate_scale
            self._step(self.feed, multiplier)
            progress.step += 1
            if self.state.average is not None:
                self.state.average.update()
            if progress.step < segment.until and course.late(progress.step):
                break
        self._settle()
        course.stepped(progress.step)
        if segment.look and progress.step == segment.until:
            _look(self.job, self.state, self.started, multiplier, self.on_event, course.steps)

    def branch(self, segment: Segment) -> None:
        """Anneals from here, scores the validation rows, and goes back: what half of the time was worth."""
        state, progress = self.state, self.state.progress
        saved = {name: tensor.clone() for name, tensor in state.save(0.0).tensors.items()}
        kept = replace(progress, history=list(progress.history))
        averaged = 0 if state.average is None else state.average.count
        start = rate_multiplier(self.job.plan.recipe, max(segment.begin, 1e-9)) * progress.rate_scale
        whole = self._annealed(segment, start)
        if whole and segment.look:
            _look(self.job, state, self.started, start, None, segment.until)
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
        job, step = self.job, self.state.progress.step
        return batches(job.train, job.plan.recipe.batch_size, job.plan.seed, job.data.lengths, skip=step)

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


def make_step(job: Job, network: nn.Module, optimizers: tuple[Optimizer, ...]) -> Callable[[Tensor, int], Tensor]:
    """One training step as a function of (row numbers, epoch); returns the mean loss, still on the device."""
    recipe = job.plan.recipe
    loss_function = job.task.answer.loss(recipe, job.class_weights)
    augmenters = _augmenters(job)
    parameters = [p for p in network.parameters() if p.requires_grad]

    def step(rows: Tensor, epoch: int) -> Tensor:
        batch, target = job.data.batch(rows), job.data.targets(rows)
        partner = weight = None
        for augmenter in augmenters:
            batch, partner, weight = augmenter(batch, rows, epoch)
        with autocast(job.plan.precision, job.data.device):
            outputs = network(batch)
        losses = per_row_loss(loss_function, outputs, target)
        if partner is not None and weight is not None:
            mixed = per_row_loss(loss_function, outputs, target.index_select(0, partner))
            losses = weight * losses + (1 - weight) * mixed
        loss = losses.mean()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.clip > 0:
            nn.utils.clip_grad_norm_(parameters, recipe.clip)
        for optimizer in optimizers:
            optimizer.step()
        return loss.detach()

    return step


def _augmenters(job: Job) -> list[Augmenter]:
    """One for the main input; the others of a mixed row stay as they are."""
    main = main_input(job.data.inputs)
    if main == "table" or not job.plan.recipe.augment:
        return []
    return [Augmenter(job.plan.recipe.augment, job.data.inputs[main], job.plan.seed, main)]


def per_row_loss(loss_function: Callable[[Tensor, Tensor], Tensor], outputs: Outputs, target: Tensor) -> Tensor:
    """Loss per row (B,); members are each trained against the target and averaged."""
    if not isinstance(outputs, Members):
        return loss_function(outputs, target)
    members = outputs.values.shape[1]
    losses = loss_function(outputs.values.flatten(0, 1), target.repeat_interleave(members, dim=0))
    return losses.view(-1, members).mean(dim=1)


def batches(
    rows: Rows, batch_size: int, seed: int, lengths: Array | None = None, skip: int = 0
) -> Iterator[tuple[Tensor, int]]:
    """Endless batches of equal size; the order of an epoch is a pure function of (seed, epoch) and the lengths.

    lengths: (N,) of all rows; rows of like length then come together, so that little padding is computed.
    skip: batches that were had before.
    """
    size = min(batch_size, len(rows))
    epoch, skipped = divmod(skip, len(rows) // size)
    while True:
        key = np.array([seed, epoch], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key))
        order = rows[generator.permutation(len(rows))]
        starts = np.arange(0, len(rows) - size + 1, size)
        if lengths is not None:
            order = _like_lengths_together(order[: len(starts) * size], lengths, size)
            starts = generator.permutation(starts)
        shuffled = torch.from_numpy(order)
        for start in starts[skipped:].tolist():
            yield shuffled[start : start + size], epoch
        epoch, skipped = epoch + 1, 0


def _like_lengths_together(order: Rows, lengths: Array, size: int) -> Rows:
    """Sorted by length within stretches of some batches: enough to save the padding, while epochs still differ."""
    stretch = size * max(1, min(STRETCH, len(order) // size // 4))  # few rows: still four stretches that differ
    parts = [order[start : start + stretch] for start in range(0, len(order), stretch)]
    return np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])


def _look(
    job: Job, state: TrainingState, started: float, multiplier: float, on_event: OnEvent | None, steps: int
) -> None:
    """Scores the validation rows, keeps the best weights, and notices a loss that is NaN or infinite."""
    network, average, progress = state.network, state.average, state.progress
    assert progress.loss_sum is not None
    train_loss = float(progress.loss_sum) / progress.loss_count
    progress.loss_sum, progress.loss_count = None, 0
    if not np.isfinite(train_loss):
        raise TrainingError(
            f"The loss of {job.plan.name} became NaN or infinite by step {progress.step:,}. Lower the rate: "
            f'--recipe "learning_rate={job.plan.recipe.learning_rate / 10:g}".'
        )
    if not job.select:
        return
    if average is not None:
        average.swap()
    progress.last_losses, score = validate(job, network)
    validation_loss = float(progress.last_losses.mean())
    point = HistoryPoint(
        step=progress.step,
        seconds=time.perf_counter() - started,
        train_loss=train_loss,
        validation_loss=validation_loss,
        validation_score=score,
        learning_rate=job.plan.recipe.learning_rate * multiplier,
    )
    progress.history.append(point)
    _keep_best(job, network, progress, point)
    if average is not None:
        average.swap()
    network.train()
    if on_event is not None:
        _react(job.plan.recipe, progress)
        text = f"{job.plan.name}: step {progress.step:,} of {steps:,}, {job.primary.label} {score:.4f}"
        on_event(Event(stage="train", text=text, data=_told(job, point, steps)))


def _keep_best(job: Job, network: nn.Module, progress: Progress, point: HistoryPoint) -> None:
    score, loss = point.validation_score, point.validation_loss
    ranked = score if job.primary.better == "higher" else -score
    progress.waited = 0 if ranked > progress.top_score else progress.waited + 1
    progress.top_score = max(progress.top_score, ranked)
    # Among looks that noise alone could rank otherwise the later one is better: its learning rate is lower. Unless its
    # loss has risen, which is overfitting that a score of few rows does not show yet.
    level = ranked >= progress.top_score - LOOK_NOISE / len(job.validation) ** 0.5
    if ranked > progress.best_score or (level and loss <= 1.02 * progress.best_loss):
        progress.best_score, progress.best_loss, progress.best_step = ranked, loss, progress.step
        progress.best_weights = {k: v.detach().clone() for k, v in network.state_dict().items()}


def _react(recipe: Recipe, progress: Progress) -> None:
    """Lowers the rate, or ends training, where there was no progress."""
    if recipe.schedule == "plateau" and progress.waited >= 2:
        progress.rate_scale, progress.waited = progress.rate_scale * 0.3, 0
    elif recipe.patience and progress.waited >= recipe.patience and not progress.stop:
        progress.stop = f"stopped early at step {progress.step:,}: no progress for {recipe.patience} looks"


def _told(job: Job, point: HistoryPoint, steps: int) -> dict[str, Any]:
    return {
        "candidate": job.plan.name,
        "step": point.step,
        "steps": steps,
        "train_loss": point.train_loss,
        "validation_loss": point.validation_loss,
        "validation_score": point.validation_score,
        "metric": job.primary.name,
        "seconds": point.seconds,
    }


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
        best_step=progress.best_step or progress.step,
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


def validate(job: Job, network: nn.Module) -> tuple[Tensor, float]:
    """Losses (n,) and the primary metric on the validation rows."""
    outputs = predict_outputs(network, job.data, job.validation, precision=job.plan.precision)
    plain = replace(job.plan.recipe, label_smoothing=0.0)
    target = job.data.targets(torch.from_numpy(job.validation).to(job.data.place))
    losses = per_row_loss(job.task.answer.loss(plain, None), outputs, target).float()
    answers = answers_of(job.task.answer.answer, outputs).cpu().numpy()
    predictions = job.task.answer.decode(answers, job.target_state)
    truth = job.truth[job.validation]
    decided = job.task.answer.decide(predictions)
    weights = np.ones((1, len(truth)))
    if not job.primary.applies(truth, predictions):
        return losses, -float(losses.mean())
    return losses, float(job.primary.values(truth, predictions, weights, decided)[0])


def _seconds_of_second(call: Callable[[], Outputs]) -> float:
    """The second call's seconds: the first one chooses algorithms and fills caches."""
    call()
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def probe(job: Job, num_predicted: int, seconds: float, threads: Sequence[int], hopeless: float = math.inf) -> Probe:
    """Times a few real steps for each number of threads, and one part of a prediction, on a throw-away network.

    Their mean counts, not their median: beside a busy program a few steps take a hundred times as long as the others.
    hopeless: seconds of a first step from which on nothing more is timed, predictions neither.
    """
    network = new_network(job)
    step = make_step(job, network, make_optimizers(network, job.plan.recipe))
    before, paces = torch.get_num_threads(), {}
    feed = batches(job.train, job.plan.recipe.batch_size, job.plan.seed, job.data.lengths)
    try:
        with torch.random.fork_rng(devices=[]):
            for number in sorted(threads):
                if not contested(number):
                    torch.set_num_threads(number)
                    network.train()
                    paces[number] = _mean_step(step, feed, seconds, hopeless)
                    if paces[number] >= hopeless:
                        return Probe(step_seconds=paces, look_seconds=0.0, predict_seconds=0.0)
            torch.set_num_threads(min(paces, key=lambda number: paces[number]))
            some = job.validation[:PROBED_ROWS]
            look_row = _seconds_of_second(
                partial(predict_outputs, network, job.data, some, precision=job.plan.precision)
            )
            predict_row = _seconds_of_second(partial(predict_outputs, network, job.data, some))
    finally:
        torch.set_num_threads(before)
    return Probe(
        step_seconds=paces,
        look_seconds=look_row * len(job.validation) / len(some),
        predict_seconds=predict_row * num_predicted / len(some),
    )


def _mean_step(
    step: Callable[[Tensor, int], Tensor], feed: Iterator[tuple[Tensor, int]], seconds: float, hopeless: float
) -> float:
    """Mean seconds of some steps behind a first one, which chooses algorithms and fills caches; of the first where that is hopeless."""
    began = time.perf_counter()
    float(step(*next(feed)))
    if (first := time.perf_counter() - began) >= hopeless:
        return first
    began, count = time.perf_counter(), 0
    while count < 1 or (count < MOST_PROBED and time.perf_counter() - began < seconds):
        float(step(*next(feed)))
        count += 1
    return (time.perf_counter() - began) / count


def class_weights(truth: Array, rows: Rows, recipe: Recipe, num_outputs: int) -> tuple[float, ...] | None:
    """'balanced': weights that make every class count the same (King & Zeng 2001); for labels: negatives a positive."""
    if recipe.class_weights == "none" or truth.dtype.kind == "f":
        return None
    if truth.ndim == 2:
        positives = np.maximum(truth[rows].sum(axis=0), 1)
        return tuple(map(float, np.clip(len(rows) / positives - 1, 0.1, 100)))
    counts = np.bincount(truth[rows], minlength=num_outputs)
    return tuple(map(float, len(rows) / (num_outputs * np.maximum(counts, 1))))
