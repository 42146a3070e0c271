"""How a budget is used, alone and beside one busy process on each core: share of the budget, order of the families, last rates.

    python -m bench.budget [NAME ...] [--seeds 5] [--quiet-only] [--mnist-png FOLDER]

Each run is a whole `netpick fit` in a process of its own. Disturbed runs stand beside `stress-ng --cpu CORES` (Debian's package). Nothing
else may run meanwhile. Data sets are those of ../shared/data; without them there is nothing to measure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from netpick.training.optimize import rate_multiplier
from netpick.types.recipe import Recipe

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
RUNS: dict[str, tuple[str, ...]] = {  # arguments of `netpick fit`
    "mnist 10s": ("{mnist}", "--budget", "10s"),
    "mnist 60s": ("{mnist}", "--budget", "60s"),
    "adult 60s": ("{shared}/tables/adult_train.csv", "--budget", "60s"),
    "sms_spam 60s": ("{shared}/sms_spam/sms.tsv", "--budget", "60s"),
    "sst2 3m": ("{shared}/sst2/train.tsv", "--test", "{shared}/sst2/test.tsv", "--budget", "3m"),
    "spoken_digits 60s": (
        *("{shared}/spoken_digits", "--label-from", "{{label}}_{{speaker}}_{{index}}.wav", "--split", "random"),
        *("--budget", "60s"),
    ),
    "ETTh1 5m": ("{shared}/time_series/ETTh1.csv", "--target", "OT", "--horizon", "24", "--budget", "5m"),
}


@dataclass(frozen=True, kw_only=True)
class Used:
    """One run."""

    seconds: float
    budget: float
    whole: bool  # every network made all the steps that repay themselves
    scores: dict[str, float]  # of the networks, on test rows
    passes: dict[str, float]
    last_rate: float  # largest share of the peak rate at which a training ended

    @property
    def order(self) -> list[str]:
        return sorted(self.scores, key=lambda name: -self.scores[name])


@contextmanager
def neighbours(busy: bool) -> Iterator[None]:
    """One busy process on each core, or none."""
    if not busy:
        yield
        return
    process = subprocess.Popen(["stress-ng", "--cpu", str(os.cpu_count()), "--quiet"])
    try:
        time.sleep(1.0)
        yield
    finally:
        process.terminate()
        process.wait()


def used(arguments: list[str], seed: int, folder: Path) -> Used:
    """Runs `netpick fit`, and reads its report and plan."""
    out = folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    began = time.perf_counter()
    command = [sys.executable, "-m", "netpick.cli", "fit", *arguments, "--seed", str(seed), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-600:]}")
    report, plan = (json.loads((out / name).read_text()) for name in ("report.json", "plan.json"))
    primary = report["task"]["primary_metric"]
    networks = [c for c in report["candidates"] if c["status"] == "ok"]
    planned = {c["name"]: c for c in plan["candidates"]}
    rows = plan["rows"]["train"]
    return Used(
        seconds=seconds,
        budget=plan["budget_seconds"],
        whole=all(c["steps"] >= planned[c["name"]]["most_steps"] for c in networks if c["name"] in planned),
        scores={c["name"]: c["test"][primary]["value"] for c in networks if primary in c["test"]},
        passes={c["name"]: _passes(c, planned, rows) for c in networks if c["name"] in planned},
        last_rate=max((_last_rate(plan, key) for key in plan["decisions"]), default=0.0),
    )


def _passes(candidate: dict[str, Any], planned: dict[str, Any], rows: int) -> float:
    plan = planned[candidate["name"]]
    return float(candidate["steps"] * plan["recipe"]["batch_size"] / (plan["rows"] or rows))


def _last_rate(plan: dict[str, Any], key: str) -> float:
    """Of a training's last step, as a share of its peak."""
    candidate = plan["candidates"][int(key.split("-")[0])]
    recipe = TypeAdapter(Recipe).validate_json(json.dumps(candidate["recipe"]))
    last = [segment for segment in plan["decisions"][key] if not segment["branch"]][-1]
    span = (last["until"] - last["step"]) / (last["planned"] - last["step"])
    return rate_multiplier(recipe, last["begin"] + (last["end"] - last["begin"]) * span)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RUNS)}; all when none is named")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quiet-only", action="store_true")
    parser.add_argument("--mnist-png", default=str(SHARED / "mnist"), help="class folders of bench/make_mnist_png.py")
    given = parser.parse_args()
    print(
        "| run | beside | used | order | least passes | last rate | scores |\n|---|---|---|---|---|---|---|", flush=True
    )
    with tempfile.TemporaryDirectory() as name:
        for run in given.names or RUNS:
            for busy in (False,) if given.quiet_only else (False, True):
                arguments = [part.format(shared=SHARED, mnist=given.mnist_png) for part in RUNS[run]]
                with neighbours(busy):
                    made = [used(arguments, seed, Path(name)) for seed in range(given.seeds)]
                for one in made:
                    scores = ", ".join(f"{n} {one.scores[n]:.4f}" for n in one.order)
                    share = f"{one.seconds / one.budget:.0%}{' (all steps made)' if one.whole else ''}"
                    least = min(one.passes.values(), default=0.0)
                    print(
                        f"| {run} | {'busy' if busy else 'quiet'} | {share} | {' > '.join(one.order)} | {least:.1f} | "
                        f"{one.last_rate:.1%} | {scores} |",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
