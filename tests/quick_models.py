"""One trained network as a model, made by the real stages but for baselines, contest and files: for tests that look inside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import torch
from pydantic import TypeAdapter

from netpick.answers.metrics import METRICS
from netpick.columns.store import Allocator
from netpick.contest.candidates import Contestants, make_candidates
from netpick.contest.prepare import FitOptions, prepare, silent
from netpick.models.infer import DeviceData
from netpick.saved.artifact import LoadedModel
from netpick.saved.engines import TorchEngine
from netpick.saved.parts import ModelParts
from netpick.saved.record import FORMAT, EncoderRecord, ModelRecord
from netpick.saved.use import Model
from netpick.training.job import Job
from netpick.training.train import train

EVERY_CODE = tuple(f"D{number:03d}" for number in range(100))  # what is wrong with small made-up data is no matter here


def quick_model(data: object, *, steps: int = 0, recipe: str | None = None, **options: Any) -> Model:
    """A model of the one network that `options` name (models= or layers=), trained for so many steps; 0 leaves it as it begins."""
    prepared = prepare(data, FitOptions(accept=EVERY_CODE, **options))
    inputs, task, state = prepared.inputs, prepared.task, prepared.state
    store = prepared.store(Allocator(limit=1 << 30, key=prepared.source.fingerprint))
    held = DeviceData(store, inputs, "cpu", prepared.learned_target)
    asked = Contestants(
        inputs=inputs,
        num_outputs=task.answer.num_outputs(state),
        num_rows=len(prepared.split.train),
        labels=task.answer.labels(state),
        device="cpu",
        seed=0,
        models=options.get("models"),
        layers=options.get("layers", ()),
        modules=options.get("modules", ()),
        recipe=recipe,
    )
    (candidate,) = make_candidates(asked)
    primary = task.answer.primary(prepared.num_scores, 0.5)
    plan = replace(candidate.plan, steps=steps, looks=max(1, steps // 100))
    job = Job(
        plan=plan,
        build=candidate.build,
        task=task,
        target_state=state,
        data=held,
        truth=prepared.truth,
        train=prepared.split.train,
        validation=prepared.split.validation,
        primary=METRICS[primary],
    )
    if steps:
        network = train(job, silent).network
    else:
        torch.manual_seed(0)
        network = candidate.build()
    network.eval()
    record = ModelRecord(
        format=FORMAT,
        netpick="test",
        title=prepared.source.name,
        created="",
        candidate=plan.name,
        family=plan.family,
        settings=dict(plan.settings),
        module=plan.name if plan.module else None,
        task=task.name,
        task_state=json.loads(TypeAdapter(task.State).dump_json(state)),
        targets=tuple(prepared.target.names),
        encoders=tuple(EncoderRecord(**encoder.to_json()) for encoder in prepared.encoders),
        inputs=dict(inputs),
        num_outputs=task.answer.num_outputs(state),
        labels=tuple(prepared.target.labels),
        threshold=None,
        primary_metric=primary,
        scores={},
        missing=(),
        formats=dict(prepared.source.formats),
        layout=prepared.source.layout,
        fingerprint=prepared.source.fingerprint,
        versions={},
        label_from=None if prepared.source.layout != "sound_folder" else options["read"].label_from,
    )
    loaded = LoadedModel(
        record=record, encoders=prepared.encoders, task_state=state, inputs=inputs, network=network, card=""
    )
    parts = ModelParts(record=record, encoders=prepared.encoders, task_state=state, card="")
    return Model(parts=parts, engine=TorchEngine(loaded=loaded))
