"""How many trials a search has, and how long they are: the same number and the same seconds for every family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netpick.contest.candidates import Candidate
from netpick.contest.rows import Round
from netpick.contest.search.halving import PARTS, cost
from netpick.contest.search.propose import Search, load_optuna
from netpick.contest.search.wanted import FEWEST, MOST, Wanted, parse_tune
from netpick.contest.shares import Shares
from netpick.errors import RequestError
from netpick.models.networks.spaces import IN_A_GRID, Domain, space_of
from netpick.training.plan import Plan, SearchPlan, steps_of_pass

COUNTS = (64, 48, 32, 24, 16, 8)  # of trials that are tried where nobody says how many
LEAST_STEPS, LEAST_PASSES = 45, 1.0  # of a trial that goes all the way; fewer say nothing
GOOD_STEPS, GOOD_PASSES = 300, 8.0  # rather fewer trials than shorter ones
WITHOUT_CLOCK = 16  # trials where --steps says how long they are
BESIDE = 0.5  # of a process's work that another one beside it adds, as trials wait for the last of their rung


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A candidate whose settings are searched."""

    index: int
    candidate: Candidate
    search: Search


def wanted_of(this_round: Round, candidates: Sequence[Candidate]) -> Wanted | None:
    """What --tune asks for; None where it was not given. Raises RequestError for what cannot be, before anything is trained."""
    text = this_round.terms.options.tune
    if text is None:
        return None
    wanted = parse_tune(text, this_round.prepared.inputs)
    families = {c.plan.family for c in candidates}
    missing = [family for family in wanted.spaces if family not in families]
    if missing:
        raise RequestError(
            f"--tune names {missing[0]}, which does not compete here ({', '.join(sorted(families))} do). Add it to --models, or leave it out."
        )
    if this_round.prepared.folds:
        raise RequestError(
            "--tune chooses settings on validation rows that other folds test on. Leave --folds out, or leave --tune out."
        )
    if this_round.terms.options.trials > 1:
        raise RequestError("--tune searches learning rates, too: leave --trials out.")
    if wanted.method == "tpe":
        load_optuna()
    return wanted


def asked(this_round: Round, candidates: Sequence[Candidate], wanted: Wanted) -> list[Asked]:
    """The candidates that are searched, at the size that they have."""
    made = []
    for index, candidate in enumerate(candidates):
        named = wanted.of(candidate.plan.family)
        if candidate.tunable is None or candidate.encoding is not None or named is None:
            continue
        if candidate.plan.untried or candidate.plan.tuned:
            continue
        space = _space(candidate, named, grid=wanted.method == "grid")
        if not space:
            continue
        default = {name: candidate.tunable.presets[name] for name in space}
        seed = this_round.terms.options.seed
        search = Search(name=candidate.plan.name, method=wanted.method, space=space, default=default, seed=seed)
        made.append(Asked(index=index, candidate=candidate, search=search))
    return made


def _space(candidate: Candidate, named: Mapping[str, Domain], *, grid: bool) -> Mapping[str, Domain]:
    tunable = candidate.tunable
    assert tunable is not None
    if named:
        _refuse_elsewhere(candidate, named, tunable.known)
        return named
    space = space_of(tunable.presets, tunable.known, tunable.fixed)
    return {name: domain for name, domain in space.items() if name in IN_A_GRID} if grid else space


def _refuse_elsewhere(candidate: Candidate, named: Mapping[str, Domain], known: Mapping[str, Any]) -> None:
    """Raises RequestError for a setting that the family has for other data only, or that --models fixes."""
    assert candidate.tunable is not None
    for name in named:
        if name not in known:
            raise RequestError(f"--tune names '{name}', which {candidate.plan.family} does not have for these data.")
        if name in candidate.tunable.fixed:
            raise RequestError(
                f"--tune searches '{name}' of {candidate.plan.name}, which has a value already. Leave it out of one of the two."
            )


