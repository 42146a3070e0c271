"""Every family on pieces of music: nothing is seen ahead, guesses are made untold, and what is read on says the same as whole blocks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from netpick.models.networks import MODELS, main_form
from netpick.models.networks.chord_network import ChordNetwork
from netpick.models.networks.network import build_network
from netpick.saved.export.steps import step_difference, step_graph
from netpick.saved.onnx_steps import StepGraph
from netpick.saved.readers import NetworkReader, in_steps
from netpick.tasks.music.state import MusicState, chord_inputs, cut_piece
from netpick.tasks.text.levels import END
from netpick.training.augment import Augmenter

STATE = MusicState(column="piece", voices=3, block=16, context=16)
INPUTS = chord_inputs(STATE)
SMALL = {
    "mlp": {"hidden": 16, "embedding": 8},
    "cnn": {"width": 16, "embedding": 8},
    "rnn": {"hidden": 16, "embedding": 8},
    "transformer": {"width": 16, "layers": 1},
}
families = pytest.mark.parametrize("family", [family for family, form in MODELS if form == "chords"])


def build(family: str) -> ChordNetwork:
    torch.manual_seed(0)
    settings = replace(MODELS[family, "chords"].presets(INPUTS, 50, 1), dropout=0.0, **SMALL[family])
    network = build_network(family, settings, INPUTS, 1)
    assert isinstance(network, ChordNetwork)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return network


def piece(length: int = 28) -> np.ndarray:
    return np.random.default_rng(length).integers(40, 80, (length, STATE.voices)).astype(np.int32)


def rows(length: int = 28) -> Tensor:
    return torch.from_numpy(cut_piece(piece(length), STATE)[0]).long()


def parts(network: ChordNetwork, windows: Tensor) -> Tensor:
    """(n, 3, T, V)."""
    with torch.no_grad():
        return network.eval()({"chords": windows}).view(len(windows), 3, STATE.block, STATE.voices)


@families
def test_a_note_is_told_what_went_before_it_and_guesses_none_of_their_chord(family: str) -> None:
    network, windows = build(family), rows()
    changed = windows.clone()
    place, voice = STATE.context + 5, 1
    changed[0, place, voice] += 1
    before, after = parts(network, windows)[0], parts(network, changed)[0]
    logs = (before[0] != after[0]).flatten()
    assert not logs[: 5 * STATE.voices + voice].any()  # what went before, and the voices before it
    assert logs[5 * STATE.voices + voice :].any()
    assert bool((before[2, :6] == after[2, :6]).all())  # guesses of that chord too
    assert bool((before[0, 6:] != after[0, 6:]).any())


@families
def test_chances_sum_to_one_and_the_end_is_said_by_the_first_voice_alone(family: str) -> None:
    network = build(family).eval()
    chances = in_steps(INPUTS, lambda: NetworkReader(network)).read(np.array([END], dtype=np.int32))
    assert chances.sum() == pytest.approx(1, abs=1e-5)
    assert chances[END] > 0
    assert chances[:END].sum() == 0
    told = in_steps(INPUTS, lambda: NetworkReader(network)).read(np.array([END, 60], dtype=np.int32))
    assert told[: END + 1].sum() == 0


@families
def test_what_is_read_note_by_note_costs_what_blocks_cost(family: str) -> None:
    network, windows = build(family), rows(20)
    logs = parts(network, windows)[0, 0].flatten()
    reader = in_steps(INPUTS, lambda: NetworkReader(network))
    notes = [END, *windows[0, STATE.context :].flatten().tolist()]
    costs = [np.log(reader.read(np.array([one], dtype=np.int32))[came]) for one, came in pairwise(notes)]
    np.testing.assert_allclose(costs, logs.numpy(), atol=2e-4)


@families
def test_gradients_reach_every_weight_and_nothing_is_learned_of_empty_places(family: str) -> None:
    network = build(family).train()
    out = network({"chords": rows()})
    logs, known, _ = out.chunk(3, dim=1)
    assert bool((logs[known == 0] == 0).all())
    logs.sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())
    assert main_form(INPUTS) == "chords"


@pytest.mark.slow  # a graph is traced
@pytest.mark.parametrize("family", ["mlp", "cnn", "rnn", "transformer"])
def test_a_step_that_is_exported_says_what_torch_says(family: str) -> None:
    network = build(family).eval()
    step = StepGraph(step_graph(network, {}), INPUTS, threads=1)
    assert step_difference(lambda: in_steps(INPUTS, lambda: NetworkReader(network)), step.reader, STATE) <= 1e-5


def test_pieces_in_another_key_keep_their_intervals_and_their_range() -> None:
    windows = rows()
    augment = Augmenter(["transpose"], INPUTS["chords"], 0)
    moved = set()
    for epoch in range(40):
        made = augment({"chords": windows}, torch.arange(len(windows)), epoch).batch["chords"]
        assert bool(((made > 3) == (windows > 3)).all())
        assert bool((made[windows <= 3] == windows[windows <= 3]).all())
        apart = (made - windows)[0][windows[0] > 3]
        assert len(apart.unique()) == 1
        moved.add(int(apart[0]))
    assert moved <= set(range(-5, 7))
    assert len(moved) > 8
    high = torch.full_like(windows, 129)
    assert int(augment({"chords": high}, torch.arange(len(high)), 1).batch["chords"].max()) <= 130
