"""Layers, losses, optimizers, schedules and augmentations against torch, scikit-learn, or the formula written out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import log_loss
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.metrics.intervals import t_quantile, wilson
from netpick.models.networks.blocks import Dropout, EncoderLayer, SelfAttention, masked_max, masked_mean, reverse_valid
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network
from netpick.models.networks.patch_transformer import sincos
from netpick.models.networks.rnn import AttentionPooling, RecurrentLayer, RnnSettings
from netpick.models.networks.stems import GridStem, group_mask, group_steps
from netpick.models.networks.table_inputs import OneHot, Periodic, PiecewiseLinear
from netpick.tasks import TASKS
from netpick.training.augment.base import normals, uniforms
from netpick.training.augment.grid import GridAugmenter
from netpick.training.optimize import Average, rate_multiplier
from netpick.training.optimizers import make_optimizers
from netpick.training.optimizers.muon import orthogonalise
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

CLOSE = {"atol": 1e-6, "rtol": 1e-6}
LENGTHS = torch.tensor([7, 4, 1])
MASK = torch.arange(7) < LENGTHS[:, None]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def steps() -> Tensor:
    return torch.randn(3, 7, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


# --- layers ----------------------------------------------------------------------------------------------------------


def their_attention(ours: SelfAttention, width: int, heads: int) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(width, heads, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.out.weight,
            "out_proj.bias": ours.out.bias,
        }
    )
    return theirs


@pytest.mark.parametrize("mask", [None, MASK])
def test_attention_is_torchs(mask: Tensor | None) -> None:
    torch.set_default_dtype(torch.float32)
    ours = SelfAttention(8, 2)
    theirs = their_attention(ours, 8, 2)
    x = steps().float()
    expected, _ = theirs(x, x, x, key_padding_mask=None if mask is None else ~mask, need_weights=False)
    torch.testing.assert_close(ours(x, mask), expected, **CLOSE)


def test_an_encoder_layer_is_torchs_with_the_norms_in_front() -> None:
    torch.set_default_dtype(torch.float32)
    ours = EncoderLayer(8, 2, 16, 0.0).eval()
    theirs = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
    theirs.self_attn.load_state_dict(their_attention(ours.attention, 8, 2).state_dict())
    theirs.norm1.load_state_dict(ours.attention_norm.state_dict())
    parts = list(ours.feed_forward)
    theirs.norm2.load_state_dict(parts[0].state_dict())
    theirs.linear1.load_state_dict(parts[1].state_dict())
    theirs.linear2.load_state_dict(parts[4].state_dict())
    x = steps().float()
    torch.testing.assert_close(ours(x, MASK), theirs(x, src_key_padding_mask=~MASK), **CLOSE)


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_recurrent_layers_are_loops_over_steps(cell: str) -> None:
    """Each row by itself, its valid steps alone, in both directions, gates by gates as the papers have them."""
    settings = RnnSettings(cell=cell, width=5, bidirectional=True, recurrent_dropout=0.5)  # type: ignore[arg-type]
    layer = RecurrentLayer(8, settings).double().eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = steps()
    found = layer(x, MASK)
    for row, length in enumerate(LENGTHS.tolist()):
        for direction in (0, 1):
            own = x[row, :length] if direction == 0 else x[row, :length].flip(0)
            states = loop(cell, layer, own, direction)
            states = states if direction == 0 else states.flip(0)
            torch.testing.assert_close(found[row, :length, 5 * direction : 5 * direction + 5], states, **CLOSE)


def loop(cell: str, layer: RecurrentLayer, x: Tensor, direction: int) -> Tensor:
    w, u, b = layer.input_weight[direction], layer.recurrent_weight[direction], layer.bias[direction, 0]
    h = memory = torch.zeros(5)
    states = []
    for step in x:
        if cell == "simple":
            h = torch.tanh(step @ w + h @ u + b)
        elif cell == "gru":
            a = step @ w + b
            r = torch.sigmoid(a[:5] + h @ u[:, :5])
            z = torch.sigmoid(a[5:10] + h @ u[:, 5:10])
            n = torch.tanh(a[10:] + r * (h @ u[:, 10:] + layer.candidate_bias[direction, 0]))
            h = (1 - z) * n + z * h
        else:
            i, f, o, g = (step @ w + h @ u + b).chunk(4)
            memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(memory)
        states.append(h)
    return torch.stack(states)


def test_pooling_and_turning_are_loops_over_rows() -> None:
    x = steps()
    for row, length in enumerate(LENGTHS.tolist()):
        own = x[row, :length]
        torch.testing.assert_close(masked_mean(x, MASK)[row], own.mean(dim=0), **CLOSE)
        torch.testing.assert_close(masked_max(x, MASK)[row], own.amax(dim=0), **CLOSE)
        torch.testing.assert_close(reverse_valid(x, MASK)[row, :length], own.flip(0), **CLOSE)
    pooling = AttentionPooling(8).double()
    for row, length in enumerate(LENGTHS.tolist()):
        scores = [pooling.score(torch.tanh(pooling.hidden(step))).item() for step in x[row, :length]]
        weights = np.exp(scores) / np.sum(np.exp(scores))
        expected = sum(w * step for w, step in zip(weights, x[row, :length], strict=True))
        # The weights are kept in float32, so that bfloat16 does not reach them.
        torch.testing.assert_close(pooling(x, MASK)[row], expected, atol=1e-6, rtol=1e-6)


def test_numbers_are_embedded_as_written_in_the_paper() -> None:
    numbers = torch.randn(6, 3, generator=torch.Generator().manual_seed(2)) * 2
    layer = PiecewiseLinear(3, 4, 10).double()
    with torch.no_grad():
        layer.bends.normal_()
    edges = torch.cat([layer.edges, layer.edges[-1:] + layer.widths[-1:]]).tolist()
    for row in range(6):
        for feature in range(3):
            value = float(numbers[row, feature])
            expected = layer.bias[feature] + value * layer.line[feature, 0]
            for bin_, (low, high) in enumerate(pairwise(edges)):
                expected = expected + min(max((value - low) / (high - low), 0.0), 1.0) * layer.bends[feature, bin_]
            torch.testing.assert_close(layer(numbers)[row, feature], expected, **CLOSE)
    waves = Periodic(3, 4, frequencies=5).double()
    value, angles = float(numbers[0, 1]), 2 * math.pi * float(numbers[0, 1]) * waves.frequencies[1]
    parts = torch.cat([angles.cos(), angles.sin(), torch.tensor([value])])
    torch.testing.assert_close(waves(numbers)[0, 1], parts @ waves.mix[1] + waves.bias[1], **CLOSE)


def test_one_hot_positions_stems_and_groups() -> None:
    codes = torch.tensor([[0, 2], [1, 0], [2, 1]])
    expected = torch.cat([functional.one_hot(codes[:, 0], 3), functional.one_hot(codes[:, 1], 4)], dim=1)
    assert torch.equal(OneHot((3, 4))(codes), expected.float())
    places = sincos(torch.arange(5).double(), 6)
    for place in range(5):
        for i in range(3):
            angle = place / 1000 ** (2 * i / 6)
            assert float(places[place, 2 * i]) == pytest.approx(math.sin(angle), abs=1e-6)
            assert float(places[place, 2 * i + 1]) == pytest.approx(math.cos(angle), abs=1e-6)
    spec = InputSpec(form="grid", shape=(2, 4, 4), mean=(0.3, 0.5), std=(0.2, 0.4))
    images = torch.randint(0, 256, (3, 2, 4, 4), dtype=torch.uint8)
    normalised = (images.double() / 255 - torch.tensor(spec.mean).view(2, 1, 1)) / torch.tensor(spec.std).view(2, 1, 1)
    torch.testing.assert_close(GridStem(spec)({"grid": images}).double(), normalised, atol=1e-5, rtol=1e-6)
    x = steps()
    grouped, mask = group_steps(x, 3), group_mask(MASK, 3)
    assert torch.equal(grouped.flatten(1, 2)[:, :7], x)
    assert not grouped.flatten(1, 2)[:, 7:].any()
    assert torch.equal(mask.flatten(1)[:, :7], MASK)


def test_dropout_is_a_mask_that_keeps_the_mean() -> None:
    layer = Dropout(0.25).train()
    x = torch.rand(200_000) + 0.5
    kept = layer(x)
    share = float((kept == 0).double().mean())
    assert share == pytest.approx(0.25, abs=0.005)
    torch.testing.assert_close(kept[kept != 0], x[kept != 0] / 0.75, **CLOSE)


def test_a_network_spelled_out_is_the_same_layers_of_torch() -> None:
    torch.set_default_dtype(torch.float32)
    spec = InputSpec(form="grid", shape=(1, 12, 12), mean=(0.2,), std=(0.3,))
    inputs: Inputs = {"grid": spec}
    text = "conv 4 3 relu, maxpool 2, conv 6 3 same stride=2 tanh, avgpool 2, flatten, dense 5 gelu"
    ours = build_network("layers", LayersSettings(spec=text), inputs, 3).eval()
    theirs = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, 2, padding=1), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3),
    )  # fmt: skip
    weights = list(ours.parameters())
    for ours_, theirs_ in zip(weights, theirs.parameters(), strict=True):
        theirs_.data = ours_.data.T if ours_ is weights[-2] else ours_.data
    images = torch.randint(0, 256, (4, 1, 12, 12), dtype=torch.uint8)
    expected = theirs((images.float() / 255 - 0.2) / 0.3)
    torch.testing.assert_close(ours({"grid": images}), expected, atol=1e-5, rtol=1e-5)


# --- losses ----------------------------------------------------------------------------------------------------------


def test_cross_entropy_is_scikit_learns_log_loss() -> None:
    outputs, target = torch.randn(40, 4), torch.arange(40) % 4
    loss = TASKS["classify"].answer.loss(Recipe(), None)(outputs.float(), target)
    probabilities = TASKS["classify"].answer.answer(outputs).double().numpy()
    expected = log_loss(target.numpy(), probabilities / probabilities.sum(axis=1, keepdims=True))
    assert float(loss.mean()) == pytest.approx(expected, abs=1e-6)


def test_losses_are_their_formulas() -> None:
    outputs = torch.randn(30, 3)
    labels = (torch.rand(30, 3) < 0.4).double()
    p = 1 / (1 + np.exp(-outputs.float().double().numpy()))
    soft = labels.numpy() * 0.9 + 0.05
    weights = np.array([0.5, 2.0, 1.0])
    found = TASKS["multilabel"].answer.loss(Recipe(label_smoothing=0.1), tuple(weights))(outputs, labels)
    expected = -(weights * soft * np.log(p) + (1 - soft) * np.log(1 - p)).mean(axis=1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    target = torch.randn(30, 3).float()
    error = outputs.float().numpy() - target.numpy()
    size = np.abs(error)
    for name, expected in (
        ("mse", error**2),
        ("mae", size),
        ("huber", np.where(size < 1, error**2 / 2, size - 0.5)),
    ):
        found = TASKS["regress"].answer.loss(Recipe(loss=name), None)(outputs, target)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.numpy(), expected.mean(axis=1), atol=1e-6)
    classes = torch.arange(30) % 3
    smooth = 0.8 * np.eye(3)[classes] + 0.2 / 3
    logs = np.log(np.exp(outputs.numpy()) / np.exp(outputs.numpy()).sum(axis=1, keepdims=True))
    found = TASKS["classify"].answer.loss(Recipe(label_smoothing=0.2), None)(outputs, classes)
    np.testing.assert_allclose(found.numpy(), -(smooth * logs).sum(axis=1), atol=1e-6)


def test_the_loss_of_forecasts_is_squared_error_and_pinball() -> None:
    answers, truth = torch.randn(6, 5, 4).float(), torch.randn(6, 5).float()
    outputs = torch.cat([answers.flatten(1), torch.zeros(6, 1)], dim=1)
    truth[2, 3] = float("nan")
    found = TASKS["forecast"].answer.loss(Recipe(), None)(outputs, truth)
    for row in range(6):
        losses = []
        for step in range(5):
            true = float(truth[row, step])
            if math.isnan(true):
                continue
            mean, *quantiles = answers[row, step].tolist()
            pinball = [
                max(q * (true - v), (q - 1) * (true - v)) for q, v in zip((0.1, 0.5, 0.9), quantiles, strict=True)
            ]
            losses.append((mean - true) ** 2 + sum(pinball))
        assert float(found[row]) == pytest.approx(np.mean(losses), abs=1e-6)


# --- optimizers and schedules ----------------------------------------------------------------------------------------


class Hidden(nn.Module):
    """A hidden matrix and convolution, for Muon, beside an embedding, biases and a head, which are not."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 4)
        self.dense = nn.Linear(4, 7)
        self.conv = nn.Conv2d(3, 5, 2)
        self.head = nn.Linear(7, 2)


