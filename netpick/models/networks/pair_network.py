"""Networks that say a text for a text: what all families share around their trunks.

Symbols of both sides are the same numbers, so one table of vectors stands for the source's, the target's and the output's (tied three ways,
Press & Wolf 2017). A network learns each symbol of a target from those before it (teacher forcing), and answers with a text that
it generates from the source alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from netpick.answers.decoding import CHOICES, END, decoded, limits_of
from netpick.models.networks.base import Architecture, Batch, Size, Trunk
from netpick.models.networks.blocks import Dropout
from netpick.models.networks.fused import Costs, working_type
from netpick.types import Array, Inputs, InputSpec, Rows
from netpick.types.recipe import Recipe

FIRST_SYMBOL, UNKNOWN = 1, 1  # 0 is no symbol
SUMS = 3  # numbers that go before the symbols of an answer: see PairNetwork
GREEDILY, NOTHING = 1, 0  # texts that are followed at once while generating: see `generating`
SMALL = 2_000  # pairs to learn from
PASSES_OF_STRINGS, PASSES_OF_SENTENCES = 20.0, 1.5
TOKENS = 1_024  # of targets, in a batch
FEW_SYMBOLS = 1_000  # different ones; so few are characters or bytes

Kept = tuple[Tensor, ...]  # (B, ...) each: what is kept of rows


class Said(NamedTuple):
    """One step of a target."""

    features: Tensor  # (B, E)
    state: Kept
    attention: Tensor  # (B, S) how much each symbol of the source was looked at


class PairTrunk(Trunk):
    """Vectors of a source and of a target's beginning to features (..., E) of what comes next."""

    dropout: float = 0.0  # of what goes into it

    @abstractmethod
    def read(self, source: Tensor, known: Tensor) -> Kept:
        """What is kept of sources (B, S, E); known: (B, S), True where there is a symbol."""

    @abstractmethod
    def taught(self, steps: Tensor, memory: Kept, known: Tensor) -> Tensor:
        """Features (B, T, E) behind each of the steps (B, T, E) of a target, all of which are known."""

    @abstractmethod
    def begin(self, memory: Kept) -> Kept:
        """The state before the first step."""

    @abstractmethod
    def step(self, vectors: Tensor, state: Kept, memory: Kept, known: Tensor) -> Said:
        """One step (B, E) more."""


def pair_spec(inputs: Inputs) -> InputSpec:
    """The pair among the inputs."""
    return inputs["pair"]


def num_symbols(inputs: Inputs) -> int:
    """V."""
    return pair_spec(inputs).cardinalities[0]


