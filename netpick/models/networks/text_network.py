"""Networks that say the next symbol of a text: what all families share around their trunks.

Symbols become vectors, a trunk reads them forwards, each step from those before it alone, and the same vectors say how likely
each symbol is next (weights are tied, Press & Wolf 2017). In training a network may compare what came with a sample of the other symbols alone,
each weighed by how seldom it is drawn; two thirds of the time of a model of words is its softmax. What leaves the network are
two numbers a step: the logarithm of the probability of what came, and its rank.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from netpick.disk.strict.tensors import TensorSpec
from netpick.models.networks.base import Architecture, Batch, Carrying, Size, Trunk
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

MOST_LOGITS = 1 << 20  # that are worked out at a time where nothing is learned
FIRST_SYMBOL = 1  # 0 is no symbol
FEW_SYMBOLS = 1_000  # different ones; so few are characters or bytes
SMALL, SMALLEST = 2_000, 400  # blocks to learn from


def stream_spec(inputs: Inputs) -> InputSpec:
    """The text among the inputs."""
    return inputs["stream"]


def num_symbols(inputs: Inputs) -> int:
    """V."""
    return stream_spec(inputs).cardinalities[0]


def block_of(inputs: Inputs) -> int:
    """T."""
    return stream_spec(inputs).ahead[1]


class TextTrunk(Trunk):
    """A trunk of a text: vectors of symbols (B, S, E) to features (B, S, E), each of its own step and those before it."""

    carries: bool = False  # whether a state goes on from one block to the next in training
    dropout: float = 0.0  # of what goes into it
    sampled: int = 0  # symbols beside those of the batch that training compares with; 0: all

    def read(self, steps: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Features, and the state behind the last step.

        state: what the first step goes on from; None at a beginning, and then a state comes back only where training carries one.
        """
        raise NotImplementedError

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """Of the parts of a state, so many rows at their beginning: zeros."""
        raise NotImplementedError


