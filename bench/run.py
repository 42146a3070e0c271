"""`make bench`: measures the parts that are asked for, one after the other, and writes bench/results.md.

Results of parts that are not asked for stay as they were, each with the day and the machine that it was measured on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from bench.checkpoints import measure_checkpoints
from bench.checks import measure_checks
from bench.csv_reading import measure_csv
from bench.forecast_lstm import measure_forecast_lstm
from bench.images import measure_images
from bench.labs import measure_labs
from bench.measure import ROOT, BenchError, Section, describe_machine
from bench.mnist import measure_mnist_10s, measure_mnist_60s, measure_peers
from bench.next_steps import measure_next_steps
from bench.next_symbols import measure_next_symbols
from bench.pairs import measure_pairs
from bench.recurrent import measure_recurrent
from bench.sequences import measure_sequences
from bench.serve import measure_serve
from bench.sounds import measure_sounds
from bench.speech import measure_speech
from bench.startup import measure_startup
from bench.step_time import measure_step_time
from bench.tables import measure_mapped, measure_memory
from bench.tags import measure_tags

PARTS: dict[str, Callable[[], Section]] = {
    "startup": measure_startup,
    "mnist10": measure_mnist_10s,
    "mnist60": measure_mnist_60s,
    "peers": measure_peers,
    "step": measure_step_time,
    "sounds": measure_sounds,
    "checkpoints": measure_checkpoints,
    "memory": measure_memory,
    "mapped": measure_mapped,
    "csv": measure_csv,
    "lstm": measure_forecast_lstm,
    "labs": measure_labs,
    "images": measure_images,
    "sequences": measure_sequences,
    "recurrent": measure_recurrent,
    "checks": measure_checks,
    "serve": measure_serve,
    "next": measure_next_symbols,
    "speech": measure_speech,
    "pairs": measure_pairs,
    "tags": measure_tags,
    "next_steps": measure_next_steps,
}
DATA = ROOT / "bench" / "results.json"
PAGE = ROOT / "bench" / "results.md"


def main(asked: list[str]) -> int:
    """Measures and writes after each part; returns the exit code."""
    unknown = [name for name in asked if name not in PARTS]
    if unknown:
        print(f"No such part: {', '.join(unknown)}. Choose from: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    results: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    failed = 0
    for name in asked or list(PARTS):
        print(f"{name} ...", file=sys.stderr, flush=True)
        started = time.perf_counter()
        try:
            section = PARTS[name]()
        except BenchError as error:
            print(f"{name} was not measured: {error}", file=sys.stderr)
            failed += 1
            continue
        results[name] = {"date": date.today().isoformat(), "machine": describe_machine(), **asdict(section)}
        DATA.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        PAGE.write_text(render(results))
        print(render_section(results[name]))
        print(f"({time.perf_counter() - started:.0f} s)", file=sys.stderr)
    return 1 if failed else 0


def render(results: dict[str, Any]) -> str:
    """All parts as one page, in the order of PARTS."""
    head = (
        "# Speed and memory\n\nWritten by `make bench`; every part is measured in one run, one process at a time. Figures "
        "move with the machine:\ncompare what stands in one table.\n"
    )
    return "\n".join([head, *(render_section(results[name]) for name in PARTS if name in results)])


def render_section(result: dict[str, Any]) -> str:
    """One part as a Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [result["columns"], *result["rows"]]]
    lines.insert(1, "|" + " --- |" * len(result["columns"]))
    table = "\n".join(lines)
    return f"## {result['title']}\n\n{table}\n\n{result['note']}\n\nMeasured {result['date']} on {result['machine']}.\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
