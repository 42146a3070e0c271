"""What every head must do on the features of every network that emits them, and a tiny network of each geometry that learns.

Heads for whole rows are run over by test_models.py; here are answers for the steps and the places of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from netpick.columns.batches import batch_rows
from netpick.columns.store import Store
from netpick.errors import RequestError
from netpick.models.infer import DeviceData, predict_answers, predict_outputs, values_of
from netpick.models.networks import MODELS, main_form, main_input
from netpick.models.networks.grid_cnn import GridCnnSettings
from netpick.models.networks.heads import HEADS
from netpick.models.networks.network import Network, build_network
from netpick.models.networks.rnn import RnnSettings
from netpick.tasks import TASKS
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from tests.conformance.test_models import CASES, TEXT, Case, make_batch, over_values, random_values, taken

OUTPUTS = 3
ROWS = 6


# The shape of the outputs of a row of these extents (B, ...); a new geometry adds one line here.
SHAPES: dict[str, Callable[[Sequence[int]], tuple[int, ...]]] = {
    "steps": lambda row: (row[0], row[1], OUTPUTS + 1),  # behind them, whether the row has the step
    "map": lambda row: (row[0], OUTPUTS, *row[-2:]),
}


def emitting(geometry: str) -> list[Case]:
    """Those of the models' suite whose trunk of the main input has such features."""
    found = []
    for case in CASES:
        form = main_form(case.inputs)
        if form == "table":
            continue
        with torch.random.fork_rng(devices=[]):
            trunk = MODELS[case.family, form].build({form: case.inputs[main_input(case.inputs)]}, case.chosen())
        if HEADS[geometry].width(trunk):
            found.append(case)
    return found


EMITTING = {name: emitting(name) for name in SHAPES}
STEPS, PLACES = EMITTING["steps"], EMITTING["map"]
every_step = pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
EVERY = [pytest.param(case, name, id=f"{case.name}-{name}") for name in SHAPES for case in EMITTING[name]]
every_case = pytest.mark.parametrize(("case", "geometry"), EVERY)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network_of(case: Case, geometry: str) -> Network:
    torch.manual_seed(0)
    network = build_network(case.family, case.chosen(), case.inputs, OUTPUTS, geometry)
    assert isinstance(network, Network)
    return network


def valid(batch: dict[str, Tensor], case: Case, outputs: Tensor) -> Tensor:
    """Outputs (n, O) of the steps or places that are no padding."""
    main = main_input(case.inputs)
    mask = batch.get(f"{main}.mask")
    if outputs.ndim == 4:  # (B, O, H, W)
        outputs = outputs.movedim(1, -1)
        return outputs.flatten(0, -2) if mask is None else outputs[mask].flatten(0, 1)
    return outputs.flatten(0, 1) if mask is None else outputs[mask]


def test_there_is_a_head_for_every_geometry_and_networks_for_every_head() -> None:
    assert set(HEADS) == {"pooled", *SHAPES}
    assert {main_form(case.inputs) for case in STEPS} >= {"tokens", "series", "spectrogram", "clip"}
    assert {main_form(case.inputs) for case in PLACES} >= {"grid", "spectrogram"}


@every_case
def test_there_are_outputs_for_every_step_or_place(case: Case, geometry: str) -> None:
    network = network_of(case, geometry).eval()
    for rows in (1, ROWS):
        batch = make_batch(case.inputs, rows)
        outputs = values_of(network(batch))
        assert outputs.shape == SHAPES[geometry](batch[main_input(case.inputs)].shape)
        assert torch.isfinite(outputs).all()


@every_case
def test_every_parameter_gets_a_gradient_but_those_of_pooling(case: Case, geometry: str) -> None:
    network = network_of(case, geometry).train()
    batch = make_batch(case.inputs, 32)
    outputs = valid(batch, case, values_of(network(batch)))
    target = torch.arange(len(outputs)) % OUTPUTS
    functional.cross_entropy(outputs, target).backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    # Filters of the CNN for texts are maxima over a text: its steps are what they read.
    assert not [name for name in missing if "attention." not in name and "convolutions." not in name]


@every_case
def test_rows_do_not_affect_each_other(case: Case, geometry: str) -> None:
    network = network_of(case, geometry).eval()
    batch = make_batch(case.inputs, ROWS)
    together = values_of(network(batch))
    for row in range(ROWS):
        one = taken(batch, lambda tensor, row=row: tensor[row : row + 1])  # type: ignore[misc]
        alone = values_of(network(one))
        torch.testing.assert_close(
            valid(one, case, together[row : row + 1]), valid(one, case, alone), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("case", "geometry"), [p for p in EVERY if any(spec.padded for spec in p.values[0].inputs.values())]
)
def test_the_values_of_padded_steps_do_not_matter(case: Case, geometry: str) -> None:
    network = network_of(case, geometry).eval()
    batch = make_batch(case.inputs, ROWS)
    noisy = dict(batch)
    for name, spec in case.inputs.items():
        if spec.padded:
            noise = random_values(spec, ROWS, torch.Generator().manual_seed(9))
            noisy[name] = torch.where(over_values(batch[f"{name}.mask"], spec), batch[name], noise)
    quiet, loud = (valid(batch, case, values_of(network(one))) for one in (batch, noisy))
    torch.testing.assert_close(quiet, loud, rtol=1e-4, atol=1e-5)


