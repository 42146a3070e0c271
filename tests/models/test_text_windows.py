"""Long texts read in windows: nothing is lost, padding means nothing, and what stands at the end is found."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netpick.models.networks import MODELS
from netpick.models.networks.base import Features, Trunk
from netpick.models.networks.text_windows import WindowedTexts
from netpick.types import Inputs, InputSpec

LONGEST, SYMBOLS = 600, 30
INPUTS: Inputs = {"tokens": InputSpec(form="tokens", shape=(LONGEST,), cardinalities=(SYMBOLS,), padded=True)}
FAMILIES = ("cnn", "rnn", "transformer")


def texts(lengths: list[int], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    tokens = torch.randint(2, SYMBOLS, mask.shape, generator=generator) * mask
    return {"tokens": tokens, "tokens.mask": mask}


def network(family: str, **changed: Any) -> Trunk:
    from dataclasses import replace

    architecture = MODELS[family, "tokens"]
    settings = replace(architecture.presets(INPUTS, 1_000, 2), **changed)
    torch.manual_seed(1)
    return architecture.build(INPUTS, settings).eval()


class Seen(Trunk):
    """A network of windows whose features are the tokens themselves."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.width, self.window = window, window

    def forward(self, batch: dict[str, Tensor]) -> Features:
        return Features(nn.functional.pad(batch["tokens"].float(), (0, self.window - batch["tokens"].shape[1])))


@pytest.mark.parametrize("length", [20, 21, 25, 39, 40, 41, 97])
def test_windows_cover_a_text_from_its_first_token_to_its_last(length: int) -> None:
    trunk = WindowedTexts(Seen(20), 100, 20, 0)
    batch = texts([length, 100])
    there = (batch["tokens.mask"].sum(1, keepdim=True) + 19) // 20
    number = trunk._numbers(there, 5)
    windows, inside = trunk._windows(batch["tokens"], batch["tokens.mask"], number, there)
    seen = windows[0][inside[0]].tolist()
    assert seen[0] == batch["tokens"][0, 0]
    assert seen[-1] == batch["tokens"][0, length - 1]
    assert set(seen) == set(batch["tokens"][0, :length].tolist())
    assert int(inside[0].any(dim=1).sum()) == -(-length // 20)


def test_of_too_many_windows_the_first_and_the_last_are_read() -> None:
    trunk = WindowedTexts(Seen(20), 100, 20, 2)
    number = trunk._numbers(torch.tensor([[5], [1], [2]]), 2)
    assert number.tolist() == [[0, 4], [0, 1], [0, 1]]


@pytest.mark.parametrize("windows", [0, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_is_read_the_same_alone_and_beside_longer_ones(family: str, windows: int) -> None:
    trunk = network(family, windows=windows)
    batch = texts([600, 30, 64, 300])
    with torch.no_grad():
        together = trunk(batch).pooled
        for row, length in enumerate((600, 30, 64, 300)):
            alone = trunk({name: part[row : row + 1, :length] for name, part in batch.items()}).pooled
            assert torch.allclose(together[row], alone[0], atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_end_of_a_long_text_counts(family: str) -> None:
    trunk = network(family, windows=4)
    batch = texts([500])
    other = {**batch, "tokens": batch["tokens"].clone()}
    other["tokens"][0, -3:] = 2 + (batch["tokens"][0, -3:] - 1) % (SYMBOLS - 2)
    with torch.no_grad():
        assert not torch.allclose(trunk(batch).pooled, trunk(other).pooled)
        middle = {**batch, "tokens": batch["tokens"].clone()}
        middle["tokens"][0, 200:300] = 2
        assert torch.equal(trunk(batch).pooled, trunk(middle).pooled)


def test_short_texts_are_read_as_ever() -> None:
    spec = InputSpec(form="tokens", shape=(256,), cardinalities=(SYMBOLS,), padded=True)
    for family in FAMILIES:
        assert MODELS[family, "tokens"].presets({"tokens": spec}, 1_000, 2).window == 0


def test_one_head_begins_at_the_end_and_one_at_the_start() -> None:
    trunk = WindowedTexts(Seen(20), 200, 20, 0)
    pooled, there = torch.zeros(1, 10, 20), torch.tensor([[10]])
    number = torch.arange(10).unsqueeze(0)
    with torch.no_grad():
        weights = trunk._weights(pooled, number, there, number < there)[0]
    assert int(weights[:, 0].argmax()) == 9
    assert int(weights[:, -1].argmax()) == 0
    assert float(weights[9, 0]) > 0.5
    assert torch.allclose(weights[:, 1], torch.full((10,), 0.1))