def plain_newton_schulz(matrix: np.ndarray) -> np.ndarray:
    """As published (Jordan et al. 2024), one multiplication at a time."""
    x = matrix / (np.linalg.norm(matrix) + 1e-7)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    for _ in range(5):
        a = x @ x.T
        b = -4.7750 * a + 2.0315 * (a @ a)
        x = 3.4445 * x + b @ x
    return x.T if turned else x


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_newton_schulz_is_the_published_iteration(shape: tuple[int, int]) -> None:
    matrices = torch.randn(2, *shape)
    plain = np.stack([plain_newton_schulz(matrix) for matrix in matrices.numpy()])
    np.testing.assert_allclose(orthogonalise(matrices).numpy(), plain, atol=1e-6)
    rounded = orthogonalise(matrices.float()).numpy()  # in bf16 where the processor has it
    assert np.linalg.norm(rounded - plain) < 0.05 * np.linalg.norm(plain)


def test_muon_moves_weights_as_written_out() -> None:
    network = Hidden()
    recipe = Recipe(optimizer="muon", learning_rate=0.02, weight_decay=0.1, momentum=0.95)
    optimizers = make_optimizers(network, recipe)
    hidden = {"dense.weight", "conv.weight"}
    muon = optimizers[0]
    assert {id(p) for g in muon.groups for p in g.params} == {
        id(p) for n, p in network.named_parameters() if n in hidden
    }
    held = {name: p.detach().numpy().copy() for name, p in network.named_parameters()}
    velocity = {name: np.zeros_like(value) for name, value in held.items()}
    square = {name: np.zeros_like(value) for name, value in held.items()}
    generator = torch.Generator().manual_seed(4)
    for step in range(1, 7):
        grads = {n: torch.randn(p.shape, generator=generator) for n, p in network.named_parameters()}
        for name, parameter in network.named_parameters():
            parameter.grad = grads[name].clone()
        for optimizer in optimizers:
            optimizer.step()
        for name, grad in ((n, g.numpy()) for n, g in grads.items()):
            if name in hidden:
                velocity[name] = 0.95 * velocity[name] + 0.05 * grad
                update = 0.05 * grad + 0.95 * velocity[name]
                matrix = plain_newton_schulz(update.reshape(len(update), -1)).reshape(update.shape)
                scale = max(1.0, len(update) / (update.size / len(update))) ** 0.5
                held[name] = held[name] * (1 - 0.02 * 0.1) - 0.02 * scale * matrix
            else:
                velocity[name] = 0.9 * velocity[name] + 0.1 * grad
                square[name] = 0.999 * square[name] + 0.001 * grad**2
                mean, size = velocity[name] / (1 - 0.9**step), square[name] / (1 - 0.999**step)
                held[name] = held[name] - 0.002 * mean / (np.sqrt(size) + 1e-8)
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.detach().numpy(), held[name], atol=1e-6, err_msg=name)


