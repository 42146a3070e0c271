"""The recurrence of LSTM, GRU and simple cells on a processor: forwards and backwards by hand, in few large operations.

What a step must cost is its matrix products. A step here is one product, into which its inputs, its state and a one for the
bias go side by side (the inputs of a GRU's candidate are kept apart and go through one product for many steps), and then as
few passes over its values as there can be: every tanh is written with a sigmoid, tanh(x) = 2 sigmoid(2x) - 1, since torch's
tanh takes six times as long on some processors. Gradients of the weights are one product for a stretch of steps, which is as
long as its gates stay in the processor's cache. Buffers are kept from one training step to the next: to get 100 MB of memory from the
operating system takes as long as computing with them.

In bfloat16 the products alone are: gates, states and memories stay in float32 (as in Micikevicius et al. 2018).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from netpick.models.networks.buffers import Lease, Memory

STRETCH_VALUES = 1 << 19  # of gates in one stretch of steps: 2 MB, which stays in the cache of one core

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # gradient * (1 - y) * y
tanh_backward = torch.ops.aten.tanh_backward.grad_input  # gradient * (1 - y * y)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The buffers of some consecutive steps; (D, L, B, ...): directions, steps, rows. `fed`, `states` and `memory` hold one
    step more: what the first step starts from."""

    start: int
    fed: Tensor  # (D, L + 1, B, Z): what goes into the product, state first
    states: Tensor  # (D, L + 1, B, H); `fed`'s own columns where neither dropout nor bfloat16 is between them
    gates: Tensor  # (D, L, B, G * H)
    memory: Tensor  # (D, L + 1, B, H) of an LSTM, else the states again
    read: Tensor | None  # (D, L * B, C + 1): inputs of a GRU and a one

    @property
    def length(self) -> int:
        return self.gates.shape[1]


@dataclass(kw_only=True)
class Product:
    """What goes into a step times its weights; in bfloat16 through a buffer of its own."""

    weights: Tensor  # (D, Z, N)
    scratch: dict[int, Tensor] = field(default_factory=dict)

    def into(self, fed: Tensor, out: Tensor) -> None:
        if out.dtype == self.weights.dtype:
            torch.bmm(fed, self.weights, out=out)
            return
        rows = fed.shape[1]
        if rows not in self.scratch:
            self.scratch[rows] = fed.new_empty((fed.shape[0], rows, self.weights.shape[2]))
        torch.bmm(fed, self.weights, out=self.scratch[rows])
        out.copy_(self.scratch[rows])


def steps_of(buffer: Tensor) -> tuple[Tensor, ...]:
    return buffer.unbind(1)


def parts_of(buffer: Tensor, width: int) -> Iterator[tuple[Tensor, ...]]:
    """Of (D, L, B, k * width), each part step by step."""
    return (part.unbind(1) for part in torch.split(buffer, width, dim=-1))


