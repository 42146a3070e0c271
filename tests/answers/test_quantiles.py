"""Quantiles of choice: calibrated on validation windows, in order, averaged by blends, and the same wherever they are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from netpick.answers import HORIZON, PLAIN
from netpick.answers.answered import averaged
from netpick.answers.metrics import METRICS
from netpick.answers.quantiles import around_median, band, conformal_reach, conformal_stretch, quantile_names
from netpick.errors import RequestError
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.state import FORECAST, ForecastState
from netpick.tasks.forecast.stated import beyond_validation, with_stated
from netpick.types import Array, Note, TableColumn

LEVELS = (0.05, 0.25, 0.5, 0.99)


def state_of(**changes: object) -> ForecastState:
    columns = [TableColumn(name="y", values=pl.Series("y", np.arange(20.0)))]
    return replace(FORECAST.fit(columns, np.arange(20)), **changes)


def noise(n: int, seed: int) -> tuple[Array, Array]:
    """Answers (n, 5) whose quantiles are half as far from the median as they should be, and the truth (n, 1)."""
    generator = np.random.default_rng(seed)
    swing = generator.uniform(0.5, 2.0, n)
    middle = generator.normal(size=n)
    answers = np.stack([middle + 3, middle - 0.64 * swing, middle, middle + 0.64 * swing, np.zeros(n)], axis=1)
    return answers, (middle + swing * generator.normal(size=n))[:, None]


def calibrated(state: ForecastState) -> ForecastState:
    answers, truth = noise(2_000, 0)
    return replace(
        state, stretch=conformal_stretch(answers, truth, state), reach=conformal_reach(answers, truth, state)
    )


def test_new_values_lie_below_each_quantile_as_often_as_it_says() -> None:
    state = calibrated(state_of(quantiles=LEVELS))
    answers, _ = noise(20_000, 1)
    _, truth = noise(20_000, 1)
    said = HORIZON.decode(answers, state)
    assert said.chosen is not None
    from netpick.answers.horizon import unscaled

    true = unscaled(truth, np.zeros(len(truth), dtype=np.int64), state)
    below = (true[:, :, None] <= said.chosen).mean(axis=(0, 1))
    assert below == pytest.approx(LEVELS, abs=0.015)
    assert (np.diff(said.chosen, axis=-1) >= 0).all()
    inside = METRICS["coverage_80"].values(true, said, np.ones((1, len(true))), None)
    assert inside[0] == pytest.approx(0.8, abs=0.015), "that of 80 % is there whatever was asked for"


def test_the_quantile_loss_counts_those_that_were_asked_for() -> None:
    state = calibrated(state_of(quantiles=(0.9,)))
    answers, truth = noise(50, 3)
    said = HORIZON.decode(answers, state)
    assert said.chosen is not None
    true = 20 + truth
    missed = true - said.chosen[..., 0]
    loss = 2 * np.maximum(0.9 * missed, -0.1 * missed).sum() / np.abs(true).sum()
    assert METRICS["wql"].values(true, said, np.ones((1, 50)), None)[0] == pytest.approx(loss)


def test_before_calibration_they_lie_as_those_of_a_normal_distribution() -> None:
    answers, _ = noise(4, 0)
    said = HORIZON.decode(answers, state_of(quantiles=(0.1, 0.5, 0.9, 0.975)))
    assert said.quantiles is not None
    assert said.chosen is not None
    assert said.chosen[..., :3] == pytest.approx(said.quantiles)
    ratio = (said.chosen[..., 3] - said.chosen[..., 1]) / (said.chosen[..., 2] - said.chosen[..., 1])
    assert ratio == pytest.approx(1.96 / 1.2816, rel=1e-3)


def test_a_blend_states_the_average_of_its_members_quantiles() -> None:
    plain = state_of(quantiles=LEVELS, point="median")
    answers, _ = noise(30, 5)
    one = HORIZON.decode(answers, calibrated(plain))
    other = HORIZON.decode(answers + np.array([1.0, 1.0, 1.0, 1.0, 0.0]), calibrated(plain))
    both = averaged([one, other], [0.25, 0.75])
    again = HORIZON.decode(HORIZON.restated(both, answers, plain), plain)
    for field in ("values", "quantiles", "chosen", "levels"):
        assert vars(again)[field] == pytest.approx(vars(both)[field]), field


@pytest.mark.parametrize("point", ["mean", "median"])
def test_tables_hold_the_point_forecast_and_the_quantiles_by_name(point: str) -> None:
    state = calibrated(state_of(quantiles=LEVELS, point=point))
    answers, _ = noise(6, 2)
    table = HORIZON.tensors(HORIZON.decode(answers, state), ("y",), PLAIN)
    assert list(table) == ["prediction", "q0.05", "q0.25", "q0.5", "q0.99"]
    assert [spec.name for spec in HORIZON.tensor_specs(("y",), state)][1:] == list(table)
    assert (table["prediction"] == table["q0.5"]).all() == (point == "median")


def test_names_and_the_band() -> None:
    assert quantile_names(()) == ("low", "median", "high")
    assert band(()) == ("low", "high", pytest.approx(0.8))
    assert band((0.025, 0.5, 0.975)) == ("q0.025", "q0.975", pytest.approx(0.95))
    assert around_median((0.025, 0.975)) == (0.025, 0.975)
    assert around_median((0.9, 0.95)) == around_median((0.1, 0.5)) == around_median(()) == ()


def test_they_are_sorted_said_and_refused() -> None:
    notes: list[Note] = []
    state = with_stated(state_of(), ExampleRequest(quantiles=(0.9, 0.05, 0.9), point="median"), notes)
    assert state.quantiles == (0.05, 0.9)
    assert [note.override for note in notes] == ["--point", "--quantiles"]
    with pytest.raises(RequestError, match=r"The quantile 95 was asked for, but quantiles are .* --quantiles 0.05,0.5"):
        with_stated(state_of(), ExampleRequest(quantiles=(0.05, 95.0)), [])
    with pytest.raises(RequestError, match=r"A point forecast 'mode' is unknown\. Pass --point mean or --point median"):
        with_stated(state_of(), ExampleRequest(point="mode"), [])  # type: ignore[arg-type]


def test_what_few_validation_windows_cannot_tell_is_said() -> None:
    far = beyond_validation(state_of(quantiles=(0.001, 0.5)), 200)
    assert far is not None
    assert "0.001 cannot be told from so few validation windows (200)" in far.text
    assert beyond_validation(state_of(quantiles=(0.05, 0.5)), 200) is None
