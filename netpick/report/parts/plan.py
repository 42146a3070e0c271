"""The plan: what was decided before the first step, per candidate, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from netpick.report.components import Charts, Column, facts, fold, section, table
from netpick.report.markup import Html, element
from netpick.types.results import Layer, RunResults
from netpick.types.words import grouped, significant

MOST_CELLS = 200


def plan_section(results: RunResults, charts: Charts) -> Html:
    """Settings in tables; candidates under their names."""
    del charts
    plan = results.plan
    candidates = _by_name(plan.get("candidates"))
    general = {key: value for key, value in plan.items() if key != "candidates"}
    layers = {entry.name: entry.layers for entry in results.candidates if entry.layers}
    folded = [fold(name, [_tables(value), _layers(layers.get(name, ()))]) for name, value in candidates.items()]
    raw = json.dumps(plan, indent=2, default=_plain, ensure_ascii=False)
    return section(
        "plan",
        "The plan",
        element("p", _sentence(plan)),
        facts([(name, value) for name, value in _rows(general)]),
        element("h3", "Candidates") if folded else None,
        folded,
        fold("plan.json", element("pre", element("code", raw), tabindex="0")),
    )


def _layers(layers: Sequence[Layer]) -> Html | None:
    """The layers of a network, in the order in which rows go through them."""
    if not layers:
        return None
    columns = [
        Column(title="Layer"),
        Column(title="Kind"),
        Column(title="Output"),
        Column(title="Weights", number=True),
    ]
    rows = [[layer.name, layer.kind, layer.shape, grouped(layer.weights)] for layer in layers]
    total = sum(layer.weights for layer in layers)
    return table(f"Layers: {grouped(total)} weights; N stands for the rows", columns, rows)


def _sentence(plan: Mapping[str, Any]) -> str:
    """What was fixed, and by what."""
    if plan.get("budget_seconds") is None:
        return "Fixed before the first step. The same plan and seed give the same weights on the same machine."
    return (
        "Settings are fixed before the first step; the clock decides how many steps each network makes, and every decision is kept in "
        "plan.json. netpick fit DATA --plan RUN/plan.json makes the run again: the same bytes on the same machine."
    )


def _by_name(value: Any) -> dict[str, Any]:
    """Candidates keyed by name, whether the plan lists them or maps them."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {
            str(item.get("name", index + 1)) if isinstance(item, Mapping) else f"{index + 1}": item
            for index, item in enumerate(value)
        }
    return {}


def _tables(value: Any) -> Html:
    """One table per nested group (settings, recipe), and one for the plain values before them."""
    if not isinstance(value, Mapping):
        return element("p", _text(value))
    groups = {key: item for key, item in value.items() if isinstance(item, Mapping) and item}
    loose = {key: item for key, item in value.items() if key not in groups and key != "name"}
    head = [Column(title="Setting"), Column(title="Value")]
    tables = [table("Candidate", head, _rows(loose))] if loose else []
    tables += [table(str(key).replace("_", " ").capitalize(), head, _rows(item)) for key, item in groups.items()]
    return element("div", tables, class_="side")


def _rows(value: Mapping[str, Any], prefix: str = "") -> list[list[str]]:
    rows: list[list[str]] = []
    for key, item in value.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(item, Mapping) and item:
            rows += _rows(item, f"{name} · ")
        else:
            rows.append([name, _text(item)])
    return rows[:MOST_CELLS]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return significant(value, 4)
    if isinstance(value, int):
        return grouped(value) if abs(value) >= 10_000 else str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_text(item) for item in value) or "none"
    return str(value)


def _plain(value: Any) -> Any:
    """What JSON does not know: numpy's numbers and arrays, and anything else by name."""
    as_list = getattr(value, "tolist", None)
    return as_list() if callable(as_list) else str(value)
