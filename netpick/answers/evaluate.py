"""From predictions to scores, comparisons and the verdict, for all candidates and baselines on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from netpick.answers import Answer
from netpick.answers.answered import A, AnsweredClasses, as_stated
from netpick.answers.compare import (
    Contender,
    Outcome,
    Prefer,
    Resampler,
    choose_threshold,
    compare_pairs,
    given_costs,
    has_had_time,
    score,
    verdict,
)
from netpick.answers.compare.costs import Costs
from netpick.answers.compare.winner import FEW_PASSES
from netpick.answers.metrics import METRICS, Metric, best_on_validation, metric_of, metrics_for
from netpick.answers.metrics.calibration import CalibrationError
from netpick.answers.metrics.cost import MeanCost
from netpick.answers.metrics.means import LogLoss
from netpick.answers.metrics.ranks import Auc
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult, Comparison, DecisionRule, Score, Threshold, Verdict


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Everyone's predictions with the truth of the validation rows and of the opened test rows."""

    answer: Answer[Any]
    task: str  # its name
    labels: Sequence[str]
    primary: str  # name of the metric that decides
    validation_truth: Array
    test_truth: Array
    seed: int
    candidates: Sequence[CandidateResult]  # with validation_predictions and test_predictions, unless failed
    baselines: Sequence[CandidateResult]
    cost: Mapping[str, float] = field(
        default_factory=dict
    )  # {"fp": 1, "fn": 10} for two classes, {"cat>dog": 5} for any
    passes: Mapping[str, float] = field(default_factory=dict)  # by network: how often it went through the training rows
    fewest: Mapping[str, float] = field(default_factory=dict)  # by network: passes below which it is not judged
    blend: CandidateResult | None = None
    test_groups: Array | None = None  # (n,) group of each test row, where rows of a group depend on each other
    validation_groups: Array | None = None  # (m,) the same of the validation rows; a row of several folds is one group
    folded: bool = False  # validation rows of folds are all tested, too
    margin: float | None = None  # differences in the deciding metric that do not matter; None: the metric's own
    rivals: tuple[Array | None, Array | None] = (None, None)  # what needs no learning says of validation and test rows
    asked: bool = False  # whether the user named the metric that decides
    prefer: Prefer = "any"  # "network": a network is recommended even where a baseline is as good


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The contest's outcome: results with their scores, paired comparisons, thresholds and the verdict."""

    candidates: Sequence[CandidateResult]
    baselines: Sequence[CandidateResult]
    comparisons: Sequence[Comparison]
    verdict: Verdict
    threshold: Threshold | None  # the winner's
    thresholds: Mapping[str, Threshold]  # by name; empty unless there are two classes
    primary: str  # the metric that decided; another than the asked one where costs or the rows speak against it
    blend: CandidateResult | None = None
    against: Comparison | None = None  # the blend against the best single candidate or baseline on validation rows
    costs: Sequence[Sequence[float]] | None = None  # (K, K) of mistakes, where they were given
    decision: str = ""  # how they decide between more than two classes, in words


def evaluate(
    answer: Answer[A],
    truth: Array,
    predictions: A,
    rule: DecisionRule,
    metrics: Sequence[Metric[Any]],
    resampler: Resampler,
) -> dict[str, Score]:
    """Every metric that is defined on these rows, by name, with its interval and n."""
    decided = answer.decide(predictions, rule)
    return {
        metric.name: score(metric, truth, predictions, decided, resampler)
        for metric in metrics
        if isinstance(predictions, metric.reads) and metric.applies(truth, predictions)
    }


