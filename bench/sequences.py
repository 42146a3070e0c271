"""Texts and recurrent steps: encoding beside what `tokenizers` does, steps beside torch's own layers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.measure import PYTHON, SHARED_DATA, Section, median, need, run_command

if TYPE_CHECKING:
    from netpick.training.job import Job

ROUNDS = 5
STEPS = 60
MESSAGES = 200_000
CELLS = {"rnn, GRU": "rnn[cell=gru]", "rnn, LSTM": "rnn[cell=lstm]", "rnn, simple": "rnn[cell=simple]"}
PLAIN = "clip=0,augment=,average=0,label_smoothing=0"  # what the bare loop does


def measure_sequences() -> Section:
    """Both, in a process of its own."""
    need(SHARED_DATA / "sms_spam")
    output = run_command([PYTHON, "-m", "bench.sequences"]).output
    rows = [json.loads(line) for line in output.strip().splitlines()]
    return Section(
        title="Texts and recurrent steps", columns=["what", "netpick", "the library alone", "ratio", "goal"], rows=rows,
        note=f"Medians of {ROUNDS} rounds in turns, on all cores. Messages: SMS of 15 words, repeated; the library alone is "
        f"`tokenizers` over whole words, without arrays. Steps: {STEPS} of the engine beside a bare loop of torch's own layers of the same sizes and precision.",
    )  # fmt: skip


def in_turns(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[float, float]:
    """Median seconds of both, taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for kept, call in zip(times, (ours, theirs), strict=True):
            before = time.perf_counter()
            call()
            kept.append(time.perf_counter() - before)
    return median(times[0][1:]), median(times[1][1:])


def texts() -> list[str]:
    """Messages a second: from a column to the array that networks read."""
    import numpy as np
    import polars as pl
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    from netpick.columns.kinds import KINDS
    from netpick.data.sources import open_source
    from netpick.types import TableColumn

    source = open_source(next((SHARED_DATA / "sms_spam").glob("*.tsv"), SHARED_DATA / "sms_spam"))
    column = max((c for c in source.columns.values() if isinstance(c, TableColumn)), key=lambda c: c.values.n_unique())
    kind = KINDS["text"]
    state = kind.fit(column, np.arange(source.num_rows))
    repeated = pl.concat([column.values] * (MESSAGES // source.num_rows + 1)).head(MESSAGES)
    many, plain = replace(column, values=repeated), repeated.to_list()
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(("?", *state.vocabulary.tokens))}, unk_token="?"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    ours, theirs = in_turns(lambda: kind.encode(many, state), lambda: tokenizer.encode_batch_fast(plain))
    rates = [f"{MESSAGES / seconds:,.0f} messages/s" for seconds in (ours, theirs)]
    return ["texts encoded", *rates, f"{ours / theirs:.2f}", "at least 200,000 messages/s"]


def recurrent_job(models: str) -> Job:
    """A text job of random tokens: 8,000 rows of 24 tokens, 4 classes, 2,000 words."""
    import numpy as np

    from netpick.answers.metrics import METRICS
    from netpick.columns.store import Store
    from netpick.contest.candidates import Contestants, make_candidates
    from netpick.models.infer import DeviceData
    from netpick.tasks import TASKS
    from netpick.training.job import Job
    from netpick.types import InputSpec

    generator = np.random.default_rng(0)
    rows, length, words = 8_000, 24, 2_000
    inputs = {"tokens": InputSpec(form="tokens", shape=(length,), cardinalities=(words,), padded=True)}
    arrays = {
        "tokens": generator.integers(2, words, (rows, length)).astype(np.int32),
        "tokens.lengths": np.full(rows, length, np.int32),
    }
    target = generator.integers(0, 4, rows)
    asked = Contestants(
        inputs=inputs, num_outputs=4, num_rows=rows, labels=tuple("abcd"), device="cpu", seed=0,
        models=models.replace("]", ",width=128,dropout=0,embedding_dropout=0,pooling=max]"), recipe=PLAIN,
    )  # fmt: skip
    (candidate,) = make_candidates(asked)
    everything = np.arange(rows)
    return Job(
        plan=replace(candidate.plan, steps=STEPS, looks=1), build=candidate.build, task=TASKS["classify"], target_state=None,
        data=DeviceData(Store(arrays=arrays), inputs, "cpu", target), truth=target, train=everything[:7_000],
        validation=everything[7_000:], primary=METRICS["accuracy"], select=False,
    )  # fmt: skip


def bare_steps(job: Job, cell: str) -> None:
    """The shortest loop over torch's own embedding, recurrent layer and output layer."""
    import torch
    from torch import nn

    spec = job.data.inputs["tokens"]
    settings = job.plan.settings
    width, vectors = int(settings["width"]), int(settings["embedding"])
    layer = {"gru": nn.GRU, "lstm": nn.LSTM, "simple": nn.RNN}[cell](
        vectors, width, batch_first=True, bidirectional=True
    )
    network = nn.ModuleList([nn.Embedding(spec.cardinalities[0], vectors), layer, nn.Linear(2 * width, 4)])
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, fused=True)
    tokens, labels = job.data.tensors["tokens"].long(), job.data.target
    assert labels is not None
    order = torch.randperm(len(job.train))
    size = job.plan.recipe.batch_size
    for step in range(STEPS):
        start = (step * size) % (len(order) - size + 1)
        rows = order[start : start + size]
        with torch.autocast("cpu", torch.bfloat16, enabled=job.plan.precision == "bfloat16"):
            states = network[1](network[0](tokens[rows]))[0]
            outputs = network[2](states.amax(dim=1))
        loss = nn.functional.cross_entropy(outputs.float(), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def steps() -> list[list[str]]:
    """Milliseconds of a training step for every kind of cell."""
    from netpick.training.train import train

    rows = []
    for name, models in CELLS.items():
        job = recurrent_job(models)
        cell = str(job.plan.settings["cell"])
        ours, theirs = in_turns(lambda job=job: train(job, lambda event: None), lambda j=job, c=cell: bare_steps(j, c))
        times = [f"{1000 * seconds / STEPS:.1f} ms" for seconds in (ours, theirs)]
        rows.append([f"step of the {name}, {job.plan.precision}", *times, f"{ours / theirs:.2f}", "at most 1.10"])
    return rows


def main() -> None:
    """Prints one JSON line a row of the table."""
    for row in (texts(), *steps()):
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
