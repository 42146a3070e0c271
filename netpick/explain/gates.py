"""Inside recurrent layers: the gates and the state at every step, what of each step is still there at the end, and how far
gradients reach back.

Layers run in torch's own kernels, which give nothing but states; here the same weights are run again step by step. A test
holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from netpick.explain.attribute import Batch, passed
from netpick.explain.steps import Steps, step_axis
from netpick.explain.subject import Subject, Target
from netpick.models.networks.blocks import reverse_valid
from netpick.models.networks.layer_steps import Recurrent, image_rows
from netpick.models.networks.rnn import RecurrentLayer
from netpick.report.drawing import curves, heat_map
from netpick.report.markup import Html, element
from netpick.types import Array
from netpick.types.drawings import Figure, Line
from netpick.types.words import counted, grouped, percent

MOST_UNITS = 32  # rows of a heat map
MOST_TRACED = 128  # steps whose traces are followed
STAND_INS = (0.2, 0.4, 0.6, 0.8)  # how far from a step, in lengths of the row, those lie that stand in its place
MOST_LAYERS = 2  # that are shown, each in both directions
FADED = 0.01  # of the strongest gradient: below, a step no longer reaches the end

CellKind = Literal["lstm", "gru", "simple"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One direction of a recurrent layer: weights in the order of `gates`, columns side by side.

    lstm: input, forget, output, candidate. gru: reset, keep (torch's update), candidate, whose recurrent part has a bias of
    its own. simple: the state alone.
    """

    kind: CellKind
    inputs: Tensor  # (C, G * H)
    recurrent: Tensor  # (H, G * H)
    bias: Tensor  # (G * H,)
    recalled_bias: Tensor | None = None  # (H,) of a gru's candidate

    @property
    def hidden(self) -> int:
        return int(self.recurrent.shape[0])


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a direction of a layer did step by step, in the order of reading; gates, state and memory are (T, H)."""

    cell: Cell
    steps: Tensor  # (T, C) what it read
    gates: dict[str, Array]
    state: Array
    memory: Array | None  # of an LSTM
    backwards: bool


def recurrent_layers(trunk: nn.Module) -> list[nn.Module]:
    return [part for part in trunk.modules() if isinstance(part, RecurrentLayer | Recurrent)]


def traces(subject: Subject, batch: Batch, trunk: nn.Module, target: Target) -> list[list[Trace]]:
    """Of every recurrent layer, one or two directions, for the first row of the batch."""
    layers = []
    for one in passed(subject, batch, recurrent_layers(trunk), target):
        steps, mask = one.taken[0], one.taken[1] if len(one.taken) > 1 else None
        if isinstance(one.layer, Recurrent) and one.layer.mode.image_rows:
            steps = image_rows(steps)
        layers.append(layer_traces(one.layer, steps.detach(), mask))
    return layers


@torch.no_grad()
def layer_traces(layer: nn.Module, steps: Tensor, mask: Tensor | None) -> list[Trace]:
    """What a layer does with the valid steps of the first row of (B, T, C)."""
    cells = []
    for number, cell in enumerate(cells_of(layer)):
        read = reverse_valid(steps, mask) if number else steps
        length = read.shape[1] if mask is None else max(1, int(mask[0].sum()))
        cells.append(run_cell(cell, read[0, :length].float(), backwards=number == 1))
    return cells


def cells_of(layer: nn.Module) -> list[Cell]:
    """The weights of each direction in one order."""
    if isinstance(layer, Recurrent):
        return [_kernel_cell(part) for part in (layer.ahead, layer.back) if part is not None]
    assert isinstance(layer, RecurrentLayer)
    if not layer.spelled_out:
        return [_kernel_cell(part) for part in layer.kernels]
    kind: CellKind = "simple" if layer.cell == "simple" else "gru" if layer.cell == "gru" else "lstm"
    return [
        Cell(
            kind=kind,
            inputs=layer.input_weight[number],
            recurrent=layer.recurrent_weight[number],
            bias=layer.bias[number, 0],
            recalled_bias=layer.candidate_bias[number, 0] if kind == "gru" else None,
        )
        for number in range(layer.directions)
    ]


def _kernel_cell(part: nn.Module) -> Cell:
    """torch's own layer; its LSTM has input, forget, candidate, output, and here candidates come last."""
    weights = dict(part.named_parameters())
    inputs, recurrent = weights["weight_ih_l0"].t(), weights["weight_hh_l0"].t()
    first, second = weights["bias_ih_l0"], weights["bias_hh_l0"]
    hidden = recurrent.shape[0]
    if isinstance(part, nn.LSTM):
        order = torch.cat([torch.arange(k * hidden, (k + 1) * hidden) for k in (0, 1, 3, 2)])
        return Cell(kind="lstm", inputs=inputs[:, order], recurrent=recurrent[:, order], bias=(first + second)[order])
    if isinstance(part, nn.GRU):
        gates = 2 * hidden
        bias = torch.cat([first[:gates] + second[:gates], first[gates:]])
        return Cell(kind="gru", inputs=inputs, recurrent=recurrent, bias=bias, recalled_bias=second[gates:])
    return Cell(kind="simple", inputs=inputs, recurrent=recurrent, bias=first + second)


