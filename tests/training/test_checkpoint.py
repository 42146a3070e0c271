"""Checkpoints: a training that was stopped any number of times gives the weights of one that was not, and damage is noticed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_pairs import small_pairs

from netpick.answers.metrics import METRICS
from netpick.columns.store import Store
from netpick.disk.strict import RefusedError
from netpick.errors import Interrupted
from netpick.models.infer import DeviceData, weights_of
from netpick.models.networks import MODELS, main_form
from netpick.models.networks.network import build_network
from netpick.models.networks.pair_rnn import PairRnnSettings
from netpick.models.networks.pretrained_cnn import PretrainedCnnSettings
from netpick.models.networks.rnn import TextRnnSettings
from netpick.models.networks.text_rnn import StreamRnnSettings
from netpick.tasks.pairs.state import TRANSLATE, new_state, pair_inputs, pair_rows, truth_of
from netpick.tasks.tag.state import TAG, TagState
from netpick.tasks.text.state import NEXT
from netpick.training.checkpoint import Checkpoints, read_checkpoint
from netpick.training.job import Job, Trained
from netpick.training.train import train
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe
from tests.training.test_engine import job_of

RECIPES = {
    "adamw, average, dropout": Recipe(learning_rate=0.01, batch_size=32, average=0.9, weight_decay=0.01),
    "muon, plateau": Recipe(learning_rate=0.02, batch_size=48, optimizer="muon", schedule="plateau"),
    "rmsprop, patience": Recipe(learning_rate=0.003, batch_size=20, optimizer="rmsprop", patience=3),
    "sgd, step": Recipe(learning_rate=0.05, batch_size=64, optimizer="sgd", schedule="step"),
}


def stopping_at(*steps: int) -> Callable[[], bool]:
    """Interrupts before these calls, counted over all trainings that share it."""
    calls = iter(range(1, 1_000_000))
    return lambda: next(calls) in steps


def finished(job: Job, folder: Path, interrupted: Callable[[], bool]) -> tuple[Trained, int]:
    """Starts over until the training ends; returns it with the number of interruptions."""
    for count in range(100):
        resumed = replace(job, checkpoints=Checkpoints(folder), interrupted=interrupted)
        try:
            return train(resumed, lambda event: None), count
        except Interrupted:
            continue
    raise AssertionError("it never ended")


def assert_same(first: Trained, second: Trained) -> None:
    ours, theirs = weights_of(first.network), weights_of(second.network)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert first.best_step == second.best_step
    assert [replace(p, seconds=0.0) for p in first.history] == [replace(p, seconds=0.0) for p in second.history]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_interrupted_training_ends_with_the_same_weights(recipe: Recipe, tmp_path: Path) -> None:
    job = replace(job_of(recipe, steps=90), plan=replace(job_of(recipe, steps=90).plan, looks=9))
    whole = train(job, lambda event: None)
    pieces, count = finished(job, tmp_path / "kept", stopping_at(1, 2, 17, 40, 41, 90))
    assert count >= 5  # one of them stops early
    assert_same(whole, pieces)


def images() -> tuple[Inputs, Store, str]:
    values = np.random.default_rng(0).integers(0, 255, (256, 1, 12, 12), dtype=np.uint8)
    return (
        {"grid": InputSpec(form="grid", shape=(1, 12, 12), mean=(0.5,), std=(0.3,))},
        Store(arrays={"grid": values}),
        "cnn",
    )


def pretrained() -> tuple[Inputs, Store, str]:
    """Of which a part is held as it is in the first steps."""
    inputs, store, _ = images()
    return inputs, store, "cnn_pretrained"


def texts() -> tuple[Inputs, Store, str]:
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 13, 256).astype(np.int32)
    tokens = generator.integers(2, 40, (256, 12)).astype(np.int32) * (np.arange(12) < lengths[:, None])
    spec = InputSpec(form="tokens", shape=(12,), cardinalities=(40,), padded=True)
    return {"tokens": spec}, Store(arrays={"tokens": tokens, "tokens.lengths": lengths}), "rnn"


def running_text() -> tuple[Inputs, Store, str]:
    """Of which a network carries its state from batch to batch."""
    windows = np.random.default_rng(0).integers(1, 30, (256, 12)).astype(np.int32)
    spec = InputSpec(form="stream", shape=(12,), cardinalities=(30,), ahead=(1, 6, 0))
    return {"stream": spec}, Store(arrays={"stream": windows}), "rnn"


PAIRS = small_pairs(256)
PAIR_STATE = new_state(("en", "fr"), ([pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS]))


def pairs() -> tuple[Inputs, Store, str]:
    """Of which batches hold as many symbols, not as many rows."""
    rows = pair_rows([pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS], PAIR_STATE)
    return pair_inputs(PAIR_STATE), Store(arrays={"pair": rows}), "rnn"


def tagged_words() -> tuple[Inputs, Store, str]:
    """Words of sentences, of which some are hidden in training."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 9, 256).astype(np.int32)
    words = generator.integers(2, 20, (256, 8, 6)).astype(np.int32) * (np.arange(8) < lengths[:, None])[..., None]
    spec = InputSpec(form="words", shape=(8, 6), cardinalities=(20,) * 6, padded=True, ahead=(1, 3))
    return {"words": spec}, Store(arrays={"words": words, "words.lengths": lengths}), "rnn"


