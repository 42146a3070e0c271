"""After the verdict: the recommended forecaster learns once more, now from all windows, so that next month's forecast knows last month.

What is expected of it are the contest's scores; the predictions on test rows stay those of the contest, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netpick.contest.baselines import Fits
from netpick.contest.planning import Planned
from netpick.contest.rows import Round
from netpick.contest.training import Outcome, growth, networks_of, train_to_the_newest
from netpick.models.baseline_fits import fitted_again
from netpick.tasks.examples import Prepared
from netpick.tasks.learned import learned_rows
from netpick.types import Event, LearnedRows, Rows
from netpick.types.results import CandidateResult, RunResults

AGAIN = 0.8  # of the steps that it should have, for which time is kept back; with REFIT_SHARE of them it is kept
DONE = "model.netpick learned once more, from all windows up to the newest; these scores are of the training before"
GIVEN_UP = "not trained once more up to the newest window: the time for it ran out"


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The results, and the networks and baselines that are handed over."""

    results: RunResults
    trained: Sequence[Outcome]
    fits: Fits
    learned: LearnedRows | None = None  # of the recommended one, where it learned once more


def trainings_kept_back(prepared: Prepared) -> float:
    """How many shares of the budget one more training needs; 0 where nothing learns once more."""
    return 0.0 if prepared.newest is None else AGAIN * growth(len(prepared.newest), len(prepared.split.train))


def up_to_newest(results: RunResults, whole: Round, planned: Planned, trained: Sequence[Outcome], fits: Fits) -> Newest:
    """With the recommended one as it is after one more training, where the examples are such that this is worth most."""
    rows, name = whole.prepared.newest, results.verdict.winner
    before = Newest(results=results, trained=trained, fits=fits)
    if rows is None or name is None:
        return before
    whole.on_event(Event(stage="train", text=f"{name}: once more, up to the newest window", data={}))
    if name in networks_of(trained):
        outcome = next(outcome for outcome in trained if outcome.result.name == name)
        network = train_to_the_newest(whole, planned, outcome, rows)
        if network is None:
            return replace(before, results=_said(whole, results, name, GIVEN_UP))
        after = [replace(one, network=network) if one.result.name == name else one for one in trained]
        return Newest(
            results=_said(whole, results, name, DONE), trained=after, fits=fits, learned=_learned(whole, rows)
        )
    if all(one.fit.baseline.name != name for one in fits.outcomes):
        return before
    problem = replace(fits.problem, train=np.sort(rows))
    outcomes = tuple(
        replace(one, fit=fitted_again(problem, [one.fit])[0]) if one.fit.baseline.name == name else one
        for one in fits.outcomes
    )
    return Newest(
        results=_said(whole, results, name, DONE),
        trained=trained,
        fits=replace(fits, outcomes=outcomes),
        learned=_learned(whole, rows),
    )


def _learned(whole: Round, rows: Rows) -> LearnedRows:
    return learned_rows(whole.store.arrays, rows, whole.prepared.split.validation, np.zeros(0, dtype=np.int64))


def _said(whole: Round, results: RunResults, name: str, words: str) -> RunResults:
    def told(entries: Sequence[CandidateResult]) -> list[CandidateResult]:
        return [replace(e, reason="; ".join(filter(None, (e.reason, words)))) if e.name == name else e for e in entries]

    return replace(
        results,
        candidates=told(results.candidates),
        baselines=told(results.baselines),
        seconds=time.perf_counter() - whole.terms.started,
    )
