"""Baselines of masks that hardly look at the picture: the frequencies of classes, overall, by place, or by how bright a pixel is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.types import STRICT, Array, Inputs

FORM, NOWHERE = "scene", 255
PLACES = 64  # of each side, that frequencies are counted in
LEVELS = 64  # of brightness
PRIOR = 1.0  # pixels of each class that every place and level is given
SHARES = "shares"


@strict_dataclass(config=STRICT, kw_only=True)
class CountedState:
    """Nothing but the array of frequencies."""


class Counted(Baseline):
    """Frequencies of classes, counted over training pixels."""

    State: ClassVar[type[Any]] = CountedState
    costs_time = False

    def applies(self, problem: Problem) -> bool:
        return problem.answer.each_pixel

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        rows = np.sort(problem.train)
        counts = np.full((*self.cells(), problem.num_classes), PRIOR)
        for row in rows.tolist():
            picture, mask = picture_of(problem, row)
            known = mask < problem.num_classes
            places = self.places(picture)
            flat = np.ravel_multi_index(tuple(place[known] for place in places), self.cells()) if places else 0
            cell = flat * problem.num_classes + mask[known].astype(np.int64)
            counts += np.bincount(cell, minlength=counts.size).reshape(counts.shape)
        shares = counts / counts.sum(axis=-1, keepdims=True)
        return Fitted(
            baseline=self.name,
            state=CountedState(),
            arrays={SHARES: shares.astype(np.float32)},
            decision=Decision(rows=len(rows), iterations=1, full=True),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, K, H, W) frequencies."""
        shares = fitted.arrays[SHARES]
        pictures = given.arrays[FORM]
        made = np.zeros((len(pictures), shares.shape[-1], *pictures.shape[2:]), np.float16)
        for row, picture in pictures_of(given):
            height, width = picture.shape[1:]
            places = self.places(picture)
            found = shares[places] if places else np.broadcast_to(shares, (height, width, shares.shape[-1]))
            made[row, :, :height, :width] = found.transpose(2, 0, 1)
        return made

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        shares = fitted.arrays[SHARES]
        if FORM not in inputs or shares.shape != (*self.cells(), num_outputs) or shares.dtype != np.float32:
            raise ValueError("frequencies that do not fit the classes")
        if not ((shares >= 0) & (shares <= 1)).all():
            raise ValueError("frequencies that are none")

    @abstractmethod
    def cells(self) -> tuple[int, ...]:
        """How many cells are counted in, along each axis."""

    @abstractmethod
    def places(self, picture: Array) -> tuple[Array, ...]:
        """The cell of each pixel (h, w) along each axis, of a picture (C, h, w)."""


class MajorityPixel(Counted):
    """The same frequencies everywhere."""

    name = "majority class"
    definition = "Says the most frequent class for every pixel."

    def cells(self) -> tuple[int, ...]:
        return ()

    def places(self, picture: Array) -> tuple[Array, ...]:
        return ()


class PlaceFrequency(Counted):
    """How often each class was at each place of the picture."""

    name = "frequent place"
    definition = "Says for each place of the picture the class that was there most often in training, whatever the picture shows."

    def cells(self) -> tuple[int, ...]:
        return (PLACES, PLACES)

    def places(self, picture: Array) -> tuple[Array, ...]:
        height, width = picture.shape[1:]
        down, across = (np.arange(side) * PLACES // max(1, side) for side in (height, width))
        return np.broadcast_to(down[:, None], (height, width)), np.broadcast_to(across[None, :], (height, width))


class GreyLevel(Counted):
    """How often each class had each brightness: the best of all thresholds, where there are two."""

    name = "grey threshold"
    definition = "Says for each pixel the class that had its brightness most often in training: a threshold, where classes are bright and dark."

    def cells(self) -> tuple[int, ...]:
        return (LEVELS,)

    def places(self, picture: Array) -> tuple[Array, ...]:
        level = picture.mean(axis=0, dtype=np.float32).astype(np.int64) * LEVELS // 256
        return (level.clip(0, LEVELS - 1),)


def picture_of(problem: Problem, row: int) -> tuple[Array, Array]:
    """A picture (C, h, w) and its mask (h, w), without what lies behind their edges."""
    pictures, sizes = problem.arrays[FORM], problem.arrays.get(f"{FORM}.sizes")
    height, width = pictures.shape[2:] if sizes is None else sizes[row].tolist()
    return np.asarray(pictures[row, :, :height, :width]), np.asarray(problem.target[row, :height, :width])


def pictures_of(given: Given) -> Iterator[tuple[int, Array]]:
    """Each picture (C, h, w) by its place among the rows."""
    pictures, sizes = given.arrays[FORM], given.arrays.get(f"{FORM}.sizes")
    for row in range(len(pictures)):
        height, width = pictures.shape[2:] if sizes is None else sizes[row].tolist()
        yield row, pictures[row, :, :height, :width]
