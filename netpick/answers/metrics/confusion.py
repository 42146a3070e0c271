"""What was taken for what: the confusion matrix, and precision, recall and F1 of every class with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.answers.metrics.classes import class_sums
from netpick.answers.metrics.intervals import wilson
from netpick.types import Array
from netpick.types.results import Score


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """One class (or label) on its own. Each score's n is the rows it is a share of; 0 of them gives 0 with 0 to 1."""

    index: int
    precision: Score
    recall: Score
    f1: Score
    support: int  # true rows of the class


def confusion_matrix(truth: Array, decided: Array, num_classes: int) -> npt.NDArray[np.int64]:
    """Rows counted by true class (down) and decided class (across), (K, K)."""
    cells = truth.astype(np.int64) * num_classes + decided
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusions(matrix: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """(true class, decided class) of the cells off the diagonal that hold rows, the fullest first."""
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[: int((off > 0).sum())]
    return [divmod(int(cell), len(matrix)) for cell in order]


def per_class_scores(truth: Array, decided: Array, num_classes: int) -> list[ClassScores]:
    """Precision, recall and F1 of each class (n,) or label (n, L), with Wilson intervals and its number of true rows.

    F1 is hits / ((true + decided) / 2), which is no plain share; its interval is Wilson's at the row count that gives
    its delta-method variance.
    """
    (sums,) = class_sums(truth, decided, num_classes).totals(np.ones((1, len(truth)))).reshape(1, 3, num_classes)
    scores = []
    for k in range(num_classes):
        hits, true, called = (float(part) for part in sums[:, k])
        scores.append(
            ClassScores(
                index=k,
                precision=_share(hits, called),
                recall=_share(hits, true),
                f1=_f1(hits, true, called),
                support=round(true),
            )
        )
    return scores


def _share(hits: float, rows: float) -> Score:
    if rows == 0:
        return Score(value=0.0, low=0.0, high=1.0, n=0)
    low, high = wilson(hits / rows, rows)
    return Score(value=hits / rows, low=low, high=high, n=round(rows))


def _f1(hits: float, true: float, said: float) -> Score:
    total = true + said
    rows = round(true + said - hits)  # rows that are in the class or were put there
    if total == 0:
        return Score(value=0.0, low=0.0, high=1.0, n=0)
    f1 = 2 * hits / total
    # Each hit moves F1 by (2 - 2 F1) / total, each row of one side only by -F1 / total.
    variance = (hits * (2 - 2 * f1) ** 2 + (total - 2 * hits) * f1**2) / total**2
    effective = f1 * (1 - f1) / variance if variance > 0 else float(rows)
    low, high = wilson(f1, min(effective, float(rows)))
    return Score(value=f1, low=low, high=high, n=rows)
