"""Images beyond digits: does the network's size follow rows and seconds, and does every family get three passes?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.colour32 import make_colour32
from bench.grey28 import make_grey28
from bench.measure import CACHE, SHARED_DATA, Section, fit, percent


def measure_images() -> Section:
    """Weights, passes and accuracy of each network."""
    colour = make_colour32(SHARED_DATA, CACHE / "colour32.npz")
    grey = make_grey28(SHARED_DATA, CACHE / "grey28")
    rows = [
        *_rows("colour, 32 x 32, 50,000 + 10,000", colour, "--models", "cnn", "--budget", "1m"),
        *_rows("colour, 32 x 32, 50,000 + 10,000", colour, "--models", "cnn", "--budget", "5m"),
        *_rows("grey, 28 x 28, 60,000 + 10,000", grey, "--budget", "60s"),
        *_rows("grey, 28 x 28, 60,000 + 10,000", grey, "--models", "cnn", "--budget", "10m"),
    ]
    return Section(
        title="Images of 32 x 32 and 28 x 28",
        columns=["data", "options", "network", "weights", "passes", "remarks", "test accuracy"],
        rows=rows,
        note="The colour set is as large as CIFAR-10, the grey one as large and about as hard as Fashion-MNIST; both are made by "
        "bench/colour32.py and bench/grey28.py. Seed 0.",
    )


def _rows(title: str, data: Path, *options: str) -> list[Sequence[str]]:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        _, report = fit(data, run, *options, "--seed", "0")
        plan = json.loads((run / "plan.json").read_text())
    planned = {one["name"]: one for one in plan["candidates"]}
    return [
        [
            title,
            " ".join(options),
            candidate["name"],
            f"{candidate['parameters']:,}",
            f"{_passes(candidate, planned[candidate['name']], plan['rows']['train']):.1f}",
            "; ".join(planned[candidate["name"]]["remarks"]),
            percent(candidate["test"]["accuracy"]["value"]),
        ]
        for candidate in report["candidates"]
        if candidate["name"] in planned and candidate["status"] == "ok"
    ]


def _passes(candidate: dict[str, Any], planned: dict[str, Any], num_rows: int) -> float:
    """Over the rows that it learned from."""
    return float(candidate["steps"]) * planned["recipe"]["batch_size"] / (planned["rows"] or num_rows)
