"""The answer: the verdict sentence, and the four figures that carry it."""

from __future__ import annotations

from typing import Any

from netpick.report.components import pill
from netpick.report.markup import Html, element
from netpick.report.measures import answer_of
from netpick.report.standings import best_baseline, best_network, metric_label, primary
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import counted, decimals_for, duration, grouped, interval

HELPS = {
    "yes": ("good", "Deep learning helps here"),
    "no": ("quiet", "Deep learning does not help here"),
    "unclear": ("warn", "Whether deep learning helps stays open"),
}


def headline(results: RunResults) -> Html:
    """The top of the page."""
    kind, words = HELPS[results.verdict.deep_learning_helps]
    if results.verdict.winner is None:
        kind, words = "bad", "No network finished"
    first = results.verdict.headline or results.verdict.sentence
    rest = results.verdict.sentence.removeprefix(first).strip()
    lines = results.verdict.lines or ([rest] if rest else [])  # a run of an earlier version has no lines
    return element(
        "div",
        element("h1", results.title),
        element("p", first, class_="verdict"),
        element("ul", [element("li", line) for line in lines], class_="reasons") if lines else None,
        element("p", pill(words, kind)),
        element("dl", _figures(results), class_="figures"),
        class_="headline",
    )


def _figures(results: RunResults) -> list[Html]:
    network = best_network(results)
    baseline = best_baseline(results)
    failed = sum(entry.status == "failed" for entry in results.candidates)
    tried = counted(len(results.candidates), "network") + (f", {failed} failed" if failed else "")
    opened = {0: "never opened", 1: "opened once"}.get(results.test_openings, f"opened {results.test_openings} times")
    return [
        _score(results, network, "Best network"),
        _score(results, baseline, "Best baseline"),
        _figure(f"Test {answer_of(results).unit}s", grouped(len(results.split.test)), _tested(results) or opened),
        _figure("Time used", duration(results.seconds), _budget(results) or tried),
    ]


def _tested(results: RunResults) -> str:
    folds = results.split.folds
    return f"each tested once, in {folds} folds" if folds > 1 else ""


def _score(results: RunResults, entry: CandidateResult | None, title: str) -> Html:
    score = primary(results, entry) if entry else None
    if entry is None or score is None:
        return _figure(title, "–", "none finished")
    shown = [s for e in (entry, best_baseline(results)) if e and (s := primary(results, e)) is not None]
    decimals = decimals_for(shown)
    label = metric_label(results.primary_metric)
    return _figure(f"{title}: {entry.name}", grouped(score.value, decimals), f"{label}, {interval(score, decimals)}")


def _figure(title: str, value: str, below: str) -> Html:
    return element("div", element("dt", title), element("dd", element("strong", value), element("span", below)))


def _budget(results: RunResults) -> str:
    """The budget in words, where the plan has one."""
    budget: Any = results.plan.get("budget_seconds")
    return f"of a budget of {duration(budget)}" if isinstance(budget, int | float) and budget > 0 else ""
