"""Parts of networks with gradients of their own: the same numbers as their plain spelling, in a third of the passes over memory.

A step of a small network on sentences is not bound by its products but by the number of operations and of passes between them. Where no gradient is
asked for (answers, exported graphs) the plain spelling runs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6  # added to a mean square
ROWS = 64  # of logits that are worked on at once: they stay in the processor's cache


def working_type(like: Tensor) -> torch.dtype:
    """What products are computed in: that of autocast where it is on."""
    if like.device.type != "meta" and torch.is_autocast_enabled(like.device.type):
        return torch.get_autocast_dtype(like.device.type)
    return like.dtype


class RootMeanSquare(nn.Module):
    """(..., D) over the root of its mean square (Zhang & Sennrich 2019), in the type of the products that follow.

    Without weights: each is followed by linear layers, which can scale by themselves (as in nanochat).
    """

    def forward(self, steps: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and steps.requires_grad):
            return (steps * (steps.square().mean(dim=-1, keepdim=True) + EPS).rsqrt()).to(working_type(steps))
        return _Normed.apply(steps, working_type(steps))  # type: ignore[no-untyped-call, no-any-return]


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Tensor, dtype: torch.dtype) -> Tensor:
        length = torch.linalg.vector_norm(steps, dim=-1, keepdim=True)
        inverse = length.square().div_(steps.shape[-1]).add_(EPS).rsqrt_()
        normed = steps.mul(inverse).to(dtype)
        ctx.save_for_backward(normed, inverse)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        normed, inverse = ctx.saved_tensors
        (gradient,) = gradients
        along = (gradient * normed).sum(dim=-1, keepdim=True, dtype=inverse.dtype).div_(normed.shape[-1])
        return (gradient - normed * along).mul_(inverse), None


def squared_relu(steps: Tensor) -> Tensor:
    """(So et al. 2021)."""
    if not (torch.is_grad_enabled() and steps.requires_grad):
        return functional.relu(steps).square()
    return _SquaredRelu.apply(steps)  # type: ignore[no-untyped-call, no-any-return]


class _SquaredRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Tensor) -> Tensor:
        positive = steps.relu()
        ctx.save_for_backward(positive)
        squared: Tensor = positive * positive
        return squared

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        gradient: Tensor = (gradients[0] * positive).mul_(2.0)
        return gradient


class AddDropped(nn.Module):
    """Steps plus what a layer adds to them, of which a share is dropped in training: a random byte an element, see blocks.Dropout."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.threshold = 0 if share == 0 else max(1, min(255, round(share * 256)))

    def forward(self, steps: Tensor, added: Tensor) -> Tensor:
        if not self.training or self.threshold == 0:
            return steps + added
        words = torch.empty((added.numel() + 7) // 8, dtype=torch.int64, device=added.device).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: added.numel()].view(added.shape)
        kept = torch.ge(drawn, self.threshold, out=torch.empty_like(added, requires_grad=False))
        return _AddKept.apply(steps, added, kept, 256 / (256 - self.threshold))  # type: ignore[no-untyped-call, no-any-return]

    def extra_repr(self) -> str:
        return f"{self.threshold}/256"


class _AddKept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Tensor, added: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.dtype, ctx.scale = added.dtype, scale
        ctx.save_for_backward(kept)
        return steps.add(
            added * kept, alpha=scale
        )  # kept is 1 or 0 in the type of what is added: from bools it takes seven times as long

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        (gradient,) = gradients
        return gradient, gradient.to(ctx.dtype).mul(kept).mul_(ctx.scale), None, None


def heads_turned(projected: Tensor, heads: int, turns: tuple[Tensor, Tensor] | None, parts: int) -> Tensor:
    """(B, T, parts * D) to (parts, B, heads, T, D / heads), of which the first two parts (queries and keys) are turned by the angles of their places
    (Su et al. 2021). turns: cosines and sines (T, D / heads / 2); None: nothing is turned."""
    if torch.is_grad_enabled() and projected.requires_grad and turns is not None:
        return _HeadsTurned.apply(projected, heads, *turns)  # type: ignore[no-untyped-call, no-any-return]
    split = _by_head(projected, heads, parts)
    if turns is None:
        return split
    cosine, sine = (turn.to(split.dtype) for turn in turns)
    half = cosine.shape[1]
    first, second, rest = split[:2, ..., :half], split[:2, ..., half : 2 * half], split[:2, ..., 2 * half :]
    both = torch.cat([first * cosine - second * sine, first * sine + second * cosine, rest], dim=-1)
    return torch.cat([both, split[2:]], dim=0)


def _by_head(projected: Tensor, heads: int, parts: int) -> Tensor:
    batch, length, width = projected.shape
    return projected.view(batch, length, parts, heads, width // parts // heads).permute(2, 0, 3, 1, 4)


class _HeadsTurned(torch.autograd.Function):
    """Of queries, keys and values side by side. The halves of each head change places by a product with a small matrix: moved by themselves they are
    too short for the processor's vectors."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, heads: int, cosine: Tensor, sine: Tensor) -> Tensor:
        split = _by_head(projected, heads, 3).contiguous()
        width, half = split.shape[-1], cosine.shape[1]
        rest = cosine.new_zeros((len(cosine), width - 2 * half))
        cosines = torch.cat([cosine, cosine, rest + 1], dim=1).to(split.dtype)
        sines = torch.cat([sine, sine, rest], dim=1).to(split.dtype)
        other = torch.zeros(width, width, dtype=split.dtype, device=split.device)
        place = torch.arange(half, device=split.device)
        other[place + half, place], other[place, place + half] = -1.0, 1.0
        ctx.save_for_backward(cosines, sines, other)
        both = split[:2]
        both.copy_((both * cosines).add_((both @ other).mul_(sines)))
        return split

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        cosines, sines, other = ctx.saved_tensors
        (gradient,) = gradients
        _, batch, heads, length, width = gradient.shape
        both = gradient[:2]
        back = torch.cat([(both * cosines).add_((both * sines) @ other.T), gradient[2:]])
        return back.permute(1, 3, 0, 2, 4).reshape(batch, length, 3 * heads * width), None, None, None


class Costs(torch.autograd.Function):
    """Features (n, E), weights (V, E), biases (V,) and what came (n,) to (n, 2): -log p of what came, and the mean of -log p over all symbols.

    Logits are made some rows at a time and never kept; probabilities are, in the type of the features. The gradient of both costs is
    (a + b) p - b / V less a at what came, for gradients a and b: all but the first term are sums over the vocabulary that need no (n, V) numbers.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, came: Tensor, learning: bool) -> Tensor:
        weights = weight.to(features.dtype)
        biases = bias.to(features.dtype)
        costs = features.new_empty((len(features), 2), dtype=bias.dtype)
        chances = features.new_empty((len(features) if learning else 0, len(weights)))
        for begin in range(0, len(features), ROWS):
            part = slice(begin, begin + ROWS)
            logits = torch.addmm(biases, features[part], weights.T).to(bias.dtype)
            largest, even = logits.amax(dim=1, keepdim=True), logits.mean(dim=1)
            own = logits.gather(1, came[part, None]).squeeze(1)
            sums = logits.sub_(largest).exp_().sum(dim=1, keepdim=True)
            whole = (sums.log() + largest).squeeze(1)
            costs[part, 0], costs[part, 1] = whole - own, whole - even
            if learning:
                chances[part] = logits.div_(sums)
        if learning:
            ctx.save_for_backward(features, weights, chances, came)
        return costs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        features, weights, chances, came = ctx.saved_tensors
        own, even = gradients[0].unbind(dim=1)
        both, even = (own + even).unsqueeze(1), even.unsqueeze(1) / len(weights)
        dtype = features.dtype
        to_features = (chances @ weights) * both - even * weights.sum(dim=0, dtype=own.dtype)
        to_features.sub_(own.unsqueeze(1) * weights.index_select(0, came))
        scaled = (features * both).to(dtype)
        to_weights = (chances.T @ scaled).to(own.dtype)
        to_weights.sub_((even * features).sum(dim=0))
        to_weights.index_add_(0, came, features * own.unsqueeze(1), alpha=-1)
        to_bias = (chances.T @ both.to(dtype)).squeeze(1).to(own.dtype).sub_(even.sum())
        to_bias.index_add_(0, came, own, alpha=-1)
        return to_features.to(dtype), to_weights, to_bias, None, None
