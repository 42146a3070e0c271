"""The baseline of clips: a small CNN that sees single frames, and the mean of what it says about a clip's frames.

It knows what a clip shows, but not in which order: a network that is no better than it has learned nothing from motion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.fitting import quietly_on_one_thread
from netpick.models.baselines.outputs import ONE_CLASS, TINY, Of, Outputs, task_of
from netpick.types import STRICT, Array, Inputs

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_SIDE = 32  # larger frames are averaged down to about this many pixels a side
CHANNELS = (16, 32, 64)
BATCH = 64
LEARNING_RATE = 3e-3
LEAST_STEPS, MOST_STEPS = 40, 3_000
MOST_EPOCHS = 20.0  # times that the frames of all clips are seen; more repeats what is known
MOMENTS = 8  # of a clip that answers look at, evenly spread
TRIED_STEPS = 4  # on a network that is thrown away, to see how long one takes
PLANNED_SHARE = 0.9  # of the seconds
CHUNK_FRAMES = 2_048
COUNT = "num_batches_tracked"  # of a normalisation


@strict_dataclass(config=STRICT, kw_only=True)
class FramesState:
    """How frames are read, and what the network answers."""

    every: int = Field(ge=1, le=1 << 20)  # pixels averaged into one, each way
    task: Of
    outputs: int = Field(ge=1, le=1 << 20)

    @property
    def of(self) -> Outputs:
        """What it answers."""
        classes = tuple(range(self.outputs)) if self.task == ONE_CLASS else ()
        return Outputs(task=self.task, num=self.outputs, classes=classes)


def _frames(clips: Array, rows: Array, moments: Array, every: int) -> Tensor:
    """Frames (n, C, h, w) in about -1..1 of these rows and moments of clips (N, T, C, H, W) uint8."""
    import torch
    from torch.nn import functional

    images = torch.from_numpy(np.ascontiguousarray(clips[rows, moments])).float().div_(127.5).sub_(1.0)
    return functional.avg_pool2d(images, every, ceil_mode=True) if every > 1 else images


class FrameAverage(Baseline):
    """What single frames tell: a small CNN trained on frames with the label of their clip, its answers averaged."""

    name = "frame average"
    definition = "A small CNN sees single frames; its answers for a clip's frames are averaged, so that order and motion do not count."
    State = FramesState

    def applies(self, problem: Problem) -> bool:
        return "clip" in problem.inputs

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        import torch

        clips = problem.arrays["clip"]
        every = max(1, -(-min(clips.shape[3:]) // MAX_SIDE))
        state = FramesState(every=every, task=task_of(problem.answer), outputs=problem.num_classes)
        size = min(BATCH, len(problem.train))
        wanted = int(max(LEAST_STEPS, min(MOST_STEPS, MOST_EPOCHS * len(problem.train) * clips.shape[1] / size)))
        with quietly_on_one_thread(), torch.random.fork_rng(devices=[]):
            if decided is None:
                steps = wanted if limit.seconds is None else _afford(problem, state, wanted, limit)
                decided = Decision(rows=len(problem.train), iterations=steps, full=steps >= wanted)
            torch.manual_seed(problem.seed)
            network = _network(clips.shape[2], problem.num_classes)
            units = _units(problem)
            _learn(network, problem, state, decided.iterations, units)
        seen = decided.iterations * size / (len(problem.train) * clips.shape[1])
        arrays = _weights({name: value.detach().numpy() for name, value in network.state_dict().items()})
        return Fitted(
            baseline=self.name,
            state=state,
            arrays={**arrays, "centre": units[0], "unit": units[1]},
            decision=decided,
            remark=f"each frame seen {seen:.1f} times, mean over {min(MOMENTS, clips.shape[1])} frames a clip",
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        state: FramesState = fitted.state
        clips = given.arrays["clip"]
        if "network" not in fitted.cache:
            fitted.cache["network"] = _read_network(fitted, clips.shape[2])
        outputs = _answers(fitted.cache["network"], state, clips)
        if state.of.quantities:
            return np.asarray(outputs * fitted.arrays["unit"] + fitted.arrays["centre"])
        if state.of.one_class:
            outputs = np.maximum(outputs, TINY)
            return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))
        return outputs

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: FramesState = fitted.state
        if "clip" not in inputs or state.outputs != num_outputs:
            raise ValueError("the state is not that of a frame average of this task")
        units = [fitted.arrays[name] for name in ("centre", "unit")]
        wanted = num_outputs if state.of.quantities else 1
        if any(unit.shape != (wanted,) or unit.dtype != np.float64 for unit in units):
            raise ValueError("the units of its numbers do not fit")
        weights = _weights(fitted.arrays)
        classifier = weights.get("11.weight")
        if classifier is None or classifier.shape != (num_outputs, 4 * CHANNELS[-1]):
            raise ValueError("the network's weights do not fit its answers")
        specs = {
            name: (tuple(t.shape), t.dtype) for name, t in _meta_network(inputs["clip"].shape[1], num_outputs).items()
        }
        stored = {name: (array.shape, array.dtype) for name, array in weights.items()}
        if {n: (s, str(d).removeprefix("torch.")) for n, (s, d) in specs.items()} != {
            n: (s, str(d)) for n, (s, d) in stored.items()
        }:
            raise ValueError("the network's weights do not fit its layers")


def _afford(problem: Problem, state: FramesState, wanted: int, limit: Limit) -> int:
    """Steps that fit into the time, from how long some of them took."""
    started = limit.clock()
    network = _network(problem.arrays["clip"].shape[2], problem.num_classes)
    _learn(network, problem, state, TRIED_STEPS, _units(problem))
    learned = limit.clock()
    tried = problem.train[: max(1, BATCH // MOMENTS)]
    _answers(network, state, np.asarray(problem.arrays["clip"][tried]))
    answering = (limit.clock() - learned) * problem.asked / len(tried)
    pace = (learned - started) / TRIED_STEPS
    for seconds in (limit.seconds or 0.0, limit.most):
        left = PLANNED_SHARE * seconds - (limit.clock() - started) - answering
        if wanted * pace <= left:
            return wanted
    left = PLANNED_SHARE * (limit.seconds or 0.0) - (limit.clock() - started) - answering
    return int(max(LEAST_STEPS, min(wanted, left / max(pace, 1e-9))))


def _read_network(fitted: Fitted, channels: int) -> nn.Module:
    import torch

    network = _network(channels, fitted.state.outputs)
    weights = {name: torch.from_numpy(np.array(array)) for name, array in _weights(fitted.arrays).items()}
    network.load_state_dict({**network.state_dict(), **weights})
    return network.eval()


def _weights(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Those of the network. Counts of batches are none: nothing reads them, and version 0.1.0 wrote them in another shape."""
    return {name: a for name, a in arrays.items() if name not in ("centre", "unit") and not name.endswith(COUNT)}


