"""The search of each family's settings, before the contest: generations of trials, halved rung by rung, each a job of the run folder.

Nothing in it depends on a clock but how many generations there are, and that is kept in the plan before it is acted upon. Test rows are
never looked at. What comes out competes as one more candidate, beside the family's default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from netpick.answers.metrics import METRICS
from netpick.contest.candidates import Candidate
from netpick.contest.executors.files import JobFile, write_rows
from netpick.contest.executors.here import train_networks
from netpick.contest.executors.jobs import Assignment
from netpick.contest.executors.processes import train_side_by_side
from netpick.contest.planning import Planned
from netpick.contest.prepare import silent
from netpick.contest.rows import Round
from netpick.contest.search.allotment import Asked, asked, wanted_of
from netpick.contest.search.halving import PARTS, RUNGS, cost, generations, promoted, rung_steps
from netpick.contest.search.journal import Journal, Line, plain_settings
from netpick.contest.search.propose import Known
from netpick.contest.training import MOST_REASON, job_file
from netpick.errors import Interrupted
from netpick.training.job import Trained
from netpick.training.plan import SearchPlan
from netpick.types import Event
from netpick.types.recipe import Recipe

TUNED = "{} tuned"  # the name of what a search makes of a candidate
LATE = 1.25  # times its share, which a search may take before it ends


@dataclass
class Trial:
    """A trial, as far as it has come."""

    number: int
    settings: dict[str, Any]
    candidate: Candidate | None  # None: there is no such network
    failed: str = ""
    scores: dict[int, float] = field(default_factory=dict)  # by rung, higher is better
    steps: int = 0
    seconds: float = 0.0
    best: Trained | None = None  # as of its last rung

    @property
    def known(self) -> Known:
        """For what proposes the next ones."""
        return Known(settings=self.settings, scores={} if self.failed else self.scores)


@dataclass(frozen=True, kw_only=True)
class Searched:
    """A search that is over."""

    asked: Asked
    plan: SearchPlan
    trials: Sequence[Trial]
    chosen: Trial | None  # None: all failed


def search_all(whole: Round, planned: Planned) -> tuple[Planned, list[Searched]]:
    """Searches the settings of every candidate whose plan says so; the plan with what was found, which then competes."""
    if not any(candidate.plan.search for candidate in planned.candidates):
        return replace(planned, shares=planned.shares.without_search()), []
    wanted = wanted_of(whole, planned.candidates)
    assert wanted is not None
    journal, done = Journal(whole.terms.keeper.folder), []
    share = planned.shares.search_seconds
    everyone = asked(whole, planned.candidates, wanted)
    for one in everyone:
        if planned.candidates[one.index].plan.search is not None:
            run = _Run(whole=whole, planned=planned, asked=one, journal=journal, seconds=share / len(everyone))
            searched = run.run()
            planned = run.planned
            done.append(searched)
    return _with_found(whole, planned, done), done


@dataclass
class _Run:
    """One family's search."""

    whole: Round
    planned: Planned
    asked: Asked
    journal: Journal
    seconds: float  # of its share
    trials: list[Trial] = field(default_factory=list)

    @property
    def plan(self) -> SearchPlan:
        plan = self.planned.candidates[self.asked.index].plan.search
        assert plan is not None
        return plan

    @property
    def name(self) -> str:
        return self.asked.candidate.plan.name

    def run(self) -> Searched:
        """Generation by generation."""
        for numbers in generations(self.plan.trials):
            if numbers.start >= self.plan.trials or self._late(numbers.start, len(numbers)):
                break
            known = [trial.known for trial in self.trials]
            proposals = self.asked.search.proposals(known, len(numbers))
            made = [self._trial(numbers.start + place, settings) for place, settings in enumerate(proposals)]
            self.trials += made
            self._generation([trial for trial in made if not trial.failed])
            if len(made) < len(numbers):
                break  # there are no other settings
        chosen = _chosen(self.trials)
        return Searched(asked=self.asked, plan=self.plan, trials=self.trials, chosen=chosen)

    def _late(self, made: int, count: int) -> bool:
        """Whether the time for another generation is gone; kept in the plan, so that a run that goes on or is repeated ends there too."""
        terms = self.whole.terms
        if made == 0 or terms.budget is None or terms.replay is not None:
            return False
        spent = sum(trial.seconds for trial in self.trials) / terms.workers
        next_one = spent * cost(count) / cost(made)
        if spent + next_one <= LATE * self.seconds or self.journal.line(self.name, made, 0) is not None:
            return False
        self._keep(replace(self.plan, trials=made))
        return True

    def _keep(self, search: SearchPlan) -> None:
        index, candidates = self.asked.index, list(self.planned.candidates)
        candidates[index] = replace(candidates[index], plan=replace(candidates[index].plan, search=search))
        plan = replace(self.planned.plan, candidates=[c.plan for c in candidates])
        self.whole.terms.keeper.keep_plan(plan)
        self.planned = replace(self.planned, plan=plan, candidates=tuple(candidates))

    def _trial(self, number: int, settings: dict[str, Any]) -> Trial:
        default, tunable = self.asked.candidate, self.asked.candidate.tunable
        assert tunable is not None
        changed = {name: value for name, value in settings.items() if tunable.presets[name] != value}
        try:
            candidate = tunable.varied(changed) if changed else default
        except (ValueError, RuntimeError) as error:  # no such network: a failed trial is a result
            trial = Trial(number=number, settings=settings, candidate=None, failed=_reason(error))
            self._write(trial, 0, 0)
            return trial
        plan = replace(
            candidate.plan,
            name=default.plan.name,
            steps=self.plan.steps,
            looks=PARTS,
            rows=default.plan.rows,
            search=None,
        )
        return Trial(number=number, settings=settings, candidate=replace(candidate, plan=plan))

    def _generation(self, going: list[Trial]) -> None:
        for rung, step in enumerate(rung_steps(self.plan.steps)):
            self._side_by_side(going, rung, step)
            for trial in going:
                self._train(trial, rung, step)
            on = promoted({trial.number: trial.scores[rung] for trial in going if not trial.failed})
            going = [trial for trial in going if trial.number in on and rung + 1 < len(RUNGS)]

    def _side_by_side(self, going: Sequence[Trial], rung: int, step: int) -> None:
        """In worker processes, which leave what they trained; those that ended before are taken up there, too."""
        terms, material = self.whole.terms, self.whole.material
        waiting = [trial for trial in going if self.journal.line(self.name, trial.number, rung) is None]
        if terms.workers == 1 or len(waiting) < 2:
            return
        name = f"{self.whole.key}rows"
        if not write_rows(terms.keeper.folder, name, self.whole.store, self.whole.prepared.learned_target, material):
            return
        jobs = [partial(self._job, trial, step, name) for trial in waiting]
        train_side_by_side(jobs, terms.workers, terms.keeper, silent)

    def _job(self, trial: Trial, step: int, rows: str) -> JobFile:
        assert trial.candidate is not None
        return job_file(self.whole, trial.candidate, self._assignment(trial, step), rows)

    def _assignment(self, trial: Trial, step: int) -> Assignment:
        assert trial.candidate is not None
        return Assignment(
            key=f"{self.whole.key}tune-{self.asked.index}-{trial.number}",
            plan=trial.candidate.plan,
            refit=False,
            trials=1,
            fixed=True,
            replayed=False,
            share=0.0,
            until=0.0,
            threads=[self.plan.threads],
            pause=step,
        )

    def _train(self, trial: Trial, rung: int, step: int) -> None:
        """Trains a trial up to a rung, or takes it up; its line is in the journal then."""
        terms = self.whole.terms
        assert trial.candidate is not None
        before = self.journal.line(self.name, trial.number, rung)
        if before is not None and before.failed:
            trial.failed = before.failed
            return
        try:
            done = train_networks(
                self._assignment(trial, step), self.whole.material, trial.candidate.build, terms.keeper, silent
            )
            trained = done.first
            score = _best_score(trained)
            sign = 1.0 if METRICS[self.whole.primary].better == "higher" else -1.0
            trial.scores[rung] = sign * score
            trial.best, trial.steps, trial.seconds = trained, trained.steps, trained.seconds
            self._write(trial, rung, step, score)
        except Interrupted:
            raise
        except Exception as error:  # a trial that diverged is a result
            trial.failed = _reason(error)
            self._write(trial, rung, step)

    def _write(self, trial: Trial, rung: int, step: int, score: float | None = None) -> None:
        line = Line(
            search=self.name,
            trial=trial.number,
            rung=rung,
            step=step,
            settings=plain_settings(trial.settings),
            score=score,
            failed=trial.failed,
        )
        if self.journal.line(self.name, trial.number, rung) is None:
            self.journal.add(line)
        made, label = f"{self.name}: trial {trial.number + 1} of {self.plan.trials}", METRICS[self.whole.primary].label
        what = trial.failed or f"{label} {score:.4f} at step {step:,} of {self.plan.steps:,}"
        settings = ", ".join(f"{name}={value}" for name, value in plain_settings(trial.settings).items())
        data = {"tuned": self.name, "trial": trial.number, "rung": rung, "score": score}
        self.whole.on_event(Event(stage="tune", text=f"{made}: {what} ({settings})", data=data))


