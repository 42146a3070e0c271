"""Model files of a text that goes on, a network and its n-grams, good ones and forged ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from netpick.answers.symbols import SYMBOLS
from netpick.columns.store import Store
from netpick.disk.members import MEMBERS
from netpick.disk.strict import open_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.models.baseline_fits import BaselineFit
from netpick.models.baselines import BASELINES, Decision, Given, Limit, Problem
from netpick.models.infer import DeviceData
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network
from netpick.saved.artifact import save_model
from netpick.saved.baseline_model import CHECK_ROWS, save_baseline, settings_of
from netpick.saved.record import BASELINE, FORMAT, ModelRecord
from netpick.tasks.text.state import MOST_STEPS, NextState, stream_inputs
from tests.hostile.containers import Case
from tests.hostile.forge import with_json, with_numbers
from tests.hostile.samples import Sample

ROWS = 40
STATE = NextState(column="text", level="characters", symbols=tuple("abcdef "), apart=False, block=8, context=12)
WEIGHTS, CHECK = "weights.safetensors", "check.safetensors"
Arrays = dict[str, np.ndarray[Any, Any]]


def stream_rows(state: NextState = STATE, rows: int = ROWS) -> np.ndarray[Any, Any]:
    """Blocks of one text, in order."""
    text = np.random.default_rng(0).integers(2, state.num_symbols, rows * state.block + state.context + 1)
    length = state.context + 1 + state.block
    return np.stack([text[row * state.block :][:length] for row in range(rows)]).astype(np.int32)


def _record(name: str, family: str, settings: Any, state: NextState) -> ModelRecord:
    return ModelRecord(
        format=FORMAT, netpick="0.1.0", title=name, created="2025-01-01T00:00:00+00:00", candidate=name, family=family,
        settings=settings, module=None, task="next", task_state=TypeAdapter(NextState).dump_python(state, mode="json"),
        targets=(state.column,), encoders=(), inputs=dict(stream_inputs(state)), num_outputs=SYMBOLS.num_outputs(state),
        labels=SYMBOLS.labels(state), threshold=None, primary_metric="perplexity",
        scores={"perplexity": {"value": 5.0, "low": 4.0, "high": 6.0, "n": 40.0}}, missing=(), layout="text",
        fingerprint="00", versions={"python": "3.11"},
    )  # fmt: skip


def text_samples(folder: Path) -> dict[str, Sample]:
    """One of a network, one of n-grams."""
    return {
        "text network": network_sample(folder, "text network", "rnn", STATE),
        "kneser-ney": _ngrams_sample(folder, "kneser-ney"),
    }


def network_sample(folder: Path, name: str, family: str, state: NextState, rows: int = ROWS) -> Sample:
    inputs = stream_inputs(state)
    settings = MODELS[family, "stream"].presets(inputs, ROWS, SYMBOLS.num_outputs(state))
    torch.manual_seed(0)
    network = build_network(family, settings, inputs, SYMBOLS.num_outputs(state)).eval()
    record = _record(family, family, TypeAdapter(type(settings)).dump_python(settings, mode="json"), state)
    store = Store(arrays={"stream": stream_rows(state, rows)})
    path = folder / f"good-{name}.netpick"
    save_model(path, replace(record, title=name), network, DeviceData(store, inputs, "cpu"), "# A card\n")
    return _opened(path, name)


def _ngrams_sample(folder: Path, name: str) -> Sample:
    inputs, arrays = stream_inputs(STATE), {"stream": stream_rows()}
    rows, baseline = np.arange(ROWS), BASELINES[name]
    problem = Problem(
        answer=SYMBOLS, inputs=inputs, arrays=arrays, target=arrays["stream"][:, -STATE.block :], num_classes=0, train=rows,
        seed=0,
    )  # fmt: skip
    fitted = baseline.fit(problem, Limit(), Decision(rows=ROWS, iterations=1, full=True))
    fit = BaselineFit(baseline=baseline, fitted=fitted, seconds=0.1)
    path = folder / f"good-{name}.netpick"
    given = Given(inputs=inputs, arrays={"stream": arrays["stream"][:CHECK_ROWS]})
    save_baseline(path, _record(name, BASELINE, settings_of(fit), STATE), fit, given, "# A card\n", STATE)
    return _opened(path, name)


def _opened(path: Path, name: str) -> Sample:
    with open_archive(path, MEMBERS, FORMAT) as bundle:
        members = {member: bytes(bundle.raw(member)) for member in (MANIFEST, *MEMBERS)}
    return Sample(name=name, members=members, content=path.read_bytes())


def forged_texts(good: dict[str, Sample]) -> Iterator[Case]:
    """Files that must be refused."""
    yield from _states(good)
    yield from _ngrams(good["kneser-ney"])
    yield from _checks(good)


def _states(good: dict[str, Sample]) -> Iterator[Case]:
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no symbols": lambda s: s.update(symbols=[]),
        "a symbol twice": lambda s: s.update(symbols=[*s["symbols"][:-1], s["symbols"][0]]),
        "a symbol that is none": lambda s: s["symbols"].__setitem__(0, ""),
        "a symbol of two characters": lambda s: s["symbols"].__setitem__(0, "ab"),
        "more symbols": lambda s: s["symbols"].append("z"),
        "merges of characters": lambda s: s.update(merges=[["a", "b"]]),
        "a level that is not there": lambda s: s.update(level="os.system"),
        "a character that is none of bytes": lambda s: s.update(level="bytes", symbols=[*s["symbols"][:-1], "\u0100"]),
        "words with blanks": lambda s: s.update(level="words"),
        "blocks of nothing": lambda s: s.update(block=0),
        "blocks without end": lambda s: s.update(block=1 << 40),
        "long blocks": lambda s: s.update(block=MOST_STEPS),
        "context without end": lambda s: s.update(context=1 << 40),
        "a long context": lambda s: s.update(context=MOST_STEPS),
        "lines that start anew": lambda s: s.update(apart=True),
        "a state of more": lambda s: s.update(more=1),
        "no level": lambda s: s.pop("level"),
    }
    for name, sample in good.items():
        for what, change in changes.items():
            record = sample.record
            change(record["task_state"])
            yield f"{name}: {what}", with_json(sample.members, record)
        record = sample.record
        record["task"] = "classify"
        yield f"{name}: another task", with_json(sample.members, record)
        record = sample.record
        record["inputs"]["stream"]["ahead"] = [1, 1 << 20, 0]
        yield f"{name}: an input that looks far ahead", with_json(sample.members, record)
    for key, value in (
        ("symbols", 4),
        ("symbols", 1 << 20),
        ("order", 0),
        ("order", 9),
        ("block", 9),
        ("restarts", True),
    ):
        record = good["kneser-ney"].record
        record["settings"]["state"][key] = value
        if (key, value) != ("order", 9):  # of which eight are there: a text may be too short for the longest
            yield f"kneser-ney: {key} {value}", with_json(good["kneser-ney"].members, record)


def _ngrams(good: Sample) -> Iterator[Case]:
    def case(name: str, change: Callable[[Arrays], Any]) -> Case:
        return f"n-grams: {name}", with_numbers(good.members, WEIGHTS, change)

    yield case("out of order", lambda a: a.update(keys1=a["keys1"][::-1].copy()))
    yield case("one twice", lambda a: a["keys1"].__setitem__(1, int(a["keys1"][0])))
    yield case("a negative one", lambda a: a["keys2"].__setitem__(0, -1))
    yield case("one that is not there", lambda a: a["keys2"].__setitem__(-1, 1 << 60))
    yield case("of another type", lambda a: a.update(keys1=a["keys1"].astype(np.int32)))
    yield case("none of a length", lambda a: a.update(keys1=a["keys1"][:0], shares1=a["shares1"][:0]))
    yield case("fewer shares", lambda a: a.update(shares1=a["shares1"][1:]))
    yield case("fewer contexts", lambda a: a.update(left2=a["left2"][1:]))
    yield case("a share that is NaN", lambda a: a["shares1"].__setitem__(0, float("nan")))
    yield case("a negative share", lambda a: a["shares1"].__setitem__(0, -0.5))
    yield case("shares of more than all", lambda a: a["shares1"].__setitem__(slice(None), 1.0))
    yield case("nothing left", lambda a: a["left1"].__setitem__(slice(None), 0.0))
    yield case("all left of a context that came", lambda a: a["left1"].__setitem__(slice(None), 1.0))
    yield case("nothing left at all", lambda a: a["left0"].__setitem__(0, 0.0))
    yield case("a length is missing", lambda a: [a.pop(f"{part}1") for part in ("keys", "shares", "left")])
    yield case("an array too many", lambda a: a.update(more=np.zeros(3, np.float32)))


def _checks(good: dict[str, Sample]) -> Iterator[Case]:
    def out_of_range(arrays: Arrays) -> None:
        next(array for name, array in arrays.items() if name != "output")[0, -1] = 1_000_000

    def negative(arrays: Arrays) -> None:
        next(array for name, array in arrays.items() if name != "output")[0, 0] = -5

    for name, sample in good.items():
        yield f"{name}: symbols out of range", with_numbers(sample.members, CHECK, out_of_range)
        yield f"{name}: negative symbols", with_numbers(sample.members, CHECK, negative)
        yield (
            f"{name}: other answers",
            with_numbers(sample.members, CHECK, lambda a: a["output"].__setitem__((0, 0), -9.0)),
        )
