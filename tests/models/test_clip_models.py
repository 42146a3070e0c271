"""Networks on clips, and networks on mixed rows: what is particular to each, beyond the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional

from netpick.errors import RequestError
from netpick.models.networks import MODELS
from netpick.models.networks.base import Architecture
from netpick.models.networks.clip_cnn import ClipCnn, ClipCnnSettings, SpaceTime
from netpick.models.networks.clip_cnn_rnn import ClipCnnRnn, ClipCnnRnnSettings
from netpick.models.networks.clip_frames import frame_inputs, frames_of
from netpick.models.networks.clip_transformer import ClipTransformer, ClipTransformerSettings
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec

ARCHITECTURES = (ClipCnn(), ClipCnnRnn(), ClipTransformer())


@pytest.fixture(autouse=True)
def _one_thread_and_a_seed() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def clip_inputs(*shape: int) -> Inputs:
    return {"clip": InputSpec(form="clip", shape=shape, mean=(0.4,) * shape[1], std=(0.2,) * shape[1])}


def random_clips(rows: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, (rows, *shape), dtype=torch.uint8)


@pytest.mark.parametrize(
    "shape", [(10, 1, 32, 32), (16, 3, 48, 64), (1, 1, 8, 8), (5, 3, 17, 30), (2, 1, 5, 3), (3, 4, 1, 1)]
)
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: type(one).__name__)
def test_presets_fit_clips_of_every_size(architecture: Architecture, shape: tuple[int, ...]) -> None:
    inputs = clip_inputs(*shape)
    trunk = architecture.build(inputs, architecture.presets(inputs, 500, 4)).eval()
    features = trunk({"clip": random_clips(3, *shape)})
    assert features.pooled.shape == (3, trunk.width)
    assert torch.isfinite(features.pooled).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: type(one).__name__)
def test_the_order_of_frames_counts(architecture: Architecture) -> None:
    inputs = clip_inputs(6, 1, 16, 16)
    trunk = architecture.build(inputs, architecture.presets(inputs, 500, 4)).eval()
    clips = random_clips(2, 6, 1, 16, 16)
    assert not torch.allclose(trunk({"clip": clips}).pooled, trunk({"clip": clips.flip(1)}).pooled, atol=1e-4)


def test_a_convolution_over_space_then_time_is_two_of_three_dimensions() -> None:
    layer = SpaceTime(3, 5, ClipCnnSettings(reach=3), kernel=3, stride=2).eval()
    for norm in (layer.space_norm, layer.time_norm):
        nn.init.uniform_(norm.running_mean)  # type: ignore[arg-type]
        nn.init.uniform_(norm.weight, 0.5, 2.0)
    clips = torch.randn(2, 7, 3, 9, 8)
    ours = layer(clips.flatten(0, 1), 7).unflatten(0, (2, 7))
    volume = functional.conv3d(
        clips.transpose(1, 2), layer.space.weight.unsqueeze(2), stride=(1, 2, 2), padding=(0, 1, 1)
    )
    volume = functional.relu(norm3d(volume, layer.space_norm))
    volume = norm3d(functional.conv3d(volume, layer.time.weight.unsqueeze(-1), padding=(1, 0, 0)), layer.time_norm)
    torch.testing.assert_close(ours, volume.transpose(1, 2), rtol=1e-4, atol=1e-5)


def norm3d(values: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
    return functional.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


def test_turning_from_space_to_time_copies_nothing() -> None:
    """The trick holds as long as maps lie with their channels last."""
    layer = SpaceTime(4, 8, ClipCnnSettings())
    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    out = layer(torch.randn(6, 4, 8, 8).contiguous(memory_format=torch.channels_last), 3)
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
@pytest.mark.parametrize("frame", ["flatten", "mean_max"])
def test_the_hybrid_takes_every_cell(cell: str, frame: str) -> None:
    inputs = clip_inputs(5, 1, 16, 16)
    settings = ClipCnnRnnSettings(cell=cell, frame=frame, layers=2, width=8, pooling="last", stages=2)  # type: ignore[arg-type]
    trunk = ClipCnnRnn().build(inputs, settings).eval()
    features = trunk({"clip": random_clips(2, 5, 1, 16, 16)})
    assert features.pooled.shape == (2, 16)
    assert features.steps is not None
    assert features.steps.shape == (2, 5, 16)


def test_frames_taken_together_are_channels_of_one_image() -> None:
    clips = random_clips(2, 5, 3, 4, 4)
    assert frame_inputs(clip_inputs(5, 3, 4, 4), 2)["grid"].shape == (6, 4, 4)
    pairs = frames_of({"clip": clips}, 2)["grid"]
    assert pairs.shape == (6, 6, 4, 4)
    assert torch.equal(pairs[1], clips[0, 2:4].flatten(0, 1))
    assert torch.equal(pairs[5], clips[1, [4, 4]].flatten(0, 1))  # the last one stands twice


def test_clips_are_no_input_of_networks_spelled_out() -> None:
    with pytest.raises(
        RequestError, match=r"do not read data of this form \(clip\). Choose from: cnn, cnn_rnn, transformer"
    ):
        build_network("layers", LayersSettings(spec="dense 8"), clip_inputs(4, 1, 16, 16), 2)


def test_widths_and_heads_must_fit() -> None:
    with pytest.raises(RequestError, match="Width 64 does not divide into 5 heads"):
        ClipTransformer().build(clip_inputs(4, 1, 16, 16), ClipTransformerSettings(width=64, heads=5))


# --- mixed rows ------------------------------------------------------------------------------------------------------

MIXED: Inputs = {
    "grid": InputSpec(form="grid", shape=(1, 16, 16), mean=(0.3,), std=(0.25,)),
    "vector": InputSpec(form="vector", shape=(2,)),
    "codes": InputSpec(form="codes", shape=(1,), cardinalities=(4,)),
    "grid:back": InputSpec(form="grid", shape=(1, 12, 12), mean=(0.3,), std=(0.25,)),
}


def mixed_batch(rows: int) -> dict[str, torch.Tensor]:
    return {
        "grid": random_clips(rows, 1, 16, 16),
        "vector": torch.randn(rows, 2),
        "codes": torch.randint(0, 4, (rows, 1)),
        "grid:back": random_clips(rows, 1, 12, 12),
    }


def test_every_input_of_a_mixed_row_counts() -> None:
    settings = MODELS["cnn", "grid"].presets(MIXED, 500, 3)
    network = build_network("cnn", settings, MIXED, 3).eval()
    batch, other = mixed_batch(6), mixed_batch(6)
    for name in MIXED:
        assert not torch.allclose(network(batch), network({**batch, name: other[name]}), atol=1e-5), name


def test_only_mixed_rows_are_mixed() -> None:
    """Networks of a single input keep the weights and the random numbers that they always had."""
    alone: Inputs = {"grid": MIXED["grid"]}
    settings = MODELS["cnn", "grid"].presets(alone, 500, 3)
    names = [name for name, _ in build_network("cnn", settings, alone, 3).named_parameters()]
    assert not any(name.startswith("mixing.") for name in names)
    mixed = [name for name, _ in build_network("cnn", settings, MIXED, 3).named_parameters()]
    assert any(name.startswith("mixing.") for name in mixed)


def test_what_one_input_means_may_depend_on_another() -> None:
    """Exclusive or over two inputs: an output layer that only adds up stays at chance."""
    torch.manual_seed(1)
    inputs: Inputs = {
        "grid": InputSpec(form="grid", shape=(1, 8, 8), mean=(0.5,), std=(0.3,)),
        "vector": MIXED["vector"],
    }
    bright, positive = torch.arange(64) % 2, torch.arange(64) // 2 % 2
    batch = {
        "grid": (bright.view(-1, 1, 1, 1) * 180 + torch.randint(0, 70, (64, 1, 8, 8))).to(torch.uint8),
        "vector": torch.stack([positive * 2.0 - 1.0, torch.zeros(64)], dim=1),
    }
    network = build_network("mlp", MODELS["mlp", "grid"].presets(inputs, 64, 2), inputs, 2)
    optimizer = Adam([list(network.parameters())], lr=3e-3, weight_decays=[0.01])
    for _ in range(60):
        loss = functional.cross_entropy(network(batch), bright ^ positive)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    assert (network(batch).argmax(dim=1) == (bright ^ positive)).float().mean() > 0.95
