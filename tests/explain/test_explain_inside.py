"""What is shown of recurrent layers and of attention is what the networks do: worked out again, and held against the kernels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from netpick.explain.attention import head_weights
from netpick.explain.gates import Trace, gradient_reach, layer_traces, run_cell, traces, traces_left
from netpick.explain.reading import read_subject
from netpick.explain.subject import Subject
from netpick.explain.texts import token_shares
from netpick.models.networks.blocks import SelfAttention
from netpick.models.networks.layer_steps import Recurrent, RecurrentMode
from netpick.models.networks.rnn import RecurrentLayer, RnnSettings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from quick_models import quick_model

CELLS = ("simple", "gru", "lstm")


def steps_and_mask() -> tuple[torch.Tensor, torch.Tensor]:
    """One row of 9 steps, of which 7 are valid."""
    generator = torch.Generator().manual_seed(3)
    return torch.randn(1, 9, 5, generator=generator), torch.arange(9)[None] < 7


def layer_of(cell: str, recurrent_dropout: float = 0.0) -> RecurrentLayer:
    torch.manual_seed(1)
    settings = RnnSettings(cell=cell, width=6, bidirectional=True, recurrent_dropout=recurrent_dropout)  # type: ignore[arg-type]
    layer = RecurrentLayer(5, settings).eval()
    with torch.no_grad():
        for weights in layer.parameters():
            weights.add_(0.1 * torch.randn(weights.shape))
    return layer


@pytest.mark.parametrize(("cell", "dropout"), [*((cell, 0.0) for cell in CELLS), ("lstm", 0.1)])
def test_states_step_by_step_are_those_of_the_layer(cell: str, dropout: float) -> None:
    layer = layer_of(cell, dropout)
    steps, mask = steps_and_mask()
    with torch.no_grad():
        given = layer(steps, mask)[0, :7].numpy()
    ahead, back = layer_traces(layer, steps, mask)
    np.testing.assert_allclose(ahead.state, given[:, :6], atol=1e-5)
    np.testing.assert_allclose(back.state[::-1], given[:, 6:], atol=1e-5)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_states_of_a_spelled_out_layer_are_those_of_torch(cell: str) -> None:
    torch.manual_seed(2)
    layer = Recurrent(cell, 5, 6, RecurrentMode(True, True, False))
    steps, mask = steps_and_mask()
    with torch.no_grad():
        given = layer(steps, mask)[0][0, :7].numpy()
    ahead, back = layer_traces(layer, steps, mask)
    np.testing.assert_allclose(ahead.state, given[:, :6], atol=1e-5)
    np.testing.assert_allclose(back.state[::-1], given[:, 6:], atol=1e-5)


def test_gradients_reach_back_as_autograd_says() -> None:
    layer = layer_of("simple")
    steps, mask = steps_and_mask()
    trace = layer_traces(layer, steps, mask)[0]
    reach = gradient_reach(trace)
    first = torch.tensor(trace.state[0], requires_grad=True)

    def last(state: torch.Tensor) -> torch.Tensor:
        for step in trace.steps[1:]:
            state = (step @ trace.cell.inputs + trace.cell.bias + state @ trace.cell.recurrent).tanh()
        return state

    jacobian = torch.autograd.functional.jacobian(last, first)
    wanted = float(torch.linalg.matrix_norm(jacobian)) / np.sqrt(6)
    assert reach[0] == pytest.approx(wanted, rel=1e-4)
    assert reach[-1] == 1.0


def test_the_weights_of_attention_give_what_the_kernel_gives() -> None:
    torch.manual_seed(4)
    layer = SelfAttention(8, 2).eval()
    steps, mask = torch.randn(1, 9, 8), torch.arange(9)[None] < 7
    weights = head_weights(layer, steps, mask)
    assert weights.shape == (2, 7, 7)
    np.testing.assert_allclose(weights.sum(axis=2), 1.0, atol=1e-6)
    with torch.no_grad():
        values = layer.queries_keys_values(steps[:, :7]).view(7, 3, 2, 4)[:, 2]  # (T, heads, width)
        mixed = torch.einsum("hqk,khd->qhd", torch.as_tensor(weights), values).reshape(7, 8)
        given = layer(steps, mask)[0, :7]
        np.testing.assert_allclose(layer.out(mixed).numpy(), given.numpy(), atol=1e-5)


# --- a network that has to remember ----------------------------------------------------------------------------------


def first_symbols(rows: int, seed: int) -> pl.DataFrame:
    """Strings of twelve symbols whose class is the first one."""
    generator = np.random.default_rng(seed)
    texts = ["".join(generator.choice(list("abcd"), 12)) for _ in range(rows)]
    return pl.DataFrame({"text": texts, "label": [text[0] for text in texts]})


SETTINGS = "bidirectional=false,pooling=last,width=16,embedding=8,dropout=0,embedding_dropout=0"


@pytest.fixture(scope="module", params=["lstm", "gru"])
def remembering(request: pytest.FixtureRequest) -> Subject:
    model = quick_model(
        first_symbols(600, 0),
        models=f"rnn[cell={request.param},{SETTINGS}]",
        steps=400,
        target=("label",),
        kinds=(("text", "text"),),
    )
    subject = read_subject(model, first_symbols(200, 1))
    found = subject.predictions().probabilities
    assert found is not None
    assert (found.argmax(axis=1) == subject.truth).mean() == 1.0
    return subject


def traced(subject: Subject, row: int) -> Trace:
    batch = subject.batch([row])
    return traces(subject, batch, subject.trunk("tokens"), subject.target_of(row))[0][0]


def test_the_first_symbol_is_seen_to_be_remembered(remembering: Subject) -> None:
    """Of all that the last state owes to the steps, the first one has by far the most, though eleven came behind it."""
    shares = []
    for row in range(100):
        ends = traces_left(traced(remembering, row))[:, -1]
        shares.append(ends / ends.sum())
    found = np.array(shares)
    assert (found.argmax(axis=1) == 0).mean() >= 0.95
    assert found.mean(axis=0)[0] > 0.6
    assert found.mean(axis=0)[0] > 4 * found.mean(axis=0)[1:].max()


@pytest.mark.parametrize("remembering", ["lstm"], indirect=True)
def test_the_gates_of_the_units_that_remember_hold_on(remembering: Subject) -> None:
    """Units whose last state changes most with another first symbol have forget gates that are open wider than the others'."""
    remember, others = [], []
    for row in range(100):
        trace = traced(remembering, row)
        changed = trace.steps.clone()
        changed[0] = next(step for step in trace.steps if not torch.equal(step, trace.steps[0]))
        moved = np.abs(run_cell(trace.cell, changed).state[-1] - trace.state[-1])
        order = np.argsort(-moved)
        hold = trace.gates["forget"][1:].mean(axis=0)
        remember.append(hold[order[:4]].mean())
        others.append(hold[order[4:]].mean())
    assert np.mean(remember) > np.mean(others) + 0.03
    assert (np.array(remember) > np.array(others)).mean() > 0.7
    assert np.mean(remember) > 0.85


def test_both_attributions_find_the_first_symbol(remembering: Subject) -> None:
    hits, by_gradients = [], []
    for row in range(100):
        hidden, gradients = token_shares(remembering, remembering.batch([row]), "tokens", remembering.target_of(row))
        assert gradients is not None
        hits.append(hidden.argmax() == 0)
        by_gradients.append(gradients.argmax() == 0)
    assert np.mean(hits) >= 0.95
    assert np.mean(by_gradients) >= 0.9


def test_a_layer_that_copies_its_input_remembers_nothing() -> None:
    """The same map on a cell without any recurrence: each step is gone at the next."""
    torch.manual_seed(0)
    layer = Recurrent("rnn", 4, 4, RecurrentMode(False, True, False))
    assert isinstance(layer.ahead, nn.RNN)
    with torch.no_grad():
        layer.ahead.weight_hh_l0.zero_()  # type: ignore[operator]
    trace = layer_traces(layer, torch.randn(1, 10, 4), None)[0]
    left = traces_left(trace)
    assert (np.diag(left) > 0).all()
    np.testing.assert_allclose(left - np.diag(np.diag(left)), 0.0, atol=1e-6)
