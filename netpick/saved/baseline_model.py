"""A baseline's model file: the same members as a network's, with arrays for weights, read and used without torch or scikit-learn.

`model.json` has the family "baseline", and in its settings the baseline's state; `weights.safetensors` holds its arrays,
`check.safetensors` a few rows and what they gave. The name is looked up in a closed table, the state is read strictly, and
each baseline looks at every array, for shapes, ranges and order, before one row is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as strict_dataclass
from safetensors.numpy import save as save_arrays

from netpick.columns.forms import proved_inputs, proved_rows
from netpick.disk.files import write_whole
from netpick.disk.members import CARD, CHECK, MEMBERS, RECORD, WEIGHTS
from netpick.disk.strict import Bundle, RefusedError, from_parsed, manifest_of, open_archive, write_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import arrays_of, header_of
from netpick.errors import ModelFileError, NetpickError
from netpick.models.baseline_fits import BaselineFit
from netpick.models.baselines import BASELINES, Baseline, Decision, Fitted, Given, History
from netpick.models.baselines.answering import task_answers
from netpick.models.baselines.base import MOST_CHARACTERS, text_names
from netpick.saved.check_rows import require_readable, require_same
from netpick.saved.parts import ModelParts, read_parts, refuse
from netpick.saved.record import BASELINE, FORMAT, ModelRecord
from netpick.tasks import TASKS
from netpick.types import STRICT, Array

CHECK_ROWS = 4
CHECK_STEPS = 2_000  # of history before each row of a forecast
TOLERANCE = 1e-6  # relative to the largest answer: sums on another processor differ in the last bits


@strict_dataclass(config=STRICT, kw_only=True)
class BaselineSettings:
    """The settings of a baseline in model.json."""

    state: dict[str, Any]
    decision: Decision
    remark: str


@dataclass(frozen=True, kw_only=True)
class LoadedBaseline:
    """A baseline's model file in memory."""

    parts: ModelParts
    baseline: Baseline
    fitted: Fitted

    @property
    def texts(self) -> Sequence[str]:
        """Columns whose raw texts it reads."""
        return text_names(self.parts.inputs) if self.baseline.reads_texts else ()

    @property
    def numbers(self) -> Sequence[str]:
        """Columns whose raw numbers it reads."""
        return self.baseline.numbers(self.fitted)

    def answers(self, given: Given) -> Array:
        """(n, O) float64, as the task decodes them."""
        return task_answers(self.baseline, self.fitted, given, self.parts.task.answer, self.parts.task_state)


def settings_of(fit: BaselineFit) -> dict[str, Any]:
    """What model.json says of a fitted baseline."""
    settings = BaselineSettings(
        state=TypeAdapter(fit.baseline.State).dump_python(fit.fitted.state, mode="json"),
        decision=fit.fitted.decision,
        remark=fit.fitted.remark,
    )
    found: dict[str, Any] = TypeAdapter(BaselineSettings).dump_python(settings, mode="json")
    return found


def save_baseline(path: Path, record: ModelRecord, fit: BaselineFit, given: Given, card: str, state: Any) -> None:
    """Writes the model file, whole or not at all. `given` are the rows for the check, CHECK_ROWS at most; `state` is the task's."""
    check = _check_arrays(given)
    answers = task_answers(
        fit.baseline, fit.fitted, _read_given(check, given.inputs, state), TASKS[record.task].answer, state
    )
    check["output"] = answers.astype(np.float64)
    members = {
        RECORD: TypeAdapter(ModelRecord).dump_json(record, indent=1),
        WEIGHTS: save_arrays({name: np.ascontiguousarray(array) for name, array in fit.fitted.arrays.items()}),
        CHECK: save_arrays({name: np.ascontiguousarray(array) for name, array in check.items()}),
        CARD: card.encode(),
    }
    write_whole(path, partial(write_archive, members={MANIFEST: manifest_of(FORMAT, members), **members}))


def load_baseline(path: Path) -> LoadedBaseline:
    """Reads a baseline's model file and proves it. Raises ModelFileError for anything wrong with it."""
    try:
        with open_archive(path, MEMBERS, FORMAT) as bundle:
            parts = read_parts(bytes(bundle.read(RECORD)), bundle.read(CARD).decode("utf-8", "replace"), path)
            return _load(parts, bundle)
    except ModelFileError:
        raise
    except (RefusedError, NetpickError) as error:
        refuse(path, str(error).rstrip(".")[:400])
    except (ValueError, LookupError, RuntimeError, TypeError, ArithmeticError, AttributeError, MemoryError) as error:
        # Parts that pass every check above and still do not fit together.
        refuse(path, f"its parts do not fit together ({(str(error) or type(error).__name__).splitlines()[0][:200]})")


def _load(parts: ModelParts, bundle: Bundle) -> LoadedBaseline:
    record = parts.record
    if record.family != BASELINE or record.candidate not in BASELINES:
        raise RefusedError(f"it names the baseline '{record.candidate[:60]}', which this version does not know")
    baseline = BASELINES[record.candidate]
    settings = from_parsed(BaselineSettings, record.settings)
    weights, check = bundle.read(WEIGHTS), bundle.read(CHECK)
    fitted = Fitted(
        baseline=record.candidate,
        state=from_parsed(baseline.State, settings.state),
        arrays=arrays_of(weights, header_of(weights)),
        decision=settings.decision,
        remark=settings.remark,
    )
    baseline.require(fitted, record.inputs, parts.task.answer.num_values(parts.task_state))
    loaded = LoadedBaseline(parts=parts, baseline=baseline, fitted=fitted)
    _run_check(loaded, arrays_of(check, header_of(check)))
    return loaded


