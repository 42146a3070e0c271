"""`make same`: whether this version makes, byte for byte, what the version of tools/same.json made.

    python tools/same.py [PART ...] [--write] [--table FILE] [--keep FOLDER]

A fixed set of small runs, one a kind of data and task, each a few steps long and in a process of its own. Of each run:
weights, records (model.json) of all kept models, predictions.parquet, report.json, the report's page; then what the model
file answers, scores, explains and serves, and for some its ONNX graph. The clock stands still while they run, so nothing
depends on how fast the machine is; names of folders, dates and versions of netpick are left out.

--write takes the hashes of what is made now into the table; --keep leaves the contents themselves in a folder, so that those
of two versions can be compared (diff -r). Sums depend on the processor and on the versions of libraries: on another machine,
first write a table of the old version (--table FILE --write), then compare the new one with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netpick.saved.use import Model

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".json")
STEPS, SEED = 6, 3
LIBRARIES = (
    "numpy",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "torch",
    "onnxscript",
    "plotly",
    "pillow",
)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
TIMES = ("created", "seconds", "latency_ms", "versions", "netpick", "sha256")  # keys that no two runs or releases share
EVERY_CODE = tuple(f"D{number:03d}" for number in range(100))  # what is wrong with made-up data is no matter here


@dataclass(frozen=True, kw_only=True)
class Part:
    """One run: a set of tests/small_sets.py, the options of the fit, and whether its first network is exported too."""

    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    graph: bool = False
    module: bool = False  # trains a network of the user's own


PARTS = {
    "table": Part(data="columns", options={"models": "mlp[dropout=0.1],transformer", "target": ("price",)}, graph=True),
    "folds": Part(data="table", options={"models": "mlp", "folds": 2}),
    "labels": Part(data="labels", options={"models": "mlp", "target": ("warm", "wet")}, graph=True),
    "numbers": Part(data="measures", options={"models": "mlp,transformer", "target": ("weight", "cost")}, graph=True),
    "images": Part(data="pictures", options={"models": "mlp,cnn,rnn,transformer"}),
    "files": Part(data="images", options={"models": "cnn", "cost": {"light>dark": 3.0}}),
    "series": Part(data="waves", options={"models": "mlp,cnn,rnn[cell=lstm],transformer"}),
    "texts": Part(data="texts", options={"models": "mlp,cnn,rnn,transformer"}),
    "symbols": Part(data="symbols", options={"models": "cnn,rnn", "target": ("site",)}),
    "sounds": Part(data="sounds", options={"models": "mlp,cnn,rnn,cnn_rnn,transformer"}),
    "speech": Part(data="spoken", options={"models": "cnn,rnn,cnn_rnn,transformer"}, graph=True),
    "pairs": Part(data="pairs", options={"models": "cnn,rnn,transformer"}),
    "next": Part(data="story", options={"models": "mlp,cnn,rnn,transformer"}, graph=True),
    "tags": Part(data="tagged", options={"models": "mlp,cnn,rnn,transformer"}, graph=True),
    "music": Part(data="songs", options={"models": "mlp,cnn,rnn,transformer"}),
    "clips": Part(data="frames", options={"models": "cnn,cnn_rnn,transformer"}),
    "mixed": Part(data="mixed", options={"models": "cnn", "target": ("verdict",)}),
    "forecast": Part(
        data="load",
        options={"models": "mlp,cnn,rnn,transformer", "target": ("load",), "horizon": 12, "context": 48},
        graph=True,
    ),
    "forecasts": Part(
        data="shops",
        options={
            "models": "mlp,rnn",
            "target": ("sales", "visits"),
            "horizon": 5,
            "context": 14,
            "known": ("promotion",),
        },
    ),
    "layers": Part(
        data="pictures", options={"layers": ("conv 8 3 relu, maxpool 2, flatten, dense 16 relu",)}, graph=True
    ),
    "module": Part(data="numbers", module=True),
}


# --- one part, in a process of its own -------------------------------------------------------------------------------


def make_part(name: str, folder: Path) -> None:
    """Makes the run in `folder` and leaves its outcomes in `folder`/outcomes, a file each."""
    time.perf_counter = time.process_time = lambda: 0.0  # before anything takes hold of them
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.chdir(folder)
    import small_sets
    import torch

    from netpick.api import run_fit
    from netpick.contest.prepare import FitOptions
    from netpick.saved.use import candidate_of, load

    part = PARTS[name]
    data = vars(small_sets)[part.data](Path())
    own = own_network() if part.module else None
    asked = FitOptions(
        **part.options,
        modules=() if own is None else (own,),
        steps=STEPS,
        seed=SEED,
        threads=1,
        accept=EVERY_CODE,
        command="",
        out=Path("run"),
    )
    torch.manual_seed(SEED)
    made = run_fit(data, asked)
    created = made.results.created
    outcomes = of_run(Path("run"), created)
    network = next(c.name for c in made.results.candidates if c.status == "ok")
    path = candidate_of(Path("run"), network)
    model = load(path, engine="torch", module=None if own is None else own_network())
    outcomes |= of_model(model, data, created)
    if part.graph:
        outcomes |= of_graph(model, path)
    for key, content in outcomes.items():
        path = folder / "outcomes" / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def of_run(run: Path, created: str) -> dict[str, bytes]:
    """What a run folder holds."""
    weights, records = [], []
    for path in sorted([run / "model.netpick", *(run / "models").glob("*.netpick")]):
        with zipfile.ZipFile(path) as archive:
            members = {member: archive.read(member) for member in sorted(archive.namelist())}
        record = without_times(json.loads(members.pop("model.json")))
        records.append({"file": path.name, **record})
        weights += [
            f"{path.name} {member} {hashlib.sha256(content).hexdigest()}"
            for member, content in members.items()
            if member.endswith(".safetensors")
        ]
    page = (run / "report.html").read_text()
    return {
        "weights": "\n".join(weights).encode(),
        "records": as_json(records),
        "predictions": (run / "predictions.parquet").read_bytes(),
        "report": as_json(without_times(json.loads((run / "report.json").read_text()))),
        "page": undated(page, created),
    }


def of_model(model: Model, data: object, created: str) -> dict[str, bytes]:
    """What a model file is used for."""
    from netpick.explain import explain
    from netpick.serve.describe import example_body, schema_of
    from netpick.serve.history import ServedHistory
    from netpick.serve.models import served_model
    from netpick.serve.options import Limits

    rows = data[0] if isinstance(data, tuple) else data
    served = served_model("model", Path("model.netpick"), model, Limits())
    described = schema_of(served)
    body = example_body(served)
    answered = b""
    if isinstance(served, ServedHistory):
        answered = served.continued(served.asked(json.dumps(body).encode())).write_csv().encode()
    elif body is not None:
        row_set = served.rows_of_json(json.dumps(body).encode())
        answered = served.body(served.answer([row_set]), 0, row_set.count)
    scores = {name: [score.value, score.low, score.high, score.n] for name, score in model.score(data).items()}
    return {
        "answers": model.predict(rows).write_csv().encode(),
        "scores": as_json(scores),
        "explanation": undated(explain(model, rows, rows=2).html(), created),
        "card": undated(described.pop("card"), created),
        "served": as_json(without_times(described)) + answered,
    }


def of_graph(model: Model, path: Path) -> dict[str, bytes]:
    """What an exported folder holds. path: the model file."""
    import onnx

    from netpick.saved.export import proved_graph, stored_rows
    from netpick.saved.export.folder import readme

    graph, _, whole = proved_graph(model.loaded, model.parts, stored_rows(path), {})
    proto = onnx.load_model_from_string(graph)
    for entry in proto.metadata_props:
        entry.value = "" if entry.key in TIMES else entry.value
    words = readme(model.parts, "onnx")
    return {
        "graph": proto.SerializeToString(deterministic=True) + str(whole).encode(),
        "folder": undated(words, model.parts.record.created),
    }


def own_network() -> Any:
    """A network as a user would write it."""
    import torch

    torch.manual_seed(SEED)
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))


def without_times(value: Any) -> Any:
    """JSON without what no two runs share."""
    if isinstance(value, dict):
        return {
            key: without_times(item)
            for key, item in value.items()
            if key not in TIMES and not key.endswith(("_ms", "_seconds"))
        }
    return [without_times(item) for item in value] if isinstance(value, list) else value


def undated(text: str, created: str) -> bytes:
    """A page or card without the moment at which it was made."""
    from netpick.report.markdown import safe

    for written in (created, created.replace("T", " "), safe(created)):
        text = text.replace(written, "")
    return text.encode()


def as_json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


# --- all of them -----------------------------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """What sums in floating point depend on besides the code."""
    from importlib.metadata import version

    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        processor = ""
    known = {"processor": processor, "instructions": torch.backends.cpu.get_cpu_capability()}
    return {**known, "python": sys.version.split()[0], **{name: version(name) for name in LIBRARIES}}


def hashes_of(name: str, keep: Path | None) -> dict[str, str]:
    """The hashes of one part; none where its process failed, which then says why."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONHASHSEED": "0"}
        done = subprocess.run(
            [sys.executable, __file__, "--make", name, str(folder)], env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            print(f"{name:10} failed:\n{done.stdout}{done.stderr}", flush=True)
            return {}
        outcomes = sorted((folder / "outcomes").iterdir())
        if keep is not None:
            (keep / name).mkdir(parents=True, exist_ok=True)
            for path in outcomes:
                (keep / name / path.name).write_bytes(path.read_bytes())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in outcomes}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The outcomes that differ, or are there only before or only now."""
    return [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--write", action="store_true", help="write the table instead of comparing with it")
    parser.add_argument("--table", type=Path, default=TABLE, help="the table of hashes (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="a folder for the contents themselves")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    kept = json.loads(asked.table.read_text()) if asked.table.is_file() else {"machine": {}, "parts": {}}
    here = machine()
    others = [
        f"{key} {kept['machine'].get(key)}, here {here[key]}" for key in here if kept["machine"].get(key) != here[key]
    ]
    if others and not asked.write:
        print(f"The table is of another machine ({'; '.join(others)}): what differs may differ for that.")
    if asked.write and others and kept["parts"] and asked.parts:
        parser.error("the table is of another machine: write all parts anew")
    different = 0
    for name in asked.parts or PARTS:
        now = hashes_of(name, asked.keep)
        if not now:
            different += 1
            continue
        before = kept["parts"].get(name, {})
        found = differences(before, now)
        said = f"differs: {', '.join(found)}" if before and found else "same" if before else "not in the table"
        print(f"{name:10} {said}", flush=True)
        different += bool(found)
        kept["parts"][name] = now
    if asked.write:
        parts = {name: kept["parts"][name] for name in PARTS if name in kept["parts"]}
        asked.table.write_text(json.dumps({"machine": here, "parts": parts}, indent=1) + "\n")
        return 0 if len(parts) == len(PARTS) else 1
    return 1 if different else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make_part(sys.argv[2], Path(sys.argv[3]))
    else:
        raise SystemExit(main(sys.argv[1:]))
