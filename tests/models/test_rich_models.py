"""Networks on images and series: what is particular to each, beyond the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from netpick.errors import RequestError
from netpick.models.networks.base import Architecture, Trunk
from netpick.models.networks.flat_mlp import FlatMlp, FlatMlpSettings
from netpick.models.networks.grid_cnn import GridCnn, GridCnnSettings
from netpick.models.networks.patch_transformer import PatchTransformer, PatchTransformerSettings
from netpick.models.networks.rnn import GridRnn, RecurrentLayer, RnnSettings, SeriesRnn
from netpick.models.networks.series_cnn import MaskedBatchNorm, SeriesCnn, SeriesCnnSettings, shorten
from netpick.models.networks.stems import GridStem
from netpick.types import Inputs, InputSpec

DIGITS: Inputs = {"grid": InputSpec(form="grid", shape=(1, 28, 28), mean=(0.13,), std=(0.31,))}
SERIES: Inputs = {"series": InputSpec(form="series", shape=(23, 3), padded=True)}


@pytest.fixture(autouse=True)
def _one_thread_and_a_seed() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def padded_batch(rows: int = 5) -> dict[str, Tensor]:
    mask = torch.arange(23) < torch.tensor([23, 7, 12, 1, 20])[:rows, None]
    return {"series": torch.randn(rows, 23, 3) * mask.unsqueeze(-1), "series.mask": mask}


def check_width(trunk: Trunk, batch: dict[str, Tensor]) -> Tensor:
    pooled = trunk.eval()(batch).pooled
    assert pooled.shape == (len(next(iter(batch.values()))), trunk.width)
    assert torch.isfinite(pooled).all()
    return pooled  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 28, 28), (3, 64, 64), (3, 17, 40), (4, 100, 90), (1, 5, 3), (2, 1, 1)]
)
def test_presets_fit_images_of_every_size(shape: tuple[int, int, int]) -> None:
    inputs: Inputs = {"grid": InputSpec(form="grid", shape=shape, mean=(0.5,) * shape[0], std=(0.2,) * shape[0])}
    batch = {"grid": torch.randint(0, 256, (2, *shape), dtype=torch.uint8)}
    for architecture in (FlatMlp(), GridCnn(), GridRnn(), PatchTransformer()):
        trunk = architecture.build(inputs, architecture.presets(inputs, 100, 3))
        check_width(trunk, batch)


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (24, 1), (150, 2), (1500, 3)])
@pytest.mark.parametrize("architecture", [FlatMlp(), SeriesCnn(), SeriesRnn(), PatchTransformer()])
def test_presets_fit_series_of_every_length(architecture: Architecture, shape: tuple[int, int]) -> None:
    inputs: Inputs = {"series": InputSpec(form="series", shape=shape)}
    check_width(architecture.build(inputs, architecture.presets(inputs, 100, 3)), {"series": torch.randn(2, *shape)})


def test_bytes_and_floats_of_an_image_are_the_same() -> None:
    stem = GridStem(DIGITS["grid"])
    images = torch.randint(0, 256, (4, 1, 28, 28), dtype=torch.uint8)
    from_bytes, from_floats = stem({"grid": images}), stem({"grid": images.float() / 255})
    torch.testing.assert_close(from_bytes, from_floats)
    torch.testing.assert_close(from_bytes, (images.float() / 255 - 0.13) / 0.31, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["flatten", "mean", "max", "mean_max"])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_cnn_settings(pooling: str, norm: str) -> None:
    settings = GridCnnSettings(pooling=pooling, norm=norm, kernel=4, stride=3, stages=2)  # type: ignore[arg-type]
    check_width(GridCnn().build(DIGITS, settings), {"grid": torch.rand(3, 1, 28, 28)})


def test_the_cnn_strides_at_once_on_images_that_are_large_enough() -> None:
    assert GridCnn().presets(DIGITS, 60_000, 10).stride == 2
    small: Inputs = {"grid": InputSpec(form="grid", shape=(1, 8, 8))}
    assert GridCnn().presets(small, 1_000, 10).stride == 1


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max", "attention"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_rnn_settings(cell: str, pooling: str, bidirectional: bool) -> None:
    settings = RnnSettings(
        cell=cell,  # type: ignore[arg-type]
        pooling=pooling,  # type: ignore[arg-type]
        bidirectional=bidirectional,
        layers=2,
        width=6,
        patch=3,
        recurrent_dropout=0.3,
    )
    trunk = SeriesRnn().build(SERIES, settings)
    batch = padded_batch()
    pooled = check_width(trunk, batch)
    torch.testing.assert_close(trunk(batch).pooled, pooled)  # no dropout outside training
    assert not torch.equal(trunk.train()(batch).pooled, pooled)


@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
def test_cells_agree_with_torch(cell: str) -> None:
    width = 4
    # An LSTM is spelled out where the state is dropped between steps; else it is torch's own.
    settings = RnnSettings(cell=cell, width=width, recurrent_dropout=0.1)  # type: ignore[arg-type]
    ours = RecurrentLayer(3, settings).eval()
    theirs = {"simple": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](3, width, batch_first=True, bidirectional=True)
    # torch orders the gates of an LSTM input, forget, candidate, output.
    order = [0, 1, 3, 2] if cell == "lstm" else list(range(ours.bias.shape[-1] // width))
    index = torch.cat([torch.arange(gate * width, (gate + 1) * width) for gate in order])
    with torch.no_grad():
        nn.init.normal_(ours.bias)
        for direction, suffix in enumerate(("", "_reverse")):
            getattr(theirs, f"weight_ih_l0{suffix}").copy_(ours.input_weight[direction].T[index])
            getattr(theirs, f"weight_hh_l0{suffix}").copy_(ours.recurrent_weight[direction].T[index])
            getattr(theirs, f"bias_ih_l0{suffix}").copy_(ours.bias[direction, 0, index])
            getattr(theirs, f"bias_hh_l0{suffix}").zero_()
            if cell == "gru":
                getattr(theirs, f"bias_hh_l0{suffix}")[2 * width :] = nn.init.normal_(ours.candidate_bias[direction, 0])
    steps = torch.randn(5, 9, 3)
    torch.testing.assert_close(ours(steps, None), theirs(steps)[0], rtol=1e-4, atol=1e-5)


def test_masked_batch_norm_is_batch_norm_of_the_valid_steps() -> None:
    batch = padded_batch()
    mask, steps = batch["series.mask"], batch["series"] * 3 + 1
    ours, theirs = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    for _ in range(2):
        normed = ours(steps.transpose(1, 2), mask).transpose(1, 2)
        torch.testing.assert_close(normed[mask], theirs(steps[mask]))
    assert not normed[~mask].any()
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    normed = ours.eval()(steps.transpose(1, 2), mask).transpose(1, 2)
    torch.testing.assert_close(normed[mask], theirs.eval()(steps[mask]))


def test_shorten_averages_valid_steps_only() -> None:
    series = torch.tensor([[[1.0], [3.0], [5.0]], [[2.0], [0.0], [0.0]]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    means, valid = shorten(series, mask, 2)
    assert means.squeeze(-1).tolist() == [[2.0, 5.0], [2.0, 0.0]]
    assert valid is not None
    assert valid.tolist() == [[True, True], [True, False]]
    assert shorten(series, None, 2)[0].squeeze(-1).tolist() == [[2.0, 5.0], [1.0, 0.0]]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "tanh"])
def test_activations_that_do_not_keep_zero_leave_padding_out(activation: str) -> None:
    settings = SeriesCnnSettings(width=4, activation=activation, stride=2, pooling="mean_max")  # type: ignore[arg-type]
    trunk = SeriesCnn().build(SERIES, settings)
    batch = padded_batch()
    pooled = check_width(trunk, batch)
    shorter = {name: tensor[3:4, :9] for name, tensor in batch.items()}
    torch.testing.assert_close(trunk(shorter).pooled, pooled[3:4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stem", ["linear", "conv"])
@pytest.mark.parametrize("positions", ["sincos", "learned", "none"])
@pytest.mark.parametrize("patch", [1, 2, 3, 8, 12])
def test_transformer_settings(stem: str, positions: str, patch: int) -> None:
    settings = PatchTransformerSettings(width=16, layers=1, patch=patch, stem=stem, positions=positions)  # type: ignore[arg-type]
    tokens = -(-28 // patch)
    trunk = PatchTransformer().build(DIGITS, settings)
    images = torch.rand(2, 1, 28, 28)
    check_width(trunk, {"grid": images})
    steps = trunk({"grid": images}).steps
    assert steps is not None
    assert steps.shape == (2, tokens * tokens, 16)
    check_width(PatchTransformer().build(SERIES, settings), padded_batch())


def test_order_matters_to_the_transformer_only_with_positions() -> None:
    for positions, same in (("none", True), ("sincos", False)):
        settings = PatchTransformerSettings(width=16, layers=1, patch=1, positions=positions)  # type: ignore[arg-type]
        inputs: Inputs = {"series": InputSpec(form="series", shape=(10, 2))}
        trunk = PatchTransformer().build(inputs, settings).eval()
        series = torch.randn(3, 10, 2)
        forward, backward = trunk({"series": series}).pooled, trunk({"series": series.flip(1)}).pooled
        assert torch.allclose(forward, backward, atol=1e-5) is same


def test_attention_weights_are_the_same_in_bfloat16() -> None:
    trunk = PatchTransformer().build(DIGITS, PatchTransformerSettings(width=16)).eval()
    images = {"grid": torch.rand(2, 1, 28, 28)}
    with torch.autocast("cpu", torch.bfloat16):
        rough = trunk(images).pooled
    torch.testing.assert_close(rough.float(), trunk(images).pooled, atol=0.05, rtol=0.05)


def test_a_width_that_does_not_divide_is_explained() -> None:
    with pytest.raises(RequestError, match=r"Width 20 does not divide into 8 heads.*width=16"):
        PatchTransformer().build(DIGITS, PatchTransformerSettings(width=20, heads=8))


def test_large_images_are_averaged_down_for_the_mlp() -> None:
    inputs: Inputs = {"grid": InputSpec(form="grid", shape=(1, 64, 40))}
    trunk = FlatMlp().build(inputs, FlatMlpSettings(width=8, layers=1, side=32))
    assert next(iter(trunk.layers.parameters())).shape == (8, 32 * 32)  # type: ignore[union-attr]
    check_width(trunk, {"grid": torch.rand(2, 1, 64, 40)})


def test_settings_are_strict() -> None:
    for make in (lambda: RnnSettings(cell="lstn"), lambda: GridCnnSettings(width=0), lambda: RnnSettings(dropout=1.0)):  # type: ignore[arg-type]
        with pytest.raises(ValidationError):
            make()
