"""Answers in an exported graph: torch modules that turn a network's answers into predictions, each the twin of a `decode`.

Imported by `Answer.graph` alone, since everything else here does without torch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.calibration import FLOOR, Curve
from netpick.answers.conformal import Interval
from netpick.answers.horizon import LARGEST_EXPONENT
from netpick.answers.quantiles import ANSWERS, quantile_factors
from netpick.answers.spans import NOTHING
from netpick.types.results import DecisionRule


class ClassNumber(nn.Module):
    """prediction (B,): the number of the likeliest class, of the second of two from the threshold on, or of the
    class of least expected cost; probabilities
    (B, K), calibrated."""

    names = ("prediction", "probabilities")

    costs: Tensor | None

    def __init__(self, rule: DecisionRule, state: Any) -> None:
        super().__init__()
        self.threshold = rule.threshold if len(state.labels) == 2 else None
        self.calibration = state.calibration
        self.register_buffer("costs", None if rule.costs is None else torch.tensor(rule.costs, dtype=torch.float64))

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        probabilities = self._calibrated(answers.double())
        if self.threshold is not None:
            return (probabilities[:, 1] >= self.threshold).long(), probabilities
        if self.costs is not None:
            return (probabilities @ self.costs).argmin(dim=1), probabilities
        return probabilities.argmax(dim=1), probabilities

    def _calibrated(self, stated: Tensor) -> Tensor:
        if self.calibration is None:
            return stated.clone()
        shared = self.calibration.shared
        mixed = (1 - shared) * stated + shared / stated.shape[1] if shared else stated
        logs = mixed.clamp(min=FLOOR).log()
        if not self.calibration.curves:
            cooled: Tensor = logs / self.calibration.temperature
            return cooled.softmax(dim=1)
        log_odds = _curved(self.calibration.curves[0], logs[:, 1] - logs[:, 0])
        return torch.stack([(-log_odds).sigmoid(), log_odds.sigmoid()], dim=1)


class LabelFlags(nn.Module):
    """prediction (B, L): 1 for each label whose probability reaches the threshold; probabilities (B, L), calibrated."""

    names = ("prediction", "probabilities")

    def __init__(self, rule: DecisionRule, state: Any) -> None:
        super().__init__()
        self.threshold = 0.5 if rule.threshold is None else rule.threshold
        self.curves = state.calibration.curves if state.calibration else ()

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        probabilities = answers.double()
        if self.curves:
            log_odds = probabilities.clamp(min=FLOOR).log() - (1 - probabilities).clamp(min=FLOOR).log()
            columns = [_curved(curve, log_odds[:, label]).sigmoid() for label, curve in enumerate(self.curves)]
            probabilities = torch.stack(columns, dim=1)
        return (probabilities >= self.threshold).long(), probabilities.clone()


def _curved(curve: Curve, log_odds: Tensor) -> Tensor:
    """As `Curve.of`."""
    calibrated = curve.offset + curve.slope * log_odds
    for at, bend in zip(curve.at, curve.bends, strict=True):
        calibrated = calibrated + bend * functional.relu(log_odds - at)
    return calibrated


class Quantities(nn.Module):
    """prediction (B, T) in the targets' units, and where it has intervals low and high (B, T)."""

    mean: Tensor
    std: Tensor

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.intervals = state.intervals
        self.names = ("prediction", "low", "high") if state.intervals else ("prediction",)
        self.register_buffer("mean", torch.tensor(state.mean, dtype=torch.float64))
        self.register_buffer("std", torch.tensor(state.std, dtype=torch.float64))

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        values = answers.double() * self.std + self.mean
        if not self.intervals:
            return (values,)
        half = torch.stack([_around(interval, values[:, i]) for i, interval in enumerate(self.intervals)], dim=1)
        return values, values - half, values + half


def _around(interval: Interval, values: Tensor) -> Tensor:
    """As `Interval.around`: a straight piece for every gap between two places, level beyond the ends."""
    half = torch.full_like(values, interval.half[0])
    pieces = zip(interval.at, interval.at[1:], interval.half, interval.half[1:], strict=False)
    for start, end, low, high in pieces:
        half = half + (high - low) / (end - start) * (functional.relu(values - start) - functional.relu(values - end))
    return half