def test_schedules_are_their_formulas() -> None:
    for step in range(200):
        done = (step + 1) / 200
        cosine = rate_multiplier(Recipe(schedule="cosine", warmup=0.0), done)
        assert cosine == pytest.approx((1 + math.cos(math.pi * done)) / 2, abs=1e-12)
        warm = rate_multiplier(Recipe(schedule="constant", warmup=0.25), done)
        assert warm == pytest.approx(min(1.0, done / 0.25), abs=1e-12)
        cut = rate_multiplier(Recipe(schedule="step", warmup=0.0), done)
        assert cut == (1.0 if done <= 0.6 else 0.1 if done <= 0.85 else 0.01)
        cycle = rate_multiplier(Recipe(schedule="onecycle", warmup=0.2), done)
        rising = 0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.2)) / 2
        falling = max(1e-4, (1 + math.cos(math.pi * (done - 0.2) / 0.8)) / 2)
        assert cycle == pytest.approx(rising if done < 0.2 else falling, abs=1e-12)


def test_the_moving_average_is_its_formula() -> None:
    layer = nn.Linear(3, 2, bias=False)
    average, mean = Average(layer, 0.9), layer.weight.detach().clone()
    for count in range(1, 40):
        with torch.no_grad():
            layer.weight.add_(torch.randn(2, 3))
        average.update()
        decay = min(0.9, (1 + count) / (10 + count))
        mean = decay * mean + (1 - decay) * layer.weight.detach()
    average.swap()
    torch.testing.assert_close(layer.weight.detach(), mean, **CLOSE)


