"""The blend: an average of the best candidates and baselines, weighted on validation rows.

Greedy selection with repeats (Caruana et al. 2004): whoever lowers the loss of the average most is added, again and again;
the weight of a member is how often it was added. Validation rows were looked at before, so the selection is kept from
learning them by heart: it starts from the best alone, is repeated on resampled rows and averaged, and takes few members.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from netpick.answers.answered import AnsweredCame, AnsweredChances, AnsweredTags
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult

Floats = npt.NDArray[np.float64]

FEWEST_ROWS = 30  # validation rows; fewer say nothing about weights
POOL, ROUNDS, BAGS = 8, 15, 20  # candidates looked at, members of one selection, selections on resampled rows
LEAST_WEIGHT = 0.05  # below, a member costs more than it gives
FLOOR = 1e-12
MOST_CELLS = 20_000  # rows times answers that weights are chosen on; of more, every so many rows are taken


def blend_weights(
    results: Sequence[CandidateResult], truth: Array, seed: int, groups: Array | None = None
) -> dict[str, float]:
    """Weights of the members, which sum to 1, the heaviest first; empty where no two of them go together.

    results: with predictions for the validation rows, whose truth this is. groups: (n,) rows that are drawn as a whole.
    """
    pool = [(r.name, p) for r in results if r.status == "ok" and (p := r.validation_predictions) is not None]
    rows = np.arange(0, len(truth), max(1, -(-truth.size // MOST_CELLS)))
    if len(pool) < 2 or len(rows) < FEWEST_ROWS or not pool[0][1].averaged:
        return {}
    answers = np.stack([_answers(predictions, truth, rows) for _, predictions in pool])  # (M, n, T)
    surprises = isinstance(pool[0][1], AnsweredChances | AnsweredCame | AnsweredTags)
    order = np.argsort(_losses(answers, surprises).mean(axis=1), kind="stable")[:POOL]
    generator = np.random.default_rng(seed)
    units = np.arange(len(rows)) if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    weights = np.zeros(len(pool))
    for _ in range(BAGS):
        drawn = np.bincount(generator.integers(0, units.max() + 1, units.max() + 1), minlength=units.max() + 1)[units]
        weights[order] += _selected(answers[order], drawn.astype(np.float64), surprises) / BAGS
    weights[weights < LEAST_WEIGHT] = 0.0
    weights /= weights.sum()
    members = [int(i) for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
    return {pool[i][0]: float(weights[i]) for i in members} if len(members) > 1 else {}


def _answers(predictions: Answered, truth: Array, rows: Array) -> Floats:
    """What is averaged and then judged (n, T): the probability of the truth, or the error in deviations of the truth."""
    stated, true = predictions.stated[rows], truth[rows]
    if isinstance(predictions, AnsweredCame):
        return stated.reshape(len(stated), -1)
    if isinstance(predictions, AnsweredTags):
        held = (true >= 0) & (true < stated.shape[2])
        of_truth = np.take_along_axis(stated, np.where(held, true, 0)[..., None], axis=2)[..., 0]
        return np.where(held, of_truth, 1.0).astype(np.float64)
    if isinstance(predictions, AnsweredChances):
        if true.ndim == 1:
            return np.take_along_axis(stated, true[:, None], axis=1)
        return np.where(true > 0, stated, 1 - stated)
    spread = np.nanstd(truth, axis=0)
    errors = (stated - true) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.nan_to_num(errors))


def _losses(answers: Floats, surprises: bool) -> Floats:
    """The mean loss of rows (..., n) from answers (..., n, T)."""
    losses = -np.log(np.maximum(answers, FLOOR)) if surprises else answers**2
    return np.asarray(losses.mean(axis=-1))


def _selected(answers: Floats, drawn: Floats, surprises: bool) -> Floats:
    """The share of each candidate (M,) among the members of one greedy selection on rows that count `drawn` times."""
    counts = np.zeros(len(answers))
    total = np.zeros_like(answers[0])
    best, best_loss = counts, np.inf
    for size in range(1, ROUNDS + 1):
        losses = _losses((total + answers) / size, surprises) @ drawn
        chosen = int(losses.argmin())
        counts[chosen] += 1
        total += answers[chosen]
        if losses[chosen] < best_loss:
            best, best_loss = counts / size, float(losses[chosen])
    return np.asarray(best)
