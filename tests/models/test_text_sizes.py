"""Sizes of networks for texts, series and images whose rows are steps: smaller ones are faster, said, and can be saved."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from netpick.models.networks import MODELS
from netpick.models.networks.base import FEWEST_PASSES, Size
from netpick.models.networks.network import build_network, settings_from_json
from netpick.types import Form, Inputs, InputSpec

WORDS: Inputs = {"tokens": InputSpec(form="tokens", shape=(256,), cardinalities=(20_000,), padded=True)}
SHORT: Inputs = {"tokens": InputSpec(form="tokens", shape=(12,), cardinalities=(900,), padded=True)}
GREY: Inputs = {"grid": InputSpec(form="grid", shape=(1, 32, 32), mean=(0.2,), std=(0.3,))}
CURVES: Inputs = {"series": InputSpec(form="series", shape=(800, 2), mean=(0.0, 0.0), std=(1.0, 1.0))}
SIZED = [("mlp", WORDS), ("cnn", WORDS), ("rnn", WORDS), ("transformer", WORDS), ("rnn", GREY), ("rnn", CURVES)]


def sizes_of(family: str, inputs: Inputs, rows: int) -> list[Size]:
    form: Form = next(iter(inputs.values())).form
    return list(MODELS[family, form].sizes(inputs, rows, 2, 60.0))


@pytest.mark.parametrize(
    ("family", "inputs"), SIZED, ids=lambda value: value if isinstance(value, str) else next(iter(value))
)
def test_the_first_size_is_the_preset_and_smaller_ones_say_what_they_leave_out(family: str, inputs: Inputs) -> None:
    sizes = sizes_of(family, inputs, 25_000)
    form: Form = next(iter(inputs.values())).form
    assert sizes[0].settings == MODELS[family, form].presets(inputs, 25_000, 2)
    assert sizes[0].remark == ""
    assert len(sizes) > 1
    for size in sizes[1:]:
        assert size.remark
        assert settings_from_json(family, inputs, json.loads(json.dumps(asdict(size.settings)))) == size.settings
        build_network(family, size.settings, inputs, 2)
    assert all(size.passes >= FEWEST_PASSES for size in sizes)


def test_few_rows_need_more_passes_but_not_more_than_the_recipe_takes() -> None:
    assert sizes_of("transformer", WORDS, 25_000)[0].passes == FEWEST_PASSES
    assert 5 < sizes_of("transformer", WORDS, 6_920)[0].passes < 15
    assert sizes_of("rnn", WORDS, 6_920)[0].passes == 15


def test_short_texts_are_read_token_by_token() -> None:
    assert len(sizes_of("rnn", SHORT, 25_000)) == len(sizes_of("transformer", SHORT, 25_000)) == 1


def test_a_patch_of_tokens_is_the_mean_of_those_that_are_there() -> None:
    settings = sizes_of("transformer", WORDS, 25_000)[-1].settings
    assert settings.patch == 4
    torch.manual_seed(0)
    trunk = MODELS["transformer", "tokens"].build(WORDS, settings).eval()
    tokens = torch.randint(2, 900, (3, 10))
    mask = torch.arange(10) < torch.tensor([10, 5, 3])[:, None]
    features = trunk({"tokens": tokens, "tokens.mask": mask})
    assert features.mask is not None
    assert features.mask.tolist() == [[True, True, True], [True, True, False], [True, False, False]]
    alone = trunk({"tokens": tokens[1:2, :5], "tokens.mask": mask[1:2, :5]})
    torch.testing.assert_close(features.pooled[1:2], alone.pooled, rtol=1e-4, atol=1e-5)
