"""A retail panel: 150 series of 55 to 1,095 days with prices, promotions, holidays and days without sales; and a contest on it.

    python bench/retail_panel.py [SECONDS] [SEED ...]     budget of each fit (default 300), and seeds (default 0 1 2)

Sales are counts (negative binomial) around a level of each item and store, with a week, a year, a trend, a price elasticity, the
lift of promotions and of holidays; a third of the series sells on few days. Prices, promotions and holidays are planned for the
28 days behind the last sales, whose sales are empty, as a planner's file has them. The task has to be found by `look` alone and
with `--target`, every series is forecast, and the best network's weighted quantile loss is compared with the yardsticks'.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

import netpick

SERIES, HORIZON = 150, 28
LAST = date(2024, 6, 30)  # with sales
HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31))  # month, day
YARDSTICKS = ("seasonal naive", "exponential smoothing", "boosted trees on lags")


def panel(seed: int = 0) -> pl.DataFrame:
    """A row a series and day: date, store, item, category, price, promotion, holiday, sales."""
    generator = np.random.default_rng(seed)
    categories = ("dairy", "drinks", "garden", "toys", "bakery")
    lifts = generator.uniform(0.3, 1.5, len(categories))
    elasticities = generator.uniform(-2.5, -0.8, len(categories))
    parts = []
    for number in range(SERIES):
        length = int(np.exp(generator.uniform(np.log(55), np.log(1_095))))
        days = [LAST + timedelta(days=i) for i in range(1 - length, HORIZON + 1)]
        category = int(generator.integers(len(categories)))
        base = np.exp(generator.normal(2.5, 1.0)) * (0.1 if number % 3 == 0 else 1.0)
        usual = float(np.round(generator.uniform(1, 20), 2))
        promotion = _runs(generator, len(days), 0.03, 7)
        price = np.round(usual * np.where(promotion, generator.uniform(0.7, 0.9), 1.0), 2)
        holiday = np.array([(day.month, day.day) in HOLIDAYS for day in days])
        of_week = 1 + np.array([-0.2, -0.25, -0.2, 0.0, 0.3, 0.45, -0.1])[[day.weekday() for day in days]]
        of_year = 1 + 0.25 * np.sin(
            2 * np.pi * (np.array([day.timetuple().tm_yday for day in days]) / 365.25 - category / 5)
        )
        trend = np.exp(generator.normal(0, 0.3) * np.linspace(-1, 0, len(days)))
        mean = base * of_week * of_year * trend * (price / usual) ** elasticities[category]
        mean = mean * np.where(promotion, 1 + lifts[category], 1) * np.where(holiday, 0.3 if category != 1 else 1.8, 1)
        sales = generator.negative_binomial(5, 5 / (5 + mean)).astype(float)
        sales[-HORIZON:] = np.nan
        parts.append(
            pl.DataFrame(
                {
                    "date": days,
                    "store": [f"S{number % 10:02}"] * len(days),
                    "item": [f"I{number // 10:03}"] * len(days),
                    "category": [categories[category]] * len(days),
                    "price": price,
                    "promotion": promotion.astype(int),
                    "holiday": holiday.astype(int),
                    "sales": pl.Series(sales).fill_nan(None).cast(pl.Int64),
                }
            )
        )
    return pl.concat(parts)


def _runs(generator: np.random.Generator, length: int, chance: float, longest: int) -> np.ndarray:
    """Days of promotions, which last some days each."""
    on = np.zeros(length, dtype=bool)
    for start in np.flatnonzero(generator.random(length) < chance):
        on[start : start + int(generator.integers(2, longest + 1))] = True
    return on


def contest(seconds: float, seed: int, folder: Path) -> None:
    """One fit; prints what was found, and the weighted quantile loss of everyone."""
    path = folder / f"panel{seed}.csv"
    table = panel(seed)
    table.write_csv(path)
    for target in (None, "sales"):
        prepared = netpick.look(path, target)
        names = tuple(field.name for field in prepared.schema.targets)
        ahead = prepared.state.known
        print(
            f"look, target {target}: {prepared.schema.task} of {names}, known ahead {ahead}, {len(prepared.state.ids)} series"
        )
    run = netpick.fit(path, budget=seconds, seed=seed, out=folder / f"run{seed}")
    losses = {}
    for row in run.scores.iter_rows(named=True):
        if row["metric"] == "wql":
            losses[row["candidate"]] = row
            print(
                f"  {row['candidate']:24} WQL {row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f}), n = {row['n']}"
            )
    network = min(
        (row for row in losses.values() if row["family"] not in ("baseline", "blend")), key=lambda row: row["value"]
    )
    beaten = {name: bool(network["value"] < losses[name]["value"]) for name in YARDSTICKS}
    forecast = run.model.predict(path)
    series = forecast.group_by("store", "item").len()
    whole = len(series) == SERIES and bool((series["len"] == HORIZON).all())
    print(
        f"  best network {network['candidate']}; better than {beaten}; every series forecast from its own file: {whole}"
    )
    print(f"  {run.verdict}")


def main() -> None:
    """See the module."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    with tempfile.TemporaryDirectory() as folder:
        for seed in [int(word) for word in sys.argv[2:]] or [0, 1, 2]:
            contest(seconds, seed, Path(folder))


if __name__ == "__main__":
    main()
