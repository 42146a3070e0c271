"""Model files of baselines, good ones and forged ones: trees that are none, arrays that do not fit, states of something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from netpick.answers import ONE_CLASS
from netpick.columns.encode import Encoder, encode, input_specs
from netpick.columns.kinds import KINDS
from netpick.columns.store import Allocator
from netpick.disk.members import MEMBERS
from netpick.disk.strict import open_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.models.baseline_fits import BaselineFit
from netpick.models.baselines import BASELINES, Decision, Limit, Problem
from netpick.saved.baseline_model import CHECK_ROWS, save_baseline, settings_of
from netpick.saved.record import BASELINE, FORMAT, EncoderRecord, ModelRecord
from netpick.tasks.classify import ClassifyState
from netpick.types import ArrayColumn, Column, TableColumn
from tests.hostile.containers import Case
from tests.hostile.forge import with_header, with_json, with_numbers
from tests.hostile.samples import LABELS, ROWS, Sample

WEIGHTS, CHECK = "weights.safetensors", "check.safetensors"
Arrays = dict[str, np.ndarray[Any, Any]]


def baseline_samples(folder: Path) -> dict[str, Sample]:
    """One of weights, one of trees with categories, one of stored rows, one of texts."""
    numbers = np.random.default_rng(0).normal(size=ROWS)
    words = [("good", "bad", "ugly", "fine", "dull")[i % 5] for i in range(ROWS)]
    pixels = np.random.default_rng(1).integers(0, 255, (ROWS, 1, 12, 12), dtype=np.uint8)
    size = ("number", TableColumn(name="size", values=pl.Series("size", numbers)))
    colour = ("category", TableColumn(name="colour", values=pl.Series("colour", words)))
    said = ("text", TableColumn(name="said", values=pl.Series("said", [f"it was {w} and {w}" for w in words])))
    photo = ("image", ArrayColumn(name="photo", kind="image", values=pixels))
    return {
        "linear": _sample(folder, "linear", {"size": size, "colour": colour}),
        "boosted trees": _sample(folder, "boosted trees", {"size": size, "colour": colour}),
        "nearest neighbours": _sample(folder, "nearest neighbours", {"photo": photo}),
        "tf-idf + linear": _sample(folder, "tf-idf + linear", {"said": said, "size": size}),
    }


def _sample(folder: Path, name: str, columns: dict[str, tuple[str, Column]]) -> Sample:
    rows = np.arange(ROWS)
    encoders = [Encoder(column=n, kind=k, state=KINDS[k].fit(c, rows)) for n, (k, c) in columns.items()]
    inputs = input_specs(encoders)
    store = encode({n: c for n, (_, c) in columns.items()}, encoders, Allocator(limit=1 << 30, key="none"))
    state = ClassifyState(labels=LABELS, variants={})
    raw = {n: c for n, (k, c) in columns.items() if k == "number" and isinstance(c, TableColumn)}
    problem = Problem(
        answer=ONE_CLASS, inputs=inputs, arrays=store.arrays, target=(rows % 5 < 2).astype(np.int64), num_classes=2,
        train=rows, seed=0, columns={n: c for n, (_, c) in columns.items()},
        numbers=lambda asked: {n: c.values.to_numpy()[asked] for n, c in raw.items()},
    )  # fmt: skip
    baseline = BASELINES[name]
    fitted = baseline.fit(problem, Limit(), Decision(rows=ROWS, iterations=10, full=True))
    fit = BaselineFit(baseline=baseline, fitted=fitted, seconds=0.1)
    record = ModelRecord(
        format=FORMAT, netpick="0.1.0", title=name, created="2025-01-01T00:00:00+00:00", candidate=name, family=BASELINE,
        settings=settings_of(fit), module=None, task="classify",
        task_state=TypeAdapter(ClassifyState).dump_python(state, mode="json"), targets=("label",),
        encoders=tuple(EncoderRecord(**e.to_json()) for e in encoders), inputs=dict(inputs), num_outputs=2, labels=LABELS,
        threshold=0.5, primary_metric="accuracy",
        scores={"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40.0}}, missing=(), layout="csv",
        fingerprint="00", versions={"python": "3.11"},
    )  # fmt: skip
    path = folder / f"good-{name}.netpick"
    save_baseline(path, record, fit, baseline.given(problem, rows[:CHECK_ROWS]), "# A card\n", state)
    with open_archive(path, MEMBERS, FORMAT) as bundle:
        members = {member: bytes(bundle.raw(member)) for member in (MANIFEST, *MEMBERS)}
    return Sample(name=name, members=members, content=path.read_bytes())


def forged(good: dict[str, Sample]) -> Iterator[Case]:
    """Files of baselines that must be refused."""
    yield from _trees(good["boosted trees"])
    yield from _arrays(good)
    yield from _states(good)
    yield from _checks(good)


def _trees(good: Sample) -> Iterator[Case]:
    def case(name: str, change: Callable[[Arrays], Any]) -> Case:
        return f"trees: {name}", with_numbers(good.members, WEIGHTS, change)

    def put(array: str, place: int, value: float) -> Callable[[Arrays], Any]:
        return lambda arrays: arrays[f"trees.{array}"].__setitem__(place, value)

    yield case("the root is its own grandchild", put("left", 2, 0))
    yield case("a child that is not there", put("left", 0, 1_000_000_000))
    yield case("a negative child", put("right", 0, -1))
    yield case("half a leaf", put("left", -1, 0))
    yield case("two parents of one node", lambda a: a["trees.left"].__setitem__(0, int(a["trees.right"][0])))
    yield case("a feature that is not there", put("feature", 0, 1_000_000))
    yield case("a negative feature", put("feature", 0, -1))
    yield case("NaN as a threshold", put("threshold", 0, float("nan")))
    yield case("infinity as a value", put("value", 0, float("inf")))
    yield case("a set that is not there", put("categories", 0, 1_000_000))
    yield case("a root in the middle", lambda a: a["trees.roots"].__setitem__(-1, int(a["trees.roots"][-1]) + 1))
    yield case("roots that go back", lambda a: a["trees.roots"].__setitem__(slice(None), a["trees.roots"][::-1].copy()))
    yield case("a score that is not there", put("output", -1, 7))
    yield case("a negative score", put("output", 0, -3))
    yield case("no root at all", lambda a: a.update({"trees.roots": np.zeros(0, np.int32), "trees.output": np.zeros(0, np.int32)}))  # fmt: skip
    yield case("sets of another width", lambda a: a.update({"trees.sets": np.zeros((1, 7), np.uint8)}))
    yield case("thresholds of half precision", lambda a: a.update({"trees.threshold": a["trees.threshold"].astype(np.float16)}))  # fmt: skip
    yield case("values of two scores", lambda a: a.update({"trees.value": np.repeat(a["trees.value"], 2, axis=1)}))
    yield case("no thresholds", lambda a: a.pop("trees.threshold"))
    yield case("an array too many", lambda a: a.update({"trees.more": np.zeros(3)}))
    yield case("trees that are too deep", lambda a: a.update(_chain(200_000)))


def _chain(nodes: int) -> Arrays:
    """One tree in which every other node is a leaf."""
    own = np.arange(nodes, dtype=np.int32)
    inner = (own % 2 == 0) & (own < nodes - 2)
    return {
        "trees.feature": np.zeros(nodes, np.int32),
        "trees.threshold": np.zeros(nodes),
        "trees.left": np.where(inner, own + 1, own).astype(np.int32),
        "trees.right": np.where(inner, own + 2, own).astype(np.int32),
        "trees.categories": np.full(nodes, -1, np.int32),
        "trees.sets": np.zeros((0, 32), np.uint8),
        "trees.value": np.zeros((nodes, 1)),
        "trees.roots": np.zeros(1, np.int32),
        "trees.output": np.zeros(1, np.int32),
    }


def _arrays(good: dict[str, Sample]) -> Iterator[Case]:
    def case(sample: str, name: str, change: Callable[[Arrays], Any]) -> Case:
        return f"{sample}: {name}", with_numbers(good[sample].members, WEIGHTS, change)

    yield case("linear", "weights of another width", lambda a: a.update(weights=a["weights"][1:]))
    yield case("linear", "weights that are NaN", lambda a: a["weights"].__setitem__(0, float("nan")))
    yield case("linear", "no bias", lambda a: a.pop("bias"))
    yield case("linear", "weights of texts", lambda a: a.update(weights=a["weights"].astype(np.int8)))
    yield case("linear", "a scale of 0", lambda a: a["features.0.scale"].__setitem__(0, 0.0))
    yield case("linear", "a table that leads beyond", lambda a: a["features.table.0"].__setitem__(0, 1 << 40))
    yield case("linear", "a table of another length", lambda a: a.update({"features.table.0": np.zeros(1, np.int64)}))
    yield case("linear", "means too many", lambda a: a.update({"features.9.mean": np.zeros(3)}))
    rows = "nearest neighbours"
    yield case(rows, "rows of another width", lambda a: a.update(rows=a["rows"][:, 1:].copy()))
    yield case(rows, "fewer rows than vote", lambda a: a.update(rows=a["rows"][:1], targets=a["targets"][:1]))
    yield case(rows, "fewer targets than rows", lambda a: a.update(targets=a["targets"][1:]))
    texts = "tf-idf + linear"
    yield case(texts, "terms that end before they begin", lambda a: a["text.0.ends"].__setitem__(0, 1 << 40))
    yield case(texts, "terms that run out", lambda a: a.update({"text.0.terms": a["text.0.terms"][:-1]}))
    yield case(texts, "a term that stands twice", _twice)
    yield case(texts, "terms without weights", lambda a: a.update({"text.0.rarity": a["text.0.rarity"][1:]}))
    yield case(texts, "terms that are no text", lambda a: a["text.0.terms"].__setitem__(slice(None), 0xFF))
    for name, sample in good.items():
        yield (
            f"{name}: an array larger than its file",
            with_header(sample.members, WEIGHTS, lambda header: next(iter(header.values())).update(shape=[1 << 40])),
        )


def _twice(arrays: Arrays) -> None:
    letters = arrays["text.0.terms"].tobytes()[: int(arrays["text.0.ends"][0])]
    count = len(arrays["text.0.ends"])
    arrays["text.0.terms"] = np.frombuffer(letters * count, np.uint8)
    arrays["text.0.ends"] = np.cumsum([len(letters)] * count, dtype=np.int64)


def _states(good: dict[str, Sample]) -> Iterator[Case]:
    def case(sample: str, name: str, change: Callable[[dict[str, Any]], Any]) -> Case:
        record = good[sample].record
        change(record)
        return f"{sample}: {name}", with_json(good[sample].members, record)

    def of_state(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
        return lambda record: record["settings"]["state"].__setitem__(key, value)

    for name in good:
        yield case(name, "a baseline that is not there", lambda r: r.update(candidate="os.system"))
        yield case(name, "another baseline", lambda r: r.update(candidate="majority"))
        yield case(name, "no state", lambda r: r["settings"].pop("state"))
        yield case(name, "a state of more", of_state("more", 1))
        yield case(name, "settings of more", lambda r: r["settings"].update(more=1))
        yield case(name, "a decision of less", lambda r: r["settings"]["decision"].pop("rows"))
        yield case(name, "a network's family", lambda r: r.update(family="mlp"))
        yield case(name, "outputs of another task", lambda r: r["settings"]["state"]["outputs"].update(num=3))
        yield case(name, "classes out of range", lambda r: r["settings"]["state"]["outputs"].update(classes=[0, 9]))
    for name in ("linear", "boosted trees", "nearest neighbours"):
        yield case(name, "columns without end", lambda r: r["settings"]["state"]["features"].update(columns=[1 << 60, 1 << 60]))  # fmt: skip
        yield case(name, "another purpose", lambda r: r["settings"]["state"]["features"].update(purpose="more"))
        yield case(name, "features of other inputs", lambda r: r["settings"]["state"]["features"].update(blocks=["x"]))
    yield case(
        "linear", "raw numbers of a word", lambda r: r["settings"]["state"]["features"].update(numbers=["colour"])
    )
    yield case("tf-idf + linear", "a text that is not there", lambda r: r["settings"]["state"]["texts"][0].update(column="x"))  # fmt: skip
    yield case("tf-idf + linear", "another way to count", lambda r: r["settings"]["state"]["texts"][0].update(analyzer="x"))  # fmt: skip
    yield case("tf-idf + linear", "no text", of_state("texts", []))
    yield case("nearest neighbours", "neighbours without end", of_state("neighbours", 1 << 40))


def _checks(good: dict[str, Sample]) -> Iterator[Case]:
    for name, sample in good.items():

        def case(what: str, change: Callable[[Arrays], Any], name: str = name, sample: Sample = sample) -> Case:
            return f"{name}: {what}", with_numbers(sample.members, CHECK, change)

        yield case("other answers", lambda a: a.update(output=a["output"][::-1].copy() * 0.5))
        yield case("answers of another shape", lambda a: a.update(output=a["output"][:, :1].copy()))
        yield case("no answers", lambda a: a.pop("output"))
        yield case("no rows", lambda a: a.update({key: array[:0] for key, array in a.items()}))
        yield case("answers that are NaN", lambda a: a["output"].__setitem__(0, float("nan")))
        if name in ("linear", "boosted trees"):
            yield case("codes out of range", lambda a: a["input.codes"].__setitem__(0, 1_000_000))
        if name == "tf-idf + linear":
            yield case("texts that end nowhere", lambda a: a["ends.said"].__setitem__(-1, 1 << 40))
            yield case("no texts", lambda a: (a.pop("text.said"), a.pop("ends.said")))
            yield case("fewer texts than rows", lambda a: a.update({"text.said": a["text.said"][:0], "ends.said": np.zeros(1, np.int64)}))  # fmt: skip
