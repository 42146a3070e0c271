"""From everyone's predictions to results: the test rows are opened, the verdict falls, and the recommended network is asked why."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from torch import nn

from netpick import __version__
from netpick.answers.compare import qualified
from netpick.answers.evaluate import Contest, Judged, judge
from netpick.answers.metrics import metric_of
from netpick.checks import RESULT_CHECKS, FinishedContest, outcomes, run_result_checks
from netpick.contest.blending import Mixed, ValidationRows, described, mix
from netpick.contest.folds import Competed
from netpick.contest.planning import Planned
from netpick.contest.private import private_note
from netpick.contest.rounds import validation_rows
from netpick.contest.rows import Round
from netpick.contest.training import Outcome, encoding_of, networks_of, state_of
from netpick.disk.files import write_whole
from netpick.errors import TrainingError
from netpick.explain.ablation import Trial, ablate, column_groups
from netpick.explain.brief import MOST_ROWS, brief
from netpick.explain.subject import Subject
from netpick.report.as_json import strict_json
from netpick.report.shown import data_info, with_shown
from netpick.report.thumbnails import thumbnails_of
from netpick.tasks.examples import Prepared
from netpick.training.plan import steps_per_pass
from netpick.types import Event, Rows, Schema
from netpick.types.drawings import Explained
from netpick.types.results import CandidateResult, RunResults


@dataclass(frozen=True, kw_only=True)
class JudgedRun:
    """The results of a contest, and what its blend is made of where there is one."""

    results: RunResults
    blend: Mixed | None


def judged_results(whole: Round, planned: Planned, competed: Competed) -> JudgedRun:
    """Opens the test rows once, for all, and judges. Raises TrainingError where no network finished."""
    prepared = whole.prepared
    test_rows = prepared.sealed.open("scores of all candidates and baselines")
    unit = prepared.task.answer.unit
    opened = "tested once each" if prepared.folds else f"test {unit}s opened {_times(len(prepared.sealed.openings))}"
    whole.on_event(Event(stage="evaluate", text=f"{opened}: {len(test_rows):,} {unit}s"))
    validation = validation_rows(prepared.folds) if prepared.folds else prepared.split.validation
    groups = validation if prepared.folds else prepared.test_groups(validation)
    chosen_on = ValidationRows(truth=prepared.truth[validation], groups=groups, seed=whole.terms.options.seed)
    # A blend reads the rows once, for all of its members: none that reads them by an encoding of its own.
    apart = {candidate.plan.name for candidate in planned.candidates if candidate.encoding is not None}
    everyone = [*(one for one in competed.candidates if one.name not in apart), *competed.baselines]
    mixed = mix(everyone, prepared.task, prepared.state, chosen_on) if prepared.blends else None
    contest = _contest(whole, planned, competed, validation, mixed)
    judged = judge(replace(contest, validation_groups=groups))
    results = _results(whole, planned, judged, mixed)
    return JudgedRun(results=results, blend=None if results.blend is None else mixed)


def _times(openings: int) -> str:
    return "once" if openings == 1 else f"once more, {openings} times in all"


def require_a_network(whole: Round, candidates: Sequence[CandidateResult], trained: Sequence[Outcome]) -> None:
    """Raises TrainingError where no network finished, with the reasons in failed.json."""
    if networks_of(trained):
        return
    reasons = {candidate.name: candidate.reason for candidate in candidates}
    folder = whole.terms.keeper.folder
    write_whole(folder / "failed.json", json.dumps({"candidates": reasons}, indent=1, allow_nan=False).encode())
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise TrainingError(f"No network could be trained ({told}). What was tried is in {folder}.")


def _contest(whole: Round, planned: Planned, competed: Competed, validation: Rows, mixed: Mixed | None) -> Contest:
    prepared, options = whole.prepared, whole.terms.options
    test_rows = prepared.sealed.rows
    return Contest(
        answer=prepared.task.answer,
        task=prepared.task.name,
        labels=prepared.task.answer.labels(prepared.state),
        primary=whole.primary,
        validation_truth=prepared.truth[validation],
        folded=bool(prepared.folds),
        test_truth=prepared.truth[test_rows],
        cost=dict(options.cost),
        seed=options.seed,
        candidates=competed.candidates,
        baselines=competed.baselines,
        passes={c.name: c.steps / steps_per_pass(planned.plan, c.name) for c in competed.candidates},
        fewest={c.plan.name: c.fewest for c in planned.candidates},
        test_groups=whole.prepared.test_groups(test_rows),
        blend=None if mixed is None else mixed.result,
        rivals=(prepared.rival(validation), prepared.rival(test_rows)),
        margin=options.margin,
        asked=options.metric is not None,
        prefer=options.prefer,
    )


def _results(whole: Round, planned: Planned, judged: Judged, mixed: Mixed | None) -> RunResults:
    prepared, test_rows = whole.prepared, whole.prepared.sealed.rows
    blend = None
    if mixed is not None and judged.blend is not None:
        blend = described(mixed, judged.blend, judged.against, judged.primary)
    finished = FinishedContest(
        candidates=judged.candidates, baselines=judged.baselines, comparisons=judged.comparisons, split=prepared.split
    )
    found, not_applicable, _ = run_result_checks(finished)
    findings = [*prepared.findings, *found]
    results = RunResults(
        version=__version__,
        title=prepared.source.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=whole.terms.options.command,
        source=data_info(prepared.source, prepared.schema, prepared.target),
        schema=_noted(prepared),
        target=prepared.target,
        split=prepared.split,
        plan=strict_json(planned.plan.to_json()),
        primary_metric=judged.primary,
        candidates=judged.candidates,
        baselines=judged.baselines,
        comparisons=judged.comparisons,
        verdict=qualified(judged.verdict, findings),
        threshold=judged.threshold,
        thresholds=judged.thresholds,
        costs=judged.costs,
        blend=blend,
        decision=judged.decision,
        findings=findings,
        checks=[*prepared.checks, *outcomes(RESULT_CHECKS.values(), found, not_applicable)],
        test_openings=len(prepared.sealed.openings),
        seconds=time.perf_counter() - whole.terms.started,
        test_truth=prepared.truth[test_rows],
        forecast=whole.prepared.info(test_rows),
    )
    return with_shown(results, prepared.source, thumbnails_of(prepared.source, prepared.schema))


def _noted(prepared: Prepared) -> Schema:
    """With what the kinds learned of their columns."""
    private = (private_note(),) if prepared.private else ()
    return replace(prepared.schema, notes=(*prepared.schema.notes, *prepared.notes, *private))


def with_ablation(results: RunResults, this_round: Round, trained: Sequence[Outcome]) -> RunResults:
    """The results with what each group of columns adds to the recommended network of this round."""
    winner, networks = results.verdict.best_network, networks_of(trained)
    groups = column_groups(this_round.prepared.encoders) if this_round.prepared.groups_columns else ()
    if winner is None or winner not in networks or not groups:
        return results
    this_round = this_round.read_by(encoding_of(trained, winner))
    this_round.on_event(Event(stage="evaluate", text=f"what each of {len(groups)} column groups adds"))
    prepared = this_round.prepared
    trial = Trial(
        network=networks[winner],
        arrays=this_round.store.arrays,
        inputs=this_round.data.inputs,
        device=this_round.terms.device,
        task=prepared.task,
        task_state=state_of(trained, winner),
        truth=prepared.truth,
        rows=prepared.sealed.rows,
        row_groups=this_round.prepared.test_groups(prepared.sealed.rows),
        metric=metric_of(results.primary_metric, results.costs),
        rule=results.rule(winner),
        seed=this_round.terms.options.seed,
    )
    return replace(results, ablation=ablate(trial, groups), seconds=time.perf_counter() - this_round.terms.started)


def with_explanation(results: RunResults, whole: Round, trained: Sequence[Outcome]) -> RunResults:
    """The results with what the recommended network goes by on one validation row."""
    winner, networks = results.verdict.best_network, networks_of(trained)
    if winner is None or winner not in networks or not whole.prepared.explained:
        return results
    whole, network = whole.read_by(encoding_of(trained, winner)), networks[winner].cpu()
    subject = _subject(results, whole, winner, state_of(trained, winner), network)
    explained: Explained | None = None
    try:
        explained = brief(subject)
    except RuntimeError as error:  # a module of the user's own may refuse gradients; its run still stands
        whole.on_event(Event(stage="evaluate", text=f"nothing is explained: {str(error).splitlines()[0]}"))
    network.to(whole.terms.device)
    return replace(results, explained=explained, seconds=time.perf_counter() - whole.terms.started)


def _subject(results: RunResults, whole: Round, winner: str, state: Any, network: nn.Module) -> Subject:
    prepared = whole.prepared
    rows = prepared.split.validation[:MOST_ROWS]
    return Subject(
        title=results.title,
        candidate=winner,
        family="",
        network=network,
        inputs=whole.prepared.inputs,
        encoders=whole.prepared.encoders,
        task=prepared.task,
        state=state,
        labels=tuple(results.target.labels),
        rule=results.rule(winner),
        primary=results.primary_metric,
        arrays={name: np.asarray(array[rows]) for name, array in whole.store.arrays.items()},
        columns=prepared.source.columns,
        rows=rows,
        names=prepared.source.row_names,
        truth=prepared.truth[rows],
    )
