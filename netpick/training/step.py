"""One training step: rows to a loss, its gradient, and new weights. Nothing in it waits for the device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from netpick.models.infer import Members, Outputs, autocast
from netpick.models.networks import main_input
from netpick.training.augment import Augmenter
from netpick.training.job import Job
from netpick.training.optimizers.base import Optimizer
from netpick.types import Array, Rows
from netpick.types.recipe import Recipe


def make_step(job: Job, network: nn.Module, optimizers: tuple[Optimizer, ...]) -> Callable[[Tensor, int], Tensor]:
    """One training step as a function of (row numbers, epoch); returns the mean loss, still on the device."""
    recipe = job.plan.recipe
    loss_function = job.task.answer.loss(recipe, job.class_weights)
    augmenters = _augmenters(job)
    parameters = [
        p for p in network.parameters() if p.requires_grad
    ]  # while a part is held, its weights have no gradient

    def step(rows: Tensor, epoch: int) -> Tensor:
        batch: dict[str, Tensor] = job.data.batch(rows)
        target: Tensor | None = job.data.targets(rows)
        partner = weight = None
        for augmenter in augmenters:
            batch, partner, weight, target = augmenter(batch, rows, epoch, target)
        with autocast(job.plan.precision, job.data.device):
            outputs = network(batch)
        assert target is not None
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


def class_weights(truth: Array, rows: Rows, recipe: Recipe, num_outputs: int) -> tuple[float, ...] | None:
    """'balanced': weights that make every class count the same (King & Zeng 2001); for labels: negatives a positive."""
    if recipe.class_weights == "none" or truth.dtype.kind == "f":
        return None
    if truth.ndim == 2:
        positives = np.maximum(truth[rows].sum(axis=0), 1)
        return tuple(map(float, np.clip(len(rows) / positives - 1, 0.1, 100)))
    counts = np.bincount(truth[rows], minlength=num_outputs)
    return tuple(map(float, len(rows) / (num_outputs * np.maximum(counts, 1))))
