"""Every network of objects: outputs for places of any picture, the same for a picture alone and among others, and gradients everywhere."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from netpick.answers.boxes import BOXES
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.object_cnn import ObjectCnnSettings
from netpick.models.networks.object_mlp import ObjectMlpSettings
from netpick.models.networks.object_transformer import ObjectTransformerSettings
from netpick.types import InputSpec
from netpick.types.recipe import Recipe

INPUTS = {"scene": InputSpec(form="objects", shape=(3, 64, 96), mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3))}
SMALL: dict[str, Any] = {
    "cnn": ObjectCnnSettings(width=4, blocks=1, pyramid=8),
    "mlp": ObjectMlpSettings(width=8, layers=2, pyramid=8),
    "transformer": ObjectTransformerSettings(width=8, layers=1, heads=2, pyramid=8),
}
PLACES = 8 * 12 + 4 * 6 + 2 * 3
families = pytest.mark.parametrize("family", SMALL)


def built(family: str) -> nn.Module:
    torch.manual_seed(0)
    return build_network(family, SMALL[family], INPUTS, 3, BOXES.geometry)


def pictures(rows: int, size: tuple[int, int] = (64, 96)) -> torch.Tensor:
    return torch.randint(0, 256, (rows, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_all_of_them_are_here() -> None:
    assert set(SMALL) == {family for family, form in MODELS if form == "objects"}


@families
def test_settings_come_back_from_json(family: str) -> None:
    from pydantic import TypeAdapter

    architecture = MODELS[family, "objects"]
    chosen = architecture.presets({"objects": INPUTS["scene"]}, 200, 3)
    written = TypeAdapter(architecture.Settings).dump_python(chosen, mode="json")
    assert settings_from_json(family, INPUTS, written) == chosen
    assert isinstance(architecture.recipe({"objects": INPUTS["scene"]}, 200, 3), Recipe)
    assert architecture.sizes(INPUTS, 200, 3, 60.0)[0].settings == chosen


@families
def test_every_place_says_classes_a_box_and_where_it_is(family: str) -> None:
    outputs = built(family).eval()({"scene": pictures(2)})
    assert outputs.shape == (2, PLACES, 3 + 7)
    boxes, places = outputs[..., 3:7], outputs[..., 7:]
    assert (boxes[..., 2:] > boxes[..., :2]).all()
    assert places[0, 0].tolist() == [4, 4, 8]
    assert places[0, -1].tolist() == [80, 48, 32]
    assert outputs[..., :3].sigmoid().max() < 0.2  # nothing is likely before anything is learned


@families
def test_pictures_of_any_size_are_read(family: str) -> None:
    network = built(family).eval()
    for size in ((17, 33), (1, 1), (96, 40)):
        outputs = network({"scene": pictures(1, size)})
        down, across = (-(-side // 32) for side in size)
        assert outputs.shape[1] == down * across * (16 + 4 + 1)
        assert BOXES.answer(outputs).shape == (1, 100, 6)


@families
def test_a_picture_alone_is_answered_as_among_others(family: str) -> None:
    network, many = built(family).eval(), pictures(3)
    with torch.no_grad():
        torch.testing.assert_close(network({"scene": many})[1:2], network({"scene": many[1:2]}), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            network({"scene": many}), network({"scene": many.float() / 255}), rtol=1e-4, atol=1e-3
        )


@families
def test_all_weights_learn(family: str) -> None:
    network = built(family).train()
    outputs = network({"scene": pictures(2)})
    (outputs[..., :3].sum() + (outputs[..., 3:7] ** 2).mean()).backward()
    assert all(weight.grad is not None for weight in network.parameters())
