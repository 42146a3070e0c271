"""Of boxes that lie over each other, the surest: non-maximum suppression, for tensors of a batch and for arrays, with equal results.

Boxes are left, top, right, bottom. A box is dropped where a surer one of the same class that stays covers it by more than OVERLAP of both together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netpick.types import Array

if TYPE_CHECKING:
    from torch import Tensor

OVERLAP = 0.6  # intersection over union
LEAST_SCORE = 0.02
CANDIDATES = 300  # of a picture, that are looked at
MOST = 100  # objects of a picture, as COCO counts


def suppressed(boxes: Tensor, scores: Tensor) -> Tensor:
    """(B, MOST, 6) of left, top, right, bottom, score and class, the surest first, of boxes (B, P, 4) with scores (B, P, K).

    Where there are fewer, scores are 0 and classes -1. One box may be said to be of several classes.
    """
    import torch

    count, places, classes = scores.shape
    top, index = scores.flatten(1).topk(min(CANDIDATES, places * classes), dim=1)
    label = index % classes
    chosen = boxes.gather(1, (index // classes).unsqueeze(2).expand(-1, -1, 4))
    covers = (overlap(chosen, chosen) > OVERLAP) & (label.unsqueeze(2) == label.unsqueeze(1))
    alive = top > LEAST_SCORE
    last = int(alive.sum(dim=1).max()) if count else 0
    later = torch.ones(covers.shape[1:], dtype=torch.bool, device=boxes.device).triu(1)
    covers = covers & later
    for place in range(last):
        alive = alive & ~(covers[:, place] & alive[:, place : place + 1])
    order = (~alive).to(torch.int8).argsort(dim=1, stable=True)[:, :MOST]
    kept = alive.gather(1, order)
    values = torch.cat([chosen, top.unsqueeze(2), label.unsqueeze(2).to(chosen.dtype)], dim=2)
    made = values.gather(1, order.unsqueeze(2).expand(-1, -1, 6))
    nothing = made.new_tensor([0.0, 0.0, 0.0, 0.0, 0.0, -1.0])
    made = torch.where(kept.unsqueeze(2), made, nothing)
    if made.shape[1] == MOST:
        return made
    return torch.cat([made, nothing.expand(count, MOST - made.shape[1], 6)], dim=1)


def suppressed_arrays(boxes: Array, scores: Array) -> Array:
    """The same of arrays, picture by picture."""
    made = np.zeros((len(boxes), MOST, 6), np.float32)
    made[:, :, 5] = -1
    classes = scores.shape[2]
    for row in range(len(boxes)):
        flat = scores[row].ravel()
        order = np.argsort(-flat, kind="stable")[:CANDIDATES]
        order = order[flat[order] > LEAST_SCORE]
        label, some = order % classes, boxes[row][order // classes]
        covers = (overlap_arrays(some, some) > OVERLAP) & (label[:, None] == label[None])
        alive = np.ones(len(order), bool)
        for place in range(len(order)):
            if alive[place]:
                alive[place + 1 :] &= ~covers[place, place + 1 :]
        kept = np.flatnonzero(alive)[:MOST]
        made[row, : len(kept), :4] = some[kept]
        made[row, : len(kept), 4] = flat[order[kept]]
        made[row, : len(kept), 5] = label[kept]
    return made


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """(B, M, P) intersections over unions of boxes (B, M, 4) and (B, P, 4)."""
    import torch

    low = torch.maximum(one[:, :, None, :2], other[:, None, :, :2])
    high = torch.minimum(one[:, :, None, 2:], other[:, None, :, 2:])
    both = (high - low).clamp(min=0).prod(dim=3)
    areas = [(boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=2) for boxes in (one, other)]
    return both / (areas[0][:, :, None] + areas[1][:, None] - both).clamp(min=1e-6)


def overlap_arrays(one: Array, other: Array) -> Array:
    """(M, P) intersections over unions of boxes (M, 4) and (P, 4)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1) for boxes in (one, other)]
    return np.asarray(both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-6))
