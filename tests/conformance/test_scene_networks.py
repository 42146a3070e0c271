"""Every family on pictures with masks: any size is read, batches do not matter, what lies far away does not, and weights learn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from netpick.answers import MASKS
from netpick.models.networks import MODELS
from netpick.models.networks.network import Network, build_network
from netpick.types import InputSpec
from netpick.types.recipe import Recipe

INPUTS = {
    "scene": InputSpec(form="scene", shape=(3, 40, 48), mean=(0.5,) * 3, std=(0.25,) * 3, ahead=(1, 32)),
}
SMALL = {
    "mlp": {"width": 8, "layers": 1, "window": 3},
    "cnn": {"width": 4, "levels": 3, "blocks": 1, "patch": 2},
    "transformer": {"width": 16, "layers": 2, "heads": 2, "window": 2, "fine": 4},
}
REACH = {"mlp": 16, "cnn": 40, "transformer": 60}  # pixels that a class may depend on, at most
families = pytest.mark.parametrize("family", [family for family, form in MODELS if form == "scene"])


def build(family: str, classes: int = 3) -> Network:
    torch.manual_seed(0)
    settings = MODELS[family, "scene"].Settings(**SMALL[family])
    network = build_network(family, settings, INPUTS, classes, "map")
    assert isinstance(network, Network)
    return network


def pictures(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator, dtype=torch.uint8)


@families
@pytest.mark.parametrize("size", [(32, 32), (1, 1), (17, 50), (64, 33)])
def test_outputs_are_as_large_as_the_picture(family: str, size: tuple[int, int]) -> None:
    network = build(family).eval()
    with torch.no_grad():
        outputs = network({"scene": pictures(2, *size)})
    assert isinstance(outputs, Tensor)
    assert outputs.shape == (2, 3, *size)
    assert outputs.isfinite().all()


@families
def test_rows_do_not_affect_each_other_and_floats_say_the_same(family: str) -> None:
    network, batch = build(family).eval(), pictures(3, 32, 40)
    with torch.no_grad():
        together, alone = network({"scene": batch}), network({"scene": batch[1:2]})
        as_floats = network({"scene": batch.float() / 255})
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together, as_floats, atol=1e-5, rtol=1e-4)


@families
def test_what_lies_far_away_does_not_matter(family: str) -> None:
    """So that large pictures are read as the squares that were learned from."""
    network, batch = build(family).eval(), pictures(1, 32, 192)
    other = batch.clone()
    other[..., 128:] = 255 - other[..., 128:]
    with torch.no_grad():
        before, after = network({"scene": batch}), network({"scene": other})
    near = 128 - REACH[family]
    torch.testing.assert_close(before[..., :near], after[..., :near], atol=1e-5, rtol=1e-4)
    assert not torch.equal(before[..., 128:], after[..., 128:])


@families
def test_it_overfits_a_batch_and_every_weight_has_a_gradient(family: str) -> None:
    network = build(family).train()
    batch = pictures(2, 32, 32)
    target = (batch.float().mean(dim=1) > 127).long() + (batch[:, 0] > 200).long()
    loss_function = MASKS.loss(Recipe(), None)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        losses.append(loss_function(network({"scene": batch}), target.to(torch.uint8)).mean())
        optimizer.zero_grad()
        losses[-1].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())
    assert losses[-1] < 0.75 * losses[0]
