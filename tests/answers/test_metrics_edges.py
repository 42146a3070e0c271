"""Metrics where rows are few, classes absent, scores tied or targets constant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from netpick.answers.answered import AnsweredClasses, AnsweredNumbers
from netpick.answers.metrics import (
    METRICS,
    best_on_validation,
    calibration_bins,
    confusion_matrix,
    metrics_for,
    per_class_scores,
)
from netpick.answers.metrics.intervals import t_quantile, wilson
from netpick.tasks import TASKS
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult, Score


def plain(name: str, truth: Array, predictions: Answered, decided: Array | None = None) -> float:
    return float(METRICS[name].values(truth, predictions, np.ones((1, len(truth))), decided)[0])


def test_a_class_that_only_the_truth_or_only_the_prediction_has() -> None:
    truth, decided = np.array([0, 0, 1, 1, 1, 3]), np.array([0, 1, 1, 1, 2, 1])
    predictions = AnsweredClasses(probabilities=np.full((6, 5), 0.2))  # class 4 occurs nowhere
    for name in ("precision", "recall", "f1"):
        expected = getattr(sk, f"{name}_score")(truth, decided, average="macro", zero_division=0.0)
        assert plain(name, truth, predictions, decided) == pytest.approx(expected)
    recalls = [0.5, 2 / 3, 0.0]  # of the classes in the truth
    assert plain("balanced_accuracy", truth, predictions, decided) == pytest.approx(np.mean(recalls))


def test_ranks_skip_classes_that_do_not_occur_and_do_not_apply_to_one_class() -> None:
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    auc = np.mean([sk.roc_auc_score(truth == k, probabilities[:, k]) for k in (0, 1)])
    assert plain("auc", truth, AnsweredClasses(probabilities=probabilities)) == pytest.approx(auc)
    for name in ("auc", "average_precision"):
        assert not METRICS[name].applies(np.zeros(4, dtype=np.int64), AnsweredClasses(probabilities=probabilities))


def test_a_resample_without_one_class_is_undefined_rather_than_wrong() -> None:
    truth = np.array([0, 0, 1])
    predictions = AnsweredClasses(probabilities=np.array([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9]]))
    weights = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    assert np.isnan(METRICS["auc"].values(truth, predictions, weights, None)).tolist() == [False, True, True]
    assert np.isnan(METRICS["average_precision"].values(truth, predictions, weights, None)).tolist() == [
        False,
        True,
        False,
    ]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=40))
def test_ties_count_as_in_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth = np.array([y for y, _ in rows])
    scores = np.array([s / 4 for _, s in rows])
    predictions = AnsweredClasses(probabilities=np.column_stack([1 - scores, scores]))
    if 0 < truth.sum() < len(truth):
        assert plain("auc", truth, predictions) == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-9)
        expected = sk.average_precision_score(truth, scores)
        assert plain("average_precision", truth, predictions) == pytest.approx(expected, abs=1e-9)


def test_one_row() -> None:
    truth, predictions = np.array([1]), AnsweredClasses(probabilities=np.array([[0.2, 0.8]]))
    defined = [m.name for m in metrics_for(TASKS["classify"].answer.typed) if m.applies(truth, predictions)]
    assert "auc" not in defined
    for name in defined:
        assert np.isfinite(plain(name, truth, predictions, np.array([1])))
    assert not METRICS["r2"].applies(np.ones((1, 1)), AnsweredNumbers(values=np.ones((1, 1))))
    assert plain("rmse", np.ones((1, 1)), AnsweredNumbers(values=np.zeros((1, 1)))) == 1.0


def test_sure_and_wrong_is_dear_but_finite() -> None:
    truth = np.array([0, 1])
    for dtype in (np.float32, np.float64):
        probabilities = np.array([[0, 1], [0, 1]], dtype=dtype)
        expected = sk.log_loss(truth, probabilities)
        assert plain("log_loss", truth, AnsweredClasses(probabilities=probabilities)) == pytest.approx(
            expected, rel=1e-6
        )  # type: ignore[arg-type]


def test_a_constant_target_has_no_variance_to_explain() -> None:
    truth = np.full((5, 1), 0.1)
    assert plain("r2", truth, AnsweredNumbers(values=truth)) == 1.0
    assert plain("r2", truth, AnsweredNumbers(values=truth + 1)) == 0.0


def test_r2_far_from_zero_keeps_its_digits() -> None:
    generator = np.random.default_rng(0)
    truth = 1e7 + generator.normal(size=(200, 1))
    values = truth + 0.1 * generator.normal(size=truth.shape)
    assert plain("r2", truth, AnsweredNumbers(values=values)) == pytest.approx(sk.r2_score(truth, values), abs=1e-6)


def test_the_confusion_matrix_and_the_scores_of_each_class() -> None:
    truth, decided = np.array([0, 0, 1, 1, 1, 3]), np.array([0, 1, 1, 1, 2, 1])
    assert confusion_matrix(truth, decided, 4).tolist() == sk.confusion_matrix(truth, decided).tolist()
    scores = per_class_scores(truth, decided, 4)
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, decided, zero_division=0.0)
    assert [s.precision.value for s in scores] == pytest.approx(precision)
    assert [s.recall.value for s in scores] == pytest.approx(recall)
    assert [s.f1.value for s in scores] == pytest.approx(f1)
    assert [s.support for s in scores] == support.tolist()
    assert (scores[3].precision.n, scores[3].precision.low, scores[3].precision.high) == (0, 0.0, 1.0)
    for s in scores:
        for one in (s.precision, s.recall, s.f1):
            assert 0 <= one.low <= one.value <= one.high <= 1


def test_the_scores_of_each_label() -> None:
    truth, decided = np.array([[0, 1], [1, 1], [1, 0]]), np.array([[0, 1], [1, 0], [0, 0]])
    recall = sk.recall_score(truth, decided, average=None)
    assert [s.recall.value for s in per_class_scores(truth, decided, 2)] == pytest.approx(recall)


def test_calibration_bins_add_up() -> None:
    generator = np.random.default_rng(0)
    claimed = generator.random(500)
    truth = (generator.random(500) < claimed).astype(np.int64)
    bins = calibration_bins(truth, AnsweredClasses(probabilities=np.column_stack([1 - claimed, claimed])))
    assert sum(b.n for b in bins) == 500
    assert all(b.low <= b.confidence <= b.high for b in bins)
    gap = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / 500
    probabilities = AnsweredClasses(probabilities=np.column_stack([1 - claimed, claimed]))
    assert gap == pytest.approx(plain("calibration_error", truth, probabilities))


def test_wilson_and_student_against_published_values() -> None:
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)  # Brown, Cai, DasGupta 2001
    assert wilson(0.9, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert wilson(1.0, 0) == (0.0, 1.0)
    for degrees, quantile in ((3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1e9, 1.960)):
        assert t_quantile(degrees) == pytest.approx(quantile, rel=0.01)


@pytest.mark.parametrize(
    ("task", "num_classes", "balance", "name"),
    [
        ("classify", 2, 0.5, "accuracy"),
        ("classify", 2, 0.24, "auc"),
        ("classify", 10, 0.09, "accuracy"),
        ("classify", 10, 0.01, "balanced_accuracy"),
        ("multilabel", 5, 0.5, "auc"),
        ("regress", 1, 0.5, "r2"),
    ],
)
def test_the_metric_that_decides(task: str, num_classes: int, balance: float, name: str) -> None:
    assert TASKS[task].answer.primary(num_classes, balance) == name


def test_the_best_on_validation_rows_is_never_a_failed_one_and_equals_go_by_log_loss() -> None:
    def result(name: str, accuracy: float | None, loss: float = 0.5) -> CandidateResult:
        scores = {"accuracy": accuracy, "log_loss": loss} if accuracy is not None else {}
        validation = {k: Score(value=v, low=v, high=v, n=9) for k, v in scores.items()}
        return CandidateResult(name=name, family="mlp", status="ok" if scores else "failed", validation=validation)

    assert best_on_validation([result("a", None)], "accuracy") is None
    best = best_on_validation(
        [result("a", None), result("b", 0.9, 0.4), result("c", 0.9, 0.3), result("d", 0.8)], "accuracy"
    )
    assert best is not None
    assert best.name == "c"
    best = best_on_validation([result("b", 0.9, 0.4), result("d", 0.8, 0.2)], "log_loss")
    assert best is not None
    assert best.name == "d"