class Cell(ABC):
    """What a cell does in its steps, and what their gradients are.

    Weights of what goes through a tanh come doubled, since a sigmoid stands for it.
    """

    columns: ClassVar[int]  # blocks of weights
    gates: ClassVar[int]  # blocks of what is kept of a step
    passed_on: ClassVar[int]  # blocks of their gradients that reach the state before and its weights
    reads_apart: ClassVar[bool] = False  # its inputs have a product of their own

    @abstractmethod
    def run(self, stretch: Stretch, product: Product, inputs: Tensor | None, drop: Drop) -> None:
        """Fills gates, memory and states; `inputs` (D, L, B, columns * H): the inputs' share where it is apart."""

    @abstractmethod
    def views(self, stretch: Stretch, made: Tensor) -> Any:
        """What `back` reads and writes, cut into steps once; `made` (D, L, B, gates * H) takes the gradients."""

    @abstractmethod
    def back(self, views: Any, step: int, state: Tensor, carried: Carried) -> None:
        """Gradients of what a step's gates were made from, given that of its state, which may be overwritten."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """What becomes of a state before it enters the next product: dropout, or another precision, or nothing."""

    kept: Tensor | None
    apart: bool

    def feed(self, state: Tensor, fed: Tensor) -> None:
        if self.kept is not None:
            torch.mul(state, self.kept, out=fed) if fed.dtype == state.dtype else fed.copy_(state * self.kept)
        elif self.apart:
            fed.copy_(state)


@dataclass(kw_only=True)
class Carried:
    """Gradients on their way from a step to the one before it, (D, B, H): of an LSTM's memory, or a GRU's state."""

    gradient: Tensor
    begun: bool = False


class Simple(Cell):
    """h = tanh(a)."""

    columns = gates = passed_on = 1

    def run(self, stretch: Stretch, product: Product, inputs: Tensor | None, drop: Drop) -> None:
        width = stretch.states.shape[-1]
        states, entering = steps_of(stretch.states), steps_of(stretch.fed[..., :width])
        for step, (fed, gate) in enumerate(zip(steps_of(stretch.fed)[:-1], steps_of(stretch.gates), strict=True)):
            product.into(fed, gate)
            state = states[step + 1]
            torch.mul(gate.sigmoid_(), 2, out=state).sub_(1)
            drop.feed(state, entering[step + 1])

    def views(self, stretch: Stretch, made: Tensor) -> Any:
        return steps_of(stretch.gates), steps_of(made)

    def back(self, views: Any, step: int, state: Tensor, carried: Carried) -> None:
        # a is doubled: d state / d a = 2 s (1 - s)
        gates, slopes = views
        sigmoid_backward(state.mul_(2), gates[step], grad_input=slopes[step])


class Lstm(Cell):
    """c' = f c + i tanh(g), h = o tanh(c'); kept are i, f, s = sigmoid(2g), o and the memory m = -2c."""

    columns = gates = passed_on = 4

    def run(self, stretch: Stretch, product: Product, inputs: Tensor | None, drop: Drop) -> None:
        width = stretch.states.shape[-1]
        states, entering, memory = (
            steps_of(stretch.states),
            steps_of(stretch.fed[..., :width]),
            steps_of(stretch.memory),
        )
        enter, forget, candidate, leave = parts_of(stretch.gates, width)
        closed = torch.empty_like(memory[0])
        for step, (fed, gates) in enumerate(zip(steps_of(stretch.fed)[:-1], steps_of(stretch.gates), strict=True)):
            product.into(fed, gates)
            gates.sigmoid_()
            now, let_in, shown = memory[step + 1], enter[step], leave[step]
            torch.mul(forget[step], memory[step], out=now)
            now.add_(let_in, alpha=2).addcmul_(let_in, candidate[step], value=-4)
            torch.sigmoid(now, out=closed)  # tanh(c) = 1 - 2 sigmoid(-2c)
            torch.addcmul(shown, shown, closed, value=-2, out=states[step + 1])
            drop.feed(states[step + 1], entering[step + 1])

    def views(self, stretch: Stretch, made: Tensor) -> Any:
        width = stretch.states.shape[-1]
        inner = torch.unflatten(made[..., : 3 * width], -1, (3, width))
        gates, slopes = tuple(parts_of(stretch.gates, width)), tuple(parts_of(made, width))
        return steps_of(stretch.gates), gates, steps_of(stretch.memory), steps_of(made), slopes, steps_of(inner)

    def back(self, views: Any, step: int, state: Tensor, carried: Carried) -> None:
        (
            gates,
            (enter, forget, candidate, leave),
            memory,
            slopes,
            (of_enter, of_forget, of_candidate, of_leave),
            inner,
        ) = views
        closed = memory[step + 1].sigmoid()
        torch.mul(candidate[step], -4, out=of_enter[step]).add_(2)
        of_forget[step].copy_(memory[step])
        torch.mul(enter[step], -4, out=of_candidate[step])
        torch.mul(closed, -2, out=of_leave[step]).add_(1)
        sigmoid_backward(slopes[step], gates[step], grad_input=slopes[step])
        sigmoid_backward(leave[step], closed, grad_input=closed)  # -1/2 d state / d memory
        of_memory = carried.gradient
        of_memory.addcmul_(state, closed, value=-2)
        inner[step].mul_(of_memory.unsqueeze(2))
        of_leave[step].mul_(state)
        of_memory.mul_(forget[step])


class Gru(Cell):
    """n = tanh(x_n + r (h_n)), h' = n + k (h - n), as in cuDNN; kept are h_n, r, k and n."""

    columns, gates, passed_on = 3, 4, 3
    reads_apart = True

    def run(self, stretch: Stretch, product: Product, inputs: Tensor | None, drop: Drop) -> None:
        assert inputs is not None
        width = stretch.states.shape[-1]
        states, entering = steps_of(stretch.states), steps_of(stretch.fed[..., :width])
        products = steps_of(stretch.gates[..., : 3 * width])
        switches = steps_of(stretch.gates[..., width : 3 * width])
        recalled, reset, keep, candidate = parts_of(stretch.gates, width)
        read, proposed = steps_of(inputs[..., : 2 * width]), steps_of(inputs[..., 2 * width :])
        for step, fed in enumerate(steps_of(stretch.fed)[:-1]):
            product.into(fed, products[step])
            switches[step].add_(read[step]).sigmoid_()
            new = candidate[step]
            torch.addcmul(proposed[step], reset[step], recalled[step], out=new)
            new.sigmoid_().mul_(2).sub_(1)
            torch.lerp(new, states[step], keep[step], out=states[step + 1])
            drop.feed(states[step + 1], entering[step + 1])

    def views(self, stretch: Stretch, made: Tensor) -> Any:
        width = stretch.states.shape[-1]
        gates, slopes = tuple(parts_of(stretch.gates, width)), tuple(parts_of(made, width))
        return gates, steps_of(stretch.states), slopes

    def back(self, views: Any, step: int, state: Tensor, carried: Carried) -> None:
        (recalled, reset, keep, candidate), states, (of_recalled, of_reset, of_keep, of_candidate) = views
        new, shut = candidate[step], keep[step]
        # What reaches the candidate; its value before the tanh is doubled.
        passed = torch.mul(state, shut, out=carried.gradient)
        torch.sub(state, passed, out=of_candidate[step]).mul_(0.5)
        tanh_backward(of_candidate[step], new, grad_input=of_candidate[step])
        torch.mul(of_candidate[step], reset[step], out=of_recalled[step])
        torch.mul(of_candidate[step], recalled[step], out=of_reset[step])
        sigmoid_backward(of_reset[step], reset[step], grad_input=of_reset[step])
        torch.sub(states[step], new, out=of_keep[step]).mul_(state)
        sigmoid_backward(of_keep[step], shut, grad_input=of_keep[step])


