"""The curves and counts behind the report's pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import binary, images, multilabel, regression, tiny

from netpick.answers.answered import AnsweredClasses
from netpick.answers.metrics import METRICS
from netpick.report import measures, standings
from netpick.report.labels import Box, place_labels

scored_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8).map(lambda k: k / 8)), min_size=2, max_size=60)


@given(scored_rows)
def test_areas_equal_the_metrics(rows: list[tuple[int, float]]) -> None:
    truth = np.array([r[0] for r in rows])
    score = np.array([r[1] for r in rows])
    curve, found = measures.roc(truth, score), measures.precision_recall(truth, score)
    both = 0 < truth.sum() < len(truth)
    assert (curve is not None) == both
    assert (found is not None) == bool(truth.sum())
    if both and curve and found:
        predictions = AnsweredClasses(probabilities=np.stack([1 - score, score], axis=1))
        ones = np.ones((1, len(truth)))
        assert curve.area == pytest.approx(float(METRICS["auc"].values(truth, predictions, ones, None)[0]))
        assert found.area == pytest.approx(
            float(METRICS["average_precision"].values(truth, predictions, ones, None)[0])
        )
        assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)


def test_a_curve_of_many_rows_is_thinned() -> None:
    random = np.random.default_rng(0)
    curve = measures.roc(random.integers(0, 2, 5000), random.random(5000))
    assert curve is not None
    assert len(curve.x) == len(curve.y) == 300
    assert (np.diff(curve.x) >= 0).all()


def test_a_threshold_trades_one_mistake_for_the_other() -> None:
    truth, score = np.array([1, 1, 0, 0, 1]), np.array([0.9, 0.4, 0.6, 0.1, 0.5])
    half, low = measures.trade(truth, score, 0.5), measures.trade(truth, score, 0.3)
    assert (half.false_negatives, half.false_positives) == (1, 1)
    assert (low.false_negatives, low.false_positives) == (0, 1)
    assert (low.recall, low.precision) == (1.0, 0.75)
    assert np.isnan(measures.trade(np.zeros(2), np.zeros(2), 0.5).recall)


def test_decisions_follow_the_threshold_the_largest_probability_or_half() -> None:
    two = binary(200)
    probability = measures.probabilities_of(two.candidates[0])[:, 1]
    assert two.threshold is not None
    assert (measures.decided(two, two.candidates[0]) == (probability >= two.threshold.value)).all()
    many = images(300, 10)
    assert (measures.decided(many, many.candidates[0]) == measures.probabilities_of(many.candidates[0]).argmax(1)).all()
    labels = multilabel(50)
    assert measures.decided(labels, labels.candidates[0]).shape == (50, 6)


def test_the_worst_mistakes_are_mistakes_and_the_surest_stand_first() -> None:
    many = images(2000, 10)
    entry = many.candidates[5]
    choice, probability = measures.decided(many, entry), measures.probabilities_of(entry)
    worst = measures.worst_classified(many.test_truth, choice, probability, 12)
    sure = probability[worst, choice[worst]]
    assert (many.test_truth[worst] != choice[worst]).all()
    assert (np.diff(sure) <= 0).all()
    wrong = many.test_truth != choice
    assert sure[0] == probability[wrong].max(axis=1).max()


def test_worst_labels_and_values() -> None:
    truth, said = np.array([[1, 0], [0, 0], [1, 1]]), np.array([[0.1, 0.2], [0.3, 0.4], [0.9, 0.45]])
    found = measures.worst_labels(truth, (said >= 0.5).astype(np.int64), said, 5)
    assert found.tolist() == [[0, 0], [2, 1]]
    assert measures.worst_values(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.0, 9.0]), 2).tolist() == [2, 0]


def test_calibration_bins_hold_all_rows() -> None:
    bins = measures.calibration(np.array([0, 1, 1, 1]), np.array([0.05, 0.95, 1.0, 0.31]))
    assert bins.count.sum() == 4
    assert bins.confidence[-1] == pytest.approx(0.975)
    assert bins.observed[-1] == 1.0


def test_a_sample_is_the_same_each_time() -> None:
    assert measures.sample(3, 5).tolist() == [0, 1, 2]
    assert (measures.sample(10_000, 50) == measures.sample(10_000, 50)).all()
    assert len(set(measures.sample(10_000, 50))) == 50


# --- standings -------------------------------------------------------------------------------------------------------


def test_standings_are_by_score_and_the_failed_stand_last() -> None:
    run = images(500, 10)
    order = standings.standings(run)
    values = [s.value for e in order if (s := standings.primary(run, e)) is not None]
    assert values == sorted(values, reverse=True)
    assert order[-1].status == "failed"
    assert standings.shown_in_detail(run) is run.candidates[0]


def test_a_hopeless_baseline_does_not_flatten_the_picture() -> None:
    low, high = standings.visible_range(images(2000, 10))
    assert 0.5 < low < 0.95
    assert standings.clamped("accuracy", (low, high))[1] <= 1.0


def test_lower_is_better_turns_the_order() -> None:
    assert standings.higher_is_better("auc")
    assert not standings.higher_is_better("rmse")
    assert standings.metric_word("accuracy") == "accuracy"
    assert standings.metric_word("auc") == "ROC AUC"
    assert standings.metric_label("made_up") == "made up"
    assert standings.best_baseline(regression(1, 50)).name == "boosted trees"  # type: ignore[union-attr]
    assert standings.primary(tiny(), tiny().candidates[1]) is None


# --- names beside points ---------------------------------------------------------------------------------------------


def test_names_do_not_cover_each_other_where_there_is_room() -> None:
    frame = Box(left=0, top=0, right=800, bottom=300)
    points = [(400.0, 100.0, 5.0), (404.0, 108.0, 5.0), (410.0, 140.0, 5.0), (790.0, 20.0, 5.0)]
    names = ["transformer", "rnn[cell=gru]", "mlp", "boosted trees"]
    chosen = place_labels(names, points, frame)
    boxes = []
    for name, (x, y, _), label in zip(names, points, chosen, strict=True):
        width = len(name) * 6.6
        left = x + label.x - {"left": 0.0, "center": width / 2, "right": width}[label.anchor]
        boxes.append(Box(left=left, right=left + width, top=y + label.y - 7.5, bottom=y + label.y + 7.5))
    assert all(a.overlap(b) == 0 for i, a in enumerate(boxes) for b in boxes[:i])
    assert chosen[3].anchor == "right"  # at the right edge the name goes to the left
