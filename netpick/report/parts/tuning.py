"""What a search of settings tried, what it chose, and whether that was worth it."""

from __future__ import annotations

from netpick.answers.metrics import METRICS
from netpick.report.components import Charts, Column, section, table
from netpick.report.markup import Child, Html, element
from netpick.report.standings import metric_label
from netpick.types.results import RunResults, Search, Trial
from netpick.types.words import grouped, significant

MOST_TRIALS = 100  # in a table


def tuning_section(results: RunResults, charts: Charts) -> Html | None:
    """Nothing where no settings were searched."""
    if not results.searches:
        return None
    del charts
    parts: list[Html] = []
    for search in results.searches:
        parts += [element("h3", search.candidate), element("p", search.sentence), _table(search)]
    lead = (
        "Trials learn from the training rows and are judged on the validation rows; test rows were never looked at. A trial makes a ninth "
        "of the steps, the best third goes on to a third of them, and the best third of those to the end. Only the default and the chosen "
        "settings were then trained for the contest and tested."
    )
    return section("tuning", "Settings that were searched", element("p", lead), parts)


def _table(search: Search) -> Html:
    label = metric_label(search.metric)
    names = list(dict.fromkeys(name for trial in search.trials for name in trial.settings))
    head = [
        Column(title="Trial", number=True),
        Column(title=f"{label}, validation", number=True),
        Column(title="Steps", number=True),
        Column(title="Seconds", number=True),
        *(Column(title=name.replace("_", " ")) for name in names),
        Column(title=""),
    ]
    sign = -1.0 if METRICS[search.metric].better == "higher" else 1.0
    ranked = sorted(search.trials, key=lambda trial: (trial.score is None, -trial.rung, sign * (trial.score or 0.0)))
    rows = [_row(search, trial, names) for trial in ranked[:MOST_TRIALS]]
    return table(f"Trials of {search.candidate}", head, rows)


def _row(search: Search, trial: Trial, names: list[str]) -> list[Child]:
    remark = trial.failed or ("default" if trial.number == 0 else "")
    if trial.number == search.chosen:
        remark = f"{remark}, chosen".strip(", ")
    return [
        str(trial.number + 1),
        "–" if trial.score is None else f"{trial.score:.4f}",
        grouped(trial.steps),
        significant(trial.seconds, 3),
        *(_cell(trial.settings.get(name)) for name in names),
        remark,
    ]


def _cell(value: object) -> str:
    return significant(value, 3) if isinstance(value, float) else "–" if value is None else str(value)
