"""Run folders as values: what report.json, plan.json and predictions.parquet say of a finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as data_dataclass

from netpick.disk.strict import RefusedError, from_parsed, parse_json, read_file
from netpick.errors import RequestError

REPORT, REQUEST, PREDICTIONS = "report.json", "request.json", "predictions.parquet"
MOST_REPORT = 64 << 20
MOST_REQUEST = 1 << 20
MOST_PREDICTIONS = 512 << 20
KNOWN = 1  # version of report.json
READ = ConfigDict(extra="ignore", strict=True, frozen=True)  # report.json may grow fields without a new version


@data_dataclass(config=READ, kw_only=True)
class ScoreSaid:
    """A score; null where it was not finite."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@data_dataclass(config=READ, kw_only=True)
class PointSaid:
    """One look at the validation rows."""

    step: int
    seconds: float | None
    validation_score: float | None


@data_dataclass(config=READ, kw_only=True)
class EntrySaid:
    """A candidate or a baseline."""

    name: str
    family: str
    status: str
    reason: str
    test: dict[str, ScoreSaid]
    seconds: float | None
    steps: int
    parameters: int
    latency_ms: float | None
    history: list[PointSaid]


@data_dataclass(config=READ, kw_only=True)
class DataSaid:
    name: str
    origin: str
    layout: str
    fingerprint: str
    rows: int


@data_dataclass(config=READ, kw_only=True)
class TaskSaid:
    name: str
    targets: list[str]
    labels: list[str]
    primary_metric: str


@data_dataclass(config=READ, kw_only=True)
class SplitSaid:
    method: str
    sentence: str
    rows: dict[str, int]


@data_dataclass(config=READ, kw_only=True)
class VerdictSaid:
    winner: str | None
    best_baseline: str | None
    sentence: str
    deep_learning_helps: str
    best_network: str | None = None  # older runs recommended networks only


@data_dataclass(config=READ, kw_only=True)
class ReportSaid:
    """report.json, as far as runs are compared by it."""

    version: int
    netpick: str
    title: str
    created: str
    command: str
    seconds: float | None
    data: DataSaid
    task: TaskSaid
    split: SplitSaid
    plan: dict[str, Any]
    candidates: list[EntrySaid]
    baselines: list[EntrySaid]
    verdict: VerdictSaid
    test_openings: int

    @property
    def entries(self) -> list[EntrySaid]:
        return [*self.candidates, *self.baselines]


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A finished run. `label` tells it from the others on one page."""

    label: str
    folder: Path
    report: ReportSaid

    @cached_property
    def predictions(self) -> pl.DataFrame | None:
        """The test rows with everyone's predictions; None where the file is missing, too large or damaged."""
        path = self.folder / PREDICTIONS
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_PREDICTIONS:
                return None
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):
            return None

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """Everything that was decided before training, by dotted names, as text: what was asked for, and the plan."""
        found: dict[str, str] = {f"{OPTION}{key}": value for key, value in _flat(_options(self.folder))}
        plan = dict(self.report.plan)
        candidates = plan.pop("candidates", [])
        for key, value in _flat(plan):
            found[key] = value
        for candidate in candidates if isinstance(candidates, list) else []:
            if isinstance(candidate, dict):
                name = str(candidate.get("name", ""))[:80]
                found.update((f"{name}: {key}", value) for key, value in _flat(candidate) if key not in MEASURED)
        found["split"] = self.report.split.sentence
        found["netpick"] = self.report.netpick
        return found


OPTION = "asked for: "  # before what was asked for; runs of older versions did not keep it
MEASURED = {"name", "step_ms", "predict_ms"}  # of a plan's candidate: no decisions, or said otherwise
UNSAID = {
    "started",
    "command",
    "out",
    "name",
    "memory_limit",
    "workers",
}  # of a request: they decide nothing about the contest


def read_run(folder: Path, label: str | None = None) -> FinishedRun:
    """A finished run. Raises RequestError when there is none in that folder, or its report cannot be read."""
    if not folder.is_dir():
        raise RequestError(f"There is no run folder {folder}. `netpick fit` makes one: runs/NAME-NUMBER.")
    path = folder / REPORT
    if not path.is_file():
        raise RequestError(
            f"{folder} holds no finished run ({REPORT} is missing). Finish it first: netpick resume {folder}, or watch it "
            f"with: netpick board {folder.parent}"
        )
    try:
        parsed = parse_json(read_file(path, MOST_REPORT), MOST_REPORT)
        if isinstance(parsed, dict) and parsed.get("version") != KNOWN:
            raise RefusedError(f"its version is {str(parsed.get('version'))[:20]}, and this netpick reads {KNOWN}")
        report = from_parsed(ReportSaid, parsed)
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read: {error}. Make the run again, or leave it out.") from None
    return FinishedRun(label=label or folder.resolve().name, folder=folder, report=report)


def labels_of(folders: Sequence[Path]) -> list[str]:
    """A short name for each folder: its own, with its parent's before it where two are called alike."""
    names = [folder.resolve().name for folder in folders]
    longer = [f"{folder.resolve().parent.name}/{name}" for folder, name in zip(folders, names, strict=True)]
    chosen = [long if names.count(name) > 1 else name for name, long in zip(names, longer, strict=True)]
    return [f"{name} ({place + 1})" if chosen.count(name) > 1 else name for place, name in enumerate(chosen)]


def _options(folder: Path) -> dict[str, Any]:
    """What was asked for; empty for runs that do not say."""
    try:
        request = parse_json(read_file(folder / REQUEST, MOST_REQUEST), MOST_REQUEST)
    except RefusedError:
        return {}
    options = request.get("options") if isinstance(request, dict) else None
    return {key: value for key, value in options.items() if key not in UNSAID} if isinstance(options, dict) else {}


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """(dotted name, text) of every leaf."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flat(item, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list):
        text = ", ".join(str(item) for item in value) if value else "none"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = "–" if value is None else str(value)
    return [(prefix, text[:300])]
