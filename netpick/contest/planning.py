"""The plan of a run: which networks, how large, in which order. Made from timed steps, or that of an earlier start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from netpick.contest.candidates import Candidate
from netpick.contest.executors.jobs import job_of
from netpick.contest.rows import Round
from netpick.contest.search.allotment import allotted
from netpick.contest.shares import Shares, ablation_seconds
from netpick.errors import RequestError
from netpick.models.baseline_fits import BASELINE_SHARE
from netpick.models.networks import by_promise, main_form
from netpick.models.networks.base import FEWEST_PASSES
from netpick.tasks.examples import DEFAULT_BUDGET
from netpick.training.plan import (
    FEWEST_REPEATED,
    FEWEST_SAMPLED,
    HOPELESS,
    LEAST_HOPELESS,
    PROBE_SLACK,
    REFIT_EPOCHS,
    REFIT_ROWS,
    CandidatePlan,
    Plan,
    Probe,
    needed_seconds,
    passes_of,
    planned,
    steps_of_pass,
)
from netpick.training.probe import probe

JUDGED_STEPS = 500  # behind which a network can be judged that has not gone through its rows three times
SAMPLE = "learned from a sample of"
PROBE_SHARE, MOST_PROBE_SECONDS = 0.005, 0.25  # of the budget, for timing one number of threads


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, the candidates at the sizes that it has, and how the rest of the budget is divided between them."""

    plan: Plan
    candidates: tuple[Candidate, ...]
    shares: Shares


def plan_round(this_round: Round, candidates: Sequence[Candidate], shares: Shares) -> Planned:
    """The plan of an earlier start, or that which is replayed, where there is one: a clock went into it."""
    terms = this_round.terms
    if terms.replay is not None:
        terms.keeper.repeat(terms.replay.plan, terms.replay.decisions)
    kept = terms.keeper.plan()
    if kept is None:
        before = terms.keeper.plan_before()
        if before is None:
            planned_anew = _searched(this_round, _new_plan(this_round, candidates, shares))
        else:
            planned_anew = _further_plan(this_round, candidates, shares, before)
        terms.keeper.keep_plan(planned_anew.plan)
        return planned_anew
    _refuse_others(candidates, kept)
    torch.set_num_threads(kept.threads)
    terms.clock.set(kept.used_seconds)
    return Planned(plan=kept, candidates=at_planned_sizes(candidates, kept), shares=shares)


def _searched(this_round: Round, made: Planned) -> Planned:
    """With how the settings of each family are searched, where that was asked for."""
    candidates = tuple(allotted(this_round, made.candidates, made.plan, made.shares))
    return replace(made, plan=replace(made.plan, candidates=[c.plan for c in candidates]), candidates=candidates)


def _refuse_others(candidates: Sequence[Candidate], plan: Plan) -> None:
    """Raises RequestError where the plan is that of other candidates."""
    given = [p for p in plan.candidates if not p.tuned]
    if [(c.plan.name, c.plan.family) for c in candidates] != [(p.name, p.family) for p in given]:
        raise RequestError(
            f"The plan has the candidates {', '.join(p.name for p in given)}, but the data and options give "
            f"{', '.join(c.plan.name for c in candidates)}. Start anew with `netpick fit`."
        )


def at_planned_sizes(candidates: Sequence[Candidate], plan: Plan) -> tuple[Candidate, ...]:
    """Each candidate as the plan has it. Raises RequestError where the plan is that of another contest."""
    given, tuned = ([p for p in plan.candidates if bool(p.tuned) == after] for after in (False, True))
    sized = [as_planned(c, p) for c, p in zip(candidates, given, strict=True)]
    by_name = {candidate.plan.name: candidate for candidate in sized}
    return (*sized, *(tuned_candidate(by_name[p.tuned], p) for p in tuned if p.tuned in by_name))


def tuned_candidate(default: Candidate, plan: CandidatePlan) -> Candidate:
    """What a search made of a candidate, as it is planned. Raises RequestError where this version does not offer its settings."""
    assert default.tunable is not None
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in plan.settings.items()}
    changed = {
        name: value
        for name, value in {**vars(plan.recipe), **settings}.items()
        if name in default.tunable.presets and default.tunable.presets[name] != value
    }
    return replace(default.tunable.varied(changed), plan=plan, smaller=None, tunable=None)


def as_planned(candidate: Candidate, plan: CandidatePlan) -> Candidate:
    """The candidate at the size that was planned. Raises RequestError where the plan is that of another contest."""
    sized = candidate
    while dict(sized.plan.settings) != dict(plan.settings) and sized.smaller is not None:
        sized = sized.smaller()
    if dict(sized.plan.settings) != dict(plan.settings) or sized.plan.family != plan.family:
        raise RequestError(
            f"The plan trains {plan.name} with settings that this version does not offer for these data. Start the run anew "
            "with `netpick fit`."
        )
    return replace(sized, plan=plan)


