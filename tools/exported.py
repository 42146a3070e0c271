"""`make exported`: whether exported folders continue, translate, transcribe and tag as torch does, on 500 inputs each, and serve the same streams.

    python tools/exported.py [TASK ...]

Small sets of tests/small_sets.py are learned for some steps, so that answers hang on the network; every network of the run is exported, and asked
for inputs that were drawn anew. Texts and tags have to be equal, probabilities of tags within 1e-5.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

COUNT, STREAMED = 500, 40  # inputs; of those, prompts that are also streamed by two servers
NEAR = 1e-5
EVERY_CODE = tuple(f"D{number:03d}" for number in range(100))
TASKS = {  # the set that is learned, its networks, and steps
    "next": ("story", "mlp,cnn,rnn,transformer", 60),
    "translate": ("pairs", "cnn,rnn,transformer", 60),
    "transcribe": ("spoken", "cnn,rnn,cnn_rnn,transformer", 60),
    "tag": ("tagged", "mlp,cnn,rnn,transformer", 60),
}


def inputs_of(task: str, folder: Path) -> Any:
    """What is asked of the models: prompts, sources, recordings or sentences."""
    from small_pairs import WORDS
    from small_tags import tagged_sentences
    from small_texts import small_text

    if task == "next":
        text = small_text(2 * COUNT, seed=9)
        starts = np.random.default_rng(9).integers(0, len(text) - 60, COUNT).tolist()
        return [text[start : start + 5 + start % 50] for start in starts]
    if task == "translate":
        draw = np.random.default_rng(9)  # also sentences that nobody says
        return [f"{' '.join(draw.choice(list(WORDS), draw.integers(3, 9)))}." for _ in range(COUNT)]
    if task == "tag":
        lines = [" ".join(word for word, _ in sentence) for sentence in tagged_sentences(COUNT, seed=9)]
        return pl.DataFrame({"token": lines})
    return recordings(folder / "asked")


def recordings(folder: Path) -> list[Path]:
    """Tones as those of tests/small_sets.py, drawn anew."""
    import soundfile

    folder.mkdir()
    generator, rate, files = np.random.default_rng(9), 4_000, list[Path]()
    for number in range(COUNT):
        pieces = []
        for hertz in generator.choice([300.0, 900.0], generator.integers(2, 5)) * generator.uniform(0.88, 1.12):
            length = int(generator.uniform(0.10, 0.16) * rate)
            pieces += [np.sin(2 * np.pi * hertz * np.arange(length) / rate), np.zeros(int(0.06 * rate))]
        wave = np.concatenate(pieces)
        files.append(folder / f"{number:03}.wav")
        soundfile.write(files[-1], 0.3 * wave + 0.02 * generator.normal(size=len(wave)), rate)
    return files


def compared(torch_model: Any, exported: Any, task: str, asked: Any) -> tuple[int, int, float | None]:
    """How many inputs have equal answers, of how many, and the largest difference of a probability, where answers have any."""
    if task == "next":
        texts = [
            ["".join(m.generate(prompt, tokens=20, seed=n)) for n, prompt in enumerate(asked)]
            for m in (torch_model, exported)
        ]
        return sum(a == b for a, b in zip(*texts, strict=True)), len(asked), None
    one, other = torch_model.predict(asked), exported.predict(asked)
    if task != "tag":
        return int((one["prediction"] == other["prediction"]).sum()), len(one), None
    tables = one.with_columns(same=one["prediction"] == other["prediction"])
    sentences = tables.group_by("sentence").agg(pl.col("same").all())
    apart = float(np.abs(one["probability"].to_numpy() - other["probability"].to_numpy()).max())
    return int(sentences["same"].sum()), len(sentences), apart


def served(model: Path, prompts: Sequence[str]) -> list[str]:
    """What a server streams behind these prompts."""
    command = [sys.executable, "-m", "netpick.cli", "serve", str(model), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    ready = next(json.loads(line) for line in process.stderr if '"event": "ready"' in line)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", ready["port"], timeout=60)
        connection.request("GET", "/models")
        name = json.loads(connection.getresponse().read())["models"][0]["name"]
        made = []
        for seed, prompt in enumerate(prompts):
            body = json.dumps({"prompt": prompt, "tokens": 40, "seed": seed})
            connection.request("POST", f"/models/{name}/generate", body, {"Content-Type": "application/json"})
            events = connection.getresponse().read().decode().split("\n\n")
            made.append(
                "".join(json.loads(e.partition("data: ")[2])["text"] for e in events if e.startswith("data: {"))
            )
        return made
    finally:
        process.terminate()
        process.wait()


def main(names: Sequence[str]) -> int:
    """Prints a line a network; 1 where anything differs."""
    import small_sets

    import netpick
    from netpick.saved.export import export_model
    from netpick.saved.use import candidate_of

    different = 0
    for task in names or TASKS:
        data, models, steps = TASKS[task]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make: Callable[[Path], object] = vars(small_sets)[data]
            run = netpick.fit(str(make(folder)), models=models, steps=steps, out=folder / "run", accept=EVERY_CODE)
            asked = inputs_of(task, folder)
            for family in models.split(","):
                path, out = candidate_of(run.folder, family), folder / f"{family}-onnx"
                export_model(path, out=out)
                same, count, apart = compared(run.models[family], netpick.load(out), task, asked)
                told = f"{task} {family}: {same} of {count} equal"
                told += "" if apart is None else f", probabilities within {apart:.1g}"
                if task == "next":
                    streams = [served(place, asked[:STREAMED]) for place in (path, out)]
                    equal = sum(a == b and a != "" for a, b in zip(*streams, strict=True))
                    told += f", {equal} of {STREAMED} streams equal"
                    different += equal < STREAMED
                print(told, flush=True)
                different += same < count or (apart is not None and apart > NEAR)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
