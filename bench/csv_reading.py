"""Reading CSV: clean files beside an earlier commit, columns that are written oddly beside plain ones, and `netpick look`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import CACHE, NETPICK, PYTHON, ROOT, Section, run_command
from bench.tables import make_table

BEFORE = os.environ.get("NETPICK_BENCH_BEFORE", "0e21981")  # the commit to compare with
ROWS = int(os.environ.get("NETPICK_BENCH_ROWS", "1000000"))  # of the files whose columns are written oddly
COLUMNS = 6
ROUNDS = int(os.environ.get("NETPICK_BENCH_ROUNDS", "5"))
LOOKED_BYTES = 100_000_000
READ = """
import importlib.util, json, resource, sys, time
if importlib.util.find_spec("netpick.data"):
    from netpick.data.sources import open_source
else:  # where it stood at older commits
    from netpick.sources import open_source
started = time.perf_counter()
source = open_source(sys.argv[1])
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, source.num_rows]))
"""


def _grouped(number: float) -> str:
    return f"{number:,.2f}"


WRITTEN: dict[str, Callable[[float], str]] = {
    "plain": lambda number: f"{number:.2f}",
    "thousands commas": lambda number: f'"{_grouped(number)}"',
    "currency": lambda number: f'"${_grouped(number)}"',
    "decimal comma": lambda number: '"' + f"{number:.2f}".replace(".", ",") + '"',
    "per cent": lambda number: f"{number % 100:.1f}%",
    "one word in a thousand": lambda number: "n.a." if int(number) % 1000 == 7 else f"{number:.2f}",
    "dates, day first": lambda number: f"{int(number) % 28 + 1:02}/{int(number) % 12 + 1:02}/{1990 + int(number) % 30}",
    "ISO dates": lambda number: f"{1990 + int(number) % 30}-{int(number) % 12 + 1:02}-{int(number) % 28 + 1:02}",
    "words": lambda number: f"place {int(number) % 200}",
}


def make_written(way: str) -> Path:
    """A file whose columns are all written in one way."""
    import numpy as np

    path = CACHE / f"written_{way.replace(' ', '_').replace(',', '')}_{ROWS}.csv"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(0).uniform(0, 99_999, (ROWS, COLUMNS))
    write = WRITTEN[way]
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(COLUMNS)) + "\n")
        for row in numbers.tolist():
            file.write(",".join(map(write, row)) + "\n")
    return path


def earlier_package() -> Path:
    """The package as it was, unpacked beside the data."""
    folder = CACHE / f"before-{BEFORE}"
    if not folder.exists():
        packed = subprocess.run(["git", "archive", BEFORE, "netpick"], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
    return folder


def best(path: Path, packages: Sequence[Path]) -> list[tuple[float, float]]:
    """Least seconds and least peak memory of reading a file with each package, in turns, a process each."""
    seconds: list[list[float]] = [[] for _ in packages]
    peaks: list[list[float]] = [[] for _ in packages]
    for _ in range(ROUNDS):
        for number, package in enumerate(packages):
            command = ["env", f"PYTHONPATH={package}", PYTHON, "-c", READ, str(path)]
            took, peak, _ = json.loads(run_command(command).output)
            seconds[number].append(took)
            peaks[number].append(peak)
    return [(min(took), min(peak)) for took, peak in zip(seconds, peaks, strict=True)]


def measure_csv() -> Section:
    """Clean beside before; odd beside plain; and a look at 100 MB."""
    whole = make_table("csv")
    (before, memory_before), (now, memory_now) = best(whole, (earlier_package(), ROOT))
    rows = [
        [f"clean, 5,000,000 rows, at {BEFORE}", f"{before:.2f} s", "", f"{memory_before / 1e9:.2f} GB"],
        ["the same, now", f"{now:.2f} s", f"{now / before:.2f} (goal: 1.10)", f"{memory_now / 1e9:.2f} GB"],
    ]
    paths = {way: make_written(way) for way in WRITTEN}
    plain = 0.0
    for way, path in paths.items():
        ((took, memory),) = best(path, (ROOT,))
        plain = plain or took
        ratio = f"{took / plain:.2f} (goal: 3)" if way != "plain" else ""
        rows.append([f"{COLUMNS} columns of {ROWS:,} rows: {way}", f"{took:.2f} s", ratio, f"{memory / 1e9:.2f} GB"])
    hundred = CACHE / "hundred_megabytes.csv"
    if not hundred.exists():
        with whole.open("rb") as file:
            content = file.read(LOOKED_BYTES)
        hundred.write_bytes(content[: content.rfind(b"\n") + 1])
    looks = [run_command([NETPICK, "look", str(hundred), "--target", "target"]).seconds for _ in range(ROUNDS)]
    rows.append(["`netpick look` on 100 MB", f"{min(looks):.2f} s", "(goal: 5 s)", ""])
    return Section(
        title="Reading CSV", columns=["what", "seconds", "ratio", "peak memory"], rows=rows,
        note=f"Least of {ROUNDS} processes each, in turns. Odd columns: the same numbers, written otherwise.",
    )  # fmt: skip
