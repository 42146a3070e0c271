"""Networks of images grow with rows, pixels and seconds."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from netpick.models.networks import MODELS
from netpick.models.networks.base import FEWEST_PASSES, Size
from netpick.models.networks.grid_cnn import GridCnnSettings, multiplications
from netpick.models.networks.network import build_network
from netpick.types import Inputs, InputSpec

SIDES = (8, 20, 28, 32, 64, 128)
FAMILIES = ("mlp", "cnn", "transformer")


def images(side: int, channels: int = 3) -> Inputs:
    return {"grid": InputSpec(form="grid", shape=(channels, side, side), mean=(0.5,) * channels, std=(0.2,) * channels)}


def sizes(family: str, side: int, rows: int, seconds: float) -> list[Size]:
    return list(MODELS[family, "grid"].sizes(images(side), rows, 10, seconds))


def counted(family: str, size: Size, side: int) -> int:
    torch.manual_seed(0)
    network = build_network(family, size.settings, images(side), 10)
    return sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("side", SIDES)
def test_larger_ones_come_first_and_only_the_smallest_say_what_was_given_up(family: str, side: int) -> None:
    offered = sizes(family, side, 5_000, 3_600)
    preset = MODELS[family, "grid"].presets(images(side), 5_000, 10)
    place = [size.settings for size in offered].index(preset)
    assert all(size.passes >= FEWEST_PASSES and not size.remark for size in offered[: place + 1])
    assert all(size.remark for size in offered[place + 1 :])
    weights = [counted(family, size, side) for size in offered]
    assert len(offered) == 1 if side < 16 else weights[0] > weights[place]
    assert all(first.settings != second.settings for first, second in pairwise(offered))


@pytest.mark.parametrize("side", [28, 32, 64])
def test_a_share_of_seconds_leaves_out_what_is_far_out_of_reach(side: int) -> None:
    little, much = sizes("cnn", side, 50_000, 2), sizes("cnn", side, 50_000, 3_600)
    assert len(little) < len(much)
    assert little == much[-len(little) :]
    assert sizes("cnn", side, 500, 60)[0].passes > sizes("cnn", side, 50_000, 600)[0].passes  # few rows: more passes


def test_multiplications_are_those_of_the_convolutions() -> None:
    settings = GridCnnSettings(width=8, widest=24, stages=4, blocks=2, first_blocks=1, kernel=5, stride=2, shrink=2)
    spec = InputSpec(form="grid", shape=(3, 39, 45))
    network, total = build_network("cnn", settings, {"grid": spec}, 2), 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += output[0].numel() * module.in_channels * module.kernel_size[0] ** 2

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    network.eval()({"grid": torch.zeros(1, 3, 39, 45, dtype=torch.uint8)})
    assert multiplications(spec, settings) == total
