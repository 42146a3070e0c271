"""Parts of a received model that pass every check one by one and fail once they meet: refused on loading."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.series import SeriesState
from netpick.data.decoders import DECODERS
from netpick.disk.strict import RefusedError
from netpick.saved.trial import require_moderate, try_encoders, try_scores, try_task
from netpick.tasks import TASKS
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timesteps import Step
from netpick.tasks.regress import RegressState

SOUND = {"sample_rate": 8_000, "window": 256, "hop": 100, "frames": 10, "mels": 40, "range_db": 60.0}


def state(**changes: Any) -> ForecastState:
    one = ((1.0,),)
    made = ForecastState(
        targets=("sales",), time_columns=(), id_columns=(), ids=("",), step=Step(unit="row", size=1, anchor=0), horizon=2,
        context=4, season=1, log=(False,), location=one, scale=one, deviation=one, naive=one,
    )  # fmt: skip
    return replace(made, **changes)


def test_a_forecaster_whose_scale_overflows_is_refused() -> None:
    try_task(TASKS["forecast"], state())
    with pytest.raises(RefusedError, match="no finite values"):
        try_task(TASKS["forecast"], state(location=((float("inf"),),)))
    with pytest.raises(RefusedError, match=r"holds the number 1e\+300"):
        require_moderate({"location": [[1e300]]}, "its task")


def test_a_target_whose_units_overflow_is_refused() -> None:
    good = RegressState(names=("y",), mean=(1e20,), std=(1e10,))
    try_task(TASKS["regress"], good)
    with pytest.raises(RefusedError, match="no finite values"):
        try_task(TASKS["regress"], replace(good, mean=(float("nan"),)))


@pytest.mark.parametrize("change", [{"window": 3}, {"window": 1, "hop": 1}, {"mels": 0}, {"hop": 0}, {"range_db": 0.0}])
def test_a_way_to_read_sounds_that_fails_is_refused(change: dict[str, Any]) -> None:
    DECODERS["audio"].try_settings(SOUND)
    with pytest.raises((ValueError, LookupError, TypeError, ArithmeticError)):
        DECODERS["audio"].try_settings({**SOUND, **change})


def test_an_encoder_that_makes_numbers_that_are_not_finite_is_refused() -> None:
    good = Encoder(column="c", kind="series", state=SeriesState(length=4, mean=(0.0,), std=(1.0,), padded=True))
    try_encoders([good])
    with pytest.raises(RefusedError, match="column 'c' encodes its own sample"):
        try_encoders([replace(good, state=SeriesState(length=4, mean=(1e32,), std=(1e-8,), padded=True))])


@pytest.mark.parametrize("score", [{}, {"value": 1.0}, {"value": 1.0, "low": 0.0, "high": 1.0, "n": 3.0, "more": 1.0}])
def test_a_score_that_is_none_is_refused(score: dict[str, float]) -> None:
    with pytest.raises(RefusedError, match="'accuracy' is not a value"):
        try_scores({"accuracy": score})


def test_every_kind_can_be_tried() -> None:
    assert all(type(kind).sample is not None for kind in KINDS.values())
