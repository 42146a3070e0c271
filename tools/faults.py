"""Runs on a disk that fails: the k-th operation on it, for every k, and then goes on, which must end as if nothing had been.

    python tools/faults.py [STRIDE] [FIRST]

A small library (tools/faults.c, built with the C compiler of this machine) stands between a real run and its disk, and lets one
operation fail with "input/output error", or that one and all after it with "no space left", as a full disk does: opening,
writing, flushing, reserving, renaming, making folders. The run folder and the store of encoded rows both lie on that disk.
STRIDE 1 (the default) tries every operation; kinds of failure take turns, and each operation gets both when STRIDE is 1.

Checked for each: the run stops with exit code 4 and the command that goes on (or 2 before there is anything to go on with,
leaving nothing); every checkpoint that is left is whole; going on ends with the same weights, predictions and scores, byte for
byte; no half-written file is left.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
ASKED = ("--models", "mlp[dropout=0.1],transformer", "--steps", "4", "--memory-limit", "1KB", "--recipe", "average=0.9")
FULL, BROKEN = (errno.ENOSPC, True), (errno.EIO, False)


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said."""

    code: int
    said: str
    operations: int


def build(folder: Path) -> Path | None:
    """The library, or None where there is no C compiler or no preloading."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "faults.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


def table(path: Path) -> None:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(120, 2)).round(3)
    lines = ["a,b,label", *(f"{a},{b},{'yes' if a * b > 0 else 'no'}" for a, b in x)]
    path.write_text("\n".join(lines) + "\n")


def prepare() -> ctypes.CDLL:
    """Imports what runs import, so that each of them can be a fork of this process; the preloaded library."""
    import importlib
    import pkgutil

    import plotly.graph_objects  # noqa: F401
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401
    import torch

    import netpick

    for module in pkgutil.walk_packages(netpick.__path__, "netpick."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    torch.set_num_threads(1)
    library = ctypes.CDLL(None)
    library.faults_begin.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_int]
    library.faults_counted.restype = ctypes.c_long
    return library


def command(
    library: ctypes.CDLL, arguments: Sequence[str], disk: Path, number: int, failure: tuple[int, bool]
) -> Ended:
    """`netpick ARGUMENTS` in a process of its own, the operation of this number failing on the disk (-1: none)."""
    told, tell = os.pipe()
    log = disk.parent / "log.txt"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            from netpick.cli import commands as cli

            sys.argv = ["netpick", *arguments]
            library.faults_begin(str(disk).encode(), number, *failure)
            try:
                cli.main()
            except SystemExit as ended:
                code = int(ended.code or 0)
            sys.stderr.flush()
        finally:
            os.write(tell, json.dumps([code, library.faults_counted()]).encode())
            os._exit(0)
    os.close(tell)
    with os.fdopen(told) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    code, operations = json.loads(answer)
    return Ended(code=code, said=log.read_text(errors="replace"), operations=operations)


def outcome(run: Path) -> tuple[bytes, bytes, object]:
    """Weights, predictions and scores."""
    with zipfile.ZipFile(run / "model.netpick") as archive:
        weights = archive.read("weights.safetensors")
    report = json.loads((run / "report.json").read_text())
    scores = [(c["name"], c["validation"], c["test"]) for c in (*report["candidates"], *report["baselines"])]
    return weights, (run / "predictions.parquet").read_bytes(), scores


def fault(
    library: ctypes.CDLL, data: Path, disk: Path, number: int, failure: tuple[int, bool], whole: object
) -> tuple[int, str]:
    """How a run ended whose operation of this number failed, and what was wrong with that; nothing when all was right."""
    from netpick.training.checkpoint import read_checkpoint

    shutil.rmtree(disk, ignore_errors=True)
    disk.mkdir()
    run = disk / "run"
    ended = command(library, ["fit", str(data), *ASKED, "--out", str(run)], disk, number, failure)
    if ended.code == 2 and not run.exists():
        return 2, ""  # nothing was begun, and that is said
    if ended.code == 4 and f"netpick resume {run}" not in ended.said:
        return 4, f"it does not say how to go on: {ended.said[-300:]}"
    if ended.code not in (0, 4):
        return ended.code, f"it ended with {ended.code}: {ended.said[-600:]}"
    for checkpoint in run.glob("checkpoints/*/*/0*"):
        read_checkpoint(checkpoint)  # raises when it is damaged
    if ended.code == 4:
        again = command(library, ["resume", str(run)], disk, -1, failure)
        if again.code != 0:
            return 4, f"it did not go on: {again.said[-600:]}"
    left = [str(path.relative_to(disk)) for path in disk.rglob(".*")] + [
        str(p) for p in (disk / "cache").glob("store-*/*")
    ]
    if left:
        return ended.code, f"it left {left}"
    same = outcome(run) == whole
    return ended.code, "" if same else "it ended with other weights, predictions or scores"


def serve(stride: int, first: int) -> int:
    """Tries the failures, in a process that has the library preloaded; returns the exit code."""
    library = prepare()
    wrong: list[str] = []
    codes: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, disk = folder / "table.csv", folder / "disk"
        table(data)
        os.environ |= {"NETPICK_CACHE": str(disk / "cache"), "NETPICK_CHECKPOINT_SECONDS": "0"}
        disk.mkdir()
        ended = command(library, ["fit", str(data), *ASKED, "--out", str(disk / "run")], disk, -1, FULL)
        if ended.code != 0:
            raise SystemExit(f"The undisturbed run ended with {ended.code}: {ended.said}")
        whole = outcome(disk / "run")
        for number in range(first, ended.operations, stride):
            kinds = (FULL, BROKEN) if stride == 1 else ((FULL, BROKEN)[number // stride % 2],)
            for failure in kinds:
                code, said = fault(library, data, disk, number, failure, whole)
                codes[code] += 1
                if said:
                    wrong.append(f"operation {number}, {errno.errorcode[failure[0]]}: {said}")
                    print(wrong[-1], flush=True)
    print(
        f"{ended.operations} operations on the disk, {codes.total()} failures tried: {codes[4]} runs stopped and went on, "
        f"{codes[2]} never began, {codes[0]} were over already; {len(wrong)} were not as they should be"
    )
    return 1 if wrong or not codes[4] else 0


def main(stride: int = 1, first: int = 0) -> int:
    """Builds the library and starts the server; 77 where that is not possible here."""
    with tempfile.TemporaryDirectory() as name:
        library = build(Path(name))
        if library is None:
            print("skipped: failures are injected with a C compiler, on Linux")
            return 77
        root = str(Path(__file__).resolve().parent.parent)
        environment = os.environ | {
            "LD_PRELOAD": str(library),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": root,
            "POLARS_MAX_THREADS": "1",
        }
        asked = [sys.executable, __file__, "--serve", str(stride), str(first)]
        return subprocess.run(asked, env=environment).returncode


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text != "--serve"]
    sys.exit(serve(*numbers) if "--serve" in sys.argv else main(*numbers))
