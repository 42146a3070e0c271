"""Runs decoding batches: in threads for a few files, in helper processes that write into one shared file for many."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from netpick.data.decode_worker import FileBatch, FileBytes, Report, decode_piece
from netpick.data.decoders.base import cores
from netpick.disk.files import new_file
from netpick.errors import RequestError
from netpick.types import Array, FileColumn

PROCESSES_FROM = 1_000  # files; below, starting processes costs more than it saves
PIECE = 256  # rows that a process claims at once
THREAD_PIECE = 16
MOST_CRASHES = 10
# -P: a numpy.py or types.py in the user's folder must not be imported.
COMMAND = ("-P", "-W", "ignore", "-m", "netpick.data.decode_worker")
SHARED_MEMORY = Path("/dev/shm")
SHARE_OF_ROOM = 0.8  # of the free space in shared memory that pixels may take


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Where pixels may lie: in memory (shared memory included), or in a file on disk, which `keep` names and keeps."""

    in_memory: bool = True
    keep: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Pixels (N, C, H, W), rows that failed with their reasons, and what was changed in the others."""

    pixels: Array
    failures: list[tuple[int, str]]
    resized: int
    greyed: int


class Work(Protocol):
    """Decoding of one column under way."""

    def finish(self) -> Decoded: ...
    def cancel(self) -> None: ...


def start_work(column: FileColumn, shape: tuple[int, int, int], *, workers: int | None, storage: Storage) -> Work:
    """Starts to decode a column into (C, H, W)."""
    channels, height, width = shape
    processes = workers or cores()
    in_processes = len(column) >= PROCESSES_FROM
    batch = FileBatch(
        root=str(column.root.absolute()),
        in_zip=column.in_zip,
        paths=list(column.paths),
        channels=channels,
        height=height,
        width=width,
        pieces=_pieces(len(column), PIECE if in_processes else THREAD_PIECE),
        parent=os.getpid(),
    )
    return Processes(batch, processes, storage) if in_processes else Threads(batch, processes, storage)


class Threads:
    """A pool of threads in this process: enough for some hundred files, whose decoders let go of Python's lock."""

    def __init__(self, batch: FileBatch, workers: int, storage: Storage) -> None:
        shape = (len(batch.paths), batch.channels, batch.height, batch.width)
        self._pixels = np.zeros(shape, np.uint8) if storage.in_memory else file_for(storage, shape)
        self._files = FileBytes(batch.root, batch.in_zip)
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
        buffer = self._pixels.reshape(-1).data
        self._futures: list[Future[Report]] = [
            self._pool.submit(decode_piece, batch, self._files, buffer, start, stop) for start, stop in batch.pieces
        ]

    def finish(self) -> Decoded:
        reports = [future.result() for future in self._futures]
        self.cancel()
        return _decoded(self._pixels, reports, [])

    def cancel(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._files.close()


class Processes:
    """Helper processes that claim pieces of the batch and write pixels into one memory-mapped file.

    One fewer than there are cores at first: the process that waits for them has its own work to do until it asks for the pixels,
    and then starts the last one.
    """

    def __init__(self, batch: FileBatch, workers: int, storage: Storage) -> None:
        shape = (len(batch.paths), batch.channels, batch.height, batch.width)
        self._folder = Path(tempfile.mkdtemp(prefix="netpick-", dir=_roomy_folder(storage, math.prod(shape))))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._end = weakref.finalize(self, _end, self._processes, self._folder)
        file = storage.keep or self._folder / "pixels"
        try:
            self._pixels = _mapped_file(file, shape)
        except RequestError:
            self._end()
            raise
        self._batch = replace(batch, pixels=str(file.absolute()), claims=str(self._folder / "claims"))
        self._most = min(workers, len(batch.pieces))
        self._processes.extend(self._start(self._batch, "run", max(1, self._most - 1)))

    def finish(self) -> Decoded:
        if len(self._processes) < self._most and self._unclaimed() > len(self._processes):
            self._processes.extend(self._start(self._batch, "run", 1))
        for process in self._processes:
            process.wait()
        reports = self._reports("run", len(self._processes))
        done = {(report.start, report.stop) for report in reports}
        lost = [row for piece in self._batch.pieces if piece not in done for row in range(*piece)]
        crashed = self._retry(lost, reports) if lost else []
        self._end()  # on POSIX the mapping outlives the file's name, and ends with the array
        return _decoded(self._pixels, reports, crashed)

    def cancel(self) -> None:
        self._end()

    def _start(self, batch: FileBatch, run: str, count: int) -> list[subprocess.Popen[bytes]]:
        # The batch goes through a file: a pipe would block this process until the helper has read it.
        first = len(self._processes) if run == "run" else 0
        path = self._folder / f"{run}.json"
        if not first:
            path.write_text(json.dumps(asdict(batch)), encoding="utf-8", errors="surrogatepass")
        Path(batch.claims).mkdir(exist_ok=True)
        here = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
        processes = []
        for number in range(first, first + count):
            with (
                path.open("rb") as stdin,
                (self._folder / f"{run}-{number}.out").open("wb") as stdout,
                (self._folder / f"{run}-{number}.err").open("wb") as stderr,
            ):
                process = subprocess.Popen(
                    [sys.executable, *COMMAND],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    env=os.environ | {"PYTHONPATH": paths},
                )
                processes.append(process)
        return processes

    def _unclaimed(self) -> int:
        """Pieces that no process has begun."""
        return len(self._batch.pieces) - len(os.listdir(self._batch.claims))

    def _reports(self, run: str, count: int) -> list[Report]:
        reports = []
        for number in range(count):
            for line in (self._folder / f"{run}-{number}.out").read_text(encoding="utf-8").splitlines():
                if not line.endswith("}"):  # cut short when the process was killed
                    continue
                reports.append(Report(**json.loads(line)))
        return reports

    def _retry(self, lost: list[int], reports: list[Report]) -> list[tuple[int, str]]:
        """A file can bring a decoder down. One process goes on row by row, so that the culprit is known and left out."""
        self._raise_if_broken("run", len(self._processes))
        crashed: list[tuple[int, str]] = []
        for attempt in range(MOST_CRASHES + 1):
            pieces = [(row, row + 1) for row in lost]
            batch = replace(self._batch, pieces=pieces, claims=str(self._folder / f"claims-{attempt}"))
            run = f"retry{attempt}"
            (process,) = self._start(batch, run, 1)
            self._processes.append(process)
            process.wait()
            again = self._reports(run, 1)
            reports.extend(again)
            if len(again) == len(lost):
                return crashed
            self._raise_if_broken(run, 1)
            crashed.append((lost[len(again)], f"its decoder crashed (exit code {process.returncode})"))
            lost = lost[len(again) + 1 :]
            if not lost:
                return crashed
        raise RuntimeError(f"More than {MOST_CRASHES} images brought the decoder down: {crashed}")

    def _raise_if_broken(self, run: str, count: int) -> None:
        """A traceback in a helper is our mistake, and no image's."""
        for number in range(count):
            errors = (self._folder / f"{run}-{number}.err").read_text(encoding="utf-8", errors="replace").strip()
            if errors.startswith("Traceback") or "\nTraceback" in errors or "Error" in errors:
                self._end()
                raise RuntimeError(f"A decoding process failed: {errors[-1000:]}")


def _decoded(pixels: Array, reports: list[Report], crashed: list[tuple[int, str]]) -> Decoded:
    failures = [(row, reason) for report in reports for row, reason in report.failures]
    return Decoded(
        pixels=pixels,
        failures=sorted(failures + crashed),
        resized=sum(report.resized for report in reports),
        greyed=sum(report.greyed for report in reports),
    )


def _pieces(rows: int, size: int) -> list[tuple[int, int]]:
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


def _roomy_folder(storage: Storage, size: int) -> Path | None:
    """Shared memory where it has room for so many bytes: its files never touch a disk. None: the usual temporary folder."""
    if storage.keep is not None:
        size = 0
    elif not storage.in_memory:
        return None
    if SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK):
        room = shutil.disk_usage(SHARED_MEMORY).free
        if size < SHARE_OF_ROOM * room:
            return SHARED_MEMORY
    return None


def file_for(storage: Storage, shape: tuple[int, ...]) -> Array:
    if storage.keep is not None:
        return _mapped_file(storage.keep, shape)
    with tempfile.TemporaryDirectory(prefix="netpick-") as folder:  # the mapping outlives the file's name
        return _mapped_file(Path(folder) / "pixels", shape)


def _mapped_file(path: Path, shape: tuple[int, ...]) -> Array:
    """A zeroed file as an array. Its space is reserved now: a full disk must be an error here, not a bus error later."""
    size = math.prod(shape)
    try:
        path.unlink(missing_ok=True)
        with new_file(path) as file:
            file.truncate(size)
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise RequestError(
            f"There is no room for {size / 1e6:,.0f} MB of decoded images in {path.parent} ({error.strerror}). "
            "Free some space there, or pass a smaller --image-size."
        ) from None
    return np.asarray(np.memmap(path, np.uint8, "r+", shape=shape))


def _end(processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
