"""What networks learn of boxes: which places of a picture answer for which object, and how far off they are.

Places are assigned by the task-aligned rule (Feng et al. 2021, TOOD): those whose own box and class fit an object best answer for it. A prior of places near the middle of
an object, at a stride that suits its size, goes beside it; it decides as long as no box fits. Classes are learned by the quality focal loss
(Li et al. 2020): the score is to be the overlap. Boxes are learned by the generalised IoU (Rezatofighi et al. 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netpick.types.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from netpick.answers.losses import LossFunction

PLACES = 9  # that answer for an object
PRIOR = 0.02  # beside score ** 0.5 * overlap ** 4
STRIDES_WIDE = 6.0  # objects that a stride suits best
NEAR = 0.75  # strides from the middle of an object within which a place may answer for it, however small the object is
BOX_WEIGHT = 2.0
OBJECT, ASIDE = 1, 2  # what the sixth number of a target says; 0: nothing


def detection(recipe: Recipe) -> LossFunction:
    """Per row (B,), of outputs (B, P, K + 7) (logits of classes, a box, and the place's x, y and stride) and targets (B, M, 8) (a box, its class, and what it is)."""
    import torch
    from torch.nn import functional

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        outputs = outputs.float()
        logits, boxes, places = outputs[..., :-7], outputs[..., -7:-3], outputs[..., -3:]
        things, label, what = target[..., :4].float(), target[..., 4].long().clamp(min=0), target[..., 5]
        with torch.no_grad():
            share, owner, hidden = assigned(logits.detach(), boxes.detach(), places[0], things, label, what)
            quality = torch.zeros_like(logits)
            quality.scatter_(2, label.gather(1, owner).unsqueeze(2), share.unsqueeze(2))
            total = share.sum().clamp(min=1.0) / len(target)
        off = (quality - logits.detach().sigmoid()).abs().square()
        entropy = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * off
        of_class = (entropy.sum(dim=2) * ~hidden).sum(dim=1)
        row, place = (share > 0).nonzero(as_tuple=True)
        apart = 1 - generalised(boxes[row, place], things[row, owner[row, place]])
        of_box = torch.zeros_like(of_class).index_add(0, row, apart * share[row, place])
        return (of_class + BOX_WEIGHT * of_box) / total

    return loss


def assigned(
    logits: Tensor, boxes: Tensor, places: Tensor, things: Tensor, label: Tensor, what: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(B, P) how well each place answers for its object (0: for none), which object that is, and places that neither learn nor count.

    places: (P, 3) of x, y and stride.
    """
    import torch

    from netpick.answers.suppress import overlap

    middle, size = (things[..., :2] + things[..., 2:]) / 2, (things[..., 2:] - things[..., :2]).clamp(min=1e-3)
    away = (places[None, None, :, :2] - middle[:, :, None]).abs()  # (B, M, P, 2)
    stride = places[:, 2]
    within = (away < size[:, :, None] / 2).all(dim=3)
    near = within | (away < NEAR * stride[None, None, :, None]).all(dim=3)
    there = (what == OBJECT).unsqueeze(2)
    side = size.prod(dim=2).sqrt()
    suits = torch.log2(side[:, :, None] / (STRIDES_WIDE * stride)).square()
    central = (away / (size[:, :, None] * 0.5)).square().sum(dim=3)
    prior = (-0.5 * suits - central).exp()
    score = logits.sigmoid().transpose(1, 2).gather(1, label.unsqueeze(2).expand(-1, -1, logits.shape[1]))
    iou = overlap(things, boxes)
    fit = (score.sqrt() * iou.pow(4) + PRIOR * prior) * (near & there)
    best, index = fit.topk(min(PLACES, fit.shape[2]), dim=2)
    chosen = torch.zeros_like(fit).scatter_(2, index, best)
    top, owner = chosen.max(dim=1)
    mine = torch.zeros_like(fit, dtype=torch.bool).scatter_(1, owner.unsqueeze(1), True) & (chosen > 0)
    chosen = chosen * mine
    highest = (iou * mine).amax(dim=2, keepdim=True)
    share = chosen / chosen.amax(dim=2, keepdim=True).clamp(min=1e-9) * highest.clamp(min=0.1)
    share = share.gather(1, owner.unsqueeze(1)).squeeze(1) * (top > 0)
    hidden = (within & (what == ASIDE).unsqueeze(2)).any(dim=1) & (share == 0)
    return share, owner, hidden


def generalised(one: Tensor, other: Tensor) -> Tensor:
    """(n,) generalised IoU of boxes (n, 4) and (n, 4): -1 to 1."""
    import torch

    low, high = torch.maximum(one[:, :2], other[:, :2]), torch.minimum(one[:, 2:], other[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (one, other)]
    either = (areas[0] + areas[1] - both).clamp(min=1e-6)
    outer = torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])
    around = outer.prod(dim=1).clamp(min=1e-6)
    return both / either - (around - either) / around
