"""Heads of forecasters: features of a window to the answers of each step ahead.

`direct` has weights of its own for each step ahead. `steps` shares one small network between them, which reads what is known of
a step, the same step of the last seasons, and the features of the window, as the decoder of TiDE does (Das et al. 2023): what a
promotion does is learned once and not for each step apart, and trees on lags see nothing that it does not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.quantiles import ANSWERS
from netpick.models.networks.blocks import linear
from netpick.types import Inputs

Decoder = Literal["direct", "steps"]

HIDDEN = 16  # of what a step of the horizon knows about its calendar and its window
SHARED = 32  # the same of the network that all steps share
FEWEST_WINDOWS = 1_000  # from which on the shared network is the usual one
LAGS = 4  # seasons whose same step is read one by one; beside them stands the mean of all


def num_targets(inputs: Inputs) -> int:
    """V."""
    return inputs["window"].ahead[0]


def num_ahead(inputs: Inputs) -> int:
    """H."""
    return inputs["window"].ahead[1]


def season_of(inputs: Inputs) -> int:
    """Steps of a season, at most as long as the window; 1 without any."""
    steps = inputs["window"].shape[0]
    season = inputs["window"].ahead[2]
    return season if 1 < season <= steps else 1


def tells_begun(inputs: Inputs) -> bool:
    """Whether a column behind the targets says where the series began."""
    return inputs["window"].ahead[3:4] == (1,)


def are_amounts(inputs: Inputs) -> bool:
    """Whether targets are amounts, which move in proportion to their level."""
    return inputs["window"].ahead[4:5] == (1,)


def num_known(inputs: Inputs) -> int:
    """K: columns that are known of each step ahead."""
    return inputs["window.future"].shape[1] if "window.future" in inputs else 0


def usual_decoder(inputs: Inputs, num_rows: int) -> Decoder:
    """Shared steps for amounts of which something is known ahead, with windows enough to tell what it does. (Beijing's air: 2 to 4 % worse.)"""
    known = are_amounts(inputs) and num_known(inputs) > 0
    return "steps" if known and num_rows >= FEWEST_WINDOWS else "direct"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a head reads beside the features of R rows, one for each window and target."""

    ahead: Tensor | None  # (R, H, K) known of each step ahead
    rows: Tensor  # (R, T) the window in its own units, 0 before the series began
    begun: Tensor | None  # (R, T) 1 where it had
    level: Tensor | None  # (R, 1) of amounts: their mean in the same units


class StepHead(nn.Module):
    """Features (R, D) and what is known of each step ahead (R, H, K) to answers (R, H, 4)."""

    def __init__(self, width: int, horizon: int, ahead: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.direct = nn.Linear(width, horizon * ANSWERS)
        nn.init.normal_(self.direct.weight, std=0.1 * width**-0.5)
        nn.init.zeros_(self.direct.bias)
        self.context = linear(width, HIDDEN, "gelu") if ahead else None
        self.step = linear(ahead, HIDDEN, "gelu") if ahead else None
        self.last = linear(HIDDEN, ANSWERS) if ahead else None
        if self.last is not None:
            nn.init.normal_(self.last.weight, std=0.1 * HIDDEN**-0.5)

    def forward(self, pooled: Tensor, seen: Seen) -> Tensor:
        ahead = seen.ahead
        answers: Tensor = self.direct(pooled).view(-1, self.horizon, ANSWERS)
        if ahead is None or self.context is None or self.step is None or self.last is None:
            return answers
        hidden = functional.gelu(self.context(pooled).unsqueeze(1) + self.step(ahead))
        return answers + self.last(hidden)  # type: ignore[no-any-return]


class SharedHead(nn.Module):
    """The same from one network for all steps. Of amounts its answers are partly shares of their level."""

    place: Tensor
    phase: Tensor
    position: Tensor

    def __init__(self, width: int, inputs: Inputs) -> None:
        super().__init__()
        steps, season, horizon = inputs["window"].shape[0], season_of(inputs), num_ahead(inputs)
        self.seasons = steps // season
        lags = min(LAGS, self.seasons)
        ahead, phase = torch.arange(horizon), torch.arange(horizon) % season
        place = steps - season * torch.arange(1, lags + 1)[:, None] + phase
        self.register_buffer("place", place.flatten(), persistent=False)
        self.register_buffer("phase", phase, persistent=False)
        self.register_buffer("position", torch.stack([ahead / horizon, 1 / (1 + ahead)], dim=1), persistent=False)
        self.lags, self.season, self.horizon = lags, season, horizon
        self.shares = are_amounts(inputs)
        known = num_known(inputs) + lags + 1 + self.position.shape[1]
        answers = ANSWERS * (2 if self.shares else 1)
        self.context = linear(width, SHARED, "gelu")
        self.step = linear(known, SHARED, "gelu")
        self.middle = linear(SHARED, SHARED, "gelu")
        self.last = linear(SHARED, answers)
        nn.init.normal_(self.last.weight, std=0.1 * SHARED**-0.5)
        self.straight = nn.Linear(known, answers)  # what is learned first
        nn.init.zeros_(self.straight.weight)
        nn.init.zeros_(self.straight.bias)
        # Amounts swing from day to day: they begin as the mean of the same steps of all seasons, others as the last season.
        self.begins_as_mean = self.shares and season > 1
        if self.begins_as_mean:
            with torch.no_grad():
                self.straight.weight[0, num_known(inputs) + lags] = 1.0

    def forward(self, pooled: Tensor, seen: Seen) -> Tensor:
        known = self._known(seen)
        hidden = functional.gelu(self.context(pooled).unsqueeze(1) + self.step(known))
        hidden = hidden + functional.gelu(self.middle(hidden))
        answers: Tensor = self.last(hidden) + self.straight(known)
        if seen.level is None or not self.shares:
            return answers
        return answers[..., :ANSWERS] + seen.level.unsqueeze(2) * answers[..., ANSWERS:]

    def _known(self, seen: Seen) -> Tensor:
        """(R, H, N) of each step: what is known ahead, the same step of the last seasons and its mean of all, and how far it is."""
        rows = seen.rows
        lags = rows.index_select(1, self.place).view(-1, self.lags, self.horizon).transpose(1, 2)
        last = rows[:, rows.shape[1] - self.seasons * self.season :].view(-1, self.seasons, self.season)
        if seen.begun is None:
            mean = last.mean(dim=1)
        else:
            count = seen.begun[:, rows.shape[1] - self.seasons * self.season :].view(-1, self.seasons, self.season)
            mean = last.sum(dim=1) / count.sum(dim=1).clamp(min=1)
        parts = [lags, mean.index_select(1, self.phase).unsqueeze(2), self.position.expand(rows.shape[0], -1, -1)]
        return torch.cat(parts if seen.ahead is None else [seen.ahead, *parts], dim=2)
