"""Networks on sounds and their augmentation: what is particular to them, beyond the conformance suite."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from netpick.models.networks import MODELS, families_for
from netpick.models.networks.module import UserModule
from netpick.models.networks.network import build_network
from netpick.models.networks.sound_mlp import SpectrogramMlpSettings, SpectrogramMlpTrunk, deviation
from netpick.models.networks.sound_stem import SpectrogramStem
from netpick.training.augment import Augmenter, default_augment
from netpick.types import Inputs, InputSpec

BANDS, FRAMES, ROWS = 24, 40, 6
SPEC = InputSpec(form="spectrogram", shape=(FRAMES, BANDS), padded=True, mean=(0.5,) * BANDS, std=(0.25,) * BANDS)
INPUTS: Inputs = {"spectrogram": SPEC}
LENGTHS = torch.tensor([40, 1, 2, 17, 30, 9])
NAMES: tuple[str, ...] = ("time_shift", "noise", "spec_augment")


def batch() -> dict[str, Tensor]:
    mask = torch.arange(FRAMES) < LENGTHS[:, None]
    values = torch.randint(1, 256, (ROWS, FRAMES, BANDS), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return {"spectrogram": values.masked_fill(~mask.unsqueeze(2), 0), "spectrogram.mask": mask}


def test_all_families_compete() -> None:
    assert families_for(INPUTS) == ("mlp", "cnn", "rnn", "cnn_rnn", "transformer")


@pytest.mark.parametrize("shape", [(1, 8), (256, 64), (91, 64), (7, 40), (3, 2)])
@pytest.mark.parametrize("family", ["mlp", "cnn", "rnn", "cnn_rnn", "transformer"])
def test_presets_fit_sounds_of_every_size(family: str, shape: tuple[int, int]) -> None:
    inputs: Inputs = {"spectrogram": InputSpec(form="spectrogram", shape=shape, padded=True)}
    architecture = MODELS[family, "spectrogram"]
    network = build_network(family, architecture.presets(inputs, 100, 3), inputs, 3).eval()
    mask = torch.arange(shape[0]) < torch.tensor([[1], [shape[0]]])
    values = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    assert torch.isfinite(network({"spectrogram": values, "spectrogram.mask": mask})).all()


def test_bytes_and_floats_of_a_sound_are_the_same() -> None:
    stem, given = SpectrogramStem(SPEC), batch()
    from_bytes, mask = stem(given)
    from_floats, _ = stem({**given, "spectrogram": given["spectrogram"].float() / 255})
    torch.testing.assert_close(from_bytes, from_floats)
    valid = given["spectrogram"][mask].float() / 255
    torch.testing.assert_close(from_bytes[mask], (valid - 0.5) / 0.25, rtol=1e-4, atol=1e-4)
    assert not from_bytes[~mask].any()


def test_statistics_are_of_the_valid_frames() -> None:
    steps = torch.randn(1, 12, 3)
    mask = torch.arange(12)[None] < 7
    expected = (steps[:, :7].var(dim=1, unbiased=False) + 1e-6).sqrt()
    torch.testing.assert_close(deviation(steps, mask), expected)
    trunk = SpectrogramMlpTrunk(INPUTS, SpectrogramMlpSettings(width=8, segments=3)).eval()
    given = batch()
    alone = {name: value[3:4, :17] for name, value in given.items()}
    torch.testing.assert_close(trunk(given).pooled[3:4], trunk(alone).pooled, rtol=1e-4, atol=1e-5)


def test_the_cnn_knows_pitch_but_not_time() -> None:
    inputs: Inputs = {"spectrogram": InputSpec(form="spectrogram", shape=(64, 32), padded=True)}
    torch.manual_seed(0)
    architecture = MODELS["cnn", "spectrogram"]
    network = build_network("cnn", architecture.presets(inputs, 100, 3), inputs, 3).eval()

    def answer(time: int, band: int) -> Tensor:
        values = torch.zeros(1, 64, 32, dtype=torch.uint8)
        values[:, time : time + 4, band : band + 4] = 255
        return network({"spectrogram": values, "spectrogram.mask": torch.ones(1, 64, dtype=torch.bool)})  # type: ignore[no-any-return]

    torch.testing.assert_close(answer(24, 8), answer(32, 8), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(answer(24, 8), answer(24, 16), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_augmentation_is_a_pure_function_of_seed_epoch_and_row(name: str) -> None:
    given, rows = batch(), torch.arange(10, 10 + ROWS)
    augmenter = Augmenter((name,), SPEC, seed=1)
    first = augmenter(given, rows, 3).batch["spectrogram"]
    assert torch.equal(first, augmenter(given, rows, 3).batch["spectrogram"])
    assert not torch.equal(first, augmenter(given, rows, 4).batch["spectrogram"])
    assert not torch.equal(first, Augmenter((name,), SPEC, seed=2)(given, rows, 3).batch["spectrogram"])
    part = augmenter({key: value[3:5] for key, value in given.items()}, rows[3:5], 3).batch["spectrogram"]
    torch.testing.assert_close(part, first[3:5])


@pytest.mark.parametrize("name", NAMES)
def test_how_far_a_batch_is_padded_does_not_matter_and_padding_stays_zero(name: str) -> None:
    given, rows = batch(), torch.arange(ROWS)
    augmenter = Augmenter((name,), SPEC, seed=1)
    whole = augmenter(given, rows, 0).batch
    cut = augmenter({key: value[3:, :30] for key, value in given.items()}, rows[3:], 0).batch
    torch.testing.assert_close(cut["spectrogram"], whole["spectrogram"][3:, :30])
    assert not whole["spectrogram"][~given["spectrogram.mask"]].any()
    assert torch.equal(whole["spectrogram.mask"], given["spectrogram.mask"])


def test_time_shift_moves_within_the_sound() -> None:
    given = batch()
    moved = Augmenter(("time_shift",), SPEC, seed=0)(given, torch.arange(ROWS), 0).batch["spectrogram"]
    assert moved.dtype == torch.uint8
    before, after = given["spectrogram"][0], moved[0]
    fits = [
        s for s in range(-4, 5) if torch.equal(after[max(0, s) : 40 + min(0, s)], before[max(0, -s) : 40 - max(0, s)])
    ]
    assert fits


def test_stripes_are_hidden_behind_the_mean() -> None:
    given = batch()
    for epoch in range(5):
        made = Augmenter(("spec_augment",), SPEC, seed=0)(given, torch.arange(ROWS), epoch).batch["spectrogram"]
        changed = (made - given["spectrogram"].float() / 255).abs() > 1e-6
        assert (made[changed] == 0.5).all()
        assert changed[0].float().mean() < 0.6


def test_noise_stays_in_range() -> None:
    made = Augmenter(("noise",), SPEC, seed=0)(batch(), torch.arange(ROWS), 0).batch["spectrogram"]
    assert made.min() >= 0
    assert made.max() <= 1


def test_sounds_are_augmented_by_default() -> None:
    choice = default_augment(SPEC, 1_000, ("left", "right"))
    assert choice.names == ("time_shift", "spec_augment")
    assert choice.reason


def test_a_users_module_gets_frames_of_one_length() -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(FRAMES * BANDS, 3))
    network = UserModule(module, INPUTS, 3).eval()
    given = batch()
    cut = {name: value[3:, :30] for name, value in given.items()}
    torch.testing.assert_close(network(cut), network(given)[3:])
