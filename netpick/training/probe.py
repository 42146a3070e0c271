"""Times a candidate's steps and predictions before it is planned."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from netpick.models.infer import Outputs, predict_outputs
from netpick.models.networks.pair_network import GREEDILY, NOTHING, generating
from netpick.models.networks.record_network import RecordNetwork
from netpick.training.clock import contested
from netpick.training.evaluation import generated_for
from netpick.training.job import Job, feed_of, new_network
from netpick.training.optimizers import make_optimizers
from netpick.training.plan import Probe
from netpick.training.step import make_step

MOST_PROBED = 40  # steps
JUDGED_ROW = 3e-4  # seconds of a row that judges made-up rows, or that the trees which judge learn from
PROBED_ROWS = 256  # that are predicted, at most: of large rows as many as are answered together


def probe(job: Job, num_predicted: int, seconds: float, threads: Sequence[int], hopeless: float = math.inf) -> Probe:
    """Times a few real steps for each number of threads, and one part of a prediction, on a throw-away network.

    Their mean counts, not their median: beside a busy program a few steps take a hundred times as long as the others.
    hopeless: seconds of a first step from which on nothing more is timed, predictions neither.
    """
    network = new_network(job)
    step = make_step(job, network, make_optimizers(network, job.plan.recipe))
    before, paces = torch.get_num_threads(), {}
    feed = feed_of(job, network)
    try:
        with torch.random.fork_rng(devices=[]):
            for number in sorted(threads):
                if not contested(number):
                    torch.set_num_threads(number)
                    network.train()
                    paces[number] = _mean_step(step, feed, seconds, hopeless)
                    if paces[number] >= hopeless:
                        return Probe(step_seconds=paces, evaluation_seconds=0.0, predict_seconds=0.0)
            torch.set_num_threads(min(paces, key=lambda number: paces[number]))
            some = job.validation[: min(PROBED_ROWS, job.data.batch_rows)]
            with generating(network, GREEDILY):
                evaluate_row = _seconds_of_second(
                    partial(predict_outputs, network, job.data, some, precision=job.plan.precision)
                )
            costs = 0.0
            if len(scored := generated_for(job)) < len(job.validation):
                with generating(network, NOTHING):
                    costs = _seconds_of_second(
                        partial(predict_outputs, network, job.data, some, precision=job.plan.precision)
                    )
            predict_row = _seconds_of_second(partial(predict_outputs, network, job.data, some))
            if isinstance(network, RecordNetwork):
                predict_row = _judged_row(network, len(job.train) / max(1, num_predicted)) * len(some)
    finally:
        torch.set_num_threads(before)
    return Probe(
        step_seconds=paces,
        evaluation_seconds=(evaluate_row * len(scored) + costs * len(job.validation)) / len(some),
        predict_seconds=predict_row * num_predicted / len(some),
    )


def _judged_row(network: RecordNetwork, made: float) -> float:
    """Seconds a held-out row of making up so many rows for each, and of being judged by it."""
    network.eval()
    before = time.perf_counter()
    network.draw(PROBED_ROWS, np.random.default_rng(0))
    return JUDGED_ROW * (1 + made) + made * (time.perf_counter() - before) / PROBED_ROWS


def _mean_step(
    step: Callable[[Tensor, int], Tensor], feed: Iterator[tuple[Tensor, int]], seconds: float, hopeless: float
) -> float:
    """Mean seconds of some steps behind a first one, which chooses algorithms and fills caches; of the first where that is hopeless."""
    began = time.perf_counter()
    float(step(*next(feed)))
    if (first := time.perf_counter() - began) >= hopeless:
        return first
    began, count = time.perf_counter(), 0
    while count < 1 or (count < MOST_PROBED and time.perf_counter() - began < seconds):
        float(step(*next(feed)))
        count += 1
    return (time.perf_counter() - began) / count


def _seconds_of_second(call: Callable[[], Outputs]) -> float:
    """The second call's seconds: the first one chooses algorithms and fills caches."""
    call()
    before = time.perf_counter()
    call()
    return time.perf_counter() - before
