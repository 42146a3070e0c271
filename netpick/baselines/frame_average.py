"""The yardstick of clips: a small CNN that sees single frames, and the mean of what it says about a clip's frames.

It knows what a clip shows, but not in which order: a network that is no better than it has learned nothing from motion.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.fitting import TINY, as_predictions, quietly_on_one_thread
from netpick.types import Array, Rows

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_SIDE = 32  # larger frames are averaged down to about this many pixels a side
CHANNELS = (16, 32, 64)
BATCH = 64
LEARNING_RATE = 3e-3
LEAST_STEPS, MOST_STEPS = 40, 3_000
MOST_EPOCHS = 20.0  # times that the frames of all clips are seen; more repeats what is known
STEP_SHARE = 0.7  # of the seconds; predictions get the rest
# Measured on one core: for learning from a frame of so many pixels, and a third of it for predicting one.
SECONDS_PER_PIXEL = 1.2e-7
SECONDS_PER_FRAME = 6e-5
CHUNK_FRAMES = 2_048


@dataclass(frozen=True, kw_only=True)
class _Frames:
    """How frames are drawn from the clips of a problem."""

    clips: Array  # (N, T, C, H, W) uint8
    every: int  # pixels averaged into one, each way

    def __call__(self, rows: Array, moments: Array) -> Tensor:
        """Frames (n, C, h, w) in about -1..1 of these rows and moments."""
        import torch
        from torch.nn import functional

        images = torch.from_numpy(np.ascontiguousarray(self.clips[rows, moments])).float().div_(127.5).sub_(1.0)
        return functional.avg_pool2d(images, self.every, ceil_mode=True) if self.every > 1 else images


class FrameAverage(Baseline):
    """What single frames tell: a small CNN trained on frames with the label of their clip, its answers averaged."""

    name = "frame average"
    definition = "A small CNN sees single frames; its answers for a clip's frames are averaged, so that order and motion do not count."

    def applies(self, problem: Problem) -> bool:
        return "clip" in problem.inputs

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        import torch

        started = time.perf_counter()
        clips = problem.arrays["clip"]
        frames = _Frames(clips=clips, every=max(1, -(-min(clips.shape[3:]) // MAX_SIDE)))
        steps, moments = _afford(problem, frames, len(rows), seconds)
        with quietly_on_one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(problem.seed)
            network = _network(clips.shape[2], problem.num_classes)
            centre, scale = _units(problem)
            _learn(network, problem, frames, steps, (centre, scale))
            outputs = _answers(network, problem, frames, rows, moments)
        if problem.task == "regress":
            outputs = outputs * scale + centre
        elif problem.task == "classify":
            outputs = np.maximum(outputs, TINY) / np.maximum(outputs, TINY).sum(axis=1, keepdims=True)
        seen = steps * min(BATCH, len(problem.train)) / (len(problem.train) * clips.shape[1])
        return FittedBaseline(
            predictions=as_predictions(problem, outputs),
            seconds=time.perf_counter() - started,
            remark=f"each frame seen {seen:.1f} times, mean over {len(moments)} frames a clip",
            bytes=sum(4 * p.numel() for p in network.parameters()),
        )


def _afford(problem: Problem, frames: _Frames, predicted: int, seconds: float) -> tuple[int, Array]:
    """Steps, and the moments of a clip that predictions look at: by a model of cost, so that no clock decides."""
    length, channels, height, width = frames.clips.shape[1:]
    pixels = -(-height // frames.every) * -(-width // frames.every)
    cost = SECONDS_PER_FRAME + SECONDS_PER_PIXEL * pixels * (1 + channels / 16)
    batch = min(BATCH, len(problem.train))
    repaid = MOST_EPOCHS * len(problem.train) * length / batch
    steps = int(max(LEAST_STEPS, min(STEP_SHARE * seconds / (cost * batch), MOST_STEPS, repaid)))
    looks = int(min(length, max(1, (1 - STEP_SHARE) * seconds / (predicted * cost / 3))))
    return steps, np.unique(np.linspace(0, length - 1, looks).round().astype(np.int64))


def _network(channels: int, outputs: int) -> nn.Module:
    from torch import nn

    layers: list[nn.Module] = []
    for number, width in enumerate(CHANNELS):
        kernel = 5 if number == 0 else 3
        layers += [nn.Conv2d(channels, width, kernel, 2, kernel // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, outputs))


def _units(problem: Problem) -> tuple[Array, Array]:
    """Centre and scale (T,) of the targets that are numbers."""
    if problem.task != "regress":
        return np.zeros(1), np.ones(1)
    known = problem.target[problem.train]
    deviation = known.std(axis=0)
    return known.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _learn(network: nn.Module, problem: Problem, frames: _Frames, steps: int, units: tuple[Array, Array]) -> None:
    import torch
    from torch.nn import functional

    target: Tensor
    if problem.task == "regress":
        target = torch.from_numpy(((problem.target - units[0]) / units[1]).astype(np.float32))
    else:
        target = torch.from_numpy(problem.target if problem.task == "classify" else problem.target.astype(np.float32))
    generator = np.random.default_rng(problem.seed)
    parameters = list(network.parameters())
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    network.train()
    size = min(BATCH, len(problem.train))
    for step in range(steps):
        rows = generator.choice(problem.train, size, replace=False)
        outputs = network(frames(rows, generator.integers(0, frames.clips.shape[1], size)))
        wanted = target[torch.from_numpy(rows)]
        if problem.task == "classify":
            loss = functional.cross_entropy(outputs, wanted)
        elif problem.task == "multilabel":
            loss = functional.binary_cross_entropy_with_logits(outputs, wanted)
        else:
            loss = functional.mse_loss(outputs, wanted)
        network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        rate = LEARNING_RATE * min(1.0, (step + 1) / (0.2 * steps)) * (1 - step / steps)
        _adam_step(parameters, moments, rate, step + 1)


def _adam_step(parameters: Sequence[Tensor], moments: Sequence[tuple[Tensor, Tensor]], rate: float, step: int) -> None:
    """Adam (Kingma & Ba 2015). torch.optim would import torch's compiler first, which takes longer than the training."""
    import torch

    fade, fade_squares = 0.9, 0.99
    with torch.no_grad():
        for parameter, (mean, square) in zip(parameters, moments, strict=True):
            assert parameter.grad is not None
            mean.lerp_(parameter.grad, 1 - fade)
            square.lerp_(parameter.grad.square(), 1 - fade_squares)
            spread = (square / (1 - fade_squares**step)).sqrt_().add_(1e-8)
            parameter.addcdiv_(mean / (1 - fade**step), spread, value=-rate)


def _answers(network: nn.Module, problem: Problem, frames: _Frames, rows: Rows, moments: Array) -> Array:
    """The mean over the moments of probabilities, or of numbers in the targets' own scale: (n, outputs)."""
    import torch

    network.eval()
    parts = []
    at_once = max(1, CHUNK_FRAMES // len(moments))
    with torch.no_grad():
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            outputs = network(frames(np.repeat(some, len(moments)), np.tile(moments, len(some))))
            if problem.task == "classify":
                outputs = outputs.softmax(dim=1)
            elif problem.task == "multilabel":
                outputs = outputs.sigmoid()
            parts.append(outputs.unflatten(0, (len(some), len(moments))).mean(dim=1).double().numpy())
    return np.concatenate(parts)
