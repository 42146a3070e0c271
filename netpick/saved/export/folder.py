"""The exported folder: the model, and what a person needs to run it elsewhere. Written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import TypeAdapter
from safetensors.numpy import save as save_arrays

from netpick import __version__
from netpick.columns.forms import graph_words
from netpick.disk.files import aside, write_through
from netpick.disk.strict import manifest_of
from netpick.errors import RequestError
from netpick.report.markdown import safe
from netpick.saved.export.samples import FILE as SAMPLES_FILE
from netpick.saved.export.samples import SamplesGraph
from netpick.saved.folder import CARD, CHECK, FORMAT, GRAPH, MODEL, RECORD, STEP
from netpick.saved.parts import ModelParts
from netpick.saved.record import ModelRecord
from netpick.tasks.text.goes_on import GoesOn
from netpick.types import Array

FILES = Path(__file__).parent / "files"

# What reads rows, runs the graph and serves it; and what some kinds of column need besides.
ALWAYS = ("numpy", "polars", "pydantic", "onnxruntime", "safetensors", "pillow", "charset-normalizer", "typer", "rich")
SERVING = ("fastapi", "uvicorn", "httptools", "uvloop", "python-multipart")
OF_KIND: dict[str, tuple[str, ...]] = {
    "number": ("scipy",),
    "text": ("tokenizers",),
    "audio": ("soundfile", "soxr", "scipy"),
    "clip": ("av",),
}
OF_TEXTS = ("rapidfuzz", "tokenizers")  # where texts are answered: their symbols, and how far they are from the truth


def require_ours(out: Path) -> None:
    """Raises RequestError when there is something at `out` already that is no export of ours."""
    if out.is_symlink():
        raise RequestError(f"{out} is a link, so it is left alone. Pass another --out.")
    if out.exists() and not (out / MODEL / GRAPH).is_file():
        raise RequestError(f"{out} exists already and is no exported model, so it is left alone. Pass another --out.")


@dataclass(frozen=True, kw_only=True)
class Graphs:
    """What answers rows, and of a model of texts what continues one."""

    model: bytes
    step: bytes | None = None


def write_folder(
    out: Path, parts: ModelParts, graphs: Graphs, check: Mapping[str, Array], samples: SamplesGraph | None = None
) -> None:
    """In place of an earlier export, if there is one (see `require_ours`). samples: a second graph, beside the model."""
    require_ours(out)
    members = {
        GRAPH: graphs.model,
        RECORD: TypeAdapter(ModelRecord).dump_json(parts.record, indent=1),
        CHECK: save_arrays({name: array.copy(order="C") for name, array in check.items()}),
        CARD: parts.card.encode(),
        **({} if graphs.step is None else {STEP: graphs.step}),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial, former = aside(out), aside(out)
    try:
        partial.mkdir()
        (partial / MODEL).mkdir()
        for name, content in {"manifest.json": manifest_of(FORMAT, members), **members}.items():
            write_through(partial / MODEL / name, content)
        needed = requirements(parts)
        write_through(partial / "requirements.txt", "".join(f"{line}\n" for line in needed).encode())
        write_through(partial / "Containerfile", _containerfile().encode())
        page = readme(parts, out.name)
        if samples is not None:
            write_through(partial / SAMPLES_FILE, samples.graph)
            page += _of_samples(samples)
        if graphs.step is not None:
            page += OF_PAIRS if parts.task.answer.stepwise else _of_steps(parts)
        write_through(partial / "README.md", page.encode())
        write_through(partial / "client.py", (FILES / "client.py").read_bytes())
        if out.exists():
            out.rename(former)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


def requirements(parts: ModelParts) -> list[str]:
    """Packages with the versions that the graph was checked with; torch is not among them."""
    kinds = {encoder.kind for encoder in parts.encoders}
    names = {*ALWAYS, *SERVING, *(name for kind in kinds for name in OF_KIND.get(kind, ()))}
    names |= {*OF_TEXTS} if parts.task.answer.texts else set()
    return [line for name in sorted(names) if (line := _pinned(name))]


def _pinned(name: str) -> str:
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        return name


def _containerfile() -> str:
    return f"""\
# Serves the model without torch. Build and run it, with this folder as the context:
#   podman build -t model . && podman run -p 127.0.0.1:8000:8000 -e NETPICK_TOKEN=... model
# Put netpick's wheel beside this file if it comes from no package index.
FROM python:3.11-slim
WORKDIR /srv
COPY . .
RUN pip install --no-cache-dir -r requirements.txt \\
 && pip install --no-cache-dir --no-deps --find-links . netpick=={__version__}
