"""Augmentation: pure in (seed, epoch, row), gentle to labels, and blind to padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from netpick.training.augment import Augmenter, default_augment, normals, uniforms
from netpick.training.augment.grid import GridAugmenter
from netpick.training.augment.series import SeriesAugmenter
from netpick.training.augment.speech import SpeechAugmenter
from netpick.types import InputSpec

COLOUR = InputSpec(form="grid", shape=(3, 20, 16), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
SERIES = InputSpec(form="series", shape=(30, 2))
PADDED = InputSpec(form="series", shape=(30, 2), padded=True)
SPEECH = InputSpec(form="speech", shape=(60, 8), padded=True, mean=(0.4,) * 8, std=(0.2,) * 8, ahead=(1, 4))
ROWS = torch.tensor([5, 900, 12, 7, 3_000_000_000, 0])


def images(rows: int = 6) -> Tensor:
    return torch.randint(0, 256, (rows, *COLOUR.shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def padded_batch() -> dict[str, Tensor]:
    mask = torch.arange(30) < torch.tensor([30, 4, 17, 1, 29, 12])[:, None]
    series = torch.randn(6, 30, 2, generator=torch.Generator().manual_seed(0))
    return {"series": series * mask.unsqueeze(-1), "series.mask": mask}


def test_uniforms_are_uniform_and_differ_by_row_column_and_key() -> None:
    numbers = uniforms(torch.arange(20_000), 4, (0, 0))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean().item() - 0.5) < 0.005
    assert abs(numbers.var().item() - 1 / 12) < 0.002
    assert abs(torch.corrcoef(numbers.T) - torch.eye(4)).max() < 0.03
    assert len(set(numbers.flatten().tolist())) > 79_000 * 0.99
    for key in ((1, 0), (0, 1), (0, 0, 0)):
        assert (uniforms(torch.arange(100), 4, key) != numbers[:100]).float().mean() > 0.99


def test_normals_have_unit_variance() -> None:
    numbers = normals(torch.arange(20_000), 3, (4,))
    assert abs(numbers.mean().item()) < 0.02
    assert abs(numbers.std().item() - 1) < 0.02
    assert torch.isfinite(numbers).all()


@pytest.mark.parametrize("name", [name for name in GridAugmenter.known if name != "mixup"])
def test_a_row_looks_the_same_in_any_batch(name: str) -> None:
    augment = Augmenter((name,), COLOUR, seed=3)  # type: ignore[arg-type]
    batch = images()
    torch.manual_seed(1)
    together = augment({"grid": batch}, ROWS, 2).batch["grid"]
    torch.manual_seed(2)
    order = torch.tensor([4, 1])
    apart = augment({"grid": batch[order]}, ROWS[order], 2).batch["grid"]
    torch.testing.assert_close(together[order], apart)
    later = augment({"grid": batch}, ROWS, 3).batch["grid"]
    assert not torch.equal(together, later)
    assert torch.equal(batch, images())  # the stored rows stay as they are


@pytest.mark.parametrize("name", [name for name in SeriesAugmenter.known if name != "mixup"])
def test_series_change_a_little_and_padding_not_at_all(name: str) -> None:
    augment = Augmenter((name,), PADDED, seed=3)  # type: ignore[arg-type]
    batch = padded_batch()
    after = augment(batch, ROWS, 0).batch
    assert torch.equal(after["series.mask"], batch["series.mask"])
    assert not after["series"][~batch["series.mask"]].any()
    assert not torch.equal(after["series"], batch["series"])
    order = torch.tensor([2, 5])
    apart = augment({key: value[order] for key, value in batch.items()}, ROWS[order], 0).batch
    torch.testing.assert_close(after["series"][order], apart["series"])


def test_shift_moves_whole_pixels_and_repeats_the_edge() -> None:
    spec = InputSpec(form="grid", shape=(1, 16, 16))
    ramp = torch.arange(16, dtype=torch.uint8).view(1, 1, 1, 16).expand(50, 1, 16, 16).contiguous()
    shifted = Augmenter(("shift",), spec, seed=0)({"grid": ramp}, torch.arange(50), 0).batch["grid"]
    assert shifted.dtype == torch.uint8
    firsts = shifted[:, 0, 0, :3].tolist()
    assert {tuple(first) for first in firsts} == {(0, 0, 1), (0, 1, 2), (1, 2, 3)}


def test_flip_mirrors_half_of_the_images() -> None:
    batch = images(1).expand(400, -1, -1, -1)
    flipped = Augmenter(("flip",), COLOUR, seed=0)({"grid": batch}, torch.arange(400), 0).batch["grid"]
    mirrored = (flipped == batch.flip(3)).flatten(1).all(dim=1)
    assert ((flipped == batch).flatten(1).all(dim=1) | mirrored).all()
    assert 150 < mirrored.sum() < 250


def test_warps_and_colours_stay_in_range() -> None:
    augment = Augmenter(("flip", "shift", "rotate", "crop", "cutout", "colour"), COLOUR, seed=0)
    result = augment({"grid": images()}, ROWS, 0).batch["grid"]
    assert result.is_floating_point()
    assert result.shape == images().shape
    assert result.min() >= 0
    assert result.max() <= 1


def test_a_full_crop_without_rotation_is_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netpick.training.augment.grid.CROP", 1.0)
    result = Augmenter(("crop",), COLOUR, seed=0)({"grid": images()}, ROWS, 0).batch["grid"]
    torch.testing.assert_close(result, images().float() / 255, atol=1e-4, rtol=0)


def test_mixup_says_what_it_mixed() -> None:
    batch = images()
    result = Augmenter(("mixup",), COLOUR, seed=0)({"grid": batch}, ROWS, 0)
    assert result.partner is not None
    assert result.weight is not None
    assert result.weight.min() >= 0.5
    share = result.weight.view(-1, 1, 1, 1)
    expected = share * batch / 255 + (1 - share) * batch[result.partner] / 255
    torch.testing.assert_close(result.batch["grid"], expected)


def test_names_of_another_form_do_nothing() -> None:
    batch = {"series": torch.randn(6, 30, 2)}
    result = Augmenter(("flip", "shift", "colour"), SERIES, seed=0)(batch, ROWS, 0)
    assert result.batch["series"] is batch["series"]


def test_all_frames_of_a_clip_are_moved_alike() -> None:
    still = images().unsqueeze(1).repeat(1, 5, 1, 1, 1)  # five times the same picture
    spec = InputSpec(form="clip", shape=still.shape[1:], mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    for names in (("shift", "flip"), ("rotate", "crop"), ("cutout",)):
        moved = Augmenter(names, spec, seed=0)({"clip": still}, ROWS, 0).batch["clip"]  # type: ignore[arg-type]
        assert moved.shape == still.shape
        assert not torch.equal(moved.float(), still.float())
        torch.testing.assert_close(moved, moved[:, :1].expand_as(moved))
    alone = Augmenter(("shift", "flip"), COLOUR, seed=0)({"grid": images()}, ROWS, 0).batch["grid"]
    together = Augmenter(("shift", "flip"), spec, seed=0)({"clip": still}, ROWS, 0).batch["clip"]
    assert torch.equal(together[:, 2], alone)


def test_clips_are_never_mirrored_unasked() -> None:
    spec = InputSpec(form="clip", shape=(8, 3, 32, 32))
    assert default_augment(spec, 1_000, ("cat", "dog")).names == ("shift",)
    assert default_augment(InputSpec(form="clip", shape=(8, 1, 8, 8)), 1_000).names == ()


def test_defaults_keep_the_meaning_of_labels() -> None:
    digits = default_augment(InputSpec(form="grid", shape=(1, 28, 28)), 60_000)
    assert digits.names == ("shift",)
    photos = InputSpec(form="grid", shape=(3, 64, 64))
    assert "flip" in default_augment(photos, 1_000, ("cat", "dog")).names
    assert "flip" in default_augment(photos, 50_000, ("cat", "dog")).names
    for classes in (("turn_left", "turn_right"), ("b", "d"), ("2", "5")):
        choice = default_augment(photos, 1_000, classes)
        assert "flip" not in choice.names
        assert "mirror" in choice.reason
    assert default_augment(InputSpec(form="grid", shape=(1, 8, 8)), 1_797).names == ()
    assert "time_shift" not in default_augment(SERIES, 50).names
    assert default_augment(SERIES, 50_000).names == ()
    assert default_augment(InputSpec(form="vector", shape=(4,)), 50).names == ()


def spoken_batch() -> dict[str, Tensor]:
    mask = torch.arange(60) < torch.tensor([60, 4, 37, 1, 59, 22])[:, None]
    sounds = torch.randint(0, 256, (6, 60, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return {"spectrogram": sounds * mask.unsqueeze(-1), "spectrogram.mask": mask}


@pytest.mark.parametrize("name", SpeechAugmenter.known)
def test_what_is_said_is_said_otherwise_and_alike_in_any_batch(name: str) -> None:
    augment = Augmenter((name,), SPEECH, 3, "spectrogram")
    batch = spoken_batch()
    after = augment(batch, ROWS, 0).batch
    assert not after["spectrogram"][~after["spectrogram.mask"]].any()
    assert after["spectrogram"].shape[:2] == after["spectrogram.mask"].shape
    assert not torch.equal(after["spectrogram"][0, :20].float(), batch["spectrogram"][0, :20] / 255)
    order = torch.tensor([2, 5])
    apart = augment({key: value[order] for key, value in batch.items()}, ROWS[order], 0).batch
    length = apart["spectrogram"].shape[1]
    torch.testing.assert_close(after["spectrogram"][order, :length], apart["spectrogram"])
    later = augment(batch, ROWS, 1).batch["spectrogram"]
    assert later.shape != after["spectrogram"].shape or not torch.equal(later, after["spectrogram"])
    assert torch.equal(batch["spectrogram"], spoken_batch()["spectrogram"])


def test_speed_moves_the_ends_by_a_share_of_the_length_and_keeps_the_order() -> None:
    ramp = torch.arange(50, dtype=torch.uint8).view(1, 50, 1).expand(40, 50, 8).contiguous()
    batch = {"spectrogram": ramp, "spectrogram.mask": torch.ones(40, 50, dtype=torch.bool)}
    after = Augmenter(("speed",), SPEECH, 0, "spectrogram")(batch, torch.arange(40), 0).batch
    lengths = after["spectrogram.mask"].sum(dim=1)
    assert 43 < lengths.min() < 47
    assert 54 < lengths.max() < 58
    for sound, length in zip(after["spectrogram"], lengths.tolist(), strict=True):
        steps = sound[:length, 0].diff()
        assert (steps >= -1e-6).all()
        assert sound[length - 1, 0] * 255 > 47
