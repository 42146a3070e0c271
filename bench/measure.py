"""Running commands and reading off seconds, peak memory and results; nothing here knows what is measured."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
SHARED_DATA = ROOT.parent / "shared" / "data"
CACHE = Path(os.environ.get("NETPICK_BENCH_CACHE", Path(tempfile.gettempdir()) / "netpick-bench"))
PYTHON = sys.executable
NETPICK = str(Path(sys.executable).with_name("netpick"))


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part's results: a table, and a sentence on how it was measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A process that has ended."""

    seconds: float  # wall clock, start of the process to its end
    peak_bytes: int  # largest resident set, files mapped into memory included
    output: str


class BenchError(RuntimeError):
    """A command failed, or something that a part needs is not there."""


def run_command(command: Sequence[str], threads: int | None = None) -> Finished:
    """Runs a command to its end. Raises BenchError with the end of its output when it fails."""
    environment = dict(os.environ)
    environment.pop("OMP_NUM_THREADS", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text, complaint = output.read().decode(errors="replace"), errors.read().decode(errors="replace")
    if process.returncode != 0:
        raise BenchError(f"{' '.join(command)} exited with {process.returncode}:\n{complaint[-2_000:]}")
    return Finished(seconds=seconds, peak_bytes=usage.ru_maxrss * 1024, output=text)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One contest: the data ("" where it is generated), how it is asked for, which figure counts, and what it is measured by."""

    name: str
    data: str
    options: tuple[str, ...]
    metric: str
    goal: str


def fit(data: Path, out: Path, *options: str) -> tuple[Finished, dict[str, Any]]:
    """`netpick fit` as a user runs it, and its report.json."""
    finished = run_command([NETPICK, "fit", str(data), "--out", str(out), *options])
    return finished, json.loads((out / "report.json").read_text())


def test_value(report: dict[str, Any], family: str, metric: str) -> float:
    """A network's score on the test rows."""
    for candidate in report["candidates"]:
        if candidate["family"] == family and candidate["status"] == "ok":
            return float(candidate["test"][metric]["value"])
    raise BenchError(f"{family} did not finish: {report['candidates']}")


def peer(name: str, script: str, *arguments: str) -> dict[str, Any]:
    """Runs a peer's script in its own virtual environment, which is made first; returns its one JSON line."""
    home = PEERS / name
    python = home / ".venv" / "bin" / "python"
    installed = home / ".venv" / ".installed"
    requirements = home / "requirements.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        print(f"Installing {name} into its own environment ...", file=sys.stderr, flush=True)
        subprocess.run([PYTHON, "-m", "venv", str(home / ".venv")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(requirements)], check=True)
        installed.write_text(requirements.read_text())
    finished = run_command([str(python), str(home / script), *arguments])
    result: dict[str, Any] = json.loads(finished.output.strip().splitlines()[-1])
    return {**result, "wall": finished.seconds}


def need(path: Path) -> Path:
    """The path, or a BenchError that says what is missing."""
    if not path.exists():
        raise BenchError(f"{path} is not on this machine, and this part needs it")
    return path


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "s", digits: int = 2) -> str:
    """'9.81 s (9.70 to 9.95)'"""
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def describe_machine() -> str:
    """Processor, cores, memory, Python and the versions that matter."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
        flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
        model += "".join(f", {flag}" for flag in ("avx512f", "avx512_bf16", "amx_bf16") if f" {flag}" in flags)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("netpick", "torch", "numpy", "polars", "scikit-learn"))
    return f"{model}; {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {packages}"
