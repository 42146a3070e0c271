"""The next symbol of the usual texts, as a user asks for it: the Penn Treebank by words, Shakespeare by characters, and names."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.measure import SHARED_DATA, Asked, Section, fit, median, need

JOBS = (
    Asked(
        name="Penn Treebank, rnn",
        data="ptb",
        options=("--models", "rnn", "--budget", "10m"),
        metric="perplexity",
        goal="88 (Zaremba's small LSTM 115.9, medium 82.1)",
    ),
    Asked(name="Penn Treebank, all", data="ptb", options=("--budget", "10m"), metric="perplexity", goal="100"),
    Asked(
        name="Shakespeare, rnn",
        data="shakespeare/input.txt",
        options=("--models", "rnn", "--budget", "5m"),
        metric="bits_per_character",
        goal="2.08 (nanoGPT's A100 run 2.12)",
    ),
    Asked(
        name="Shakespeare, all",
        data="shakespeare/input.txt",
        options=("--budget", "10m"),
        metric="bits_per_character",
        goal="2.12",
    ),
    Asked(
        name="Names", data="names", options=("--task", "next", "--budget", "3m"), metric="bits_per_character", goal="-"
    ),
)


def measure_next_symbols(seeds: Sequence[int] = (0, 1, 2)) -> Section:
    """Medians over seeds: the best network, Kneser-Ney, and the blend."""
    rows = []
    for job in JOBS:
        need(SHARED_DATA / job.data)
        found = [_scores(job, seed) for seed in seeds]
        rows.append([job.name, *(f"{median([one[who] for one in found]):.3f}" for who in (0, 1, 2)), job.goal])
    return Section(
        title="The next symbol of a text",
        columns=["contest", "best network", "Kneser-Ney", "blend", "goal of the network"],
        rows=rows,
        note=f"Medians of {len(seeds)} seeds on all cores, on the test part: perplexity per word, or bits per character.",
    )


def _scores(job: Asked, seed: int) -> tuple[float, float, float]:
    """Of the network that is best on validation text, of Kneser-Ney, and of the blend (the best of all where there is none)."""
    with tempfile.TemporaryDirectory() as folder:
        _, report = fit(
            SHARED_DATA / job.data, Path(folder) / "run", *job.options, "--seed", str(seed), "--keep", "best"
        )
    networks = [c for c in report["candidates"] if c["status"] == "ok"]
    best = min(networks, key=lambda one: one["validation"][job.metric]["value"])
    ngrams = next(one for one in report["baselines"] if one["name"] == "kneser-ney")
    blend = report["blend"]["result"] if report["blend"] else best
    found = [float(one["test"][job.metric]["value"]) for one in (best, ngrams, blend)]
    return found[0], found[1], found[2]


if __name__ == "__main__":
    made = measure_next_symbols(tuple(map(int, sys.argv[1:])) or (0,))
    for row in (made.columns, *made.rows):
        print(" | ".join(row))