def allotted(this_round: Round, candidates: Sequence[Candidate], plan: Plan, shares: Shares) -> list[Candidate]:
    """The candidates with their searches; where the budget is too small for any, with a remark that says so.

    Raises RequestError where more trials were asked for than the budget can pay for.
    """
    wanted = wanted_of(this_round, candidates)
    everyone = list(candidates)
    if wanted is None or not (searched := asked(this_round, candidates, wanted)):
        return everyone
    pays = Pays(this_round=this_round, searched=searched, plan=plan, seconds=shares.search_seconds / len(searched))
    trials = wanted.trials
    if wanted.method == "grid":
        trials = max(one.search.points for one in searched)
    if pays.fixed is not None:
        trials = trials or WITHOUT_CLOCK
    elif trials is None:
        trials = pays.trials()
        if trials < FEWEST:
            return [_with_remark(c, trials) if c.plan.search is None else c for c in everyone]
    else:
        _refuse_too_many(trials, pays.most(), grid=wanted.method == "grid")
    for one in searched:
        count = min(trials, one.search.points) if wanted.method == "grid" else trials
        search = SearchPlan(trials=count, steps=pays.steps(one, trials), threads=pays.threads(one))
        everyone[one.index] = replace(one.candidate, plan=replace(one.candidate.plan, search=search))
    return everyone


@dataclass(frozen=True, kw_only=True)
class Pays:
    """What the seconds of each family pay for."""

    this_round: Round
    searched: Sequence[Asked]
    plan: Plan
    seconds: float

    @property
    def fixed(self) -> int | None:
        """Steps of a trial, where --steps says them."""
        return self.this_round.terms.options.steps

    def threads(self, one: Asked) -> int:
        """Of a trial: the fastest number of them, or a worker's part; with --steps always the same."""
        terms, paces = self.this_round.terms, one.candidate.plan.step_ms
        if self.fixed is not None or not paces:
            return terms.threads
        most = max(1, terms.threads // terms.workers)
        return min((threads for threads in paces if threads <= most), key=lambda t: paces[t], default=most)

    def steps(self, one: Asked, trials: int) -> int:
        """Of a trial that goes all the way, where there are so many trials."""
        if self.fixed is not None:
            return max(PARTS, self.fixed)
        plan = one.candidate.plan
        workers = self.this_round.terms.workers
        seconds = self.seconds * (1 + BESIDE * (min(workers, trials) - 1)) / cost(trials)
        pace = plan.step_ms.get(self.threads(one), min(plan.step_ms.values(), default=1e3)) / 1000
        return min(plan.most_steps, int((seconds - PARTS * plan.look_ms / 1000) / max(pace, 1e-6)))

    def most(self) -> int:
        """Trials that say something."""
        return self._most(range(MOST, 0, -1), LEAST_STEPS, LEAST_PASSES)

    def trials(self) -> int:
        """The number of them where nobody says one: many, but none of them short."""
        good = self._most(COUNTS, GOOD_STEPS, GOOD_PASSES)
        return good or min(FEWEST, self.most())

    def _most(self, counts: Sequence[int], steps: int, passes: float) -> int:
        def enough(one: Asked, trials: int) -> bool:
            plan = one.candidate.plan
            wanted = max(steps, passes * steps_of_pass(plan, self.plan))
            return self.steps(one, trials) >= min(wanted, plan.most_steps)

        return next((count for count in counts if all(enough(one, count) for one in self.searched)), 0)


def _refuse_too_many(trials: int, most: int, *, grid: bool) -> None:
    if trials <= most:
        return
    what = f"The grid has {trials:,} points" if grid else f"--tune {trials} was passed"
    instead = f", or --tune {most}" if most >= FEWEST else f" (fewer than {FEWEST} trials say little)"
    narrower = ", or a narrower grid" if grid else ""
    raise RequestError(
        f"{what}, but the budget pays for {most:,} trials of each family. Pass a longer --budget{instead}{narrower}."
    )


def _with_remark(candidate: Candidate, trials: int) -> Candidate:
    remark = (
        f"settings were not searched: the budget pays for {trials} trials of each family, and fewer than {FEWEST} say little (a longer "
        "--budget, or fewer --models)"
    )
    return replace(candidate, plan=replace(candidate.plan, remarks=(*candidate.plan.remarks, remark)))
