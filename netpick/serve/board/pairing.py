"""Which runs can be compared row by row, and by how much their recommended networks differ on the rows they share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from netpick.answers import Read
from netpick.answers.compare import Contender, Resampler, compare_pairs
from netpick.answers.metrics import METRICS
from netpick.answers.metrics.cost import MeanCost
from netpick.answers.metrics.means import Accuracy
from netpick.serve.board.runs import FinishedRun
from netpick.tasks import TASKS
from netpick.types.results import Comparison

FORECAST_KEYS = ("series", "origin", "time", "target")


@dataclass(frozen=True, kw_only=True)
class SameRows:
    """Runs that were tested on the same rows, and the metric that they are compared by."""

    runs: tuple[FinishedRun, ...]
    metric: str
    n: int  # test rows, or windows of a forecast


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Two groups that cannot be compared row by row, and why."""

    run: FinishedRun
    other: FinishedRun
    why: str


def by_test_rows(runs: Sequence[FinishedRun]) -> tuple[list[SameRows], list[Apart]]:
    """Runs by the rows that they were tested on, in the order given; and why each further group stands apart."""
    together: dict[str, list[FinishedRun]] = {}
    for run in runs:
        together.setdefault(_key(run), []).append(run)
    groups = [_group(members) for members in together.values()]
    apart = [
        Apart(run=group.runs[0], other=groups[0].runs[0], why=reason(groups[0].runs[0], group.runs[0]))
        for group in groups[1:]
    ]
    return groups, apart


def reason(one: FinishedRun, other: FinishedRun) -> str:
    """Why two runs were not tested on the same rows, in words."""
    a, b = one.report, other.report
    if a.data.fingerprint != b.data.fingerprint:
        return f"other data: {a.data.name} ({a.data.rows:,} rows) and {b.data.name} ({b.data.rows:,} rows)"
    if a.task.name != b.task.name or a.task.targets != b.task.targets:
        return f"another task: {_task(one)} and {_task(other)}"
    if one.predictions is None or other.predictions is None:
        missing = one if one.predictions is None else other
        return f"{missing.label} has no readable predictions.parquet"
    return (
        f"other test rows of the same data (\u201c{a.split.sentence}\u201d and \u201c{b.split.sentence}\u201d): what one was "
        "tested on, the other may have learned from"
    )


def winners_in_pairs(group: SameRows) -> list[Comparison]:
    """Every run's recommended network against every other's, on the shared test rows."""
    metric = METRICS[group.metric]
    contenders, truth, groups = [], None, None
    for run in group.runs:
        winner = run.report.verdict.winner
        if winner is None or run.predictions is None:
            continue
        read = _read(run, run.predictions, winner)
        if read is None:
            continue
        truth, groups = read.truth if truth is None else truth, read.groups
        contenders.append(Contender(name=run.label, predictions=read.predictions, decided=read.decided))
    if truth is None or len(contenders) < 2 or not all(metric.applies(truth, c.predictions) for c in contenders):
        return []
    names = [contender.name for contender in contenders]
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    return compare_pairs(metric, truth, contenders, pairs, Resampler(len(truth), 0, groups))


def _read(run: FinishedRun, table: pl.DataFrame, winner: str) -> Read | None:
    """Truth and what the winner said of the test rows; None where columns are missing."""
    asked = run.report.task
    task = TASKS.get(asked.name)
    try:
        return None if task is None else task.answer.read(table, winner, asked.labels)
    except (pl.exceptions.PolarsError, ValueError, TypeError):
        return None


def _group(runs: Sequence[FinishedRun]) -> SameRows:
    task = TASKS.get(runs[0].report.task.name)  # a report may be of another version
    fallback = Accuracy.name if task is None else task.answer.fallback
    metrics = {run.report.task.primary_metric for run in runs}
    metric = metrics.pop() if len(metrics) == 1 else fallback
    # Some tables lack what scale-free metrics divide by, and runs may have costs of their own.
    if (task is not None and not task.answer.whole_tables) or metric == MeanCost.name or metric not in METRICS:
        metric = fallback
    scores = [entry.test[metric].n for run in runs for entry in run.report.entries if metric in entry.test]
    return SameRows(runs=tuple(runs), metric=metric, n=scores[0] if scores else 0)


def _task(run: FinishedRun) -> str:
    return f"{run.report.task.name} of {', '.join(run.report.task.targets)}"


def _key(run: FinishedRun) -> str:
    """The same for runs of the same data, task and test rows with the same truth."""
    report = run.report
    parts = [report.data.fingerprint, report.task.name, *report.task.targets, "\0", *report.task.labels]
    table = run.predictions
    if table is None:
        parts.append(str(run.folder.resolve()))  # alone
    else:
        truth = [name for name in table.columns if name == "truth" or name.startswith("truth_")]
        keys = [name for name in ("row", *FORECAST_KEYS) if name in table.columns]
        parts += [f"{name}:{_digest(table[name])}" for name in (*keys, *truth)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest(series: pl.Series) -> str:
    return hashlib.sha256(series.cast(pl.String).fill_null("\0").str.join("\n")[0].encode()).hexdigest()