def _run_check(loaded: LoadedBaseline, check: Mapping[str, Array]) -> None:
    """The stored rows must give the stored answers. Raises RefusedError."""
    record, stored = loaded.parts.record, check["output"]
    if stored.ndim < 2 or stored.dtype != np.float64 or not 1 <= len(stored) <= CHECK_ROWS:
        raise RefusedError("its check holds no rows")
    example = _read_given(check, record.inputs, loaded.parts.task_state)
    raw = (*example.texts.values(), *example.numbers.values())
    if any(len(array) != len(stored) for array in (*example.arrays.values(), *raw)):
        raise RefusedError("its check holds rows of different numbers")
    if set(example.texts) != set(loaded.texts) or set(example.numbers) != set(loaded.numbers):
        raise RefusedError("its check holds other raw columns than the baseline reads")
    columns = {encoder.column: encoder.kind for encoder in loaded.parts.encoders}
    if any(columns.get(name) != "number" for name in loaded.numbers):
        raise RefusedError("it reads numbers of a column that holds none")
    for name, spec in proved_inputs(record.inputs).items():
        if example.arrays[name].shape != (len(stored), *spec.shape):
            raise RefusedError("its check holds rows of another shape")
    require_readable(record.inputs, example.arrays)
    require_same(loaded.answers(example), stored, TOLERANCE)


# --- rows as arrays --------------------------------------------------------------------------------------------------


def _check_arrays(given: Given) -> dict[str, Array]:
    """Rows as named arrays: inputs, texts as bytes and where each ends, and of a forecast some history."""
    check = {f"input.{name}": array for name, array in proved_rows(given.inputs, given.arrays).items()}
    for column, texts in given.texts.items():
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        check[f"text.{column}"] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        check[f"ends.{column}"] = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    check |= {f"number.{name}": np.nan_to_num(numbers) for name, numbers in given.numbers.items()}
    if given.history is not None:
        check |= _history_arrays(given.history)
    return check


def _history_arrays(history: History) -> dict[str, Array]:
    """The newest steps before each row as a series of its own, with a step behind that nothing reads."""
    first = history.starts[np.searchsorted(history.starts, history.rows - 1, side="right") - 1]
    pieces = [
        history.values[max(int(start), int(row) - CHECK_STEPS) : int(row)]
        for start, row in zip(first, history.rows, strict=True)
    ]
    starts = np.cumsum([0, *(len(piece) + 1 for piece in pieces)])
    values = np.concatenate([part for piece in pieces for part in (piece, piece[-1:])])
    return {
        "history.values": np.nan_to_num(values),
        "history.starts": starts.astype(np.int64),
        "history.rows": (starts[1:] - 1).astype(np.int64),
        "history.series": history.series.astype(np.int64),
    }


def _read_given(check: Mapping[str, Array], inputs: Any, state: Any) -> Given:
    """The rows of a check. Raises RefusedError where they are none."""
    arrays = {name.removeprefix("input."): array for name, array in check.items() if name.startswith("input.")}
    texts = {
        name.removeprefix("text."): _texts(array, check[f"ends.{name.removeprefix('text.')}"])
        for name, array in check.items()
        if name.startswith("text.")
    }
    numbers = {name.removeprefix("number."): array for name, array in check.items() if name.startswith("number.")}
    if any(array.dtype != np.float64 or array.ndim != 1 for array in numbers.values()):
        raise RefusedError("its check holds numbers that are none")
    history = None
    if "history.rows" in check:
        values, starts, rows, series = (check[f"history.{name}"] for name in ("values", "starts", "rows", "series"))
        if any(part.dtype != np.int64 or part.ndim != 1 for part in (starts, rows, series)) or values.ndim != 2:
            raise RefusedError("its check holds an impossible history")
        if len(starts) != len(rows) + 1 or len(series) != len(rows) or starts[0] != 0 or starts[-1] != len(values):
            raise RefusedError("its check holds a history that does not fit its rows")
        if (rows != starts[1:] - 1).any() or (np.diff(starts) < 2).any() or values.shape[1] != len(state.targets):
            raise RefusedError("its check holds a history that does not fit its rows")
        if (series < 0).any() or (series >= len(state.location)).any():
            raise RefusedError("its check names series that are not there")
        history = History(values=values, starts=starts, rows=rows, series=series, state=state)
    return Given(inputs=inputs, arrays=arrays, texts=texts, numbers=numbers, history=history)


def _texts(content: Array, ends: Array) -> Array:
    if content.dtype != np.uint8 or content.ndim != 1 or ends.dtype != np.int64 or ends.shape[0:1] != ends.shape:
        raise RefusedError("its check holds texts that are none")
    if (np.diff(ends, prepend=0) < 0).any() or ends[-1:].tolist() != [len(content)]:
        raise RefusedError("its check holds texts that do not end where they say")
    data, starts = content.tobytes(), [0, *ends[:-1].tolist()]
    texts = np.empty(len(ends), dtype=object)
    texts[:] = [data[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends.tolist(), strict=True)]
    if any(len(text) > MOST_CHARACTERS for text in texts):
        raise RefusedError("its check holds a text that is longer than any that is read")
    return texts
