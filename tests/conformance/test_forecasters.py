"""What every network of forecasts must do, run over each entry of MODELS that reads windows."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.forecast_heads import are_amounts, tells_begun
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network, settings_from_json
from netpick.tasks import TASKS
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

SEASON = 7
FORECASTERS = [family for family, form in MODELS if form == "window"]


def inputs_of(
    targets: int, covariates: int, ahead: int, steps: int = 24, horizon: int = 5, *, demand: bool = False
) -> Inputs:
    """demand: amounts of several series, some of which begin within a window."""
    window = InputSpec(
        form="window",
        shape=(steps, targets + demand + covariates + ahead),
        ahead=(targets, horizon, SEASON, *((1, 1) if demand else ())),
    )
    inputs = {"window": window, "window.series": InputSpec(form="window", shape=(1,))}
    if ahead:
        inputs["window.future"] = InputSpec(form="window", shape=(horizon, ahead))
    return inputs


INPUTS = {
    "one target": inputs_of(1, 0, 0),
    "covariates": inputs_of(1, 2, 3),
    "three targets": inputs_of(3, 1, 2),
    "short": inputs_of(2, 0, 1, steps=3, horizon=4),
    "one step": inputs_of(1, 0, 2, steps=1, horizon=1),
    "demand": inputs_of(1, 1, 3, demand=True),
    "demand without plans": inputs_of(1, 0, 0, demand=True),
}
every_case = pytest.mark.parametrize(
    ("family", "inputs"),
    [pytest.param(f, i, id=f"{f}-{name}") for f in FORECASTERS for name, i in INPUTS.items()],
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def outputs_of(inputs: Inputs) -> int:
    targets, horizon, *_ = inputs["window"].ahead
    return targets * horizon * 4 + 1


def build(family: str, inputs: Inputs, seed: int = 0, rows: int = 5_000) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_network(family, MODELS[family, "window"].presets(inputs, rows, 1), inputs, outputs_of(inputs))


def make_batch(inputs: Inputs, rows: int, seed: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch = {name: torch.randn((rows, *spec.shape), generator=generator) for name, spec in inputs.items()}
    batch["window.series"] = torch.arange(rows).view(-1, 1).int()
    if tells_begun(inputs):
        steps = torch.arange(inputs["window"].shape[0])
        batch["window"][..., 1] = (steps >= torch.arange(rows).view(-1, 1) % 10).float()
        batch["window"][..., 0].abs_()
    return batch


def answers(outputs: Tensor) -> Tensor:
    return outputs[:, :-1].unflatten(1, (-1, 4))  # type: ignore[no-untyped-call, no-any-return]


def test_every_family_forecasts() -> None:
    assert set(FORECASTERS) == {"mlp", "cnn", "rnn", "transformer", "layers"}
    for inputs in INPUTS.values():
        assert main_form(inputs) == "window"
        assert families_for(inputs) == tuple(family for family in FORECASTERS if family != "layers")


@every_case
def test_outputs_are_ordered_and_carry_the_number_of_the_series(family: str, inputs: Inputs) -> None:
    network = build(family, inputs).eval()
    for rows in (1, 6):
        outputs = network(make_batch(inputs, rows))
        assert outputs.shape == (rows, outputs_of(inputs))
        assert torch.equal(outputs[:, -1], torch.arange(rows).float())
        found = answers(outputs)
        assert (found[..., 1] <= found[..., 2]).all()
        assert (found[..., 2] <= found[..., 3]).all()


@every_case
def test_every_parameter_gets_a_gradient(family: str, inputs: Inputs) -> None:
    network = build(family, inputs).train()
    targets, horizon, *_ = inputs["window"].ahead
    loss = TASKS["forecast"].answer.loss(Recipe(), None)
    target = torch.randn(16, targets * horizon, generator=torch.Generator().manual_seed(3))
    for step in range(2):  # some layers begin at zero, and those before them learn from the second step on
        loss(network(make_batch(inputs, 16, seed=step)), target).mean().backward()
        with torch.no_grad():
            for p in network.parameters():
                p.sub_(0.01 * torch.randn_like(p))
    for name, p in network.named_parameters():
        assert p.grad is not None, name
        assert torch.isfinite(p.grad).all(), name


@every_case
def test_a_shifted_and_stretched_window_gives_a_shifted_and_stretched_forecast(family: str, inputs: Inputs) -> None:
    if family == "mlp" and inputs["window"].ahead[0] > 1:
        network = build(family, inputs).eval()  # the linear map sees nothing of the level
        batch = make_batch(inputs, 4)
        moved = {**batch, "window": batch["window"].clone()}
        targets = inputs["window"].ahead[0]
        moved["window"][..., :targets] = 5 * batch["window"][..., :targets] + 100
        before, after = answers(network(batch)), answers(network(moved))
        torch.testing.assert_close(after, 5 * before + 100, rtol=1e-2, atol=1e-1)
    else:
        batch = make_batch(inputs, 4)
        flat = {**batch, "window": torch.full_like(batch["window"], 3.0)}
        assert torch.isfinite(build(family, inputs).eval()(flat)).all()


@every_case
def test_untrained_it_repeats_the_last_season_or_the_mean_of_them(family: str, inputs: Inputs) -> None:
    if family == "layers":
        pytest.skip("a network that is spelled out has nothing beside it")
    steps = inputs["window"].shape[0]
    targets, horizon, season = inputs["window"].ahead[:3]
    season = season if season <= steps else 1
    batch = make_batch(inputs, 8)
    network = build(family, inputs).eval()
    with torch.no_grad():
        for name, p in network.head.named_parameters():
            if name != "straight.weight":
                p.zero_()
    found = answers(network(batch))[..., 0].view(8, horizon, targets)
    if are_amounts(inputs) and "window.future" in inputs:  # as the mean of the seasons, of the steps that there were
        whole = batch["window"][:, 24 - 3 * SEASON :, 0]
        begun = batch["window"][:, 24 - 3 * SEASON :, 1]
        whole = (whole * begun).view(8, 3, SEASON).sum(dim=1) / begun.view(8, 3, SEASON).sum(dim=1)
        torch.testing.assert_close(found[..., 0], whole[:, :horizon], rtol=1e-3, atol=1e-3)
        return
    for ahead in range(horizon):
        past = batch["window"][:, steps - season + ahead % season, :targets]
        torch.testing.assert_close(found[:, ahead], past, rtol=1e-3, atol=1e-3)


@every_case
def test_what_lies_before_a_series_began_does_not_matter(family: str, inputs: Inputs) -> None:
    if not tells_begun(inputs):
        pytest.skip("its series have all steps")
    network, batch = build(family, inputs).eval(), make_batch(inputs, 9)
    moved = {**batch, "window": batch["window"].clone()}
    moved["window"][..., 0] += 100 * (1 - batch["window"][..., 1])
    torch.testing.assert_close(network(moved), network(batch))


@every_case
def test_amounts_are_forecast_alike_on_every_scale(family: str, inputs: Inputs) -> None:
    if not are_amounts(inputs):
        pytest.skip("they are no amounts")
    network, batch = build(family, inputs).eval(), make_batch(inputs, 9)
    larger = {**batch, "window": batch["window"].clone()}
    larger["window"][..., 0] *= 5
    torch.testing.assert_close(answers(network(larger)), 5 * answers(network(batch)), rtol=1e-2, atol=1e-2)


@every_case
def test_one_small_batch_can_be_learned_by_heart(family: str, inputs: Inputs) -> None:
    network = build(family, inputs)
    targets, horizon, *_ = inputs["window"].ahead
    batch = make_batch(inputs, 6)
    target = (
        batch["window"][:, -1, :targets].repeat(1, horizon) * 0.5
    )  # what the window holds, so that one step will do
    loss_function = TASKS["forecast"].answer.loss(Recipe(), None)
    optimizer = Adam([list(network.parameters())], lr=1e-2, weight_decays=[0.01])
    losses: list[float] = []
    for _ in range(120):
        network.train()
        loss = loss_function(network(batch), target).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] < 0.6 * losses[0]:
            break
    assert losses[-1] < 0.6 * losses[0]


@every_case
def test_rows_do_not_affect_each_other(family: str, inputs: Inputs) -> None:
    network, batch = build(family, inputs).eval(), make_batch(inputs, 5)
    alone = torch.cat([network({name: part[i : i + 1] for name, part in batch.items()}) for i in range(5)])
    torch.testing.assert_close(network(batch), alone, rtol=1e-4, atol=1e-4)


@every_case
def test_the_same_seed_gives_the_same_network_and_the_state_dict_holds_it(family: str, inputs: Inputs) -> None:
    batch = make_batch(inputs, 5)
    first, second, other = (build(family, inputs, seed).eval() for seed in (3, 3, 4))
    assert torch.equal(first(batch), second(batch))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(batch), other(batch))


@every_case
def test_settings_and_recipe_round_trip_through_json(family: str, inputs: Inputs) -> None:
    architecture = MODELS[family, "window"]
    for rows in (20, 2_000, 200_000):
        settings: Any = architecture.presets(inputs, rows, 1)
        text = TypeAdapter(architecture.Settings).dump_json(settings)
        assert settings_from_json(family, inputs, json.loads(text)) == settings
        recipe = architecture.recipe(inputs, rows, 1)
        assert TypeAdapter(Recipe).validate_json(TypeAdapter(Recipe).dump_json(recipe)) == recipe


@pytest.mark.parametrize(
    "spec", ["lstm 8, lstm 8", "gru 8 bidirectional", "conv 8 3 same relu, globalpool", "flatten, dense 8"]
)
def test_networks_spelled_out_forecast(spec: str) -> None:
    inputs = INPUTS["three targets"]
    network = build_network("layers", LayersSettings(spec=spec), inputs, outputs_of(inputs))
    assert network(make_batch(inputs, 3)).shape == (3, outputs_of(inputs))


def test_missing_truth_teaches_nothing() -> None:
    loss = TASKS["forecast"].answer.loss(Recipe(), None)
    outputs = torch.randn(3, 4 * 4 + 1, generator=torch.Generator().manual_seed(0), requires_grad=True)
    target = torch.zeros(3, 4)
    target[0] = float("nan")
    target[1, 2:] = float("nan")
    values = loss(outputs, target)
    assert values[0] == 0
    values.sum().backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert not outputs.grad[0].any()
    assert not outputs.grad[1, 8:].any()
    assert torch.isfinite(outputs.grad).all()
