"""Networks that forecast: what all families share around their trunks.

Targets share one set of weights: each is a row of its own (channel independence, Nie et al. 2023). A window is freed of
its level and its swing and the forecast gets them back (RevIN, Kim et al. 2022), so a network that was trained on the past
still answers sensibly once the level has moved. The forecast is the value of one season ago plus what the trunk and a
linear map of the window add to it, as in LSTNet (Lai et al. 2018); both begin at zero, so every family starts as the
seasonal naive forecast, and that of amounts as the mean of the seasons in the window.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.quantiles import ANSWERS
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.forecast_heads import (
    Decoder,
    Seen,
    SharedHead,
    StepHead,
    are_amounts,
    num_ahead,
    num_known,
    num_targets,
    season_of,
    tells_begun,
)
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

FEWEST_EPOCHS, FEWEST_STEPS = 20, 600
LEAST_SWING = 1e-2  # of a series' own scale; a flat window is not blown up
EMBEDDING = 4  # numbers that tell the targets apart


def window_part(inputs: Inputs) -> Inputs:
    """What a trunk reads: one target beside all covariates, as a series."""
    steps, channels = inputs["window"].shape
    return {"series": InputSpec(form="series", shape=(steps, channels - num_targets(inputs) + 1))}


class WindowTrunk(Trunk):
    """A trunk of a forecaster: `series` (R, T, 1 + P) to pooled features. `linear` asks for the linear map beside it."""

    linear: bool = True
    seasonal: bool = True
    plain: bool = False  # the head sees nothing but what the trunk gives it
    decoder: Decoder = "direct"


class ForecastNetwork(nn.Module):
    """Batches of windows to (B, H * V * 4 + 1): mean, 10, 50 and 90 % of every step and target, and the series' number.

    The quantiles are distances from the mean, and never reach back into it: squared errors alone teach the mean.
    """

    phase: Tensor

    def __init__(self, trunk: WindowTrunk, inputs: Inputs) -> None:
        super().__init__()
        steps, _ = inputs["window"].shape
        self.targets, self.horizon = num_targets(inputs), num_ahead(inputs)
        season = season_of(inputs)
        self.trunk = trunk
        several = self.targets > 1 and not trunk.plain
        self.begun, self.amounts = tells_begun(inputs), are_amounts(inputs)
        self.embedding = nn.Parameter(torch.randn(self.targets, EMBEDDING) * 0.1) if several else None
        width = trunk.width + (0 if trunk.plain else 2 + (EMBEDDING if several else 0))
        self.head: StepHead | SharedHead
        if trunk.decoder == "steps" and not trunk.plain:
            self.head = SharedHead(width, inputs)
        else:
            self.head = StepHead(width, self.horizon, 0 if trunk.plain else num_known(inputs))
        self.map = nn.Linear(steps, self.horizon) if trunk.linear else None
        if self.map is not None:
            nn.init.zeros_(self.map.weight)
            nn.init.zeros_(self.map.bias)
        if trunk.seasonal:
            mean = isinstance(self.head, SharedHead) and self.head.begins_as_mean
            self.gain = nn.Parameter(torch.full((self.horizon,), 0.0 if mean else 1.0))
            self.register_buffer("phase", steps - season + torch.arange(self.horizon) % season, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        window = batch["window"].float()  # (B, T, V + P)
        values = window[..., : self.targets]
        # Weights, which generated rows and paths of gradients may not hold to.
        begun = window[..., self.targets : self.targets + 1].clamp(0, 1) if self.begun else None  # (B, T, 1)
        centre, swing = _level_and_swing(values, begun)
        apart = (values - centre) / swing
        rows = (apart if begun is None else apart * begun).transpose(1, 2).flatten(0, 1)  # (B * V, T)
        series = torch.cat([rows.unsqueeze(2), self._each_target(window[..., self.targets :])], dim=2)
        parts = [self.trunk({"series": series}).pooled]
        level = (centre.clamp(min=0) / swing).transpose(1, 2).flatten(0, 1) if self.amounts else None  # (B * V, 1)
        if not self.trunk.plain:
            parts.append(_of_level(centre, swing, level))
        if self.embedding is not None:
            parts.append(self.embedding.repeat(window.shape[0], 1))
        ahead = None if self.trunk.plain else batch.get("window.future")
        seen = Seen(
            ahead=None if ahead is None else self._each_target(ahead.float()),
            rows=rows,
            begun=None if begun is None else self._each_target(begun).squeeze(2),
            level=level,
        )
        answers = self.head(torch.cat(parts, dim=1), seen)
        mean = answers[..., 0]
        if self.map is not None:
            mean = mean + self.map(rows)
        if self.trunk.seasonal:
            mean = mean + self.gain * rows.index_select(1, self.phase)
        middle = mean.detach() + answers[..., 2]
        low = middle - functional.softplus(answers[..., 1])
        high = middle + functional.softplus(answers[..., 3])
        answers = torch.stack([mean, low, middle, high], dim=-1)
        answers = answers.view(-1, self.targets, self.horizon, ANSWERS)  # (B, V, H, 4)
        answers = answers * swing.transpose(1, 2).unsqueeze(3) + centre.transpose(1, 2).unsqueeze(3)
        flat = answers.transpose(1, 2).flatten(1).float()
        return torch.cat([flat, batch["window.series"].float()], dim=1)

    def _each_target(self, shared: Tensor) -> Tensor:
        """(B, n, P) for every target: (B * V, n, P)."""
        return shared if self.targets == 1 else shared.repeat_interleave(self.targets, dim=0)


def _level_and_swing(values: Tensor, begun: Tensor | None) -> tuple[Tensor, Tensor]:
    """(B, 1, V) mean and deviation of windows (B, T, V), of those steps that their series had."""
    if begun is None:
        centre = values.mean(dim=1, keepdim=True)
        return centre, (values.var(dim=1, keepdim=True, unbiased=False) + LEAST_SWING**2).sqrt()
    count = begun.sum(dim=1, keepdim=True).clamp(min=1)
    centre = (values * begun).sum(dim=1, keepdim=True) / count
    spread = ((values - centre) ** 2 * begun).sum(dim=1, keepdim=True) / count
    return centre, (spread + LEAST_SWING**2).sqrt()


def _of_level(centre: Tensor, swing: Tensor, level: Tensor | None) -> Tensor:
    """(B * V, 2) what the head is told of a window's level. Of amounts it is the same on whatever scale a series is."""
    if level is None:
        return torch.cat([centre, swing.log()], dim=1).transpose(1, 2).flatten(0, 1)
    return torch.cat([level.log1p(), level / (1 + level)], dim=1)


