"""The two-layer LSTM over 30 days of temperatures, one day ahead, beside Keras: seconds of fitting, and error."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from bench.measure import SHARED_DATA, Section, fit, median, need, peer, spread, test_value

SEEDS = (0, 1, 2)
VALIDATION, TEST = "1987-10-21", "1989-01-01"
LAYERS = "lstm 64, lstm 64"


def measure_forecast_lstm() -> Section:
    """The same rows, network and measure of error; each chooses its best weights on the same validation days."""
    table = need(SHARED_DATA / "time_series" / "daily_min_temperatures.csv")
    first = np.datetime64("1981-01-01")
    borders = [str(int((np.datetime64(day) - first).astype(int))) for day in (VALIDATION, TEST)]
    ours: list[tuple[float, float, float]] = []
    theirs: list[tuple[float, float, float]] = []
    name = "Keras"
    for seed in SEEDS:  # in turns, so that a busy moment hits both
        with tempfile.TemporaryDirectory() as folder:
            finished, report = fit(
                table,
                Path(folder) / "run",
                *("--layers", LAYERS, "--context", "30", "--horizon", "1", "--seed", str(seed)),
                *("--split", f"time:{VALIDATION},{TEST}"),
            )
            network = next(c for c in report["candidates"] if c["family"] == "layers")
            ours.append((network["seconds"], test_value(report, "layers", "forecast_rmse"), finished.seconds))
        found = peer(
            "keras", "daily_lstm.py", str(table), "--validation", borders[0], "--test", borders[1], "--seed", str(seed)
        )
        name = found["peer"]
        theirs.append((found["fit"], found["rmse"], found["whole"]))
    ratio = median([row[0] for row in theirs]) / median([row[0] for row in ours])
    rows = [_row("netpick fit", ours), _row(name, theirs), ["ratio of fitting times", f"{ratio:.1f}", "", "at least 3"]]
    note = (
        f'`--layers "{LAYERS}" --context 30 --horizon 1` on daily_min_temperatures, median (range) of {len(SEEDS)} seeds. '
        "Fitting: netpick's network alone, trained twice where that is planned and with its quantiles; Keras with Adam, "
        "batches of 32 and early stopping (patience 5), its usual recipe. Whole process: netpick's includes baselines, report "
        "and model file."
    )
    return Section(
        title="Two-layer LSTM over 30 days",
        columns=["what", "seconds of fitting", "test RMSE", "whole process"],
        rows=rows,
        note=note,
    )


def _row(name: str, found: list[tuple[float, float, float]]) -> list[str]:
    seconds, errors, whole = (list(part) for part in zip(*found, strict=True))
    return [name, spread(seconds), spread(errors, unit="", digits=3), spread(whole)]
