"""From predictions to scores, comparisons and the verdict, for all candidates and baselines on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from netpick.compare import Contender, Resampler, choose_threshold, compare_pairs, read_costs, score, verdict
from netpick.metrics import METRICS, Metric, fallback_metric, metrics_for
from netpick.metrics.ranks import Auc
from netpick.types import Array, CandidateResult, Comparison, Predictions, Score, Threshold, Verdict


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Everyone's predictions with the truth of the validation rows and of the opened test rows."""

    task: str  # classify | multilabel | regress | forecast
    labels: Sequence[str]
    primary: str  # name of the metric that decides
    validation_truth: Array
    test_truth: Array
    seed: int
    candidates: Sequence[CandidateResult]  # with validation_predictions and test_predictions, unless failed
    baselines: Sequence[CandidateResult]
    cost: Mapping[str, float] = field(default_factory=dict)  # {"fp": 1, "fn": 10}, for two classes
    passes: Mapping[str, float] = field(default_factory=dict)  # by network: how often it went through the training rows
    test_groups: Array | None = None  # (n,) group of each test row, where rows of a group depend on each other
    validation_rows: Array | None = None  # (m,) row numbers, where rows come more than once (in several folds)


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


def decide(task: str, predictions: Predictions, threshold: float | None = None) -> Array | None:
    """Classes (n,) or labels (n, L) of 0/1 that the probabilities stand for; None for numbers.

    threshold: from which probability on the second of two classes, or a label, is called (default one half; two classes
    at exactly one half then go to the first).
    """
    if task in ("regress", "forecast"):
        return None
    assert predictions.probabilities is not None
    probabilities = predictions.probabilities
    if task == "classify" and predictions.thresholds is not None and probabilities.shape[1] == 2:
        return (probabilities[:, 1] >= predictions.thresholds).astype(np.int64)
    if task == "multilabel":
        return (probabilities >= (0.5 if threshold is None else threshold)).astype(np.int64)
    if threshold is not None and probabilities.shape[1] == 2:
        return (probabilities[:, 1] >= threshold).astype(np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def evaluate(
    task: str,
    truth: Array,
    predictions: Predictions,
    threshold: float | None,
    metrics: Sequence[Metric],
    resampler: Resampler,
) -> dict[str, Score]:
    """Every metric that is defined on these rows, by name, with its interval and n."""
    decided = decide(task, predictions, threshold)
    return {
        metric.name: score(metric, truth, predictions, decided, resampler)
        for metric in metrics
        if task in metric.tasks and metric.applies(truth, predictions)
    }


def judge(contest: Contest) -> Judged:
    """Scores everyone on validation and test rows, compares in pairs on the test rows, and says who wins.

    Equal terms: with two classes, each candidate and baseline gets its own threshold, chosen on the validation rows by the
    same rule and costs. Predictions that are not all numbers make a failed result. Raises RequestError for costs that
    cannot be used.
    """
    costs = read_costs(contest.cost)
    candidates = [_checked(result) for result in contest.candidates]
    baselines = [_checked(result) for result in contest.baselines]
    thresholds = {r.name: t for r in (*candidates, *baselines) if (t := _threshold(contest, r, costs)) is not None}
    candidates = [_decided_by_fold(contest, result, costs) for result in candidates]
    baselines = [_decided_by_fold(contest, result, costs) for result in baselines]
    on_validation = Resampler(len(contest.validation_truth), contest.seed, contest.validation_rows)
    on_test = Resampler(len(contest.test_truth), contest.seed, contest.test_groups, _folds([*candidates, *baselines]))
    candidates, baselines = (
        [_scored(contest, r, thresholds.get(r.name), (on_validation, on_test)) for r in results]
        for results in (candidates, baselines)
    )
    primary = _deciding_metric(contest, candidates, costs)
    comparisons = _comparisons(contest, METRICS[primary], (candidates, baselines), thresholds, on_test)
    answer = verdict(candidates, baselines, comparisons, primary, contest.passes)
    return Judged(
        candidates=candidates,
        baselines=baselines,
        comparisons=comparisons,
        verdict=answer,
        threshold=thresholds.get(answer.winner or ""),
        thresholds=thresholds,
        primary=primary,
    )


def _checked(result: CandidateResult) -> CandidateResult:
    """The result, or a failed one when it has no usable predictions."""
    if result.status == "failed":
        return result
    for part, predictions in (("validation", result.validation_predictions), ("test", result.test_predictions)):
        if predictions is None:
            return replace(result, status="failed", reason=f"It made no predictions for the {part} rows.")
        answers = predictions.values if predictions.probabilities is None else predictions.probabilities
        if answers is None or not np.isfinite(answers).all():
            return replace(
                result,
                status="failed",
                reason=f"Its predictions for the {part} rows hold values that are no numbers.",
                validation_predictions=None,
                test_predictions=None,
            )
    return result


def _threshold(contest: Contest, result: CandidateResult, costs: tuple[float, float]) -> Threshold | None:
    predictions = result.validation_predictions
    if contest.task != "classify" or result.status == "failed" or predictions is None:
        return None
    if predictions.probabilities is None or predictions.probabilities.shape[1] != 2:
        return None
    positive = contest.labels[1] if len(contest.labels) == 2 else "1"
    return choose_threshold(contest.validation_truth, predictions.probabilities[:, 1], *costs, positive)


def _folds(results: Sequence[CandidateResult]) -> Array | None:
    """The fold of each test row, where there are folds."""
    found = (r.test_predictions.folds for r in results if r.test_predictions is not None)
    return next((folds for folds in found if folds is not None), None)


def _decided_by_fold(contest: Contest, result: CandidateResult, costs: tuple[float, float]) -> CandidateResult:
    """Two classes in folds: each fold decides its test rows by the threshold that its own validation rows chose."""
    chosen, tested = result.validation_predictions, result.test_predictions
    if result.status == "failed" or chosen is None or tested is None or chosen.folds is None or tested.folds is None:
        return result
    if _threshold(contest, result, costs) is None or chosen.probabilities is None:
        return result
    by_fold = {}
    for fold in np.unique(tested.folds).tolist():
        rows = chosen.folds == fold
        found = choose_threshold(contest.validation_truth[rows], chosen.probabilities[rows, 1], *costs, "1")
        by_fold[fold] = found.value
    return replace(
        result,
        validation_predictions=replace(chosen, thresholds=np.array([by_fold[f] for f in chosen.folds.tolist()])),
        test_predictions=replace(tested, thresholds=np.array([by_fold[f] for f in tested.folds.tolist()])),
    )


def _scored(
    contest: Contest, result: CandidateResult, threshold: Threshold | None, resamplers: tuple[Resampler, Resampler]
) -> CandidateResult:
    if result.status == "failed" or result.validation_predictions is None or result.test_predictions is None:
        return result
    value = threshold.value if threshold else None
    metrics = metrics_for(contest.task)
    parts = (
        (contest.validation_truth, result.validation_predictions, resamplers[0]),
        (contest.test_truth, result.test_predictions, resamplers[1]),
    )
    validation, test = (evaluate(contest.task, t, p, value, metrics, resampler) for t, p, resampler in parts)
    return replace(result, validation=validation, test=test)


def _deciding_metric(contest: Contest, candidates: Sequence[CandidateResult], costs: tuple[float, float]) -> str:
    """The asked metric, unless costs or the rows speak against it.

    With unequal costs the thresholds give accuracy away on purpose; the contest is then about the order of the rows, which
    no threshold changes. And where the rows leave a metric undefined (test rows of one class), one decides that never is.
    """
    name = contest.primary
    if (
        costs[0] != costs[1]
        and contest.task == "classify"
        and len(contest.labels) == 2
        and METRICS[name].uses_threshold
    ):
        name = Auc.name
    scored = [c for c in candidates if c.status == "ok"]
    defined = all(name in c.validation and name in c.test for c in scored)
    return name if defined else fallback_metric(contest.task)


def _comparisons(
    contest: Contest,
    metric: Metric,
    results: tuple[Sequence[CandidateResult], Sequence[CandidateResult]],
    thresholds: Mapping[str, Threshold],
    resampler: Resampler,
) -> list[Comparison]:
    """Every network against every later one and against every baseline."""
    contenders = []
    for result in (*results[0], *results[1]):
        if result.status == "ok" and result.test_predictions is not None and metric.name in result.test:
            value = thresholds[result.name].value if result.name in thresholds else None
            decided = decide(contest.task, result.test_predictions, value)
            contenders.append(Contender(name=result.name, predictions=result.test_predictions, decided=decided))
    present = {contender.name for contender in contenders}
    networks = [r.name for r in results[0] if r.name in present]
    rivals = [r.name for r in results[1] if r.name in present]
    pairs = [(a, b) for i, a in enumerate(networks) for b in [*networks[i + 1 :], *rivals]]
    return compare_pairs(metric, contest.test_truth, contenders, pairs, resampler)
