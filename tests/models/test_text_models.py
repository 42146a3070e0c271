"""What is special about networks for texts: hashed runs, dropped tokens, words against characters, settings that clash."""

from __future__ import annotations

import pytest
import torch

from netpick.errors import RequestError
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network
from netpick.models.networks.text_cnn import TextCnnSettings
from netpick.models.networks.text_mlp import TextMlpSettings, hashed_runs
from netpick.models.networks.text_transformer import TextTransformerSettings
from netpick.training.augment import Augmenter, default_augment
from netpick.types import InputSpec

WORDS = InputSpec(form="tokens", shape=(12,), cardinalities=(5_000,), padded=True)
LETTERS = InputSpec(form="tokens", shape=(12,), cardinalities=(60,), padded=True)


def batch(rows: list[list[int]]) -> dict[str, torch.Tensor]:
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return {"tokens": tokens, "tokens.mask": tokens > 0}


def test_runs_have_numbers_of_their_own_wherever_they_stand() -> None:
    made = batch([[5, 6, 7], [9, 5, 6], [6, 5, 0]])
    runs = hashed_runs(made["tokens"], made["tokens.mask"], 2, 1 << 20)
    assert runs[0, 0] == runs[1, 1]  # 5 6
    assert runs[2, 0] not in (runs[0, 0], 0)  # 6 5 is another run
    assert runs[2, 1] == 0  # ends behind the text
    assert (runs <= 1 << 20).all()


def test_runs_tell_word_order_to_the_mlp() -> None:
    torch.manual_seed(0)
    settings = TextMlpSettings(grams=2, buckets=256)
    network = build_network("mlp", settings, {"tokens": WORDS}, 2).eval()
    with torch.no_grad():
        network.trunks["tokens"].vectors.normal_()  # type: ignore[union-attr, operator]
    there, back = network(batch([[3, 4, 5]])), network(batch([[5, 4, 3]]))
    assert not torch.allclose(there, back)
    plain = build_network("mlp", TextMlpSettings(grams=1), {"tokens": WORDS}, 2).eval()
    assert torch.allclose(plain(batch([[3, 4, 5]])), plain(batch([[5, 4, 3]])), atol=1e-6)


@pytest.mark.parametrize("family", ["mlp", "cnn", "rnn", "transformer"])
def test_one_token_is_enough(family: str) -> None:
    for spec in (WORDS, LETTERS):
        settings = MODELS[family, "tokens"].presets({"tokens": spec}, 1_000, 2)
        network = build_network(family, settings, {"tokens": spec}, 2).eval()
        assert torch.isfinite(network(batch([[1]]))).all()


def test_words_and_letters_get_networks_of_their_own() -> None:
    for family in ("mlp", "cnn", "rnn", "transformer"):
        architecture = MODELS[family, "tokens"]
        words, letters = (architecture.presets({"tokens": spec}, 10_000, 2) for spec in (WORDS, LETTERS))
        assert words != letters


def test_dropped_tokens_depend_on_row_and_epoch_alone() -> None:
    choice = default_augment(WORDS, 1_000)
    assert choice.names == ("token_dropout",)
    assert default_augment(LETTERS, 1_000).names == ()
    augment = Augmenter(choice.names, WORDS, seed=3)
    tokens = torch.randint(2, 5_000, (64, 10))
    tokens[:, 8:] = 0
    made, rows = {"tokens": tokens, "tokens.mask": tokens > 0}, torch.arange(64)
    first = augment(made, rows, 0).batch["tokens"]
    assert torch.equal(first, augment(made, rows, 0).batch["tokens"])
    assert not torch.equal(first, augment(made, rows, 1).batch["tokens"])
    changed = first != tokens
    assert (first[changed] == 1).all()
    assert not changed[:, 8:].any()
    assert 0.05 < changed[:, :8].float().mean() < 0.15
    shorter = augment({"tokens": tokens[:, :8], "tokens.mask": tokens[:, :8] > 0}, rows, 0).batch["tokens"]
    assert torch.equal(shorter, first[:, :8])


def test_settings_that_cannot_be_built_are_said() -> None:
    with pytest.raises(RequestError, match="must see at least as many"):
        build_network("cnn", TextCnnSettings(shortest=5, longest=3), {"tokens": WORDS}, 2)
    with pytest.raises(RequestError, match="does not divide into 5 heads"):
        build_network("transformer", TextTransformerSettings(heads=5), {"tokens": WORDS}, 2)


def test_dilated_layers_see_further() -> None:
    torch.manual_seed(0)
    settings = TextCnnSettings(shortest=1, longest=1, dilated=3)
    network = build_network("cnn", settings, {"tokens": WORDS}, 2).eval()
    rows = [[7, *range(20, 30)], [8, *range(20, 30)]]
    trunk = network.trunks["tokens"]
    steps = trunk(batch(rows)).steps
    assert not torch.allclose(steps[0, 6], steps[1, 6], atol=1e-7)
