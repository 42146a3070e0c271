"""The networks of a round: each is trained, perhaps twice, and answers for the validation and test rows. A failure is a result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.columns.own_encoding import OwnEncoding
from netpick.contest.candidates import Candidate
from netpick.contest.executors.files import JobFile, state_json, write_rows
from netpick.contest.executors.here import train_networks, train_on
from netpick.contest.executors.jobs import Assignment
from netpick.contest.executors.processes import train_side_by_side
from netpick.contest.making import draw_of_network, judged_by_parts
from netpick.contest.planning import Planned
from netpick.contest.rows import Round
from netpick.errors import Interrupted
from netpick.models.infer import latency_ms, predict_answers
from netpick.models.summary import ROWS, layers_of
from netpick.types import Array, Event, Rows
from netpick.types.results import CandidateResult

LEAST_LEFT = 0.6  # of the seconds that its first trainings took, for one more of the recommended network
MOST_GROWTH = 1.5  # of the steps of the training before that a last training makes
MOST_REASON = 500  # characters of a failure's reason


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one candidate: its result, and where it finished its network and the task's state for it."""

    result: CandidateResult
    network: nn.Module | None = None
    state: Any = None
    before: int = 0  # of its steps, made by the run that is continued
    encoding: OwnEncoding | None = None  # that it reads the rows by; None: as all do


def train_all(this_round: Round, planned: Planned) -> list[Outcome]:
    """Every candidate in the order of the plan; what became of them in the order of the candidates."""
    assigned = _side_by_side(this_round, planned) if this_round.terms.workers > 1 else {}
    outcomes = {i: Outcome(result=_untried(c)) for i, c in enumerate(planned.candidates) if c.plan.untried}
    for place, index in enumerate(planned.plan.tried):
        assignment = assigned.get(index) or _assigned(this_round, planned, place)
        outcomes[index] = _outcome(this_round, planned.candidates[index], assignment)
    return [outcomes[index] for index in range(len(planned.candidates))]


def _side_by_side(this_round: Round, planned: Planned) -> dict[int, Assignment]:
    """Trains in worker processes, which leave what they trained in the run folder; all but networks of the user's own code."""
    terms = this_round.terms
    encodings = {c.encoding.name if c.encoding else "": c.encoding for c in planned.candidates if not c.plan.untried}
    views = {name: this_round.read_by(encoding) for name, encoding in encodings.items()}
    names = {name: "-".join(filter(None, (f"{this_round.key}rows", name.replace("_", "-")))) for name in views}
    for name, view in views.items():
        learned = view.prepared.learned_target
        if not write_rows(terms.keeper.folder, names[name], view.store, learned, view.material):
            this_round.on_event(
                Event(stage="train", text="the data are too large for worker processes: trained in this one")
            )
            return {}
    turns = [(place, i) for place, i in enumerate(planned.plan.tried) if not planned.candidates[i].plan.module]

    def job(place: int) -> JobFile:
        candidate = planned.candidates[planned.plan.tried[place]]
        name = candidate.encoding.name if candidate.encoding else ""
        return job_file(views[name], candidate, _assigned(this_round, planned, place), names[name])

    jobs = [partial(job, place) for place, _ in turns]
    done = train_side_by_side(jobs, terms.workers, terms.keeper, this_round.on_event)
    return {index: made.assignment for (_, index), made in zip(turns, done, strict=True)}


def job_file(view: Round, candidate: Candidate, assignment: Assignment, rows: str) -> JobFile:
    """The assignment with all that another process needs to carry it out. rows: the name of the file that holds what it learns from."""
    terms, material = view.terms, view.material
    return JobFile(
        assignment=assignment,
        rows=rows,
        task=material.task.name,
        state=state_json(material.task.name, material.state),
        inputs=view.prepared.inputs,
        weights=None if candidate.weights is None else str(candidate.weights),
        num_outputs=material.task.answer.num_outputs(material.state),
        device=terms.device,
        cores=terms.threads,
        primary=material.primary,
        num_scores=material.num_scores,
        used=terms.clock.seconds(),
        earlier=None if terms.options.earlier is None else terms.options.earlier.run,
    )


def growth(newest: int, learned: int) -> float:
    """How many times the steps of a training one more takes, from so many windows instead of those that were learned from.

    Many windows are the new series of a panel, or overlap with those that were known: they need no steps of their own.
    """
    return min(newest / learned, MOST_GROWTH)


def train_to_the_newest(this_round: Round, planned: Planned, outcome: Outcome, rows: Rows) -> nn.Module | None:
    """This network once more, on these rows; None where what is left of the budget does not afford it."""
    terms, plan, result = this_round.terms, planned.plan, outcome.result
    index = next(i for i, candidate in enumerate(planned.candidates) if candidate.plan.name == result.name)
    refit = plan.refit and this_round.prepared.trained_twice
    learned = len(this_round.material.learnable if refit else this_round.material.train)
    steps = max(1, round((result.steps - outcome.before) * growth(len(rows), learned)))
    fixed = terms.options.steps is not None
    left = 0.0 if fixed else max(planned.shares.left(this_round), LEAST_LEFT * result.seconds)
    assignment = replace(
        _assigned(this_round, planned, plan.order.index(index)),
        key=f"{this_round.key}{index}-newest",
        share=left,
        until=terms.clock.seconds() + left,
    )
    candidate = planned.candidates[index]
    much = (np.sort(rows), min(steps, result.steps) if fixed else steps)
    done = train_on(assignment, this_round.material, candidate.build, terms.keeper, much)
    return None if done is None else done.network


