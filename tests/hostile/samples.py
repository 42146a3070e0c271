"""Good model files of several architectures, made in milliseconds: their networks never trained, which no loader can tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from pydantic import TypeAdapter

from netpick.columns.encode import Encoder, encode, input_specs
from netpick.columns.kinds import KINDS
from netpick.columns.store import Allocator
from netpick.disk.strict import open_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.models.infer import DeviceData
from netpick.models.networks import MODELS, main_form
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network
from netpick.saved.artifact import MEMBERS, save_model
from netpick.saved.record import FORMAT, EncoderRecord, ModelRecord
from netpick.tasks.classify import ClassifyState
from netpick.types import ArrayColumn, Column, TableColumn

Members = dict[str, bytes]
ROWS = 40
LABELS = ("no", "yes")


@dataclass(frozen=True)
class Sample:
    """A good model file, and its members."""

    name: str
    members: Members
    content: bytes

    @property
    def record(self) -> dict[str, Any]:
        """model.json, fresh for every use."""
        return json.loads(self.members["model.json"])  # type: ignore[no-any-return]


def samples(folder: Path) -> dict[str, Sample]:
    """One of a table, a text, a picture, a network spelled out, and a row of two forms."""
    numbers = np.random.default_rng(0).normal(size=ROWS)
    words = [("good", "bad", "ugly", "fine", "dull")[i % 5] for i in range(ROWS)]
    columns: dict[str, tuple[str, Column]] = {
        "size": ("number", TableColumn(name="size", values=pl.Series("size", numbers))),
        "colour": ("category", TableColumn(name="colour", values=pl.Series("colour", words))),
        "when": ("datetime", TableColumn(name="when", values=pl.Series("when", ["2024-03-01", "2025-07-09"] * 20))),
        "said": ("text", TableColumn(name="said", values=pl.Series("said", [f"it was {w} and {w}" for w in words]))),
        "photo": ("image", ArrayColumn(name="photo", kind="image", values=_pictures())),
    }
    spelled = "conv 4 3 relu, maxpool 2, flatten, dense 8 relu"
    return {
        "table": _sample(folder, "table", "mlp", {n: columns[n] for n in ("size", "colour", "when")}),
        "text": _sample(folder, "text", "transformer", {"said": columns["said"]}),
        "picture": _sample(folder, "picture", "cnn", {"photo": columns["photo"]}),
        "layers": _sample(folder, "layers", "layers", {"photo": columns["photo"]}, LayersSettings(spec=spelled)),
        "mixed": _sample(folder, "mixed", "rnn", {n: columns[n] for n in ("size", "said")}),
    }


def _pictures() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 255, (ROWS, 1, 12, 12), dtype=np.uint8)


def _sample(
    folder: Path, name: str, family: str, columns: dict[str, tuple[str, Column]], settings: Any = None
) -> Sample:
    rows = np.arange(ROWS)
    encoders = [Encoder(column=n, kind=k, state=KINDS[k].fit(c, rows)) for n, (k, c) in columns.items()]
    inputs = input_specs(encoders)
    settings = settings or MODELS[family, main_form(inputs)].presets(inputs, ROWS, len(LABELS))
    store = encode({n: c for n, (_, c) in columns.items()}, encoders, Allocator(limit=1 << 30, key="none"))
    torch.manual_seed(0)
    network = build_network(family, settings, inputs, len(LABELS)).eval()
    record = ModelRecord(
        format=FORMAT, netpick="0.1.0", title=name, created="2025-01-01T00:00:00+00:00", candidate=family, family=family,
        settings=TypeAdapter(type(settings)).dump_python(settings, mode="json"), module=None, task="classify",
        task_state=TypeAdapter(ClassifyState).dump_python(ClassifyState(labels=LABELS, variants={}), mode="json"),
        targets=("label",), encoders=tuple(EncoderRecord(**e.to_json()) for e in encoders), inputs=dict(inputs),
        num_outputs=len(LABELS), labels=LABELS, threshold=0.5, primary_metric="accuracy",
        scores={"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40.0}}, missing=(), layout="csv",
        fingerprint="00", versions={"python": "3.11"},
    )  # fmt: skip
    path = folder / f"good-{name}.netpick"
    save_model(path, record, network, DeviceData(store, inputs, "cpu"), "# A card\n")
    with open_archive(path, MEMBERS, FORMAT) as bundle:
        members = {member: bytes(bundle.raw(member)) for member in (MANIFEST, *MEMBERS)}
    return Sample(name=name, members=members, content=path.read_bytes())
