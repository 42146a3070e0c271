"""What every network of texts that go on must do, run over each entry of MODELS that reads them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from netpick.answers.symbols import SYMBOLS
from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.text_network import TextNetwork
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

FAMILIES = [family for family, form in MODELS if form == "stream"]
CONTEXT, BLOCK, SYMBOLS_OF_TEXT = 7, 5, 30
INPUTS: Inputs = {
    "stream": InputSpec(
        form="stream", shape=(CONTEXT + 1 + BLOCK,), cardinalities=(SYMBOLS_OF_TEXT,), ahead=(1, BLOCK, 0)
    )
}
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def build(family: str, seed: int = 0, **settings: Any) -> TextNetwork:
    torch.manual_seed(seed)
    chosen = replace(MODELS[family, "stream"].presets(INPUTS, 100, 1), **{"dropout": 0.0, **settings})
    network = build_network(family, chosen, INPUTS, 2 * BLOCK)
    assert isinstance(network, TextNetwork)
    return network


def symbols(rows: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, SYMBOLS_OF_TEXT, (rows, CONTEXT + 1 + BLOCK), generator=generator)


def test_every_family_reads_texts() -> None:
    assert set(FAMILIES) == {"mlp", "cnn", "rnn", "transformer"}
    assert main_form(INPUTS) == "stream"
    assert families_for(INPUTS) == tuple(FAMILIES)


@every_family
def test_probabilities_are_of_what_came_and_ranks_count_what_was_likelier(family: str) -> None:
    network, rows = build(family).eval(), symbols(3)
    with torch.no_grad():
        logs, ranks = network({"stream": rows}).chunk(2, dim=1)
        whole, _ = network.following(rows[:, :-1], network.start(3))
    assert torch.allclose(whole.exp().sum(dim=1), torch.ones(3), atol=1e-5)
    assert whole[:, 0].max() == float("-inf")
    own = whole.gather(1, rows[:, -1:])
    torch.testing.assert_close(logs[:, -1:], own, rtol=1e-4, atol=1e-4)
    assert torch.equal(ranks[:, -1], 1 + (whole > own).sum(dim=1).float())


@every_family
def test_what_comes_later_is_not_seen(family: str) -> None:
    network, rows = build(family).eval(), symbols(4)
    changed = rows.clone()
    changed[:, -2:] = 3
    with torch.no_grad():
        before, after = (network({"stream": one})[:, : BLOCK - 2] for one in (rows, changed))
    assert torch.equal(before, after)


@every_family
def test_what_went_before_is_seen(family: str) -> None:
    network, rows = build(family).eval(), symbols(4)
    changed = rows.clone()
    changed[:, CONTEXT - 1] = 3
    with torch.no_grad():
        for weight in network.parameters():  # layers that begin as nothing added see nothing yet
            weight.add_(0.1 * torch.randn_like(weight))
        before, after = (network({"stream": one})[:, 0] for one in (rows, changed))
    assert not torch.allclose(before, after)


@every_family
@pytest.mark.parametrize("sampled", [0, 8])
def test_every_parameter_gets_a_gradient_and_a_text_is_learned_by_heart(family: str, sampled: int) -> None:
    network, batch = build(family, sampled=sampled), {"stream": symbols(3)}
    loss = SYMBOLS.loss(Recipe(), None)
    optimizer = Adam([list(network.parameters())], lr=1e-2, weight_decays=[0.01])
    losses = []
    for _ in range(60):
        network.train()
        value = loss(network(batch), torch.zeros(3)).mean()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert losses[-1] < 0.4 * losses[0]
    if network.carries:  # it learned these blocks as beginnings, which nothing goes before
        return
    network.eval()
    with torch.no_grad():
        assert loss(network(batch), torch.zeros(3)).mean() < 0.4 * losses[0]


@every_family
def test_rows_do_not_affect_each_other_and_what_is_no_symbol_costs_nothing(family: str) -> None:
    network, rows = build(family).eval(), symbols(4)
    rows[2, -2:] = 0
    with torch.no_grad():
        together = network({"stream": rows})
        alone = torch.cat([network({"stream": rows[i : i + 1]}) for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert not together[2, [BLOCK - 2, BLOCK - 1, -2, -1]].any()


@every_family
@pytest.mark.parametrize("pieces", [[12], [1] * 12, [5, 1, 1, 5]])
def test_a_text_read_on_from_a_state_is_read_as_a_whole(family: str, pieces: list[int]) -> None:
    """The features that a block is scored by, and those of the same symbols piece by piece."""
    network, rows = build(family).eval(), symbols(3)[:, :-1]
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        features, _ = network.trunk.read(network.embedding(rows), None)
        whole = network._logits(features).log_softmax(dim=-1)
        state, place = network.start(3), 0
        for length in pieces:
            said, state = network.following(rows[:, place : place + length], state)
            place += length
            torch.testing.assert_close(said.exp(), whole[:, place - 1].exp(), rtol=0.0, atol=1e-5)


@every_family
def test_the_same_seed_gives_the_same_network_and_the_state_dict_holds_it(family: str) -> None:
    batch = {"stream": symbols(4)}
    first, second, other = (build(family, seed).eval() for seed in (3, 3, 4))
    assert torch.equal(first(batch), second(batch))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(batch), other(batch))


@every_family
def test_settings_and_recipe_round_trip_through_json(family: str) -> None:
    architecture = MODELS[family, "stream"]
    for rows in (20, 1_000, 200_000):
        settings: Any = architecture.presets(INPUTS, rows, 1)
        text = TypeAdapter(architecture.Settings).dump_json(settings)
        assert settings_from_json(family, INPUTS, json.loads(text)) == settings
        recipe = architecture.recipe(INPUTS, rows, 1)
        assert TypeAdapter(Recipe).validate_json(TypeAdapter(Recipe).dump_json(recipe)) == recipe


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_a_carried_state_is_that_of_one_long_text(cell: str) -> None:
    """Two blocks that follow each other, and the same symbols as one block of twice the length."""
    network = build("rnn", cell=cell)
    text = torch.randint(1, SYMBOLS_OF_TEXT, (1, 1 + 2 * BLOCK), generator=torch.Generator().manual_seed(2))
    padded = torch.cat([torch.zeros((1, CONTEXT), dtype=torch.int64), text], dim=1)
    blocks = [padded[:, start : start + CONTEXT + 1 + BLOCK] for start in (0, BLOCK)]
    network.train()
    with torch.no_grad():
        learned = [
            network({"stream": b, "stream.rows": torch.tensor([7 + i])})[:, :BLOCK] for i, b in enumerate(blocks)
        ]
        apart = network({"stream": blocks[1], "stream.rows": torch.tensor([3])})[:, :BLOCK]
        features, _ = network.trunk.read(network.embedding(text[:, :-1]), None)
        network.block = 2 * BLOCK
        whole, _ = network._judged(features, text[:, 1:]).chunk(2, dim=1)
    torch.testing.assert_close(torch.cat(learned, dim=1), whole, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(learned[1], apart, atol=1e-4)
    carried = network.carried_specs(1)
    assert {name: tuple(part.shape) for name, part in network.carried.items()} == {
        name: spec.shape for name, spec in carried.items()
    }


def test_a_sampled_softmax_is_right_on_average() -> None:
    network = build("mlp", sampled=8)
    batch = {"stream": symbols(3)}
    network.train()
    torch.manual_seed(0)
    with torch.no_grad():
        drawn = torch.stack([network(batch).chunk(2, dim=1)[0] for _ in range(300)])
        network.sampled = 0
        exact = network(batch).chunk(2, dim=1)[0]
    # Of the sum over all symbols, exp(logit - log p), the mean is exact.
    torch.testing.assert_close((-drawn).exp().mean(dim=0), (-exact).exp(), rtol=0.1, atol=0.0)
