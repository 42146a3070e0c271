"""The plan: what will be trained, how, and within which time; made before the first step, saved, and replayed.

Everything is derived from the data's size and one budget. A short timed probe (train.py) tells whether a size of a network
fits into its share; how many steps there are is decided by the clock during training (course.py), unless --steps fixes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from netpick.errors import RequestError
from netpick.training.course import EVALUATION_SHARE, MOST_EVALUATIONS, Share
from netpick.training.words import require_known
from netpick.types.recipe import Recipe

REFIT_ROWS = 2_500  # training rows up to which the chosen setting is trained again with the validation rows added
REFIT_EPOCHS = 30  # that every candidate must be able to afford twice
FEWEST_STEPS = 20
LEAST_SHARE = 0.35  # of the budget, that training takes in any case, beyond it where reading has used it up
FEWEST_SAMPLED = 1_000  # rows, where a sample is all that can be learned from three times
HOPELESS, LEAST_HOPELESS = (
    20.0,
    0.3,
)  # times the seconds that a step may take, and seconds: a first step that is slower ends a probe
PROBE_SLACK = 1.3  # times the passes that are wanted: training is slower than a probe by what is scored in between
FEWEST_REPEATED = 200  # steps of such a training; fewer learn more from rows that they have not seen yet
REFIT_SHARE = 0.7  # of the steps that the second training should have; with fewer it is given up


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """How the settings of a network are searched."""

    trials: int  # with the default; fewer once the time for more ran out
    steps: int  # of a trial that goes all the way
    threads: int


@dataclass(frozen=True, kw_only=True)
class CandidatePlan:
    """How one network is built and trained."""

    name: str
    family: str
    settings: Mapping[str, Any]  # the architecture's, as JSON
    recipe: Recipe
    seed: int
    steps: int = 0  # as probed; the clock decides, unless --steps does
    looks: int = 10  # times that the validation rows are scored, with --steps
    most_steps: int = 0  # more do not repay themselves
    rows: int = 0  # a sample of the training rows, so that three passes fit; 0: all
    step_ms: Mapping[int, float] = field(default_factory=dict)  # by number of threads, as probed
    look_ms: float = 0.0  # of scoring the validation rows, as probed
    predict_ms: float = 0.0  # for all validation and test rows, as probed
    parameters: int = 0
    precision: str = "float32"
    module: bool = False  # a network from the user's own code
    untried: str = ""  # why it is not trained: the time is too short to judge it, too
    search: SearchPlan | None = None  # of better settings, before it is trained
    tuned: str = ""  # the candidate whose settings were searched, of what came out
    remarks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole run's plan."""

    seed: int
    device: str
    threads: int
    budget_seconds: float | None
    baseline_seconds: float
    rows: Mapping[str, int]
    refit: bool  # small data: train again on training + validation rows with the steps that were best
    learning_rate_trials: int
    candidates: Sequence[CandidatePlan]
    order: Sequence[int] = ()  # in which they are trained: what needs little time first, the rest share what is left
    used_seconds: float = 0.0  # of the budget, when the plan was made

    @property
    def tried(self) -> Sequence[int]:
        """The candidates that are trained, in that order."""
        return [index for index in self.order if not self.candidates[index].untried]

    def to_json(self) -> dict[str, Any]:
        """Plain data for plan.json."""
        recipes = [TypeAdapter(Recipe).dump_python(c.recipe, mode="json") for c in self.candidates]
        data = asdict(replace(self, candidates=[replace(c, recipe=None) for c in self.candidates]))  # type: ignore[arg-type]
        for candidate, recipe in zip(data["candidates"], recipes, strict=True):
            candidate["recipe"] = recipe
            candidate["settings"] = dict(candidate["settings"])
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote. Raises RequestError when it is damaged."""
        try:
            plan = TypeAdapter(cls).validate_json(json.dumps(dict(data)))
            _require_possible(plan)
            return plan
        except ValueError as error:
            if not isinstance(error, ValidationError):
                raise RequestError(f"The plan is damaged ({error}). Start the run anew.") from None
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"The plan is damaged ({where}: {first['msg']}). Start the run anew.") from None


MOST_THREADS, MOST_STEPS, MOST_SECONDS = 4_096, 10**9, 1e9  # that a plan can have; more is damage, or harm
EVALUATIONS_AT_MOST = 10**6


def _require_possible(plan: Plan) -> None:
    """Raises ValueError for numbers that no plan has, and for candidates that are there twice or trained never."""
    seconds = (plan.budget_seconds or 0.0, plan.baseline_seconds, plan.used_seconds)
    if not 1 <= plan.threads <= MOST_THREADS or not all(0 <= value <= MOST_SECONDS for value in seconds):
        raise ValueError("its threads or seconds are impossible")
    if not all(0 <= count <= MOST_STEPS for count in (*plan.rows.values(), plan.learning_rate_trials)):
        raise ValueError("its rows or trials are impossible")
    if len({c.name for c in plan.candidates}) != len(plan.candidates):
        raise ValueError("a candidate is there twice")
    if sorted(plan.order) != list(range(len(plan.candidates))):
        raise ValueError("its order leaves candidates out, or has them twice")
    if all(c.untried for c in plan.candidates):
        raise ValueError("it trains nobody")
    for c in plan.candidates:
        counts = (c.steps, c.most_steps, c.rows, c.recipe.batch_size, c.recipe.epochs)
        if not all(0 <= count <= MOST_STEPS for count in counts) or not 0 <= c.looks <= EVALUATIONS_AT_MOST:
            raise ValueError(f"the steps, rows or evaluations of '{c.name[:60]}' are impossible")
        if c.search is not None and not (
            0 <= c.search.trials <= MOST_STEPS
            and 1 <= c.search.steps <= MOST_STEPS
            and 1 <= c.search.threads <= MOST_THREADS
        ):
            raise ValueError(f"the search of '{c.name[:60]}' is impossible")
        paces = (*c.step_ms.values(), c.look_ms, c.predict_ms)
        if not all(0 <= pace <= 1_000 * MOST_SECONDS for pace in paces):
            raise ValueError(f"the paces of '{c.name[:60]}' are impossible")
        require_known({"optimizer": c.recipe.optimizer, "augment": c.recipe.augment}, c.name[:60])
        if not all(1 <= threads <= MOST_THREADS for threads in c.step_ms):
            raise ValueError(f"the threads of '{c.name[:60]}' are impossible")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the timed probe saw of one candidate."""

    step_seconds: Mapping[int, float]  # by number of threads
    evaluation_seconds: float  # scoring all validation rows once
    predict_seconds: float  # predicting validation and test rows once, at the end

    @property
    def pace(self) -> float:
        """Seconds a step, at the best number of threads."""
        return max(1e-6, min(self.step_seconds.values()))


