"""Trees of the checks: they tell apart what scikit-learn's tell apart, and nothing where there is nothing to tell."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from netpick.checks.random_trees import share_of_ones
from netpick.checks.statistics import order_share
from netpick.types import Array

N = 600


def rows(which: str, seed: int) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, N)
    values = generator.random((N, 6)).astype(np.float32)
    if which == "together":  # alike column by column
        values[:, 1] = np.where((labels == 1) == (values[:, 0] > 0.5), 0.5, 0.0) + values[:, 1] / 2
    elif which == "indicators":
        values = (values < 0.3).astype(np.float32)
        values[labels == 1, 0] = values[labels == 1, 1]
    return values, labels


@pytest.mark.parametrize("which", ["together", "indicators", "noise"])
def test_they_are_as_good_as_those_of_scikit_learn(which: str) -> None:
    known, labels = rows(which, 1)
    asked, truth = rows(which, 2)
    theirs = ExtraTreesClassifier(40, min_samples_leaf=5, random_state=0).fit(known, labels).predict_proba(asked)[:, 1]
    areas = [order_share(s[truth == 1], s[truth == 0]) for s in (share_of_ones(known, labels, asked), theirs)]
    assert areas[0] == pytest.approx(areas[1], abs=0.05)
    assert (areas[0] > 0.65) == (which != "noise")


def test_the_same_seed_gives_the_same_and_shares_are_shares() -> None:
    known, labels = rows("together", 1)
    share = share_of_ones(known, labels, known)
    assert (share == share_of_ones(known, labels, known)).all()
    assert (share != share_of_ones(known, labels, known, seed=1)).any()
    assert 0 <= share.min() < 0.2
    assert 0.8 < share.max() <= 1


def test_nothing_is_told_by_columns_that_never_change() -> None:
    labels = np.arange(N) % 3 == 0
    assert share_of_ones(np.ones((N, 2)), labels.astype(np.int64), np.ones((4, 2))) == pytest.approx([1 / 3] * 4)
