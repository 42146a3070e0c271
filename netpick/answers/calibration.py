"""Probabilities that come true as often as they say: a map from stated to calibrated ones, learned on validation rows.

Several classes share one temperature (Guo et al. 2017), which changes no decision; where a few surprises would drive it up
for all rows, each class is given a little of the probability first, whatever was stated. Two classes, and each label, get a
straight line on the scale of log-odds (Platt 1999) or, where rows are many and it does better, a line with bends in it: an
isotonic fit (Zadrozny & Elkan 2002) of the rows in equal portions, joined so that no two rows become equal.

Few rows must not make things worse. Parameters are drawn towards "as stated", and a map is used only if it lowers the log
loss of rows that it was not fitted on (five folds), the plainer one first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT, Array

Floats = npt.NDArray[np.float64]

FEWEST_ROWS = 20  # below, nothing is learned from them
FOLDS = 5
MOST_VALUES, ENOUGH_ROWS = 200_000, 1_000  # probabilities that a fit reads; of more, every so many rows are taken
LARGEST = 1e6  # number in a calibration
FLOOR = 1e-15  # the least probability whose logarithm is taken
SLOPE_SPREAD, OFFSET_SPREAD = (
    0.5,
    1.0,
)  # standard deviations of slope (about 1) and offset (about 0) before rows are seen
SHARES = (0.0, 1e-4, 1e-3, 1e-2, 3e-2, 0.1)
BENT_ROWS, BENT_PORTION, MOST_PORTIONS = 500, 60, 15  # rows that bends want, rows of a portion at least, portions
BELIEF_ROWS = 10.0  # that the straight line's word is worth in every portion
STEPS, CLOSE = 50, 1e-4  # of Newton's method at most, which takes about five, and the change that ends it


@dataclass(config=STRICT, kw_only=True)
class Curve:
    """Calibrated log-odds of one label: offset + slope * x + sum of bend * max(0, x - at), always rising."""

    slope: float = 1.0
    offset: float = 0.0
    at: tuple[float, ...] = Field(default=(), max_length=MOST_PORTIONS)
    bends: tuple[float, ...] = Field(default=(), max_length=MOST_PORTIONS)

    def __post_init__(self) -> None:
        numbers = np.array([self.slope, self.offset, *self.at, *self.bends])
        if not (np.abs(numbers) <= LARGEST).all() or len(self.at) != len(self.bends):
            raise ValueError(f"a slope and offset of at most {LARGEST:g}, and a bend at every place")
        if not (self.slope + np.cumsum([0.0, *self.bends]) > 0).all():
            raise ValueError("a curve that rises everywhere")

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return self == Curve()

    def of(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds of any shape."""
        calibrated = self.offset + self.slope * log_odds
        for at, bend in zip(self.at, self.bends, strict=True):
            calibrated = calibrated + bend * np.maximum(log_odds - at, 0.0)
        return calibrated


@dataclass(config=STRICT, kw_only=True)
class Calibration:
    """How stated probabilities become calibrated ones: a temperature of all classes, or a curve a label.

    Of two classes there is one curve, that of the second.
    """

    temperature: float = 1.0
    shared: float = 0.0  # of the probability, divided evenly between the classes before the temperature
    curves: tuple[Curve, ...] = ()

    def __post_init__(self) -> None:
        if not (1 / LARGEST <= self.temperature <= LARGEST and 0 <= self.shared < 1):
            raise ValueError(f"a temperature from {1 / LARGEST:g} to {LARGEST:g}, and a share below 1")
        if self.curves and (self.temperature != 1.0 or self.shared != 0.0):
            raise ValueError("a temperature or curves, not both")

    @property
    def method(self) -> Literal["temperature", "Platt", "isotonic"]:
        if not self.curves:
            return "temperature"
        return "isotonic" if any(curve.at for curve in self.curves) else "Platt"

    @property
    def words(self) -> str:
        """'temperature 0.62', 'Platt: slope 1.31, offset -0.08', 'isotonic, 9 bends', 'Platt, 3 of 5 labels'."""
        if not self.curves:
            shared = f", {self.shared:.1%} shared evenly" if self.shared else ""
            return f"temperature {self.temperature:.3g}{shared}"
        if len(self.curves) > 1:
            changed = sum(not curve.is_plain for curve in self.curves)
            return f"{self.method}, {changed} of {len(self.curves)} labels"
        curve = self.curves[0]
        if curve.at:
            return f"isotonic, {len(curve.at)} bends"
        return f"Platt: slope {curve.slope:.3g}, offset {curve.offset:.3g}"

    def of_classes(self, probabilities: Floats) -> Floats:
        """Calibrated probabilities of exclusive classes (n, K), which sum to 1."""
        logs = _logs(probabilities, self.shared)
        if self.curves:
            return _both(self.curves[0].of(logs[:, 1] - logs[:, 0]))
        return _softmax(logs / self.temperature)

    def of_labels(self, probabilities: Floats) -> Floats:
        """Calibrated probabilities of labels (n, L), each by itself."""
        calibrated = probabilities.copy()
        for label, curve in enumerate(self.curves):
            if not curve.is_plain:
                calibrated[:, label] = _sigmoid(curve.of(log_odds_of(probabilities[:, label])))
        return calibrated


