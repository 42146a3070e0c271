"""Parts that several architectures share: activations, initialised linear layers, attention, pooling over valid steps.

A part moves here once two architectures need it; whatever belongs to one of them stays in its file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.errors import RequestError

Activation = Literal["relu", "leaky_relu", "sigmoid", "tanh", "softmax", "gelu", "silu", "none"]

ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {  # argument: the dimension of the features, for softmax
    "relu": lambda dim: nn.ReLU(),
    "leaky_relu": lambda dim: nn.LeakyReLU(0.01),
    "sigmoid": lambda dim: nn.Sigmoid(),
    "tanh": lambda dim: nn.Tanh(),
    "softmax": lambda dim: nn.Softmax(dim=dim),
    "gelu": lambda dim: nn.GELU(),
    "silu": lambda dim: nn.SiLU(),
    "none": lambda dim: nn.Identity(),
}

# What keeps the variance of the signal from layer to layer. Sigmoid: its slope at 0 is a quarter (Glorot & Bengio 2010).
GAINS: dict[str, float] = {
    "relu": 2**0.5,
    "leaky_relu": 2**0.5,
    "sigmoid": 4.0,
    "tanh": 5 / 3,
    "softmax": 1.0,
    "gelu": 2**0.5,
    "silu": 2**0.5,
    "none": 1.0,
}


def activation_layer(name: str, dim: int = -1) -> nn.Module:
    """The activation of that name; `dim` is where the features lie (1 for maps and channels-first series)."""
    return ACTIVATIONS[name](dim)


def check_heads(width: int, heads: int) -> None:
    """Raises RequestError where the heads of an attention cannot have equal parts of its width."""
    if width % heads == 0:
        return
    fewer = next(count for count in range(min(heads, width), 0, -1) if width % count == 0)
    advice = f"Choose fewer, for example heads={fewer}."
    if heads < width:
        advice = f"Choose a multiple, for example width={heads * (width // heads)}, or heads={fewer}."
    raise RequestError(f"Width {width} does not divide into {heads} heads. {advice}")


def linear(inputs: int, outputs: int, activation: str = "none") -> nn.Linear:
    """A linear layer whose weights suit the activation behind it; biases start at zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=GAINS[activation] / inputs**0.5)
    nn.init.zeros_(layer.bias)
    return layer


def masked_mean(steps: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of (B, T, D) over its valid steps; mask (B, T) is True where a step is real."""
    if mask is None:
        return steps.mean(dim=1)
    weights = mask.unsqueeze(-1).to(steps.dtype)
    return (steps * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def masked_max(steps: Tensor, mask: Tensor | None) -> Tensor:
    """Largest of (B, T, D) over its valid steps; 0 where a row has none."""
    if mask is None:
        return steps.amax(dim=1)
    largest = steps.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(dim=1)
    return largest.masked_fill(~mask.any(dim=1, keepdim=True), 0.0)


def last_valid(steps: Tensor, mask: Tensor | None) -> Tensor:
    """The last valid step of (B, T, D)."""
    if mask is None:
        return steps[:, -1]
    last = (mask.sum(dim=1) - 1).clamp(min=0)
    index = last.view(-1, 1, 1).expand(-1, 1, steps.shape[2])
    return steps.gather(1, index).squeeze(1)


def reverse_valid(steps: Tensor, mask: Tensor | None) -> Tensor:
    """(B, T, D) with the valid steps of each row in reverse order; padding stays at the end."""
    if mask is None:
        return steps.flip(1)
    batch, length, _ = steps.shape
    positions = torch.arange(length, device=steps.device).unsqueeze(0)
    lengths = mask.sum(dim=1, keepdim=True)
    index = torch.where(positions < lengths, lengths - 1 - positions, positions)
    index = (index + length * torch.arange(batch, device=steps.device).unsqueeze(1)).flatten()
    if torch.is_grad_enabled() and steps.requires_grad:
        return _Permuted.apply(steps, index)  # type: ignore[no-untyped-call, no-any-return]
    return _permuted(steps, index)


def _permuted(steps: Tensor, index: Tensor) -> Tensor:
    """Whole steps of (B, T, D) moved by their number in the flat (B * T)."""
    return steps.flatten(0, 1).index_select(0, index).view_as(steps)


class _Permuted(torch.autograd.Function):
    """Moving steps by a permutation that is its own inverse: so is its gradient, where torch would add up step by step."""

    @staticmethod
    def forward(ctx: Any, steps: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        return _permuted(steps, index)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _permuted(gradients[0].contiguous(), *ctx.saved_tensors), None


class SelfAttention(nn.Module):
    """Multi-head self-attention over (B, T, D); padded steps are never attended to.

    It leaves bfloat16 on a processor: torch's kernel is two to twelve times slower in it for some 50 tokens.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = linear(width, 3 * width)
        self.out = linear(width, width)

    def forward(self, steps: Tensor, mask: Tensor | None = None) -> Tensor:
        batch, length, width = steps.shape
        projected = self.queries_keys_values(steps).view(batch, length, 3, self.heads, width // self.heads)
        if projected.device.type == "cpu":
            projected = projected.float()
        queries, keys, values = projected.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, D / heads) each
        plain = projected.device.type == "meta"  # shapes alone, which autocast does not know
        with nullcontext() if plain else torch.autocast(projected.device.type, enabled=False):
            attended = functional.scaled_dot_product_attention(
                queries,
                keys,
                values,
                attn_mask=None if mask is None else mask[:, None, None, :],
                dropout_p=self.dropout if self.training else 0.0,
            )
        return self.out(attended.transpose(1, 2).reshape(batch, length, width))  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """A transformer layer with the norms in front (Xiong et al. 2020): attention, then a feed-forward part."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, activation: str = "gelu") -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            linear(width, hidden, activation),
            activation_layer(activation),
            Dropout(dropout),
            linear(hidden, width),
        )
        self.dropout = Dropout(dropout)

    def forward(self, steps: Tensor, mask: Tensor | None = None) -> Tensor:
        steps = steps + self.dropout(self.attention(self.attention_norm(steps), mask))
        return steps + self.dropout(self.feed_forward(steps))  # type: ignore[no-any-return]


class Dropout(nn.Module):
    """Dropout with one random byte per element: several times faster on the CPU than torch's own, exact to 1/256.

    On the CPU torch draws a double per element, which took a third of the whole step of a wide MLP.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.threshold = 0 if share == 0 else max(1, min(255, round(share * 256)))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.threshold == 0:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: x.numel()].view(x.shape)
        kept = torch.ge(
            drawn, self.threshold, out=torch.empty_like(x, requires_grad=False)
        )  # bools take seven times as long
        return x * kept * (256 / (256 - self.threshold))

    def extra_repr(self) -> str:
        return f"{self.threshold}/256"
