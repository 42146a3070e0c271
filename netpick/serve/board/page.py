"""The page that shows several runs side by side. One file, with the report's looks and script; it asks the network for nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files

from netpick import __version__
from netpick.report.components import Chart, Charts, Column, View, facts, fold, pill, section, table, whisker
from netpick.report.figures import COLOURS, DASHES, SYMBOLS, numbers, plain
from netpick.report.html import plotly_script
from netpick.report.markup import Child, Html, element, json_block
from netpick.report.page import page_head
from netpick.report.standings import higher_is_better, metric_label, metric_word
from netpick.serve.board.pairing import Apart, Group, group_runs, winners_in_pairs
from netpick.serve.board.runs import OPTION, EntrySaid, FinishedRun, ScoreSaid
from netpick.types.results import Comparison, Score
from netpick.types.words import counted, decimals_for, duration, grouped, interval, listed, signed, significant

MOST_VIEWS = 8  # candidates whose curves get a button
NOT_KEPT = "not kept"
HELPS = {"yes": ("better than the best baseline", "good"), "no": ("baselines do as well", "warn")}


def comparison_page(runs: Sequence[FinishedRun]) -> str:
    """The page as text. Raises RequestError when plotly's script is not where its package puts it."""
    charts = Charts()
    groups, apart = group_runs(runs)
    paired = [(group, winners_in_pairs(group)) for group in groups]
    colours = {run.label: COLOURS[place % len(COLOURS)] for place, run in enumerate(runs)}
    sections: dict[str, tuple[str, Html | None]] = {"runs": ("Runs", _runs(runs, colours))}
    for place, (group, pairs) in enumerate(paired):
        if len(group.runs) > 1:
            key = "contest" if place == 0 else f"contest-{place}"
            sections[key] = ("Contest", _contest(key, group, pairs, colours, charts))
    sections["apart"] = ("Not comparable", _apart(apart))
    sections["learning"] = ("Learning", _learning(runs, colours, charts))
    sections["plans"] = ("Plans", _plans(runs))
    shown = {key: (label, body) for key, (label, body) in sections.items() if body is not None}
    title = f"{counted(len(runs), 'run')} side by side: {listed([run.label for run in runs], 4)}"
    return _page(title, _headline(runs, paired, apart), shown, charts)