CELLS: dict[str, Cell] = {"simple": Simple(), "lstm": Lstm(), "gru": Gru()}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a layer runs."""

    cell: Cell
    memory: Memory
    precision: torch.dtype  # of the products
    keeps: bool  # whether gradients will be asked for


class Recurrence(torch.autograd.Function):
    """States (D, B, T, H) of steps (D, B, T, C), each direction read from its first step on."""

    @staticmethod
    def forward(
        ctx: Any, steps: Tensor, weights: Tensor, apart: Tensor | None, kept: Tensor | None, asked: Asked
    ) -> Tensor:
        cell, lease = asked.cell, Lease(asked.memory, steps)
        directions, batch, length, _ = steps.shape
        width = weights.shape[2] // cell.columns
        product = Product(weights=weights.to(asked.precision))
        drop = Drop(kept=kept, apart=kept is not None or asked.precision != steps.dtype)
        size = max(1, STRETCH_VALUES // max(1, directions * batch * cell.gates * width))
        states = steps.new_empty((directions, batch, length, width))
        stretches: list[Stretch] = []
        last: Stretch | None = None
        for start in range(0, length, size):
            stretch = _stretch(lease, steps, start, min(size, length - start), asked, drop, weights.shape)
            _begin(stretch, last)
            inputs = None
            if apart is not None and stretch.read is not None:
                read = torch.bmm(stretch.read, apart.to(asked.precision))
                inputs = read.to(steps.dtype).view(directions, stretch.length, batch, -1)
            cell.run(stretch, product, inputs, drop)
            states[:, :, start : start + stretch.length] = stretch.states[:, 1:].transpose(1, 2)
            last = stretch
            if asked.keeps:
                stretches.append(stretch)
            else:
                last = _ending(stretch)
                lease.restart()
        if asked.keeps:
            ctx.save_for_backward(weights, apart, kept)
            ctx.asked, ctx.stretches, ctx.lease = asked, stretches, lease
            ctx.inputs = steps.shape[-1]
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        weights, apart, kept = ctx.saved_tensors
        asked: Asked = ctx.asked
        cell, narrow = asked.cell, asked.precision
        above = gradients[0]
        directions, batch, length, width = above.shape
        reached = cell.passed_on * width
        of_steps = above.new_empty((directions, batch, length, ctx.inputs))
        of_weights = torch.zeros_like(weights)
        of_apart = None if apart is None else torch.zeros_like(apart)
        # The one for the bias has no gradient; a multiple of 16 columns is also the faster product.
        back_columns = width if cell.reads_apart else weights.shape[1] - 1
        turned = weights[:, :back_columns].to(narrow).transpose(1, 2).contiguous()
        carried = Carried(gradient=above.new_zeros((directions, batch, width)))
        passed: Tensor | None = None
        state = torch.empty_like(carried.gradient)
        for stretch in reversed(ctx.stretches):
            count, start = stretch.length, stretch.start
            slopes = above.new_empty((directions, count, batch, cell.gates * width))
            views = cell.views(stretch, slopes)
            # In another precision the gradients stand a second time.
            sent = (
                slopes[..., :reached]
                if narrow == slopes.dtype
                else torch.empty_like(slopes, dtype=narrow)[..., :reached]
            )
            sources, sendings = steps_of(slopes[..., :reached]), steps_of(sent)
            back = slopes.new_empty((directions, count, batch, back_columns), dtype=narrow)
            backs, of_states = steps_of(back), steps_of(back[..., :width])
            from_above = steps_of(above[:, :, start : start + count].transpose(1, 2))
            for step in reversed(range(count)):
                _arriving(from_above[step], passed, kept, carried, cell, state)
                cell.back(views, step, state, carried)
                if narrow != slopes.dtype:
                    sendings[step].copy_(sources[step])
                torch.bmm(sendings[step], turned, out=backs[step])
                passed = of_states[step]
            flat = sent.flatten(1, 2)
            fed = stretch.fed[:, :-1].flatten(1, 2).transpose(1, 2)
            _add_product(of_weights, fed, flat)
            if of_apart is None:
                of_inputs = back[..., width:]
            else:
                of_read = slopes[..., width:].to(narrow).flatten(1, 2)
                _add_product(of_apart, stretch.read.transpose(1, 2), of_read)
                of_inputs = torch.bmm(of_read, apart[:, :-1].to(narrow).transpose(1, 2)).view(
                    directions, count, batch, -1
                )
            of_steps[:, :, start : start + count] = of_inputs.transpose(1, 2)
        return of_steps, of_weights, of_apart, None, None


def _stretch(
    lease: Lease, steps: Tensor, start: int, length: int, asked: Asked, drop: Drop, shape: torch.Size
) -> Stretch:
    """Buffers of the steps from `start` on, with what is read in its place."""
    cell = asked.cell
    directions, batch, _, inputs = steps.shape
    wide, width = shape[1], shape[2] // cell.columns
    room = -(-wide // 16) * 16
    fed = lease.take(directions, length + 1, batch, room, dtype=asked.precision)[..., :wide]
    own = steps[:, :, start : start + length].transpose(1, 2)
    read: Tensor | None = None
    if cell.reads_apart:
        read = lease.take(directions, length, batch, inputs + 1, dtype=asked.precision)
        read[..., :inputs] = own
        read[..., inputs] = 1.0
        read = read.flatten(1, 2)
    else:
        fed[:, :length, :, width:-1] = own
    fed[..., -1] = 1.0
    states = lease.take(directions, length + 1, batch, width) if drop.apart else fed[..., :width]
    memory = lease.take(directions, length + 1, batch, width) if isinstance(cell, Lstm) else states
    gates = lease.take(directions, length, batch, cell.gates * width)
    return Stretch(start=start, fed=fed, states=states, gates=gates, memory=memory, read=read)


def _begin(stretch: Stretch, before: Stretch | None) -> None:
    """The first step starts from where the stretch before ended."""
    width = stretch.states.shape[-1]
    for own, other in (
        (stretch.states, None if before is None else before.states),
        (stretch.memory, None if before is None else before.memory),
        (stretch.fed[..., :width], None if before is None else before.fed[..., :width]),
    ):
        own[:, 0] = 0.0 if other is None else other[:, -1]


def _ending(stretch: Stretch) -> Stretch:
    """A copy of the last step alone."""
    return Stretch(
        start=stretch.start,
        fed=stretch.fed[:, -1:].clone(),
        states=stretch.states[:, -1:].clone(),
        gates=stretch.gates[:, :0],
        memory=stretch.memory[:, -1:].clone(),
        read=None,
    )


def _arriving(
    above: Tensor, passed: Tensor | None, kept: Tensor | None, carried: Carried, cell: Cell, state: Tensor
) -> None:
    """The gradient of a step's state: from above, from the product of the step behind, and what went past it."""
    if passed is None:
        state.copy_(above)
        return
    if kept is None:
        torch.add(above, passed, out=state)
    else:
        torch.addcmul(above, passed.to(state.dtype), kept, out=state)
    if isinstance(cell, Gru):
        state.add_(carried.gradient)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    if left.dtype == total.dtype:
        total.baddbmm_(left, right)
    else:
        total.add_(torch.bmm(left, right))
