"""The front end of sounds as a graph makes it: the frames that training read, but for rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netpick.data.decoders.sound_features import SoundSettings, log_mel
from netpick.saved.export.samples import SoundFrames, as_read, filled_up, trial_sounds

SETTINGS = {"sample_rate": 8_000, "window": 200, "hop": 100, "frames": 80}


@pytest.mark.parametrize("more", [{}, {"absolute": 1}, {"range_db": 100.0}, {"hop": 37, "window": 90}], ids=str)
def test_frames_are_those_of_training_but_for_rounding(more: dict[str, float]) -> None:
    settings = SoundSettings.from_mapping({**SETTINGS, **more})
    sounds = trial_sounds(settings)
    given = filled_up(sounds)
    frames, counts = SoundFrames(settings)(*(torch.from_numpy(array) for array in given.values()))
    wanted = log_mel([as_read(sound, settings) for sound in sounds], settings)
    assert counts.tolist() == [len(one) for one in wanted]
    levels = np.concatenate([one.ravel() for one in wanted]).astype(int)
    made = np.concatenate([one[:count].numpy().ravel() for one, count in zip(frames, counts.tolist(), strict=True)])
    apart = np.abs(made.astype(int) - levels)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.002
    assert all(int(one[count:].sum()) == 0 for one, count in zip(frames, counts.tolist(), strict=True))


def test_padding_says_nothing() -> None:
    settings = SoundSettings.from_mapping(SETTINGS)
    sound = np.sin(np.arange(900) / 5).astype(np.float32)
    longer = np.concatenate([sound, np.full(2_000, 0.7, np.float32)])
    both = torch.from_numpy(np.stack([np.pad(sound, (0, 2_000)), longer]))
    frames, counts = SoundFrames(settings)(both, torch.tensor([900, 900], dtype=torch.int32))
    assert counts.tolist() == [9, 9]
    assert torch.equal(frames[0], frames[1])
