"""How to use the model: exact commands, and what it may not be used for."""

from __future__ import annotations

import shlex
from itertools import pairwise

from netpick.report.components import Charts, section
from netpick.report.markup import Html, element
from netpick.report.measures import answer_of
from netpick.report.standings import metric_word, named, primary
from netpick.types.results import CandidateResult, ForecastInfo, RunResults
from netpick.types.words import counted, decimals_for, grouped, interval, listed, milliseconds


def use_section(results: RunResults, charts: Charts) -> Html:
    """Commands that can be pasted, then the limits."""
    del charts
    winner = named([*results.candidates, *results.baselines], results.verdict.winner)
    if results.verdict.winner is None:
        words = "No network finished, so there is no model file. The reasons stand in the contest above."
        return section("use", "How to use the model", element("p", words))
    return section(
        "use",
        "How to use the model",
        element(
            "p",
            "The file ",
            element("code", "model.netpick"),
            f" beside this report holds {results.verdict.winner}: data only, no code.",
            *_others(results),
        ),
        element("h3", "On the command line"),
        _typed(shell(results)),
        element("h3", "In Python"),
        _typed(python(results)),
        *_ahead(results),
        element("h3", "Limits"),
        element("ul", [element("li", text) for text in limits(results, winner)]),
    )


def _others(results: RunResults) -> list[str | Html]:
    """How the other candidates are used, where they were kept."""
    others = [name for name in results.kept if name != results.verdict.winner]
    if not others:
        return []
    usage = f" adds another candidate of the run to any of these commands: {listed(others, 12)}."
    return [" ", element("code", f"--candidate {shlex.quote(others[0])}"), usage]


def _ahead(results: RunResults) -> list[Html]:
    """Which columns a forecast needs for the steps that it answers for, with an example."""
    info = results.forecast
    if info is None or not info.known:
        return []
    words = (
        f"NEW_DATA holds the history, and behind the last known {listed(results.target.names, 3)} of each series {counted(info.horizon, 'row')} "
        f"with {listed(list(info.known), 12)} filled in and {listed(results.target.names, 3)} left empty:"
    )
    return [element("h3", "What has to be known ahead"), element("p", words), _typed(rows_ahead(results, info))]


def rows_ahead(results: RunResults, info: ForecastInfo) -> str:
    """The first rows of a horizon as a CSV file has them."""
    shown = [f for f in results.schema.fields if f.role in ("time", "group", "target") or f.name in info.known]
    lines = [",".join(f.name for f in shown)]
    one = sum(f.role == "time" for f in shown) == 1
    for time in info.ahead:
        cells = {"time": time if one else "...", "target": ""}
        lines.append(",".join(cells.get(f.role, f.examples[0] if f.examples else "...") for f in shown))
    return "\n".join(lines)


def run_folder(results: RunResults) -> str:
    """The run folder as the command named it, else RUN."""
    try:
        words = shlex.split(results.command)
    except ValueError:
        return "RUN"
    return next((after for before, after in pairwise(words) if before in ("--out", "-o")), "RUN")


def shell(results: RunResults, candidate: str | None = None) -> str:
    """The command that predicts, with the recommended candidate unless another one is named."""
    if candidate is None or candidate == results.verdict.winner:
        model, other = shlex.quote(f"{run_folder(results).rstrip('/')}/model.netpick"), ""
    else:
        model, other = shlex.quote(run_folder(results)), f" --candidate {shlex.quote(candidate)}"
    if answer_of(results).made_up:
        return f"netpick generate {model} --rows 1000 --out rows.csv{other}"
    if answer_of(results).sequences:  # a text is its own truth
        return f"netpick generate {model} --prompt 'Once'{other}\nnetpick score {model} TEXT{other}"
    return f"netpick predict {model} NEW_DATA{other}\nnetpick score {model} LABELLED_DATA{other}"


def python(results: RunResults, candidate: str | None = None) -> str:
    """The same from Python."""
    arguments = repr(f"{run_folder(results).rstrip('/')}/model.netpick")
    if candidate is not None and candidate != results.verdict.winner:
        arguments = f"{run_folder(results)!r}, candidate={candidate!r}"
    asked = 'predictions = model.predict("NEW_DATA")  # a path, a list of files, or a table'
    if answer_of(results).made_up:
        asked = "rows = model.draw(1_000, seed=1)"
    if answer_of(results).sequences:
        asked = 'text = "".join(model.generate("Once", tokens=200, seed=1))'
    return f"import netpick\n\nmodel = netpick.load({arguments})\n{asked}"


def limits(results: RunResults, winner: CandidateResult | None) -> list[str]:
    """What the evidence does not cover, in sentences."""
    score = primary(results, winner) if winner else None
    kept, unit = [field.name for field in results.schema.features], answer_of(results).unit
    sentences = []
    if winner and score and answer_of(results).made_up:
        sentences.append(
            "Its rows are no real ones: what holds in them holds in the data that it learned from as far as the scores say, and nowhere else. They "
            "are not anonymous because they are made up: see what was remembered."
        )
    elif winner and score:
        decimals = decimals_for([score])
        sentences.append(
            f"Expect {metric_word(results.primary_metric)} of {interval(score, decimals)} on data like the "
            f"{grouped(score.n)} test {unit}s. On other data (another place, device or year) it can be lower: score it there first."
        )
    if answer_of(results).one_class:
        classes = listed([str(label) for label in results.target.labels], 10)
        sentences.append(
            f"It answers with one of the classes it learned: {classes}. Anything else is given one of these too."
        )
    split = results.split
    learned = len(split.train) + (len(split.validation) if split.folds > 1 else 0)
    sentences.append(f"It learned from {counted(learned, unit)} of {results.source.name}.")
    if len(kept) > 1 and not answer_of(results).made_up:
        sentences.append(f"New rows need the same columns: {listed(kept, 12)}.")
    severe = sum(f.severity == "severe" for f in results.findings)
    if severe:
        sentences.append(
            f"{counted(severe, 'severe finding')} stand{'s' * (severe == 1)} against these scores; see Findings."
        )
    if winner and winner.latency_ms > 0:
        sentences.append(f"One {unit} took {milliseconds(winner.latency_ms)} on the machine that trained it.")
    return sentences


def _typed(text: str) -> Html:
    button = element("button", "Copy", type="button", class_="copy", hidden=True)
    return element("div", element("pre", element("code", text), tabindex="0"), button, class_="typed")