USER 65534:65534
EXPOSE 8000
# It can be reached from outside, so it wants the token of NETPICK_TOKEN from its clients. Behind a gateway that asks for
# one: add "--no-auth" instead. Clients that call it by a name: add "--name", "models.example.org".
CMD ["netpick", "serve", "model", "--host", "0.0.0.0", "--port", "8000"]
"""


def readme(parts: ModelParts, name: str) -> str:
    """The page for people; words of the data cannot become markup in it."""
    record = parts.record
    rows = [
        f"| `{key}` | {what} |"
        for key, what in (*_inputs_in_words(parts), *parts.task.answer.graph_words(len(record.labels)))
    ]
    labels = ", ".join(safe(label) for label in record.labels[:20]) + (" ..." if len(record.labels) > 20 else "")
    return f"""\
# {safe(record.title)}: {safe(record.candidate)}, as a graph

Task: {record.task} of {", ".join(safe(target) for target in record.targets)}; {parts.task.answer.plural}: {labels}.
`model/card.md` says what it was trained on and how well it does.

## Serve it, without torch

```
python -m venv .venv
.venv/bin/pip install -r requirements.txt
.venv/bin/pip install --no-deps netpick=={__version__}
.venv/bin/netpick serve .
python client.py rows.csv
```

`Containerfile` does the same in a container. From Python: `netpick.load({json.dumps(name).replace("`", "'")}).predict("rows.csv")`.

## Use the graph alone

`model/model.onnx` runs in any ONNX runtime. Its inputs are encoded rows; `model/model.json` says how raw cells are encoded.

| input, output | what it is |
|---|---|
{chr(10).join(rows)}

The graph's metadata hold the labels and the schema as JSON.
"""


def _of_samples(samples: SamplesGraph) -> str:
    return f"""
## Samples instead of frames

`{SAMPLES_FILE}` has the front end inside: `samples` float32 (rows, n), one channel at {samples.sample_rate:,} Hz between -1 and 1,
filled up with zeros, of which the first {samples.seconds:.4g} s are read, and `samples.lengths` int32 (rows,). Its outputs are those above.
For the same samples its answers differed from netpick's by at most {max(samples.difference, 1e-6):.1g} on test sounds. Mix down and resample before.
"""


def _of_steps(parts: ModelParts) -> str:
    state: GoesOn = parts.task_state
    heard = parts.task.answer.heard
    return f"""
## Continue a {parts.task.answer.noun}

`netpick generate . --prompt "..."` needs no torch either; served, `POST /generate` streams it. Both draw with `model/{STEP}`: `symbols`
int32 (rows, symbols) and `before.0`, `before.1`, ... (the state) to `following` (log-probabilities of each symbol) and `after.0`, ..., which are
the `before.` of the next step. A beginning is zeros, an axis that is called `past` of length 0. {CHORDS if heard else TEXTS.format(state)}
"""


OF_PAIRS = f"""
## Generate texts with the graphs alone

`model/{GRAPH}` reads `source` int32 (rows, symbols), each with symbol 2 (the end) and 0 behind it, and gives `memory.0`, ... `model/{STEP}` reads these, `source`,
`symbols` int32 (rows,), the last symbol of each text so far (2 at its beginning), and `before.0`, ... (its state); it gives the `likeliest` next symbols with
their log-probabilities `logs`, and `after.0`, ..., which are the `before.` of the next step. A beginning is zeros, an axis that is called `past` of length 0.
`task_state.symbols` of `model/model.json` has the symbols of the numbers from 3 on.
"""
TEXTS = """A text begins with symbol 2 (the end of a line).
As in its score, the model has seen {0.read_again:,} to {0.most_read:,} symbols before each: where more were read, begin anew with the last {0.read_again:,}.
`task_state.symbols` of `model/model.json` has the symbols of the numbers from 3 on."""
CHORDS = """A number is 3 more than a note of MIDI; 3 is silence, 2 the end of a piece, 0 nothing.
`symbols` are whole chords, one at least, and behind them the notes of the next one so far, 0 for those to come: what follows is its next note, and the
state behind the step that of the whole chords. A piece begins with `task_state.context` chords of 0, the last note of the last one 2."""


def _inputs_in_words(parts: ModelParts) -> Sequence[tuple[str, str]]:
    inputs = []
    for name, spec in parts.inputs.items():
        inputs.append((name, graph_words(spec)))
        if spec.padded:
            inputs.append((f"{name}.lengths", "how many of the steps are valid, int32 (rows,)"))
    return inputs
