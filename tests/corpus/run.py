"""Puts cases through netpick, each in a process of its own: this one imports all that netpick needs, once, then forks.

It never touches polars or torch itself, so that no thread runs in it and forking is safe. `python -m corpus.run` reads jobs
as lines of JSON from standard input and answers with a line each.
"""

# ruff: noqa: T201

from __future__ import annotations

import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from corpus.case import ADDRESSES, API_NAMES, TRAINING_SECONDS, WALL_SECONDS, Case, Way, family
from corpus.judge import Outcome

LARGEST_FILE = 2 << 30
FIT = ("--steps", "2", "--out", "run", "--models")


def load_libraries() -> None:
    """Imports what netpick imports lazily, so that children find it in memory."""
    import av
    import charset_normalizer
    import PIL.Image
    import plotly
    import polars
    import pyarrow
    import safetensors.torch
    import scipy.fft
    import soundfile
    import soxr
    import tokenizers
    import torch

    import netpick.api
    import netpick.cli.commands
    import netpick.cli.console
    import netpick.contest.run
    import netpick.data.decode
    import netpick.report
    import netpick.saved.use
    from netpick.models.baselines.fitting import load_libraries as load_baselines

    load_baselines()
    torch.set_num_threads(1)
    loaded = (av, charset_normalizer, PIL.Image, plotly, polars, pyarrow, safetensors.torch, scipy.fft, soundfile, soxr)
    assert all(
        (*loaded, tokenizers, netpick.api, netpick.cli, netpick.cli.console, netpick.contest.run, netpick.data.decode)
    )
    assert all((netpick.report, netpick.saved.use))
    gc.collect()
    gc.freeze()


def run_case(case: Case, way: Way, folder: Path, model: Path | None = None) -> Outcome:
    """Makes the input in `folder`, uses it in one way, and measures. The folder is removed again."""
    data, work, temporary = folder / "data", folder / "work", folder / "tmp"
    for one in (data, work, temporary):
        one.mkdir(parents=True)
    try:
        made, _, _, _ = _in_child(lambda: _make(case, data, folder / "typed.json"), folder, seconds=120.0)
        if made != 0:
            raise RuntimeError(f"{case.name} could not be made: {_text(folder / 'stderr')[-2000:]}")
        typed = json.loads((folder / "typed.json").read_text())
        before = _snapshot(folder)
        started = time.monotonic()
        code, seconds, megabytes, timed_out = _in_child(
            lambda: _use(case, way, typed, model), folder, seconds=TRAINING_SECONDS, temporary=temporary, work=work
        )
        wall = time.monotonic() - started
        after = _snapshot(folder)
        return Outcome(
            case=case.name,
            way=way,
            code=code,
            said=_text(folder / "stderr"),
            shown=_text(folder / "stdout")[:2_000],
            seconds=seconds,
            wall_seconds=wall,
            megabytes=megabytes,
            left=sorted(name for name in after if before.get(name) != after[name]),
            timed_out=timed_out,
        )
    finally:
        _remove(folder)


def _make(case: Case, data: Path, typed: Path) -> int:
    made = case.make(data)
    typed.write_text(json.dumps([str(made)] if isinstance(made, (str, Path)) else made, ensure_ascii=True))
    return 0


def _use(case: Case, way: Way, typed: list[str], model: Path | None) -> int:
    if way == "api":
        return _through_api(case, typed)
    options = [part for pair in case.options.items() for part in pair]
    if way == "predict":
        return _through_command_line(["predict", str(model), *typed, *options])
    return _through_command_line([way, *typed, *((*FIT, family(case.reader)) if way == "fit" else ()), *options])


def _through_command_line(arguments: list[str]) -> int:
    from netpick.cli.commands import main

    sys.argv = ["netpick", *arguments]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)


def _through_api(case: Case, typed: list[str]) -> int:
    import netpick
    from netpick.errors import NetpickError

    data = typed[0] if case.frame is None else case.frame()
    options: dict[str, Any] = {API_NAMES[name]: value for name, value in case.options.items()}
    options |= {name: int(options[name]) for name in ("horizon", "context") if name in options}
    if "accept" in options:
        options["accept"] = options["accept"].split(",")
    try:
        netpick.fit(data, **{"steps": 2, "models": family(case.reader), "out": "run", **options})
    except NetpickError as error:
        print(f"netpick: {error}", file=sys.stderr)
        return error.exit_code
    return 0


# --- a process with limits -------------------------------------------------------------------------------------------


def _in_child(
    what: Callable[[], int], folder: Path, *, seconds: float, temporary: Path | None = None, work: Path | None = None
) -> tuple[int, float, float, bool]:
    """Exit code (negative: the signal), processor seconds, megabytes beyond the start, and whether it had to be ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # What a child has at its start is what memory is counted from: it lacks pages of libraries that its parent has.
        os.write(writer, str(_resident_megabytes()).encode())
        _be_child(what, folder, seconds, temporary, work)
    os.close(writer)
    before = float(os.read(reader, 100))
    os.close(reader)
    timed_out = not _ends_within(child, WALL_SECONDS if work is not None else 120.0)
    if timed_out:
        os.killpg(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code, used.ru_utime + used.ru_stime, max(0.0, used.ru_maxrss / 1024 - before), timed_out


def _be_child(
    what: Callable[[], int], folder: Path, seconds: float, temporary: Path | None, work: Path | None
) -> NoReturn:
    code = 99
    try:
        os.setsid()
        for name, handle in (("stdout", 1), ("stderr", 2)):
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, handle)
            os.close(file)
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        if work is not None and temporary is not None:
            _limit(seconds)
            os.environ["TMPDIR"] = str(temporary)
            import tempfile

            tempfile.tempdir = None
            os.chdir(work)
        code = what()
        import atexit

        atexit._run_exitfuncs()  # temporary files that end with the process
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _limit(seconds: float) -> None:
    import threading

    addresses = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    assert threading.active_count() == 1


def _ends_within(child: int, seconds: float) -> bool:
    handle = os.pidfd_open(child)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def _snapshot(folder: Path) -> Mapping[str, tuple[int, int, int]]:
    """Every path below the folder with its size and time of change; what the runner itself writes is left out."""
    found: dict[str, tuple[int, int, int]] = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(root, name)
            relative = os.path.relpath(path, folder)
            if relative in ("stdout", "stderr", "data", "work", "tmp", "typed.json"):
                continue
            about = os.lstat(path)
            is_folder = os.path.isdir(path) and not os.path.islink(path)
            found[relative] = (about.st_mode, 0 if is_folder else about.st_size, 0 if is_folder else about.st_mtime_ns)
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _remove(folder: Path) -> None:
    for root, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder)


# --- the worker ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Jobs {"case", "way", "folder", "model"} from standard input, outcomes to standard output, a line of JSON each."""
    from corpus.cases import CASES

    load_libraries()
    for line in sys.stdin:
        job = json.loads(line)
        model = None if job["model"] is None else Path(job["model"])
        outcome = run_case(CASES[job["case"]], job["way"], Path(job["folder"]), model)
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
