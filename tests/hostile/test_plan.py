"""What a run folder says of a run, changed by a bit or by somebody: it is read as it was, or refused with the file's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netpick.errors import RequestError
from netpick.training.clock import WorkClock
from netpick.training.course import Segment
from netpick.training.keeping import DECISIONS, PLAN, REQUEST, Keeper, Request, read_decisions, read_request, sealed
from netpick.training.plan import CandidatePlan, Plan
from netpick.training.stop import Stop
from netpick.types.recipe import Recipe

FLIPS = 150  # of each file


def plan_of_a_run() -> Plan:
    first = CandidatePlan(
        name="mlp",
        family="mlp",
        settings={"width": 64},
        recipe=Recipe(),
        seed=1,
        steps=50,
        most_steps=100,
        step_ms={1: 2.5},
    )
    second = CandidatePlan(name="rnn", family="rnn", settings={}, recipe=Recipe(optimizer="sgd"), seed=2, steps=10)
    return Plan(
        seed=1, device="cpu", threads=2, budget_seconds=60.0, baseline_seconds=6.0, rows={"train": 100, "test": 20},
        refit=False, learning_rate_trials=1, candidates=(first, second), order=(1, 0),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keeper = Keeper(folder=tmp_path, stop=Stop(), clock=WorkClock())
    keeper.begin(Request(data="x.csv", options={"seed": 3, "budget": 1.5}, fingerprint="ab", versions={"torch": "2"}))
    keeper.keep_plan(plan_of_a_run())
    record = keeper.record("0")
    for end in (0.25, 0.5):
        assert record.keep is not None
        record.keep(segment(end), False)
    return tmp_path


def segment(end: float) -> Segment:
    return Segment(step=0, until=10, planned=20, begin=0.0, end=end, threads=2)


READ: dict[str, Callable[[Path], object]] = {
    REQUEST: read_request,
    PLAN: lambda folder: Keeper(folder=folder, stop=Stop(), clock=WorkClock()).plan(),
    DECISIONS: read_decisions,
}


@pytest.mark.parametrize("name", READ)
def test_a_flipped_bit_changes_nothing_or_is_refused_by_name(folder: Path, name: str) -> None:
    whole, path = (folder / name).read_bytes(), folder / name
    before = READ[name](folder)
    random, refused = np.random.default_rng(0), 0
    for place in random.integers(0, len(whole), FLIPS):
        changed = bytearray(whole)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        try:
            read = READ[name](folder)
        except RequestError as error:
            said, refused = str(error), refused + 1
        else:
            assert read == before, f"byte {place}"
            continue
        assert name in said or "plan is damaged" in said
    assert refused > FLIPS // 2


@pytest.mark.parametrize("name", [REQUEST, PLAN])
def test_a_file_without_its_checksum_is_not_resumed(folder: Path, name: str) -> None:
    data = json.loads((folder / name).read_text())
    del data["sha256"]
    (folder / name).write_text(json.dumps(data))
    with pytest.raises(RequestError, match="its checksum is missing"):
        READ[name](folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.update(threads=0), "threads or seconds"),
        (lambda p: p.update(threads=10**7), "threads or seconds"),
        (lambda p: p.update(budget_seconds=-1.0), "threads or seconds"),
        (lambda p: p["candidates"][0].update(looks=10**9), "steps, rows or evaluations"),
        (lambda p: p["candidates"][0].update(steps=10**18), "steps, rows or evaluations"),
        (lambda p: p["candidates"][0].update(most_steps=-1), "steps, rows or evaluations"),
        (lambda p: p["candidates"][0].update(look_ms=-5.0), "paces"),
        (lambda p: p["candidates"][0].update(step_ms={"0": 1.0}), "threads of 'mlp'"),
        (lambda p: p["candidates"][0]["recipe"].update(batch_size=0), "batch_size"),
        (lambda p: p["candidates"].append(p["candidates"][0]), "there twice"),
        (lambda p: p["candidates"].pop(), "its order"),
        (lambda p: p.update(order=[0, 0]), "its order"),
        (lambda p: p.update(rows={"train": -1}), "rows or trials"),
    ],
)
def test_impossible_numbers_are_refused_whoever_wrote_them(
    folder: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = json.loads((folder / PLAN).read_text())
    change(data)
    (folder / PLAN).write_text(sealed(data))
    with pytest.raises(RequestError, match=f"The plan is damaged .*{words}"):
        READ[PLAN](folder)
