"""Boosted trees on filtered pixels: what ilastik does (Berg et al. 2019), and what many a microscopist needs and no more.

Each pixel is described by its surroundings at four scales: the smoothed picture, how steep it is, its Laplacian, and the eigenvalues of
its second derivatives and of its structure tensor. Trees are grown on a sample of pixels of all training pictures, classes evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.boosted_trees import LEAVES, BoostingWork
from netpick.models.baselines.fitting import quietly_on_one_thread
from netpick.models.baselines.growing import Sizes, grow
from netpick.models.baselines.mask_places import FORM, picture_of, pictures_of
from netpick.models.baselines.outputs import ONE_CLASS, Outputs, from_scores
from netpick.models.baselines.trees import require_trees
from netpick.types import STRICT, Array, Inputs

SCALES = (1.0, 2.0, 4.0, 8.0)  # pixels of the Gaussians' deviation
PIXELS = 60_000  # that are learned from, at most
SIZES = Sizes(start=8_000, measured=10, enough=60, most=120)
RATE = 0.15
SMALLEST = 8  # pixels of a side that filters need


@strict_dataclass(config=STRICT, kw_only=True)
class MaskTreesState:
    """Channels of the pictures, and what the trees' sums are of."""

    channels: int = Field(ge=1, le=64)
    outputs: Outputs


@dataclass(frozen=True)
class _Columns:
    categorical: Array


class _Work(BoostingWork):
    """Boosting on so many pixels."""

    def __init__(self, problem: Problem, features: Array, target: Array, count: int) -> None:
        used = np.sort(np.random.default_rng(problem.seed).permutation(len(target))[:count])
        classes = np.unique(target[used])
        self.outputs = Outputs(task=ONE_CLASS, num=problem.num_classes, classes=tuple(classes.tolist()))
        self.features, self.targets, self.watched = features[used], [np.searchsorted(classes, target[used])], True
        self.made: Any = _Columns(np.zeros(features.shape[1], bool))
        self.learned = {}
        model = None if len(classes) < 2 else _model(problem.seed)
        self.models = [model]
        self.finished = model is None


