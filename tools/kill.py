"""Kills trainings at random moments and checks that what comes out in the end is what an undisturbed run gives.

    python tools/kill.py N [SEED] [BUDGET] [KIND,KIND]

Each run gets at least three SIGKILLs, half of the runs with a checkpoint after every step, so that many kills fall into
the writing of one. Compared byte by byte: the weights in model.netpick, predictions.parquet, and all scores. With a fixed number of
steps an undisturbed run is what they are compared with; with a BUDGET such as 8s, where a clock decides, the same run replayed from
its plan.json without a kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

NETPICK = [sys.executable, "-m", "netpick.cli"]
RECIPE = "average=0.9,patience=8"
KILLS = 3  # a run, at least


def table(folder: Path) -> list[str]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 3)).round(3)
    frame = pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")}
    )
    frame.write_csv(folder / "table.csv")
    return [str(folder / "table.csv"), "--models", "mlp[dropout=0.1],transformer"]


def images(folder: Path) -> list[str]:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 300)
    x = generator.integers(0, 120, (300, 12, 12)).astype(np.uint8)
    x[y == 1, 3:7, 3:7] += 90
    np.savez(folder / "images.npz", x=x, y=y)
    return [str(folder / "images.npz"), "--models", "cnn,rnn"]


def series(folder: Path) -> list[str]:
    generator = np.random.default_rng(0)
    lines = [
        "@problemName kill",
        "@univariate true",
        "@equalLength true",
        "@seriesLength 24",
        "@classLabel true 0 1",
        "@data",
    ]
    for i in range(200):
        wave = np.sin(np.arange(24) / (2 + i % 2)) + 0.3 * generator.normal(size=24)
        lines.append(",".join(f"{v:.3f}" for v in wave) + f":{i % 2}")
    (folder / "series.ts").write_text("\n".join(lines) + "\n")
    return [str(folder / "series.ts"), "--models", "cnn,rnn[recurrent_dropout=0.1]"]


def texts(folder: Path) -> list[str]:
    generator = np.random.default_rng(0)
    words = [f"word{i}" for i in range(40)]
    rows = []
    for i in range(300):
        chosen = [words[j] for j in generator.integers(0, 40, generator.integers(4, 12))]
        rows.append({"text": " ".join([*chosen, "good" if i % 2 else "bad"]), "label": "plus" if i % 2 else "minus"})
    pl.DataFrame(rows).write_csv(folder / "texts.csv")
    return [str(folder / "texts.csv"), "--models", "mlp,rnn"]


def of_small_set(name: str, models: str) -> Callable[[Path], list[str]]:
    """A set of tests/small_sets.py and networks that learn of it."""

    def made(folder: Path) -> list[str]:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
        import small_sets

        return [str(vars(small_sets)[name](folder)), "--models", models]

    return made


KINDS = {
    "table": table,
    "images": images,
    "series": series,
    "texts": texts,
    "next": of_small_set("story", "rnn[dropout=0.1],transformer"),
    "pairs": of_small_set("pairs", "rnn,transformer"),
    "speech": of_small_set("spoken", "cnn,rnn"),
    "tags": of_small_set("tagged", "rnn,transformer"),
    "music": of_small_set("songs", "rnn,transformer"),
}


def outcome(run: Path) -> tuple[bytes, bytes, object]:
    """Weights, predictions and scores of a finished run."""
    with zipfile.ZipFile(run / "model.netpick") as archive:
        weights = archive.read("weights.safetensors")
    report = json.loads((run / "report.json").read_text())
    scores = [
        (c["name"], c["status"], c["validation"], c["test"]) for c in (*report["candidates"], *report["baselines"])
    ]
    return weights, (run / "predictions.parquet").read_bytes(), scores


def start(arguments: list[str], often: bool) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | ({"NETPICK_CHECKPOINT_SECONDS": "0"} if often else {})
    return subprocess.Popen([*NETPICK, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def killed_run(fit: list[str], run: Path, chance: random.Random, often: bool) -> int:
    """Runs to the end, killed on the way; returns the number of kills."""
    kills = 0
    for _ in range(60):
        if (run / "report.json").exists():  # killed after its last file was written
            return kills
        arguments = ["resume", str(run)] if (run / "request.json").exists() else fit
        process = start(arguments, often)
        # Dense where training is; the first seconds are imports and reading.
        delay = chance.uniform(1.5, 5.5) if kills < KILLS or chance.random() < 0.5 else 600.0
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if process.returncode != 0:
            raise SystemExit(
                f"{arguments} ended with {process.returncode}: {(process.stderr.read() if process.stderr else b'').decode()}"
            )
        return kills
    raise SystemExit(f"{run} never ended")


def replayed(fit: list[str], run: Path) -> tuple[bytes, bytes, object]:
    """What the run's plan gives without a kill."""
    again = run.with_name(f"{run.name}-replayed")
    if start(["fit", fit[1], "--plan", str(run / "plan.json"), "--out", str(again)], False).wait() != 0:
        raise SystemExit(f"The plan of {run} could not be replayed.")
    return outcome(again)


def main(wanted: int, seed: int = 0, budget: str | None = None, names: str = ",".join(KINDS)) -> int:
    """Runs of these kinds in turn until so many kills were made; a budget of "" is a fixed number of steps."""
    budget = budget or None
    kinds = {name: KINDS[name] for name in names.split(",")}
    chance = random.Random(seed)
    total, runs, different = 0, 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wholes: dict[str, tuple[list[str], tuple[bytes, bytes, object] | None]] = {}
        for kind, make in kinds.items():
            length = ["--steps", "150"] if budget is None else ["--budget", budget]
            fit = ["fit", *make(folder), *length, "--recipe", RECIPE, "--accept", "D002"]
            if budget is not None:
                wholes[kind] = fit, None
                continue
            if start([*fit, "--out", str(folder / f"{kind}-whole")], False).wait() != 0:
                raise SystemExit(f"The undisturbed run of {kind} failed.")
            wholes[kind] = fit, outcome(folder / f"{kind}-whole")
        while total < wanted:
            kind = list(kinds)[runs % len(kinds)]
            fit, expected = wholes[kind]
            run = folder / f"run-{runs}"
            began = time.perf_counter()
            kills = killed_run([*fit, "--out", str(run)], run, chance, often=runs % 2 == 1)
            same = outcome(run) == (expected or replayed(fit, run))
            print(
                f"{kind}: {kills} kills, {'identical' if same else 'DIFFERENT'} ({time.perf_counter() - began:.0f} s)",
                flush=True,
            )
            total, runs = total + kills, runs + 1
            if not same:
                different.append(kind)
    print(f"{total} kills in {runs} runs, {len(different)} different")
    return 1 if different else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(int(given[0]) if given else 20, int(given[1]) if len(given) > 1 else 0, *given[2:4]))