def _page(title: str, top: Html, shown: dict[str, tuple[str, Html]], charts: Charts) -> str:
    links = [element("a", label, href=f"#{key}") for key, (label, _) in shown.items()]
    scripts = page_scripts()
    head = page_head(f"{title}: netpick", own("board.css"), scripts, __version__)
    toggle = element("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True)
    bar = [
        element("a", "netpick", href="#answer", class_="brand"),
        element("nav", links, aria_label="Sections"),
        toggle,
    ]
    body = element(
        "body",
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        element("header", element("div", bar, class_="top")),
        element("main", top, [part for _, part in shown.values()], id="answer"),
        element("footer", element("dl", element("div", element("dt", "netpick"), element("dd", __version__)))),
        json_block(charts.views, "charts"),
        [element("script", Html(script)) for script in scripts],
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def page_scripts() -> list[str]:
    """The scripts of the page: plotly's, and the report's own."""
    return [plotly_script(), own("page.js", "netpick.report")]


def own(name: str, package: str = "netpick.serve.board") -> str:
    """One of the package's own style sheets or scripts."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


# --- the answer ------------------------------------------------------------------------------------------------------


def _headline(
    runs: Sequence[FinishedRun], paired: Sequence[tuple[Group, list[Comparison]]], apart: Sequence[Apart]
) -> Html:
    shared = [(group, pairs) for group, pairs in paired if len(group.runs) > 1]
    if not shared:
        sentence = "No two of these runs were tested on the same rows, so their scores cannot be compared row by row."
    else:
        sentence = " ".join(_verdict(group, pairs) for group, pairs in shared)
    words = "Each run's own report says more; here stands what they have in common, and what differs."
    pairs: list[tuple[Child, Child]] = [
        ("Runs", grouped(len(runs))),
        ("Compared row by row", grouped(sum(len(group.runs) for group, _ in shared)) if shared else "none"),
    ]
    if apart:
        pairs.append(("Standing apart", grouped(len(apart))))
    return element(
        "div",
        element("h1", f"{counted(len(runs), 'run')} side by side"),
        element("p", sentence, class_="verdict"),
        element("p", words),
        facts(pairs),
        class_="headline",
    )


def _verdict(group: Group, pairs: Sequence[Comparison]) -> str:
    """Which run's recommended candidate is ahead on the shared rows."""
    what = f"{metric_word(group.metric)} on the same {grouped(group.n)} test rows"
    winners = {run.label: run.report.verdict.winner for run in group.runs}
    if not pairs:
        return f"{listed(list(winners))} were tested on the same rows, but their recommended candidates could not be compared."
    beaten = {c.b if c.verdict == "better" else c.a for c in pairs if c.verdict != "tie"}
    best = [label for label in winners if label not in beaten]
    if not beaten:
        return f"In {what}, the recommended candidates of {listed(list(winners))} tie."
    if len(best) == 1:
        return f"In {what}, {winners[best[0]]} of {best[0]} is better than the recommended candidates of {listed(sorted(beaten))}."
    ahead = listed([f"{winners[label]} of {label}" for label in best])
    return f"In {what}, {ahead} tie, and are ahead of {listed(sorted(beaten))}."


def _runs(runs: Sequence[FinishedRun], colours: dict[str, str]) -> Html:
    head = [Column(title="Run", kind="who"), Column(title="Data"), Column(title="Task"), Column(title="Recommended")]
    head += [Column(title="Its test score"), Column(title="Time", number=True), Column(title="Made")]
    rows: list[list[Child]] = []
    for run in runs:
        report = run.report
        winner = next((e for e in report.entries if e.name == report.verdict.winner), None)
        score = _score(winner, report.task.primary_metric) if winner else None
        said = "–"
        if score:
            places = decimals_for([score])
            said = (
                f"{metric_label(report.task.primary_metric)} {grouped(score.value, places)} ({interval(score, places)})"
            )
        helps = HELPS.get(report.verdict.deep_learning_helps, ("unclear", "quiet"))
        rows.append(
            [
                [
                    element("span", class_=f"mark {colours[run.label].strip('-')}"),
                    element("span", run.label, class_="name"),
                ],
                f"{report.data.name} ({grouped(report.data.rows)} rows)",
                report.task.name,
                [element("span", winner.name if winner else "none", class_="name"), pill(*helps)],
                said,
                duration(report.seconds or math.nan),
                report.created.replace("T", " ")[:16],
            ]
        )
    sentences = [element("p", element("strong", run.label), ": ", run.report.verdict.sentence) for run in runs]
    return section(
        "runs",
        "Runs",
        table("The runs on this page", head, rows, style="contest cards quiet runs"),
        fold("Their verdicts", sentences),
    )


# --- the contest -----------------------------------------------------------------------------------------------------


def _contest(key: str, group: Group, pairs: Sequence[Comparison], colours: dict[str, str], charts: Charts) -> Html:
    names = list(dict.fromkeys(entry.name for run in group.runs for entry in run.report.entries))
    scores = {
        (run.label, entry.name): score
        for run in group.runs
        for entry in run.report.entries
        if (score := _score(entry, group.metric)) is not None
    }
    better = max if higher_is_better(group.metric) else min
    best = {name: better((s.value for (_, n), s in scores.items() if n == name), default=math.nan) for name in names}
    names.sort(key=lambda name: (math.isnan(best[name]), -best[name] if better is max else best[name]))
    decimals = decimals_for(list(scores.values()))
    head = [Column(title="Candidate")] + [Column(title=run.label, number=True) for run in group.runs]
    rows: list[list[Child]] = []
    for name in names:
        row: list[Child] = [element("span", name, class_="name")]
        for run in group.runs:
            score = scores.get((run.label, name))
            if score is None:
                row.append(_absence(run, name))
                continue
            value = grouped(score.value, decimals)
            shown: Child = element("strong", value) if run.report.verdict.winner == name else value
            row.append([shown, element("small", f" {interval(score, decimals)}")])
        rows.append(row)
    words = (
        f"All of them were tested on the same {grouped(group.n)} rows of the same data. Bold: the network that the run recommends. "
        "Behind each value its 95\u00a0% interval."
    )
    return section(
        key,
        f"Contest: {group.runs[0].report.data.name}",
        element("p", words),
        table(f"{metric_label(group.metric)} on the shared test rows", head, rows, style="metrics scores"),
        _drawing(key, group, names, scores, colours, charts),
        _pairs(group, pairs),
    )


def _absence(run: FinishedRun, name: str) -> Child:
    entry = next((e for e in run.report.entries if e.name == name), None)
    if entry is None:
        return element("small", "not in it")
    return pill("failed", "bad") if entry.status == "failed" else element("small", "no score")


def _drawing(
    key: str,
    group: Group,
    names: Sequence[str],
    scores: dict[tuple[str, str], Score],
    colours: dict[str, str],
    charts: Charts,
) -> Html | None:
    """Scores with intervals, a line a candidate, a colour a run."""
    if not scores:
        return None
    traces = []
    for place, run in enumerate(group.runs):
        shift = (place - (len(group.runs) - 1) / 2) * min(0.22, 0.7 / len(group.runs))
        points = [(at, scores[run.label, name]) for at, name in enumerate(names) if (run.label, name) in scores]
        colour = colours[run.label]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(run.label),
                "x": numbers([score.value for _, score in points]),
                "y": numbers([at + shift for at, _ in points]),
                "text": [plain(names[at]) for at, _ in points],
                "hovertemplate": "%{text}: %{x:.4f}",
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": numbers([score.high - score.value for _, score in points]),
                    "arrayminus": numbers([score.value - score.low for _, score in points]),
                    "thickness": 1.5,
                    "width": 0,
                    "color": colour,
                },
                "marker": {"size": 9, "color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)]},
            }
        )
    low, high = _visible(list(scores.values()), higher_is_better(group.metric))
    layout = {
        "xaxis": {"title": {"text": metric_label(group.metric)}, "range": numbers([low, high])},
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": [plain(name if len(name) <= 28 else f"{name[:27]}…") for name in names],
            "range": [len(names) - 0.4, -0.6],
        },
        "showlegend": True,
    }
    beyond = sorted({name for (_, name), score in scores.items() if not low <= score.value <= high})
    note = "Lines are 95\u00a0% intervals." + (f" Out of the frame: {listed(beyond)}." if beyond else "")
    data_rows: list[list[Child]] = [
        [run.label, name, grouped(s.value, 4), interval(s, 4)]
        for run in group.runs
        for name in names
        if (s := scores.get((run.label, name))) is not None
    ]
    head = [Column(title="Run"), Column(title="Candidate"), Column(title=metric_label(group.metric), number=True)]
    return charts.place(
        Chart(
            key=f"scores-{key}",
            title=f"{metric_label(group.metric)} of all candidates",
            note=note,
            alternative=f"{metric_label(group.metric)} with intervals of {counted(len(names), 'candidate')} in {counted(len(group.runs), 'run')}.",
            views=[View(label="Scores", data=traces, layout=layout)],
            table=table("Scores", [*head, Column(title="95\u00a0% interval", number=True)], data_rows),
            height=max(260, 44 * len(names) + 90),
        )
    )


