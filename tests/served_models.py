"""Small trained models of every kind of data, made once a test session, and a server that runs in a process of its own."""

from __future__ import annotations

import fcntl
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import soundfile
from forked import Forked
from PIL import Image
from small_texts import small_text

RATE = 4_000


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    count = 500
    age, job = rng.integers(17, 90, count), rng.choice(["clerk", "cook", "nurse", "pilot"], count)
    hours = np.where(rng.random(count) < 0.1, np.nan, rng.normal(40, 8, count).round(1))
    days = [(date(2023, 1, 1) + timedelta(days=int(day))).isoformat() for day in rng.integers(0, 364, count)]
    rich = np.where((age > 45) ^ (job == "pilot"), "yes", "no")
    columns = {
        "age": age,
        "job": job,
        "hours": hours,
        "member": rng.choice(["y", "n"], count),
        "since": days,
        "rich": rich,
    }
    return pl.DataFrame(columns).with_columns(pl.col("hours").fill_nan(None))


def prices() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    size, rooms = rng.uniform(20, 200, 400).round(1), rng.integers(1, 9, 400)
    return pl.DataFrame(
        {"size": size, "rooms": rooms, "price": 3000 * size + 10_000 * rooms + rng.normal(0, 5000, 400)}
    )


def digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images * 15.9).astype(np.uint8), found.target


def curves() -> tuple[Any, Any]:
    steps = np.random.default_rng(2).normal(size=(160, 24, 1)).cumsum(axis=1).astype(np.float32)
    return steps, np.where(steps[:, -1, 0] > steps[:, 0, 0], "up", "down")


def texts() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    words = ["the", "a", "film", "book", "day", "was", "seemed", "very", "and", "it", "that", "place", "we", "saw"]
    feeling = {"bad": ["bad", "awful", "dreary"], "good": ["good", "fine", "lovely"]}
    rows = []
    for row in range(300):
        label = ("bad", "good")[row % 2]
        text = [*rng.choice(words, 8), rng.choice(feeling[label])]
        rows.append({"review": " ".join(map(str, text)), "label": label})
    return pl.DataFrame(rows)


def shop() -> pl.DataFrame:
    days = [date(2023, 1, 1) + timedelta(days=i) for i in range(240)]
    week = 100 + 30 * np.sin(2 * np.pi * np.arange(240) / 7) + np.random.default_rng(4).normal(size=240)
    return pl.DataFrame({"day": days, "sales": week})


def whistle(rising: bool, take: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    hertz = np.linspace(*((300, 900) if rising else (900, 300)), RATE // 4 + 20 * take)
    return (0.4 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)


def sounds(folder: Path) -> Path:
    for rising in (True, False):
        kind = folder / ("up" if rising else "down")
        kind.mkdir(parents=True)
        for take in range(14):
            soundfile.write(kind / f"{take}.wav", whistle(rising, take), RATE)
    return folder


def story(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "story.txt").write_text(small_text(300))
    (folder / "end.txt").write_text(small_text(20, seed=1))
    return folder


CARD = """# Made up

**The mlp tells the classes apart.**

## How good it is

| metric | test |
|---|---|
| accuracy | 70.8 % |

## Limits

- It answers with one of the classes it learned: no, yes. Anything else is given one of these too.

Made by netpick for its own tests.
"""


def save(folder: Path, model: Any, data: object) -> None:
    """A quick model as a model file, with what a contest would have added."""
    from netpick.columns.store import Store
    from netpick.models.infer import DeviceData
    from netpick.saved.artifact import save_model

    record = model.parts.record
    binary = record.task == "classify" and len(record.labels) == 2
    scores = {record.primary_metric: {"value": 0.708, "low": 0.622, "high": 0.782, "n": 120.0}}
    record = replace(
        record, title=folder.name, created="2026-01-01T00:00:00", threshold=0.54 if binary else None, scores=scores
    )
    arrays = model.encode(model.read(data))
    folder.mkdir(parents=True)
    save_model(
        folder / "model.netpick",
        record,
        model.loaded.network,
        DeviceData(Store(arrays=arrays), record.inputs, "cpu"),
        CARD,
    )


def make_models(folder: Path) -> None:
    """All of them, in a few seconds; two are exported too."""
    from quick_models import quick_model

    from netpick.api.pages import write_export
    from netpick.data.sources.base import ReadOptions

    def make(name: str, data: object, rows: object, **options: Any) -> None:
        save(folder / name, quick_model(data, **options), rows)

    make("table", table(), table().head(4), target=("rich",), models="mlp", steps=60)
    make("prices", prices(), prices().head(4), target=("price",), models="mlp", steps=60)
    make("digits", digits(), digits()[0][:4], models="cnn", steps=60)
    make("curves", curves(), curves()[0][:4], models="rnn", steps=30)
    make("texts", texts(), texts().head(4), target=("label",), models="mlp", steps=60)
    wavs = sounds(folder / "wavs")
    make(
        "sounds",
        str(wavs),
        [str(path) for path in sorted(wavs.rglob("*.wav"))[:4]],
        models="cnn",
        steps=30,
        read=ReadOptions(),
    )
    make("shop", shop(), shop(), target=("sales",), models="mlp", steps=60, horizon=7, context=21)
    texts_of_a_story = story(folder / "texts-that-go-on")
    told = texts_of_a_story / "story.txt"
    make("story", told, texts_of_a_story / "end.txt", models="rnn", steps=20, read=ReadOptions())
    for name in ("table", "digits"):
        write_export(folder / name, "onnx", None)


def models_once(shared: Path) -> Path:
    """The models' folder, made by the first of several test processes that asks."""
    folder = shared / "served-models"
    with (shared / "served-models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            folder.mkdir()
            make_models(folder)
            (folder / "made").touch()
    return folder


@dataclass
class Served:
    """A running server: its process, its port, and what it logs."""

    process: subprocess.Popen[str] | Forked
    output: IO[str]
    port: int
    log: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content

    def post(self, path: str, content: object) -> tuple[int, Any]:
        status, _, body = self.ask("POST", path, json.dumps(content), {"Content-Type": "application/json"})
        return status, json.loads(body)

    def get(self, path: str) -> Any:
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> int:
        """What it exits with."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        if self.reader is not None:
            self.reader.join()
        self.output.close()
        return code


def start(models: Sequence[Path], *extra: str) -> Served:
    """A server on a free port, once it is ready."""
    command = [sys.executable, "-m", "netpick.cli", "serve", *map(str, models), "--port", "0", *extra]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stderr is not None
    return _ready(process, process.stderr)


def start_forked(models: Sequence[Path], *extra: str) -> Served:
    """The same, spared its imports."""
    process = Forked("serve", *map(str, models), "--port", "0", *extra)
    return _ready(process, process.output)


def _ready(process: subprocess.Popen[str] | Forked, output: IO[str]) -> Served:
    log: list[str] = []
    for line in output:
        log.append(line)
        if '"event": "ready"' in line:
            reader = threading.Thread(target=_gather, args=(output, log.append), daemon=True)
            reader.start()
            return Served(process, output, json.loads(line)["port"], log, reader)
    raise AssertionError("".join(log))


def _gather(lines: Any, keep: Callable[[str], None]) -> None:
    for line in lines:
        keep(line)


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def wav(samples: Any, rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def multipart(parts: Sequence[tuple[str, str | None, bytes]]) -> tuple[bytes, dict[str, str]]:
    """(name, filename, content) as a form's body and its header."""
    pieces = []
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        pieces.append(
            f'--line\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return b"".join([*pieces, b"--line--\r\n"]), {"Content-Type": "multipart/form-data; boundary=line"}