class ReadOn(Carrying):
    """A network of what goes on: it can read some symbols at a time, and keep a state behind them."""

    trunk: TextTrunk
    symbols_a_step: int = 1  # of the trunk; more where several are read together

    def __init__(self) -> None:
        super().__init__()
        self.carried: dict[str, Tensor] = {}

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """Of the parts of a state, so many rows at their beginning: zeros."""
        return self.trunk.state_shapes(rows)

    def start(self, rows: int) -> tuple[Tensor, ...]:
        """The state of rows of which nothing was read yet."""
        some = next(self.parameters())
        return tuple(some.new_zeros(shape) for shape in self.state_shapes(rows))

    def following(self, symbols: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Log-probabilities (B, V) of what comes behind symbols (B, S), which go on from a state; and the state behind them."""
        raise NotImplementedError


class LockedDropout(nn.Module):
    """Dropout of the same features in all steps of a row (Gal & Ghahramani 2016)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, steps: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return steps
        kept = steps.new_empty((len(steps), 1, steps.shape[2])).bernoulli_(1 - self.share)
        return steps * kept / (1 - self.share)


class TextNetwork(ReadOn):
    """Batches of blocks (B, C + 1 + T) to (B, 2 T): log-probabilities of the symbols of the block, then their ranks.

    In training there are as many steps as the trunk reads: all of them, or those of the block where it carries a state; ranks are
    then 1 where there is a symbol.
    """

    frequency: Tensor

    def __init__(self, trunk: TextTrunk, inputs: Inputs) -> None:
        super().__init__()
        symbols, self.block = num_symbols(inputs), block_of(inputs)
        self.trunk, self.sampled = trunk, trunk.sampled if 2 * trunk.sampled < symbols else 0
        self.embedding = nn.Embedding(symbols, trunk.width)
        nn.init.normal_(self.embedding.weight, std=trunk.width**-0.5)
        # Numbers go by frequency, so the first answers are those of Zipf's law.
        rank = torch.arange(symbols, dtype=torch.float32)
        frequency = torch.log1p(1 / (rank + 1)) / torch.log(torch.tensor(symbols + 1.0))
        self.bias = nn.Parameter(frequency.log())
        self.register_buffer("frequency", frequency, persistent=False)
        self.dropout = LockedDropout(trunk.dropout)
        self.carries = trunk.carries
        self.in_parts = True  # logits are worked out some at a time; a graph, whose batches are small, does so at once

    def forward(self, batch: Batch) -> Tensor:
        symbols = batch["stream"]
        if not self.training:
            features, _ = self.trunk.read(self.embedding(symbols[:, :-1]), None)
            return self._judged(features[:, -self.block :], symbols[:, -self.block :])
        read = self.block if self.carries else symbols.shape[1] - 1
        before, following = symbols[:, -read - 1 : -1], symbols[:, -read:]
        rows = batch.get("stream.rows")
        features, state = self.trunk.read(self.dropout(self.embedding(before)), self._state(rows))
        if rows is not None and self.carries:
            named = {str(place): part.detach() for place, part in enumerate(state)}
            self.carried = {"rows": rows.clone(), **named}
        return self._learned(features, following)

    def following(self, symbols: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See ReadOn."""
        features, after = self.trunk.read(self.embedding(symbols), state)
        return self._logits(features[:, -1]).log_softmax(dim=-1), after

    def carried_specs(self, rows: int) -> Mapping[str, TensorSpec]:
        """See Carrying."""
        if not self.carries:
            return {}
        parts = enumerate(self.trunk.state_shapes(rows))
        specs = {str(place): TensorSpec(dtype="float32", shape=shape) for place, shape in parts}
        return {"rows": TensorSpec(dtype="int64", shape=(rows,)), **specs}

    def _state(self, rows: Tensor | None) -> tuple[Tensor, ...] | None:
        """What was carried of the rows that come right behind those of the last batch, zeros of others."""
        if rows is None or "rows" not in self.carried or len(self.carried["rows"]) != len(rows):
            return None
        goes_on = (rows == self.carried["rows"] + 1).to(torch.float32)
        parts = [part for name, part in self.carried.items() if name != "rows"]
        return tuple(part * goes_on.view(1, -1, *([1] * (part.ndim - 2))) for part in parts)

    def _logits(self, features: Tensor) -> Tensor:
        """(..., D) to (..., V); of 0, which is no symbol, minus infinity."""
        nothing = torch.zeros_like(self.bias)
        nothing[:FIRST_SYMBOL] = float("-inf")
        return (features @ self.embedding.weight.T).float().add_(self.bias + nothing)

    def _judged(self, features: Tensor, following: Tensor) -> Tensor:
        """(B, 2 T) of features (B, T, D)."""
        flat = (features.flatten(0, 1), following.flatten())
        size = max(1, MOST_LOGITS // len(self.bias))
        parts = zip(*(torch.split(part, size) for part in flat), strict=True) if self.in_parts else [flat]
        logs, ranks = [], []
        for steps, came in parts:
            logits = self._logits(steps)
            own = logits.gather(1, came.clamp(min=FIRST_SYMBOL).unsqueeze(1))
            logs.append(own.squeeze(1) - logits.logsumexp(dim=1))
            ranks.append(1 + (logits > own).sum(dim=1))
        known = (following >= FIRST_SYMBOL).float()
        shape = following.shape
        return torch.cat([torch.cat(logs).view(shape) * known, torch.cat(ranks).view(shape) * known], dim=1)

    def _learned(self, features: Tensor, following: Tensor) -> Tensor:
        """(B, 2 S) of features (B, S, D): log-probabilities, and 1 where there is a symbol."""
        known, came = (following >= FIRST_SYMBOL).float(), following.clamp(min=FIRST_SYMBOL)
        if self.sampled:
            logits, place = self._among_some(features, came)
        else:
            logits, place = self._logits(features), came
        logs = logits.gather(2, place.unsqueeze(2)).squeeze(2) - logits.logsumexp(dim=2)
        return torch.cat([logs * known, known], dim=1)

    def _among_some(self, features: Tensor, came: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the batch's own symbols and of some drawn ones, and where among them each of `came` is.

        Each other symbol is drawn by itself with a known probability, and weighed by its inverse: the sum over all symbols is
        estimated without bias.
        """
        drawn = (self.sampled * self.frequency).clamp(max=1.0)
        own = torch.zeros_like(drawn, dtype=torch.bool)
        own[came.flatten()] = True
        taken = own | (torch.rand_like(drawn) < drawn)
        taken[:FIRST_SYMBOL] = False
        some = taken.nonzero().squeeze(1)
        weight = torch.where(own, torch.zeros_like(drawn), -drawn.log()).index_select(0, some)
        vectors = self.embedding.weight.index_select(0, some)
        logits = (features @ vectors.T).float() + (self.bias.index_select(0, some) + weight)
        place = torch.zeros_like(own, dtype=torch.int64)
        place[some] = torch.arange(len(some), device=some.device)
        return logits, place.index_select(0, came.flatten()).view_as(came)


class TextArchitecture(Architecture):
    """An architecture of texts that go on: a text is long, and a network can be judged before it went through it."""

    fewest_passes: ClassVar[float] = 0.3

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """That of the text, or of a shorter one where the time does not afford a pass over it."""
        made = [Size(settings=self.presets(inputs, num_rows, num_outputs), passes=1.0)]
        for rows in (SMALL - 1, SMALLEST - 1):
            settings = self.presets(inputs, min(rows, num_rows), num_outputs)
            if settings != made[-1].settings:
                made.append(Size(settings=settings, passes=1.0, remark="smaller than usual, for the budget"))
        return [*made[:-1], replace(made[-1], passes=self.fewest_passes)]

    @abstractmethod
    def build(self, inputs: Inputs, settings: object) -> TextTrunk:
        """The trunk, initialised from torch's current generator."""


def stream_recipe(learning_rate: float, num_rows: int, *, streams: int = 16, optimizer: str = "adamw") -> Recipe:
    """How all networks of texts that go on are trained: `streams` side by side, fewer where each would be shorter than eight blocks."""
    return Recipe(
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule="onecycle",
        warmup=0.1,
        batch_size=max(1, min(streams, num_rows // 8)),
        average=0.99,
    )
