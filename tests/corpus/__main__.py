"""`make corpus`: every case through every way, a table of what was found, exit code 1 when any promise was broken."""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from corpus.cases import CASES
from corpus.drive import jobs_of, run_jobs
from corpus.judge import message_of


def main() -> int:
    """Prints broken promises as they are found, then the figures."""
    parser = argparse.ArgumentParser(description="Runs the bad input corpus.")
    parser.add_argument("--only", default="", help="a part of the names of cases")
    parser.add_argument("--way", choices=("look", "fit", "api", "predict"))
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--show", action="store_true", help="print every outcome")
    asked = parser.parse_args()
    cases = [case for case in CASES.values() if asked.only in case.name]
    jobs = jobs_of(cases, None if asked.way is None else (asked.way,))
    started, broken, codes = time.monotonic(), 0, Counter[int]()
    slowest, largest = (0.0, ""), (0.0, "")
    with tempfile.TemporaryDirectory(prefix="netpick-corpus-") as folder:
        from corpus.models import train_models

        models = train_models(Path(folder) / "models", {case.model for case in cases if case.model is not None})
        for case, outcome, wrongs in run_jobs(jobs, Path(folder), models, asked.workers):
            codes[outcome.code] += 1
            slowest = max(slowest, (outcome.seconds, f"{case.name} ({outcome.way})"))
            largest = max(largest, (outcome.megabytes, f"{case.name} ({outcome.way})"))
            if wrongs:
                broken += 1
                print(f"\n{case.name} ({outcome.way}): {'; '.join(wrongs)}\n    {outcome.said.strip()[-900:]}")
            elif asked.show:
                message = message_of(outcome.said) if outcome.code else ""
                print(f"{case.name} ({outcome.way}): {outcome.code} {outcome.seconds:.2f} s {message}")
            sys.stdout.flush()
    told = ", ".join(f"{count} with exit code {code}" for code, count in sorted(codes.items()))
    print(
        f"\n{len(cases)} cases, {len(jobs)} runs in {time.monotonic() - started:.0f} s: {told}; {broken} break a promise."
    )
    print(f"Most processor time: {slowest[0]:.1f} s, {slowest[1]}. Most memory: {largest[0]:.0f} MB, {largest[1]}.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
