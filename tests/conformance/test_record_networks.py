"""Every family that makes up rows: losses are its own, nothing is seen ahead, draws are of the seed, and what goes together is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.record_network import RecordNetwork
from netpick.types import InputSpec

INPUTS = {
    "record": InputSpec(
        form="record", shape=(4,), cardinalities=(3, 6, 4, 5), names=("a", "b", "c", "d"), ahead=(0, 1, 2, 3)
    )
}
SMALL = {
    "mlp": {"hidden": 16, "embedding": 8},
    "transformer": {"width": 16, "heads": 2, "layers": 1},
    "vae": {"hidden": 32, "embedding": 8, "latent": 4},
}
families = pytest.mark.parametrize("family", [family for family, form in MODELS if form == "record"])


def build(family: str, *, noise: float = 0.3) -> RecordNetwork:
    torch.manual_seed(0)
    plain = {"dropout": 0.0} if family != "vae" else {}
    settings = replace(MODELS[family, "record"].presets(INPUTS, 500, 1), **SMALL[family], **plain)
    network = build_network(family, settings, INPUTS, 1)
    assert isinstance(network, RecordNetwork)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(noise * torch.randn_like(weight))
    return network


def rows(count: int = 200, seed: int = 0) -> torch.Tensor:
    """The second column follows from the first, the last is free; the third misses cells."""
    random = np.random.default_rng(seed)
    first = random.integers(1, 3, count)
    codes = np.stack(
        [first, 2 * first + random.integers(0, 2, count), random.integers(0, 4, count), random.integers(1, 5, count)],
        axis=1,
    )
    return torch.from_numpy(codes)


@families
def test_losses_are_one_number_a_row_and_the_same_every_time(family: str) -> None:
    network = build(family).eval()
    with torch.no_grad():
        first, again = network({"record": rows()}), network({"record": rows()})
        alone = torch.cat([network({"record": row[None]}) for row in rows()[:5]])
    assert first.shape == (200, 1)
    assert torch.equal(first, again)
    torch.testing.assert_close(first[:5], alone)


@pytest.mark.parametrize("family", ["mlp", "transformer"])
def test_a_column_is_told_only_those_before_it(family: str) -> None:
    """Over all rows that there can be, chances sum to 1."""
    network = build(family).eval()
    whole = torch.cartesian_prod(*(torch.arange(size) for size in INPUTS["record"].cardinalities))
    with torch.no_grad():
        total = torch.logsumexp(-network({"record": whole})[:, 0], dim=0)
    torch.testing.assert_close(total, torch.tensor(0.0), atol=1e-4, rtol=0)


@families
def test_draws_are_of_the_seed_and_miss_only_what_may_be_missing(family: str) -> None:
    network = build(family)
    first, again, other = (network.draw(3_000, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (3_000, 4)
    assert first.dtype == np.int32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first >= 0).all()
    assert (first < np.array([3, 6, 4, 5])).all()
    assert (first[:, :2] > 0).all()
    assert network.draw(0, np.random.default_rng(0)).shape == (0, 4)


@pytest.mark.parametrize("family", ["mlp", "transformer"])
def test_drawn_rows_have_the_chances_that_losses_say(family: str) -> None:
    network = build(family).eval()
    whole = torch.cartesian_prod(*(torch.arange(size) for size in INPUTS["record"].cardinalities))
    with torch.no_grad():
        chances = torch.exp(-network({"record": whole})[:, 0]).double().numpy().reshape(3, 6, 4, 5)
    first = chances.sum(axis=(1, 2, 3))[1:]  # never missing: the others' share is theirs
    drawn = network.draw(20_000, np.random.default_rng(0))
    shares = np.bincount(drawn[:, 0], minlength=3)[1:] / len(drawn)
    np.testing.assert_allclose(shares, first / first.sum(), atol=0.02)
    last = chances[1, 3, 2]
    some = drawn[(drawn[:, :3] == [1, 3, 2]).all(axis=1), 3]
    np.testing.assert_allclose(np.bincount(some, minlength=5) / len(some), last / last.sum(), atol=0.08)


@families
def test_what_goes_together_is_learned(family: str) -> None:
    network = build(family, noise=0.0).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    learned = rows(600)
    for step in range(150):
        optimizer.zero_grad()
        network({"record": learned[(step % 3) * 200 : (step % 3 + 1) * 200]}).mean().backward()
        optimizer.step()
    drawn = network.draw(2_000, np.random.default_rng(0))
    together = np.abs(drawn[:, 1] // 2 - drawn[:, 0]) == 0
    assert together.mean() > 0.9
    assert len(np.unique(drawn, axis=0)) > 20


@families
def test_settings_come_back_from_a_model_file(family: str) -> None:
    settings = MODELS[family, "record"].presets(INPUTS, 500, 1)
    assert settings_from_json(family, INPUTS, vars(settings)) == settings
