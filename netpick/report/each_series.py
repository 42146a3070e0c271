"""How each series of a forecast was forecast: the series from worst to best, as the page, report.json and series.csv tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.metrics.forecast import Coverage, ForecastRmse, Mase, QuantileLoss, Smape, WindowRatio
from netpick.answers.metrics.sums import over
from netpick.report.standings import shown_in_detail
from netpick.types import Array
from netpick.types.results import ForecastInfo, RunResults

TOLD = 5  # of the worst, the middle and the best series in report.json
FILE = "series.csv"
METRICS: tuple[WindowRatio, ...] = (Mase(), Smape(), ForecastRmse(), QuantileLoss(), Coverage())


@dataclass(frozen=True, kw_only=True)
class SeriesScore:
    """One series, as the candidate that the page shows forecasts it."""

    series: str
    known_steps: int | None  # None in results of older versions
    short: bool  # it has fewer known steps than a window
    windows: int
    mase: float
    inside: float


def by_series(said: AnsweredHorizon, truth: Array, info: ForecastInfo, metrics: Sequence[WindowRatio]) -> Array:
    """(S, M) of each series and metric, NaN for series without a test window."""
    assert info.series is not None
    count = len(info.ids)
    columns = []
    for metric in metrics:
        above, below = metric.parts(truth, said, None)
        sums = [np.bincount(info.series, part.sum(axis=1), count) for part in (above, below)]
        ratio = over(*sums)
        columns.append(np.where(sums[1] > 0, np.sqrt(ratio) if metric.root else ratio, np.nan))
    return np.stack(columns, axis=1)


def windows_of(info: ForecastInfo) -> Array:
    """(S,) test windows of each series."""
    assert info.series is not None
    return np.bincount(info.series, minlength=len(info.ids))


def is_short(info: ForecastInfo) -> Array:
    """(S,) whether a series has fewer known steps than a window looks at."""
    if info.known_steps is None:
        return np.zeros(len(info.ids), dtype=bool)
    return np.asarray(info.known_steps < info.context)


def ordered(results: RunResults, candidate: str) -> list[SeriesScore]:
    """The tested series of this candidate, the worst first; empty where there is one series alone."""
    info = results.forecast
    shown = None if info is None else info.by_candidate.get(candidate)
    if info is None or shown is None or shown.by_series is None:
        return []
    short, known = is_short(info), info.known_steps
    found = shown.by_series
    tested = np.flatnonzero(found[:, 0] > 0)
    return [
        SeriesScore(
            series=info.ids[i],
            known_steps=None if known is None else int(known[i]),
            short=bool(short[i]),
            windows=int(found[i, 0]),
            mase=float(found[i, 1]),
            inside=float(found[i, 2]),
        )
        for i in tested[np.argsort(-found[tested, 1], kind="stable")].tolist()
    ]


def series_json(results: RunResults) -> dict[str, Any] | None:
    """The worst, the middle and the best series of the candidate that is shown in detail; None where there is one alone."""
    shown = shown_in_detail(results)
    scores = [] if shown is None else ordered(results, shown.name)
    if shown is None or results.forecast is None or not scores:
        return None
    middle = max(0, len(scores) // 2 - TOLD // 2)
    return {
        "candidate": shown.name,
        "count": len(results.forecast.ids),
        "tested": len(scores),
        "short": int(is_short(results.forecast).sum()),
        "median_mase": float(np.median([score.mase for score in scores])),
        "worst": [vars(score) for score in scores[:TOLD]],
        "middle": [vars(score) for score in scores[middle : middle + TOLD]],
        "best": [vars(score) for score in scores[-TOLD:][::-1]],
        "table": FILE,
    }


def series_table(results: RunResults) -> pl.DataFrame | None:
    """A row a series: its history, its test windows, and every candidate's scores; None where there is one alone."""
    info = results.forecast
    if info is None or not info.ids or info.series is None:
        return None
    columns = [pl.Series("series", list(info.ids), dtype=pl.String)]
    if info.known_steps is not None:
        columns += [pl.Series("known_steps", info.known_steps), pl.Series("short", is_short(info))]
    if info.levels:
        columns.append(pl.Series("level", list(info.levels), dtype=pl.String))
    columns.append(pl.Series("test_windows", windows_of(info)))
    for entry in results.entries:
        said = entry.test_predictions
        if isinstance(said, AnsweredHorizon) and said.quantiles is not None and said.naive is not None:
            found = by_series(said, results.test_truth, info, METRICS)
            columns += [
                pl.Series(f"{entry.name}: {metric.name}", found[:, i]).fill_nan(None)
                for i, metric in enumerate(METRICS)
            ]
    return pl.DataFrame(columns)
