"""What every network of what is said must do, run over each entry of MODELS that reads recordings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from netpick.answers.transcripts import TRANSCRIPTS, collapsed, frames_needed
from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.speech_network import StepNorm
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

FAMILIES = [family for family, form in MODELS if form == "speech"]
FRAMES, BANDS, SYMBOLS, STRIDE = 48, 8, 6, 4
INPUTS: Inputs = {
    "spectrogram": InputSpec(
        form="speech", shape=(FRAMES, BANDS), padded=True, mean=(0.4,) * BANDS, std=(0.2,) * BANDS, ahead=(1, STRIDE)
    )
}
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def build(family: str, inputs: Inputs = INPUTS, **settings: Any) -> nn.Module:
    torch.manual_seed(0)
    chosen = replace(
        MODELS[family, "speech"].presets(inputs, 100, SYMBOLS), **{"dropout": 0.0, "width": 16, **settings}
    )
    return build_network(family, chosen, inputs, SYMBOLS)


def batch(lengths: tuple[int, ...] = (FRAMES, 30, 17)) -> dict[str, Tensor]:
    sounds = torch.randint(
        0, 256, (len(lengths), FRAMES, BANDS), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    mask = torch.arange(FRAMES) < torch.tensor(lengths)[:, None]
    return {"spectrogram": sounds * mask.unsqueeze(-1), "spectrogram.mask": mask}


def test_every_family_reads_recordings() -> None:
    assert set(FAMILIES) == {"cnn", "rnn", "cnn_rnn", "transformer"}
    assert main_form(INPUTS) == "speech"
    assert families_for(INPUTS) == tuple(FAMILIES)


@every_family
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_steps_are_chances_and_nothing_behind_the_end(family: str, stride: int) -> None:
    inputs = {"spectrogram": replace(INPUTS["spectrogram"], ahead=(1, stride))}
    with torch.no_grad():
        said = build(family, inputs).eval()(batch())
    assert said.shape == (3, FRAMES // stride, SYMBOLS)
    steps = -(-30 // stride)
    assert torch.allclose(said[1, :steps].exp().sum(dim=1), torch.ones(steps), atol=1e-5)
    assert not said[1, steps:].any()


@every_family
def test_a_row_says_the_same_alone_and_however_far_it_is_padded(family: str) -> None:
    network, whole = build(family).eval(), batch()
    with torch.no_grad():
        together = network(whole)
        alone = network(
            {"spectrogram": whole["spectrogram"][2:, :17], "spectrogram.mask": whole["spectrogram.mask"][2:, :17]}
        )
    torch.testing.assert_close(together[2:, : alone.shape[1]], alone, rtol=1e-4, atol=1e-4)


@every_family
def test_every_parameter_gets_a_gradient_and_words_are_learned_by_heart(family: str) -> None:
    network, rows = build(family), batch()
    target = torch.tensor([[3, 4, 4], [5, 3, 0], [4, 0, 0]])
    loss = TRANSCRIPTS.loss(Recipe(), None)
    optimizer = Adam([list(network.parameters())], lr=1e-2, weight_decays=[0.0])
    network.train()
    losses = []
    for _ in range(60):
        value = loss(network(rows), target).mean()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert losses[-1] < 0.1 * losses[0]
    network.eval()
    with torch.no_grad():
        assert collapsed(network(rows).numpy()) == [[3, 4, 4], [5, 3], [4]]


@every_family
def test_settings_survive_json(family: str) -> None:
    settings = MODELS[family, "speech"].presets(INPUTS, 20_000, SYMBOLS)
    plain = json.loads(TypeAdapter(type(settings)).dump_json(settings))
    assert settings_from_json(family, INPUTS, plain) == settings


@every_family
def test_less_time_gives_smaller_networks(family: str) -> None:
    sizes = MODELS[family, "speech"].sizes(INPUTS, 20_000, SYMBOLS, 60.0)
    widths = [size.settings.width for size in sizes]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == 3
    assert sizes[-1].remark


def test_norms_are_of_valid_steps_alone() -> None:
    norm = StepNorm(2).train()
    steps, mask = torch.randn(3, 2, 7), torch.arange(7) < torch.tensor([[7], [3], [1]])
    made = norm(steps, mask)
    steps[~mask.unsqueeze(1).expand_as(steps)] = 100.0
    again = StepNorm(2).train()(steps, mask)
    torch.testing.assert_close(made, again)
    valid = made.transpose(1, 2)[mask]
    assert valid.mean(dim=0).abs().max() < 1e-5
    assert norm.running_mean is not None
    assert norm.running_mean.abs().max() < 1


def test_symbols_are_what_is_left_of_steps() -> None:
    steps = np.full((1, 7, 4), -9.0)
    steps[0, np.arange(6), [3, 3, 0, 3, 2, 0]] = -0.1
    steps[0, 6] = 0.0  # behind the end
    assert collapsed(steps) == [[3, 3, 2]]
    assert frames_needed([3, 3, 2]) == 4


def test_the_loss_is_that_of_all_ways_to_say_it() -> None:
    """Two steps, one symbol: it may come first, last, or in both."""
    logs = torch.log(torch.tensor([[[0.5, 0.5], [0.25, 0.75]]]))
    loss = TRANSCRIPTS.loss(Recipe(), None)
    chance = 0.5 * 0.25 + 0.5 * 0.75 + 0.5 * 0.75
    assert loss(logs, torch.tensor([[1]])).item() == pytest.approx(-np.log(chance), rel=1e-5)
    longer = torch.cat([logs, torch.zeros(1, 3, 2)], dim=1)  # padded
    assert loss(longer, torch.tensor([[1, 0]])).item() == pytest.approx(-np.log(chance), rel=1e-5)
    assert loss(logs, torch.tensor([[1, 1]])).item() == 0.0  # too few steps: nothing is learned of it


@every_family
def test_a_new_network_says_nothing_nearly_everywhere(family: str) -> None:
    """Else words may be guessed in the silence around speech, for good."""
    with torch.no_grad():
        said = build(family).train()(batch())
    valid = said.any(dim=2)
    assert said[valid].exp()[:, 0].mean() > 0.5
