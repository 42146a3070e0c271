"""Intervals of regressions: they hold nine rows in ten, whatever the errors look like, and say so only where they can."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from netpick.answers.answered import AnsweredNumbers
from netpick.answers.conformal import Interval, interval_of
from netpick.tasks import TASKS
from netpick.tasks.regress import RegressState


def coverage(rows: int, seed: int, growing: bool) -> tuple[float, float, Interval]:
    """Coverage and mean width on 4,000 new rows of an interval from `rows` rows."""
    random = np.random.default_rng(seed)
    values = random.uniform(1, 20, rows + 4000)
    truth = values + random.standard_t(4, len(values)) * (0.1 * values if growing else 1.0)
    made = interval_of(values[:rows], truth[:rows])
    assert made is not None
    half = made.around(values[rows:])
    return float((np.abs(truth[rows:] - values[rows:]) <= half).mean()), float(2 * half.mean()), made


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("rows", [9, 30, 200, 1500])
def test_nine_in_ten_are_held_on_average(rows: int, growing: bool) -> None:
    held = [coverage(rows, seed, growing)[0] for seed in range(60)]
    assert 0.88 <= np.mean(held) <= (0.97 if rows < 30 else 0.93)


def test_widths_follow_the_prediction_where_errors_do() -> None:
    growing, constant = coverage(1500, 0, True), coverage(1500, 0, False)
    assert len(growing[2].at) > 1
    assert growing[2].around(np.array([19.0]))[0] > 3 * growing[2].around(np.array([2.0]))[0]
    assert len(constant[2].at) == 1


def test_too_few_rows_say_nothing() -> None:
    values = np.arange(8.0)
    assert interval_of(values, values + 1) is None
    assert interval_of(np.full(20, np.nan), np.arange(20.0)) is None


def test_equal_predictions_have_one_width() -> None:
    made = interval_of(np.full(300, 2.0), np.random.default_rng(0).normal(2, 1, 300))
    assert made is not None
    assert len(made.at) == 1
    perfect = interval_of(np.arange(300.0), np.arange(300.0))
    assert perfect is not None
    assert perfect.half == (0.0,)


def test_the_task_applies_what_it_learned_to_every_target() -> None:
    task = TASKS["regress"]
    state = RegressState(names=("a", "b"), mean=(1.0, -2.0), std=(2.0, 0.5))
    random = np.random.default_rng(1)
    values = random.normal(size=(400, 2))
    made = task.answer.calibrated(AnsweredNumbers(values=values), values + random.normal(size=(400, 2)) * [1, 5], state)
    restored = TypeAdapter(RegressState).validate_json(TypeAdapter(RegressState).dump_json(made))
    assert restored == made
    decoded = task.answer.decode(np.zeros((3, 2), dtype=np.float32), restored)
    assert decoded.values is not None
    assert decoded.low is not None
    assert decoded.high is not None
    width = decoded.high - decoded.low
    assert width[0, 0] == pytest.approx(2 * 1.645, rel=0.2)
    assert width[0, 1] == pytest.approx(10 * 1.645, rel=0.2)
    assert (decoded.values * 2) == pytest.approx(decoded.low + decoded.high)
    assert "90%" in task.answer.calibration_words(made)


def test_states_of_older_files_have_no_interval() -> None:
    state = TypeAdapter(RegressState).validate_json('{"names": ["y"], "mean": [0.0], "std": [1.0]}')
    assert TASKS["regress"].answer.decode(np.zeros((2, 1), dtype=np.float32), state).low is None


@pytest.mark.parametrize(
    "text",
    [
        '{"at": [], "half": []}',
        '{"at": [1.0, 0.0], "half": [1.0, 1.0]}',
        '{"at": [0.0], "half": [-1.0]}',
        '{"at": [0.0], "half": [1.0, 2.0]}',
    ],
)
def test_an_interval_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Interval).validate_json(text)