class Forecaster(Architecture):
    """An architecture of windows: its trunk reads one target of a window at a time."""

    @abstractmethod
    def build(self, inputs: Inputs, settings: object) -> WindowTrunk:
        """The trunk, initialised from torch's current generator."""


class Pooled(WindowTrunk):
    """Any trunk that reads series as a trunk of a forecaster."""

    def __init__(
        self, inner: Trunk, *, linear: bool = True, seasonal: bool = True, decoder: Decoder = "direct"
    ) -> None:
        super().__init__()
        self.inner, self.linear, self.seasonal, self.decoder = inner, linear, seasonal, decoder
        self.width = inner.width

    def forward(self, batch: Batch) -> Features:
        return self.inner(batch)  # type: ignore[no-any-return]


def forecast_recipe(inputs: Inputs, num_rows: int, learning_rate: float, weight_decay: float = 0.05) -> Recipe:
    """How all networks for forecasting are trained."""
    return Recipe(
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule="onecycle",
        warmup=0.2,
        batch_size=batch_rows(inputs, num_rows),
        average=0.98,
        epochs=most_epochs(inputs, num_rows),
        precision="float32",
    )


def most_epochs(inputs: Inputs, num_rows: int) -> int:
    """Passes over the windows: neighbours share nearly all their steps, so few passes are many looks at each value."""
    per_epoch = max(1, num_rows // batch_rows(inputs, num_rows))
    return max(FEWEST_EPOCHS, FEWEST_STEPS // per_epoch)


def batch_rows(inputs: Inputs, num_rows: int) -> int:
    """Windows a batch: about sixteen batches an epoch of few windows, and fewer of many targets."""
    size = 16 if num_rows < 300 else 32 if num_rows < 2_000 else 64 if num_rows < 20_000 else 128
    return max(4, size // max(1, num_targets(inputs) // 3))
