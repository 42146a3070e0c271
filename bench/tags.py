"""A tag for each token, as a user asks for it: emerging entities of WNUT-17, and English parts of speech."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.measure import SHARED_DATA, Section, fit, median, need

JOBS = (  # data, budget, metric, goal
    ("wnut17", "3m", "entity_f1", "0.18"),
    ("ud_ewt", "3m", "token_accuracy", "0.93"),
)
WHO = ("best network", "linear of a window", "majority tag", "blend")


def measure_tags(seeds: Sequence[int] = (0, 1, 2)) -> Section:
    """Medians over seeds: the network that is best on validation sentences, the baselines, and the blend."""
    rows = []
    for data, budget, metric, goal in JOBS:
        need(SHARED_DATA / data)
        found = [_scores(data, budget, metric, seed) for seed in seeds]
        rows.append([data, *(f"{median([one[who] for one in found]):.3f}" for who in range(len(WHO))), goal])
    note = f"Medians of {len(seeds)} seeds on all cores, on the given test part: entity F1 by exact spans, or the share of right tokens."
    return Section(title="A tag for each token", columns=["data", *WHO, "goal"], rows=rows, note=note)


def _scores(data: str, budget: str, metric: str, seed: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        options = ("--budget", budget, "--seed", str(seed), "--keep", "best")
        _, report = fit(SHARED_DATA / data, Path(folder) / "run", *options)
    networks = [c for c in report["candidates"] if c["status"] == "ok"]
    best = max(networks, key=lambda one: one["validation"][metric]["value"])
    named = {one["name"]: one for one in report["baselines"]}
    blend = report["blend"]["result"] if report["blend"] else best
    entries = (best, named["linear of a window"], named["majority tag"], blend)
    return [float(one["test"][metric]["value"]) for one in entries]


if __name__ == "__main__":
    made = measure_tags(tuple(map(int, sys.argv[1:])) or (0,))
    for row in (made.columns, *made.rows):
        print(" | ".join(row))
