"""What model.json says of a model: its record. Read by whatever uses a model, with or without torch."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as data_dataclass

from netpick.types import CellFormat, Cut, InputSpec, LearnedRows, Parts
from netpick.types.results import DecisionRule

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
