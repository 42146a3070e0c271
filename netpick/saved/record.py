"""What model.json says of a model: its record. Read by whatever uses a model, with or without torch."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass as data_dataclass

from netpick import __version__
from netpick.columns.encode import Encoder
from netpick.data.sources.base import ReadOptions
from netpick.tasks import Task
from netpick.types import CellFormat, Cut, Inputs, InputSpec, LearnedRows, Parts
from netpick.types.results import DecisionRule, RunResults

FORMAT = 1
BASELINE = "baseline"  # the family of what is no network
BLEND = "blend"  # the family of an average of models
MOST_LABELS = 10_000


@data_dataclass(config=ConfigDict(extra="forbid", strict=True, frozen=True), kw_only=True)
class EncoderRecord:
    column: str
    kind: str
    state: dict[str, Any]


@data_dataclass(config=ConfigDict(extra="forbid", strict=True, frozen=True), kw_only=True)
class ModelRecord:
    """model.json."""

    format: int
    netpick: str
    title: str
    created: str
    candidate: str
    family: str
    settings: dict[str, Any]
    module: str | None  # name of a network from the user's own code, to be handed over again on loading
    task: str
    task_state: dict[str, Any]
    targets: tuple[str, ...]
    encoders: tuple[EncoderRecord, ...]
    inputs: dict[str, InputSpec]
    num_outputs: int
    labels: tuple[str, ...] = Field(max_length=MOST_LABELS)
    threshold: float | None
    primary_metric: str
    scores: dict[str, dict[str, float]]
    missing: tuple[str, ...]  # further texts that mean a missing cell
    layout: str
    fingerprint: str
    versions: dict[str, str]
    label_from: str | None = None  # how the names of files say their labels
    formats: dict[str, CellFormat] = Field(default_factory=dict)  # how columns of text were written in training
    not_missing: tuple[str, ...] = ()  # texts that are values, although they mean "missing" elsewhere
    cut: Cut | None = None  # of a table of steps: how its rows become windows
    parts: Parts | None = None  # of a table whose rows are parts of recordings: its columns
    learned: LearnedRows | None = None  # fingerprint of the rows that were learned from; None in older files
    costs: tuple[tuple[float, ...], ...] | None = None  # of a row of one class that is called another

    @property
    def is_network(self) -> bool:
        """Whether the model is one network, and neither a baseline nor an average of models."""
        return self.family not in (BASELINE, BLEND)

    @property
    def rule(self) -> DecisionRule:
        """How probabilities become decisions."""
        return DecisionRule(threshold=self.threshold, costs=self.costs)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Whose model file is written: a network of the plan, a baseline, or the blend."""

    name: str
    family: str
    settings: Mapping[str, Any]
    module: bool = False  # a network from the user's own code


def record_of(
    results: RunResults,
    task: Task,
    state: Any,
    encoders: Sequence[Encoder],
    inputs: Inputs,
    source: Contender,
    read: ReadOptions,
) -> ModelRecord:
    """model.json of one candidate or baseline, or of the blend."""
    import torch

    result = next(entry for entry in results.entries if entry.name == source.name)
    threshold = results.thresholds.get(source.name)
    records = tuple(EncoderRecord(**encoder.to_json()) for encoder in encoders)
    columns_read = {encoder.column for encoder in encoders} | {*results.target.names, *task.beside(state)}
    return ModelRecord(
        format=FORMAT,
        netpick=__version__,
        title=results.title,
        created=results.created,
        candidate=source.name,
        family=source.family,
        settings=dict(source.settings),
        module=source.name if source.module else None,
        task=task.name,
        task_state=json.loads(TypeAdapter(task.State).dump_json(state)),
        targets=tuple(results.target.names),
        encoders=records,
        inputs=dict(inputs),
        num_outputs=task.answer.num_outputs(state),
        labels=tuple(results.target.labels),
        threshold=threshold.value if threshold else None,
        costs=None if results.costs is None else tuple(tuple(row) for row in results.costs),
        primary_metric=results.primary_metric,
        scores={m: {"value": s.value, "low": s.low, "high": s.high, "n": float(s.n)} for m, s in result.test.items()},
        missing=read.missing,
        label_from=read.label_from,
        formats={name: kept for name, kept in results.source.formats.items() if name in columns_read},
        not_missing=read.not_missing,
        layout=results.source.layout,
        cut=results.source.cut,
        parts=results.source.parts,
        fingerprint=results.source.fingerprint,
        learned=results.learned,
        versions={"python": platform.python_version(), "torch": str(torch.__version__), "netpick": __version__},
    )
