"""Every optimizer in OPTIMIZERS: it learns, keeps its state as data, spares vectors its decay, and moves as torch's does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from netpick.training.optimizers import OPTIMIZERS, following_optimizer, make_optimizers
from netpick.types.recipe import Recipe

# A learning rate at which it learns; a new optimizer adds one line here.
RATES = {"sgd": 0.1, "adam": 0.01, "adamw": 0.01, "rmsprop": 0.01, "muon": 0.05}

# The same optimizer of torch's own, without a decay, where it has one.
REFERENCES: dict[str, Callable[[list[torch.Tensor]], torch.optim.Optimizer]] = {
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.02, weight_decay=0.0),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.02),
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, lr=0.02, momentum=0.9),
}
optimizers = pytest.mark.parametrize("name", list(OPTIMIZERS))


class Small(nn.Module):
    """Two layers, the second of which counts as an output layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, 32), nn.ReLU())
        self.head = nn.Linear(32, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(self.body(x))
        return outputs


def losses(name: str, steps: int = 150) -> tuple[nn.Module, list[float]]:
    """Of each step of a small training on products of two numbers."""
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
    truth = (x[:, 0] * x[:, 1] > 0).long()
    network = Small()
    made = make_optimizers(network, Recipe(optimizer=name, learning_rate=RATES[name], weight_decay=1e-4))
    seen = []
    for _ in range(steps):
        loss = functional.cross_entropy(network(x), truth)
        for optimizer in made:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in made:
            optimizer.step()
        seen.append(loss.item())
    return network, seen


def test_every_optimizer_has_a_rate() -> None:
    assert set(RATES) == set(OPTIMIZERS)


@optimizers
def test_it_learns_and_twice_the_same(name: str) -> None:
    (network, seen), (again, _) = losses(name), losses(name)
    assert seen[-1] < 0.5 * seen[0]
    for weight, same in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, same)


@optimizers
def test_every_weight_is_in_one_group_and_vectors_get_no_decay(name: str) -> None:
    network = Small()
    made = make_optimizers(network, Recipe(optimizer=name, weight_decay=0.1))
    groups = [group for optimizer in made for group in optimizer.groups]
    assert sorted(id(p) for group in groups for p in group.params) == sorted(map(id, network.parameters()))
    assert all(group.weight_decay == 0 for group in groups if any(p.ndim < 2 for p in group.params))
    assert any(group.weight_decay > 0 for group in groups)


@optimizers
def test_what_it_remembers_of_a_weight_is_tensors(name: str) -> None:
    network = Small()
    for optimizer in make_optimizers(network, Recipe(optimizer=name)):
        for weight in (weight for group in optimizer.groups for weight in group.params):
            first, second = optimizer.new_state(weight), optimizer.new_state(weight)
            assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(first, second, strict=True))


@optimizers
def test_presets_for_another_optimizer_are_converted_there_and_back(name: str) -> None:
    preset = Recipe(learning_rate=8e-3)
    asked = {"optimizer": name}
    other = Recipe(**asked, **{"learning_rate": preset.learning_rate, **following_optimizer(preset, asked)})
    back = following_optimizer(other, {"optimizer": preset.optimizer})
    assert back.get("learning_rate", other.learning_rate) == pytest.approx(preset.learning_rate)


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_moves_weights_as_that_of_torch_with_a_decoupled_decay(name: str, decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = nn.Linear(5, 3, bias=False)
    theirs = nn.Linear(5, 3, bias=False)
    theirs.load_state_dict(ours.state_dict())
    (mine,) = make_optimizers(ours, Recipe(optimizer=name, learning_rate=0.02, weight_decay=decay))
    reference = REFERENCES[name](list(theirs.parameters()))
    for _ in range(12):
        grad = torch.randn(3, 5, generator=generator)
        ours.weight.grad, theirs.weight.grad = grad.clone(), grad.clone()
        mine.step()
        with torch.no_grad():
            theirs.weight.mul_(1 - 0.02 * decay)  # by the rate, beside the gradient (Loshchilov & Hutter 2019)
        reference.step()
    torch.testing.assert_close(ours.weight, theirs.weight, atol=1e-6, rtol=1e-6)
