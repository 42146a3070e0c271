"""Metrics of masks: how much of what is there and of what was said is both, class by class and pixel by pixel.

All are functions of a confusion matrix a picture, so that intervals resample pictures: pixels of one picture are right or wrong
together, and an interval of pixels would be far too narrow. Pixels of no class (255 in the truth) count nowhere.
"""

from __future__ import annotations

import weakref
from abc import abstractmethod

import numpy as np

from netpick.answers.answered import AnsweredMasks
from netpick.answers.metrics.sums import Floats, RatioMetric, RowSums, SumMetric, Sums, over
from netpick.types import Array

IGNORED = 255  # of the truth
BLOCK = 32 * 32  # pixels
KEPT = 64  # confusion matrices that are remembered: each metric asks for the same

_matrices: dict[tuple[int, int, int], tuple[weakref.ref[Array], weakref.ref[Array], Array]] = {}


class PlaceMetric(SumMetric[AnsweredMasks]):
    """A function of how many pixels of each true class were called each class."""

    better = "higher"
    reads = AnsweredMasks
    share = True
    lowest, highest = 0.0, 1.0

    def applies(self, truth: Array, predictions: AnsweredMasks) -> bool:
        return len(truth) > 0 and bool((truth != IGNORED).any())

    def sums(self, truth: Array, predictions: AnsweredMasks, decided: Array | None) -> Sums:
        assert decided is not None
        matrices = confusions_of(truth, decided, predictions.num_classes)
        return RowSums([matrices.reshape(len(matrices), -1).astype(np.float64)])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        count = round(totals.shape[1] ** 0.5)
        return self.of_matrix(totals.reshape(-1, count, count))

    def effective_rows(self, truth: Array, predictions: AnsweredMasks, decided: Array | None) -> int:
        return blocks_of(truth)

    @abstractmethod
    def of_matrix(self, matrix: Floats) -> Floats:
        """(R,) of matrices (R, K, K) of true classes by said ones."""


class MaskedIou(PlaceMetric):
    """Mean over classes of intersection over union (the Jaccard index)."""

    name = "mean_iou"
    label = "Mean IoU"
    definition = (
        "The mean over classes of: pixels that are of the class and were called so, divided by those that are or were. "
        "Classes that are nowhere, in truth and answer, are left out."
    )

    def of_matrix(self, matrix: Floats) -> Floats:
        both, either = np.einsum("rkk->rk", matrix), matrix.sum(axis=1) + matrix.sum(axis=2)
        return mean_of(over(both, either - both), either > 0)


class MeanDice(PlaceMetric):
    """Mean over classes of the Dice coefficient, which is the F1 of pixels."""

    name = "mean_dice"
    label = "Mean Dice"
    definition = "The mean over classes of the F1 of pixels: twice those that are of the class and were called so, divided by those that are plus those that were."

    def of_matrix(self, matrix: Floats) -> Floats:
        return mean_of(*dice_of(matrix))


class ForegroundF1(PlaceMetric):
    """Mean Dice of all classes but the commonest one: of two classes, the F1 of the rarer."""

    name = "foreground_f1"
    label = "Foreground F1"
    definition = "The F1 of pixels of all classes but the most frequent true one, which is taken for the background; of several, their mean."

    def applies(self, truth: Array, predictions: AnsweredMasks) -> bool:
        return super().applies(truth, predictions) and len(np.unique(truth[truth != IGNORED])) > 1

    def of_matrix(self, matrix: Floats) -> Floats:
        dice, there = dice_of(matrix)
        background = matrix.sum(axis=2).argmax(axis=1)
        there[np.arange(len(matrix)), background] = False
        return mean_of(dice, there)


class PixelAccuracy(RatioMetric[AnsweredMasks]):
    """Share of the pixels whose class is right."""

    name = "pixel_accuracy"
    label = "Pixel accuracy"
    better = "higher"
    reads = AnsweredMasks
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of pixels whose class is right."

    def applies(self, truth: Array, predictions: AnsweredMasks) -> bool:
        return len(truth) > 0 and bool((truth != IGNORED).any())

    def effective_rows(self, truth: Array, predictions: AnsweredMasks, decided: Array | None) -> int:
        return blocks_of(truth)

    def parts(self, truth: Array, predictions: AnsweredMasks, decided: Array | None) -> tuple[Array, Array | None]:
        assert decided is not None
        matrices = confusions_of(truth, decided, predictions.num_classes).astype(np.float64)
        return np.einsum("nkk->n", matrices)[:, None], matrices.sum(axis=(1, 2))[:, None]


def confusions_of(truth: Array, decided: Array, count: int) -> Array:
    """(n, K, K) pixels of each true class that were called each class; truth (n, H, W), decided at the top left of it."""
    key = (id(truth), id(decided), count)
    if key in _matrices:
        first, second, known = _matrices[key]
        if first() is truth and second() is decided:
            return known
    height, width = (min(sides) for sides in zip(truth.shape[1:], decided.shape[1:], strict=True))
    matrices = np.zeros((len(truth), count, count), dtype=np.int64)
    for row in range(len(truth)):
        there = truth[row, :height, :width].ravel()
        said = decided[row, :height, :width].ravel()
        known_pixels = (there < count) & (said < count)
        cells = there[known_pixels].astype(np.int64) * count + said[known_pixels]
        matrices[row] = np.bincount(cells, minlength=count * count).reshape(count, count)
    if len(_matrices) >= KEPT:
        _matrices.clear()
    _matrices[key] = (weakref.ref(truth), weakref.ref(decided), matrices)
    return matrices


def blocks_of(truth: Array) -> int:
    """Trials that stand behind a picture's shares: its blocks of pixels that are right or wrong together, one a picture at least.

    That pictures differ is seen in the resamples. This says only how far a difference between few pictures may lie from what they show:
    a picture is no single trial, as a row of a class is.
    """
    return max(len(truth), int((truth != IGNORED).sum()) // BLOCK)


def dice_of(matrix: Floats) -> tuple[Floats, Array]:
    """(R, K) Dice of each class, and where it is in truth or answer, of matrices (R, K, K)."""
    both, sum_of_both = np.einsum("rkk->rk", matrix), matrix.sum(axis=1) + matrix.sum(axis=2)
    return over(2 * both, sum_of_both), sum_of_both > 0


def mean_of(values: Floats, there: Array) -> Floats:
    """(R,) the mean over classes (R, K) that are there; 0 where none is."""
    return over(np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1).astype(np.float64))
