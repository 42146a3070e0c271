"""What a model is, reads and is worth, as data for programs and for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.compare import score_words
from netpick.decoders import DECODERS
from netpick.kinds import KINDS
from netpick.metrics import METRICS
from netpick.model_record import BASELINE
from netpick.serve.examples import example_rows
from netpick.serve.served import ServedModel
from netpick.types import Score


def schema_of(served: ServedModel) -> dict[str, Any]:
    """The answer of /schema."""
    record = served.model.parts.record
    examples = example_rows(served)
    return {
        "model": served.name,
        "title": record.title,
        "task": record.task,
        "network": record.candidate,
        "created": record.created,
        "engine": served.model.engine.name,
        "targets": list(record.targets),
        "labels": list(record.labels),
        "threshold": record.threshold,
        "coverage": served.coverage,
        "costs": record.costs,
        "given_as": given_as(served),
        "inputs": _history(served) if served.is_forecast else _inputs(served),
        "forecast": _forecast(served) if served.is_forecast else None,
        "row": row_schema(served),
        "examples": examples,
        "scores": _scores(served),
        "limits": {
            "body_bytes": served.limits.body,
            "rows": served.limits.rows,
            "pixels": served.limits.pixels,
            "text_characters": served.limits.text,
        },
        "card": served.model.card,
        "explains": explains(served),
    }


def given_as(served: ServedModel) -> str:
    """How a person gives a row: form, text, image, audio, clip, series, or table (a history to continue)."""
    if served.is_forecast:
        return "table"
    kinds = [encoder.kind for encoder in served.encoders]
    return kinds[0] if len(kinds) == 1 and (kinds[0] in DECODERS or kinds[0] in ("text", "series")) else "form"


def explains(served: ServedModel) -> bool:
    """Whether explanations can be had: they need the network, not a graph or a baseline."""
    if served.model.parts.record.family == BASELINE:
        return False
    return served.model.engine.name == "torch" or served.path.suffix == ".netpick"


def row_schema(served: ServedModel) -> dict[str, Any]:
    """JSON schema of a row."""
    if served.is_forecast:
        state = served.model.parts.task_state
        words = {*state.time_columns, *state.id_columns}
        cells = {
            name: {"type": ["string", "number", "null"]} if name in words else {"type": ["number", "null"]}
            for name in dict.fromkeys(served.columns)
        }
    else:
        cells = {port.name: port.schema() for port in served.ports}
    return {"type": "object", "properties": cells, "required": list(cells)}


def example_body(served: ServedModel) -> dict[str, Any] | None:
    """A body that /predict answers, for the documentation."""
    rows = example_rows(served)
    return {"rows": rows[:1]} if rows else None


def _inputs(served: ServedModel) -> list[dict[str, Any]]:
    made = []
    for port in served.ports:
        made.append(
            {
                "name": port.name,
                "kind": port.kind,
                "form": KINDS[port.kind].form,
                "is_file": port.kind in DECODERS,
                **port.describe(),
            }
        )
    return made


def _history(served: ServedModel) -> list[dict[str, Any]]:
    state = served.model.parts.task_state
    roles = {
        **dict.fromkeys((*state.covariates, *state.known), "beside"),
        **dict.fromkeys(state.targets, "target"),
        **dict.fromkeys(state.id_columns, "series"),
        **dict.fromkeys(state.time_columns, "time"),
    }
    return [{"name": name, "kind": roles[name], "is_file": False} for name in dict.fromkeys(served.columns)]


def _forecast(served: ServedModel) -> dict[str, Any]:
    state = served.model.parts.task_state
    return {
        "horizon": state.horizon,
        "context": state.context,
        "time": list(state.time_columns),
        "series": list(state.id_columns),
        "known_ahead": list(state.known),
        "step": state.step.words,
        "drawn": _drawn(state),
    }


def _drawn(state: Any) -> dict[str, Any] | None:
    """What a curve drawn by hand needs to become a history: times, and the range of its height. None where more is asked for."""
    others = (*state.id_columns, *state.covariates, *state.known)
    if others or len(state.targets) != 1 or len(state.time_columns) > 1 or not state.location:
        return None
    middle, spread = state.location[0][0], state.scale[0][0]
    ends = [middle - 3 * spread, middle + 3 * spread]
    low, high = [float(np.exp(min(end, 60.0))) for end in ends] if state.log[0] else ends
    times = state.step.text(state.step.times(np.arange(state.context))) if state.time_columns else []
    return {"low": low, "high": high, "times": times}


def _scores(served: ServedModel) -> list[dict[str, Any]]:
    record = served.model.parts.record
    names = sorted(record.scores, key=lambda name: (name != record.primary_metric, name))
    made = []
    for name in names:
        metric = METRICS.get(name)
        made.append(
            {
                "metric": name,
                "label": metric.label if metric else name,
                "definition": metric.definition if metric else "",
                "better": metric.better if metric else "",
                "primary": name == record.primary_metric,
                **dict(zip(("shown", "interval"), score_words(Score(**record.scores[name])), strict=True)),  # type: ignore[arg-type]
                **record.scores[name],
            }
        )
    return made


def files_of(served: ServedModel) -> str | None:
    """The noun of the files that are rows by themselves, or None."""
    return DECODERS[served.encoders[0].kind].noun if served.reads_one_file else None
