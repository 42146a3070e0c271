"""A step of the recurrent language model in netpick's loop, beside a bare loop of torch's own layers with the same recipe.

Both have: the same sizes, streams and precision, a state that is carried from block to block, dropout of whole features, tied weights, a sampled softmax
where netpick has one, clipped gradients, AdamW with one cycle, and averaged weights.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import PYTHON, SHARED_DATA, Section, median, need, run_command

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.tasks.examples import Prepared
    from netpick.training.job import Job

STEPS, ROUNDS = 40, 5
TEXTS = {"characters (Shakespeare)": "shakespeare/input.txt", "words (Penn Treebank)": "ptb"}


def measure_next_steps() -> Section:
    """Both texts, in a process of its own."""
    for data in TEXTS.values():
        need(SHARED_DATA / data)
    rows = []
    for line in run_command([PYTHON, "-m", "bench.next_steps"]).output.strip().splitlines():
        said = json.loads(line)
        ours, bare = median(said["ours"]), median(said["bare"])
        ratios = [a / b for a, b in zip(said["ours"], said["bare"], strict=True)]
        times = f"{1000 * ours:.1f} ms", f"{1000 * bare:.1f} ms"
        rows.append([said["what"], *times, f"{100 * (median(ratios) - 1):+.1f} %", "at most +10 %"])
    return Section(
        title="A step of the recurrent language model",
        columns=["symbols", "netpick", "bare loop", "difference", "goal"],
        rows=rows,
        note=f"{ROUNDS} rounds of {STEPS} steps in turns, the same recipe in both; the bare loop has torch's own layers.",
    )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A prepared text, and the job of its rnn."""

    prepared: Prepared
    job: Job


def make_trial(data: Path) -> Trial:
    """As `netpick fit` would train it, without evaluations."""
    from netpick.answers.metrics import METRICS
    from netpick.columns.store import Allocator
    from netpick.contest.candidates import Contestants, make_candidates
    from netpick.contest.prepare import FitOptions, prepare
    from netpick.models.infer import DeviceData
    from netpick.training.job import Job

    prepared = prepare(data, FitOptions(models="rnn"))
    store = prepared.store(Allocator(limit=4 << 30, key=prepared.source.fingerprint))
    held = DeviceData(store, prepared.inputs, "cpu", prepared.learned_target)
    answer, split = prepared.task.answer, prepared.split
    asked = Contestants(
        inputs=prepared.inputs, num_outputs=answer.num_outputs(prepared.state), num_rows=len(split.train),
        labels=answer.labels(prepared.state), device="cpu", seed=0, models="rnn",
    )  # fmt: skip
    (candidate,) = make_candidates(asked)
    job = Job(
        plan=replace(candidate.plan, steps=STEPS, looks=1), build=candidate.build, task=prepared.task,
        target_state=prepared.state, data=held, truth=prepared.truth, train=split.train, validation=split.validation[:8],
        primary=METRICS[answer.primary(prepared.num_scores, 0.5)], select=False,
    )  # fmt: skip
    return Trial(prepared=prepared, job=job)


def seconds_of_engine(trial: Trial) -> float:
    """Seconds per step of netpick's loop."""
    from netpick.training.train import train

    return train(trial.job, lambda event: None).seconds / STEPS


def seconds_of_bare_loop(trial: Trial) -> float:
    """Seconds per step of a bare loop."""
    import torch
    from torch import nn
    from torch.nn import functional

    plan, state = trial.job.plan, trial.prepared.state
    recipe, settings = plan.recipe, plan.settings
    count, size, width, hidden = recipe.batch_size, state.block, settings["embedding"], settings["hidden"]
    rows = trial.prepared.truth[trial.job.train, 0].reshape(-1)
    text = torch.from_numpy(rows[: len(rows) // count * count].reshape(count, -1)).long()
    vectors = nn.Embedding(state.num_symbols, width)
    cells, out = nn.LSTM(width, hidden, batch_first=True), nn.Linear(hidden, width)
    bias = nn.Parameter(torch.zeros(state.num_symbols))
    weights = [*vectors.parameters(), *cells.parameters(), *out.parameters(), bias]
    averages = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=STEPS)
    sampled = settings["sampled"] if 2 * settings["sampled"] < state.num_symbols else 0
    carried: Any = None
    started = time.perf_counter()
    for step in range(STEPS):
        begin = step * size
        before, came = text[:, begin : begin + size], text[:, begin + 1 : begin + 1 + size]
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.precision == "bfloat16"):
            read = vectors(before) * _dropped((count, 1, width), settings["dropout"])
            states, ended = cells(read, carried)
            features = out(states * _dropped((count, 1, hidden), settings["dropout"]))
            logits, place = _logits(features, vectors, bias, came, sampled)
        carried = tuple(part.detach().float() for part in ended)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), place.flatten())
        optimizer.zero_grad()
        loss.backward()
        if recipe.clip > 0:
            nn.utils.clip_grad_norm_(weights, recipe.clip)
        optimizer.step()
        schedule.step()
        torch._foreach_lerp_(averages, [weight.detach() for weight in weights], 1 - recipe.average)
    return (time.perf_counter() - started) / STEPS


def _dropped(shape: tuple[int, ...], share: float) -> Tensor:
    """The same features of all steps."""
    import torch

    return torch.empty(shape).bernoulli_(1 - share) / (1 - share)


def _logits(features: Tensor, vectors: nn.Embedding, bias: Tensor, came: Tensor, sampled: int) -> tuple[Tensor, Tensor]:
    """Logits of all symbols, or of those of the batch and of some drawn ones; and where what came stands among them."""
    import torch

    if not sampled:
        return features @ vectors.weight.T + bias, came
    symbols = len(bias)
    rank = torch.arange(symbols, dtype=torch.float32)
    drawn = (sampled * torch.log1p(1 / (rank + 1)) / math.log(symbols + 1)).clamp(max=1.0)
    own = torch.zeros(symbols, dtype=torch.bool)
    own[came.flatten()] = True
    some = (own | (torch.rand(symbols) < drawn)).nonzero().squeeze(1)
    weight = torch.where(own, 0.0, -drawn.log())[some]
    place = torch.zeros(symbols, dtype=torch.int64)
    place[some] = torch.arange(len(some))
    return features @ vectors.weight[some].T + (bias[some] + weight), place[came]


def main() -> None:
    """Prints a JSON line a text."""
    for what, data in TEXTS.items():
        trial = make_trial(SHARED_DATA / data)
        ours, bare = [], []
        seconds_of_bare_loop(trial)  # warm-up
        for _ in range(ROUNDS):
            ours.append(seconds_of_engine(trial))
            bare.append(seconds_of_bare_loop(trial))
        sys.stdout.write(json.dumps({"what": what, "ours": ours, "bare": bare}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
