"""Weighted sums of features, fitted by L-BFGS with the clock beside: logistic regression, or ridge regression.

The objectives are those of scikit-learn's LogisticRegression (penalty 1 / C) and Ridge (alpha). Written out, so that a fit
can be stopped after any iteration: scikit-learn's cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netpick.models.baselines.growing import Stop, Work
from netpick.models.baselines.outputs import Outputs, from_scores, sigmoid
from netpick.types import Array

WEIGHTS, BIAS = "weights", "bias"
PRECISION = 64 * 2.0**-52  # of the loss
TOLERANCE = 1e-4  # of the largest entry of the gradient, as scikit-learn has it
MOST_FOR_SQUARES = 2_000  # columns of a regression that is solved at once


class LinearWork(Work):
    """A linear model of features (n, F), dense or sparse, to targets (n, scores)."""

    def __init__(self, features: Any, targets: Array, outputs: Outputs, penalty: float) -> None:
        """penalty: of the sum of squared weights, beside the sum of losses over rows."""
        self.features, self.targets, self.outputs = features, targets, outputs
        self.penalty = penalty / len(targets)
        self.weights = np.zeros((features.shape[1], targets.shape[1]))
        self.bias = np.zeros(targets.shape[1])
        if outputs.quantities:  # in units of their deviations, so that one tolerance fits all
            self.centre = targets.mean(axis=0)
            deviation = targets.std(axis=0)
            self.unit = np.where(deviation > 0, deviation, 1.0)
            self.targets = (targets - self.centre) / self.unit

    @property
    def arrays(self) -> dict[str, Array]:
        """Weights (F, scores) float32 and bias (scores,) float64, in the target's units."""
        weights, bias = self.weights, self.bias
        if self.outputs.quantities:
            weights, bias = weights * self.unit, bias * self.unit + self.centre
        return {WEIGHTS: weights.astype(np.float32), BIAS: bias}

    def run(self, stop: Stop) -> None:
        """See Work. Each stretch is an L-BFGS of its own, which begins where the last one ended."""
        from scipy import sparse

        if len(self.outputs.classes) == 1:
            self.finished = True
        elif (
            self.outputs.quantities
            and not sparse.issparse(self.features)
            and self.features.shape[1] <= MOST_FOR_SQUARES
        ):
            self._solve()
        else:
            self._descend(stop)

    def _solve(self) -> None:
        """Ridge regression by its normal equations."""
        mean = self.features.mean(axis=0, dtype=np.float64)
        gram = np.zeros((self.features.shape[1],) * 2)
        moment = np.zeros(self.weights.shape)
        for start in range(0, len(self.features), 8_192):
            centred = self.features[start : start + 8_192] - mean
            gram += centred.T @ centred
            moment += centred.T @ self.targets[start : start + 8_192]
        gram[np.diag_indices_from(gram)] += self.penalty * len(self.targets)
        self.weights = np.linalg.solve(gram, moment)
        self.bias = -mean @ self.weights
        self.iterations, self.finished = 1, True

    def _descend(self, stop: Stop) -> None:
        from scipy import optimize

        minimize: Any = optimize.minimize  # its stubs know each option of each method, and no callback that stops
        shape = (self.weights.shape[0] + 1, self.weights.shape[1])
        stopped = False

        def after_each(flat: Array, /) -> None:
            nonlocal stopped
            self.iterations += 1
            stopped = stop(self.iterations, 1)
            if stopped:
                raise StopIteration

        solution = minimize(
            lambda flat: self._loss(flat.reshape(shape)),
            np.concatenate([self.weights, self.bias[None]]).ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=after_each,
            options={"maxiter": 100_000, "maxls": 50, "gtol": TOLERANCE, "ftol": PRECISION},
        )
        best = solution.x.reshape(shape)
        self.weights, self.bias = best[:-1], best[-1]
        self.finished = not stopped

    def _loss(self, both: Array) -> tuple[float, Array]:
        """Mean loss with its penalty, and its gradient, flat."""
        weights, bias = both[:-1], both[-1]
        dense = isinstance(self.features, np.ndarray)
        scores = self.features @ (weights.astype(np.float32) if dense else weights) + bias
        loss, slope = _losses(np.asarray(scores, dtype=np.float64), self.targets, self.outputs)
        slope /= len(slope)
        gradient = np.empty_like(both)
        gradient[:-1] = self.features.T @ (slope.astype(np.float32) if dense else slope) + self.penalty * weights
        gradient[-1] = slope.sum(axis=0)
        return loss + 0.5 * self.penalty * float(np.square(weights).sum()), gradient.ravel()


def _losses(scores: Array, targets: Array, outputs: Outputs) -> tuple[float, Array]:
    """Mean loss, and its slope for each score (n, scores)."""
    if outputs.quantities:
        error = scores - targets
        return 0.5 * float(np.square(error).sum()) / len(scores), error
    if outputs.num_scores == 1 or outputs.any_labels:
        losses = np.logaddexp(0, scores) - targets * scores
        return float(losses.sum()) / len(scores), sigmoid(scores) - targets
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    sums = shares.sum(axis=1, keepdims=True)
    loss = float(np.log(sums).sum() - (scores * targets).sum()) / len(scores)
    return loss, shares / sums - targets


def linear_answer(arrays: Mapping[str, Array], outputs: Outputs, features: Any) -> Array:
    """Answers (n, K) for features (n, F), dense or sparse."""
    scores = features @ arrays[WEIGHTS].astype(np.float64) + arrays[BIAS]
    return from_scores(np.asarray(scores), outputs)


def require_linear(arrays: Mapping[str, Array], outputs: Outputs, width: int) -> None:
    """Raises ValueError where weights do not fit features of this width."""
    weights, bias = arrays[WEIGHTS], arrays[BIAS]
    if weights.shape != (width, outputs.num_scores) or bias.shape != (outputs.num_scores,):
        raise ValueError("weights do not fit the features")
    if weights.dtype != np.float32 or bias.dtype != np.float64:
        raise ValueError("weights are no numbers of the usual kind")
