"""Expected calibration error: do the stated confidences come true?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.answers.answered import AnsweredChances
from netpick.answers.metrics.base import Gaps, Linear, Metric, Weights
from netpick.types import Array

BELIEF_ROWS = 3  # that the confidence's own word is worth when a bin's variance is estimated
NUM_BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks"


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows whose confidence lies in low..high: what was claimed, and what came true."""

    low: float
    high: float
    confidence: float  # mean confidence
    accuracy: float  # share that came true
    n: int


def confidences(truth: Array, predictions: AnsweredChances) -> tuple[Array, Array]:
    """Confidence of the likeliest class and whether it is right; with several labels, of each label's likelier answer."""
    probabilities = predictions.probabilities.astype(np.float64, copy=False)
    if truth.ndim == 2:
        return np.maximum(probabilities, 1 - probabilities), ((probabilities >= 0.5) == (truth > 0)).astype(np.float64)
    likeliest = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(truth)), likeliest], (likeliest == truth).astype(np.float64)


def calibration_bins(truth: Array, predictions: AnsweredChances) -> list[CalibrationBin]:
    """The non-empty ones of 15 equally wide bins of confidence, for a reliability diagram."""
    claimed, right = (values.ravel() for values in confidences(truth, predictions))
    bins = _bin_of(claimed)
    counts = np.bincount(bins, minlength=NUM_BINS)
    sums_claimed, sums_right = (np.bincount(bins, values, NUM_BINS) for values in (claimed, right))
    return [
        CalibrationBin(
            low=b / NUM_BINS,
            high=(b + 1) / NUM_BINS,
            confidence=float(sums_claimed[b] / counts[b]),
            accuracy=float(sums_right[b] / counts[b]),
            n=int(counts[b]),
        )
        for b in np.flatnonzero(counts)
    ]


class CalibrationError(Metric[AnsweredChances]):
    """Mean gap between confidence and accuracy over 15 equally wide bins (Naeini et al. 2015; Guo et al. 2017)."""

    name = "calibration_error"
    label = "Calibration error"
    better = "lower"
    decides = False
    reads = AnsweredChances
    lowest, highest = 0.0, 1.0
    definition = (
        "How far stated confidence is from the share that came true, averaged over 15 equally wide bins of the "
        "likeliest class's probability (expected calibration error, ECE). On few rows it comes out too high."
    )

    def values(self, truth: Array, predictions: AnsweredChances, weights: Weights, decided: Array | None) -> Array:
        claimed, right = confidences(truth, predictions)
        bins = _bin_of(claimed)
        gaps = right - claimed
        if gaps.ndim == 1:
            bins, gaps = bins[:, None], gaps[:, None]
        sums = np.zeros((len(weights), NUM_BINS))
        for b in range(NUM_BINS):
            in_bin = np.where(bins == b, gaps, 0.0).sum(axis=1)
            rows = np.flatnonzero(in_bin)
            sums[:, b] = weights[:, rows] @ in_bin[rows]
        return np.asarray(np.abs(sums).sum(axis=1) / (weights.sum(axis=1) * gaps.shape[1]))

    def linear(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Linear:
        claimed, right = confidences(truth, predictions)
        bins = _bin_of(claimed)
        gaps = right - claimed
        side = np.sign(np.bincount(bins.ravel(), gaps.ravel(), NUM_BINS))
        per_row = side[bins] * gaps
        per_row = per_row if per_row.ndim == 1 else per_row.mean(axis=1)
        value = float(per_row.mean())
        return Linear(value=value, influence=per_row - value)

    def gaps(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Gaps:
        claimed, right = (part.reshape(len(truth), -1) for part in confidences(truth, predictions))
        bins = _bin_of(claimed)
        by_row = np.zeros((len(truth), NUM_BINS))
        np.add.at(by_row, (np.arange(len(truth))[:, None], bins), (right - claimed) / claimed.shape[1])
        counts, sums_claimed, sums_right = (
            np.bincount(bins.ravel(), part, NUM_BINS) for part in (np.ones(bins.size), claimed.ravel(), right.ravel())
        )
        # A few rows more, as right as was claimed: a bin whose few rows are all right varies nevertheless.
        accuracy = (sums_right + BELIEF_ROWS * sums_claimed / np.maximum(counts, 1)) / (counts + BELIEF_ROWS)
        variance = accuracy * (1 - accuracy) * counts / (bins.size * claimed.shape[1])
        return Gaps(by_row=by_row, variance=variance)


def _bin_of(claimed: Array) -> Array:
    """Bin number of each confidence; the bins are open below and closed above, as in the papers."""
    return np.asarray(np.clip(np.ceil(claimed * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1))
