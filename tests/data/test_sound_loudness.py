"""Loudness: by default each sound is heard in relation to its own loudest moment; it can be kept."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netpick.data.decoders.sound_features import SoundSettings, log_mel, read_sound
from netpick.types import Array

OWN = SoundSettings(sample_rate=8_000, window=200, hop=100, frames=40)
KEPT = replace(OWN, absolute=1)


def tone(path: Path, size: float) -> Path:
    samples = size * np.sin(np.arange(4_000) / 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes((32_000 * samples).astype("<i2").tobytes())
    return path


def frames(path: Path, settings: SoundSettings) -> Array:
    return log_mel([read_sound(str(path), settings).samples], settings)[0]


def test_loudness_counts_only_where_it_is_kept(tmp_path: Path) -> None:
    loud, quiet = tone(tmp_path / "loud.wav", 1.0), tone(tmp_path / "quiet.wav", 0.1)
    own = [frames(path, OWN).max() for path in (loud, quiet)]
    assert own == [255, 255]
    kept = [int(frames(path, KEPT).max()) for path in (loud, quiet)]
    assert kept[0] - kept[1] == pytest.approx(20 / 80 * 255, abs=3)  # a tenth of the size is 20 dB less


def test_settings_of_older_models_read_as_ever() -> None:
    assert "absolute" not in OWN.to_mapping()
    assert SoundSettings.from_mapping(OWN.to_mapping()) == OWN
    assert SoundSettings.from_mapping(KEPT.to_mapping()) == KEPT
