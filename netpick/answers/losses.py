"""What networks are trained on: losses per row (B,) of outputs (B, O) and what `target` of the answer gives.

torch is imported where a loss is used, since answers are read without it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from netpick.types.recipe import Recipe

NO_CLASS = 255  # of a pixel: it counts nowhere

if TYPE_CHECKING:
    from torch import Tensor

    LossFunction = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
    """Of one class a row, with the recipe's label smoothing."""
    import torch
    from torch.nn import functional

    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        scale = None if weight is None else weight.to(outputs.device)
        return functional.cross_entropy(
            outputs.float(), target, weight=scale, label_smoothing=recipe.label_smoothing, reduction="none"
        )

    return loss


def one_against_rest(recipe: Recipe) -> LossFunction:
    """Of one class a row, a sigmoid an output."""
    from torch.nn import functional

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        truth = functional.one_hot(target, outputs.shape[-1]).float()
        truth = truth * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(outputs.float(), truth, reduction="none").sum(dim=-1)

    return loss


def each_label(recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
    """Of any labels a row (B, L), a sigmoid an output; the weights are those of yes."""
    import torch
    from torch.nn import functional

    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        truth = target * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
        scale = None if weight is None else weight.to(outputs.device)
        return functional.binary_cross_entropy_with_logits(
            outputs.float(), truth, pos_weight=scale, reduction="none"
        ).mean(dim=-1)

    return loss


def each_step(recipe: Recipe) -> LossFunction:
    """Of one class for each step of a row: outputs (B, T, K + 1), of which the last ones are not of a class, and targets (B, T), -1 where
    there is no step. A row's loss is its part of the batch's mean over steps, so that each step counts alike.
    """
    from torch.nn import functional

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        steps = outputs[..., :-1].float()
        target = target[:, : steps.shape[1]]
        known = (target >= 0) & (target < steps.shape[2])
        losses = functional.cross_entropy(
            steps.transpose(1, 2),
            target.masked_fill(~known, 0),
            label_smoothing=recipe.label_smoothing,
            reduction="none",
        )
        share = known.sum().clamp(min=1) / len(known)
        return losses.masked_fill(~known, 0.0).sum(dim=1) / share

    return loss


# --- how far off a number is: of any shape, in the units that networks learn in --------------------------------------


def squared(outputs: Tensor, target: Tensor) -> Tensor:
    """The square."""
    from torch.nn import functional

    return functional.mse_loss(outputs, target, reduction="none")


def absolute(outputs: Tensor, target: Tensor) -> Tensor:
    """The distance: outputs become medians."""
    from torch.nn import functional

    return functional.l1_loss(outputs, target, reduction="none")


def huber(outputs: Tensor, target: Tensor) -> Tensor:
    """The square of small errors, the distance of large ones (Huber 1964)."""
    from torch.nn import functional

    return functional.huber_loss(outputs, target, reduction="none")


ERRORS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": squared, "mae": absolute, "huber": huber}


def each_pixel(recipe: Recipe) -> LossFunction:
    """Cross-entropy of outputs (B, K, h, w) and classes (B, H, W), of which the top left is meant, in the mean over pixels that have one."""
    from torch.nn import functional

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        truth = target[:, : outputs.shape[2], : outputs.shape[3]].long()
        losses = functional.cross_entropy(
            outputs.float(), truth, ignore_index=NO_CLASS, label_smoothing=recipe.label_smoothing, reduction="none"
        )
        known = (truth != NO_CLASS).flatten(1).sum(dim=1).clamp(min=1)
        return losses.flatten(1).sum(dim=1) / known

    return loss


def dice_and_entropy(recipe: Recipe) -> LossFunction:
    """Cross-entropy and one minus the soft Dice of each class that is there (Milletari et al. 2016; both as in nnU-Net, Isensee et al.
    2021): rare classes count as much as others."""
    from torch.nn import functional

    entropy = each_pixel(recipe)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        truth = target[:, : outputs.shape[2], : outputs.shape[3]].long()
        known = truth != NO_CLASS
        chances = outputs.float().softmax(dim=1) * known.unsqueeze(1)
        there = functional.one_hot(truth.masked_fill(~known, 0), outputs.shape[1]).permute(
            0, 3, 1, 2
        ) * known.unsqueeze(1)
        both = (chances * there).flatten(2).sum(dim=2)  # (B, K)
        of_truth = there.flatten(2).sum(dim=2).float()
        dice = (2 * both + 1) / (chances.flatten(2).sum(dim=2) + of_truth + 1)
        present = of_truth > 0
        missed = ((1 - dice) * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
        return entropy(outputs, target) + missed

    return loss