def _visible(scores: Sequence[Score], higher: bool) -> tuple[float, float]:
    """Of the better three quarters: a majority baseline would press all others together."""
    ordered = sorted(scores, key=lambda s: -s.value if higher else s.value)
    near = ordered[: max(2, -(-3 * len(ordered) // 4))]
    ends = [end for s in near for end in (s.low, s.high, s.value) if math.isfinite(end)]
    margin = (max(ends) - min(ends)) * 0.08 or 0.01
    return min(ends) - margin, max(ends) + margin


def _pairs(group: Group, pairs: Sequence[Comparison]) -> Html | None:
    if not pairs:
        return None
    winners = {run.label: run.report.verdict.winner for run in group.runs}
    reach = max((abs(end) for pair in pairs for end in (pair.low, pair.high) if math.isfinite(end)), default=1.0) or 1.0
    kinds = {"better": ("▲ better", "good"), "worse": ("▼ worse", "bad"), "tie": ("= tie", "quiet")}
    head = [
        Column(title="Recommended candidates"),
        Column(title="worse | better", label=" ", kind="draw"),
        Column(title="Difference", number=True),
        Column(title="95\u00a0% interval", number=True),
        Column(title="Verdict"),
    ]
    rows: list[list[Child]] = []
    for pair in pairs:
        width = pair.high - pair.low
        places = max(3 if reach <= 1 else 0, min(4, 1 - math.floor(math.log10(width)))) if width > 0 else 3
        rows.append(
            [
                [_of(pair.a, winners), " against ", _of(pair.b, winners)],
                whisker(pair.difference, pair.low, pair.high, (-reach, reach), f"ink {pair.verdict}", 0.0),
                element("strong", signed(pair.difference, places)),
                f"{signed(pair.low, places)} to {signed(pair.high, places)}",
                pill(*kinds[pair.verdict]),
            ]
        )
    words = (
        f"Differences in {metric_word(group.metric)}, each on the same test rows (paired bootstrap). Where the interval holds zero, "
        "the difference may be chance: a tie. Many runs on one test set make a lucky winner likelier than a single interval says."
    )
    return element(
        "div",
        element("h3", "Run against run"),
        element("p", words),
        table("Differences between runs", head, rows, style="cards pairs quiet"),
    )


def _of(label: str, winners: dict[str, str | None]) -> Html:
    return element("span", f"{winners[label]} of {label}", class_="name")


def _apart(apart: Sequence[Apart]) -> Html | None:
    if not apart:
        return None
    items = [
        element(
            "li", element("strong", one.run.label), " against ", element("strong", one.other.label), f": {one.why}."
        )
        for one in apart
    ]
    words = "A score says something about another score only on the same rows. These stand apart, and no difference is drawn between them:"
    return section("apart", "Not comparable", element("p", words), element("ul", items, class_="notes"))


# --- learning --------------------------------------------------------------------------------------------------------


def _learning(runs: Sequence[FinishedRun], colours: dict[str, str], charts: Charts) -> Html | None:
    metrics = {run.report.task.primary_metric for run in runs}
    metric = metrics.pop() if len(metrics) == 1 else None
    label = metric_label(metric) if metric else "score that each run decides by"
    names = list(dict.fromkeys(e.name for run in runs for e in run.report.candidates if e.history))
    views = [View(label="Recommended", data=_curves(runs, None, colours), layout=_axes(label))]
    views += [
        View(label=name[:24], data=_curves(runs, name, colours), layout=_axes(label)) for name in names[:MOST_VIEWS]
    ]
    rows: list[list[Child]] = []
    for run in runs:
        for entry in run.report.candidates:
            values = [p.validation_score for p in entry.history if p.validation_score is not None]
            if values:
                last = entry.history[-1]
                cells = [
                    grouped(last.step),
                    duration(last.seconds or math.nan),
                    significant(values[0]),
                    significant(values[-1]),
                ]
                rows.append([run.label, entry.name, *cells])
    if not rows:
        return None
    head = [Column(title="Run"), Column(title="Candidate")]
    head += [Column(title=title, number=True) for title in ("Steps", "Time", "First", "Last")]
    chart = Chart(
        key="curves",
        title=f"{label} on the validation rows".capitalize() if metric is None else f"{label} on the validation rows",
        note="A line a run. Validation rows may differ between runs, so these curves tell pace, not rank.",
        alternative=f"Validation score over training of {counted(len(runs), 'run')}.",
        views=views,
        table=table("Validation scores while training", head, rows),
    )
    return section("learning", "Learning curves", charts.place(chart))


def _axes(label: str) -> dict[str, object]:
    return {
        "xaxis": {"title": {"text": "seconds of training"}},
        "yaxis": {"title": {"text": label}},
        "showlegend": True,
    }


def _curves(runs: Sequence[FinishedRun], name: str | None, colours: dict[str, str]) -> list[dict[str, object]]:
    """A trace a run: the candidate of that name, or the one that the run recommends."""
    traces: list[dict[str, object]] = []
    for place, run in enumerate(runs):
        wanted = name or run.report.verdict.best_network or run.report.verdict.winner
        entry = next((e for e in run.report.candidates if e.name == wanted), None)
        points = [p for p in entry.history if p.validation_score is not None and p.seconds is not None] if entry else []
        if entry is None or not points:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(points) < 30 else "lines",
                "name": plain(run.label if name else f"{run.label}: {entry.name}"),
                "x": numbers([p.seconds or 0.0 for p in points]),
                "y": numbers([p.validation_score or 0.0 for p in points]),
                "line": {"color": colours[run.label], "width": 2, "dash": DASHES[place // len(COLOURS) % len(DASHES)]},
                "marker": {"color": colours[run.label], "size": 5, "symbol": SYMBOLS[place % len(SYMBOLS)]},
            }
        )
    return traces


# --- plans -----------------------------------------------------------------------------------------------------------


def _plans(runs: Sequence[FinishedRun]) -> Html:
    head = [Column(title="What was decided")] + [Column(title=run.label) for run in runs]
    rows = [[key, *values] for key, values in differing(runs)]
    if not rows:
        return section(
            "plans", "Plans", element("p", "Everything that was decided before training is the same in all of them.")
        )
    words = "Only what differs; everything else that was asked for or planned is the same. Where steps differ alone, the clock made them differ."
    return section(
        "plans",
        "What differs in the plans",
        element("p", words),
        table("Differing settings", head, rows, style="metrics settings"),
    )


def differing(runs: Sequence[FinishedRun]) -> list[tuple[str, list[str]]]:
    """The settings that are not the same in all runs; a candidate that only some have takes one line."""
    settings = [run.settings for run in runs]
    present = {
        name: [any(key.startswith(f"{name}: ") for key in one) for one in settings] for name in _candidates(runs)
    }
    rows = [
        (f"candidate {name}", ["in the contest" if there else "–" for there in those])
        for name, those in present.items()
        if not all(those)
    ]
    for key in dict.fromkeys(key for one in settings for key in one):
        name = key.rpartition(": ")[0]
        if name in present and not all(present[name]):
            continue
        values = [_value(one, key) for one in settings]
        if len({value for value in values if value != NOT_KEPT}) > 1:
            rows.append((key, values))
    return rows


def _value(settings: Mapping[str, str], key: str) -> str:
    unknown = key.startswith(OPTION) and not any(known.startswith(OPTION) for known in settings)
    return NOT_KEPT if unknown else settings.get(key, "–")


def _candidates(runs: Sequence[FinishedRun]) -> list[str]:
    return list(
        dict.fromkeys(
            key.rpartition(": ")[0]
            for run in runs
            for key in run.settings
            if ": " in key and not key.startswith(OPTION)
        )
    )


def _score(entry: EntrySaid, metric: str) -> Score | None:
    said: ScoreSaid | None = entry.test.get(metric)
    if entry.status != "ok" or said is None or said.value is None:
        return None
    low, high = (said.value if end is None else end for end in (said.low, said.high))
    return Score(value=said.value, low=low, high=high, n=said.n)
