"""The engine: one loop that trains any network on encoded rows.

Batches are gathered by row number from tensors that lie on the device; order and augmentation are pure functions of (seed,
epoch, row). Nothing in the loop waits for the device: the loss is summed there and fetched when the validation rows are
scored. It prints nothing; progress leaves through `on_event`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.augment import Augmenter
from netpick.checkpoint import Checkpoints
from netpick.errors import Interrupted, TrainingError
from netpick.infer import DeviceData, autocast, predict_outputs
from netpick.metrics.base import Metric
from netpick.models import main_input
from netpick.optimize import Average, Optimizer, make_optimizers, rate_multiplier
from netpick.plan import CandidatePlan, Probe
from netpick.recipe import Recipe
from netpick.tasks import Task
from netpick.training_state import Progress, TrainingState
from netpick.types import Array, Event, HistoryPoint, OnEvent, Predictions, Rows

STRETCH = 32  # batches within which rows are sorted by length
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
    primary: Metric
    class_weights: tuple[float, ...] | None = None
    deadline: float | None = None  # time.perf_counter() after which training stops at the next step
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


def new_network(job: Job) -> nn.Module:
    """A freshly initialised network on the device: the same for the same seed, whatever ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.plan.seed)
        network = job.build()
    network = network.to(job.data.device)
    if any(spec.form == "grid" for spec in job.data.inputs.values()):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def train(job: Job, on_event: OnEvent) -> Trained:
    """Trains one candidate as planned, from its last checkpoint where there is one.

    Raises TrainingError when the loss is no longer a number, and Interrupted, with a checkpoint written, when asked to stop.
    """
    started = time.perf_counter()
    network = new_network(job)
    optimizers = make_optimizers(network, job.plan.recipe)
    base_rates = [[group.lr for group in optimizer.groups] for optimizer in optimizers]
    average = Average(network, job.plan.recipe.average) if job.plan.recipe.average > 0 else None
    progress = Progress()
    look_at = set(np.linspace(0, job.plan.steps, job.plan.looks + 1).round().astype(int).tolist()[1:])
    step_once = make_step(job, network, optimizers)
    state = TrainingState(network=network, optimizers=optimizers, average=average, progress=progress)
    with torch.random.fork_rng(devices=[] if job.data.device == "cpu" else None):
        torch.manual_seed(job.plan.seed + 1)  # dropout
        started -= _take_up(job, state)
        network.train()
        for rows, epoch in batches(
            job.train, job.plan.recipe.batch_size, job.plan.seed, job.data.lengths, skip=progress.step
        ):
            if progress.step >= job.plan.steps or progress.stop:
                break
            _keep(job, state, started)
            multiplier = rate_multiplier(job.plan.recipe, progress.step, job.plan.steps) * progress.rate_scale
            for optimizer, rates in zip(optimizers, base_rates, strict=True):
                for group, rate in zip(optimizer.groups, rates, strict=True):
                    group.lr = rate * multiplier
            loss = step_once(rows, epoch)
            progress.loss_sum = loss if progress.loss_sum is None else progress.loss_sum + loss
            progress.loss_count += 1
            progress.step += 1
            if average is not None:
                average.update()
            if job.deadline is not None and time.perf_counter() > job.deadline and progress.step < job.plan.steps:
                progress.stop = f"stopped by the clock at step {progress.step:,} of {job.plan.steps:,}"
            if progress.step in look_at or progress.stop:
                _look(job, network, average, progress, started, multiplier, on_event)
    return _finish(job, network, average, progress, started)


def _take_up(job: Job, state: TrainingState) -> float:
    """Goes back to the last checkpoint, if there is one; returns the seconds that were spent until then."""
    if job.checkpoints is None:
        return 0.0
    job.checkpoints.expect(sum(weight.numel() * weight.element_size() for weight in state.network.parameters()))
    saved = job.checkpoints.load(state.expected)
    return 0.0 if saved is None else state.load(saved)


