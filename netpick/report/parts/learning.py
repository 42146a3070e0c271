"""Learning curves: the score on the validation rows of all candidates, and the losses of each."""

from __future__ import annotations

import math

from netpick.report.components import Chart, Charts, Column, fold, section, table
from netpick.report.figures import colours, loss_curves, validation_curves
from netpick.report.markup import Html, element
from netpick.report.measures import answer_of
from netpick.report.standings import metric_label, metric_word
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import counted, duration, grouped, significant

MOST_POINTS = 40


def learning_section(results: RunResults, charts: Charts) -> Html | None:
    """How training went; nothing when no candidate has a history."""
    learned = [entry for entry in results.candidates if entry.history]
    if not learned:
        return None
    label, unit = metric_label(results.primary_metric), answer_of(results).unit
    score = Chart(
        key="validation",
        title=f"{label} on the validation {unit}s",
        note="How each network came to its score. Lines flatten as the learning rate falls; whether more time would help is a check of its own, T002.",
        alternative=f"Lines of {metric_word(results.primary_metric)} on the validation {unit}s over training for {counted(len(learned), 'network')}.",
        views=validation_curves(results),
        table=_validation_table(learned),
        height=360,
    )
    if answer_of(
        results
    ).made_up:  # they are scored at the end alone, and losses of several kinds are not to be compared
        return section("learning", "Learning curves", _losses(results, learned, charts))
    return section("learning", "Learning curves", charts.place(score), _losses(results, learned, charts))


def _losses(results: RunResults, learned: list[CandidateResult], charts: Charts) -> Html:
    palette, unit = colours(results), answer_of(results).unit
    top = _shared_top(learned)
    figures = []
    for index, entry in enumerate(learned):
        last = entry.history[-1]
        words = f"{significant(last.train_loss, 3)} training, {significant(last.validation_loss, 3)} validation"
        key = f"loss-{index}"
        charts.views[key] = {
            "title": entry.name,
            "views": [
                {"label": view.label, "data": list(view.data), "layout": dict(view.layout)}
                for view in [loss_curves(entry, palette[entry.name], top)]
            ],
        }
        figures.append(
            element(
                "figure",
                element("figcaption", element("strong", entry.name), element("small", words)),
                element(
                    "div",
                    class_="plot",
                    role="img",
                    aria_label=f"Loss of {entry.name} by step; at the end {words}",
                    data_chart=key,
                    style="height:170px",
                ),
            )
        )
    return element(
        "div",
        element("h3", "Loss"),
        element(
            "p",
            f"Dotted: training {unit}s. Solid: validation {unit}s. A widening gap means that a network learns {unit}s by heart.",
        ),
        element("div", figures, class_="multiples"),
        fold("The same as tables", [_history_table(entry) for entry in learned]),
    )


def _shared_top(learned: list[CandidateResult]) -> float | None:
    """The top of the loss axes: high enough for the later four fifths of every curve, so that starts do not flatten it."""
    late = [
        loss
        for entry in learned
        for point in entry.history[len(entry.history) // 5 :]
        for loss in (point.train_loss, point.validation_loss)
        if math.isfinite(loss)
    ]
    if not late or min(late) < 0:
        return None
    return max(late) * 1.08 or None


def _validation_table(learned: list[CandidateResult]) -> Html:
    head = [Column(title="Candidate")]
    head += [Column(title=t, number=True) for t in ("Looks", "Steps", "Time", "First", "Best", "Last")]
    rows = []
    for entry in learned:
        values = [h.validation_score for h in entry.history if math.isfinite(h.validation_score)]
        if values:
            best = max(values) if values[-1] >= values[0] else min(values)
            last = entry.history[-1]
            cells = [grouped(len(entry.history)), grouped(last.step), duration(last.seconds)]
            rows.append([entry.name, *cells, *(significant(v) for v in (values[0], best, values[-1]))])
    return table("Validation score while training", head, rows)


def _history_table(entry: CandidateResult) -> Html:
    head = [Column(title="Step", number=True)]
    head += [Column(title=t, number=True) for t in ("Training loss", "Validation loss", "Score", "Learning rate")]
    stride = math.ceil(len(entry.history) / MOST_POINTS)
    points = [*entry.history[: -1 or None : stride], entry.history[-1]]
    rows = [
        [
            grouped(h.step),
            *(significant(v) for v in (h.train_loss, h.validation_loss, h.validation_score)),
            significant(h.learning_rate, 3),
        ]
        for h in points
    ]
    return table(entry.name, head, rows)
