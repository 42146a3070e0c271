"""Serving under load: one row and batches beside bare onnxruntime and a plain handler; then three times too much."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import CACHE, NETPICK, PYTHON, ROOT, SHARED_DATA, BenchError, Section, fit, need, run_command

LUA = ROOT / "bench" / "serve.lua"
PLAIN = ROOT / "bench" / "serve_plain.py"
BATCH = 64  # rows of a batch
CONNECTIONS = 64  # that fill batches with requests of one row
FEW = (8, 16, 32)  # connections that keep a server busy; the best of these is its highest rate
SECONDS = 6  # of each measurement, one of them to warm up
THINK = 100  # milliseconds between the requests of a connection, on average, where the load is given
PORT = 8771
MODELS = {
    "MNIST CNN": ("mnist", "mnist", ("--models", "cnn", "--steps", "300")),
    "table MLP": ("adult", "tables/adult_train.csv", ("--models", "mlp", "--steps", "300")),
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is sent."""

    path: str
    body: bytes
    content_type: str
    json_length: int = 0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came back: answers and refusals a second, and their milliseconds."""

    rate: float
    p50: float
    p99: float
    refused: float
    refused_p99: float
    others: int

    @property
    def text(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} ms"


def measure_serve() -> Section:
    """All of it for both models."""
    if shutil.which("wrk") is None:
        raise BenchError("wrk is not installed (Debian: apt-get install wrk)")
    rows: list[list[str]] = []
    for title, (name, data, options) in MODELS.items():
        run = _model(name, need(SHARED_DATA / data), options)
        rows += _measured(title, run)
    note = (
        f"wrk and the server on one machine, over loopback; {SECONDS - 1} s each. The plain handler is FastAPI with pydantic and "
        "torch, one row a request, encoded as fast as netpick does (bench/serve_plain.py). Bare onnxruntime runs the same graph on "
        f"encoded rows, one thread. Batches are of {BATCH} rows; highest rates are the best of {FEW[0]}, {FEW[1]} and {FEW[2]} connections. The given load comes from many connections that wait "
        f"{THINK} ms on average between requests; 'three times' is three times the highest rate of answers seen."
    )
    return Section(
        title="Serving", columns=["model", "what", "rows a second", "p50 / p99", "remark"], rows=rows, note=note
    )


def _model(name: str, data: Path, options: Sequence[str]) -> Path:
    """A trained and exported run, made once."""
    run = CACHE / f"serve-{name}"
    if not (run / "model.netpick").is_file():
        shutil.rmtree(run, ignore_errors=True)
        fit(data, run, *options)
    if not (run / "onnx").is_dir():
        run_command([NETPICK, "export", str(run)])
    return run


def _measured(title: str, run: Path) -> list[list[str]]:
    rows: list[list[str]] = []

    def row(what: str, rate: float, times: str, remark: str) -> None:
        rows.append([title, what, f"{rate:,.0f}", times, remark])
        print(f"  {title}: {what}: {rate:,.0f} rows/s, {times} {remark}", file=sys.stderr, flush=True)

    bare = {size: _bare(run, size) for size in (1, BATCH)}
    with _server([PYTHON, str(PLAIN), str(run / "model.netpick"), str(PORT)]):
        one, many = _loads(run)
        plain_load = _plain_load(run)
        plain_alone = _wrk(plain_load, 1)
        plain = _wrk(plain_load, CONNECTIONS)
    with _server([NETPICK, "serve", str(run), "--port", str(PORT)]):
        alone = _wrk(one, 1)
        crowd = _wrk(one, CONNECTIONS)
        batch = _highest(many)
        peak_load = many if title == "table MLP" else one
        given = _overload(peak_load, batch if peak_load is many else _highest(one))
    row("bare onnxruntime, one row", bare[1], "", "")
    row("plain handler, 1 connection", plain_alone.rate, plain_alone.text, "")
    row("netpick serve, 1 connection", alone.rate, alone.text, f"{plain_alone.p50 / alone.p50:.1f} times faster (p50)")
    row(f"plain handler, {CONNECTIONS} connections", plain.rate, plain.text, "")
    row(
        f"netpick serve, {CONNECTIONS} connections",
        crowd.rate,
        crowd.text,
        f"{crowd.rate / plain.rate:.1f} times the plain handler",
    )
    row(f"bare onnxruntime, {BATCH} rows", bare[BATCH], "", "")
    share = BATCH * batch.rate / bare[BATCH]
    row(
        f"netpick serve, {BATCH} rows a request",
        BATCH * batch.rate,
        batch.text,
        f"{100 * share:.0f} % of bare onnxruntime",
    )
    size = BATCH if peak_load is many else 1
    peak, eighty, triple = given
    row("load given: highest", size * peak.rate, peak.text, f"{size} row{'s' * (size > 1)} a request")
    row("load given: 80 % of it", size * eighty.rate, eighty.text, f"{eighty.refused:,.0f} refused a second")
    goodput = (
        f"{100 * triple.rate / peak.rate:.0f} % of the highest; p99 {triple.p99 / eighty.p99:.1f} times that at 80 %"
    )
    refused = f"{triple.refused:,.0f} refused a second within {triple.refused_p99:.0f} ms (p99), {triple.others} other answers"
    row("load given: three times it", size * triple.rate, triple.text, f"{goodput}; {refused}")
    return rows


def _highest(load: Load) -> Seen:
    return max((_wrk(load, connections) for connections in FEW), key=lambda seen: seen.rate)


def _overload(load: Load, peak: Seen) -> tuple[Seen, Seen, Seen]:
    """The highest rate of answers, then 80 % and 300 % of it, as given loads."""
    connections = max(2, round(0.8 * peak.rate * THINK / 1000))
    eighty = _wrk(load, connections, think=THINK)
    triple = _wrk(load, round(3 * peak.rate * THINK / 1000), think=THINK)
    return peak, eighty, triple


def _wrk(load: Load, connections: int, think: int = 0) -> Seen:
    with tempfile.NamedTemporaryFile() as file:
        file.write(load.body)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "10s", "-s", str(LUA)]
        command += [
            f"http://127.0.0.1:{PORT}{load.path}",
            "--",
            file.name,
            load.content_type,
            str(load.json_length),
            str(think),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = [line for line in done.stdout.splitlines() if line.startswith("JSON ")]
    if not found:
        raise BenchError(f"wrk said {done.stdout[-500:]} {done.stderr[-500:]}")
    said = json.loads(found[0][5:])
    seconds = max(said["seconds"], 0.1)
    return Seen(
        rate=said["answered"] / seconds,
        p50=said["p50"],
        p99=said["p99"],
        refused=said["refused"] / seconds,
        refused_p99=said["refused_p99"],
        others=said["others"] + said["broken"],
    )


def _loads(run: Path) -> tuple[Load, Load]:
    """One row, and a batch of rows, of the model's own example rows."""
    rows = _examples(run)
    name = run.name
    if "image" not in rows[0]:
        many = [rows[i % len(rows)] for i in range(BATCH)]
        return (
            Load(path="/predict", body=json.dumps({"rows": rows[:1]}).encode(), content_type="application/json"),
            Load(path="/predict", body=json.dumps({"rows": many}).encode(), content_type="application/json"),
        )
    pixels = _pixels(rows)
    tensor = {
        "name": "image",
        "datatype": "UINT8",
        "shape": [BATCH, 1, *pixels.shape[1:]],
        "parameters": {"binary_data_size": BATCH * pixels[0].size},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(pixels[i % len(pixels)].tobytes() for i in range(BATCH))
    infer = Load(
        path=f"/v2/models/{name}/infer", body=body, content_type="application/octet-stream", json_length=len(head)
    )
    return Load(path="/predict", body=_file(rows[0]["image"]), content_type="image/png"), infer


def _plain_load(run: Path) -> Load:
    row = _examples(run)[0]
    if "image" in row:
        return Load(path="/predict", body=_file(row["image"]), content_type="image/png")
    cells = {f"c{i}": cell for i, cell in enumerate(row.values())}
    return Load(path="/predict", body=json.dumps(cells).encode(), content_type="application/json")


def _examples(run: Path) -> list[dict[str, Any]]:
    from netpick.serve.examples import example_rows
    from netpick.serve.options import ServeOptions
    from netpick.serve.run import load_models

    (served,) = load_models([run], ServeOptions())
    return example_rows(served)


def _file(address: str) -> bytes:
    return base64.b64decode(address.partition(",")[2])


def _pixels(rows: Sequence[dict[str, Any]]) -> Any:
    import io

    import numpy as np
    from PIL import Image

    return np.stack([np.asarray(Image.open(io.BytesIO(_file(row["image"])))) for row in rows])


def _bare(run: Path, size: int) -> float:
    """Rows a second of onnxruntime alone, in a process of its own, one thread."""
    from netpick.saved.folder import MODEL, exported_beside

    graph = exported_beside(run / "model.netpick") / MODEL
    code = (
        "import sys, time, numpy as np, onnxruntime as ort\nfrom safetensors.numpy import load_file\n"
        f"options = ort.SessionOptions(); options.intra_op_num_threads = 1\nsession = ort.InferenceSession({str(graph / 'model.onnx')!r}, options)\n"
        f"check = load_file({str(graph / 'check.safetensors')!r}); check.pop('answers'); check = {{k.removeprefix('input.'): v for k, v in check.items()}}\n"
        f"inputs = {{name: np.resize(array, ({size}, *array.shape[1:])) for name, array in check.items()}}\n"
        "types = {node.name: node.type for node in session.get_inputs()}\n"
        "inputs = {n: a.astype(np.int64) if types[n] == 'tensor(int64)' else a for n, a in inputs.items()}\n"
        "def loop(seconds):\n    count, began = 0, time.perf_counter()\n    while time.perf_counter() - began < seconds:\n"
        "        session.run(['answers'], inputs); count += 1\n    return count / (time.perf_counter() - began)\n"
        f"loop(0.5); print({size} * loop({SECONDS - 1}))"
    )
    return float(run_command([PYTHON, "-c", code]).output)


@contextmanager
def _server(command: Sequence[str]) -> Iterator[None]:
    """A server until the end of the block, once it answers."""
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/openapi.json", timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
                if process.poll() is not None:
                    raise BenchError(f"{' '.join(command)} exited with {process.returncode}") from None
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
