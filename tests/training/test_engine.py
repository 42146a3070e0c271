"""The engine: order, schedules, optimizers, averages, and runs that repeat byte for byte."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from netpick.answers.metrics import METRICS
from netpick.columns.store import Allocator, Store
from netpick.errors import TrainingError
from netpick.models.infer import DeviceData, predict_outputs, values_of, weights_of
from netpick.tasks import TASKS
from netpick.tasks.classify import ClassifyState
from netpick.training.batches import batches, streams
from netpick.training.job import Job, Trained
from netpick.training.optimize import Average, rate_multiplier
from netpick.training.optimizers.muon import orthogonalise
from netpick.training.plan import CandidatePlan, Plan, Probe, planned
from netpick.training.train import train
from netpick.types import Event, InputSpec
from netpick.types.recipe import Recipe, ScheduleName

N = 256


class Small(nn.Module):
    """Two layers and dropout on the vector input."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(32, 2)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.head(self.body(batch["vector"]))


def job_of(recipe: Recipe = Recipe(learning_rate=0.01, batch_size=32), steps: int = 60) -> Job:  # noqa: B008
    x = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    truth = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    inputs = {"vector": InputSpec(form="vector", shape=(4,))}
    return Job(
        plan=CandidatePlan(name="small", family="mlp", settings={}, recipe=recipe, seed=3, steps=steps, looks=4),
        build=Small,
        task=TASKS["classify"],
        target_state=ClassifyState(labels=("n", "y"), variants={}),
        data=DeviceData(Store(arrays={"vector": x}), inputs, "cpu", truth),
        truth=truth,
        train=np.arange(200),
        validation=np.arange(200, N),
        primary=METRICS["accuracy"],
    )


def run(job: Job) -> Trained:
    return train(job, lambda event: None)


def test_same_plan_and_seed_give_the_same_weights_whatever_ran_before() -> None:
    first = weights_of(run(job_of()).network)
    torch.rand(17)  # the surrounding program's generator does not matter
    second = weights_of(run(job_of()).network)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = weights_of(run(replace(job_of(), plan=replace(job_of().plan, seed=4))).network)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_goes_on_from_weights_and_keeps_them_where_no_step_is_better() -> None:
    start = run(job_of(steps=400)).network.state_dict()
    harmful = run(replace(job_of(Recipe(learning_rate=30.0, batch_size=32), steps=8), start=start))
    assert harmful.best_step == 0
    assert all(torch.equal(harmful.network.state_dict()[name], start[name]) for name in start)
    assert min(point.validation_loss for point in harmful.history) > 1
    gentle = run(replace(job_of(Recipe(learning_rate=1e-4, batch_size=32), steps=8), start=start))
    fresh = run(job_of(Recipe(learning_rate=1e-4, batch_size=32), steps=8))
    assert gentle.history[0].validation_score > 0.85 > fresh.history[0].validation_score


def test_training_leaves_the_surrounding_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(job_of(steps=5))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("schedule", get_args(ScheduleName))
def test_every_schedule_learns(schedule: ScheduleName) -> None:
    recipe = Recipe(schedule=schedule, learning_rate=0.01, batch_size=32, weight_decay=1e-4)
    trained = run(job_of(recipe, steps=200))
    assert max(point.validation_score for point in trained.history) > 0.8


def test_two_optimizers_of_one_network_learn_side_by_side() -> None:
    recipe = Recipe(optimizer="muon", learning_rate=0.05, batch_size=32)
    trained = run(job_of(recipe, steps=200))
    assert max(point.validation_score for point in trained.history) > 0.8


def test_an_epoch_visits_every_row_once_and_its_order_depends_on_seed_and_epoch_alone() -> None:
    rows = np.arange(100, 164)
    feed = batches(rows, 16, seed=1)
    epochs = [np.concatenate([next(feed)[0].numpy() for _ in range(4)]) for _ in range(3)]
    assert all(sorted(epoch) == rows.tolist() for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])
    again = batches(rows, 16, seed=1)
    assert np.array_equal(np.concatenate([next(again)[0].numpy() for _ in range(4)]), epochs[0])


def test_even_batches_have_as_many_steps_and_an_epoch_still_has_every_row_once() -> None:
    rows, lengths = np.arange(200), np.random.default_rng(0).integers(2, 40, 200)
    feed = batches(rows, 20, seed=1, lengths=lengths, even=True)
    drawn = [next(feed)[0].numpy() for _ in range(10)]
    assert sorted(np.concatenate(drawn)) == rows.tolist()
    steps = np.array([lengths[batch].sum() for batch in drawn])
    assert abs(steps - steps.mean()).max() < 40
    assert min(map(len, drawn)) < 20 < max(map(len, drawn))
    kept, lengths[5] = lengths[5], 10_000
    uneven = batches(rows, 20, seed=1, lengths=lengths, even=True)
    sizes = [len(next(uneven)[0]) for _ in range(10)]
    assert sum(sizes) == 200
    assert min(sizes) >= 1
    lengths[5] = kept
    later = batches(rows, 20, seed=1, lengths=lengths, skip=7, even=True)
    assert np.array_equal(next(later)[0].numpy(), drawn[7])