@every_step
def test_steps_that_are_read_as_one_have_the_same_outputs(case: Case) -> None:
    network = network_of(case, "steps").eval()
    outputs = values_of(network(make_batch(case.inputs, 2)))
    group = network.head.group
    for step in range(5):  # fewer than the shortest row has
        same = torch.equal(outputs[:, step], outputs[:, step + 1])
        assert same == (step // group == (step + 1) // group), step


def test_a_family_that_reads_rows_as_a_whole_says_so() -> None:
    case = next(case for case in CASES if case.name == "mlp-series-equal")
    with pytest.raises(RequestError, match="one for every step"):
        build_network("mlp", case.chosen(), case.inputs, OUTPUTS, "steps")


def trained(network: Network, batch: dict[str, Tensor], truth: Tensor, kept: Tensor, steps: int) -> Tensor:
    """Classes of all steps or places after some steps of training; `kept`: those that count."""
    optimizer = Adam([list(network.parameters())], lr=1e-2, weight_decays=[0.01])
    network.train()
    for _ in range(steps):
        outputs = values_of(network(batch))
        outputs = outputs if network.geometry == "steps" else outputs.movedim(1, -1)
        loss = functional.cross_entropy(outputs[kept], truth[kept])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.eval()
    outputs = values_of(network(batch))
    return outputs.argmax(dim=2 if network.geometry == "steps" else 1)


def test_a_tiny_classifier_of_steps_learns_what_came_before_each() -> None:
    inputs: Inputs = {"series": InputSpec(form="series", shape=(12, 1), padded=True)}
    series = torch.randn(96, 12, 1, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(12) < torch.randint(5, 13, (96, 1), generator=torch.Generator().manual_seed(1))
    before = functional.pad(series[:, :-1, 0], (1, 0))
    truth = (series[:, :, 0] > before).long()  # whether it rises
    torch.manual_seed(0)
    network = build_network("rnn", RnnSettings(cell="gru", width=16), inputs, 2, "steps")
    assert isinstance(network, Network)
    said = trained(network, {"series": series, "series.mask": mask}, truth, mask, 150)
    assert (said == truth)[mask].float().mean() > 0.95


@pytest.mark.parametrize(("stride", "least"), [(1, 0.95), (2, 0.6)])  # of a coarser map the edges are rough
def test_a_tiny_classifier_of_places_finds_the_bright_square(stride: int, least: float) -> None:
    inputs: Inputs = {"grid": InputSpec(form="grid", shape=(1, 12, 12), mean=(0.3,), std=(0.2,))}
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 110, (48, 1, 12, 12), dtype=torch.uint8, generator=generator)
    truth = torch.zeros(48, 12, 12, dtype=torch.long)
    for image, places in zip(images, truth, strict=True):
        row, column = torch.randint(0, 7, (2,), generator=generator).tolist()
        image[0, row : row + 5, column : column + 5] += 110
        places[row : row + 5, column : column + 5] = 1
    torch.manual_seed(0)
    network = build_network("cnn", GridCnnSettings(width=8, stages=1, stride=stride), inputs, 2, "map")
    assert isinstance(network, Network)
    said = trained(network, {"grid": images}, truth, torch.ones_like(truth, dtype=torch.bool), 60)
    common = ((said == 1) & (truth == 1)).sum()
    either = ((said == 1) | (truth == 1)).sum()
    assert common / either > least  # intersection over union


def test_answers_of_batches_of_unequal_length_are_joined() -> None:
    """Texts come in batches of like length, and the steps of a batch are as many as those of its longest text."""
    case = next(case for case in STEPS if case.inputs == {"tokens": TEXT})
    rows = batch_rows(case.inputs) + 40
    lengths = np.arange(rows, dtype=np.int32) % TEXT.shape[0] + 1
    tokens = np.random.default_rng(0).integers(1, TEXT.cardinalities[0], (rows, *TEXT.shape), dtype=np.int32)
    tokens[np.arange(TEXT.shape[0]) >= lengths[:, None]] = 0
    data = DeviceData(Store(arrays={"tokens": tokens, "tokens.lengths": lengths}), case.inputs, "cpu")
    network = network_of(case, "steps")
    some = np.flatnonzero(lengths < 8)[:5].tolist() + np.flatnonzero(lengths == TEXT.shape[0])[:2].tolist()
    together = values_of(predict_outputs(network, data, np.arange(rows)))
    answered = predict_answers(network, data, np.arange(rows), TASKS["classify"].answer)
    for row in some:
        alone = values_of(predict_outputs(network, data, np.array([row])))[0]
        torch.testing.assert_close(together[row, : lengths[row]], alone)
        np.testing.assert_allclose(answered[row, : lengths[row]], alone.softmax(-1), rtol=1e-4, atol=1e-6)


def test_an_answer_joins_steps_of_unequal_length() -> None:
    whole = TASKS["classify"].answer.joined([np.ones((2, 3, 4)), np.ones((1, 5, 4))])
    assert whole.shape == (3, 5, 4)
    assert whole.sum(axis=(1, 2)).tolist() == [12, 12, 20]
