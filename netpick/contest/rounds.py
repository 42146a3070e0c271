"""A contest in folds: what the models of each fold said of the rows that they did not learn from, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netpick.answers.answered import AnsweredChances, joined
from netpick.tasks.examples import Prepared
from netpick.tasks.split import SealedRows
from netpick.types import Array, Rows, Split
from netpick.types.results import Answered, CandidateResult


def of_fold(prepared: Prepared, fold: Split) -> Prepared:
    """The data of one fold: its own parts, and a target that is scaled on its own training rows."""
    return replace(
        prepared,
        split=fold,
        sealed=SealedRows(fold.test),
        state=prepared.state_of(fold.train),
        folds=(),
        copied=np.intersect1d(prepared.copied, fold.test),
    )


def validation_rows(folds: Sequence[Split]) -> Rows:
    """Validation rows of all folds, one fold after the other: a row may come several times."""
    return np.concatenate([fold.validation for fold in folds])


def put_together(whole: CandidateResult, parts: Sequence[CandidateResult], folds: Sequence[Split]) -> CandidateResult:
    """One candidate's result: the network that learned from all rows, with the predictions of those of the folds.

    Test predictions are in the order of the rows, validation predictions in that of `validation_rows`. A candidate that
    failed in one fold has failed.
    """
    if whole.status != "ok":
        return whole
    for number, part in enumerate(parts):
        if part.status == "failed":
            return replace(
                whole,
                status="failed",
                reason=f"in fold {number + 1}: {part.reason}",
                validation_predictions=None,
                test_predictions=None,
            )
    tested = [(part.test_predictions, fold.test) for part, fold in zip(parts, folds, strict=True)]
    chosen = [(part.validation_predictions, fold.validation) for part, fold in zip(parts, folds, strict=True)]
    order = np.argsort(np.concatenate([fold.test for fold in folds]), kind="stable")
    return replace(
        whole,
        seconds=whole.seconds + sum(part.seconds for part in parts),
        reduced=whole.reduced or any(part.reduced for part in parts),
        test_predictions=_joined(tested, order),
        validation_predictions=_joined(chosen, np.arange(len(validation_rows(folds)))),
    )


def _joined(parts: Sequence[tuple[Answered | None, Rows]], order: Array) -> Answered:
    answered = [predictions for predictions, _ in parts if predictions is not None]
    folds = np.concatenate([np.full(len(rows), number) for number, (_, rows) in enumerate(parts)])
    chances = [predictions for predictions in answered if isinstance(predictions, AnsweredChances)]
    if any(p.uncalibrated is not None for p in chances):  # some folds' probabilities may be used as they were stated
        answered = [
            replace(p, uncalibrated=p.probabilities if p.uncalibrated is None else p.uncalibrated) for p in chances
        ]
    return replace(joined(answered).take(order), folds=folds[order])