def test_a_loss_that_is_no_number_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(TrainingError, match="became NaN or infinite"):
        run(job_of(Recipe(optimizer="sgd", learning_rate=1e25, clip=0.0, batch_size=32)))


def test_patience_stops_early_and_the_best_weights_are_kept() -> None:
    job = job_of(Recipe(learning_rate=0.05, batch_size=32, patience=2, schedule="constant"), steps=2000)
    trained = run(replace(job, plan=replace(job.plan, looks=40)))
    assert trained.steps < 2000
    assert "stopped early" in trained.remarks[0]
    kept = next(point for point in trained.history if point.step == trained.best_step)
    assert kept.validation_score >= max(point.validation_score for point in trained.history) - 0.1 / 56**0.5


def test_progress_leaves_through_events_only(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Event] = []
    train(job_of(), events.append)
    assert len(events) == 4
    assert events[-1].data["step"] == 60
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("schedule", get_args(ScheduleName))
def test_schedules_rise_then_fall_within_bounds(schedule: ScheduleName) -> None:
    recipe = Recipe(schedule=schedule, warmup=0.1)
    rates = [rate_multiplier(recipe, (step + 1) / 1000) for step in range(1000)]
    assert all(0 <= rate <= 1 for rate in rates)
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[0] < rates[99]
    if schedule in ("onecycle", "cosine", "step"):
        assert rates[-1] <= 0.01


def test_orthogonalise_brings_singular_values_near_one() -> None:
    matrices = torch.randn(3, 20, 50, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3
    assert orthogonalise(matrices.mT).shape == (3, 50, 20)


def test_average_swaps_in_and_out() -> None:
    network = nn.Linear(2, 2)
    start = network.weight.detach().clone()
    average = Average(network, 0.5)
    with torch.no_grad():
        network.weight.add_(1.0)
    average.update()
    live = network.weight.detach().clone()
    average.swap()
    assert ((network.weight > start) & (network.weight < live)).all()
    average.swap()
    assert torch.equal(network.weight, live)


def test_predictions_do_not_depend_on_the_rest_of_the_batch() -> None:
    job = job_of()
    network = run(job).network
    together = values_of(predict_outputs(network, job.data, np.arange(N)))
    alone = torch.cat([values_of(predict_outputs(network, job.data, np.array([row]))) for row in range(20)])
    torch.testing.assert_close(together[:20], alone, atol=1e-6, rtol=0)


def test_a_store_on_disk_trains_to_the_same_weights(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPICK_CACHE", str(tmp_path))
    job = job_of()
    allocator = Allocator(limit=0, key="abc")
    mapped = allocator.adopt("vector", job.data.tensors["vector"].numpy())
    assert isinstance(mapped, np.memmap)
    data = DeviceData(Store(arrays={"vector": mapped}, on_disk=True), job.data.inputs, "cpu", job.truth)
    in_memory, on_disk = weights_of(run(job).network), weights_of(run(replace(job, data=data)).network)
    assert all(torch.equal(in_memory[name], on_disk[name]) for name in in_memory)
    folder = allocator.folder
    assert folder is not None
    allocator.release()
    assert not folder.exists()


def test_seconds_become_steps() -> None:
    plan = Plan(
        seed=0,
        device="cpu",
        threads=1,
        budget_seconds=10.0,
        baseline_seconds=1.0,
        refit=False,
        learning_rate_trials=1,
        rows={"train": 50_000, "validation": 1000, "test": 1000},
        candidates=(),
    )
    candidate = CandidatePlan(name="a", family="mlp", settings={}, recipe=Recipe(batch_size=100), seed=0)
    probe = Probe(step_seconds={1: 0.02, 2: 0.01}, evaluation_seconds=0.05, predict_seconds=0.2)
    made = planned(candidate, probe, 5.0, plan)
    assert 400 < made.steps <= 500
    assert made.step_ms == {1: 20.0, 2: 10.0}
    assert planned(candidate, probe, 1e6, plan).steps == 50_000  # 100 epochs repay themselves, more do not
    assert 200 < planned(candidate, probe, 5.0, replace(plan, refit=True)).steps <= 250


def test_streams_go_on_from_batch_to_batch_and_begin_elsewhere_in_each_epoch() -> None:
    rows = np.arange(100, 203)
    feed = streams(rows, 8, seed=3)
    first = [next(feed)[0] for _ in range(12)]
    second = [next(feed) for _ in range(12)]
    assert {epoch for _, epoch in second} == {1}
    for before, after in pairwise(first):
        goes_on = (after == before + 1) | (before == 202)
        assert goes_on.all()
    assert len(torch.cat(first).unique()) == 96
    assert not torch.equal(first[0], second[0][0])
    again = streams(rows, 8, seed=3, skip=14)
    assert torch.equal(next(again)[0], second[2][0])
