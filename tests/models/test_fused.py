"""Parts with gradients of their own: equal to their plain spelling, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from netpick.models.networks.fused import EPS, AddDropped, RootMeanSquare, heads_turned, squared_relu

DOUBLE = torch.float64


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(0)).requires_grad_()


def turns(length: int, half: int) -> tuple[Tensor, Tensor]:
    angles = torch.arange(length, dtype=DOUBLE)[:, None] * torch.tensor([1.0, 0.3, 0.1], dtype=DOUBLE)[:half]
    return angles.cos(), angles.sin()


def test_root_mean_square() -> None:
    steps, norm = drawn(2, 3, 5), RootMeanSquare()
    with torch.no_grad():
        plain = norm(steps)
    torch.testing.assert_close(norm(steps), plain)
    torch.testing.assert_close(norm(steps), torch.nn.functional.rms_norm(steps, (5,), eps=EPS))
    assert torch.autograd.gradcheck(norm, (steps,))


def test_squared_relu() -> None:
    steps = drawn(4, 6)
    torch.testing.assert_close(squared_relu(steps), steps.relu().square())
    assert torch.autograd.gradcheck(squared_relu, (steps,))


@pytest.mark.parametrize("width", [4, 6, 7])  # of a head: the feature that an odd number leaves over stays
def test_heads_turned(width: int) -> None:
    heads, length = 2, 3
    projected, angles = drawn(2, length, 3 * heads * width), turns(length, width // 2)
    with torch.no_grad():
        plain = heads_turned(projected, heads, angles, 3)
    torch.testing.assert_close(heads_turned(projected, heads, angles, 3), plain)
    assert torch.autograd.gradcheck(lambda x: heads_turned(x, heads, angles, 3), (projected,))
    values = heads_turned(projected, heads, None, 3)[2]
    torch.testing.assert_close(plain[2], values)


def test_a_product_of_turned_queries_and_keys_tells_their_distance_alone() -> None:
    same = drawn(1, 1, 3 * 4).detach().repeat(1, 5, 1)
    queries, keys, _ = heads_turned(same, 1, turns(5, 2), 3)
    scores = (queries @ keys.mT)[0, 0]
    torch.testing.assert_close(scores.diagonal(1), scores[0, 1].expand(4))


def test_what_is_dropped_is_added_as_nothing_and_has_no_gradient() -> None:
    add = AddDropped(0.25)
    steps, added = drawn(50, 40), torch.ones(50, 40, dtype=DOUBLE, requires_grad=True)
    torch.manual_seed(3)
    result = add(steps, added)
    share = result.detach() - steps.detach()
    assert set(share.round(decimals=6).unique().tolist()) == {0.0, round(4 / 3, 6)}
    assert 0.2 < (share == 0).double().mean() < 0.3
    result.sum().backward()  # type: ignore[no-untyped-call]
    assert added.grad is not None
    assert steps.grad is not None
    assert (steps.grad == 1).all()
    torch.testing.assert_close(added.grad, share)
    torch.manual_seed(3)
    assert torch.equal(add(steps, added), result)
    torch.testing.assert_close(add.eval()(steps, added), steps + added)
