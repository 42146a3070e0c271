"""The baselines of boxes that look at no picture: boxes of the usual size in a grid, and boxes where objects most often were."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers.suppress import MOST, overlap_arrays
from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.types import STRICT, Array, Inputs

PLACES = "places"
MOST_LEARNED = 5_000  # boxes that frequent places are looked for among
SAME = 0.5  # overlap from which on two boxes are of one place


@strict_dataclass(config=STRICT, kw_only=True)
class BoxPlacesState:
    """Nothing but the array of places."""


class BoxPlaces(Baseline):
    """The same boxes for every picture, in shares of its width and height."""

    State: ClassVar[type[Any]] = BoxPlacesState
    costs_time = False

    def applies(self, problem: Problem) -> bool:
        return problem.answer.each_object and boxes_of(problem) is not None

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        found = boxes_of(problem)
        assert found is not None
        places = self.places(*found, len(problem.train))
        made = np.zeros((MOST, 6), np.float32)
        made[:, 5] = -1
        made[: min(MOST, len(places))] = places[:MOST]
        decision = Decision(rows=len(problem.train), iterations=1, full=True)
        return Fitted(baseline=self.name, state=BoxPlacesState(), arrays={PLACES: made}, decision=decision)

    def places(self, boxes: Array, labels: Array, pictures: int) -> Array:
        """(at most MOST, 6) in shares, the surest first, of boxes (N, 4) and their classes (N,)."""
        raise NotImplementedError

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, MOST, 6) in pixels."""
        sizes = sizes_in(given.arrays).astype(np.float64)
        made = np.repeat(fitted.arrays[PLACES][None].astype(np.float64), len(sizes), axis=0)
        made[:, :, :4] *= np.tile(sizes[:, ::-1], 2)[:, None, :]
        return made

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        places = fitted.arrays[PLACES]
        if places.shape != (MOST, 6) or places.dtype != np.float32 or not np.isfinite(places).all():
            raise ValueError("places that are none")
        if (
            places[:, 5].max() >= num_outputs
            or places[:, 5].min() < -1
            or (places[:, 4] < 0).any()
            or (places[:, 4] > 1).any()
        ):
            raise ValueError("places of classes that are none")


class BoxLattice(BoxPlaces):
    """Boxes of the mean size in a grid, of the commonest class, as many as there are objects."""

    name = "lattice of mean boxes"
    definition = (
        "Says as many boxes of the mean size as a picture usually has objects, evenly spread, of the commonest class."
    )

    def places(self, boxes: Array, labels: Array, pictures: int) -> Array:
        classes, counts = np.unique(labels, return_counts=True)
        label = classes[counts.argmax()]
        size = (boxes[:, 2:] - boxes[:, :2])[labels == label].mean(axis=0)
        side = int(np.clip(np.ceil(np.sqrt(len(boxes) / max(1, pictures))), 1, 10))
        middles = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2), axis=2).reshape(-1, 2)
        rest = np.tile([0.5, float(label)], (len(middles), 1))
        return np.concatenate([middles - size / 2, middles + size / 2, rest], axis=1)


class FrequentPlaces(BoxPlaces):
    """Of the boxes of training those that overlap most others of their class, none of which overlap each other."""

    name = "most frequent places"
    definition = (
        "Says boxes where objects of a class most often were in training, each with how many pictures had one there."
    )

    def places(self, boxes: Array, labels: Array, pictures: int) -> Array:
        step = max(1, -(-len(boxes) // MOST_LEARNED))
        made = []
        for label in np.unique(labels).tolist():
            some = boxes[labels == label][::step]
            close = np.concatenate([overlap_arrays(some[i : i + 256], some) >= SAME for i in range(0, len(some), 256)])
            alive = np.ones(len(some), bool)
            for _ in range(MOST):
                votes = (close & alive[None]).sum(axis=1) * alive
                best = int(votes.argmax()) if len(votes) else 0
                if not len(votes) or not votes[best]:
                    break
                made.append(
                    [*some[close[best] & alive].mean(axis=0), min(1.0, votes[best] * step / max(1, pictures)), label]
                )
                alive &= ~close[best]
        order = sorted(made, key=lambda place: -place[4])
        return np.asarray(order[:MOST], np.float64).reshape(-1, 6)


def boxes_of(problem: Problem) -> tuple[Array, Array] | None:
    """(N, 4) boxes of training in shares of the pictures, and their classes; None where there are none."""
    rows = np.sort(problem.train)
    target, sizes = problem.target[rows], sizes_in(problem.arrays)[rows]
    row, place = np.nonzero(target[..., 5] == 1)
    if not len(row):
        return None
    extent = np.tile(sizes[:, ::-1], 2)[row]
    return target[row, place, :4] / np.maximum(extent, 1), target[row, place, 4].astype(np.int64)


def sizes_in(arrays: Any) -> Array:
    """(n, 2) heights and widths of the pictures."""
    name = next(iter(name for name, array in arrays.items() if array.ndim == 4))
    if f"{name}.sizes" in arrays:
        return np.asarray(arrays[f"{name}.sizes"])
    return np.tile(np.array(arrays[name].shape[2:]), (len(arrays[name]), 1))