def table() -> tuple[Inputs, Store, str]:
    values = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)
    return {"vector": InputSpec(form="vector", shape=(4,))}, Store(arrays={"vector": values}), "mlp"


@pytest.mark.parametrize("make", [images, pretrained, texts, table, running_text, pairs, tagged_words])
def test_real_networks_with_augmentation_resume_exactly(
    make: Callable[[], tuple[Inputs, Store, str]], tmp_path: Path
) -> None:
    inputs, store, family = make()
    job = job_of(
        Recipe(learning_rate=0.01, batch_size=32, average=0.95, augment=("shift", "cutout", "token_dropout")), 30
    )
    settings = MODELS[family, main_form(inputs)].presets(inputs, 200, 2)
    if isinstance(settings, PretrainedCnnSettings):
        settings = replace(settings, side=32)
        job = replace(job, plan=replace(job.plan, recipe=replace(job.plan.recipe, held=0.4, body_rate=0.1)))
    if isinstance(settings, TextRnnSettings):
        settings = replace(settings, width=16, dropout=0.2)
    if isinstance(settings, StreamRnnSettings):
        job = replace(job, task=NEXT, primary=METRICS["perplexity"], truth=np.ones((256, 2, 6), dtype=np.int32))
    if isinstance(settings, PairRnnSettings):
        settings = replace(settings, hidden=16, embedding=8)
        job = replace(job, task=TRANSLATE, target_state=PAIR_STATE, primary=METRICS["bleu"])
        job = replace(job, truth=truth_of([pair[1] for pair in PAIRS]))
    if "words" in inputs:
        known = np.arange(8) < store.arrays["words.lengths"][:, None]
        state = TagState(labels=("a", "b"), scheme="none", steps=8)
        truth = np.where(known, store.arrays["words"][..., 0] % 2, -1).astype(np.int64)
        job = replace(job, task=TAG, target_state=state, primary=METRICS["token_accuracy"], truth=truth)
    geometry = job.task.answer.geometry
    job = replace(
        job,
        build=lambda: build_network(family, settings, inputs, 2, geometry),
        data=DeviceData(store, inputs, "cpu", job.truth),
    )
    whole = train(job, lambda event: None)
    pieces, count = finished(job, tmp_path / "kept", stopping_at(3, 11, 12, 29))
    assert count == 4
    assert_same(whole, pieces)


def test_a_finished_training_is_taken_up_at_its_end(tmp_path: Path) -> None:
    job = job_of(steps=20)
    whole = train(job, lambda event: None)
    assert_same(whole, finished(job, tmp_path, stopping_at(20))[0])


# --- damage ----------------------------------------------------------------------------------------------------------


def two_checkpoints(folder: Path) -> Checkpoints:
    kept = Checkpoints(folder)
    for number in (1.0, 2.0, 3.0):
        kept.save({"x": torch.full((50,), number)}, {"step": int(number)})
    return kept


def test_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    kept = two_checkpoints(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["00000002", "00000003"]
    found = kept.load()
    assert found is not None
    assert found.state["step"] == 3
    assert torch.equal(found.tensors["x"], torch.full((50,), 3.0))


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_every_truncation_and_many_flips_are_noticed_and_the_one_before_is_used(name: str, tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    path = tmp_path / "00000003" / name
    whole = path.read_bytes()
    flips = np.random.default_rng(0).choice(len(whole) * 8, min(200, len(whole) * 8), replace=False).tolist()
    damaged = [whole[:size] for size in range(0, len(whole), max(1, len(whole) // 40))]
    for bit in flips:
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(changed))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(RefusedError):
            read_checkpoint(path.parent)
    kept = Checkpoints(tmp_path)
    found = kept.load()
    assert found is not None
    assert found.state["step"] == 2
    assert "checkpoint 00000003 is damaged" in kept.remarks[0]


def test_a_half_written_one_is_no_checkpoint(tmp_path: Path) -> None:
    kept = two_checkpoints(tmp_path)
    half = tmp_path / ".00000004.partial"
    half.mkdir()
    (half / "state.json").write_text(json.dumps({"step": 4}))
    found = kept.load()
    assert found is not None
    assert found.state["step"] == 3
    kept.save({"x": torch.zeros(1)}, {"step": 4})  # takes the place of the half one
    assert not half.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    path = tmp_path / "00000003" / "state.json"
    elsewhere = tmp_path / "elsewhere.json"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(RefusedError, match="a link, not the file that was written"):
        read_checkpoint(path.parent)


@pytest.mark.parametrize("failing", range(6))
def test_a_full_disk_at_any_write_leaves_the_last_one_whole(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = two_checkpoints(tmp_path)
    calls = iter(range(100))
    real = os.fsync

    def full(handle: int) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    if failing < 4:  # three files and the folder
        with pytest.raises(Interrupted, match="No space left on device"):
            kept.save({"x": torch.zeros(9)}, {"step": 4})
    monkeypatch.setattr(os, "fsync", real)
    found = Checkpoints(tmp_path).load()
    assert found is not None
    assert found.state["step"] in (3, 4)
    assert not list(tmp_path.glob(".*"))
