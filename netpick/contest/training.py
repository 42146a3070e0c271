"""The networks of a round: each is trained, perhaps twice, and answers for the validation and test rows. A failure is a result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from netpick.candidates import Candidate
from netpick.contest.jobs import course_of, job_of
from netpick.contest.planning import Planned
from netpick.contest.rows import Round
from netpick.errors import Interrupted, TrainingError
from netpick.infer import answers_of, latency_ms, predict_outputs
from netpick.plan import REFIT_SHARE, Plan, first_seconds
from netpick.prepare import silent
from netpick.train import Trained, train
from netpick.types import Array, CandidateResult, Event, Rows

MOST_REASON = 500  # characters of a failure's reason


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one candidate: its result, and where it finished its network and the task's state for it."""

    result: CandidateResult
    network: nn.Module | None = None
    state: Any = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """One candidate's training in a round: which one, by which plan, and until when."""

    this_round: Round
    plan: Plan
    candidate: Candidate
    key: str  # of the training within the run
    share: float  # seconds
    until: float  # of the run's clock
    started: float = field(default_factory=time.perf_counter)


def train_all(this_round: Round, planned: Planned) -> list[Outcome]:
    """Every candidate in the order of the plan; what became of them in the order of the candidates."""
    order = planned.plan.order
    outcomes: dict[int, Outcome] = {}
    for place, index in enumerate(order):
        candidate = planned.candidates[index]
        share = planned.shares.each(this_round, len(order) - place, candidate.plan.predict_ms / 1000)
        training = Training(
            this_round=this_round,
            plan=planned.plan,
            candidate=candidate,
            key=f"{this_round.key}{index}",
            share=share,
            until=this_round.terms.clock.seconds() + share,
        )
        outcomes[index] = _outcome(training)
    return [outcomes[index] for index in range(len(order))]


def networks_of(outcomes: Sequence[Outcome]) -> dict[str, nn.Module]:
    """The networks that finished, by name."""
    return {outcome.result.name: outcome.network for outcome in outcomes if outcome.network is not None}


def state_of(outcomes: Sequence[Outcome], name: str) -> Any:
    """The task's state for a network that finished."""
    return next(outcome.state for outcome in outcomes if outcome.result.name == name)


def _outcome(training: Training) -> Outcome:
    plan = training.candidate.plan
    name, on_event = plan.name, training.this_round.on_event
    steps = f"{plan.steps:,} steps"
    unbounded = training.this_round.terms.budget is None
    on_event(
        Event(
            stage="train",
            text=f"{name}: {steps}" if unbounded else f"{name}: {max(0.0, training.share):.0f} s, some {steps}",
            data={"candidate": name, "step": 0, "steps": plan.steps},
        )
    )
    try:
        return _trained(training)
    except Interrupted:
        raise
    except Exception as error:  # a failed candidate is a result: it is shown with its reason
        reason = str(error).strip().splitlines()
        on_event(Event(stage="train", text=f"{name} failed: {error}", data={"candidate": name, "failed": True}))
        failed = replace(
            _empty(training.candidate),
            reason=f"{type(error).__name__}: {reason[0] if reason else 'no message'}"[:MOST_REASON],
            seconds=time.perf_counter() - training.started,
        )
        return Outcome(result=failed)


def _empty(candidate: Candidate) -> CandidateResult:
    plan = candidate.plan
    return CandidateResult(name=plan.name, family=plan.family, status="failed", parameters=plan.parameters)


def _trained(training: Training) -> Outcome:
    """Trains the network, makes its probabilities hold on the validation rows, and asks it about the test rows."""
    this_round = training.this_round
    terms, prepared, rows = this_round.terms, this_round.prepared, this_round.rows
    candidate = _with_best_rate(training)
    plan = candidate.plan
    course = course_of(terms, training.key, plan, first_seconds(training.share, training.plan), plan.most_steps)
    trained = terms.keeper.trained(
        training.key, replace(job_of(this_round, candidate), course=course), this_round.on_event
    )
    torch.set_num_threads(terms.threads if course is None else course.threads)  # beside a busy program, one
    answered = _answers(this_round, trained.network, prepared.split.validation)
    state = rows.calibrated(answered)
    network, steps, remarks = trained.network, trained.steps, [*plan.remarks, *trained.remarks]
    if training.plan.refit and rows.trained_twice:
        again, remark = _refit(training, candidate, trained)
        network, steps, remarks = again.network, again.steps, [*remarks, remark]
    tested = _answers(this_round, network, prepared.sealed.rows)
    latency = partial(latency_ms, network, this_round.data, int(prepared.split.train[0]))
    result = replace(
        _empty(candidate),
        status="ok",
        reason="; ".join(remarks),
        history=trained.history,
        half_time=trained.half_time,
        seconds=time.perf_counter() - training.started,
        steps=steps,
        calibration=prepared.task.answer.calibration_words(state),
        validation_predictions=prepared.task.answer.decode(answered, state),
        test_predictions=prepared.task.answer.decode(tested, state),
        bytes=sum(t.numel() * t.element_size() for t in network.state_dict().values()),
        latency_ms=terms.keeper.latency(this_round.key + plan.name, latency),
    )
    return Outcome(result=result, network=network, state=state)


def _with_best_rate(training: Training) -> Candidate:
    """The same number of short trials for every candidate: a third, once and three times its learning rate, ..."""
    candidate, trials = training.candidate, training.plan.learning_rate_trials
    if trials <= 1:
        return candidate
    base = candidate.plan.recipe.learning_rate
    tried = []
    for factor in [3.0 ** (i - (trials - 1) / 2) for i in range(trials)]:
        recipe = replace(candidate.plan.recipe, learning_rate=base * factor)
        short = replace(candidate.plan, recipe=recipe, steps=max(5, candidate.plan.steps // 10), looks=1)
        try:
            job = job_of(training.this_round, replace(candidate, plan=short))
            loss = train(job, silent).history[-1].validation_loss
        except TrainingError:  # diverged: this rate is out
            loss = float("inf")
        tried.append((loss, recipe))
    best = min(tried, key=lambda pair: pair[0])[1]
    return replace(candidate, plan=replace(candidate.plan, recipe=best))


def _refit(training: Training, candidate: Candidate, trained: Trained) -> tuple[Trained, str]:
    """Small data: once more, with the validation rows, for as many epochs as were best; and what is to be said of it.

    A second training that its share does not afford never replaces the first.
    """
    this_round, plan, key = training.this_round, candidate.plan, f"{training.key}-again"
    terms = this_round.terms
    rows = np.sort(this_round.rows.learnable)
    growth = len(rows) / len(this_round.prepared.split.train)
    steps = max(1, round(max(trained.best_step, 0.5 * trained.steps) * growth))
    if terms.options.steps is not None:
        steps = min(steps, plan.steps)
    course = course_of(terms, key, plan, training.until - terms.clock.seconds(), steps, scored=False)
    given_up = "not trained again on the validation rows: the time for it ran out"
    if course is not None and course.steps < REFIT_SHARE * steps:
        return trained, given_up
    job = job_of(this_round, replace(candidate, plan=replace(plan, steps=steps, looks=1)))
    again = terms.keeper.trained(key, replace(job, train=rows, select=False, course=course), silent)
    if again.steps < REFIT_SHARE * steps:
        return trained, given_up
    return again, f"trained again on training and validation rows for {again.steps:,} steps"


def _answers(this_round: Round, network: nn.Module, rows: Rows) -> Array:
    answers = answers_of(this_round.prepared.task.answer.answer, predict_outputs(network, this_round.data, rows))
    return answers.cpu().numpy()