def judge(contest: Contest) -> Judged:
    """Scores everyone on validation and test rows, compares in pairs on the test rows, and says who wins.

    Equal terms: with two classes, each candidate and baseline gets its own threshold, chosen on the validation rows by the
    same rule and costs. Predictions that are not all numbers make a failed result. Raises RequestError for costs that
    cannot be used.
    """
    costs = given_costs(contest.answer, contest.task, contest.cost, contest.labels)
    candidates = [_with_time(contest, _checked(result)) for result in contest.candidates]
    baselines = [_checked(result) for result in contest.baselines]
    blends = [] if contest.blend is None else [_checked(contest.blend)]
    everyone = (*candidates, *baselines, *blends)
    thresholds = {r.name: t for r in everyone if (t := _threshold(contest, r, costs)) is not None}
    rules = {r.name: _rule(thresholds.get(r.name), costs) for r in everyone}
    on_validation = Resampler(len(contest.validation_truth), contest.seed, contest.validation_groups)
    on_test = Resampler(len(contest.test_truth), contest.seed, contest.test_groups, _folds(everyone))
    candidates, baselines, blends = (
        [
            _scored(contest, _decided_by_fold(contest, r, costs), rules[r.name], (on_validation, on_test))
            for r in results
        ]
        for results in (candidates, baselines, blends)
    )
    primary = _deciding_metric(contest, candidates, costs)
    candidates = _leaders_ranked(candidates, baselines, primary)
    metric = metric_of(primary, costs)
    results = candidates, baselines
    on_test_rows = _comparisons(contest, metric, results, rules, on_test)
    on_validation_rows = []
    if not contest.folded:  # those rows would count twice
        on_validation_rows = _comparisons(contest, metric, results, rules, on_validation, test=False)
    best = best_on_validation([*candidates, *baselines], primary)
    pairs = _comparisons(contest, metric, (blends, [] if best is None else [best]), rules, on_test)
    answer = verdict(
        Outcome(
            candidates=candidates,
            baselines=baselines,
            on_test=on_test_rows,
            on_validation=on_validation_rows,
            metric=primary,
            margin=contest.margin,
            prefer=contest.prefer,
        )
    )
    networks = {result.name for result in candidates}
    winner = next((r for r in (*candidates, *baselines) if r.name == answer.winner), None)
    return Judged(
        candidates=candidates,
        baselines=baselines,
        comparisons=[pair for pair in on_test_rows if pair.a in networks or answer.winner in (pair.a, pair.b)],
        verdict=answer,
        threshold=thresholds.get(answer.winner or ""),
        thresholds=thresholds,
        primary=primary,
        blend=next(iter(blends), None),
        against=next(iter(pairs), None),
        costs=costs,
        decision=_decision(contest, costs, winner),
    )


def _rule(threshold: Threshold | None, costs: Costs | None) -> DecisionRule:
    return DecisionRule(threshold=None if threshold is None else threshold.value, costs=costs)


def _with_time(contest: Contest, result: CandidateResult) -> CandidateResult:
    fewest = contest.fewest.get(result.name, FEW_PASSES)
    return replace(result, ranked=has_had_time(result, contest.passes.get(result.name), fewest))


def _leaders_ranked(
    candidates: Sequence[CandidateResult], baselines: Sequence[CandidateResult], metric: str
) -> list[CandidateResult]:
    """Too little training can only make a network look worse than it is: one that leads all others on the validation rows is
    ranked all the same."""
    best = best_on_validation([*(c for c in candidates if c.ranked), *baselines], metric)
    if best is None or metric not in best.validation:
        return list(candidates)

    def leads(result: CandidateResult) -> bool:
        if result.status != "ok" or metric not in result.validation:
            return False
        difference = result.validation[metric].value - best.validation[metric].value
        return (difference if METRICS[metric].better == "higher" else -difference) > 0

    return [replace(c, ranked=True) if not c.ranked and leads(c) else c for c in candidates]


def _checked(result: CandidateResult) -> CandidateResult:
    """The result, or a failed one when it was trained and has no usable predictions."""
    if result.status != "ok":
        return result
    for part, predictions in (("validation", result.validation_predictions), ("test", result.test_predictions)):
        if predictions is None:
            return replace(result, status="failed", reason=f"It made no predictions for the {part} rows.")
        if not predictions.finite():
            return replace(
                result,
                status="failed",
                reason=f"Its predictions for the {part} rows hold values that are no numbers.",
                validation_predictions=None,
                test_predictions=None,
            )
    return result


def _threshold(contest: Contest, result: CandidateResult, costs: Costs | None) -> Threshold | None:
    predictions = result.validation_predictions
    if result.status != "ok" or not isinstance(predictions, AnsweredClasses):
        return None
    if predictions.probabilities.shape[1] != 2:
        return None
    positive = contest.labels[1] if len(contest.labels) == 2 else "1"
    return _chosen(contest, contest.validation_truth, predictions.probabilities[:, 1], costs, positive)


def _chosen(contest: Contest, truth: Array, stated: Array, costs: Costs | None, positive: str) -> Threshold:
    """The threshold of two classes by the costs of the two mistakes, or by the metric that the user asked for."""
    if costs is not None:
        return choose_threshold(truth, stated, costs[0][1], costs[1][0], positive)
    metric = METRICS[contest.primary]
    costs_of_metric = metric.mistakes(truth == 1, stated) if contest.asked else (1.0, 1.0)
    aim = metric.label if costs_of_metric != (1.0, 1.0) else ""
    return choose_threshold(truth, stated, *costs_of_metric, positive, aim)


def _folds(results: Sequence[CandidateResult]) -> Array | None:
    """The fold of each test row, where there are folds."""
    folds_of_each = (r.test_predictions.folds for r in results if r.test_predictions is not None)
    return next((folds for folds in folds_of_each if folds is not None), None)


