"""Large tables and stores on disk: peak memory, and the speed of memory-mapped training."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.measure import CACHE, PYTHON, Section, fit, median, run_command

ROWS = 5_000_000
PART_ROWS = 500_000
STEPS = "400"
ROUNDS = 3


def make_table(suffix: str) -> Path:
    """A generated table of five million rows: eight numbers, two categories, a noisy target."""
    import numpy as np
    import polars as pl

    path = CACHE / f"five_million.{suffix}"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    frames = []
    for part in range(ROWS // PART_ROWS):
        generator = np.random.default_rng(part)
        numbers = generator.normal(size=(PART_ROWS, 8)).round(4).astype(np.float32)
        city, plan = generator.integers(0, 200, PART_ROWS), generator.integers(0, 5, PART_ROWS)
        signal = numbers[:, 0] - numbers[:, 1] * numbers[:, 2] + (city % 7 == 0) + 0.5 * (plan == 2)
        columns: dict[str, Any] = {f"x{i}": numbers[:, i] for i in range(8)}
        columns["city"] = [f"city {i}" for i in city]
        columns["plan"] = [f"plan {i}" for i in plan]
        columns["target"] = np.where(signal + generator.normal(size=PART_ROWS) > 0, "yes", "no")
        frames.append(pl.DataFrame(columns))
    frame = pl.concat(frames)
    if suffix == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def measure_memory() -> Section:
    """Peak memory of a whole fit on five million rows, beyond the interpreter with its libraries."""
    imports = (
        "import torch, numpy, polars, pyarrow, sklearn.ensemble, sklearn.linear_model, plotly, pydantic, typer, rich"
    )
    floor = run_command([PYTHON, "-c", imports]).peak_bytes
    rows = [["interpreter and libraries, imported", f"{floor / 1e9:.2f} GB", "", ""]]
    for suffix in ("parquet", "csv"):
        path = make_table(suffix)
        with tempfile.TemporaryDirectory() as runs:
            options = ("--target", "target", "--models", "mlp", "--budget", "120s")
            finished, _ = fit(path, Path(runs) / "run", *options)
        beyond = f"{(finished.peak_bytes - floor) / 1e9:.2f} GB"
        name = f"{suffix}, {path.stat().st_size / 1e6:,.0f} MB on disk"
        rows.append([name, f"{finished.peak_bytes / 1e9:.2f} GB", beyond, f"{finished.seconds:.0f} s"])
    return Section(
        title="A table of five million rows", columns=["what", "peak memory", "beyond that (goal: at most 2 GB)", "wall clock"],
        rows=rows, note="`netpick fit … --models mlp --budget 120s`; largest resident set of the whole process.",
    )  # fmt: skip


def make_images() -> Path:
    """Generated colour images, 20,000 of 64 x 64, as .npz (246 MB encoded)."""
    import numpy as np

    path = CACHE / "images.npz"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(0)
        labels = generator.integers(0, 4, 20_000)
        images = generator.integers(0, 200, (20_000, 64, 64, 3), dtype=np.uint8)
        images[np.arange(20_000), :, :, labels % 3] += (40 * (labels < 3)).astype(np.uint8)[:, None, None]
        np.savez(path, X=images, y=labels)
    return path


def measure_mapped() -> Section:
    """Steps per second from a store in memory, and from one that a forced limit sent to disk."""
    rows = []
    cases = ((make_table("parquet"), "mlp", STEPS, "50MB"), (make_images(), "cnn", "60", "50MB"))
    for path, model, steps, limit in cases:
        speeds: dict[str, list[float]] = {"memory": [], "disk": []}
        for round_number in range(ROUNDS):
            for place, option in (("memory", ()), ("disk", ("--memory-limit", limit))):
                with tempfile.TemporaryDirectory() as runs:
                    options = ("--models", model, "--steps", steps, "--seed", str(round_number), *option)
                    _, report = fit(path, Path(runs) / "run", *options)
                candidate = report["candidates"][0]
                speeds[place].append(candidate["steps"] / candidate["seconds"])
        ratio = median(speeds["disk"]) / median(speeds["memory"])
        memory, disk = (f"{median(speeds[place]):.1f}" for place in ("memory", "disk"))
        rows.append([f"{path.name}, {model}, limit {limit}", memory, disk, f"{100 * ratio:.0f} %"])
    return Section(
        title="Stores on disk", columns=["what", "steps/s in memory", "steps/s memory-mapped", "ratio (goal: 80 %)"],
        rows=rows, note=f"Median of {ROUNDS} runs in turns; a step's time includes the looks at the validation rows.",
    )  # fmt: skip
