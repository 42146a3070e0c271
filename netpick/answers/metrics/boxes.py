"""Metrics of boxes: how many objects are found, how many of what was said are there, and how many there are.

Answers are matched with objects once a picture, the surest first, each with the object of its class that it overlaps most (Everingham et al. 2010; Lin et al. 2014).
Average precision is then a function of how often each picture counts: intervals resample pictures. Objects that are set aside (difficult, crowds) are neither
to be found nor wrong to say.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netpick.answers.answered import AnsweredBoxes
from netpick.answers.metrics.base import Linear, Metric, Weights
from netpick.answers.metrics.sums import Floats, RatioMetric, RowSums, SumMetric, Sums, over
from netpick.answers.suppress import overlap_arrays
from netpick.types import Array

OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
RECALLS = np.linspace(0.0, 1.0, 101)
OBJECT, ASIDE = 1, 2
KEPT = 16  # matchings that are remembered: each metric asks for the same

_matchings: dict[tuple[int, int], tuple[weakref.ref[Array], weakref.ref[Array], Matching]] = {}


@dataclass(frozen=True, kw_only=True)
class Matching:
    """What was said in n pictures, beside what is there."""

    hit: Array  # (n, D, T) bool: it is an object, at each of T overlaps
    void: Array  # (n, D, T) bool: it is one that is set aside
    there: Array  # (n, K) objects of each class
    scores: Array  # (n, D)
    classes: Array  # (n, D) -1: nothing was said


class PrecisionMetric(Metric[AnsweredBoxes]):
    """The mean over classes, and over some overlaps, of average precision, interpolated at 101 recalls."""

    better = "higher"
    reads = AnsweredBoxes
    share = True
    lowest, highest = 0.0, 1.0
    overlaps: ClassVar[tuple[float, ...]]

    def applies(self, truth: Array, predictions: AnsweredBoxes) -> bool:
        return len(truth) > 0 and bool((truth[..., 5] == OBJECT).any())

    def values(self, truth: Array, predictions: AnsweredBoxes, weights: Weights, decided: Array | None) -> Array:
        matching = matched(truth, predictions)
        by_class = class_precisions(matching, weights, [OVERLAPS.index(o) for o in self.overlaps])
        return mean_of_known(by_class)

    def linear(self, truth: Array, predictions: AnsweredBoxes, decided: Array | None) -> Linear | None:
        """By leaving out each picture in turn (the jackknife)."""
        n = len(truth)
        if n < 2:
            return None
        without = np.ones((n + 1, n)) - np.eye(n + 1, n, -1)
        values = np.nan_to_num(self.values(truth, predictions, without, decided))
        influence = (n - 1) * (values[0] - values[1:])
        return Linear(value=float(values[0]), influence=influence - influence.mean())

    def effective_rows(self, truth: Array, predictions: AnsweredBoxes, decided: Array | None) -> int:
        """Pictures with objects."""
        return int((truth[..., 5] == OBJECT).any(axis=1).sum())


class Ap50(PrecisionMetric):
    """Of boxes that overlap by half."""

    name = "ap50"
    label = "AP50"
    overlaps = (0.5,)
    definition = "The mean over classes of the average precision of boxes, where a box is right that overlaps an object of its class by half (IoU)."


class CocoAp(PrecisionMetric):
    """The mean of ten overlaps."""

    name = "coco_ap"
    label = "COCO AP"
    overlaps = OVERLAPS
    definition = "The mean over classes and over ten overlaps from 0.50 to 0.95 of the average precision of boxes, as COCO counts it."


class FoundShare(SumMetric[AnsweredBoxes]):
    """A function of objects that were found, objects that are there, and objects that were said."""

    better = "higher"
    reads = AnsweredBoxes
    share = True
    lowest, highest = 0.0, 1.0

    def applies(self, truth: Array, predictions: AnsweredBoxes) -> bool:
        return len(truth) > 0 and bool((truth[..., 5] == OBJECT).any())

    def sums(self, truth: Array, predictions: AnsweredBoxes, decided: Array | None) -> Sums:
        matching = matched(truth, predictions)
        said = predictions.kept & (matching.classes >= 0)
        hit, void = matching.hit[..., 0] & said, matching.void[..., 0] & said
        counts = [hit.sum(axis=1), matching.there.sum(axis=1), (said & ~void).sum(axis=1)]
        return RowSums([np.stack(counts, axis=1).astype(np.float64)])

    def effective_rows(self, truth: Array, predictions: AnsweredBoxes, decided: Array | None) -> int:
        return int((truth[..., 5] == OBJECT).any(axis=1).sum())


class BoxF1(FoundShare):
    """The harmonic mean of recall and precision of what is said."""

    name = "box_f1"
    label = "Box F1"
    definition = "The harmonic mean of the shares of objects that are found and of said objects that are there, at the thresholds chosen on validation pictures."

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return over(2 * totals[:, 0], totals[:, 1] + totals[:, 2])


class BoxRecall(FoundShare):
    """Share of the objects that are found."""

    name = "box_recall"
    label = "Box recall"
    definition = "The share of objects that are said with their class and a box that overlaps by half."

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return over(totals[:, 0], totals[:, 1])


class CountError(RatioMetric[AnsweredBoxes]):
    """How far off the number of objects of each class is in a picture, as a share of how many there are."""

    name = "count_error"
    label = "Count error"
    better = "lower"
    reads = AnsweredBoxes
    lowest = 0.0
    definition = "How many objects of a class too many or too few are counted in a picture, summed over pictures and classes and divided by how many there are."

    def applies(self, truth: Array, predictions: AnsweredBoxes) -> bool:
        return len(truth) > 0 and bool((truth[..., 5] == OBJECT).any())

    def parts(self, truth: Array, predictions: AnsweredBoxes, decided: Array | None) -> tuple[Array, Array | None]:
        there, said = counts_of(truth, predictions)
        return np.abs(said - there).sum(axis=1)[:, None].astype(np.float64), there.sum(axis=1)[:, None].astype(
            np.float64
        )


def counts_of(truth: Array, predictions: AnsweredBoxes) -> tuple[Array, Array]:
    """(n, K) objects that are there, and those that are said."""
    matching = matched(truth, predictions)
    said = predictions.kept & (matching.classes >= 0) & ~matching.void[..., 0]
    counts = np.zeros_like(matching.there)
    row, place = np.nonzero(said)
    np.add.at(counts, (row, matching.classes[row, place]), 1)
    return matching.there, counts


def matched(truth: Array, predictions: AnsweredBoxes) -> Matching:
    """truth: (n, M, 8), see answers/boxes.py."""
    key = (id(truth), id(predictions.boxes))
    if key in _matchings:
        first, second, known = _matchings[key]
        if first() is truth and second() is predictions.boxes:
            return known
    n, most = predictions.classes.shape
    count = 1 + max(int(truth[..., 4].max(initial=0)), int(predictions.classes.max(initial=0)))
    hit = np.zeros((n, most, len(OVERLAPS)), bool)
    void = np.zeros_like(hit)
    there = np.zeros((n, count), np.int64)
    for row in range(n):
        things = truth[row][truth[row, :, 5] > 0]
        plain = things[things[:, 5] == OBJECT]
        np.add.at(there[row], plain[:, 4].astype(np.int64), 1)
        for label in np.unique(predictions.classes[row][predictions.classes[row] >= 0]).tolist():
            mine = things[things[:, 4] == label]
            said = np.flatnonzero(predictions.classes[row] == label)
            said = said[np.argsort(-predictions.scores[row, said], kind="stable")]
            if len(mine):
                found, beside = _matches(predictions.boxes[row, said], mine)
                hit[row, said], void[row, said] = found, beside
    made = Matching(hit=hit, void=void, there=there, scores=predictions.scores, classes=predictions.classes)
    if len(_matchings) >= KEPT:
        _matchings.clear()
    _matchings[key] = (weakref.ref(truth), weakref.ref(predictions.boxes), made)
    return made


def _matches(boxes: Array, things: Array) -> tuple[Array, Array]:
    """(d, T) which boxes, the surest first, are objects at each overlap, and which are objects that are set aside: each of which may be many."""
    iou = overlap_arrays(boxes, things[:, :4])
    aside = things[:, 5] == ASIDE
    hit, void = (np.zeros((len(boxes), len(OVERLAPS)), bool) for _ in range(2))
    for number, least in enumerate(OVERLAPS):
        free = ~aside
        for place in range(len(boxes)):
            fits = np.where(free & (iou[place] >= least), iou[place], -1.0)
            best = int(fits.argmax())
            if fits[best] >= 0:
                hit[place, number], free[best] = True, False
            elif aside.any():
                void[place, number] = bool((iou[place][aside] >= least).any())
    return hit, void


def class_precisions(matching: Matching, weights: Weights, overlaps: list[int]) -> Floats:
    """(R, K) average precision of each class under each row of weights (R, n), in the mean over these overlaps; NaN of a class that is not there."""
    classes = matching.there.shape[1]
    made = np.full((len(weights), classes), np.nan)
    for label in range(classes):
        objects = weights @ matching.there[:, label]
        known = objects > 0
        if not known.any():
            continue
        picture, place = np.nonzero(matching.classes == label)
        order = np.argsort(-matching.scores[picture, place], kind="stable")
        picture, place = picture[order], place[order]
        values = np.zeros(len(weights))
        for overlap in overlaps:
            hit, void = matching.hit[picture, place, overlap], matching.void[picture, place, overlap]
            values += _average_precisions(picture[~void], hit[~void], weights, objects)
        made[known, label] = (values / len(overlaps))[known]
    return made


def _average_precisions(picture: Array, hit: Array, weights: Weights, objects: Floats) -> Floats:
    """(R,) of answers (d,) in their order. A recall is reached where the last answer that counts reaches it."""
    made = np.zeros(len(weights))
    if not hit.any():
        return made
    for number, row in enumerate(weights):
        if objects[number] <= 0:
            continue
        each = row[picture]
        right = np.cumsum(each * hit)
        said = np.cumsum(each)
        precision = np.divide(right, said, out=np.zeros_like(right), where=said > 0)
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        reached = np.searchsorted(right / objects[number], RECALLS - 1e-12, side="left")
        made[number] = precision[reached[reached < len(precision)]].sum() / len(RECALLS)
    return made


def mean_of_known(by_class: Floats) -> Floats:
    """(R,) the mean over classes (R, K) that are there; NaN where none is."""
    there = np.isfinite(by_class)
    total = np.where(there, by_class, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
