"""What is kept back of a budget for the last training of the recommended forecaster."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from netpick.contest.newest import trainings_kept_back
from netpick.contest.prepare import FitOptions, prepare
from netpick.contest.training import MOST_GROWTH, growth
from netpick.training.plan import REFIT_SHARE


def test_what_is_kept_back_affords_the_steps_that_a_last_training_must_make() -> None:
    """A network that used its whole share needs as many steps a window, of more windows: half a share never afforded them."""
    hours = [datetime(2024, 1, 1) + timedelta(hours=hour) for hour in range(600)]
    load = 10 + np.sin(np.arange(600) * 2 * np.pi / 24)
    prepared = prepare(pl.DataFrame({"when": hours, "load": load}), FitOptions(target=("load",), horizon=6))
    assert prepared.newest is not None
    more = len(prepared.newest) / len(prepared.split.train)
    assert more > 1
    assert trainings_kept_back(prepared) > REFIT_SHARE * more


def test_the_many_windows_of_a_panel_take_no_steps_of_their_own() -> None:
    """Most of a panel's series begin behind what is learned from: four shares of eight were kept back for the last training."""
    assert growth(38_041, 9_341) == MOST_GROWTH
    assert growth(110, 100) == 1.1


def test_nothing_is_kept_back_where_nothing_learns_once_more() -> None:
    rows = pl.DataFrame({"x": np.arange(200) * 0.37 % 5, "y": [["no", "yes"][i % 2] for i in range(200)]})
    assert trainings_kept_back(prepare(rows, FitOptions(target=("y",)))) == 0
