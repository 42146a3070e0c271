"""The baselines of a round: fitted on its training rows, and what they answer for its validation and test rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from netpick.columns.kinds.base import FEWEST_ROWS
from netpick.contest.making import draw_of_baseline, judged_by_parts
from netpick.contest.rows import Round
from netpick.models.baseline_fits import (
    BaselineFit,
    fit_baselines,
    fitted_again,
    keep_decisions,
    latency_ms,
    read_decisions,
)
from netpick.models.baselines import Problem
from netpick.models.baselines.answering import problem_answers
from netpick.models.baselines.forecast_anew import rolling_answers
from netpick.types.results import CandidateResult

ANEW = "fitted anew at {} origins of the test part"


@dataclass(frozen=True, kw_only=True)
class BaselineOutcome:
    """A fitted baseline, the task's state for it, and its result."""

    result: CandidateResult
    fit: BaselineFit
    state: Any


@dataclass(frozen=True, kw_only=True)
class Fits:
    """All baselines of a round, and the problem that they were fitted to."""

    problem: Problem
    outcomes: tuple[BaselineOutcome, ...]

    @property
    def results(self) -> list[CandidateResult]:
        return [outcome.result for outcome in self.outcomes]


def fit_all(this_round: Round) -> Fits:
    """Fits the baselines that apply; as was decided before, where the run goes on or is replayed."""
    terms, key = this_round.terms, this_round.key
    problem = _problem(this_round)
    kept = read_decisions(terms.keeper.folder) if terms.replay is None else terms.replay.baselines
    decided = {name.removeprefix(key): decision for name, decision in kept.items()}
    seconds = None if terms.budget is None else terms.budget / terms.rounds
    again = this_round.prepared.newest is not None  # the newest examples are worth most: fitted twice, as networks are
    if again and seconds is not None:
        seconds /= 2
    fits = fit_baselines(problem, seconds, decided, this_round.on_event, terms.clock.watched)
    keep_decisions(terms.keeper.folder, key, fits)
    everything = fits
    if this_round.prepared.folds or again:  # what is handed over learns from all rows, as networks do
        everything = fitted_again(replace(problem, train=np.sort(this_round.prepared.learnable)), fits)
    tested = everything if again else fits
    outcomes = [_outcome(this_round, problem, fit, last) for fit, last in zip(fits, tested, strict=True)]
    if this_round.prepared.folds:
        outcomes = [replace(outcome, fit=fit) for outcome, fit in zip(outcomes, everything, strict=True)]
    return Fits(problem=problem, outcomes=tuple(outcomes))


def _problem(this_round: Round) -> Problem:
    prepared = this_round.prepared
    return Problem(
        answer=prepared.task.answer,
        inputs=prepared.inputs,
        arrays=this_round.store.arrays,
        target=prepared.truth,
        num_classes=prepared.task.answer.num_outputs(prepared.state),
        train=prepared.split.train,
        seed=this_round.terms.options.seed,
        columns=prepared.columns,
        windows=prepared.history,
        numbers=prepared.numbers,
        asked=len(prepared.split.validation) + len(prepared.split.test),
        fewest=FEWEST_ROWS if this_round.terms.options.private else 1,
    )


def _outcome(this_round: Round, problem: Problem, fit: BaselineFit, last: BaselineFit) -> BaselineOutcome:
    """fit: on training rows; last: on those that were chosen on, too, where there is one more."""
    prepared, answer = this_round.prepared, this_round.prepared.task.answer

    budget, test_rows, fits = this_round.terms.budget, prepared.sealed.rows, 1
    if answer.made_up:
        validated, tested = judged_by_parts(draw_of_baseline(fit.baseline, fit.fitted), this_round)
    else:
        validated = problem_answers(fit.baseline, fit.fitted, problem, prepared.split.validation, prepared.state)
        tested, fits = rolling_answers(last.baseline, last.fitted, problem, test_rows, prepared.state, budget)
    state = this_round.prepared.calibrated(validated)
    latency = partial(latency_ms, fit, problem, int(prepared.split.train[0]))
    result = CandidateResult(
        name=fit.baseline.name,
        family="baseline",
        status="ok",
        reason="; ".join(filter(None, (fit.fitted.remark, ANEW.format(fits) if fits > 1 else ""))),
        reduced=not fit.fitted.decision.full,
        seconds=fit.seconds,
        bytes=fit.fitted.num_bytes,
        latency_ms=this_round.terms.keeper.latency(this_round.key + fit.baseline.name, latency),
        calibration=answer.calibration_words(state),
        validation_predictions=prepared.decoded(validated, prepared.split.validation, state),
        test_predictions=prepared.decoded(tested, test_rows, state),
    )
    return BaselineOutcome(result=result, fit=last, state=state)
