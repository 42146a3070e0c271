"""Texts that are read on symbol by symbol, against all that is read being read at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from netpick.answers.symbols import SYMBOLS
from netpick.models.baselines import BASELINES, Limit, Problem
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network
from netpick.models.networks.text_network import TextNetwork
from netpick.saved.generating import Prompt, Sampling, continued, drawn
from netpick.saved.readers import BaselineReader, BlendReader, NetworkReader, Reader
from netpick.tasks.text.blocks import cut_blocks
from netpick.tasks.text.levels import END
from netpick.tasks.text.state import LineWriter, NextState, new_state, numbers_of, stream_inputs, text_of
from netpick.types import Array

LINES = ["the cat sat", "on the mat", "and the dog sat", "on the cat", ""] * 6
STATE = replace(new_state("text", "characters", LINES, apart=False), context=9, block=4)
NETWORKS = ("mlp", "cnn", "rnn", "transformer")
NGRAMS = ("unigram", "kneser-ney", "kneser-ney-cache")


def network_reader(family: str) -> Reader:
    torch.manual_seed(0)
    inputs = stream_inputs(STATE)
    network = build_network(family, MODELS[family, "stream"].presets(inputs, 100, 1), inputs, 2 * STATE.block)
    assert isinstance(network, TextNetwork)
    with torch.no_grad():
        for weight in network.parameters():  # layers that begin as nothing added see nothing yet
            weight.add_(0.1 * torch.randn_like(weight))
    return NetworkReader(network.eval())


def ngram_reader(name: str) -> Reader:
    blocks = cut_blocks(numbers_of(LINES, STATE), STATE)
    problem = Problem(
        answer=SYMBOLS, inputs=stream_inputs(STATE), arrays={"stream": blocks.windows}, target=blocks.truth,
        num_classes=SYMBOLS.num_values(STATE), train=np.arange(len(blocks)), seed=0,
    )  # fmt: skip
    return BaselineReader(BASELINES[name], BASELINES[name].fit(problem, Limit()))


def blend_reader() -> Reader:
    return BlendReader([network_reader("rnn"), ngram_reader("kneser-ney")], [0.75, 0.25])


BEGINNINGS: dict[str, Callable[[], Reader]] = {
    **{name: partial(network_reader, name) for name in NETWORKS},
    **{name: partial(ngram_reader, name) for name in NGRAMS},
    "blend": blend_reader,
}


def seen_before(numbers: list[int], prompt: int) -> list[int]:
    """What the symbol behind these is drawn from. prompt: how many of them were given."""
    start = max(0, prompt - STATE.most_read)
    for length in range(prompt, len(numbers) + 1):
        if length - start > STATE.most_read:
            start = length - STATE.context - 1
    return numbers[start:]


@pytest.mark.parametrize("name", BEGINNINGS)
@pytest.mark.parametrize("text", ["", "on the ", "the cat sat on the mat\nand the "])
def test_a_text_goes_on_as_if_all_that_is_seen_of_it_were_read_for_each_symbol(name: str, text: str) -> None:
    numbers = numbers_of(text.split("\n"), STATE)[:-1]
    prompt, sampling = Prompt(numbers=numbers, text=text), Sampling(tokens=20, seed=3)
    begin = BEGINNINGS[name]
    said: list[Array] = []

    class Watched:
        """Keeps what is said."""

        def __init__(self) -> None:
            self._reader = begin()

        def read(self, symbols: Array) -> Array:
            said.append(self._reader.read(symbols))
            return said[-1]

    written = "".join(continued(Watched, STATE, prompt, sampling))
    whole = [END, *numbers.tolist()]
    for place in range(20):
        before = np.array(seen_before(whole, 1 + len(numbers)), dtype=np.int32)
        chances = begin().read(before)
        np.testing.assert_allclose(said[place], chances, rtol=0, atol=1e-5)
        whole.append(drawn(chances, STATE, sampling, place))
    assert text + written == text_of(whole[1:], STATE)


def test_what_is_seen_is_what_a_symbol_of_a_block_is_scored_by() -> None:
    lengths = [len(seen_before(list(range(length)), 1)) for length in range(1, 60)]
    assert max(lengths) == STATE.context + STATE.block
    assert set(lengths[20:]) == set(range(STATE.context + 1, STATE.context + STATE.block + 1))


def test_a_character_is_written_once_its_last_byte_has_come() -> None:
    state: NextState = new_state("text", "bytes", ["schön", "grün"], apart=True)
    numbers = numbers_of(["grün", ""], state).tolist()
    line = LineWriter(np.zeros(0, dtype=np.int32), state)
    pieces = [line.added(number, last=False) for number in numbers]
    assert pieces == ["g", "r", "", "ü", "n", "\n", "\n"]
    half = LineWriter(np.array(numbers[:2], dtype=np.int32), state)
    assert half.added(numbers[2], last=True) == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        (Sampling(), {3, 4, 5, 6}),
        (Sampling(top_k=2), {3, 5}),
        (Sampling(top_p=0.8), {3, 5}),
        (Sampling(top_p=0.1), {5}),
        (Sampling(temperature=0), {5}),
        (Sampling(temperature=1e-300), {5}),
        (Sampling(temperature=5.0), {3, 4, 5, 6}),
    ],
)
def test_symbols_are_drawn_from_those_that_are_left(sampling: Sampling, possible: set[int]) -> None:
    chances = np.array([0.2, 0.1, 0.0, 0.3, 0.06, 0.3001, 0.04])  # the first two are no symbol, and unknown
    counts = np.bincount([drawn(chances, STATE, sampling, place) for place in range(400)], minlength=7)
    assert set(np.flatnonzero(counts).tolist()) == possible
    if sampling == Sampling():
        expected = chances * (np.arange(7) > 1) / chances[2:].sum()
        assert np.abs(counts / 400 - expected).max() < 0.08