class Futures(nn.Module):
    """prediction (B, H, V) and quantiles (B, H, V, K) in the targets' units, of 10, 50 and 90 % or those that were asked for, of
    series that training knew; NaN for others, whose scale is that of their own history."""

    names = ("prediction", "quantiles")
    location: Tensor
    scale: Tensor
    stretch: Tensor
    log: Tensor
    nonnegative: Tensor
    factors: Tensor | None

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.shape = (-1, state.horizon, len(state.targets), ANSWERS)
        self.some_log = any(state.log)
        self.register_buffer("log", torch.tensor(state.log))
        self.some_nonnegative = any(state.nonnegative)
        self.register_buffer("nonnegative", torch.tensor(state.nonnegative or state.log))
        self.register_buffer("location", torch.tensor(state.location, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(state.scale, dtype=torch.float64))
        stretch = torch.tensor(state.stretch or 1.0, dtype=torch.float64)
        self.register_buffer("stretch", stretch.unsqueeze(-1) if stretch.ndim else stretch)
        self.point = state.point_place
        self.levels = state.quantiles
        self.register_buffer("factors", torch.tensor(quantile_factors(state)) if state.quantiles else None)

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        series = answers[:, -1].round().long()
        known = series < len(self.location)
        row = torch.where(known, series, 0)
        location, scale = self.location[row], self.scale[row]  # (B, V)
        steps = answers[:, :-1].reshape(self.shape).double()
        quantiles = self._stretched(steps) if self.factors is None else self._asked(steps, self.factors)
        parts = [self._unscaled(part, location, scale) for part in (steps[..., self.point], *quantiles)]
        parts = [torch.where(known[:, None, None], part, float("nan")) for part in parts]
        return parts[0], torch.stack(parts[1:], dim=-1)

    def _stretched(self, steps: Tensor) -> tuple[Tensor, ...]:
        """(B, H, V) of 10, 50 and 90 %, in this order."""
        middle = steps[..., 2:3]
        quantiles = middle + self.stretch * (steps[..., 1:] - middle)
        low, high = quantiles[..., 0], quantiles[..., 2]
        least, most = torch.minimum(low, high), torch.maximum(low, high)
        centre = torch.minimum(torch.maximum(quantiles[..., 1], least), most)  # the middle one of three
        return torch.minimum(least, quantiles[..., 1]), centre, torch.maximum(most, quantiles[..., 1])

    def _asked(self, steps: Tensor, factors: Tensor) -> tuple[Tensor, ...]:
        """(B, H, V) of each level that was asked for, as `asked_quantiles`."""
        low, middle, high = steps[..., 1], steps[..., 2], steps[..., 3]
        below, above = (middle - low).clamp(min=0.0), (high - middle).clamp(min=0.0)
        return tuple(middle + factors[i] * (above if level > 0.5 else below) for i, level in enumerate(self.levels))

    def _unscaled(self, values: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        values = values * scale[:, None, :] + location[:, None, :]
        if self.some_log:
            values = torch.where(self.log, values.clamp(max=LARGEST_EXPONENT).exp(), values)
        return torch.where(self.nonnegative, values.clamp(min=0.0), values) if self.some_nonnegative else values


class TagNumbers(nn.Module):
    """prediction (B, T): the number of each token's likeliest tag, -1 where there is no token."""

    names = ("prediction",)
    weight: Tensor

    def __init__(self, state: Any) -> None:
        super().__init__()
        lean = [-state.lean if tag == NOTHING else 0.0 for tag in state.labels]
        self.register_buffer("weight", torch.tensor(lean).exp())

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        known = answers.sum(dim=-1) > 0
        return (torch.where(known, (answers * self.weight).argmax(dim=-1), -1),)


class BlockBits(nn.Module):
    """bits (B,) of each block, all its symbols together."""

    names = ("bits",)

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.block = state.block

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return (-answers[:, : self.block].double().sum(dim=1) / math.log(2),)


class BlockNats(nn.Module):
    """nats (B,) of each block, all its notes together."""

    names = ("nats",)

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.notes = state.block * state.voices

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return (-answers[:, : self.notes].double().sum(dim=1),)


class FrameSymbols(nn.Module):
    """prediction (B, T): the likeliest symbol of each frame, 0 where there is none; what it spells needs the symbols' names."""

    names = ("prediction",)

    def __init__(self, state: Any) -> None:
        super().__init__()
        self.symbols = state.num_symbols

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return (answers.view(answers.shape[0], -1, self.symbols).argmax(dim=2),)


class PixelClasses(nn.Module):
    """prediction (B, H, W): the number of each pixel's likeliest class, or of the second of two from the threshold on."""

    names = ("prediction",)

    def __init__(self, state: Any) -> None:
        super().__init__()
        two = len(state.labels) == 2 and state.threshold is not None
        self.threshold = (state.threshold - 0.5) / 255 if two else None  # as rounded to 255ths

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        if self.threshold is not None:
            return ((answers[:, 1] >= self.threshold).long(),)
        return (answers.argmax(dim=1),)


class PlacedBoxes(nn.Module):
    """boxes (B, P, 4) of all places and scores (B, P, K) of all classes there, before any is suppressed."""

    names = ("boxes", "scores")

    def forward(self, answers: Tensor) -> tuple[Tensor, ...]:
        return answers[..., :4].clone(), answers[..., 4:].clone()