def _meta_network(channels: int, outputs: int) -> dict[str, Tensor]:
    """Names and shapes of the weights, without their memory."""
    import torch

    with torch.device("meta"):
        state = _network(channels, outputs).state_dict()
    return {name: tensor for name, tensor in state.items() if not name.endswith(COUNT)}


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
    if not problem.answer.quantities:
        return np.zeros(1), np.ones(1)
    known = problem.target[problem.train]
    deviation = known.std(axis=0)
    return known.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _learn(network: nn.Module, problem: Problem, state: FramesState, steps: int, units: tuple[Array, Array]) -> None:
    import torch
    from torch.nn import functional

    target: Tensor
    if problem.answer.quantities:
        target = torch.from_numpy(((problem.target - units[0]) / units[1]).astype(np.float32))
    else:
        target = torch.from_numpy(problem.target if problem.answer.one_class else problem.target.astype(np.float32))
    generator = np.random.default_rng(problem.seed)
    parameters = list(network.parameters())
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    network.train()
    clips = problem.arrays["clip"]
    size = min(BATCH, len(problem.train))
    for step in range(steps):
        rows = generator.choice(problem.train, size, replace=False)
        outputs = network(_frames(clips, rows, generator.integers(0, clips.shape[1], size), state.every))
        wanted = target[torch.from_numpy(rows)]
        if problem.answer.one_class:
            loss = functional.cross_entropy(outputs, wanted)
        elif problem.answer.any_labels:
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


def _answers(network: nn.Module, state: FramesState, clips: Array) -> Array:
    """The mean over some moments of probabilities, or of numbers in the targets' own scale: (n, outputs)."""
    import torch

    network.eval()
    length = clips.shape[1]
    moments = np.unique(np.linspace(0, length - 1, min(length, MOMENTS)).round().astype(np.int64))
    parts = []
    at_once = max(1, CHUNK_FRAMES // len(moments))
    with torch.no_grad():
        for start in range(0, len(clips), at_once):
            some = np.arange(start, min(start + at_once, len(clips)))
            frames = _frames(clips, np.repeat(some, len(moments)), np.tile(moments, len(some)), state.every)
            outputs = network(frames)
            if state.of.one_class:
                outputs = outputs.softmax(dim=1)
            elif state.of.any_labels:
                outputs = outputs.sigmoid()
            parts.append(outputs.unflatten(0, (len(some), len(moments))).mean(dim=1).double().numpy())
    return np.concatenate(parts)
