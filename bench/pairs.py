"""Pairs of texts as a user asks for them: Multi30k from English to German, and dates to ISO from ten ways of writing them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.measure import SHARED_DATA, Asked, Section, fit, median, need

WAYS = (
    *("%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%d.%m.%y", "%A, %d %b %Y"),
    *("%b %d %y", "%Y.%m.%d", "%d-%b-%Y", "%B %Y, %d", "%a %d %B %Y"),
)
DAYS = 20_000  # of a century, each written in one way


JOBS = (
    Asked(
        name="Multi30k, transformer",
        data="multi30k",
        options=("--models", "transformer", "--budget", "10m"),
        metric="bleu",
        goal="35",
    ),
    Asked(
        name="Multi30k, transformer and rnn",
        data="multi30k",
        options=("--models", "transformer,rnn", "--budget", "15m"),
        metric="bleu",
        goal="33 and 28",
    ),
    Asked(
        name="Dates",
        data="",
        options=("--target", "iso", "--task", "translate", "--budget", "2m"),
        metric="exact_match",
        goal="0.99",
    ),
)


def measure_pairs(seeds: Sequence[int] = (0, 1, 2)) -> Section:
    """Medians over seeds, of every candidate and baseline."""
    rows = []
    for job in JOBS:
        found = [_scores(job, seed) for seed in seeds]
        told = "; ".join(f"{name} {median([one[name] for one in found]):.3f}" for name in found[0])
        rows.append([job.name, job.metric, told, job.goal])
    return Section(
        title="Pairs of texts",
        columns=["contest", "metric", "test", "goal"],
        rows=rows,
        note=f"Medians of {len(seeds)} seeds on all cores, of texts that were generated with a beam of four.",
    )


def write_dates(path: Path, count: int = DAYS, seed: int = 0) -> None:
    """Days of a century, written in one of ten ways, and as ISO has them."""
    generator = np.random.default_rng(seed)
    days = np.datetime64("1950-01-01") + generator.integers(0, 36_500, count)
    lines = [f"{day.item().strftime(WAYS[generator.integers(len(WAYS))])}\t{day}" for day in days]
    path.write_text("written\tiso\n" + "\n".join(lines) + "\n")


def _scores(job: Asked, seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        data = SHARED_DATA / job.data
        if job.data:
            need(data)
        else:
            data = Path(folder) / "dates.tsv"
            write_dates(data)
        _, report = fit(data, Path(folder) / "run", *job.options, "--seed", str(seed), "--keep", "best")
    entries = [one for one in (*report["candidates"], *report["baselines"]) if one["status"] == "ok"]
    return {one["name"]: float(one["test"][job.metric]["value"]) for one in entries}


if __name__ == "__main__":
    made = measure_pairs(tuple(map(int, sys.argv[1:])) or (0,))
    for row in (made.columns, *made.rows):
        print(" | ".join(row))
