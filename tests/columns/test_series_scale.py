"""Series whose scales lie powers of ten apart are each brought to their own."""

from __future__ import annotations

import numpy as np
import pytest

from netpick.columns.kinds.series import Series, SeriesState
from netpick.types import Array, ArrayColumn

KIND = Series()
ROWS, STEPS = 60, 40


def column(values: Array, lengths: Array | None = None) -> ArrayColumn:
    return ArrayColumn(name="series", values=values.astype(np.float32), kind="series", lengths=lengths)


@pytest.fixture
def curves() -> Array:
    generator = np.random.default_rng(2)
    phase = generator.uniform(0, 6, (ROWS, 1, 2))
    return np.asarray(np.sin(np.arange(STEPS)[None, :, None] / 4 + phase) * [1.0, 30.0])


def test_like_scales_stay_as_they_are(curves: Array) -> None:
    state: SeriesState = KIND.fit(column(curves), np.arange(ROWS))
    assert not state.own_scale
    assert KIND.notes("series", state) == ()


def test_scales_over_six_decades_do_not_count(curves: Array) -> None:
    factors = 10 ** np.random.default_rng(3).uniform(-3, 3, (ROWS, 1, 1))
    state = KIND.fit(column(curves * factors), np.arange(ROWS))
    assert state.own_scale
    assert state.decades > 4
    plain = KIND.encode(column(curves), state)
    assert np.allclose(KIND.encode(column(curves * factors), state), plain, atol=1e-3)
    assert "powers of ten apart" in KIND.notes("series", state)[0].text
    # The second channel is thirty times as large in every series, which the usual deviation of a channel takes care of.
    assert np.allclose(plain[..., 0].std(axis=1), plain[..., 1].std(axis=1), rtol=0.2)


def test_padding_and_gaps_are_left_out(curves: Array) -> None:
    factors = 10 ** np.random.default_rng(3).uniform(-3, 3, (ROWS, 1, 1))
    values = curves * factors
    lengths = np.full(ROWS, STEPS - 5, np.int32)
    values[:, -5:] = 1e6
    values[0, 3, 0] = np.nan
    state = KIND.fit(column(values, lengths), np.arange(ROWS))
    encoded = KIND.encode(column(values, lengths), state)
    assert np.isfinite(encoded).all()
    assert (encoded[:, -5:] == 0).all()
    assert np.abs(encoded).max() < 10


def test_a_series_that_stands_still_is_zero(curves: Array) -> None:
    factors = 10 ** np.random.default_rng(3).uniform(-3, 3, (ROWS, 1, 1))
    state = KIND.fit(column(curves * factors), np.arange(ROWS))
    still = np.full((1, STEPS, 2), 7.0)
    assert (KIND.encode(column(still), state) == 0).all()