def planned(candidate: CandidatePlan, probe: Probe, seconds: float, plan: Plan) -> CandidatePlan:
    """The candidate with the steps that a share of the clock affords, as far as a probe can tell, and what they repay."""
    per_pass = steps_of_pass(candidate, plan)
    most = (candidate.recipe.epochs or max(100, -(-3_000 // per_pass))) * per_pass
    affordable = (
        first_seconds(seconds, refit=plan.refit, trials=plan.learning_rate_trials) * (1 - EVALUATION_SHARE) / probe.pace
    )
    return replace(
        candidate,
        steps=int(max(FEWEST_STEPS, min(affordable, most))),
        most_steps=max(FEWEST_STEPS, most),
        step_ms={threads: 1000 * pace for threads, pace in probe.step_seconds.items()},
        look_ms=1000 * probe.evaluation_seconds,
        predict_ms=1000 * probe.predict_seconds,
    )


def first_seconds(seconds: float, *, refit: bool, trials: int) -> float:
    """Of a share, for the first training: the second one has as many, and trials of the learning rate a tenth each."""
    usable = max(seconds, 0.0) * (0.5 if refit else 1.0)
    return usable / (1 + 0.1 * (trials if trials > 1 else 0))


def share_of(
    candidate: CandidatePlan, seconds: float, most_steps: int, *, threads: Sequence[int] = (), scored: bool = True
) -> Share:
    """A training's share of the clock, for its course.

    threads: further numbers of them to try; scored: the validation rows are looked at.
    """
    return Share(
        seconds=max(seconds, 0.0),
        most_steps=max(1, most_steps),
        step_seconds={threads: ms / 1000 for threads, ms in candidate.step_ms.items()},
        evaluation_seconds=candidate.look_ms / 1000 if scored else 0.0,
        threads=threads,
        branch=scored and candidate.recipe.schedule in ("onecycle", "cosine"),
    )


def needed_seconds(candidate: CandidatePlan, plan: Plan) -> float:
    """What a candidate can use: its most steps at the probed pace."""
    pace = min(candidate.step_ms.values(), default=0.0) / 1000
    trainings = candidate.most_steps * pace * (2 if plan.refit else 1)
    return trainings + (MOST_EVALUATIONS * candidate.look_ms + candidate.predict_ms) / 1000


def spent_words(plan: Plan, stages: Mapping[str, float], steps: Mapping[str, int]) -> str:
    """What is to be said of a budget that was passed or not used; nothing where it was kept.

    stages: seconds of each part of the run, in order; steps: made by each network that ended.
    """
    budget, used = plan.budget_seconds, sum(stages.values())
    if budget is None or 0.92 * budget <= used <= 1.02 * budget:
        return ""
    if used > budget:
        parts = ", ".join(
            f"{stage} took {seconds:.1f} s" for stage, seconds in stages.items() if seconds >= 0.05 * used
        )
        return f"{used:.1f} s of a budget of {budget:g} s: {parts}"
    whole = [c.name for c in plan.candidates if c.name in steps and steps[c.name] >= c.most_steps]
    if len(whole) == len(steps):
        return f"{used:.1f} s of a budget of {budget:g} s: every network made all the steps that repay themselves"
    return f"{used:.1f} s of a budget of {budget:g} s; {', '.join(whole) or 'no network'} made all the steps that repay themselves"


def passes_of(candidate: CandidatePlan, plan: Plan) -> float:
    """How often the planned steps visit each training row."""
    return candidate.steps / steps_of_pass(candidate, plan)


def steps_per_pass(plan: Plan, name: str) -> int:
    """Steps in which a candidate goes once through the training rows."""
    return next((steps_of_pass(c, plan) for c in plan.candidates if c.name == name), 1)


def steps_of_pass(candidate: CandidatePlan, plan: Plan) -> int:
    """In which a candidate goes once through the rows that it learns from."""
    rows = candidate.rows or plan.rows["train"]
    return max(1, rows // min(candidate.recipe.batch_size, rows))