def _new_plan(this_round: Round, candidates: Sequence[Candidate], shares: Shares) -> Planned:
    terms, plan = this_round.terms, _blank_plan(this_round, candidates)
    if terms.options.steps is not None:
        fixed = tuple(_fixed(c, terms.options.steps) for c in candidates)
        return Planned(plan=replace(plan, candidates=[c.plan for c in fixed]), candidates=fixed, shares=shares)
    sized = _sized(this_round, plan, candidates, shares)
    plan = replace(sized.plan, candidates=[c.plan for c in sized.candidates], used_seconds=terms.clock.seconds())
    untried = [bool(c.plan.untried) for c in sized.candidates]
    order = sorted(range(len(candidates)), key=lambda i: (untried[i], needed_seconds(sized.candidates[i].plan, plan)))
    return replace(sized, plan=replace(plan, order=order))


def _fixed(candidate: Candidate, steps: int) -> Candidate:
    """With as many steps as were asked for, whatever the clock says."""
    return replace(candidate, plan=replace(candidate.plan, steps=steps, looks=min(10, steps)))


def _blank_plan(this_round: Round, candidates: Sequence[Candidate]) -> Plan:
    """The plan before anything was timed."""
    terms, split = this_round.terms, this_round.prepared.split
    budget = terms.budget if terms.budget is not None else DEFAULT_BUDGET
    return Plan(
        seed=terms.options.seed,
        device=terms.device,
        threads=torch.get_num_threads(),
        budget_seconds=terms.budget,
        baseline_seconds=BASELINE_SHARE * budget / terms.rounds,
        learning_rate_trials=terms.options.trials,
        rows={"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        refit=len(split.train) <= REFIT_ROWS and this_round.prepared.trained_twice,
        candidates=[c.plan for c in candidates],
        order=tuple(range(len(candidates))),
    )


def _further_plan(this_round: Round, candidates: Sequence[Candidate], shares: Shares, before: Plan) -> Planned:
    """The plan of a run that is continued, with another budget: the same networks at the same sizes; who was not tried then is not now."""
    terms = this_round.terms
    _refuse_others(candidates, before)
    plan = replace(_blank_plan(this_round, candidates), refit=before.refit)
    tried = [_all_rows(candidate) for candidate in at_planned_sizes(candidates, before)]
    shares = replace(shares, networks=len(before.tried))
    if terms.options.steps is not None:
        made = [_fixed(c, terms.options.steps) for c in tried]
    else:
        made = []
        for candidate in tried:
            probed = None if candidate.plan.untried else _probe(this_round, candidate, math.inf)
            sampled = _sampled(this_round, replace(plan, refit=False), candidate, probed, shares)
            made.append(_timed(sampled, probed, _share(this_round, shares, probed), plan))
    plan = replace(plan, candidates=[c.plan for c in made], order=before.order, used_seconds=terms.clock.seconds())
    return Planned(plan=plan, candidates=tuple(made), shares=shares)


def _all_rows(candidate: Candidate) -> Candidate:
    """Without the sample of rows that another budget could pay for."""
    remarks = [remark for remark in candidate.plan.remarks if not remark.startswith(SAMPLE)]
    return replace(candidate, plan=replace(candidate.plan, rows=0, remarks=remarks, search=None), smaller=None)


def _sized(this_round: Round, plan: Plan, candidates: Sequence[Candidate], shares: Shares) -> Planned:
    """Every candidate at the largest size that its share affords, by timed steps."""
    rows = len(this_round.prepared.split.validation) + len(this_round.prepared.split.test)
    probed, shares = _probed(this_round, replace(plan, refit=False), candidates, shares)
    shares = replace(
        shares, ablation_seconds=ablation_seconds(this_round, [p.predict_seconds / rows for _, p in probed if p])
    )

    def timed(plan: Plan) -> tuple[Candidate, ...]:
        return tuple(_timed(c, p, _share(this_round, shares, p), plan) for c, p in probed)

    timed_candidates = timed(plan)
    if plan.refit and any(
        passes_of(c.plan, plan) < min(REFIT_EPOCHS, c.plan.recipe.epochs or REFIT_EPOCHS)
        for c in timed_candidates
        if not c.plan.untried
    ):
        # Too dear to train twice: a longer first training is worth more than the validation rows are.
        plan = replace(plan, refit=False)
        timed_candidates = timed(plan)
    return Planned(plan=plan, candidates=timed_candidates, shares=shares)


def _probed(
    this_round: Round, plan: Plan, candidates: Sequence[Candidate], shares: Shares
) -> tuple[list[tuple[Candidate, Probe | None]], Shares]:
    """Every candidate at its size, timed. Of families that nobody chose only so many as the time that is left can judge, were all
    as dear as the most promising one: a network that is cut short tells nothing, and takes the time of one that would."""
    options = this_round.terms.options
    counted = options.models is not None or bool(options.layers or options.modules)
    made: dict[int, tuple[Candidate, Probe | None]] = {}
    for index in by_promise([c.plan.family for c in candidates], main_form(this_round.prepared.inputs)):
        if len(made) >= shares.networks:
            break
        candidate, probed = _size(this_round, plan, candidates[index], shares)
        if not counted and probed is not None:
            most = _judged_at_once(this_round, plan, candidate, probed, shares)
            shares, counted = replace(shares, networks=max(len(made) + 1, min(shares.networks, most))), True
        made[index] = _sampled(this_round, plan, candidate, probed, shares), probed
    why = f"the time that was left for training can judge {shares.networks} of {len(candidates)} networks"
    untried = [(replace(c, plan=replace(c.plan, untried=why)), None) for c in candidates]
    return [made.get(index, untried[index]) for index in range(len(candidates))], shares


def _judged_at_once(this_round: Round, plan: Plan, candidate: Candidate, found: Probe, shares: Shares) -> int:
    """How many networks as dear as this one the time that is left can judge: three passes each, or some hundred steps."""
    steps = min(JUDGED_STEPS, FEWEST_PASSES * steps_of_pass(candidate.plan, plan))
    trainings = this_round.left * (steps * found.pace + found.predict_seconds)
    return int(shares.left(this_round) * this_round.terms.workers / trainings)


def _share(this_round: Round, shares: Shares, found: Probe | None) -> float:
    return shares.each(this_round, shares.networks, 0.0 if found is None else found.predict_seconds)


def _size(this_round: Round, plan: Plan, candidate: Candidate, shares: Shares) -> tuple[Candidate, Probe | None]:
    """The first size whose passes its share affords, or the smallest."""
    name = candidate.plan.name
    while True:
        capped = candidate.plan.recipe.epochs
        wanted = PROBE_SLACK * min(candidate.passes, capped or candidate.passes)
        step_seconds = shares.each(this_round, shares.networks) / (wanted * steps_of_pass(candidate.plan, plan))
        hopeless = max(LEAST_HOPELESS, HOPELESS * step_seconds)
        probed = _probe(this_round, candidate, math.inf if candidate.smaller is None else hopeless)
        if probed is None:  # training it will fail the same way, and is reported there
            return candidate, None
        passes = passes_of(_timed(candidate, probed, _share(this_round, shares, probed), plan).plan, plan)
        if passes >= wanted or candidate.smaller is None:
            return candidate, probed
        candidate = candidate.smaller()
        candidate = replace(candidate, plan=replace(candidate.plan, name=name))


def _sampled(this_round: Round, plan: Plan, candidate: Candidate, found: Probe | None, shares: Shares) -> Candidate:
    """Of the smallest size a sample of the rows, where its share is too short for three passes over all of them, or for as few as such a
    network can be judged by."""
    if found is None or candidate.smaller is not None:
        return candidate
    timed = _timed(candidate, found, _share(this_round, shares, found), plan).plan
    total, passes, enough = (
        plan.rows["train"],
        passes_of(timed, plan),
        PROBE_SLACK * min(FEWEST_PASSES, candidate.fewest),
    )
    sampled = passes < enough and timed.steps < timed.most_steps
    if sampled and total > FEWEST_SAMPLED and timed.steps >= FEWEST_REPEATED:
        sample = max(FEWEST_SAMPLED, int(total * passes / enough))
        remarks = (*candidate.plan.remarks, f"{SAMPLE} {sample:,} of {total:,} rows")
        return replace(candidate, plan=replace(candidate.plan, rows=sample, remarks=remarks))
    return candidate


def _probe(this_round: Round, candidate: Candidate, hopeless: float) -> Probe | None:
    terms, split = this_round.terms, this_round.prepared.split
    seconds = min(MOST_PROBE_SECONDS, PROBE_SHARE * (terms.budget or DEFAULT_BUDGET))
    try:
        job = job_of(this_round.read_by(candidate.encoding).material, candidate.plan, candidate.build)
        return probe(job, len(split.validation) + len(split.test), seconds, terms.thread_choices, hopeless)
    except Exception:  # training it will fail the same way, and is reported there
        return None


def _timed(candidate: Candidate, probed: Probe | None, seconds: float, plan: Plan) -> Candidate:
    """The candidate with what its probe saw; one that failed it gets a single step, in which it fails again and says why."""
    if candidate.plan.untried:
        return candidate
    timed_plan = replace(candidate.plan, steps=1) if probed is None else planned(candidate.plan, probed, seconds, plan)
    return replace(candidate, plan=timed_plan)
