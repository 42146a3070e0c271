"""Where something is heard in a long recording."""

from __future__ import annotations

import itertools

import numpy as np

from netpick.data.decoders.sound_features import SoundSettings
from netpick.saved.events import divided, events_in
from netpick.types import Array

RATE = 8_000
SETTINGS = SoundSettings(sample_rate=RATE, window=200, hop=100, frames=80)  # reads a second


def recording(parts: list[tuple[float, float]], seconds: float = 10.0, noise: float = 1e-3) -> Array:
    """Tones of these starts and lengths, in a quiet room."""
    generator = np.random.default_rng(0)
    sound = generator.normal(0, noise, int(seconds * RATE))
    for start, length in parts:
        time = np.arange(int(length * RATE))
        sound[int(start * RATE) : int(start * RATE) + len(time)] += 0.5 * np.sin(time / 3)
    return np.asarray(sound, np.float32)


def starts_and_ends(parts: list[tuple[float, float]], **how: float) -> list[tuple[float, float]]:
    return [(start / RATE, end / RATE) for start, end in events_in(recording(parts, **how), RATE)]


def test_what_lies_between_pauses_is_one_event() -> None:
    parts = [(0.5, 0.4), (1.2, 0.3), (4.0, 0.5)]
    found = starts_and_ends(parts)
    assert len(found) == 3
    for (start, length), (begins, ends) in zip(parts, found, strict=True):
        assert abs(begins - start) < 0.06
        assert abs(ends - start - length) < 0.06


def test_a_short_gap_is_no_pause_and_a_click_no_event() -> None:
    assert len(starts_and_ends([(1.0, 0.3), (1.35, 0.3)])) == 1
    assert len(starts_and_ends([(1.0, 0.3), (5.0, 0.01)])) == 1


def test_a_recording_without_pauses_is_one_event() -> None:
    found = starts_and_ends([(0.0, 10.0)])
    assert len(found) == 1
    assert found[0][0] < 0.1
    assert found[0][1] > 9.9


def test_long_events_are_divided_to_what_the_model_reads() -> None:
    stretches = divided([(0, RATE), (2 * RATE, 5 * RATE)], SETTINGS)
    assert (stretches[0].start, stretches[0].end) == (0, RATE)
    rest = [one for one in stretches if one.event == 1]
    assert rest[0].start == 2 * RATE
    assert rest[-1].end == 5 * RATE
    assert all(one.end - one.start == RATE for one in rest)
    assert all(b.start - a.start <= RATE // 2 + 1 for a, b in itertools.pairwise(rest))
