"""report.json, version 1: the contract that docs/report.md documents, field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from netpick.report.each_series import series_json
from netpick.report.standings import best_baseline, higher_is_better
from netpick.types import Field
from netpick.types.results import Blend, CandidateResult, RunResults, Score

VERSION = 1  # grows when a field is removed or changes its meaning; new fields do not change it


def to_json(results: RunResults) -> dict[str, Any]:
    """The report as strict JSON: text, finite numbers, booleans, null, lists, objects. What is not finite is null."""
    verdict = results.verdict
    best = best_baseline(results)
    report = {
        "version": VERSION,
        "netpick": results.version,
        "title": results.title,
        "created": results.created,
        "command": results.command,
        "seconds": results.seconds,
        "data": _data(results),
        "task": _task(results),
        "split": _split(results),
        "plan": results.plan,
        "candidates": [_candidate(entry) for entry in results.candidates],
        "baselines": [_candidate(entry) for entry in results.baselines],
        "comparisons": [asdict(pair) for pair in results.comparisons],
        "verdict": {
            "winner": verdict.winner,
            "best_baseline": verdict.best_baseline or (best.name if best else None),
            "best_network": verdict.best_network,
            "sentence": verdict.sentence,
            "headline": verdict.headline or verdict.sentence,
            "lines": verdict.lines,
            "equals": verdict.equals,
            "margin": verdict.margin,
            "chance": verdict.chance,
            "deep_learning_helps": verdict.deep_learning_helps,
        },
        "series": series_json(results),
        "ablation": [asdict(group) for group in results.ablation],
        "threshold": asdict(results.threshold) if results.threshold else None,
        "blend": _blend(results.blend),
        "searches": [asdict(search) for search in results.searches],
        "costs": results.costs,
        "decision": results.decision,
        "findings": [asdict(finding) for finding in results.findings],
        "checks": [asdict(check) for check in results.checks],
        "test_openings": results.test_openings,
    }
    strict: dict[str, Any] = strict_json(report)
    return strict


def strict_json(value: Any) -> Any:
    """The same value as JSON can hold it: numpy becomes Python, tuples become lists, NaN and infinities become null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        return strict_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): strict_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [strict_json(item) for item in value]
    return str(value)


def _data(results: RunResults) -> dict[str, Any]:
    source, schema = results.source, results.schema
    return {
        "name": source.name,
        "origin": source.origin,
        "layout": source.layout,
        "fingerprint": source.fingerprint,
        "rows": source.num_rows,
        "columns": [_column(field) for field in schema.fields],
        "notes": [
            {"subject": note.subject, "text": note.text, "override": note.override}
            for note in [*source.notes, *schema.notes]
        ],
        "unreadable": [asdict(row) for row in source.unreadable],
    }


def _column(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind,
        "role": field.role,
        "reason": field.reason,
        "missing": field.num_missing,
        "distinct": field.num_distinct,
        "examples": field.examples,
        "stray": [{"row": row, "text": text} for row, text in field.stray],
    }


def _task(results: RunResults) -> dict[str, Any]:
    return {
        "name": results.target.task,
        "targets": results.target.names,
        "labels": results.target.labels,
        "primary_metric": results.primary_metric,
        "better": "higher" if higher_is_better(results.primary_metric) else "lower",
    }


def _split(results: RunResults) -> dict[str, Any]:
    split = results.split
    counts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    return {
        "method": split.method,
        "sentence": split.sentence,
        "override": split.override,
        "rows": counts,
        "folds": split.folds,
    }


def _candidate(entry: CandidateResult) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "status": entry.status,
        "reason": entry.reason,
        "validation": _scores(entry.validation),
        "test": _scores(entry.test),
        "seconds": entry.seconds,
        "steps": entry.steps,
        "parameters": entry.parameters,
        "bytes": entry.bytes,
        "latency_ms": entry.latency_ms,
        "ranked": entry.ranked,
        "reduced": entry.reduced,
        "history": [asdict(point) for point in entry.history],
        "half_time": asdict(entry.half_time) if entry.half_time else None,
        "calibration": entry.calibration,
        "stated": _scores(entry.stated),
        **({"barred": entry.barred} if entry.barred else {}),
    }


def _blend(blend: Blend | None) -> dict[str, Any] | None:
    """The blend's row, who is in it, and what it gains."""
    if blend is None:
        return None
    against = asdict(blend.against) if blend.against else None
    return {
        "result": _candidate(blend.result),
        "weights": blend.weights,
        "against": against,
        "sentence": blend.sentence,
    }


def _scores(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: asdict(score) for name, score in scores.items()}
