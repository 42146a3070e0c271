"""The exported graph of one step of a model of texts: symbols and the state before them, to what comes next and the state behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from netpick.columns.forms import FORMS
from netpick.errors import ModelFileError
from netpick.saved.onnx_session import cannot_run, open_session, refusals
from netpick.saved.readers import Reader, in_steps
from netpick.types import Array, Inputs

SYMBOLS, FOLLOWING = "symbols", "following"  # int32 (1, S), and log-probabilities (1, V)
BEFORE, AFTER = "before.", "after."  # and the number of each part of the state
BATCH, PAST = "batch", "past"  # axes of a state: of the rows, and of the steps that were read
MOST_STATE = 1 << 24  # numbers of a beginning's state


@dataclass(frozen=True, kw_only=True)
class StatePart:
    """One part of the state, of a row at its beginning."""

    shape: tuple[int, ...]
    grows: tuple[bool, ...]  # by one with each step

    def after(self, read: int) -> tuple[int, ...]:
        """Its shape once so many steps were read."""
        return tuple(size + read * grows for size, grows in zip(self.shape, self.grows, strict=True))


class StepGraph:
    """The graph in onnxruntime. Safe to call from several threads at once."""

    def __init__(self, graph: bytes, inputs: Inputs, *, threads: int = 0, path: Path | None = None) -> None:
        """graph: the bytes that `onnx_file.checked_graph` gave. inputs: of the model. threads: see open_session. Raises ModelFileError when it
        is none of a step."""
        self.inputs = inputs
        self.where: Path | str = path or "the graph of a step"
        self.session = open_session(graph, threads, self.where)
        given = {node.name: node for node in self.session.get_inputs()}
        count = len(given) - 1
        read, said = ({SYMBOLS, *_numbered(BEFORE, count)}, {FOLLOWING, *_numbered(AFTER, count)})
        if set(given) != read or {node.name for node in self.session.get_outputs()} != said:
            raise ModelFileError(
                f"{self.where} reads {sorted(given)[:8]}, which no step of a text does. Export the model again: netpick export MODEL --to onnx"
            )
        self.parts = [_part(given[name].shape) for name in _numbered(BEFORE, count)]
        if sum(prod(part.shape) for part in self.parts) > MOST_STATE:
            raise ModelFileError(
                f"{self.where} asks for a state of more than {MOST_STATE:,} numbers, which no network of ours has."
            )

    def reader(self) -> Reader:
        """A text at its beginning."""
        return in_steps(self.inputs, lambda: GraphReader(self))

    def steps(self, symbols: int) -> int:
        """How many steps so many symbols are: of chords the last one is not read yet."""
        voices = [spec.shape[1] for spec in self.inputs.values() if FORMS[spec.form].together]
        return symbols // voices[0] - 1 if voices else symbols


class GraphReader:
    """A text that is read by the graph; what that gives back of the state is what it reads next. See readers.StateReader."""

    def __init__(self, graph: StepGraph) -> None:
        self._graph, self._count = graph, 0
        self._state: Sequence[Array] = [np.zeros(part.shape, dtype=np.float32) for part in graph.parts]

    def read(self, symbols: Array, *, keep: bool = True) -> Array:
        """See StateReader. Raises ModelFileError where the graph gives another state than it reads."""
        graph, number = self._graph, len(self._state)
        feeds: Mapping[str, Array] = {
            SYMBOLS: np.ascontiguousarray(symbols[None], dtype=np.int32),
            **dict(zip(_numbered(BEFORE, number), self._state, strict=True)),
        }
        try:
            logs, *after = graph.session.run([FOLLOWING, *_numbered(AFTER, number)], feeds)
        except refusals() as error:
            raise cannot_run(graph.where, error) from None
        count = self._count + graph.steps(len(symbols))
        if [part.shape for part in after] != [part.after(count) for part in graph.parts]:
            raise cannot_run(graph.where, ValueError("its state has another shape behind a step than before it"))
        if keep:
            self._state, self._count = after, count
        return np.exp(np.asarray(logs, dtype=np.float32)[0])  # type: ignore[no-any-return]


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def _part(shape: Sequence[Any]) -> StatePart:
    """Of the shape that a graph states: numbers, and names of axes."""
    sizes = {BATCH: 1, PAST: 0}
    return StatePart(
        shape=tuple(size if isinstance(size, int) else sizes.get(size, 1) for size in shape),
        grows=tuple(size == PAST for size in shape),
    )
