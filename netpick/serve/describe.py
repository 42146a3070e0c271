"""What a model is, reads and is worth, as data for programs and for the page."""

from __future__ import annotations

from typing import Any

from netpick.answers.compare import score_words
from netpick.answers.metrics import METRICS
from netpick.serve.examples import example_rows
from netpick.serve.served import ServedModel
from netpick.types.results import Score


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
        "given_as": served.given_as,
        "inputs": served.inputs(),
        "forecast": served.outlook(),
        "continues": served.continues(),
        "unit": served.answer_kind.unit,
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


def explains(served: ServedModel) -> bool:
    """Whether explanations can be had: they need the network, not a graph, a baseline or a blend."""
    if not served.model.parts.record.is_network:
        return False
    return served.model.engine.name == "torch" or served.path.suffix == ".netpick"


def row_schema(served: ServedModel) -> dict[str, Any]:
    """JSON schema of a row."""
    cells = served.cells()
    return {"type": "object", "properties": cells, "required": list(cells)}


def example_body(served: ServedModel) -> dict[str, Any] | None:
    """A body that /predict answers, for the documentation."""
    rows = served.example_history or example_rows(served)[:1]
    return {"rows": rows} if rows else None


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
