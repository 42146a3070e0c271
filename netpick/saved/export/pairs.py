"""The two graphs of a model of pairs of texts: what is kept of a source, and one symbol more of its target.

The loop around them is `answers/decoding.py`, the same that decodes in torch; `saved/onnx_pairs.py` runs it without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.answers.decoding import CHOICES, decoded
from netpick.errors import ModelFileError, RequestError
from netpick.models.networks.pair_network import PairNetwork, Steps
from netpick.saved.export.proof import LARGEST_DIFFERENCE, REMEDY
from netpick.saved.export.twins import exportable
from netpick.saved.onnx_pairs import (
    AFTER,
    BEFORE,
    LENGTH,
    LIKELIEST,
    LOGS,
    MEMORY,
    SOURCE,
    SYMBOLS,
    GraphSteps,
    PairGraphs,
)
from netpick.saved.onnx_steps import BATCH, PAST
from netpick.types import Array, Inputs, Rows

EXAMPLE_ROWS, EXAMPLE_LENGTH, EXAMPLE_PAST = 5, 11, 7
MOST_LENGTH = 1 << 12


class ReadModel(nn.Module):
    """Sources (B, S) to the parts of what is kept of them."""

    def __init__(self, network: PairNetwork, count: int) -> None:
        super().__init__()
        self.network, self.outputs = network, tuple(f"{MEMORY}{number}" for number in range(count))

    def forward(self, source: Tensor) -> tuple[Tensor, ...]:
        symbols = source.long()
        return self.network.memory(symbols, symbols > 0)


class WriteModel(nn.Module):
    """Last symbols (B,) of texts, their sources (B, S), what is kept of these and the texts' states to what may come and the states behind it."""

    def __init__(self, network: PairNetwork, memory: int, states: int) -> None:
        super().__init__()
        self.network, self.count = network, memory
        self.outputs = (LIKELIEST, LOGS, *(f"{AFTER}{number}" for number in range(states)))

    def forward(self, symbols: Tensor, source: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        memory, state = parts[: self.count], parts[self.count :]
        said = self.network.said(symbols.long(), state, memory, source > 0)
        return (*self.network.likeliest(said.features, CHOICES), *said.state)


def pair_graphs(network: PairNetwork, metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """The graph that reads and the one that writes. Raises RequestError where the network cannot be traced."""
    from netpick.saved.export.convert import Feeds, NotTracedError, to_graph

    made = exportable(network).requires_grad_(False)  # parts with gradients of their own are spelled out then
    assert isinstance(made, PairNetwork)
    memory, state = _shapes(network, EXAMPLE_ROWS, EXAMPLE_LENGTH)
    longer, _ = _shapes(network, EXAMPLE_ROWS, EXAMPLE_LENGTH + 2)
    batch = torch.export.Dim(BATCH, min=1, max=1 << 24)
    length = torch.export.Dim(LENGTH, min=1, max=MOST_LENGTH)
    past = torch.export.Dim(PAST, min=0, max=MOST_LENGTH)
    source = torch.ones((EXAMPLE_ROWS, EXAMPLE_LENGTH), dtype=torch.int32)
    axes_of_memory = [
        {0: batch} | {axis: length for axis, size in enumerate(shape) if size != other[axis]}
        for shape, other in zip(memory, longer, strict=True)
    ]
    axes_of_state = [{0: batch} | {axis: past for axis, size in enumerate(shape) if size == 0} for shape in state]
    grown = [[size or EXAMPLE_PAST for size in shape] for shape in state]
    of_source = {0: batch, 1: length}
    writing = Feeds(
        names=(
            SYMBOLS,
            SOURCE,
            *(f"{MEMORY}{number}" for number in range(len(memory))),
            *(f"{BEFORE}{number}" for number in range(len(state))),
        ),
        example=(
            torch.ones(EXAMPLE_ROWS, dtype=torch.int32),
            source,
            *(torch.zeros(shape) for shape in (*memory, *grown)),
        ),
        shapes=({0: batch}, of_source, (*axes_of_memory, *axes_of_state)),
        axes=tuple(
            {axis: dim.__name__ for axis, dim in named.items()}
            for named in ({0: batch}, of_source, *axes_of_memory, *axes_of_state)
        ),
    )
    reading = Feeds(names=(SOURCE,), example=(source,), shapes=(of_source,), axes=({0: BATCH, 1: LENGTH},))
    try:
        read = to_graph(ReadModel(made, len(memory)), (), metadata, reading)
        return read, to_graph(WriteModel(made, len(memory), len(state)), (), metadata, writing)
    except NotTracedError as error:
        raise RequestError(
            f"This network cannot be put into ONNX's words: {error} Use the model file itself: netpick predict MODEL"
        ) from None


def proved_pairs(network: PairNetwork, graphs: PairGraphs, pairs: Array) -> float:
    """The largest difference between the log-probabilities that torch and the graphs give while torch decodes these rows, relative to the largest
    where that is above 1. Raises ModelFileError when it is too large."""
    worst = 0.0
    for count in (1, 2, len(pairs)):
        both = _Both(network, graphs, pairs[:count])
        decoded(both, both.graph.most, graphs.beam, graphs.limits.runs)
        worst = max(worst, both.worst)
    if not worst <= LARGEST_DIFFERENCE:
        raise ModelFileError(
            f"The exported graphs' log-probabilities differ from torch's by {worst:.2g}, but at most {LARGEST_DIFFERENCE:g} is right. {REMEDY}"
        )
    return worst


class _Both:
    """What torch says next, and how far the graphs are from it: see decoding.Next."""

    def __init__(self, network: PairNetwork, graphs: PairGraphs, pairs: Array) -> None:
        self.graph: GraphSteps = graphs.steps(pairs)
        source = torch.from_numpy(self.graph.source.astype(np.int64))
        self.network, self.worst = network.eval(), 0.0
        with torch.no_grad():
            self.steps = Steps(network, network.memory(source, source > 0), source > 0)

    @torch.no_grad()
    def __call__(self, rows: Rows, parents: Rows, symbols: Array) -> tuple[Array, Array]:
        likeliest, logs = self.steps(rows, parents, symbols)
        _, others = self.graph(rows, parents, symbols)
        scale = max(1.0, float(np.abs(logs).max(initial=0.0)))
        self.worst = max(self.worst, float(np.abs(logs - others).max(initial=0.0)) / scale)
        return likeliest, logs


@torch.no_grad()
def _shapes(network: PairNetwork, rows: int, length: int) -> tuple[Sequence[list[int]], Sequence[list[int]]]:
    """Of what is kept of such sources, and of a text's state at its beginning."""
    network.eval()
    source = torch.ones((rows, length), dtype=torch.int64)
    memory = network.memory(source, source > 0)
    return [list(part.shape) for part in memory], [list(part.shape) for part in network.trunk.begin(memory)]


def trial_pairs(inputs: Inputs, count: int, seed: int) -> Array:
    """(count, S + T) rows of random sources of all lengths, without targets."""
    ((_, spec),) = inputs.items()
    random = np.random.default_rng(seed)
    longest, rows = spec.ahead[1], np.zeros((count, spec.shape[0]), dtype=np.int32)
    for row in rows:
        length = int(random.integers(1, longest + 1))
        row[: length - 1] = random.integers(3, spec.cardinalities[0], length - 1)
        row[length - 1] = 2
    return rows


def checked(engine: Any, inputs: Inputs, stored: Array) -> dict[str, Array]:
    """The stored rows and the texts that were generated for them."""
    ((name, _),) = inputs.items()
    return {"answers": engine.outputs({name: stored}), f"input.{name}": stored}
