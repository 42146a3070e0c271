"""Attention of several heads (Vaswani et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.base import KerasLayer, Shape, Weight
from netpick.models.imported.dense import Count
from netpick.types import STRICT


@dataclass(config=STRICT, kw_only=True)
class MultiHeadAttention(KerasLayer):
    """A query, a value, and a key where that is another one."""

    mask = "own"
    inputs = (2, 3)
    num_heads: int = Count
    key_dim: int = Count
    value_dim: int | None = None
    use_bias: bool = True
    attention_axes: tuple[int, ...] | None = None
    use_causal_mask: bool = False  # set where the layer is called

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        if any(len(shape) != 2 for shape in shapes) or self.attention_axes not in (None, (1,)):
            raise RefusedError(f"attends over rows of shapes {shapes}, and only steps are read")
        if len(shapes) == 3 and shapes[2][0] != shapes[1][0]:
            raise RefusedError("has keys and values of different lengths")
        return shapes[0]

    @property
    def value_size(self) -> int:
        return self.value_dim or self.key_dim

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        self.shape(shapes)
        query, value, key = shapes[0][-1], shapes[1][-1], shapes[-1][-1]
        made: list[Weight] = []
        for name, inputs, size in (
            ("query", query, self.key_dim),
            ("key", key, self.key_dim),
            ("value", value, self.value_size),
        ):
            wide = self.num_heads * size
            kernel = Weight(
                name="kernel",
                shape=(inputs, self.num_heads, size),
                places=(f"{name}.weight",),
                group=f"{name}_dense",
                before=(inputs, wide),
                axes=(1, 0),
            )
            bias = Weight(
                name="bias",
                shape=(self.num_heads, size),
                places=(f"{name}.bias",),
                group=f"{name}_dense",
                before=(wide,),
            )
            made += [kernel, bias][: 1 + self.use_bias]
        wide = self.num_heads * self.value_size
        output = Weight(
            name="kernel",
            shape=(self.num_heads, self.value_size, query),
            places=("out.weight",),
            group="output_dense",
            before=(wide, query),
            axes=(1, 0),
        )
        bias = Weight(name="bias", shape=(query,), places=("out.bias",), group="output_dense")
        return [*made, *[output, bias][: 1 + self.use_bias]]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Attention(self, shapes)


class _Attention(nn.Module):
    def __init__(self, layer: MultiHeadAttention, shapes: Sequence[Shape]) -> None:
        super().__init__()
        self.heads, self.causal, bias = layer.num_heads, layer.use_causal_mask, layer.use_bias
        self.query = nn.Linear(shapes[0][-1], layer.num_heads * layer.key_dim, bias=bias)
        self.key = nn.Linear(shapes[-1][-1], layer.num_heads * layer.key_dim, bias=bias)
        self.value = nn.Linear(shapes[1][-1], layer.num_heads * layer.value_size, bias=bias)
        self.out = nn.Linear(layer.num_heads * layer.value_size, shapes[0][-1], bias=bias)

    def forward(self, *given: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Query, value and key, then the mask of each."""
        half = len(given) // 2
        rows, masks = [row for row in given[:half] if row is not None], given[half:]
        query, key = self._heads(self.query(rows[0])), self._heads(self.key(rows[-1]))
        value = self._heads(self.value(rows[1]))
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        allowed = self._allowed(masks, scores)
        if allowed is not None:
            scores = scores.masked_fill(~allowed, -1e9)
        shares = torch.softmax(scores, dim=-1)
        read = (shares if allowed is None else shares * allowed) @ value  # a step that may attend to none reads zeros
        return self.out(read.transpose(1, 2).flatten(2)), masks[0]

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def _allowed(self, masks: Sequence[Tensor | None], scores: Tensor) -> Tensor | None:
        """(B, 1, T, S): which steps attend to which; None: all to all."""
        allowed: list[Tensor] = []
        if masks[0] is not None:
            allowed.append(masks[0][:, None, :, None])
        allowed += [mask[:, None, None, :] for mask in masks[1:] if mask is not None]
        if self.causal:
            allowed.append(scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()[None, None])
        if not allowed:
            return None
        together = allowed[0]
        for one in allowed[1:]:
            together = together & one
        return together
