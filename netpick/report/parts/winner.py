"""The winner in detail: all its metrics with their intervals, then what its task has to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netpick.answers import Answer
from netpick.answers.boxes import Boxes
from netpick.answers.classes import OneClass
from netpick.answers.horizon import Horizon
from netpick.answers.labels import AnyLabels
from netpick.answers.masks import Masks
from netpick.answers.numbers import Numbers
from netpick.answers.samples import Samples
from netpick.answers.tags import Tags
from netpick.answers.transcripts import Transcripts
from netpick.answers.translations import Translations
from netpick.report.components import Charts, Column, section, table
from netpick.report.markup import Child, Html, element
from netpick.report.measures import answer_of
from netpick.report.parts.boxer import boxes_details
from netpick.report.parts.classifier import classifier_details, multilabel_details
from netpick.report.parts.forecaster import forecaster_details
from netpick.report.parts.masker import masks_details
from netpick.report.parts.regressor import regressor_details
from netpick.report.parts.sampler import samples_details
from netpick.report.parts.tagger import tagger_details
from netpick.report.parts.texts import texts_details
from netpick.report.standings import best_baseline, definition, metric_label, shown_in_detail
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import counted, decimals_for, duration, grouped, interval, milliseconds, parameters, size

Details = Callable[[RunResults, CandidateResult, Charts], Html | None]
DETAILS: dict[type[Answer[Any]], Details] = {
    OneClass: classifier_details,
    AnyLabels: multilabel_details,
    Numbers: regressor_details,
    Horizon: forecaster_details,
    Transcripts: texts_details,
    Translations: texts_details,
    Tags: tagger_details,
    Masks: masks_details,
    Boxes: boxes_details,
    Samples: samples_details,
}


def winner_section(results: RunResults, charts: Charts) -> Html | None:
    """The recommended candidate; the best baseline where none is; nothing where nothing finished."""
    entry = shown_in_detail(results)
    if entry is None:
        return None
    recommended = entry.name == results.verdict.winner
    answer = answer_of(results)
    details = next((draw for kind, draw in DETAILS.items() if isinstance(answer, kind)), None)
    title = "The winner in detail" if recommended else "The best baseline in detail"
    learned = f"trained in {duration(entry.seconds)}"
    about = [
        learned + (f" and {counted(entry.steps, 'step')}" if entry.steps else ""),
        f"{parameters(entry.parameters)} parameters" if entry.parameters else "",
        size(entry.bytes) if entry.bytes else "",
        f"{milliseconds(entry.latency_ms)} per row" if entry.latency_ms else "",
    ]
    return section(
        "winner",
        title,
        element("p", element("strong", entry.name), ": ", ", ".join(filter(None, about)), "."),
        _metrics(results, entry),
        details(results, entry, charts) if details else None,
    )


def _metrics(results: RunResults, entry: CandidateResult) -> Html | None:
    if not entry.test:
        return None
    other = best_baseline(results)
    beside = other if other is not None and other is not entry else None
    head = [
        Column(title="Metric"),
        Column(title="Test", number=True),
        Column(title="95\u00a0% interval", number=True),
        Column(title="Validation", number=True),
    ]
    head += [Column(title=beside.name, number=True)] if beside else []
    rows = []
    for name, score in entry.test.items():
        decimals = decimals_for([score])
        validation = entry.validation.get(name)
        cells: list[Child] = [
            element("span", metric_label(name), title=definition(name) or None),
            element("strong", grouped(score.value, decimals)),
            interval(score, decimals),
            grouped(validation.value, decimals) if validation else "–",
        ]
        if beside:
            cells.append(grouped(beside.test[name].value, decimals) if name in beside.test else "–")
        rows.append(cells)
    some = next(iter(entry.test.values()))
    return table(f"All metrics of {entry.name}, n = {grouped(some.n)} test rows", head, rows)