def calibrate_classes(probabilities: Floats, truth: Array) -> Calibration | None:
    """The calibration of exclusive classes from validation rows, (n, K) and (n,); None where they stay as they are."""
    rows = _sample(*probabilities.shape)
    probabilities, truth = probabilities[rows], truth[rows]
    if probabilities.shape[1] == 2:
        logs = _logs(probabilities, 0.0)
        curve = _chosen_curve(logs[:, 1] - logs[:, 0], truth == 1)
        return None if curve.is_plain else Calibration(curves=(curve,))
    if len(truth) < FEWEST_ROWS:
        return None

    chosen, least = None, _class_losses(_logs(probabilities, 0.0), truth)
    for shares in ((0.0,), SHARES):
        fitted = _temperature(probabilities, truth, shares)
        logs = _logs(probabilities, fitted.shared)

        def losses(learned: Array, held: Array, logs: Floats = logs) -> Floats:
            return _class_losses(logs[held] * _sharpness(logs[learned], truth[learned]), truth[held])

        held_out = _held_out(losses, len(truth))
        if (saved := least - held_out).mean() > _margin(saved, is_plain=len(shares) == 1):
            chosen, least = fitted, held_out
    return chosen


def calibrate_labels(probabilities: Floats, truth: Array) -> Calibration | None:
    """The calibration of labels from validation rows, (n, L) each; None where all stay as they are."""
    rows = _sample(*probabilities.shape)
    curves = tuple(
        _chosen_curve(log_odds_of(probabilities[rows, label]), truth[rows, label] > 0)
        for label in range(probabilities.shape[1])
    )
    return None if all(curve.is_plain for curve in curves) else Calibration(curves=curves)


def log_odds_of(probabilities: Floats) -> Floats:
    """log(p / (1 - p)), finite for 0 and 1 too."""
    return np.asarray(np.log(np.maximum(probabilities, FLOOR)) - np.log(np.maximum(1 - probabilities, FLOOR)))


# --- fits ------------------------------------------------------------------------------------------------------------


def _temperature(probabilities: Floats, truth: Array, shares: tuple[float, ...]) -> Calibration:
    """The share and the temperature that fit these rows best."""
    fits = []
    for shared in shares:
        logs = _logs(probabilities, shared)
        sharpness = _sharpness(logs, truth)
        loss = _class_losses(logs * sharpness, truth).sum() + (sharpness - 1) ** 2 / (2 * SLOPE_SPREAD**2)
        fits.append((float(loss), Calibration(temperature=1 / sharpness, shared=shared)))
    return min(fits, key=lambda pair: pair[0])[1]


def _margin(saved: Floats, *, is_plain: bool) -> float:
    """What a fit has to save of the held-out loss: the plainest anything, others a standard error."""
    return 0.0 if is_plain else float(saved.std() / np.sqrt(len(saved)))


def _sharpness(logs: Floats, truth: Array) -> float:
    """One over the temperature that fits these rows best: Newton's method on a convex loss of one number."""
    of_truth = logs[np.arange(len(truth)), truth]
    value = 1.0
    for _ in range(STEPS):
        chances = _softmax(value * logs)
        mean = np.einsum("nk,nk->n", chances, logs)
        slope = (mean - of_truth).sum() + (value - 1) / SLOPE_SPREAD**2
        bend = np.einsum("nk,nk,nk->", chances, logs, logs) - mean @ mean + 1 / SLOPE_SPREAD**2
        step = slope / bend
        changed = max(value - step, value / 3)
        close, value = abs(changed - value) < CLOSE * value, changed
        if close:
            break
    return float(value)


def _chosen_curve(log_odds: Floats, positive: Array) -> Curve:
    """The plain curve, a line or a bent one, whichever does best on rows that it was not fitted on."""
    if len(positive) < FEWEST_ROWS or len(np.unique(log_odds)) < 2 or positive.all() or not positive.any():
        return Curve()
    chosen, losses = Curve(), _label_losses(log_odds, positive)
    fits: list[Callable[[Floats, Array], Curve]] = [_line]
    if len(positive) >= BENT_ROWS:
        fits.append(_bent)
    for fit in fits:

        def of_held(learned: Array, held: Array, fit: Callable[[Floats, Array], Curve] = fit) -> Floats:
            return _label_losses(fit(log_odds[learned], positive[learned]).of(log_odds[held]), positive[held])

        held_out = _held_out(of_held, len(positive))
        if (saved := losses - held_out).mean() > _margin(saved, is_plain=fit is _line):
            chosen, losses = fit(log_odds, positive), held_out
    return chosen


