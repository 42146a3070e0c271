"""The recurrence by hand against autograd over a plain loop: values, gradients, dropout, stretches, memory, precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from netpick.models.networks.buffers import Memory
from netpick.models.networks.recurrence import CELLS, Asked, Recurrence

NAMES = list(CELLS)


def problem(name: str, sizes: tuple[int, int, int, int], width: int, dtype: torch.dtype) -> list[Tensor | None]:
    """Steps (D, B, T, C), weights, and those of a GRU's inputs."""
    torch.manual_seed(0)
    cell = CELLS[name]
    directions, _, _, inputs = sizes
    rows = width + 1 if cell.reads_apart else width + inputs + 1
    apart = torch.randn(directions, inputs + 1, 3 * width, dtype=dtype) * 0.3 if cell.reads_apart else None
    made = [
        torch.randn(sizes, dtype=dtype),
        0.3 * torch.randn(directions, rows, cell.columns * width, dtype=dtype),
        apart,
    ]
    return [None if one is None else one.requires_grad_() for one in made]


def run(name: str, given: list[Tensor | None], kept: Tensor | None, memory: Memory, **how: torch.dtype) -> Tensor:
    assert given[0] is not None
    precision = how.get("precision", given[0].dtype)
    asked = Asked(cell=CELLS[name], memory=memory, precision=precision, keeps=torch.is_grad_enabled())
    return Recurrence.apply(*given, kept, asked)  # type: ignore[no-any-return, no-untyped-call]


def loop(name: str, given: list[Tensor | None], kept: Tensor | None) -> Tensor:
    steps, weights, apart = given
    assert steps is not None
    assert weights is not None
    state = memory = steps.new_zeros((*steps.shape[:2], weights.shape[2] // CELLS[name].columns))
    one = steps.new_ones((*steps.shape[:2], 1))
    states = []
    for read in steps.unbind(2):
        seen = state if kept is None else state * kept
        if apart is not None:
            recalled, reset, keep = torch.bmm(torch.cat([seen, one], -1), weights).chunk(3, -1)
            of_reset, of_keep, proposed = torch.bmm(torch.cat([read, one], -1), apart).chunk(3, -1)
            reset, keep = (reset + of_reset).sigmoid(), (keep + of_keep).sigmoid()
            new = ((proposed + reset * recalled) / 2).tanh()
            state = (1 - keep) * new + keep * state
        else:
            values = torch.bmm(torch.cat([seen, read, one], -1), weights)
            if name == "simple":
                state = (values / 2).tanh()
            else:
                enter, forget, candidate, leave = values.chunk(4, -1)
                memory = forget.sigmoid() * memory + enter.sigmoid() * (candidate / 2).tanh()
                state = leave.sigmoid() * memory.tanh()
        states.append(state)
    return torch.stack(states, dim=2)


def gradients(made: Tensor, given: list[Tensor | None]) -> tuple[Tensor, ...]:
    weights = torch.linspace(-1, 1, made.numel(), dtype=made.dtype).view_as(made)
    return torch.autograd.grad((made * weights).sum(), [one for one in given if one is not None])


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_states_and_gradients_are_those_of_a_loop_over_several_stretches(name: str, dropout: bool) -> None:
    given = problem(name, (2, 64, 40, 3), 64, torch.float64)
    kept = (torch.rand(2, 64, 64, dtype=torch.float64) > 0.3) / 0.7 if dropout else None
    expected, found = loop(name, given, kept), run(name, given, kept, Memory())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradients(found, given), gradients(expected, given), rtol=1e-8, atol=1e-10)
    with torch.no_grad():
        torch.testing.assert_close(run(name, given, kept, Memory()), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_differences(name: str) -> None:
    given = problem(name, (1, 2, 4, 2), 3, torch.float64)
    tensors = [one for one in given if one is not None]
    assert gradcheck(lambda *values: run(name, [*values, *([None] * (3 - len(values)))], None, Memory()), tensors)


@pytest.mark.parametrize("name", NAMES)
def test_memory_is_used_again_only_when_nothing_refers_to_the_pass(name: str) -> None:
    given, memory = problem(name, (2, 5, 7, 3), 4, torch.float32), Memory()
    first = run(name, given, None, memory)
    expected = [one.clone() for one in torch.autograd.grad(first.sum(), [given[1]], retain_graph=True)]  # type: ignore[list-item]
    run(name, given, None, memory).sum().backward()
    assert memory.spare  # those of the second pass, which is gone
    again = torch.autograd.grad(first.sum(), [given[1]])  # type: ignore[list-item]
    assert torch.equal(again[0], expected[0])
    blocks = len(memory.spare)
    del first, again
    run(name, given, None, memory)
    assert len(memory.spare) == blocks + 1


@pytest.mark.parametrize("name", NAMES)
def test_products_in_bfloat16_are_near(name: str) -> None:
    given = problem(name, (2, 8, 20, 6), 16, torch.float32)
    exact, rounded = run(name, given, None, Memory()), run(name, given, None, Memory(), precision=torch.bfloat16)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0, atol=0.05)
    for near, right in zip(gradients(rounded, given), gradients(exact, given), strict=True):
        assert float((near - right).norm() / right.norm()) < 0.03
