"""Costs of mistakes: read from words and files, refused where they cannot be, and decisions that cost least."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_evaluate import contest

from netpick.answers import NUMBERS, ONE_CLASS
from netpick.answers.answered import AnsweredClasses
from netpick.answers.classes import least_cost
from netpick.answers.compare.costs import cost_matrix, given_costs, read_cost_words
from netpick.answers.evaluate import Contest, judge
from netpick.answers.metrics import METRICS, metric_of
from netpick.errors import RequestError
from netpick.types import Array
from netpick.types.results import Answered, DecisionRule

ANIMALS = ("cat", "dog", "eel")


def test_words_of_costs() -> None:
    assert read_cost_words(["fn=10"]) == {"fn": 10.0}
    assert read_cost_words(["fn=10,fp=2"]) == {"fn": 10.0, "fp": 2.0}
    assert read_cost_words(["cat>dog=5", "dog > cat = 0.5"]) == {"cat>dog": 5.0, "dog > cat": 0.5}


def test_a_matrix_has_ones_where_nothing_was_said() -> None:
    made = cost_matrix({"cat>dog": 5, "dog > cat": 0}, ANIMALS)
    assert made is not None
    assert made.tolist() == [[0, 5, 1], [0, 0, 1], [1, 1, 0]]
    assert cost_matrix({}, ANIMALS) is None
    two = cost_matrix({"fn": 10, "fp": 2}, ("healthy", "ill"))
    assert two is not None
    assert two.tolist() == [[0, 2], [10, 0]]


def test_classes_whose_names_hold_the_sign_itself() -> None:
    made = cost_matrix({"<=50K>>50K": 3}, ("<=50K", ">50K"))
    assert made is not None
    assert made.tolist() == [[0, 3], [1, 0]]


def test_a_file_with_a_matrix(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    path.write_text("true,eel,cat,dog\ncat,2,0,5\ndog,3,4,0\neel,,6,7\n")
    made = cost_matrix(read_cost_words([str(path)]), ANIMALS)
    assert made is not None
    assert made.tolist() == [[0, 5, 2], [4, 0, 3], [6, 7, 0]]
    semicolons = tmp_path / "german.csv"
    semicolons.write_text(";a;b\na;0;2\nb;1.5;0\n")
    assert read_cost_words([str(semicolons)]) == {"a>b": 2.0, "b>a": 1.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fx=3", r"The cost 'fx=3' cannot be read\. Pass fn=NUMBER .* 'TRUE>CALLED=NUMBER' for any"),
        ("cat>dog=much", r"--cost cat>dog=much: 'much' is not a cost\. Pass a number from 0 to 1,000,000"),
        ("fn=-1", r"'-1' is not a cost"),
        ("fn=nan", r"'nan' is not a cost"),
        ("missing.csv", r"The costs 'missing\.csv' cannot be read as a file\. Pass a CSV file"),
    ],
)
def test_words_that_are_no_costs(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_cost_words([text])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", r"is not a matrix of costs: its first row names 'b', its first column '1'"),
        (",a,b\na,0,1\nb,1\n", r"row 'b' has 1 costs, but there are 2 classes"),
        (",a,b\na,0,x\nb,1,0\n", r"row 'a', column 'b': 'x' is not a cost"),
        ("", r"its first row names no classes, its first column none"),
    ],
)
def test_files_that_hold_no_costs(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(content)
    with pytest.raises(RequestError, match=message):
        read_cost_words([str(path)])


@pytest.mark.parametrize(
    ("cost", "labels", "message"),
    [
        (
            {"catt>dog": 5},
            ANIMALS,
            r"names 'catt', but there is no such class in the target\. Did you mean cat\? Known: cat, dog, eel\.",
        ),
        ({"fn": 5}, ANIMALS, r"The cost 'fn' is for two classes, but the target has 3: .* Pass --cost 'cat>eel=5'"),
        ({"fm": 1}, ("a", "b"), r"There is no cost 'fm'\."),
        ({"fn": 0}, ("a", "b"), r"One of the two mistakes costs 0"),
        ({"fn": -1}, ("a", "b"), r"The cost fn=-1 cannot be used; it must be from 0"),
        ({"cat>cat": 1}, ANIMALS, r"is that of a right answer, which costs nothing"),
    ],
)
def test_costs_that_do_not_fit_the_classes(cost: dict[str, float], labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        cost_matrix(cost, labels)


def test_costs_need_classes() -> None:
    assert given_costs(NUMBERS, "regress", {}, ("y",)) is None
    with pytest.raises(RequestError, match=r"they are for a target of classes, and the task is regress"):
        given_costs(NUMBERS, "regress", {"fn": 2}, ("y",))


def test_the_decision_costs_least_on_average() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.5, 0.5, 0.0]])
    costs = np.array([[0.0, 1.0, 1.0], [9.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert least_cost(probabilities, costs).tolist() == [1, 2, 1]
    plain = 1 - np.eye(3)
    assert least_cost(probabilities, plain).tolist() == probabilities.argmax(axis=1).tolist()
    rule = DecisionRule(costs=costs.tolist())
    assert ONE_CLASS.decide(AnsweredClasses(probabilities=probabilities), rule).tolist() == [1, 2, 1]  # type: ignore[union-attr]


def honest(given: Contest) -> Contest:
    """The contest with truth drawn from the probabilities of its last candidate, and that one alone."""
    random = np.random.default_rng(1)
    last = given.candidates[-1]

    def drawn(predictions: Answered | None) -> Array:
        assert predictions is not None
        assert predictions.probabilities is not None
        share = random.random((len(predictions.probabilities), 1))
        return np.asarray((predictions.probabilities.cumsum(axis=1) > share).argmax(axis=1))

    return replace(
        given,
        candidates=[last],
        validation_truth=drawn(last.validation_predictions),
        test_truth=drawn(last.test_predictions),
    )


def test_a_contest_with_costs_is_decided_by_them_and_they_are_lower_than_without() -> None:
    """Of three classes, by probabilities that are right."""
    dear = judge(replace(honest(contest(3)), cost={"class 0>class 1": 20}))
    assert dear.primary == "cost"
    assert dear.costs is not None
    assert dear.costs[0][1] == 20
    assert "costs least" in dear.decision
    metric = metric_of("cost", dear.costs)
    for result in dear.candidates:
        score = result.test["cost"]
        assert score.low <= score.value <= score.high
        assert result.test_predictions is not None
        assert result.test_predictions.probabilities is not None
        likeliest = result.test_predictions.probabilities.argmax(axis=1)
        truth = honest(contest(3)).test_truth
        plain = metric.values(truth, result.test_predictions, np.ones((1, len(truth))), likeliest)[0]
        assert score.value < plain
    assert "cost" not in judge(contest(3)).candidates[0].test
    assert not METRICS["cost"].applies(np.zeros(3), AnsweredClasses(probabilities=np.ones((3, 2)) / 2))


def test_two_classes_have_a_threshold_and_their_cost_is_scored() -> None:
    judged = judge(replace(contest(2), cost={"class 1>class 0": 10}))
    same = judge(replace(contest(2), cost={"fn": 10}))
    assert judged.thresholds["cnn"] == same.thresholds["cnn"]
    assert judged.thresholds["cnn"].cost_fn == 10
    assert judged.candidates[1].test["cost"] == same.candidates[1].test["cost"]
    assert judged.decision == ""