class PairNetwork(nn.Module):
    """Batches of pairs (B, S + T) to (B, SUMS + L): of the target that is known -log p of all its symbols together, the same were
    all symbols equally likely to come, and how many they are; then the symbols of the text that is generated.

    In training, and where `beam` is 0, nothing is generated (L = 0); in training the number of symbols is the mean of the batch, so that
    each symbol counts the same. Without a target the sums are 0.
    """

    def __init__(self, trunk: PairTrunk, inputs: Inputs) -> None:
        super().__init__()
        spec = pair_spec(inputs)
        self.trunk, self.longest, self.limits = trunk, spec.ahead[1], limits_of(spec)
        self.beam = self.limits.beam
        self.embedding = nn.Embedding(num_symbols(inputs), trunk.width)
        nn.init.normal_(self.embedding.weight, std=trunk.width**-0.5)
        self.scale = trunk.width**0.5
        self.bias = nn.Parameter(torch.zeros(num_symbols(inputs)))
        self.drop = Dropout(trunk.dropout)

    def forward(self, batch: Batch) -> Tensor:
        source, target = self._sides(batch["pair"])
        known = source > 0
        memory = self.memory(source, known)
        sums = self._sums(memory, known, target)
        if self.training or self.beam == 0 or source.device.type == "meta":
            return sums
        symbols = self.generated(memory, known)
        return torch.cat([sums, symbols.to(device=sums.device, dtype=sums.dtype)], dim=1)

    def memory(self, source: Tensor, known: Tensor) -> Kept:
        """What is kept of sources (B, S)."""
        return self.trunk.read(self._vectors(source), known)

    def said(self, symbols: Tensor, state: Kept, memory: Kept, known: Tensor) -> Said:
        """One step more, behind symbols (B,)."""
        return self.trunk.step(self._vectors(symbols), state, memory, known)

    @torch.no_grad()
    def generated(self, memory: Kept, known: Tensor) -> Tensor:
        """(B, L) symbols of the texts for these sources."""
        most = self.limits.of(known.sum(dim=1).cpu().numpy())
        steps = Steps(self, memory, known)
        return torch.from_numpy(decoded(steps, most, self.beam, self.limits.runs))

    @torch.no_grad()
    def looked_at(self, pairs: Tensor, written: Array) -> Array:
        """(T, S) how much of the source of one row (1, S + T) was looked at while each of these symbols (T,) was written."""
        source, _ = self._sides(pairs)
        known = source > 0
        memory = self.memory(source, known)
        state, looked = self.trunk.begin(memory), []
        for symbol in [END, *written.tolist()[:-1]]:
            said = self.said(torch.full_like(source[:, 0], symbol), state, memory, known)
            state = said.state
            looked.append(said.attention[0])
        return np.asarray(torch.stack(looked).float().cpu().numpy())

    def likeliest(self, features: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The likeliest symbols (B, count) and their log-probabilities; one that cannot be spelled is none of them."""
        logits = self._logits(features)
        whole = logits.logsumexp(dim=1, keepdim=True)
        logits[:, UNKNOWN - FIRST_SYMBOL] = float("-inf")
        best = logits.topk(min(count, logits.shape[1]), dim=1)
        return best.indices + FIRST_SYMBOL, best.values - whole

    def _sides(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S') and (B, T'), each as long as its longest row; T' is 0 where there is no target."""
        source, target = pairs[:, : self.longest], pairs[:, self.longest :]
        if pairs.device.type == "meta":
            return source, target
        lengths = torch.stack([(side > 0).sum(dim=1).max() for side in (source, target)]).tolist()
        return source[:, : max(1, lengths[0])], target[:, : lengths[1]]

    def _vectors(self, symbols: Tensor) -> Tensor:
        return self.drop(self.embedding(symbols) * self.scale)  # type: ignore[no-any-return]

    def _logits(self, features: Tensor) -> Tensor:
        """(..., E) to (..., V - 1): of each symbol."""
        weight, bias = self.embedding.weight[FIRST_SYMBOL:], self.bias[FIRST_SYMBOL:]
        return (features @ weight.T).float().add_(bias)

    def _costs(self, features: Tensor, came: Tensor) -> Tensor:
        """(n, 2) of features (n, E) of steps: see Costs."""
        weight, bias = self.embedding.weight[FIRST_SYMBOL:], self.bias[FIRST_SYMBOL:]
        features = features.to(working_type(features))
        costs: Tensor = Costs.apply(features, weight, bias, came, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
        return costs

    def _sums(self, memory: Kept, known: Tensor, target: Tensor) -> Tensor:
        """(B, SUMS)."""
        if target.shape[1] == 0:
            return memory[0].new_zeros((len(target), SUMS), dtype=torch.float32)
        before = torch.cat([torch.full_like(target[:, :1], END), target[:, :-1]], dim=1)
        features = self.trunk.taught(self._vectors(before), memory, known)
        there = target > 0
        asked = there if target.device.type != "meta" else torch.ones_like(there)
        features = features.flatten(0, 1) if target.device.type == "meta" else features[asked]
        came = target.flatten() if target.device.type == "meta" else target[asked]
        costs = self._costs(features, (came - FIRST_SYMBOL).clamp(min=0))
        if target.device.type == "meta":
            by_step = costs.view(*target.shape, 2)
        else:
            by_step = costs.new_zeros((*target.shape, 2)).masked_scatter(asked.unsqueeze(2).expand(-1, -1, 2), costs)
        counts = there.sum(dim=1, keepdim=True).float()
        if self.training:
            counts = counts.mean().expand_as(counts)
        return torch.cat([by_step.sum(dim=1), counts], dim=1)


class Steps:
    """What a network says next: see decoding.Next."""

    def __init__(self, network: PairNetwork, memory: Kept, known: Tensor) -> None:
        self.network, self.whole, self.whole_known = network, memory, known
        self.state = network.trunk.begin(memory)
        self.memory, self.known, self.rows = memory, known, np.arange(len(known))

    def __call__(self, rows: Rows, parents: Rows, symbols: Array) -> tuple[Array, Array]:
        device = self.known.device
        if len(parents) != len(self.rows) or (parents != np.arange(len(parents))).any():
            place = torch.from_numpy(parents).to(device)
            self.state = tuple(part.index_select(0, place) for part in self.state)
        if len(rows) != len(self.rows) or (rows != self.rows).any():
            place = torch.from_numpy(rows).to(device)
            self.memory = tuple(part.index_select(0, place) for part in self.whole)
            self.known, self.rows = self.whole_known.index_select(0, place), rows
        given = torch.from_numpy(symbols.astype(np.int64)).to(device)
        said = self.network.said(given, self.state, self.memory, self.known)
        self.state = said.state
        likeliest, logs = self.network.likeliest(said.features, min(2 * self.network.beam, CHOICES))
        return likeliest.cpu().numpy(), logs.cpu().numpy().astype(np.float64)


@contextmanager
def generating(network: nn.Module, beam: int) -> Iterator[None]:
    """Within it, a network that generates follows so many texts at once; 0: it generates none. Others are as they were."""
    if not isinstance(network, PairNetwork):
        yield
        return
    before, network.beam = network.beam, beam
    try:
        yield
    finally:
        network.beam = before


class PairArchitecture(Architecture):
    """An architecture of pairs."""

    fewest_passes: ClassVar[float] = 1.0

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """That of the data where the time affords some passes, more of strings, which are right or wrong by a symbol; else that of few rows."""
        usual = self.presets(inputs, num_rows, num_outputs)
        small = self.presets(inputs, min(num_rows, SMALL - 1), num_outputs)
        wanted = PASSES_OF_STRINGS if num_symbols(inputs) < FEW_SYMBOLS else PASSES_OF_SENTENCES
        if small == usual:
            return [Size(settings=usual, passes=self.fewest_passes)]
        remark = "smaller than usual, for the budget"
        return [Size(settings=usual, passes=wanted), Size(settings=small, passes=self.fewest_passes, remark=remark)]

    @abstractmethod
    def build(self, inputs: Inputs, settings: object) -> PairTrunk:
        """The trunk, initialised from torch's current generator."""


def attended(queries: Tensor, keys: Tensor, values: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """(B, ..., T, d) of values (B, ..., S, d) by products of queries and keys, and the weights (B, ..., T, S).

    hidden: what is not looked at. Spelled out: for sentences of some 16 symbols torch's fused kernel takes 1.6 times as long.
    """
    shape = (*queries.shape[:-1], keys.shape[-2])
    nothing = torch.zeros((), dtype=queries.dtype, device=queries.device).masked_fill(hidden, float("-inf"))
    scores = torch.baddbmm(
        nothing.expand(shape).flatten(0, -3),
        queries.flatten(0, -3),
        keys.flatten(0, -3).mT,
        alpha=queries.shape[-1] ** -0.5,
    )
    weights = scores.float().softmax(dim=-1).to(values.dtype)  # of bf16 numbers the gradient takes ten times as long
    read = torch.bmm(weights, values.flatten(0, -3))
    return read.reshape(*shape[:-1], values.shape[-1]), weights.reshape(shape)


def pair_recipe(
    learning_rate: float, inputs: Inputs, num_rows: int, *, optimizer: str = "adamw", tokens: int = TOKENS
) -> Recipe:
    """How all networks of pairs are trained: on so many symbols of targets at a time, fewer where there are few rows."""
    rows = max(1, min(tokens // limits_of(pair_spec(inputs)).usual, num_rows // 8))
    return Recipe(
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule="onecycle",
        warmup=0.1,
        batch_size=rows,
        label_smoothing=0.1,
        average=0.99,
    )
