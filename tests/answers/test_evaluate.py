"""Judging a contest: everyone's scores, comparisons, thresholds, and the verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netpick.answers import NUMBERS, ONE_CLASS, PLAIN
from netpick.answers.answered import AnsweredClasses, AnsweredLabels, AnsweredNumbers
from netpick.answers.compare import Resampler
from netpick.answers.evaluate import Contest, evaluate, judge
from netpick.answers.metrics import metrics_for
from netpick.tasks import TASKS
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult, DecisionRule


def answers(truth: Array, signal: float, num_classes: int, seed: int) -> Answered:
    generator = np.random.default_rng(seed)
    raw = generator.gamma(1.0, size=(len(truth), num_classes)) + signal * np.eye(num_classes)[truth]
    return AnsweredClasses(probabilities=raw / raw.sum(axis=1, keepdims=True))


def contest(num_classes: int = 3, n: int = 500, primary: str = "accuracy") -> Contest:
    generator = np.random.default_rng(0)
    validation, test = (generator.integers(0, num_classes, size) for size in (300, n))

    def entry(name: str, family: str, signal: float, seed: int) -> CandidateResult:
        return CandidateResult(
            name=name,
            family=family,
            status="ok",
            parameters=100,
            validation_predictions=answers(validation, signal, num_classes, seed),
            test_predictions=answers(test, signal, num_classes, seed + 1),
        )

    return Contest(
        answer=ONE_CLASS,
        task="classify",
        labels=[f"class {k}" for k in range(num_classes)],
        primary=primary,
        validation_truth=validation,
        test_truth=test,
        seed=0,
        candidates=[entry("mlp", "mlp", 1.0, 1), entry("cnn", "cnn", 3.0, 3)],
        baselines=[entry("majority", "baseline", 0.0, 5), entry("boosted trees", "baseline", 1.2, 7)],
    )


def test_a_contest_of_classes() -> None:
    judged = judge(contest())
    assert judged.verdict.winner == "cnn"
    assert judged.verdict.best_baseline == "boosted trees"
    assert judged.verdict.deep_learning_helps == "yes"
    assert judged.threshold is None
    assert judged.primary == "accuracy"
    assert [(c.a, c.b) for c in judged.comparisons] == [
        ("mlp", "cnn"),
        ("mlp", "majority"),
        ("mlp", "boosted trees"),
        ("cnn", "majority"),
        ("cnn", "boosted trees"),
    ]
    defined = [m.name for m in metrics_for(TASKS["classify"].answer.typed) if m.name != "cost"]  # none were given
    for result in (*judged.candidates, *judged.baselines):
        assert list(result.test) == defined
        assert all(s.low <= s.value <= s.high and s.n == 500 for s in result.test.values())
        assert all(s.n == 300 for s in result.validation.values())


def test_validation_rows_that_depend_on_each_other_count_as_one() -> None:
    plain, grouped = (
        judge(replace(contest(), validation_groups=groups)).candidates[0].validation["accuracy"]
        for groups in (None, np.arange(300) // 30)
    )
    assert plain.value == grouped.value
    assert grouped.high - grouped.low > plain.high - plain.low


def test_the_same_contest_is_judged_the_same() -> None:
    assert judge(contest()).comparisons == judge(contest()).comparisons


def test_two_classes_get_a_threshold_each_and_costs_move_it() -> None:
    plain, dear = judge(contest(2)), judge(replace(contest(2), cost={"fn": 10}))
    assert plain.threshold is not None
    assert dear.threshold is not None
    assert dear.threshold.value < plain.threshold.value
    assert set(plain.thresholds) == {"mlp", "cnn", "majority", "boosted trees"}
    assert plain.threshold == plain.thresholds[plain.verdict.winner or ""]
    assert dear.threshold.positive == "class 1"
    assert (plain.primary, dear.primary) == ("accuracy", "auc")  # thresholds of unequal costs give accuracy away
    assert {c.metric for c in dear.comparisons} == {"auc"}
    assert "ROC AUC" in dear.verdict.sentence
    recalls = [next(c for c in j.candidates if c.name == "cnn").test["recall"].value for j in (plain, dear)]
    assert recalls[1] > recalls[0]


def test_predictions_that_are_no_numbers_make_a_failed_result() -> None:
    asked = contest()
    broken = replace(asked.candidates[1], test_predictions=AnsweredClasses(probabilities=np.full((500, 3), np.nan)))
    judged = judge(replace(asked, candidates=[asked.candidates[0], broken]))
    assert [c.status for c in judged.candidates] == ["ok", "failed"]
    assert judged.candidates[1].reason == "Its predictions for the test rows hold values that are no numbers."
    assert (judged.verdict.winner, judged.verdict.best_network) == ("boosted trees", "mlp")
    assert all("cnn" not in (c.a, c.b) for c in judged.comparisons)


def test_nothing_trained() -> None:
    asked = contest()
    failed = [replace(c, status="failed", reason="out of memory", test_predictions=None) for c in asked.candidates]
    judged = judge(replace(asked, candidates=failed))
    assert (judged.verdict.winner, judged.verdict.best_network) == ("boosted trees", None)
    assert [(c.a, c.b) for c in judged.comparisons] == [("majority", "boosted trees")]


def test_test_rows_of_one_class_are_judged_by_what_is_defined() -> None:
    asked = contest(2, primary="auc")
    judged = judge(replace(asked, test_truth=np.zeros(500, dtype=np.int64)))
    assert judged.primary == "accuracy"
    assert "auc" not in judged.candidates[0].test
    assert judged.verdict.winner is not None


def test_a_network_that_had_hardly_begun_to_learn_is_not_ranked_unless_it_leads() -> None:
    asked = contest()
    hasty = replace(asked.candidates[1], steps=42)
    judged = judge(replace(asked, candidates=[asked.candidates[0], hasty], passes={"mlp": 0.5, "cnn": 0.8}))
    assert [c.ranked for c in judged.candidates] == [
        False,
        True,
    ]  # too little training makes none look better than it is
    steady = replace(hasty, steps=4000)
    judged = judge(replace(asked, candidates=[asked.candidates[0], steady], passes={"mlp": 12.0, "cnn": 0.8}))
    assert [c.ranked for c in judged.candidates] == [True, True]


@pytest.mark.parametrize("n", [1, 2, 4])
def test_very_few_rows(n: int) -> None:
    judged = judge(contest(2, n=n))
    assert judged.verdict.deep_learning_helps == "unclear"
    assert all(np.isfinite([s.low, s.high]).all() for c in judged.candidates for s in c.test.values())
    assert all(np.isfinite([c.low, c.high]).all() and c.verdict == "tie" for c in judged.comparisons)


def test_numbers() -> None:
    generator = np.random.default_rng(0)
    validation, test = generator.normal(size=(200, 2)), generator.normal(size=(300, 2))

    def entry(name: str, noise: float) -> CandidateResult:
        parts = [
            AnsweredNumbers(values=truth + noise * generator.normal(size=truth.shape)) for truth in (validation, test)
        ]
        return CandidateResult(
            name=name, family="mlp", status="ok", validation_predictions=parts[0], test_predictions=parts[1]
        )

    judged = judge(
        Contest(
            answer=NUMBERS,
            task="regress",
            labels=("a", "b"),
            primary="r2",
            validation_truth=validation,
            test_truth=test,
            seed=0,
            candidates=[entry("mlp", 0.3), entry("rnn", 0.5)],
            baselines=[entry("linear", 0.32)],
        )
    )
    assert judged.verdict.winner == "mlp"
    assert list(judged.candidates[0].test) == ["r2", "rmse", "mae", "mse"]
    assert judged.thresholds == {}


def test_deciding() -> None:
    two = AnsweredClasses(probabilities=np.array([[0.8, 0.2], [0.4, 0.6]]))
    assert TASKS["classify"].answer.decide(two).tolist() == [0, 1]  # type: ignore[union-attr]
    assert TASKS["classify"].answer.decide(two, DecisionRule(threshold=0.2)).tolist() == [1, 1]  # type: ignore[union-attr]
    assert TASKS["classify"].answer.decide(two, DecisionRule(threshold=0.7)).tolist() == [0, 0]  # type: ignore[union-attr]
    assert TASKS["multilabel"].answer.decide(AnsweredLabels(probabilities=two.probabilities)).tolist() == [
        [1, 0],
        [0, 1],
    ]  # type: ignore[union-attr]
    three = AnsweredClasses(probabilities=np.array([[0.1, 0.2, 0.7]]))
    assert TASKS["classify"].answer.decide(three, DecisionRule(threshold=0.1)).tolist() == [2]  # type: ignore[union-attr]
    assert TASKS["regress"].answer.decide(AnsweredNumbers(values=np.ones((2, 1)))) is None


def test_only_metrics_of_the_task_that_are_defined_are_scored() -> None:
    truth = np.zeros(5, dtype=np.int64)
    scores = evaluate(
        TASKS["classify"].answer,
        truth,
        answers(truth, 1.0, 2, 0),
        PLAIN,
        metrics_for(TASKS["classify"].answer.typed),
        Resampler(5, 0),
    )
    assert "auc" not in scores
    assert "f1_weighted" not in scores
    assert "accuracy" in scores
    assert "r2" not in evaluate(
        TASKS["classify"].answer,
        truth,
        answers(truth, 1.0, 2, 0),
        PLAIN,
        metrics_for(TASKS["regress"].answer.typed),
        Resampler(5, 0),
    )