def _keep(job: Job, state: TrainingState, started: float) -> None:
    """Writes a checkpoint when one is due, or when training is to end here."""
    interrupted = job.interrupted()
    if job.checkpoints is not None and (interrupted or job.checkpoints.due()):
        began = time.perf_counter()
        saved = state.save(began - started)
        job.checkpoints.save(saved.tensors, saved.state, began)
    if interrupted:
        raise Interrupted(f"{job.plan.name} was interrupted at step {state.progress.step:,} of {job.plan.steps:,}.")


def make_step(job: Job, network: nn.Module, optimizers: tuple[Optimizer, ...]) -> Callable[[Tensor, int], Tensor]:
    """One training step as a function of (row numbers, epoch); returns the mean loss, still on the device."""
    recipe = job.plan.recipe
    loss_function = job.task.loss(recipe, job.class_weights)
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


def per_row_loss(loss_function: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, target: Tensor) -> Tensor:
    """Loss per row (B,); members (B, M, O) are each trained against the target and averaged."""
    if outputs.ndim == 2:
        return loss_function(outputs, target)
    members = outputs.shape[1]
    losses = loss_function(outputs.flatten(0, 1), target.repeat_interleave(members, dim=0))
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
    job: Job,
    network: nn.Module,
    average: Average | None,
    progress: Progress,
    started: float,
    multiplier: float,
    on_event: OnEvent,
) -> None:
    """Scores the validation rows, keeps the best weights, and notices a loss that is no number."""
    assert progress.loss_sum is not None
    train_loss = float(progress.loss_sum) / progress.loss_count
    progress.loss_sum, progress.loss_count = None, 0
    if not np.isfinite(train_loss):
        raise TrainingError(
            f"The loss of {job.plan.name} was no number any more at step {progress.step:,}. Lower the rate: "
            f'--recipe "learning_rate={job.plan.recipe.learning_rate / 10:g}".'
        )
    if not job.select:
        return
    if average is not None:
        average.swap()
    validation_loss, score = validate(job, network)
    point = HistoryPoint(
        step=progress.step,
        seconds=time.perf_counter() - started,
        train_loss=train_loss,
        validation_loss=validation_loss,
        validation_score=score,
        learning_rate=job.plan.recipe.learning_rate * multiplier,
    )
    progress.history.append(point)
    ranked = score if job.primary.better == "higher" else -score
    progress.waited = 0 if ranked > progress.top_score else progress.waited + 1
    progress.top_score = max(progress.top_score, ranked)
    # Among looks that noise alone could rank otherwise the later one is better: its learning rate is lower. Unless its
    # loss has risen, which is overfitting that a score of few rows does not show yet.
    level = ranked >= progress.top_score - LOOK_NOISE / len(job.validation) ** 0.5
    if ranked > progress.best_score or (level and validation_loss <= 1.02 * progress.best_loss):
        progress.best_score, progress.best_loss, progress.best_step = ranked, validation_loss, progress.step
        progress.best_weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
    if average is not None:
        average.swap()
    network.train()
    recipe = job.plan.recipe
    if recipe.schedule == "plateau" and progress.waited >= 2:
        progress.rate_scale, progress.waited = progress.rate_scale * 0.3, 0
    elif recipe.patience and progress.waited >= recipe.patience and not progress.stop:
        progress.stop = f"stopped early at step {progress.step:,}: no progress for {recipe.patience} looks"
    data = {
        "candidate": job.plan.name,
        "step": progress.step,
        "steps": job.plan.steps,
        "train_loss": train_loss,
        "validation_loss": validation_loss,
        "validation_score": score,
        "metric": job.primary.name,
        "seconds": point.seconds,
    }
    text = f"{job.plan.name}: step {progress.step:,} of {job.plan.steps:,}, {job.primary.label} {score:.4f}"
    on_event(Event(stage="train", text=text, data=data))


