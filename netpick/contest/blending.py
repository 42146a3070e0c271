"""The blend as one more row of a contest: weights from validation rows, its own calibration, and what all members cost."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netpick.answers.answered import averaged
from netpick.answers.compare import difference_text, score_text
from netpick.answers.compare.blend import blend_weights
from netpick.answers.metrics import METRICS
from netpick.tasks import Task
from netpick.types import Array
from netpick.types.results import Blend, CandidateResult, Comparison

NAME = "blend"


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A blend before it is scored: its result, its members' weights, and the task's state with its calibration."""

    result: CandidateResult
    weights: Mapping[str, float]
    state: Any


@dataclass(frozen=True, kw_only=True)
class ValidationRows:
    """What weights are chosen on: the truth of the validation rows, and groups that are drawn as a whole."""

    truth: Array
    groups: Array | None
    seed: int


def mix(results: Sequence[CandidateResult], task: Task, state: Any, rows: ValidationRows) -> Mixed | None:
    """The blend of these results, which are calibrated already; None where no two of them go together.

    state: the task's, without anyone's calibration. The average of calibrated probabilities is less sure than it could be,
    and errors of an average are smaller than those of its members, so it is calibrated once more.
    """
    weights = blend_weights(results, rows.truth, rows.seed, rows.groups)
    by_name = {r.name: r for r in results}
    members = [by_name[name] for name in weights]
    validation = [r.validation_predictions for r in members if r.validation_predictions is not None]
    test = [r.test_predictions for r in members if r.test_predictions is not None]
    if not members or len(test) < len(members):
        return None
    shares = list(weights.values())
    on_validation = averaged(validation, shares)
    learned = task.answer.calibrated(on_validation, rows.truth, state)
    result = CandidateResult(
        name=NAME if NAME not in by_name else f"{NAME} of {len(members)}",
        family=NAME,
        status="ok",
        reason=" + ".join(f"{share:.2f} {name}" for name, share in weights.items()),
        seconds=sum(r.seconds for r in members),
        parameters=sum(r.parameters for r in members),
        bytes=sum(r.bytes for r in members),
        latency_ms=sum(r.latency_ms for r in members),
        calibration=task.answer.calibration_words(learned),
        validation_predictions=task.answer.revised(on_validation, learned),
        test_predictions=task.answer.revised(averaged(test, shares), learned),
    )
    return Mixed(result=result, weights=weights, state=learned)


def described(mixed: Mixed, result: CandidateResult, against: Comparison | None, metric: str) -> Blend:
    """The blend with its scores, and a sentence on whether it is worth its cost."""
    score = result.test.get(metric)
    label = METRICS[metric].label
    words = f"The blend ({result.reason}) has {label} {score_text(score)}" if score else f"The blend ({result.reason})"
    if against is None:
        words += "."
    elif against.verdict == "better":
        words += (
            f": better than the best single candidate, {against.b}, by {difference_text(against)}. It runs all of its "
            f"{len(mixed.weights)} members for every row: --candidate {shlex.quote(mixed.result.name)} uses it."
        )
    else:
        than = "worse than" if against.verdict == "worse" else "no better than"
        noise = "" if against.verdict == "worse" else " by more than noise"
        words += (
            f": {than} the best single candidate, {against.b},{noise} (difference {difference_text(against, sign=True)}), and not "
            "worth running several."
        )
    return Blend(result=result, weights=dict(mixed.weights), against=against, sentence=words)