# --- augmentation and intervals --------------------------------------------------------------------------------------


def split_mix(state: int) -> int:
    """SplitMix64 (Steele et al. 2014) in whole numbers."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
    return state ^ (state >> 31)


def test_random_numbers_of_augmentation_are_split_mix() -> None:
    golden, key, rows = 0x9E3779B97F4A7C15, (5, 2, 7), [0, 3, 2**40 + 1]
    state = 0
    for part in key:
        state = split_mix((state + part + 1 + golden) % 2**64)
    expected = [
        [(split_mix((split_mix((row * golden + state) % 2**64) + i * golden) % 2**64) >> 40) / 2**24 for i in (1, 2, 3)]
        for row in rows
    ]
    np.testing.assert_allclose(uniforms(torch.tensor(rows), 3, key).numpy(), expected, atol=0)
    u = uniforms(torch.tensor(rows), 4, key).double().numpy()
    radius, angle = np.sqrt(-2 * np.log(1 - u[:, :2])), 2 * np.pi * u[:, 2:]
    expected_normals = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    np.testing.assert_allclose(normals(torch.tensor(rows), 4, key).numpy(), expected_normals, atol=1e-5)


def test_images_are_moved_mirrored_and_covered_pixel_by_pixel() -> None:
    torch.set_default_dtype(torch.float32)
    spec = InputSpec(form="grid", shape=(3, 20, 16), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    rows, images = torch.arange(8), torch.randint(0, 256, (8, 3, 20, 16), dtype=torch.uint8)
    augmenter = GridAugmenter(("flip", "shift"), spec, seed=1)
    found = augmenter(images, None, rows, 4)
    shifts, signs = augmenter._shifts(rows, 20, 16, 4).long(), augmenter._signs(rows, 4)
    assert {float(sign) for sign in signs} == {-1.0, 1.0}
    for row in range(8):
        for y in range(20):
            for x in range(16):
                across = min(max(x - int(shifts[row, 1]), 0), 15)
                across = 15 - across if signs[row] < 0 else across
                down = min(max(y - int(shifts[row, 0]), 0), 19)
                assert torch.equal(found[row, :, y, x], images[row, :, down, across])
    covered = GridAugmenter(("cutout",), spec, seed=1)(images, None, rows, 4)
    changed = (covered != images).any(dim=1)
    assert (changed.flatten(1).sum(dim=1) <= 36).all()  # a square of 0.3 * 16 pixels, and its rim
    fill = torch.tensor([128, 102, 76], dtype=torch.uint8)
    assert all(torch.equal(pixel, fill) for pixel in covered.permute(0, 2, 3, 1)[changed])


@pytest.mark.parametrize("degrees", [3, 5, 9, 30, 400])
def test_students_quantiles_are_scipys_within_a_percent(degrees: int) -> None:
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=0.01)


@pytest.mark.parametrize(("hits", "rows"), [(0, 5), (3, 7), (49, 50), (120, 400), (400, 400)])
def test_wilsons_interval_is_scipys(hits: int, rows: int) -> None:
    theirs = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    assert wilson(hits / rows, rows) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