def _best_score(trained: Trained) -> float:
    """On the validation rows, of the weights that are kept."""
    at = [point.validation_score for point in trained.history if point.step == trained.best_step]
    return float((at or [trained.history[-1].validation_score])[-1])


def _chosen(trials: Sequence[Trial]) -> Trial | None:
    """The best of those that went all the way; of equal ones the first, which is the default where it is one of them."""
    ended = [trial for trial in trials if not trial.failed and len(trial.scores) == len(RUNGS)]
    return max(ended, key=lambda trial: trial.scores[len(RUNGS) - 1], default=None)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:MOST_REASON]


def _with_found(whole: Round, planned: Planned, done: Sequence[Searched]) -> Planned:
    """The plan with one more candidate for each search that found other settings than the default's."""
    candidates, plan = list(planned.candidates), planned.plan
    known = {candidate.plan.tuned for candidate in candidates if candidate.plan.tuned}
    for searched in done:
        chosen, default = searched.chosen, candidates[searched.asked.index]
        if chosen is None or chosen.number == 0 or chosen.candidate is None or default.plan.name in known:
            continue
        candidates.append(_found(chosen.candidate, default))
    order = list(plan.order) + [place for place in range(len(candidates)) if place not in plan.order]
    plan = replace(plan, candidates=[c.plan for c in candidates], order=order)
    if len(candidates) > len(planned.candidates):
        whole.terms.keeper.keep_plan(plan)
    shares = replace(planned.shares.without_search(), networks=len(plan.tried))
    return replace(planned, plan=plan, candidates=tuple(candidates), shares=shares)


def _found(chosen: Candidate, default: Candidate) -> Candidate:
    """The chosen settings as a candidate: planned like the default, at the paces that were measured for it."""
    own: Recipe = chosen.plan.recipe
    plan = replace(
        default.plan,
        name=TUNED.format(default.plan.name),
        settings=chosen.plan.settings,
        recipe=own,
        parameters=chosen.plan.parameters,
        precision=chosen.plan.precision,
        search=None,
        tuned=default.plan.name,
    )
    return replace(chosen, plan=plan, smaller=None, tunable=None, passes=default.passes, fewest=default.fewest)
