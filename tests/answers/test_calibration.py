"""Calibration: it undoes what distorts probabilities, keeps their order, and leaves alone what few rows cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from netpick.answers.answered import AnsweredClasses
from netpick.answers.calibration import Calibration, Curve, calibrate_classes, calibrate_labels, log_odds_of
from netpick.answers.metrics import METRICS
from netpick.tasks import TASKS
from netpick.tasks.classify import ClassifyState
from netpick.tasks.multilabel import MultilabelState
from netpick.types import Array


def drawn_classes(rows: int, classes: int, seed: int, sharpness: float) -> tuple[Array, Array]:
    """Probabilities whose logarithms are `sharpness` times the true ones, and truth drawn from the true ones."""
    random = np.random.default_rng(seed)
    logs = 2.5 * random.normal(size=(rows, classes))
    true = softmax(logs)
    truth = (true.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)
    return softmax(sharpness * logs), truth


def softmax(logs: Array) -> Array:
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def score(metric: str, truth: Array, probabilities: Array) -> float:
    predictions = AnsweredClasses(probabilities=probabilities)
    return float(METRICS[metric].values(truth, predictions, np.ones((1, len(truth))), None)[0])


@pytest.mark.parametrize("sharpness", [0.4, 1.6])
def test_a_temperature_undoes_too_much_and_too_little_confidence(sharpness: float) -> None:
    """0.4 is what label smoothing does: right, but not saying so."""
    stated, truth = drawn_classes(6000, 4, 0, sharpness)
    made = calibrate_classes(stated[:2000], truth[:2000])
    assert made is not None
    assert made.temperature == pytest.approx(sharpness, rel=0.1)
    after = made.of_classes(stated[2000:])
    assert score("calibration_error", truth[2000:], after) < 0.02
    assert score("calibration_error", truth[2000:], stated[2000:]) > 0.05
    assert (after.argmax(axis=1) == stated[2000:].argmax(axis=1)).all()
    assert after.sum(axis=1) == pytest.approx(np.ones(4000))


def test_two_classes_get_a_line_that_undoes_a_shift_too() -> None:
    random = np.random.default_rng(1)
    odds = 1.5 * random.normal(size=8000)
    truth = (random.random(8000) < sigmoid(odds)).astype(np.int64)
    stated = sigmoid(0.5 * odds - 1.0)
    both = np.stack([1 - stated, stated], axis=1)
    made = calibrate_classes(both[:900], truth[:900])
    assert made is not None
    assert made.method == "Platt"
    assert made.curves[0].slope == pytest.approx(2, rel=0.15)
    assert made.curves[0].offset == pytest.approx(2, rel=0.15)
    assert score("calibration_error", truth[900:], made.of_classes(both[900:])) < 0.03


def test_bends_are_learned_where_no_line_fits_and_keep_the_order() -> None:
    """Stated log-odds that are squeezed above and stretched below."""
    random = np.random.default_rng(2)
    odds = 2 * random.normal(size=12000)
    truth = (random.random(12000) < sigmoid(odds)).astype(np.int64)
    stated = sigmoid(np.where(odds > 0, 0.25 * odds, 3 * odds))
    both = np.stack([1 - stated, stated], axis=1)
    made = calibrate_classes(both[:6000], truth[:6000])
    assert made is not None
    assert made.method == "isotonic"
    after = made.of_classes(both[6000:])
    assert score("calibration_error", truth[6000:], after) < 0.02
    assert score("auc", truth[6000:], after) == score("auc", truth[6000:], both[6000:])


@pytest.mark.parametrize("rows", [25, 60, 150, 400])
@pytest.mark.parametrize("classes", [2, 5])
def test_few_rows_do_not_make_new_rows_worse(rows: int, classes: int) -> None:
    """Probabilities that are right already, over many draws: what calibration takes is next to nothing."""
    lost = []
    for seed in range(40):
        stated, truth = drawn_classes(rows + 2000, classes, seed, 1.0)
        made = calibrate_classes(stated[:rows], truth[:rows])
        after = stated if made is None else made.of_classes(stated)
        lost.append(score("log_loss", truth[rows:], after[rows:]) - score("log_loss", truth[rows:], stated[rows:]))
    assert np.mean(lost) < 1.0 / rows
    assert np.max(lost) < 12.0 / rows


@pytest.mark.parametrize("rows", [25, 100])
def test_rows_that_are_all_right_do_not_make_a_model_certain(rows: int) -> None:
    stated = np.full((rows, 3), 0.1)
    truth = np.arange(rows) % 3
    stated[np.arange(rows), truth] = 0.8
    made = calibrate_classes(stated, truth)
    assert made is not None
    assert 0.8 < made.of_classes(stated).max() < 1 - 0.1 / rows


def test_what_says_nothing_stays_as_it_is() -> None:
    constant = np.tile([0.7, 0.3], (200, 1))
    truth = (np.arange(200) % 10 < 3).astype(np.int64)
    assert calibrate_classes(constant, truth) is None
    assert calibrate_classes(constant[:10], truth[:10]) is None
    assert calibrate_classes(np.tile([[0.3, 0.7], [0.6, 0.4]], (50, 1)), np.ones(100, dtype=np.int64)) is None


def test_labels_are_calibrated_one_by_one() -> None:
    random = np.random.default_rng(3)
    odds = 2 * random.normal(size=(5000, 3))
    truth = (random.random((5000, 3)) < sigmoid(odds)).astype(np.int8)
    stated = sigmoid(odds * np.array([0.4, 1.0, 2.5]))
    made = calibrate_labels(stated[:2000], truth[:2000])
    assert made is not None
    slopes = [curve.slope for curve in made.curves]
    assert slopes == pytest.approx([2.5, 1.0, 0.4], rel=0.15)
    assert score("calibration_error", truth[2000:], made.of_labels(stated[2000:])) < 0.02


def test_certain_probabilities_are_finite() -> None:
    made = Calibration(curves=(Curve(slope=1.5, offset=0.2, at=(0.0, 1.0), bends=(0.5, -1.0)),))
    certain = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    after = made.of_classes(certain)
    assert np.isfinite(after).all()
    assert after.sum(axis=1) == pytest.approx(np.ones(3))
    assert after[0, 1] > after[2, 1] > after[1, 1]
    assert np.isfinite(log_odds_of(certain)).all()


@pytest.mark.parametrize(
    ("state", "stated"),
    [
        (ClassifyState(labels=("a", "b", "c"), variants={}, calibration=Calibration(temperature=0.6)), (5, 3)),
        (
            ClassifyState(labels=("a", "b"), variants={}, calibration=Calibration(curves=(Curve(slope=2.0),))),
            (5, 2),
        ),
        (
            MultilabelState(
                labels=("a", "b"),
                one_column=True,
                delimiter="|",
                calibration=Calibration(curves=(Curve(), Curve(offset=1.0))),
            ),
            (5, 2),
        ),
    ],
)
def test_a_state_restores_and_decode_applies_it(
    state: ClassifyState | MultilabelState, stated: tuple[int, int]
) -> None:
    task = TASKS["classify" if isinstance(state, ClassifyState) else "multilabel"]
    restored = TypeAdapter(type(state)).validate_json(TypeAdapter(type(state)).dump_json(state))
    assert restored == state
    answers = np.random.default_rng(4).dirichlet(np.ones(stated[1]), stated[0]).astype(np.float32)
    made = task.answer.decode(answers, restored)
    assert made.probabilities is not None
    assert made.uncalibrated is not None
    assert made.uncalibrated == pytest.approx(answers)
    assert np.abs(made.probabilities - answers).max() > 0.01
    assert task.answer.calibration_words(state)


def test_states_of_older_files_have_no_calibration() -> None:
    state = TypeAdapter(ClassifyState).validate_json('{"labels": ["a", "b"], "variants": {}}')
    answers = np.array([[0.25, 0.75]], dtype=np.float32)
    made = TASKS["classify"].answer.decode(answers, state)
    assert (made.probabilities == answers).all()
    assert made.uncalibrated is None


@pytest.mark.parametrize(
    "text",
    [
        '{"temperature": 0.0}',
        '{"temperature": -1.0}',
        '{"temperature": 2.0, "curves": [{"slope": 1.0}]}',
        '{"curves": [{"slope": -1.0}]}',
        '{"curves": [{"slope": 1.0, "at": [0.0], "bends": [-1.0]}]}',
        '{"curves": [{"slope": 1.0, "at": [0.0], "bends": []}]}',
        '{"curves": [{"slope": 1.0, "power": 3}]}',
    ],
)
def test_a_calibration_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Calibration).validate_json(text)


def test_a_state_refuses_curves_of_another_number() -> None:
    curves = Calibration(curves=(Curve(slope=2.0),))
    with pytest.raises(ValidationError):
        ClassifyState(labels=("a", "b", "c"), variants={}, calibration=curves)
    with pytest.raises(ValidationError):
        MultilabelState(labels=("a", "b"), one_column=True, delimiter="|", calibration=curves)
