"""What real rows say of rows that were made up: whether trees learn the same from them, tell them apart, and whether they are copies.

Everything is a number for each real row of a part that was not learned from, so that scores have intervals and two generators are compared in
pairs. Usefulness is train-on-synthetic, test-on-real (Esteban et al. 2017); telling apart is the classifier two-sample test (Lopez-Paz & Oquab
2017), by two folds, each row's number being the share of unseen made-up rows that look less real than it; columns and pairs are total variation;
density and coverage are those of Naeem et al. (2020); copies, nearness and rare combinations are of as many made-up rows as there are real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.answers.answered import FACTS
from netpick.models.baselines.fitting import quietly_on_one_thread
from netpick.tasks.generate.state import GenerateState, asked_about, features_of, parts_of
from netpick.types import Array, Rows

MOST_MADE = 50_000  # rows that trees learn from
MOST_TREE_CATEGORIES = 250  # of a column; more are read as numbers
ITERATIONS, LEAVES = 100, 31  # of the boosted trees, as scikit-learn has them
MOST_NEAR = 3_000  # rows of each side whose distances are looked at
NEIGHBOURS = 5
COLUMN_GROUPS = 20  # of a column by itself
GROUPS = 8  # of a column in a pair
MOST_PAIRS = 200


@dataclass(frozen=True)
class Made:
    """Rows that were made up."""

    codes: Array  # (m, K) int32
    places: Array  # (m, K)

    def take(self, rows: Rows) -> Made:
        return Made(codes=self.codes[rows], places=self.places[rows])

    def __len__(self) -> int:
        return len(self.codes)


def _made(truth: Array) -> Made:
    codes, places = parts_of(truth)
    return Made(codes=codes, places=places)


def judged(
    made: Made, truth: Array, train: Rows, parts: Sequence[Rows], state: GenerateState, seed: int
) -> list[Array]:
    """Answers (n, K + facts) of each part's rows about the made-up rows, of which there are at least as many as of any part.

    truth: of all rows, as the task encodes them; train: those that were learned from.
    """
    answered = useful(made, [truth[rows] for rows in parts], state, seed)
    known = _made(truth[train])
    return [
        np.concatenate([answers, _facts(made, _made(truth[rows]), known, state, seed)], axis=1)
        for answers, rows in zip(answered, parts, strict=True)
    ]


def _facts(made: Made, real: Made, known: Made, state: GenerateState, seed: int) -> Array:
    """(n, FACTS) of the real rows."""
    random = np.random.default_rng([seed, len(real)])
    some = made.take(random.permutation(len(made))[: len(real)])
    if len(some) < len(real):
        some = made.take(random.integers(0, len(made), len(real)))
    found = {
        "told": _told(some, real, state, seed),
        "columns": _columns(some, real, state),
        "pairs": _pairs(some, real, state),
        **_near(some, real, known, state, random),
        **_copies(some, real, known, state),
    }
    return np.stack([found[name] for name in FACTS], axis=1)


# --- trees -----------------------------------------------------------------------------------------------------------


def useful(made: Made, parts: Sequence[Array], state: GenerateState, seed: int, most: int = MOST_MADE) -> list[Array]:
    """(n, K) what trees that learned from made-up rows alone say of the target of real ones."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    random = np.random.default_rng([seed, 1])
    some = made.take(np.sort(random.permutation(len(made))[:most]))
    target = asked_about(some.codes, some.places, state)
    rows = np.flatnonzero(~np.isnan(target))
    features, categories = _inputs(some.take(rows), state)
    target = target[rows]
    tested = [_inputs(_made(part), state)[0] for part in parts]
    if not len(target) or len(np.unique(target)) < 2:  # a generator that makes one class alone
        return [_constant(target, len(part), state) for part in parts]
    with quietly_on_one_thread():
        settings: dict[str, Any] = {
            "max_iter": ITERATIONS, "max_leaf_nodes": LEAVES, "categorical_features": categories, "random_state": seed,
            "early_stopping": False,
        }  # fmt: skip
        if not state.classes:
            regressor = HistGradientBoostingRegressor(**settings).fit(features, target)
            return [np.asarray(regressor.predict(part))[:, None] for part in tested]
        classifier = HistGradientBoostingClassifier(**settings).fit(features, target.astype(np.int64))
        answers = []
        for part in tested:
            chances = np.zeros((len(part), state.num_useful))
            chances[:, classifier.classes_] = classifier.predict_proba(part)
            answers.append(chances)
        return answers