class MaskTrees(Baseline):
    """Histogram boosting on filtered pixels."""

    name = "pixel trees"
    definition = "Gradient-boosted decision trees on each pixel's surroundings: smoothed values, edges and textures at four scales (as ilastik)."
    State: ClassVar[type[Any]] = MaskTreesState

    def applies(self, problem: Problem) -> bool:
        return problem.answer.each_pixel and min(problem.inputs[FORM].shape[1:]) >= SMALLEST

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        with quietly_on_one_thread():
            features, target = sampled(problem, PIXELS)
            work, decision = grow(
                len(target), SIZES, limit, lambda count: _Work(problem, features, target, count), decided
            )
        words = f"on {decision.rows:,} of {len(target):,} pixels" if decision.rows < len(target) else ""
        return Fitted(
            baseline=self.name,
            state=MaskTreesState(channels=problem.inputs[FORM].shape[0], outputs=work.outputs),
            arrays=work.arrays,
            decision=decision,
            remark=words,
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, K, H, W) probabilities."""
        state: MaskTreesState = fitted.state
        pictures = given.arrays[FORM]
        made = np.zeros((len(pictures), state.outputs.num, *pictures.shape[2:]), np.float16)
        for row, picture in pictures_of(given):
            features = filtered(picture)
            found = from_scores(quick_scores(fitted.arrays, features), state.outputs)
            height, width = picture.shape[1:]
            made[row, :, :height, :width] = found.T.reshape(-1, height, width)
        return made

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: MaskTreesState = fitted.state
        if FORM not in inputs or inputs[FORM].shape[0] != state.channels or state.outputs.num != num_outputs:
            raise ValueError("the state is not that of such masks")
        if not state.outputs.one_class or len(fitted.arrays["trees.sets"]):
            raise ValueError("trees of pixels have one class and no categories")
        require_trees(fitted.arrays, width_of(state.channels), state.outputs.num_scores)


def sampled(problem: Problem, most: int) -> tuple[Array, Array]:
    """Features (n, F) and classes (n,) of pixels of all training pictures, of each class about as many where there are enough."""
    rows = np.sort(problem.train)
    generator = np.random.default_rng(problem.seed)
    if len(rows) > most // 50:
        rows = np.sort(generator.choice(rows, most // 50, replace=False))
    share = max(1, most // len(rows))
    features, classes = [], []
    for row in rows.tolist():
        picture, mask = picture_of(problem, row)
        flat = mask.ravel()
        known = np.flatnonzero(flat < problem.num_classes)
        if not len(known):
            continue
        counts = np.bincount(flat[known], minlength=problem.num_classes)
        weight = 1.0 / np.sqrt(counts[flat[known]])  # between even pixels and even classes
        keys = generator.random(len(known)) ** (1.0 / weight)
        chosen = known[np.argpartition(-keys, share)[:share]] if len(known) > share else known
        features.append(filtered(picture)[chosen])
        classes.append(flat[chosen].astype(np.int64))
    return np.concatenate(features), np.concatenate(classes)


def width_of(channels: int) -> int:
    """How many features a pixel has."""
    return channels + len(SCALES) * ((channels if channels > 1 else 0) + 7)


def filtered(picture: Array) -> Array:
    """(h * w, F) float32 of a picture (C, h, w)."""
    from scipy import ndimage

    values = picture.astype(np.float32) / 255
    grey = values.mean(axis=0)
    made = list(values)
    for scale in SCALES:
        if len(values) > 1:
            made += [ndimage.gaussian_filter(channel, scale, truncate=3) for channel in values]
        smooth = ndimage.gaussian_filter(grey, scale, truncate=3)
        down, across = np.gradient(smooth) if min(smooth.shape) > 1 else (np.zeros_like(smooth),) * 2
        yy, yx = np.gradient(down) if min(smooth.shape) > 1 else (np.zeros_like(smooth),) * 2
        xx = np.gradient(across, axis=1) if smooth.shape[1] > 1 else np.zeros_like(smooth)
        wide = [ndimage.uniform_filter(part, size=2 * round(scale) + 1) for part in (down**2, down * across, across**2)]
        made += [smooth, np.hypot(down, across), yy + xx, *_eigenvalues(yy, yx, xx), *_eigenvalues(*wide)]
    return np.stack([one.ravel() for one in made], axis=1).astype(np.float32)


def _eigenvalues(first: Array, between: Array, second: Array) -> tuple[Array, Array]:
    """The larger and the smaller one of symmetric matrices of 2 x 2, pixel by pixel."""
    middle, apart = (first + second) / 2, np.hypot((first - second) / 2, between)
    return middle + apart, middle - apart


def quick_scores(arrays: Any, features: Array) -> Array:
    """What `scores_of` gives, by scikit-learn's own walk down its trees: pixels are many. The arrays were proved to be trees."""
    from sklearn.ensemble._hist_gradient_boosting.predictor import PREDICTOR_RECORD_DTYPE, TreePredictor

    start, roots, output = arrays["trees.start"], arrays["trees.roots"], arrays["trees.output"]
    scores = np.tile(start, (len(features), 1))
    values = np.ascontiguousarray(features, np.float64)
    ends = np.append(roots[1:], len(arrays["trees.feature"]))
    none = np.zeros((0, 8), np.uint32)
    no_map = np.zeros(features.shape[1], np.uint32)
    for root, end, place in zip(roots.tolist(), ends.tolist(), output.tolist(), strict=True):
        own = np.arange(end - root)
        left, right = arrays["trees.left"][root:end] - root, arrays["trees.right"][root:end] - root
        nodes = np.zeros(end - root, PREDICTOR_RECORD_DTYPE)
        nodes["feature_idx"] = arrays["trees.feature"][root:end]
        nodes["num_threshold"] = arrays["trees.threshold"][root:end]
        nodes["value"] = arrays["trees.value"][root:end, 0]
        nodes["is_leaf"] = left == own
        nodes["left"], nodes["right"] = left, right
        walk = TreePredictor(nodes, none, none)
        scores[:, place] += walk.predict(values, np.zeros((0, 8), np.uint32), no_map, 1)
    return scores


def _model(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=SIZES.measured,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        early_stopping=True,
        n_iter_no_change=10,
        random_state=seed,
        warm_start=True,
    )
