"""What answers encoded rows: torch from a model file, numpy from that of a baseline, or onnxruntime from an exported graph. All
take and give numpy.

Neither reads raw data nor words answers (use.py does); importing this imports neither torch nor onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from netpick.columns.batches import batch_rows, batches, joined, main_lengths, sizes_in
from netpick.columns.forms import FORMS
from netpick.errors import ModelFileError
from netpick.saved.onnx_session import cannot_run, open_session, refusals
from netpick.saved.onnx_steps import StepGraph
from netpick.saved.readers import BaselineReader, NetworkReader, Reader, in_steps
from netpick.types import Array, Column, Inputs, Rows, TableColumn

if TYPE_CHECKING:
    from netpick.saved.artifact import LoadedModel
    from netpick.saved.baseline_model import LoadedBaseline
    from netpick.tasks.forecast.windows import Windows

CHUNK_ROWS = 4_096  # that a baseline answers at a time
ANSWERS = "answers"  # the output of an exported graph that an engine gives
TEXTS, NUMBERS = "text.", "number."  # before the name of a column: its raw cells, beside the encoded rows
FORECASTS = "forecasts"  # of a baseline that reads the history of a series: its encoded rows are its answers


class Engine(Protocol):
    """Answers of a model for encoded rows."""

    @property
    def name(self) -> str:
        """'torch', 'numpy' or 'onnx'."""

    @property
    def raw(self) -> Sequence[str]:
        """Names of arrays that it reads beside the encoded rows: TEXTS or NUMBERS, and a column."""

    @property
    def reads_history(self) -> bool:
        """Whether encoded rows do not hold all that it reads of windows of series, so that only `forecasts` answers them."""

    def reader(self) -> Reader:
        """A text at its beginning; of models of texts alone."""

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        """Answers (n, O) for windows of series, gathered a batch at a time: all at once they may be larger than memory."""

    def outputs(self, arrays: Mapping[str, Array]) -> Array:
        """Answers (n, O) for encoded rows, after the task's `answer`: probabilities, or standardised values. float32, of
        baselines float64.

        arrays: by store name, as `encode` makes them ("vector", "codes", "tokens", "tokens.lengths", ...), n rows each. A
        row's answer does not depend on the other rows, so rows of several requests may come together.
        """


@dataclass(frozen=True, kw_only=True)
class TorchEngine:
    """A model file's network. in_graph: answers only what stands in an exported graph (see Answer.in_graph)."""

    loaded: LoadedModel
    name: str = "torch"
    raw: tuple[str, ...] = ()
    reads_history: bool = False
    in_graph: bool = False

    def outputs(self, arrays: Mapping[str, Array]) -> Array:
        """See Engine."""
        from netpick.columns.store import Store
        from netpick.models.infer import DeviceData, predict_answers
        from netpick.tasks import TASKS

        data = DeviceData(Store(arrays=arrays), self.loaded.inputs, "cpu")
        rows = np.arange(len(next(iter(arrays.values()))), dtype=np.int64)
        answer = TASKS[self.loaded.record.task].answer
        made = predict_answers(self.loaded.network, data, rows, answer, in_graph=self.in_graph)
        return np.asarray(made, dtype=np.float32)

    def drawn_rows(self, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Codes and places (count, K) of rows that the network makes up; a number lies anywhere in its bin."""
        from netpick.models.networks.record_network import RecordNetwork

        network = self.loaded.network
        assert isinstance(network, RecordNetwork)
        codes = network.draw(count, random)
        return codes, random.random(codes.shape)

    def reader(self) -> Reader:
        """See Engine."""
        from netpick.models.networks.text_network import ReadOn

        network = self.loaded.network
        assert isinstance(network, ReadOn)
        return in_steps(self.loaded.inputs, lambda: NetworkReader(network))

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        """See Engine."""
        return _gathered(self, self.loaded.inputs, windows, rows)


@dataclass(frozen=True, kw_only=True)
class BaselineEngine:
    """A baseline's model file: arrays, and numpy. Safe to call from several threads at once."""

    loaded: LoadedBaseline
    name: str = "numpy"
    reads_history: bool = True

    @property
    def raw(self) -> Sequence[str]:
        """See Engine."""
        return [*(TEXTS + name for name in self.loaded.texts), *(NUMBERS + name for name in self.loaded.numbers)]

    def outputs(self, arrays: Mapping[str, Array]) -> Array:
        """See Engine."""
        from netpick.models.baselines import Given

        if FORECASTS in arrays:
            return arrays[FORECASTS]
        parts = self.loaded.parts
        texts = {name: arrays[TEXTS + name] for name in self.loaded.texts}
        numbers = {name: arrays[NUMBERS + name] for name in self.loaded.numbers}
        encoded = encoded_only(arrays)
        chunks = []
        for start in range(0, len(next(iter(encoded.values()))), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            given = Given(
                inputs=parts.inputs,
                arrays={name: array[part] for name, array in encoded.items()},
                texts={name: column[part] for name, column in texts.items()},
                numbers={name: column[part] for name, column in numbers.items()},
            )
            chunks.append(self.loaded.answers(given))
        return joined(chunks)

    def drawn_rows(self, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Codes and places (count, K) of rows that a baseline makes up."""
        from netpick.models.baselines import OfRows

        baseline = self.loaded.baseline
        assert isinstance(baseline, OfRows)
        return baseline.draw(self.loaded.fitted, count, random)

    def reader(self) -> Reader:
        """See Engine."""
        return BaselineReader(self.loaded.baseline, self.loaded.fitted)

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        """Answers (n, O) for windows of series, which need more of these than encoded rows hold."""
        from netpick.models.baselines import Given
        from netpick.models.baselines.base import history_of

        chunks = []
        for start in range(0, len(rows), CHUNK_ROWS):
            part = rows[start : start + CHUNK_ROWS]
            arrays = {name: np.asarray(array[part]) for name, array in windows.store.arrays.items()}
            given = Given(inputs=self.loaded.parts.inputs, arrays=arrays, texts={}, history=history_of(windows, part))
            chunks.append(self.loaded.answers(given))
        return np.concatenate(chunks)


def _gathered(engine: Engine, inputs: Inputs, windows: Windows, rows: Rows) -> Array:
    """See Engine.forecasts; for engines that answer encoded rows."""
    size, arrays = batch_rows(inputs), windows.store.arrays
    parts = [
        engine.outputs({name: array[rows[start : start + size]] for name, array in arrays.items()})
        for start in range(0, len(rows), size)
    ]
    return joined(parts)


def encoded_only(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Encoded rows, without the raw cells that a baseline reads beside them."""
    return {name: array for name, array in arrays.items() if not name.startswith((TEXTS, NUMBERS))}


def raw_cells(engine: Engine, columns: Mapping[str, Column]) -> dict[str, Array]:
    """What an engine reads beside encoded rows."""
    if not engine.raw:
        return {}
    from netpick.columns.kinds.cells import as_moderate_numbers
    from netpick.models.baselines.base import cells

    made: dict[str, Array] = {}
    for key in engine.raw:
        column = columns[key.partition(".")[2]]
        assert isinstance(column, TableColumn)
        made[key] = cells(column) if key.startswith(TEXTS) else as_moderate_numbers(column.values).to_numpy()
    return made


class OnnxEngine:
    """An exported graph in onnxruntime, on the processor. Safe to call from several threads at once."""

    name = "onnx"
    raw: tuple[str, ...] = ()
    reads_history = False

    def __init__(
        self,
        graph: bytes,
        inputs: Inputs,
        *,
        threads: int = 0,
        path: Path | None = None,
        step: StepGraph | None = None,
        after: Callable[[Array], Array] | None = None,
    ) -> None:
        """graph: the bytes that `onnx_file.checked_graph` gave. threads: of one call; 0 leaves it to onnxruntime. step: of a model of texts.
        after: what is done with the graph's answers (see Answer.after_graph); without it they are given as they are.

        Raises RequestError without onnxruntime, ModelFileError when the graph does not fit these inputs.
        """
        where = path or "the graph"
        self._session = open_session(graph, threads, where)
        self._where = where
        self._dtypes = {node.name: _DTYPES.get(node.type) for node in self._session.get_inputs()}
        self.inputs, self._step, self._after = inputs, step, after
        wanted = {*inputs, *(f"{name}.lengths" for name, spec in inputs.items() if spec.padded)}
        if set(self._dtypes) != wanted or ANSWERS not in {node.name for node in self._session.get_outputs()}:
            raise ModelFileError(
                f"{where} reads {sorted(self._dtypes)}, but its model.json says {sorted(wanted)}. Export the model again: "
                "netpick export MODEL --to onnx"
            )

    def outputs(self, arrays: Mapping[str, Array]) -> Array:
        """See Engine."""
        return self._run(arrays, self._after)

    def in_graph(self, arrays: Mapping[str, Array]) -> Array:
        """What the graph itself answers."""
        return self._run(arrays, None)

    def _run(self, arrays: Mapping[str, Array], after: Callable[[Array], Array] | None) -> Array:
        rows = np.arange(len(next(iter(arrays.values()))), dtype=np.int64)
        lengths = main_lengths(self.inputs, arrays)
        parts: list[Array] = []
        order: list[Rows] = []
        sizes = sizes_in(self.inputs, arrays)
        for chunk, places in batches(rows, lengths, batch_rows(self.inputs), sizes):
            whole = len(chunk) == len(rows) and lengths is None and sizes is None
            try:
                answers = self._session.run([ANSWERS], self._batch(arrays, None if whole else chunk))[0]
            except refusals() as error:
                raise cannot_run(self._where, error) from None
            made = np.asarray(answers, dtype=np.float32)
            made = made if after is None else after(made)
            if whole:
                return made
            parts.append(made)
            order.append(places)
        return joined(parts)[np.argsort(np.concatenate(order), kind="stable")]

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        """See Engine."""
        return _gathered(self, self.inputs, windows, rows)

    def reader(self) -> Reader:
        """See Engine."""
        assert self._step is not None, "a model of texts"
        return self._step.reader()

    def _batch(self, arrays: Mapping[str, Array], rows: Any) -> dict[str, Array]:
        """What the graph reads of these rows (None: all), padded texts and sounds cut behind the longest of them."""
        batch = {}
        for name, spec in self.inputs.items():
            part = arrays[name] if rows is None else arrays[name][rows]
            if spec.padded:
                key = f"{name}.lengths"
                lengths = arrays[key] if rows is None else arrays[key][rows]
                batch[key] = np.ascontiguousarray(lengths, dtype=self._dtypes[key])
                if FORMS[spec.form].trimmed:
                    part = part[:, : max(1, int(lengths.max(initial=1)))]
            if FORMS[spec.form].sized and f"{name}.sizes" in arrays:
                sizes = arrays[f"{name}.sizes"] if rows is None else arrays[f"{name}.sizes"][rows]
                height, width = sizes.max(axis=0).tolist()
                part = part[..., :height, :width]
            batch[name] = np.ascontiguousarray(part, dtype=self._dtypes[name])
        return batch


_DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
}