def _finish(job: Job, network: nn.Module, average: Average | None, progress: Progress, started: float) -> Trained:
    if progress.best_weights is not None:
        network.load_state_dict(progress.best_weights)
    elif average is not None:
        average.swap()
    if not all(bool(torch.isfinite(p).all()) for p in network.parameters()):
        raise TrainingError(f"Weights of {job.plan.name} are no numbers any more. Lower the learning rate.")
    network.eval()
    return Trained(
        network=network,
        history=tuple(progress.history),
        best_step=progress.best_step or progress.step,
        steps=progress.step,
        seconds=time.perf_counter() - started,
        remarks=(progress.stop,) if progress.stop else (),
    )


def validate(job: Job, network: nn.Module) -> tuple[float, float]:
    """Mean loss and the primary metric on the validation rows."""
    outputs = predict_outputs(network, job.data, job.validation, precision=job.plan.precision)
    plain = replace(job.plan.recipe, label_smoothing=0.0)
    target = job.data.targets(torch.from_numpy(job.validation).to(job.data.place))
    loss = per_row_loss(job.task.loss(plain, None), outputs, target).mean()
    predictions = job.task.decode(job.task.answer(outputs).cpu().numpy(), job.target_state)
    truth = job.truth[job.validation]
    decided = plain_decision(predictions, several=truth.ndim == 2)
    weights = np.ones((1, len(truth)))
    if not job.primary.applies(truth, predictions):
        return float(loss), -float(loss)
    return float(loss), float(job.primary.values(truth, predictions, weights, decided)[0])


def plain_decision(predictions: Predictions, *, several: bool) -> Array | None:
    """Classes without a chosen threshold: the most probable one, or every label above one half."""
    if predictions.probabilities is None:
        return None
    if several:
        return (predictions.probabilities >= 0.5).astype(np.int64)
    return predictions.probabilities.argmax(axis=1)  # type: ignore[no-any-return]


def _seconds_of_second(call: Callable[[], Tensor]) -> float:
    """The second call's seconds: the first one chooses algorithms and fills caches."""
    call()
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def probe(job: Job, num_predicted: int, seconds: float = 0.25) -> Probe:
    """Times a few real steps and one part of a prediction on a throw-away network."""
    network = new_network(job)
    step = make_step(job, network, make_optimizers(network, job.plan.recipe))
    network.train()
    times = []
    begun = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        for rows, epoch in batches(job.train, job.plan.recipe.batch_size, job.plan.seed, job.data.lengths):
            before = time.perf_counter()
            float(step(rows, epoch))
            times.append(time.perf_counter() - before)
            if (len(times) >= 6 and time.perf_counter() - begun > seconds) or len(times) >= 40:
                break
    settled = sorted(times[2:])  # the first steps choose algorithms
    some = job.validation[: min(len(job.validation), 512)]
    look_row = _seconds_of_second(partial(predict_outputs, network, job.data, some, precision=job.plan.precision))
    predict_row = _seconds_of_second(partial(predict_outputs, network, job.data, some))
    # Batches of like lengths differ in cost: their mean counts, but for a few that something else held up.
    typical = settled[: max(1, round(0.9 * len(settled)))]
    middle = settled[len(settled) // 2]
    return Probe(
        step_seconds=middle if job.data.lengths is None else max(middle, sum(typical) / len(typical)),
        look_seconds=look_row * len(job.validation) / len(some),
        predict_seconds=predict_row * num_predicted / len(some),
    )


def class_weights(truth: Array, rows: Rows, recipe: Recipe, num_outputs: int) -> tuple[float, ...] | None:
    """'balanced': weights that make every class count the same (King & Zeng 2001); for labels: negatives a positive."""
    if recipe.class_weights == "none" or truth.dtype.kind == "f":
        return None
    if truth.ndim == 2:
        positives = np.maximum(truth[rows].sum(axis=0), 1)
        return tuple(map(float, np.clip(len(rows) / positives - 1, 0.1, 100)))
    counts = np.bincount(truth[rows], minlength=num_outputs)
    return tuple(map(float, len(rows) / (num_outputs * np.maximum(counts, 1))))
