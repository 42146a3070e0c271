"""Gradients of every network, block and loss of ours, against differences in double precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.func import functional_call  # type: ignore[attr-defined]
from torch.overrides import TorchFunctionMode

from netpick.errors import RequestError
from netpick.models.infer import values_of
from netpick.models.networks.base import Features
from netpick.models.networks.blocks import (
    ACTIVATIONS,
    Dropout,
    EncoderLayer,
    SelfAttention,
    activation_layer,
    last_valid,
    masked_max,
    masked_mean,
    reverse_valid,
)
from netpick.models.networks.forecast_heads import Seen, num_targets, tells_begun
from netpick.models.networks.forecast_network import StepHead
from netpick.models.networks.heads import MapHead, PooledHead, StepsHead
from netpick.models.networks.network import Mixing
from netpick.models.networks.rnn import AttentionPooling, RecurrentLayer, RnnSettings
from netpick.models.networks.series_cnn import MaskedBatchNorm
from netpick.models.networks.table_inputs import Both, Periodic, PiecewiseLinear
from netpick.models.networks.word_stem import WordStem
from netpick.tasks import TASKS
from netpick.types import Inputs
from netpick.types.recipe import Recipe
from tests.conformance import test_forecasters as forecasters
from tests.conformance import test_models as models

ROWS = 3


class InDouble(TorchFunctionMode):
    """Networks cast to float32 where bfloat16 could reach them; here these casts keep double precision.

    A forecast's quantiles are kept from teaching its mean by `detach`, on purpose; here they may.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is Tensor.float:
            return args[0].double()
        if func is Tensor.detach:
            return args[0]
        if kwargs.get("dtype") is torch.float32:
            kwargs["dtype"] = torch.float64
        return func(*args, **kwargs)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def still(network: nn.Module) -> nn.Module:
    """In double precision and training, with nothing drawn at random and no tensor at rest where a slope breaks."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.threshold = 0
        elif isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(module, SelfAttention):
            module.dropout = 0.0
        elif isinstance(module, WordStem):
            module.hidden = 0.0
    network = network.double().train()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return network


def check_network(network: nn.Module, batch: dict[str, Tensor]) -> None:
    """All weights at once, and the float inputs: along random directions, so that the size of a network does not matter."""
    network = still(network)
    sizes = {name: parameter.shape for name, parameter in network.named_parameters()}
    flat = torch.cat([p.detach().flatten() for p in network.parameters()]).requires_grad_()
    moving = {name for name, value in batch.items() if value.is_floating_point()}
    inputs = [batch[name].double().requires_grad_() for name in sorted(moving)]

    def answer(weights: Tensor, *values: Tensor) -> Tensor:
        parts = weights.split([size.numel() for size in sizes.values()])
        named = {name: part.view(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}
        with InDouble():
            made = {**batch, **dict(zip(sorted(moving), values, strict=True))}
            return values_of(functional_call(network, named, (made,)))

    assert gradcheck(answer, (flat, *inputs), fast_mode=True, eps=1e-7, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("case", models.CASES, ids=lambda case: case.name)
def test_networks(case: models.Case) -> None:
    check_network(case.build(), models.make_batch(case.inputs, ROWS))


@pytest.mark.parametrize("name", forecasters.INPUTS)
@pytest.mark.parametrize("family", forecasters.FORECASTERS)
def test_forecasters(family: str, name: str) -> None:
    inputs: Inputs = forecasters.INPUTS[name]
    batch = forecasters.make_batch(inputs, ROWS)
    if tells_begun(inputs):  # 0 and 1 are where a slope breaks
        column = num_targets(inputs)
        batch["window"][..., column] = 0.1 + 0.8 * batch["window"][..., column]
    check_network(forecasters.build(family, inputs), batch)


MASK = torch.arange(6) < torch.tensor([6, 4, 1])[:, None]
STEPS = (3, 6, 4)  # rows, steps, numbers


def recurrent(cell: Any, both: bool, dropout: float = 0.0) -> nn.Module:
    settings = RnnSettings(cell=cell, width=3, bidirectional=both, recurrent_dropout=dropout)
    return RecurrentLayer(4, settings)


class Spelled(nn.Module):
    """An LSTM whose recurrence is spelled out, as it is with recurrent dropout; here nothing is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = recurrent("lstm", True, 0.5).eval()

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        self.layer.eval()
        return self.layer(steps, mask)  # type: ignore[no-any-return]


