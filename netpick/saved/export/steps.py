"""The second graph of a model of texts: some symbols and the state before them, to what comes next and the state behind them.

A prompt is read at once, and then a symbol at a time, by the same graph. A beginning is a state of zeros; keys and values of attention are
of length zero then. The loop around it is `saved/generating.py`, which needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.errors import ModelFileError, RequestError
from netpick.models.networks.text_network import ReadOn
from netpick.saved.export.proof import LARGEST_DIFFERENCE, REMEDY
from netpick.saved.export.twins import exportable
from netpick.saved.onnx_steps import AFTER, BATCH, BEFORE, FOLLOWING, PAST, SYMBOLS
from netpick.saved.readers import Reader
from netpick.tasks.text.goes_on import GoesOn

EXAMPLE_ROWS, EXAMPLE_STEPS, EXAMPLE_PAST = 5, 3, 7
MOST_PAST = 1 << 20
STEPS = 6  # symbols that are read one by one behind each trial prompt


class StepModel(nn.Module):
    """Symbols (B, S) and the parts of a state to log-probabilities (B, V) and the parts of the next."""

    def __init__(self, network: ReadOn) -> None:
        super().__init__()
        made = exportable(network)
        assert isinstance(made, ReadOn)
        self.network = made
        self.outputs = (FOLLOWING, *(f"{AFTER}{number}" for number in range(len(network.start(1)))))

    def forward(self, symbols: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logs, after = self.network.following(symbols.long(), state)
        return logs, *after


def step_graph(network: ReadOn, metadata: Mapping[str, str]) -> bytes:
    """The graph. Raises RequestError where the network cannot be traced."""
    from netpick.saved.export.convert import Feeds, NotTracedError, to_graph

    batch = torch.export.Dim(BATCH, min=1, max=1 << 24)
    together = network.symbols_a_step
    steps = torch.export.Dim("length", min=1 if together == 1 else 2, max=MOST_PAST)
    length = steps if together == 1 else together * steps  # chords are read whole, the next one as far as it goes
    past = torch.export.Dim(PAST, min=0, max=MOST_PAST)
    shapes, others = network.state_shapes(EXAMPLE_ROWS), network.state_shapes(EXAMPLE_ROWS + 1)
    states, axes = [], list[dict[int, Any]]()
    for shape, other in zip(shapes, others, strict=True):
        grows = {axis: past for axis, size in enumerate(shape) if size == 0}
        axes.append({axis: batch for axis, size in enumerate(shape) if size != other[axis]} | grows)
        states.append(torch.zeros([EXAMPLE_PAST if axis in grows else size for axis, size in enumerate(shape)]))
    symbols = torch.ones((EXAMPLE_ROWS, EXAMPLE_STEPS * together), dtype=torch.int32)
    feeds = Feeds(
        names=(SYMBOLS, *(f"{BEFORE}{number}" for number in range(len(states)))),
        example=(symbols, *states),
        shapes=({0: batch, 1: length}, tuple(axes)),
        axes=({0: BATCH}, *({axis: dim.__name__ for axis, dim in named.items()} for named in axes)),
    )
    try:
        return to_graph(StepModel(network), (), metadata, feeds)
    except NotTracedError as error:
        raise RequestError(
            f"A step of this network cannot be put into ONNX's words: {error} Use the model file itself: netpick generate MODEL"
        ) from None


def step_difference(one: Callable[[], Reader], other: Callable[[], Reader], state: GoesOn) -> float:
    """The largest difference between the probabilities that two readers give behind prompts of several lengths, and symbol by symbol
    behind these. Raises ModelFileError when it is too large."""
    random, worst = np.random.default_rng(0), 0.0
    for length in (1, 2, 3, state.read_again, state.most_read - STEPS):
        readers = (one(), other())
        for count in (length, *[1] * STEPS):
            symbols = random.integers(1, state.num_symbols, count).astype(np.int32)
            first, second = (reader.read(symbols) for reader in readers)
            worst = max(worst, float(np.abs(first - second).max()))
    if not worst <= LARGEST_DIFFERENCE:
        raise ModelFileError(
            f"The exported step's probabilities differ from torch's by {worst:.2g}, but at most {LARGEST_DIFFERENCE:g} is right. {REMEDY}"
        )
    return worst
