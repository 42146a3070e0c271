"""METRICS: pure functions of truth and predictions, with a direction and what they need.

To add one: a file (or a class beside its relatives), a line in METRICS, a line in tests/conformance/test_metrics.py.
Plotting and choosing candidates happen elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netpick.answers.metrics.base import Linear, Metric, Weights
from netpick.answers.metrics.boxes import Ap50, BoxF1, BoxRecall, CocoAp, CountError
from netpick.answers.metrics.calibration import CalibrationBin, CalibrationError, calibration_bins
from netpick.answers.metrics.classes import (
    F1,
    BalancedAccuracy,
    F1Weighted,
    Precision,
    PrecisionWeighted,
    Recall,
    RecallWeighted,
)
from netpick.answers.metrics.confusion import ClassScores, confusion_matrix, confusions, per_class_scores
from netpick.answers.metrics.cost import MeanCost
from netpick.answers.metrics.entities import EntityF1, EntityPrecision, EntityRecall, TokenAccuracy
from netpick.answers.metrics.errors import R2, MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError
from netpick.answers.metrics.forecast import (
    Coverage,
    ForecastMae,
    ForecastRmse,
    Mase,
    Owa,
    QuantileLoss,
    Smape,
    StandardisedMse,
)
from netpick.answers.metrics.masks import ForegroundF1, MaskedIou, MeanDice, PixelAccuracy
from netpick.answers.metrics.means import Accuracy, Brier, LogLoss
from netpick.answers.metrics.notes import (
    ChordsRight,
    NatsPerNote,
    NewChordsRight,
    NewNotesRight,
    NotesRight,
    NotesRightTold,
)
from netpick.answers.metrics.prediction_intervals import IntervalCoverage, IntervalWidth
from netpick.answers.metrics.ranks import Auc, AveragePrecision
from netpick.answers.metrics.samples import SAMPLE_METRICS
from netpick.answers.metrics.symbols import BitsPerCharacter, Perplexity, Top1, Top5
from netpick.answers.metrics.texts import CharacterErrorRate, ExactMatch, WordErrorRate
from netpick.answers.metrics.translation import Bleu, Chrf
from netpick.types.results import Answered, CandidateResult

__all__ = [
    "METRICS",
    "CalibrationBin",
    "ClassScores",
    "Linear",
    "Metric",
    "Weights",
    "best_on_validation",
    "calibration_bins",
    "confusion_matrix",
    "confusions",
    "metric_of",
    "metrics_for",
    "per_class_scores",
    "strongest_on_test",
]

METRICS: dict[str, Metric[Any]] = {
    metric.name: metric
    for metric in (
        Accuracy(),
        BalancedAccuracy(),
        Precision(),
        Recall(),
        F1(),
        PrecisionWeighted(),
        RecallWeighted(),
        F1Weighted(),
        Auc(),
        AveragePrecision(),
        LogLoss(),
        Brier(),
        CalibrationError(),
        MeanCost(),
        R2(),
        RootMeanSquaredError(),
        MeanAbsoluteError(),
        MeanSquaredError(),
        IntervalCoverage(),
        IntervalWidth(),
        ForecastRmse(),
        ForecastMae(),
        Mase(),
        StandardisedMse(),
        Smape(),
        Owa(),
        QuantileLoss(),
        Coverage(),
        BitsPerCharacter(),
        Perplexity(),
        Top1(),
        Top5(),
        Bleu(),
        Chrf(),
        WordErrorRate(),
        CharacterErrorRate(),
        ExactMatch(),
        EntityF1(),
        EntityPrecision(),
        EntityRecall(),
        TokenAccuracy(),
        NatsPerNote(),
        NotesRight(),
        ChordsRight(),
        NewNotesRight(),
        NewChordsRight(),
        NotesRightTold(),
        MaskedIou(),
        MeanDice(),
        ForegroundF1(),
        PixelAccuracy(),
        Ap50(),
        CocoAp(),
        BoxF1(),
        BoxRecall(),
        CountError(),
        *SAMPLE_METRICS,
    )
}


def metrics_for(kind: type[Answered], costs: Sequence[Sequence[float]] | None = None) -> tuple[Metric[Any], ...]:
    """The metrics of a kind of predictions, in the order in which reports show them; ask each whether it `applies`.

    costs: (K, K) of mistakes between classes, for the metric that needs them.
    """
    return tuple(metric_of(metric.name, costs) for metric in METRICS.values() if issubclass(kind, metric.reads))


def metric_of(name: str, costs: Sequence[Sequence[float]] | None = None) -> Metric[Any]:
    """The metric of this name, with the costs of mistakes if it needs them."""
    return MeanCost(costs) if name == MeanCost.name and costs is not None else METRICS[name]


def best_on_validation(results: Sequence[CandidateResult], metric: str) -> CandidateResult | None:
    """The result with the best validation score among those that did not fail and had time enough.

    Equals, which are common on few validation rows, are told apart by their log loss, then by their order.
    """
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    scored = [r for r in results if r.status == "ok" and r.ranked and not r.barred and metric in r.validation]

    def place(result: CandidateResult) -> tuple[float, float]:
        loss = result.validation.get(LogLoss.name)
        return sign * result.validation[metric].value, -loss.value if loss else 0.0

    return max(scored, key=place, default=None)


def strongest_on_test(results: Sequence[CandidateResult], metric: str) -> CandidateResult | None:
    """The result with the best test score among those that did not fail.

    For baselines only: the strongest is picked, so that it can flatter no network. Networks are chosen on validation rows.
    """
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    scored = [r for r in results if r.status == "ok" and not r.barred and metric in r.test]
    return max(scored, key=lambda result: sign * result.test[metric].value, default=None)