BLOCKS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module, Tensor], Tensor], tuple[int, ...]]] = {
    "attention": (lambda: SelfAttention(4, 2), lambda m, x: m(x), STEPS),
    "masked attention": (lambda: SelfAttention(4, 2), lambda m, x: m(x, MASK), STEPS),
    "encoder layer": (lambda: EncoderLayer(4, 2, 6, 0.0), lambda m, x: m(x, MASK), STEPS),
    "attention pooling": (lambda: AttentionPooling(4), lambda m, x: m(x, MASK), STEPS),
    "masked batch norm": (lambda: MaskedBatchNorm(4), lambda m, x: m(x.transpose(1, 2), MASK), STEPS),
    "piecewise linear": (lambda: PiecewiseLinear(4, 3, 6), lambda m, x: m(x), (5, 4)),
    "periodic": (lambda: Periodic(4, 3, frequencies=3), lambda m, x: m(x), (5, 4)),
    "both embeddings": (lambda: Both(4, 3, 6), lambda m, x: m(x), (5, 4)),
    "head": (lambda: PooledHead(4, 3), lambda m, x: m(Features(x), x), (5, 4)),
    "head of members": (lambda: PooledHead(4, 3, members=6), lambda m, x: m(Features(x), x).values, STEPS),
    "head of steps": (lambda: StepsHead(4, 3, group=2), lambda m, x: m(Features(x, steps=x[:, ::2]), x), STEPS),
    "head of places": (lambda: MapHead(3, 2), lambda m, x: m(Features(x, map=x[..., ::2]), x), (2, 3, 4, 6)),
    "mixing": (lambda: Mixing([3, 1]), lambda m, x: m([x[:, :3], x[:, 3:]]), (5, 4)),
    "step head": (
        lambda: StepHead(4, 2, 3),
        lambda m, x: m(x[:, 0], Seen(ahead=x[:, 1:3, :3], rows=x[..., 3], begun=None, level=None)),
        STEPS,
    ),
    "masked mean": (nn.Identity, lambda m, x: masked_mean(x, MASK), STEPS),
    "masked maximum": (nn.Identity, lambda m, x: masked_max(x, MASK), STEPS),
    "last valid step": (nn.Identity, lambda m, x: last_valid(x, MASK), STEPS),
    "reversed steps": (nn.Identity, lambda m, x: reverse_valid(x, MASK), STEPS),
    "lstm, spelled out": (Spelled, lambda m, x: m(x, MASK), STEPS),
    **{
        f"{cell}{', both ways' * both}": (
            lambda cell=cell, both=both: recurrent(cell, both),  # type: ignore[misc]
            lambda m, x: m(x, MASK),
            STEPS,
        )
        for cell in ("simple", "gru", "lstm")
        for both in (False, True)
    },
    **{name: (lambda name=name: activation_layer(name), lambda m, x: m(x), (5, 4)) for name in ACTIVATIONS},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name: str) -> None:
    make, call, shape = BLOCKS[name]
    module = still(make())
    names = [name for name, _ in module.named_parameters()]

    def answer(x: Tensor, *weights: Tensor) -> Tensor:
        held = nn.Module()
        held.inner = module  # type: ignore[assignment]
        held.forward = lambda x: call(module, x)  # type: ignore[method-assign, assignment]
        with InDouble():
            named = {f"inner.{name}": weight for name, weight in zip(names, weights, strict=True)}
            return functional_call(held, named, (x,))  # type: ignore[no-any-return]

    x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    weights = [p.detach().clone().requires_grad_() for p in module.parameters()]
    assert gradcheck(answer, (x, *weights), eps=1e-6, atol=1e-6, rtol=1e-5)


