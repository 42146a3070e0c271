"""What every network of pairs must do, run over each entry of MODELS that reads them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from netpick.answers.decoding import END
from netpick.answers.translations import SUMS as SUMS_OF_ANSWER
from netpick.answers.translations import TRANSLATIONS
from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.fused import Costs
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.pair_network import GREEDILY, NOTHING, SUMS, PairNetwork, generating
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

FAMILIES = [family for family, form in MODELS if form == "pair"]
SOURCE, TARGET, SYMBOLS = 7, 6, 20
SPEC = InputSpec(
    form="pair", shape=(SOURCE + TARGET,), cardinalities=(SYMBOLS,), ahead=(1, SOURCE, TARGET, 100, 2, 4, 5, 5, 5, 5)
)
INPUTS: Inputs = {"pair": SPEC}
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def build(family: str, seed: int = 0, **settings: Any) -> PairNetwork:
    torch.manual_seed(seed)
    chosen = replace(MODELS[family, "pair"].presets(INPUTS, 100, 1), **{"dropout": 0.0, **settings})
    network = build_network(family, chosen, INPUTS, SUMS)
    assert isinstance(network, PairNetwork)
    for weight in network.parameters():  # layers that begin as nothing added see nothing yet
        weight.data.add_(0.1 * torch.randn_like(weight))
    return network


def pairs(rows: int, seed: int = 1) -> Tensor:
    """Sources of 2 to 6 symbols and targets of 1 to 4, each with its end."""
    generator = torch.Generator().manual_seed(seed)
    made = torch.zeros((rows, SOURCE + TARGET), dtype=torch.int64)
    for row in made:
        for start, least, most in ((0, 2, SOURCE), (SOURCE, 1, TARGET - 1)):
            length = int(torch.randint(least, most, (1,), generator=generator))
            row[start : start + length] = torch.randint(3, SYMBOLS, (length,), generator=generator)
            row[start + length] = END
    return made


def sums(network: PairNetwork, batch: Tensor) -> Tensor:
    with torch.no_grad(), generating(network.eval(), NOTHING):
        return network({"pair": batch})


def test_every_family_reads_pairs() -> None:
    assert set(FAMILIES) == {"cnn", "rnn", "transformer"}
    assert main_form(INPUTS) == "pair"
    assert families_for(INPUTS) == tuple(FAMILIES)
    assert SUMS == SUMS_OF_ANSWER


@every_family
def test_a_step_is_what_all_steps_together_are(family: str) -> None:
    network, batch = build(family).eval(), pairs(4)
    source, target = network._sides(batch)
    known = source > 0
    with torch.no_grad():
        memory = network.trunk.read(network._vectors(source), known)
        vectors = network._vectors(torch.cat([torch.full_like(target[:, :1], END), target[:, :-1]], dim=1))
        together = network.trunk.taught(vectors, memory, known)
        state = network.trunk.begin(memory)
        for place in range(vectors.shape[1]):
            said = network.trunk.step(vectors[:, place], state, memory, known)
            state = said.state
            torch.testing.assert_close(said.features, together[:, place], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(said.attention.sum(dim=1), torch.ones(4))
            assert not said.attention[~known].any()


def test_the_gradient_of_costs_is_that_of_their_parts() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((5, 4), (9, 4), (9,)))
    features, weight, bias = (part.requires_grad_() for part in drawn)
    came = torch.tensor([0, 8, 3, 3, 1])
    logs = (features @ weight.T + bias).log_softmax(dim=1)
    expected = torch.stack([-logs.gather(1, came.unsqueeze(1)).squeeze(1), -logs.mean(dim=1)], dim=1)
    torch.testing.assert_close(Costs.apply(features, weight, bias, came, True), expected)
    torch.testing.assert_close(Costs.apply(features, weight, bias, came, False), expected)
    assert torch.autograd.gradcheck(lambda f, w, b: Costs.apply(f, w, b, came, True), (features, weight, bias))


@every_family
def test_costs_are_those_of_the_target_and_depend_on_the_source(family: str) -> None:
    network, batch = build(family), pairs(4)
    costs, even, counts = sums(network, batch).unbind(dim=1)
    assert torch.equal(counts, (batch[:, SOURCE:] > 0).sum(dim=1).float())
    assert (costs > 0).all()
    assert (even > 0).all()
    changed = batch.clone()
    changed[:, 0] = 3 + (batch[:, 0] - 2) % (SYMBOLS - 3)
    assert not torch.isclose(sums(network, changed)[:, 0], costs).any()
    blank = batch.clone()
    blank[:, SOURCE:] = 0
    assert not sums(network, blank).any()


@every_family
def test_rows_do_not_affect_each_other(family: str) -> None:
    network, batch = build(family), pairs(5)
    together = sums(network, batch)
    alone = torch.cat([sums(network, batch[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        several = network({"pair": batch})[:, SUMS:]
        for row in range(5):
            one = network({"pair": batch[row : row + 1]})[0, SUMS:]
            assert several[row][several[row] > 0].tolist() == one[one > 0].tolist()


@every_family
def test_what_is_generated_keeps_its_limits_and_does_not_look_at_the_target(family: str) -> None:
    network, batch = build(family), pairs(6)
    network.eval()
    blank = batch.clone()
    blank[:, SOURCE:] = 0
    with torch.no_grad():
        for beam in (GREEDILY, 3):
            with generating(network, beam):
                said, again = (network({"pair": rows})[:, SUMS:] for rows in (batch, blank))
            assert torch.equal(said, again)
            most = (batch[:, :SOURCE] > 0).sum(dim=1) + 2
            assert ((said > 0).sum(dim=1) <= most.clamp(max=TARGET)).all()
            assert not ((said == 1) | (said == END)).any()


@every_family
def test_every_parameter_gets_a_gradient_and_pairs_are_learned_by_heart(family: str) -> None:
    network, rows = build(family), pairs(4)
    loss = TRANSLATIONS.loss(Recipe(label_smoothing=0.0), None)
    optimizer = Adam([list(network.parameters())], lr=5e-3, weight_decays=[0.0])
    for _ in range(60):
        network.train()
        value = loss(network({"pair": rows}), torch.zeros(4)).mean()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    with torch.no_grad():
        said = network.eval()({"pair": rows})[:, SUMS:].long()
    for made, row in zip(said, rows[:, SOURCE:], strict=True):
        assert made[made > 0].tolist() == row[row > END].tolist()


@every_family
def test_the_same_seed_gives_the_same_network_and_settings_round_trip(family: str) -> None:
    batch = pairs(3)
    first, second, other = (build(family, seed) for seed in (3, 3, 4))
    assert torch.equal(sums(first, batch), sums(second, batch))
    other.load_state_dict(first.state_dict())
    assert torch.equal(sums(first, batch), sums(other, batch))
    architecture = MODELS[family, "pair"]
    for rows in (20, 200_000):
        settings: Any = architecture.presets(INPUTS, rows, 1)
        text = TypeAdapter(architecture.Settings).dump_json(settings)
        assert settings_from_json(family, INPUTS, json.loads(text)) == settings
        recipe = architecture.recipe(INPUTS, rows, 1)
        assert TypeAdapter(Recipe).validate_json(TypeAdapter(Recipe).dump_json(recipe)) == recipe
