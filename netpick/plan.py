"""The plan: what will be trained, how, and for how many steps; made before the first step, printed, saved, overridable.

Everything is derived from the data's size and one budget. `draft` sets the recipes; a short timed probe (train.py) tells
seconds per step; `fix_steps` turns the budget's seconds into steps. With --steps there is no probe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from netpick.errors import RequestError
from netpick.recipe import Recipe

BASELINE_SHARE = 0.1  # of the budget
REFIT_ROWS = 2_500  # training rows up to which the chosen setting is trained again with the validation rows added
REFIT_EPOCHS = 30  # that every candidate must be able to afford twice
LEAST_STEPS = 20
MOST_LOOKS = 20


@dataclass(frozen=True, kw_only=True)
class CandidatePlan:
    """How one network is built and trained."""

    name: str
    family: str
    settings: Mapping[str, Any]  # the architecture's, as JSON
    recipe: Recipe
    seed: int
    steps: int = 0
    looks: int = 10  # times that the validation rows are scored
    step_ms: float = 0.0  # as probed
    predict_ms: float = 0.0  # for all validation and test rows, as probed
    parameters: int = 0
    precision: str = "float32"
    module: bool = False  # a network from the user's own code
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
            return TypeAdapter(cls).validate_json(json.dumps(dict(data)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"The plan is damaged ({where}: {first['msg']}). Start the run anew.") from None


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the timed probe saw of one candidate."""

    step_seconds: float
    look_seconds: float  # scoring all validation rows once
    predict_seconds: float  # predicting validation and test rows once, at the end


def fix_steps(candidate: CandidatePlan, probe: Probe, seconds: float, plan: Plan) -> CandidatePlan:
    """Turns a share of the clock into steps and looks; never fewer than a few, never more than repay themselves."""
    usable = max(seconds - probe.predict_seconds, 0.0)
    if plan.refit:  # the second training has as many steps and no looks
        usable *= 0.5
    usable /= 1 + 0.1 * (plan.learning_rate_trials if plan.learning_rate_trials > 1 else 0)
    looks = int(min(MOST_LOOKS, max(2, 0.12 * usable / max(probe.look_seconds, 1e-6))))
    affordable = (usable - looks * probe.look_seconds) / max(probe.step_seconds, 1e-9)
    repaid = max(3_000, 100 * _steps_per_epoch(candidate, plan))
    if candidate.recipe.epochs:
        repaid = candidate.recipe.epochs * _steps_per_epoch(candidate, plan)
    steps = int(max(LEAST_STEPS, min(affordable, repaid)))
    return replace(
        candidate,
        steps=steps,
        looks=min(looks, steps),
        step_ms=1000 * probe.step_seconds,
        predict_ms=1000 * probe.predict_seconds,
    )


def epochs(candidate: CandidatePlan, plan: Plan) -> float:
    """How often the planned steps visit each training row."""
    return candidate.steps / _steps_per_epoch(candidate, plan)


def steps_per_pass(plan: Plan, name: str) -> int:
    """Steps in which a candidate goes once through the training rows."""
    return next((_steps_per_epoch(c, plan) for c in plan.candidates if c.name == name), 1)


def _steps_per_epoch(candidate: CandidatePlan, plan: Plan) -> int:
    rows = plan.rows["train"]
    return max(1, rows // min(candidate.recipe.batch_size, rows))