def _decided_by_fold(contest: Contest, result: CandidateResult, costs: Costs | None) -> CandidateResult:
    """Two classes in folds: each fold decides its test rows by the threshold that its own validation rows chose."""
    chosen, tested = result.validation_predictions, result.test_predictions
    if not isinstance(chosen, AnsweredClasses) or not isinstance(tested, AnsweredClasses):
        return result
    if chosen.folds is None or tested.folds is None or _threshold(contest, result, costs) is None:
        return result
    by_fold = {}
    for fold in np.unique(tested.folds).tolist():
        rows = chosen.folds == fold
        threshold = _chosen(contest, contest.validation_truth[rows], chosen.probabilities[rows, 1], costs, "1")
        by_fold[fold] = threshold.value
    return replace(
        result,
        validation_predictions=replace(chosen, thresholds=np.array([by_fold[f] for f in chosen.folds.tolist()])),
        test_predictions=replace(tested, thresholds=np.array([by_fold[f] for f in tested.folds.tolist()])),
    )


def _scored(
    contest: Contest, result: CandidateResult, rule: DecisionRule, resamplers: tuple[Resampler, Resampler]
) -> CandidateResult:
    if result.status != "ok" or result.validation_predictions is None or result.test_predictions is None:
        return result
    metrics = metrics_for(contest.answer.typed, rule.costs)
    parts = (
        (contest.validation_truth, result.validation_predictions, resamplers[0]),
        (contest.test_truth, result.test_predictions, resamplers[1]),
    )
    validation, test = (
        evaluate(contest.answer, t, contest.answer.beside(p, rival), rule, metrics, resampler)
        for (t, p, resampler), rival in zip(parts, contest.rivals, strict=True)
    )
    return replace(
        result,
        validation=validation,
        test=test,
        stated=_stated(contest, result.test_predictions, resamplers[1]),
        barred=result.barred or contest.answer.barred(result.test_predictions),
    )


def _stated(contest: Contest, predictions: Answered, resampler: Resampler) -> dict[str, Score]:
    """Scores of the probabilities before calibration, where there was one."""
    before = as_stated(predictions)
    if before is None:
        return {}
    return {
        metric.name: score(metric, contest.test_truth, before, None, resampler)
        for metric in (METRICS[LogLoss.name], METRICS[CalibrationError.name])
    }


def _decision(contest: Contest, costs: Costs | None, winner: CandidateResult | None) -> str:
    """How the recommended candidate decides between more than two classes, and what that saves."""
    score = None if winner is None else winner.test.get(MeanCost.name)
    if costs is None or len(costs) == 2 or winner is None or winner.test_predictions is None or score is None:
        return ""
    likeliest = contest.answer.decide(winner.test_predictions)
    plain = float(np.asarray(costs)[contest.test_truth, likeliest].mean())
    return (
        f"A row is called what costs least by its probabilities and the costs given: {score.value:.3g} a row on the test rows "
        f"({score.low:.3g} to {score.high:.3g}, n = {score.n:,}); always taking the likeliest class costs {plain:.3g}."
    )


def _deciding_metric(contest: Contest, candidates: Sequence[CandidateResult], costs: Costs | None) -> str:
    """The asked metric, unless costs or the rows speak against it.

    With unequal costs decisions give accuracy away on purpose. Of two classes, the contest is then about the order of the
    rows, which no threshold changes; of more, about the costs themselves. And where the rows leave a metric undefined (test
    rows of one class), one decides that never is.
    """
    name = contest.primary
    unequal = (
        not contest.asked
        and costs is not None
        and len({cost for i, row in enumerate(costs) for j, cost in enumerate(row) if i != j}) > 1
    )
    if unequal and len(contest.labels) > 2:
        name = MeanCost.name
    elif unequal and METRICS[name].uses_threshold:
        name = Auc.name
    scored = [c for c in candidates if c.status == "ok"]
    defined = all(name in c.validation and name in c.test for c in scored)
    return name if defined else contest.answer.fallback


def _comparisons(
    contest: Contest,
    metric: Metric[Any],
    results: tuple[Sequence[CandidateResult], Sequence[CandidateResult]],
    rules: Mapping[str, DecisionRule],
    resampler: Resampler,
    *,
    test: bool = True,
) -> list[Comparison]:
    """Everyone against everyone behind, on the test rows or on the validation rows: networks first, then baselines."""
    contenders = []
    for result in (*results[0], *results[1]):
        predictions, scores = (
            (result.test_predictions, result.test) if test else (result.validation_predictions, result.validation)
        )
        if result.status == "ok" and predictions is not None and metric.name in scores:
            decided = contest.answer.decide(predictions, rules[result.name])
            contenders.append(Contender(name=result.name, predictions=predictions, decided=decided))
    names = [contender.name for contender in contenders]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    truth = contest.test_truth if test else contest.validation_truth
    return compare_pairs(metric, truth, contenders, pairs, resampler)
