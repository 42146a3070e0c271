"""Every task in TASKS keeps the contract of tasks/base.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import torch
from pydantic import TypeAdapter

from netpick.errors import RequestError
from netpick.models.infer import Members, answers_of
from netpick.tasks import TASKS
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import Source, TableColumn
from netpick.types.recipe import Recipe

N = 120
rng = np.random.default_rng(0)

# Target cells for each task; a new task adds one line here.
SAMPLES: dict[str, Callable[[], dict[str, list[object]]]] = {
    "classify": lambda: {"y": [["cat", "dog", "eel"][i % 3] for i in range(N)]},
    "multilabel": lambda: {"y": [["sea|beach", "sea", "hill|sea", "beach"][i % 4] for i in range(N)]},
    "regress": lambda: {"y": np.random.default_rng(1).normal(40, 9, N).tolist()},
    "transcribe": lambda: {"y": [["yes no", "No, yes: yes", "no no no"][i % 3] for i in range(N)]},
    "translate": lambda: {"y": [["the old cat sees a dog", "a dog hears the cat", "nobody"][i % 3] for i in range(N)]},
    "next": lambda: {"y": [f"line {i} of a text\nthat goes on" for i in range(N)]},
    "generate": lambda: {"y": [["cat", "dog", "eel"][i % 3] for i in range(N)]},
    "music": lambda: {"y": [f"67 62 59 43\n67 62 59 4{i % 5}" for i in range(N)]},
    "tag": lambda: {"y": [["O B-sea I-sea O", "O", "B-hill O", "O O O"][i % 4] for i in range(N)]},
    "segment": lambda: {"y": [f"sea: {10 + i}; hill: 4" for i in range(N)]},
    "detect": lambda: {
        "y": [
            ['[["cell", 0, 0, 9, 9], ["speck", 20, 3, 24, 9]]', "[]", '[["cell", 5, 5, 9, 9]]'][i % 3] for i in range(N)
        ]
    },
    "forecast": lambda: {"y": np.random.default_rng(2).normal(40, 9, N).tolist()},
}
VARIANTS: dict[str, dict[str, list[object]]] = {
    "multilabel": {"a": [i % 2 == 0 for i in range(N)], "b": ["yes" if i % 3 else "no" for i in range(N)]},
    "regress": {"a": [float(i) for i in range(N)], "b": [i * 0.5 + 0.25 for i in range(N)]},
    "classify": {"y": [i % 4 for i in range(N)]},
}
tasks = pytest.mark.parametrize("name", sorted(TASKS))
# Of the others, such as forecasts, columns alone do not say that they are asked for.
recognising = pytest.mark.parametrize("name", sorted(name for name, task in TASKS.items() if not task.asked))


def source_of(cells: dict[str, list[object]]) -> Source:
    columns = {"x": pl.Series("x", rng.normal(size=N)), **{k: pl.Series(k, v) for k, v in cells.items()}}
    return Source(
        name="sample",
        origin="test",
        layout="frame",
        num_rows=N,
        fingerprint="0",
        columns={k: TableColumn(name=k, values=v) for k, v in columns.items()},
    )


def columns_of(cells: dict[str, list[object]]) -> list[TableColumn]:
    return [TableColumn(name=k, values=pl.Series(k, v)) for k, v in cells.items()]


def test_every_task_has_a_sample() -> None:
    assert set(SAMPLES) == set(TASKS)


@recognising
@pytest.mark.parametrize("samples", [SAMPLES, {k: lambda v=v: v for k, v in VARIANTS.items()}])
def test_recognises_its_own_target(name: str, samples: dict[str, Callable[[], dict[str, list[object]]]]) -> None:
    cells = samples.get(name, SAMPLES[name])()
    schema = infer_schema(source_of(cells), SchemaOptions(target=tuple(cells)))
    assert schema.task == name
    assert [f.name for f in schema.targets] == list(cells)


@tasks
def test_state_survives_json(name: str) -> None:
    task, columns = TASKS[name], columns_of(SAMPLES[name]())
    state = task.fit(columns, np.arange(N))
    adapter = TypeAdapter(task.State)
    restored = adapter.validate_json(adapter.dump_json(state))
    assert restored == state
    assert np.array_equal(task.encode(columns, restored), task.encode(columns, state))
    if task.examples == "windows":  # mean and three quantiles of each step and target, and the number of the series
        assert task.answer.num_outputs(state) == 4 * state.horizon * len(task.answer.labels(state)) + 1
    elif task.answer.stepwise:  # what the known target costs, before what is generated
        assert task.answer.num_outputs(state) == 3
    elif task.answer.texts:  # of each step
        assert task.answer.num_outputs(state) == state.num_symbols
    elif task.answer.sequences:  # what each symbol of a block costs, and its rank
        shared = 3 * state.voices if task.answer.heard else 2  # and of notes what is guessed
        assert task.answer.num_outputs(state) == shared * state.block
    else:
        assert task.answer.num_outputs(state) == len(task.answer.labels(state))


@tasks
def test_perfect_outputs_decode_to_the_truth(name: str) -> None:
    task, columns = TASKS[name], columns_of(SAMPLES[name]())
    state = task.fit(columns, np.arange(N))
    if task.answer.made_up:
        pytest.skip("nothing is said of a row")
    truth = task.encode(columns, state)
    target = torch.from_numpy(task.answer.target(truth, state))
    if task.answer.one_class:
        outputs = torch.nn.functional.one_hot(target, task.answer.num_outputs(state)).float() * 50
    elif task.answer.any_labels:
        outputs = (target * 2 - 1) * 50
    elif task.examples == "windows":
        outputs = torch.cat([target.repeat_interleave(4, dim=1), torch.zeros(N, 1)], dim=1)
    elif task.answer.stepwise:
        outputs = torch.cat([torch.zeros(N, 3), torch.from_numpy(task.answer.standardised(truth, state))], dim=1)
    elif task.answer.texts:
        frames = task.answer.standardised(truth, state).reshape(N, -1, task.answer.num_outputs(state))
        outputs = torch.from_numpy(frames)
    elif task.answer.each_token:
        known = target >= 0
        certain = torch.nn.functional.one_hot(target.clamp(min=0), task.answer.num_outputs(state)).float() * 50
        outputs = torch.cat([certain, known.float().unsqueeze(2)], dim=2)
    elif task.answer.each_pixel:
        certain = torch.nn.functional.one_hot(target.long(), task.answer.num_outputs(state)).float() * 50
        outputs = certain.permute(0, 3, 1, 2)
    elif task.answer.sequences:
        known = (target > 0).float().flatten(1)
        others = [target.float().flatten(1)] if task.answer.heard else []
        outputs = torch.cat([torch.zeros(known.shape), known, *others], dim=1)
    elif task.answer.each_object:
        kinds = torch.nn.functional.one_hot(target[..., 4].long(), len(state.labels)).float()
        certain = (kinds * (target[..., 5:6] == 1) * 2 - 1) * 50
        outputs = torch.cat([certain, target[..., :4], torch.zeros(*target.shape[:2], 3)], dim=2)
    else:
        outputs = target
    predictions = task.answer.decode(task.answer.answer(outputs).numpy(), state)
    if task.answer.quantities:
        np.testing.assert_allclose(predictions.stated, truth, rtol=1e-5)
    elif task.answer.texts:
        assert np.array_equal(predictions.stated, truth)
    elif task.answer.sequences:
        assert (predictions.stated == 1).all()
    elif task.answer.each_object:
        assert np.array_equal(predictions.kept.sum(axis=1), (truth[..., 5] == 1).sum(axis=1))
        assert np.array_equal(predictions.boxes[0][predictions.classes[0] == 0], truth[0, :1, :4])
    else:
        assert np.array_equal(task.answer.decide(predictions), truth)


@tasks
def test_members_are_averaged_and_single_outputs_agree(name: str) -> None:
    answer = TASKS[name].answer.answer
    if TASKS[name].answer.texts:
        pytest.skip("nothing lies between two texts")
    if TASKS[name].answer.each_pixel:
        outputs = torch.randn(7, 3, 2, 2, generator=torch.Generator().manual_seed(0))
        together = answers_of(answer, Members(torch.stack([outputs] * 4, dim=1)))
        torch.testing.assert_close(answer(outputs), together)
        return
    if TASKS[name].answer.each_object:
        pytest.skip("boxes have no mean")
    outputs = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(answer(outputs), answers_of(answer, Members(torch.stack([outputs] * 4, dim=1))))


@tasks
def test_every_loss_of_its_answer_falls_when_outputs_are_optimised(name: str) -> None:
    task, columns = TASKS[name], columns_of(SAMPLES[name]())
    state = task.fit(columns, np.arange(N))
    target = torch.from_numpy(task.answer.target(task.encode(columns, state), state))
    if task.answer.each_object:
        pytest.skip("outputs are of places: tests/tasks/test_boxes.py")
    for loss in task.answer.losses(Recipe(), None):
        loss_function = task.answer.loss(Recipe(loss=loss), None)
        frames = task.answer.texts and not task.answer.stepwise
        first = float(task.answer.stepwise)  # costs, and the symbols that they are of
        *steps, width = (8, task.answer.num_outputs(state)) if frames else task.answer.shape(state)
        if task.answer.each_pixel:  # of any size: here as large as the target
            *steps, width = (task.answer.num_outputs(state), *target.shape[1:])
        outputs = torch.full((N, *steps, width + task.answer.each_token), first, requires_grad=True)
        losses = []
        for step in range(60):
            said = outputs.log_softmax(dim=2) if frames else outputs
            losses.append(loss_function(said, target).mean())
            (gradient,) = torch.autograd.grad(losses[-1], outputs)
            with torch.no_grad():
                outputs.sub_(0.3 * (1 - step / 60) * gradient.sign())
        assert loss_function(outputs, target).shape == (N,), loss
        assert losses[-1] < 0.5 * losses[0], loss


@tasks
def test_the_first_loss_is_the_one_unless_another_is_asked_for(name: str) -> None:
    answer = TASKS[name].answer
    first = next(iter(answer.losses(Recipe(), None)))
    with pytest.raises(RequestError, match=f"Loss 'none_such' was asked for, but .* are trained with {first}"):
        answer.loss(Recipe(loss="none_such"), None)


@tasks
def test_missing_targets_are_unlabelled_rows(name: str) -> None:
    cells = SAMPLES[name]()
    cells["y"][4] = None
    task, columns = TASKS[name], columns_of(cells)
    state = task.fit(columns, np.arange(N))
    labelled = task.answer.labelled(task.encode(columns, state))
    if name == "multilabel":  # of one column: an empty cell lists none of the labels
        assert labelled[4]
        assert not task.encode(columns, state)[4].any()
        return
    assert not labelled[4]
    assert labelled.sum() == N - 1


def test_classes_are_sorted_as_numbers_when_all_are_numbers() -> None:
    task = TASKS["classify"]
    columns = columns_of({"y": [10, 9, 2, 1] * 5})
    assert task.answer.labels(task.fit(columns, np.arange(20))) == ("1", "2", "9", "10")


def test_class_weights_change_the_loss_of_their_class_only() -> None:
    task = TASKS["classify"]
    outputs, target = torch.zeros(2, 2), torch.tensor([0, 1])
    plain = task.answer.loss(Recipe(), None)(outputs, target)
    weighted = task.answer.loss(Recipe(), (1.0, 3.0))(outputs, target)
    torch.testing.assert_close(weighted, plain * torch.tensor([1.0, 3.0]))