def _line(log_odds: Floats, positive: Array) -> Curve:
    """Slope and offset of the least log loss, drawn towards 1 and 0; Newton's method, with shorter steps where one overshoots."""
    columns = np.stack([log_odds, np.ones_like(log_odds)], axis=1)
    home, precision = np.array([1.0, 0.0]), np.diag([SLOPE_SPREAD**-2, OFFSET_SPREAD**-2])

    def loss_at(values: Floats) -> float:
        return float(
            _label_losses(columns @ values, positive).sum() + (values - home) @ precision @ (values - home) / 2
        )

    values, loss = home, loss_at(home)
    for _ in range(STEPS):
        chances = _sigmoid(columns @ values)
        slope = columns.T @ (chances - positive) + precision @ (values - home)
        bend = (columns * (chances * (1 - chances))[:, None]).T @ columns + precision
        step = np.linalg.solve(bend, slope)
        while (changed := loss_at(values - step)) > loss and np.abs(step).max() > 1e-9:
            step = step / 2
        values, gained = values - step, loss - changed
        loss = changed
        if gained < CLOSE**2 * (1 + loss):
            break
    return Curve(slope=float(values[0]), offset=float(values[1])) if values[0] > 0 else Curve()


def _bent(log_odds: Floats, positive: Array) -> Curve:
    """An isotonic curve through portions of equal numbers of rows, straight between their centres and beyond the ends."""
    line = _line(log_odds, positive)
    count = min(MOST_PORTIONS, len(positive) // BENT_PORTION)
    parts = [part for part in np.array_split(np.argsort(log_odds, kind="stable"), max(count, 1)) if len(part)]
    centres = np.array([log_odds[part].mean() for part in parts])
    shares = np.array(
        [
            (positive[part].sum() + BELIEF_ROWS * _sigmoid(line.of(log_odds[part])).mean()) / (len(part) + BELIEF_ROWS)
            for part in parts
        ]
    )
    x, y = _pooled(centres, shares, np.array([len(part) for part in parts], dtype=np.float64))
    if len(x) < 3:
        return line
    heights = log_odds_of(y)
    slopes = np.concatenate([[line.slope], np.diff(heights) / np.diff(x), [line.slope]])
    return Curve(
        slope=float(slopes[0]),
        offset=float(heights[0] - slopes[0] * x[0]),
        at=tuple(map(float, x)),
        bends=tuple(map(float, np.diff(slopes))),
    )


def _pooled(centres: Floats, shares: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Neighbours whose shares do not rise are taken together (pool adjacent violators), with their common centre."""
    blocks: list[list[float]] = []
    for centre, share, count in zip(centres, shares, counts, strict=True):
        blocks.append([centre * count, share * count, count])
        while len(blocks) > 1 and blocks[-1][1] / blocks[-1][2] <= blocks[-2][1] / blocks[-2][2] + 1e-9:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    table = np.array(blocks)
    x, y = table[:, 0] / table[:, 2], table[:, 1] / table[:, 2]
    apart = np.concatenate([[True], np.diff(x) > 1e-6])
    return x[apart], y[apart]


def _held_out(losses: Callable[[Array, Array], Floats], count: int) -> Floats:
    """The loss of every row under a fit to the other folds: losses(learned, held)."""
    fold = np.random.default_rng(0).permutation(count) % FOLDS
    held_out_losses = np.empty(count)
    for number in range(FOLDS):
        held_out_losses[fold == number] = losses(np.flatnonzero(fold != number), np.flatnonzero(fold == number))
    return held_out_losses


def _sample(rows: int, width: int) -> slice:
    """Every so many rows, where there are many."""
    return slice(None, None, max(1, -(-rows // max(ENOUGH_ROWS, MOST_VALUES // width))))


# --- small functions -------------------------------------------------------------------------------------------------


def _logs(probabilities: Floats, shared: float) -> Floats:
    mixed = probabilities if not shared else (1 - shared) * probabilities + shared / probabilities.shape[1]
    return np.asarray(np.log(np.maximum(mixed, FLOOR)))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _both(log_odds: Floats) -> Floats:
    """(n, 2), each column to full precision where it is small."""
    small = np.exp(-np.abs(log_odds)) / (1 + np.exp(-np.abs(log_odds)))
    large = 1 - small
    rises = log_odds >= 0
    return np.stack([np.where(rises, small, large), np.where(rises, large, small)], axis=1)


def _softmax(x: Floats) -> Floats:
    raised = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _class_losses(logs: Floats, truth: Array) -> Floats:
    top = logs.max(axis=1)
    return np.asarray(np.log(np.exp(logs - top[:, None]).sum(axis=1)) + top - logs[np.arange(len(truth)), truth])


def _label_losses(log_odds: Floats, positive: Array) -> Floats:
    return np.asarray(np.logaddexp(0.0, np.where(positive, -log_odds, log_odds)))