def _constant(target: Array, rows: int, state: GenerateState) -> Array:
    answers = np.zeros((rows, state.num_useful))
    if state.classes:
        answers[:, int(target[0]) if len(target) else 0] = 1.0
    elif len(target):
        answers[:] = target.mean()
    return answers


def _told(made: Made, real: Made, state: GenerateState, seed: int) -> Array:
    """(n,) share of made-up rows, unseen by the trees, that look less real than each real row, equals counting half."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, categories = _inputs(made, state, target=True)
    truth, _ = _inputs(real, state, target=True)
    random = np.random.default_rng([seed, 2])
    sides = [random.permutation(len(part)) % 2 for part in (features, truth)]
    below = np.full(len(truth), 0.5)
    with quietly_on_one_thread():
        for fold in range(2):
            learned = [part[side != fold] for part, side in zip((features, truth), sides, strict=True)]
            if min(map(len, learned)) < 2:
                continue
            answers = np.repeat([0, 1], [len(part) for part in learned])
            trees = HistGradientBoostingClassifier(
                max_iter=ITERATIONS, categorical_features=categories, random_state=seed, early_stopping=False
            ).fit(np.concatenate(learned), answers)
            of_made = np.sort(trees.predict_proba(features[sides[0] == fold])[:, 1])
            of_real = trees.predict_proba(truth[sides[1] == fold])[:, 1]
            if len(of_made):
                ranks = np.searchsorted(of_made, of_real, "left") + np.searchsorted(of_made, of_real, "right")
                below[sides[1] == fold] = ranks / (2 * len(of_made))
    return below


def _inputs(rows: Made, state: GenerateState, *, target: bool = False) -> tuple[Array, Array]:
    features, categories = features_of(rows.codes, rows.places, state)
    width = features.shape[1] if target else features.shape[1] - 1
    few = np.array([one.cardinality <= MOST_TREE_CATEGORIES for one in state.columns])
    return features[:, :width], (categories & few)[:width]


# --- distributions ---------------------------------------------------------------------------------------------------


def _columns(made: Made, real: Made, state: GenerateState) -> Array:
    """(n,) mean over columns of min(1, p / q) at each real row's code: its mean is 1 minus the total variation distance.

    Columns of many codes are brought to groups of about as many real rows: between few rows of hundred bins there is a distance by chance alone.
    """
    found = []
    for k, one in enumerate(state.columns):
        codes, size = (made.codes[:, k], real.codes[:, k]), one.cardinality
        if size > COLUMN_GROUPS:
            codes, size = _grouped(*codes, size, COLUMN_GROUPS), COLUMN_GROUPS
        found.append(_shared(*codes, size))
    return np.asarray(np.mean(found, axis=0))


def _pairs(made: Made, real: Made, state: GenerateState) -> Array:
    """The same of pairs of columns, each in a few groups of about as many real rows."""
    grouped = [
        _grouped(made.codes[:, k], real.codes[:, k], one.cardinality, GROUPS) for k, one in enumerate(state.columns)
    ]
    pairs = [(a, b) for a in range(len(grouped)) for b in range(a + 1, len(grouped))]
    if len(pairs) > MOST_PAIRS:
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, MOST_PAIRS).astype(int)]
    found = [
        _shared(grouped[a][0] * GROUPS + grouped[b][0], grouped[a][1] * GROUPS + grouped[b][1], GROUPS * GROUPS)
        for a, b in pairs
    ]
    return np.asarray(np.mean(found, axis=0)) if found else np.ones(len(real))


def _shared(made: Array, real: Array, size: int) -> Array:
    p = np.bincount(made, minlength=size) / max(1, len(made))
    q = np.bincount(real, minlength=size) / len(real)
    return np.asarray(np.minimum(1.0, p[real] / q[real]))


def _grouped(made: Array, real: Array, size: int, groups: int) -> tuple[Array, Array]:
    counts = np.bincount(real, minlength=size)
    group = np.minimum((np.cumsum(counts) - counts / 2) * groups // max(1, len(real)), groups - 1).astype(np.int64)
    return group[made], group[real]


# --- distances -------------------------------------------------------------------------------------------------------


def _near(made: Made, real: Made, known: Made, state: GenerateState, random: np.random.Generator) -> dict[str, Array]:
    """Density, coverage, and whether made-up rows lie nearer to rows that were learned from than to these."""
    count = min(MOST_NEAR, len(real), len(known))
    learned = known.take(random.permutation(len(known))[:count])
    held = real.take(random.permutation(len(real))[:count])
    spots = [_spots(part, state) for part in (made, held, learned)]
    to_held, to_learned = (np.sqrt(_nearest(spots[0], other)) for other in spots[1:])
    nearer = np.where(to_learned < to_held, 1.0, np.where(to_learned > to_held, 0.0, 0.5))
    # Density and coverage: of a real row, the made-up ones within the distance of its fifth real neighbour.
    real_spots, made_spots = _spots(real, state)[:MOST_NEAR], spots[0][:MOST_NEAR]
    within = np.sort(_squares(real_spots, real_spots), axis=1)[:, min(NEIGHBOURS, len(real_spots) - 1)]
    inside = (_squares(real_spots, made_spots) <= within[:, None] + 1e-9).sum(axis=1)
    density = inside * len(real_spots) / (NEIGHBOURS * len(made_spots))
    return {
        "nearer": nearer,
        "density": _filled(density, len(real)),
        "covered": _filled(inside > 0, len(real)),
    }


def _filled(values: Array, count: int) -> Array:
    """(count,) of fewer values: the others get them in turn, so that means stay what they are up to a part of one round."""
    return np.resize(np.asarray(values, dtype=np.float64), count)


def _spots(rows: Made, state: GenerateState) -> Array:
    """(n, F) where rows lie: ordered columns by the rank of their code, 0 to 1; a category as a corner, of which two are 1 apart."""
    parts = []
    for k, one in enumerate(state.columns):
        if one.ordered:
            at = (one.positions[rows.codes[:, k]] + 1) / 2
            if one.bins:
                at = at + (rows.places[:, k] - 0.5) * one.binned[rows.codes[:, k]] / max(1, one.cardinality - 1)
            parts.append(at[:, None].astype(np.float32))
        else:
            parts.append(np.eye(one.cardinality, dtype=np.float32)[rows.codes[:, k]] * np.float32(0.5**0.5))
    return np.concatenate(parts, axis=1)


def _squares(a: Array, b: Array) -> Array:
    """(n, m) squared distances."""
    squares: Array = np.maximum((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T, 0.0)
    return squares


def _nearest(a: Array, b: Array) -> Array:
    """(n,) the smallest squared distance of each row of a to one of b, a chunk at a time."""
    return np.concatenate([_squares(a[start : start + 1024], b).min(axis=1) for start in range(0, len(a), 1024)])


def _copies(made: Made, real: Made, known: Made, state: GenerateState) -> dict[str, Array]:
    """Whether rows equal one that was learned from, and whether they hold a pair of values that a single one of these has."""
    learned = set(_as_bytes(known, state))
    copied, held = (
        np.array([row in learned for row in _as_bytes(part, state)], dtype=np.float64) for part in (made, real)
    )
    coarse = {row.tobytes() for row in np.ascontiguousarray(known.codes)}
    near, held_near = (
        np.array([row.tobytes() in coarse for row in np.ascontiguousarray(part.codes)], dtype=np.float64)
        for part in (made, real)
    )
    rare, held_rare = np.zeros(len(made)), np.zeros(len(real))
    width = len(state.columns)
    pairs = [(a, b) for a in range(width) for b in range(a + 1, width)]
    if len(pairs) > MOST_PAIRS:
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, MOST_PAIRS).astype(int)]
    for a, b in pairs:
        size = state.columns[b].cardinality
        numbers = known.codes[:, a].astype(np.int64) * size + known.codes[:, b]
        values, counts = np.unique(numbers, return_counts=True)
        single = values[counts == 1]
        if len(single) > 0.05 * len(numbers):  # where nearly all are single, they say nothing
            continue
        for part, found in ((made, rare), (real, held_rare)):
            own = part.codes[:, a].astype(np.int64) * size + part.codes[:, b]
            found[np.isin(own, single)] = 1.0
    return {
        "copied": copied,
        "held_copied": held,
        "near_copied": near,
        "held_near_copied": held_near,
        "rare": rare,
        "held_rare": held_rare,
    }


def _as_bytes(rows: Made, state: GenerateState) -> list[bytes]:
    values = np.nan_to_num(features_of(rows.codes, rows.places, state)[0], nan=-1e300)
    whole = np.ascontiguousarray(values)
    return [row.tobytes() for row in whole]
