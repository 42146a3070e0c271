"""The exported graphs of a model of pairs of texts: one reads sources, the other writes a symbol at a time; the loop around them is `answers/decoding.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netpick.answers.decoding import decoded, limits_of
from netpick.columns.batches import batch_rows, batches, joined, main_lengths
from netpick.errors import ModelFileError
from netpick.saved.onnx_session import cannot_run, open_session, refusals
from netpick.saved.onnx_steps import BATCH, PAST
from netpick.types import Array, Inputs, Rows

if TYPE_CHECKING:
    from netpick.saved.readers import Reader
    from netpick.tasks.forecast.windows import Windows

SOURCE, SYMBOLS = (
    "source",
    "symbols",
)  # int32 (rows, S), with an end and 0 behind it; int32 (rows,), the last of each text, at first the end
LIKELIEST, LOGS = "likeliest", "logs"  # symbols (rows, CHOICES) that may come, and their log-probabilities
MEMORY, BEFORE, AFTER = (
    "memory.",
    "before.",
    "after.",
)  # and the number of each part: what was read of a source, and a text's state
LENGTH = "source_length"  # an axis
MOST_STATE = 1 << 24  # numbers of a row's state


class PairGraphs:
    """Both graphs in onnxruntime, on the processor: an engine (see engines.Engine). Safe to call from several threads at once."""

    name = "onnx"
    raw: tuple[str, ...] = ()
    reads_history = False

    def __init__(
        self, read: bytes, write: bytes, inputs: Inputs, *, threads: int = 0, paths: tuple[Path | str, Path | str]
    ) -> None:
        """read, write: the bytes that `onnx_file.checked_graph` gave. paths: of both, for messages. Raises RequestError without onnxruntime,
        ModelFileError where they do not fit each other."""
        self.inputs, self.paths = inputs, paths
        ((self.pair, spec),) = inputs.items()
        self.longest, self.limits = spec.ahead[1], limits_of(spec)
        self.beam = self.limits.beam
        self.reading = open_session(read, threads, paths[0])
        self.writing = open_session(write, threads, paths[1])
        given = {node.name: node for node in self.writing.get_inputs()}
        states = sum(name.startswith(BEFORE) for name in given)
        self.memory = _numbered(MEMORY, len(given) - 2 - states)
        self.before, self.after = _numbered(BEFORE, states), _numbered(AFTER, states)
        self._require(self.reading, paths[0], {SOURCE}, {*self.memory})
        self._require(
            self.writing,
            paths[1],
            {SOURCE, SYMBOLS, *self.memory, *self.before},
            {LIKELIEST, LOGS, *self.after},
        )
        self.begins = [tuple(given[name].shape) for name in self.before]
        if sum(int(np.prod([size for size in shape if isinstance(size, int)])) for shape in self.begins) > MOST_STATE:
            raise ModelFileError(
                f"{paths[1]} asks for a state of more than {MOST_STATE:,} numbers, which no network of ours has."
            )

    def outputs(self, arrays: Any) -> Array:
        """Symbols (n, L) of the generated texts, 0 behind their ends, as float32."""
        rows = np.arange(len(arrays[self.pair]), dtype=np.int64)
        parts, order = list[Array](), list[Rows]()
        for chunk, places in batches(rows, main_lengths(self.inputs, arrays), batch_rows(self.inputs)):
            steps = self.steps(arrays[self.pair][chunk])
            parts.append(decoded(steps, steps.most, self.beam, self.limits.runs).astype(np.float32))
            order.append(places)
        return joined(parts)[np.argsort(np.concatenate(order), kind="stable")]

    def steps(self, pairs: Array) -> GraphSteps:
        """What comes next in texts for these rows (B, S + T), of which the sources are read."""
        source = pairs[:, : self.longest]
        length = max(1, int((source > 0).sum(axis=1).max(initial=1)))
        return GraphSteps(self, np.ascontiguousarray(source[:, :length], dtype=np.int32))

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        """See Engine; of windows alone."""
        raise NotImplementedError("pairs of texts are no windows")

    def reader(self) -> Reader:
        """See Engine; of texts that go on alone."""
        raise NotImplementedError("pairs of texts do not go on")

    def run(self, which: int, names: Sequence[str], feeds: dict[str, Array]) -> list[Array]:
        """Of the graph that reads (0) or writes (1). Raises ModelFileError."""
        try:
            made: list[Array] = (self.reading, self.writing)[which].run(list(names), feeds)
        except refusals() as error:
            raise cannot_run(self.paths[which], error) from None
        return made

    def _require(self, session: Any, path: Path | str, read: set[str], said: set[str]) -> None:
        given = {node.name for node in session.get_inputs()}, {node.name for node in session.get_outputs()}
        if given != (read, said) or not self.memory:
            raise ModelFileError(
                f"{path} reads {sorted(given[0])[:8]}, which no graph of pairs of texts does. Export the model again: netpick export MODEL --to onnx"
            )


class GraphSteps:
    """What the graphs say next: see decoding.Next."""

    def __init__(self, graphs: PairGraphs, source: Array) -> None:
        self.graphs, self.source = graphs, source
        self.most = graphs.limits.of((source > 0).sum(axis=1))
        self.memory = graphs.run(0, graphs.memory, {SOURCE: source})
        sizes = {BATCH: len(source), PAST: 0}
        self.state = [
            np.zeros([size if isinstance(size, int) else sizes.get(size, 1) for size in shape], dtype=np.float32)
            for shape in graphs.begins
        ]

    def __call__(self, rows: Rows, parents: Rows, symbols: Array) -> tuple[Array, Array]:
        graphs = self.graphs
        feeds = {
            SOURCE: self.source[rows],
            SYMBOLS: np.ascontiguousarray(symbols, dtype=np.int32),
            **{name: part[rows] for name, part in zip(graphs.memory, self.memory, strict=True)},
            **{name: part[parents] for name, part in zip(graphs.before, self.state, strict=True)},
        }
        likeliest, logs, *self.state = graphs.run(1, [LIKELIEST, LOGS, *graphs.after], feeds)
        if likeliest.shape != logs.shape or likeliest.ndim != 2 or len(likeliest) != len(symbols):
            raise cannot_run(graphs.paths[1], ValueError("it says other symbols than it was asked for"))
        cardinality = graphs.inputs[graphs.pair].cardinalities[0]
        return np.clip(likeliest, 0, cardinality - 1).astype(np.int64), logs.astype(np.float64)


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]
