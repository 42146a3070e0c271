"""What a model.json says of a column or a target, forged number by number: it is refused on loading, or whatever a user asks is
answered with finite numbers or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from netpick.columns.encode import Encoder, input_specs
from netpick.columns.kinds import KINDS
from netpick.disk.strict import RefusedError, from_parsed
from netpick.errors import ModelFileError, NetpickError
from netpick.saved.parts import ModelParts, read_parts
from netpick.tasks import TASKS
from netpick.tasks.examples import examples_of
from netpick.types import Inputs
from tests.conformance.test_kinds import SAMPLES, N
from tests.conformance.test_tasks import SAMPLES as TARGETS
from tests.conformance.test_tasks import columns_of
from tests.hostile.samples import samples

NUMBERS = (0, -1, 1, 0.5, 1e-300, 1e-38, -1e29, 1e30, 1e39, 1e300, -1e300, 2**31, 2**53, 2**63, 10**30)
TEXTS = ("", "%Q", "\x00", "x" * 100, "%Y-%m-%d %H:%M:%S.%f%z")
MOST_PLACES = 3  # of a list: its beginning


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A good model.json."""
    return samples(tmp_path_factory.mktemp("good"))["table"].record


def forged(value: Any) -> Iterator[Any]:
    """The value with one part of it changed, in every way that is known."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (other for other in NUMBERS if other != value)
    elif isinstance(value, str):
        yield from TEXTS
    elif value is None:
        yield from (0, "x", 1e30)
    elif isinstance(value, list):
        yield from ([], value[:-1], [*value, *value[-1:]], value[::-1])
        for place, part in list(enumerate(value))[:MOST_PLACES]:
            yield from ([*value[:place], other, *value[place + 1 :]] for other in forged(part))
        if value and isinstance(value[0], float):
            yield from ([other] * len(value) for other in NUMBERS)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from ({**value, name: other} for other in forged(part))


def loaded(record: dict[str, Any]) -> ModelParts | None:
    """As every model file is; None where it is refused. Any other failure is one of the test."""
    try:
        return read_parts(json.dumps(record).encode(), "", Path("m.netpick"))
    except ModelFileError:
        return None


def stated(made: Callable[[], Inputs]) -> Any:
    """The inputs that are made, as a forger would state them; None where they cannot be."""
    try:
        return {name: TypeAdapter(type(spec)).dump_python(spec, mode="json") for name, spec in made().items()}
    except Exception:  # noqa: BLE001 - the forger gives up
        return None


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_forged_column_is_refused_or_reads_what_users_have(name: str, record: dict[str, Any]) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    adapter = TypeAdapter(kind.State)
    good = json.loads(adapter.dump_json(kind.fit(column, np.arange(N))))
    tried = accepted = 0
    for state in (good, *forged(good)):
        try:
            encoder = Encoder(column=column.name, kind=name, state=from_parsed(kind.State, state))
        except (RefusedError, ValueError):
            continue
        entry = {"column": column.name, "kind": name, "state": state}
        parts = loaded({**record, "encoders": [entry], "inputs": stated(partial(input_specs, [encoder]))})
        tried += 1
        if parts is None:
            assert state is not good
            continue
        accepted += 1
        try:
            encoded = kind.encode(column, parts.encoders[0].state)
        except NetpickError:
            continue
        assert encoded.dtype.kind != "f" or np.isfinite(encoded).all(), state
    assert 1 <= accepted <= tried


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_forged_target_is_refused_or_gives_finite_answers(name: str, record: dict[str, Any]) -> None:
    task, columns = TASKS[name], columns_of(TARGETS[name]())
    adapter = TypeAdapter(task.State)
    good = json.loads(adapter.dump_json(task.fit(columns, np.arange(len(columns[0])))))
    kind = {"recordings": "audio", "masks": "scene", "pictures": "scene"}.get(
        task.examples
    )  # what such a row is besides
    encoders = []
    if kind is not None:
        given = SAMPLES[kind]()
        encoders = [Encoder(column=given.name, kind=kind, state=KINDS[kind].fit(given, np.arange(N)))]
    tried = refused = 0
    for state in (good, *forged(good)):
        try:
            learned = from_parsed(task.State, state)
            outputs, labels = task.answer.num_outputs(learned), list(task.answer.labels(learned))
        except Exception:  # noqa: BLE001 - the forger gives up
            continue
        forgery = {
            **record,
            "task": name,
            "task_state": state,
            "num_outputs": outputs,
            "labels": labels,
            "threshold": None,
        }
        if task.examples != "rows":
            made_inputs = stated(partial(examples_of(task).inputs, learned, encoders))
            forgery |= {"encoders": [encoder.to_json() for encoder in encoders], "inputs": made_inputs}
        tried += 1
        parts = loaded(forgery)
        if parts is None:
            refused += 1
            continue
        answers = np.random.default_rng(0).normal(size=(8, *task.answer.shape(learned))).astype(np.float32)
        made = task.answer.decode(answers, parts.task_state)
        assert all(part is None or np.isfinite(part).all() for part in vars(made).values()), state
    assert refused < tried