TARGETS: dict[str, Tensor] = {
    "classify": torch.tensor([0, 2, 1, 2]),
    "multilabel": torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]]),
    "regress": torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.5, -0.2], [0.0, 3.0, 1.0], [-2.0, 0.1, 0.7]]),
    "forecast": torch.tensor([[0.3, -1.0, 2.0], [1.0, float("nan"), -0.2], [0.0, 3.0, 1.0], [-2.0, 0.1, 0.7]]),
    "next": torch.zeros(4),  # its networks read the symbols among their inputs, and give each one's logarithm
    "music": torch.zeros(4),  # as of "next"; a third part are guesses, which nothing is learned from
    "generate": torch.zeros(4),  # its networks give their loss themselves
    "transcribe": torch.tensor([[1, 2], [2, 2], [1, 0], [2, 1]]),
    "translate": torch.zeros(4),  # as of "next"; they give what symbols cost, what all cost, and how many there are
    "tag": torch.tensor([[0, 2, 1, -1, -1], [1, 1, 0, 2, 0], [2, -1, -1, -1, -1], [0, 1, 2, 0, -1]]),
    "segment": torch.tensor(
        [[[0, 2, 1], [255, 1, 1]], [[0, 0, 0], [1, 2, 2]], [[255, 2, 0], [0, 1, 1]], [[2, 2, 2], [2, 1, 0]]]
    ),
}
OUTPUTS: dict[
    str, Callable[[Tensor], Tensor]
] = {  # of 3 x 6 numbers a row, where a network gives no plain row of numbers
    "transcribe": lambda x: x.view(4, 6, 3).log_softmax(dim=2),
    "translate": lambda x: torch.cat([x[:, :2], torch.full((4, 1), 5.0)], dim=1),
    "segment": lambda x: x.view(4, 3, 2, 3),
    "tag": lambda x: torch.cat([x[:, :15].view(4, 5, 3), (TARGETS["tag"] >= 0).double().unsqueeze(2)], dim=2),
}


def losses() -> Iterator[Any]:
    for task in TASKS:
        if TASKS[task].answer.each_object:  # what a place is to say depends on what it says: tests/tasks/test_boxes.py
            continue
        for loss in ("auto", "cross_entropy", "dice_cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"):
            for smoothing in (0.0, 0.1):
                for weights in (None, (0.5, 2.0, 1.0)):
                    recipe = Recipe(loss=loss, label_smoothing=smoothing)  # type: ignore[arg-type]
                    try:
                        TASKS[task].answer.loss(recipe, weights)
                    except RequestError:
                        continue
                    yield pytest.param(task, recipe, weights, id=f"{task}-{loss}-{smoothing}-{bool(weights)}")


@pytest.mark.parametrize(("task", "recipe", "weights"), list(losses()))
def test_losses(task: str, recipe: Recipe, weights: tuple[float, ...] | None) -> None:
    target = TARGETS[task].double() if TARGETS[task].is_floating_point() else TARGETS[task]
    outputs = {"forecast": 3 * 4 + 1, "next": 6, "music": 9, **dict.fromkeys(OUTPUTS, 18)}.get(task, 3)
    x = (2 * torch.randn((4, outputs), generator=torch.Generator().manual_seed(2))).requires_grad_()

    def answer(x: Tensor) -> Tensor:
        with InDouble():
            return TASKS[task].answer.loss(recipe, weights)(OUTPUTS[task](x) if task in OUTPUTS else x, target)

    assert answer(x).shape == (4,)
    assert gradcheck(answer, (x,), eps=1e-6, atol=1e-7, rtol=1e-6)
