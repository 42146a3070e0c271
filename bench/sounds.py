"""How many sounds a second become log-mel frames, beside what libsndfile and soxr alone manage on as many threads."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.measure import Section, spread
from netpick.data.decoders.base import DecodeRequest, cores
from netpick.data.decoders.sound import SoundDecoder
from netpick.data.decoders.sound_features import MAX_RATE
from netpick.data.sources import open_files

ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Files:
    """Equal sounds of one format."""

    name: str
    ending: str
    rate: int
    channels: int
    seconds: float
    count: int


SETS = (
    Files(name="WAV, 8 kHz, 0.5 s", ending="wav", rate=8_000, channels=1, seconds=0.5, count=3_000),
    Files(name="WAV, 44.1 kHz stereo, 2 s", ending="wav", rate=44_100, channels=2, seconds=2.0, count=400),
    Files(name="FLAC, 16 kHz, 1 s", ending="flac", rate=16_000, channels=1, seconds=1.0, count=1_000),
    Files(name="OGG, 44.1 kHz, 2 s", ending="ogg", rate=44_100, channels=1, seconds=2.0, count=200),
    Files(name="MP3, 44.1 kHz stereo, 2 s", ending="mp3", rate=44_100, channels=2, seconds=2.0, count=200),
)


def measure_sounds() -> Section:
    """Files to frames, every format beside its own limit, in turns."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="netpick-bench-") as folder:
        for files in SETS:
            paths = _write(files, Path(folder) / files.name.replace(" ", "_"))
            ours, limit = _decoding(paths), _limit(paths, files.rate)
            times: dict[str, list[float]] = {"ours": [], "limit": []}
            for _ in range(ROUNDS):
                times["ours"].append(_seconds(ours))
                times["limit"].append(_seconds(limit))
            rates = {name: [files.count / seconds for seconds in measured] for name, measured in times.items()}
            ratio = float(np.median(rates["ours"]) / np.median(rates["limit"]))
            rows.append(
                [
                    files.name,
                    spread(rates["ours"], "a second", digits=0),
                    spread(rates["limit"], "a second", digits=0),
                    f"{ratio:.2f}",
                ]
            )
    return Section(
        title="Sounds",
        columns=["files", "to frames", "libsndfile and soxr alone", "ratio (goal: at least 0.8)"],
        rows=rows,
        note=f"{cores()} threads each, median of {ROUNDS} (range); the choice of settings is counted in.",
    )


def _write(files: Files, folder: Path) -> list[Path]:
    folder.mkdir()
    generator = np.random.default_rng(0)
    paths = []
    for index in range(files.count):
        shape = (round(files.rate * files.seconds), files.channels)
        samples = 0.3 * np.sin(np.cumsum(0.2 + 0.05 * generator.normal(size=shape), axis=0))
        paths.append(folder / f"{index}.{files.ending}")
        soundfile.write(paths[-1], samples, files.rate)
    return paths


def _decoding(paths: list[Path]) -> Callable[[], object]:
    source = open_files(paths, column="sound", kind="audio")
    return lambda: SoundDecoder().start(source, "sound", DecodeRequest()).finish()


def _limit(paths: list[Path], rate: int) -> Callable[[], object]:
    names = [os.fspath(path) for path in paths]

    def read(name: str) -> int:
        samples, _ = soundfile.read(name, dtype="float32", always_2d=True)
        return len(soxr.resample(samples[:, 0], rate, MAX_RATE)) if rate > MAX_RATE else len(samples)

    def read_all() -> object:
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(read, names, chunksize=16))

    return read_all


def _seconds(run: Callable[[], object]) -> float:
    before = time.perf_counter()
    run()
    return time.perf_counter() - before