@torch.no_grad()
def run_cell(cell: Cell, steps: Tensor, *, backwards: bool = False) -> Trace:
    """Steps (T, C) through one cell, with everything that happens on the way."""
    hidden = cell.hidden
    state = memory = steps.new_zeros(1, hidden)
    kept: dict[str, list[Tensor]] = {name: [] for name in ("input", "forget", "output", "reset", "keep")}
    states, memories = [], []
    for step in steps:
        named, state, memory = _one_step(cell, step[None], state, memory)
        for name, value in named.items():
            kept[name].append(value[0])
        states.append(state[0])
        memories.append(memory[0])
    return Trace(
        cell=cell,
        steps=steps,
        gates={name: torch.stack(values).numpy() for name, values in kept.items() if values},
        state=torch.stack(states).numpy(),
        memory=torch.stack(memories).numpy() if cell.kind == "lstm" else None,
        backwards=backwards,
    )


def _one_step(cell: Cell, step: Tensor, state: Tensor, memory: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Gates by name, state and memory (B, H) behind one step (B, C)."""
    hidden = cell.hidden
    projected, recalled = step @ cell.inputs + cell.bias, state @ cell.recurrent
    if cell.kind == "lstm":
        enter, forget, leave = (projected + recalled)[:, : 3 * hidden].sigmoid().chunk(3, dim=1)
        memory = forget * memory + enter * (projected + recalled)[:, 3 * hidden :].tanh()
        return {"input": enter, "forget": forget, "output": leave}, leave * memory.tanh(), memory
    if cell.kind == "gru":
        reset, keep = (projected + recalled)[:, : 2 * hidden].sigmoid().chunk(2, dim=1)
        assert cell.recalled_bias is not None
        candidate = (projected[:, 2 * hidden :] + reset * (recalled[:, 2 * hidden :] + cell.recalled_bias)).tanh()
        return {"reset": reset, "keep": keep}, candidate + keep * (state - candidate), memory
    return {}, (projected + recalled).tanh(), memory


@torch.no_grad()
def traces_left(trace: Trace) -> Array:
    """(S, T): how much the state at step t differs when another of the row's steps stands in the place of step s; 0 before it.

    The mean size over some others. It asks the cell itself, and so also sees what is remembered by being written anew at every
    step, which gates alone do not tell. Of long rows S steps are followed, evenly spread.
    """
    length = len(trace.steps)
    shown = np.unique(np.linspace(0, length - 1, min(length, MOST_TRACED)).round().astype(int))
    apart = np.unique([round(length * share) for share in STAND_INS])
    apart = apart[(apart % length) != 0]
    if not len(apart):
        return np.zeros((len(shown), length))
    places = torch.as_tensor(np.repeat(shown, len(apart)))
    others = trace.steps[(places + torch.as_tensor(np.tile(apart, len(shown)))) % length]
    state = memory = trace.steps.new_zeros(len(places), trace.cell.hidden)
    distances = []
    for number, step in enumerate(trace.steps):
        mixed = torch.where((places == number)[:, None], others, step)
        _, state, memory = _one_step(trace.cell, mixed, state, memory)
        distances.append((state - torch.as_tensor(trace.state[number])).norm(dim=1))
    sizes = torch.stack(distances, dim=1).reshape(len(shown), len(apart), length)
    return np.asarray(sizes.mean(dim=1).numpy())


def gradient_reach(trace: Trace) -> Array:
    """(T,): size of the last state's gradient by each step's state, of a simple cell (Frobenius norm over that of the last).

    The product of the Jacobians diag(1 - h^2) W of all later steps (Pascanu et al. 2013), at the states of this row.
    """
    weights = trace.cell.recurrent.detach().numpy().astype(np.float64)
    product = np.eye(trace.cell.hidden)
    sizes = [float(np.linalg.norm(product))]
    for state in trace.state[:0:-1]:
        product = product @ ((1 - state.astype(np.float64) ** 2)[:, None] * weights.T)
        sizes.append(float(np.linalg.norm(product)))
    return np.asarray(sizes[::-1]) / sizes[0]


# --- figures ---------------------------------------------------------------------------------------------------------


def gate_figures(subject: Subject, batch: Batch, trunk: nn.Module, target: Target, steps: Steps) -> tuple[Figure, ...]:
    """Gates and states of the first recurrent layers; nothing where there are none."""
    layers = traces(subject, batch, trunk, target)
    made: list[Figure] = []
    for number, directions in enumerate(layers[:MOST_LAYERS], start=1):
        for trace in directions:
            which = f"layer {number}" if len(layers) > 1 else "the layer"
            where = which + (
                ", reading backwards" if trace.backwards else ", reading forwards" if len(directions) > 1 else ""
            )
            made.append(_kept_figure(trace, steps, where))
            if trace.cell.kind == "simple":
                made += [_state_figure(trace, steps, where), _reach_figure(trace, steps, where)]
            else:
                made.append(_gates_figure(trace, steps, where))
    return tuple(made)


def _in_order(values: Array, trace: Trace) -> Array:
    """Steps from the first to the last, whichever way they were read."""
    return values[::-1] if trace.backwards else values


def _busiest(trace: Trace) -> Array:
    """The units that end up with most, in the order in which they got it."""
    strength = np.abs(trace.state[-1]) + 0.1 * np.abs(trace.state).mean(axis=0)
    chosen = np.argsort(-strength, kind="stable")[:MOST_UNITS]
    first = np.abs(trace.state[:, chosen]).argmax(axis=0)
    return np.asarray(chosen[np.argsort(first, kind="stable")])


def _map(title: str, values: Array, trace: Trace, units: Array, steps: Steps, largest: float | None = None) -> Html:
    shown = _in_order(values, trace)[:, units].T
    return element(
        "div",
        element("p", element("b", title)),
        heat_map(shown, largest=largest),
        step_axis(steps, shown.shape[1]),
    )


def _kept_figure(trace: Trace, steps: Steps, where: str) -> Figure:
    """Lines are steps, columns the states behind them: where a line stays bright, its step is remembered."""
    left = traces_left(trace)
    if trace.backwards:
        left = left[::-1, ::-1]
    length = len(trace.steps)
    shown = np.unique(np.linspace(0, length - 1, len(left)).round().astype(int))
    ends = left[:, 0 if trace.backwards else -1]
    shares = ends / max(float(ends.sum()), 1e-12)
    strongest = int(shown[int(shares.argmax())])
    x = shown.astype(np.float64) * steps.group + 1
    drawn = curves(
        [Line(x=x, y=shares.astype(np.float64), dots=len(x) <= 60)],
        (steps.noun, "share"),
        extent=(0.0, 1.0),
    )
    parts = [
        element("div", element("p", element("b", "Share of each step in the state at the end")), drawn),
        element(
            "div",
            element("p", element("b", "Line by line a step, column by column the states behind it")),
            heat_map(left),
            step_axis(steps, left.shape[1]),
        ),
    ]
    end = "the first step, where it stops reading" if trace.backwards else "the end"
    return Figure(
        title=f"What is remembered, what is forgotten: {where}",
        sentence=f"How much of each step is still in the state: a line that stays bright is remembered, one that fades is forgotten. "
        f"At {end}, {steps.name(strongest)} has the largest share, {percent(float(shares.max()))}.",
        caution="as importance: what is remembered is not always used, and a network that pools over all steps also reads states "
        "that are gone at the end.",
        alt=f"{steps.name(strongest)} makes up {percent(float(shares.max()))} of what is left at {end}.",
        drawing=element("div", parts, class_="maps"),
    )


GATE_WORDS = {
    "input": "Input gate: what is let in",
    "forget": "Forget gate: what is held on to",
    "output": "Output gate: what is shown",
    "reset": "Reset gate: how much of the past is asked",
    "keep": "Update gate: what is held on to",
}


def _gates_figure(trace: Trace, steps: Steps, where: str) -> Figure:
    units = _busiest(trace)
    shown = [_map(GATE_WORDS[name], values, trace, units, steps, 1.0) for name, values in trace.gates.items()]
    shown.append(_map("State: what the next step and the answer see", trace.state, trace, units, steps))
    hold = trace.gates["forget" if trace.cell.kind == "lstm" else "keep"]
    count = counted(len(units), "unit") + (f" of {trace.cell.hidden}" if len(units) < trace.cell.hidden else "")
    return Figure(
        title=f"Gates and state: {where}",
        sentence=f"Each line is one of {count}, each column a step; full orange is an open gate, empty a closed one. On average "
        f"{percent(float(hold.mean()))} is held on to from step to step.",
        caution="line by line: units share their work, and another training would number them otherwise.",
        alt=", ".join(
            f"{name} gate {grouped(float(values.mean()), 2)} on average" for name, values in trace.gates.items()
        ),
        drawing=element("div", shown, class_="maps"),
    )


def _state_figure(trace: Trace, steps: Steps, where: str) -> Figure:
    units = _busiest(trace)
    return Figure(
        title=f"The state: {where}",
        sentence=f"What {counted(len(units), 'unit')} of the simple cell hold at each step: orange above zero, blue below.",
        caution="line by line: units share their work, and another training would number them otherwise.",
        alt=f"Heat map of {len(units)} units over {len(trace.state)} steps.",
        drawing=element("div", _map("State", trace.state, trace, units, steps, 1.0), class_="maps"),
    )


def _reach_figure(trace: Trace, steps: Steps, where: str) -> Figure:
    reach = gradient_reach(trace)
    far = reversed(list(enumerate(reach[::-1])))
    distance = next((back for back, size in far if size >= FADED), 0)
    x = np.arange(1, len(reach) + 1, dtype=np.float64)
    logs = np.log10(np.maximum(_in_order(reach, trace), 1e-12))
    return Figure(
        title=f"How far gradients reach back: {where}",
        sentence=f"How strongly the last state still depends on the state at each step, in powers of ten; more than a hundredth "
        f"reaches back over {counted(distance, 'step')} here. What lies beyond cannot be learned from.",
        caution="for other rows: it is measured at this row's states, and saturated units shorten it.",
        alt=f"The gradient falls below a hundredth {counted(distance + 1, 'step')} before the end.",
        drawing=curves([Line(x=x, y=logs)], (steps.noun, "log10 of size")),
    )