def networks_of(outcomes: Sequence[Outcome]) -> dict[str, nn.Module]:
    """The networks that finished, by name."""
    return {outcome.result.name: outcome.network for outcome in outcomes if outcome.network is not None}


def state_of(outcomes: Sequence[Outcome], name: str) -> Any:
    """The task's state for a network that finished."""
    return next(outcome.state for outcome in outcomes if outcome.result.name == name)


def encoding_of(outcomes: Sequence[Outcome], name: str) -> OwnEncoding | None:
    """What a network reads the rows by, where that is its own."""
    return next(outcome.encoding for outcome in outcomes if outcome.result.name == name)


def _assigned(this_round: Round, planned: Planned, place: int) -> Assignment:
    """What the candidate whose turn it is has to do, said to whoever listens."""
    terms, index = this_round.terms, planned.plan.tried[place]
    plan = planned.candidates[index].plan
    share = planned.shares.each(this_round, len(planned.plan.tried) - place, plan.predict_ms / 1000)
    steps = f"{plan.steps:,} steps"
    text = f"{plan.name}: {steps}" if terms.budget is None else f"{plan.name}: {max(0.0, share):.0f} s, some {steps}"
    data = {"candidate": plan.name, "step": 0, "steps": plan.steps}
    this_round.on_event(Event(stage="train", text=text, data=data))
    return Assignment(
        key=f"{this_round.key}{index}",
        plan=plan,
        refit=planned.plan.refit and this_round.prepared.trained_twice,
        trials=planned.plan.learning_rate_trials,
        fixed=terms.options.steps is not None,
        replayed=terms.options.plan is not None,
        share=share,
        until=terms.clock.seconds() + share,
        threads=terms.thread_choices,
    )


def _outcome(this_round: Round, candidate: Candidate, assignment: Assignment) -> Outcome:
    name, started = candidate.plan.name, time.perf_counter()
    try:
        return _trained(this_round.read_by(candidate.encoding), candidate, assignment, started)
    except Interrupted:
        raise
    except Exception as error:  # a failed candidate is a result: it is shown with its reason
        reason = str(error).strip().splitlines()
        data = {"candidate": name, "failed": True}
        this_round.on_event(Event(stage="train", text=f"{name} failed: {error}", data=data))
        failed = replace(
            _empty(candidate),
            reason=f"{type(error).__name__}: {reason[0] if reason else 'no message'}"[:MOST_REASON],
            seconds=time.perf_counter() - started,
        )
        return Outcome(result=failed)


def _untried(candidate: Candidate) -> CandidateResult:
    return replace(_empty(candidate), status="untried", reason=candidate.plan.untried, ranked=False)


def _empty(candidate: Candidate) -> CandidateResult:
    plan = candidate.plan
    return CandidateResult(name=plan.name, family=plan.family, status="failed", parameters=plan.parameters)


def _trained(this_round: Round, candidate: Candidate, assignment: Assignment, started: float) -> Outcome:
    """Trains the network, makes its probabilities hold on the validation rows, and asks it about the test rows."""
    terms, prepared = this_round.terms, this_round.prepared
    done = train_networks(assignment, this_round.material, candidate.build, terms.keeper, this_round.on_event)
    torch.set_num_threads(done.threads or terms.threads)  # beside a busy program, one
    network = done.last.network
    answer = prepared.task.answer
    if answer.made_up:
        answered, tested = judged_by_parts(draw_of_network(network), this_round)
    else:
        answered = _answers(this_round, done.first.network, prepared.split.validation)
        tested = _answers(this_round, network, prepared.sealed.rows)
    state = this_round.prepared.calibrated(answered)
    latency = partial(latency_ms, network, this_round.data, int(prepared.split.train[0]))
    before = f"trained further from step {done.first.before:,}" if done.first.before else ""
    remarks = (*candidate.plan.remarks, before, *done.first.remarks, done.remark)
    result = replace(
        _empty(candidate),
        status="ok",
        reason="; ".join(filter(None, remarks)),
        history=done.first.history,
        half_time=None if answer.made_up else done.first.half_time,  # losses there, and another score here
        seconds=max(done.seconds, time.perf_counter() - started),  # of what was taken up, too
        steps=done.last.steps,
        calibration=answer.calibration_words(state),
        validation_predictions=prepared.decoded(answered, prepared.split.validation, state),
        test_predictions=prepared.decoded(tested, prepared.sealed.rows, state),
        bytes=sum(t.numel() * t.element_size() for t in network.state_dict().values()),
        layers=layers_of(network, *_some_rows(this_round)),
        latency_ms=terms.keeper.latency(this_round.key + candidate.plan.name, latency),
    )
    return Outcome(result=result, network=network, state=state, before=done.last.before, encoding=candidate.encoding)


def _some_rows(this_round: Round) -> tuple[dict[str, Tensor], int]:
    """A batch of the first rows that are learned from, and how many they are."""
    rows = torch.from_numpy(this_round.prepared.split.train[:ROWS])
    return this_round.data.batch(rows.to(this_round.data.place)), len(rows)


def _answers(this_round: Round, network: nn.Module, rows: Rows) -> Array:
    return predict_answers(network, this_round.data, rows, this_round.prepared.task.answer)
