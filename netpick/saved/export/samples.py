"""A second graph of a model of sounds, which takes samples: the log-mel front end of data/decoders/sound_features.py is inside.

Frames are convolutions with windowed sines and cosines. A level of 255 may be one off where numpy and the runtime round to different sides,
so answers are the same within a tolerance, not to the last bit. Reading of files, mixing down and resampling stay outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.data.decoders.sound_features import SILENCE, Samples, SoundSettings, hann, log_mel, mel_weights
from netpick.errors import ModelFileError, RequestError
from netpick.saved.artifact import LoadedModel
from netpick.saved.engines import ANSWERS, TorchEngine
from netpick.saved.export.graph import ExportedModel
from netpick.saved.parts import ModelParts
from netpick.types import Array

FILE = "samples.onnx"
SAMPLES, LENGTHS = "samples", "samples.lengths"
LARGEST_DIFFERENCE = 0.01  # of answers, relative to the largest where that is above 1
SOUNDS = 24  # that are compared
MOST_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class SamplesGraph:
    """The graph, and what its page says of it."""

    graph: bytes
    sample_rate: int  # Hz
    seconds: float  # that are read of a sound
    difference: float  # of answers, at most, from netpick's own for the same samples


class SoundFrames(nn.Module):
    """Samples (B, N) float32 with their lengths (B,) to log-mel frames (B, T, F) uint8 and how many are valid (B,)."""

    basis: Tensor
    weights: Tensor

    def __init__(self, settings: SoundSettings) -> None:
        super().__init__()
        self.settings = settings
        window = settings.window
        angles = 2 * np.pi * np.outer(np.arange(window // 2 + 1), np.arange(window)) / window
        waves = np.concatenate([np.cos(angles), np.sin(angles)]) * hann(window)
        self.register_buffer("basis", torch.from_numpy(waves.astype(np.float32))[:, None])  # (2 K, 1, window)
        self.register_buffer("weights", torch.from_numpy(mel_weights(settings.sample_rate, window, settings.mels)))

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        made = self.settings
        before = (made.window - made.hop) // 2
        read = (made.frames - 1) * made.hop + made.window - before
        counts = ((lengths + made.hop - 1) // made.hop).clamp(1, made.frames)
        sound = functional.pad(samples, (0, read))[:, :read]
        sound = torch.where(torch.arange(read)[None, :] < lengths[:, None], sound, 0.0)
        if not made.absolute:
            peak = sound.abs().amax(dim=1, keepdim=True)
            sound = sound / torch.where(peak > 1e-30, peak, 1.0)
        spectrum = functional.conv1d(functional.pad(sound, (before, 0))[:, None], self.basis, stride=made.hop)
        real, imaginary = spectrum.square().chunk(2, dim=1)  # (B, K, T) each
        bands = (real + imaginary).transpose(1, 2) @ self.weights  # (B, T, F)
        valid = (torch.arange(made.frames)[None, :] < counts[:, None])[:, :, None]
        bands = torch.where(valid, bands, 0.0)
        if made.absolute:
            bands = bands.clamp(max=1.0)
        else:
            loudest = bands.amax(dim=(1, 2), keepdim=True)
            bands = torch.where(loudest > SILENCE, bands / loudest.clamp(min=SILENCE), 0.0)
        levels = torch.log10(bands.clamp(min=10 ** (-made.range_db / 10))) * (10 * 255 / made.range_db) + 255.5
        levels = torch.where(valid, levels.clamp(0, 255).floor(), 0.0)
        return levels.to(torch.uint8), counts


class SamplesModel(nn.Module):
    """Samples to what the exported model answers."""

    def __init__(self, frames: SoundFrames, model: ExportedModel) -> None:
        super().__init__()
        self.frames, self.model, self.outputs = frames, model, model.outputs

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        return self.model(*self.frames(samples, lengths))  # type: ignore[no-any-return]


def samples_graph(loaded: LoadedModel, parts: ModelParts, metadata: Mapping[str, str]) -> SamplesGraph:
    """The graph, proved. Raises RequestError where a model reads anything but one sound a row, ModelFileError where answers differ."""
    from netpick.saved.export.convert import Feeds, NotTracedError, to_graph

    settings = sound_settings(parts)
    record, answer = parts.record, parts.task.answer
    decoding = answer.graph(record.rule, parts.task_state)
    model = SamplesModel(SoundFrames(settings), ExportedModel(loaded.network, parts.inputs, answer, decoding, False))
    batch = torch.export.Dim("batch", min=1, max=1 << 24)
    count = torch.export.Dim("samples", min=1, max=MOST_SECONDS * settings.sample_rate)
    feeds = Feeds(
        names=(SAMPLES, LENGTHS),
        example=(torch.zeros(5, 3 * settings.window), torch.full((5,), 3 * settings.window, dtype=torch.int32)),
        shapes=({0: batch, 1: count}, {0: batch}),
    )
    try:
        graph = to_graph(model, record.labels if answer.one_class else (), metadata, feeds)
    except NotTracedError as error:
        raise RequestError(
            f"{record.candidate} cannot be exported with its front end: {error} Leave --samples out."
        ) from None
    return SamplesGraph(
        graph=graph,
        sample_rate=settings.sample_rate,
        seconds=settings.seconds,
        difference=_difference(TorchEngine(loaded=loaded), graph, parts, settings),
    )


def sound_settings(parts: ModelParts) -> SoundSettings:
    """How the sounds of a model become frames. Raises RequestError where it reads anything else."""
    encoders = parts.encoders
    if len(encoders) != 1 or encoders[0].kind != "audio" or len(parts.inputs) != 1:
        raise RequestError(
            "--samples puts the front end of sounds into a graph, but this model reads "
            f"{', '.join(f'{one.column!r} ({one.kind})' for one in encoders)}. Leave --samples out."
        )
    if not encoders[0].state.decoding:
        raise RequestError(
            "--samples needs to know how samples became frames, but this model learned from frames. Leave --samples out."
        )
    return SoundSettings.from_mapping(encoders[0].state.decoding)


def trial_sounds(settings: SoundSettings) -> list[Samples]:
    """Whistles, noise, clicks and silence of all lengths, loud and faint."""
    generator = np.random.default_rng(0)
    longest = settings.frames * settings.hop
    sounds: list[Samples] = [np.zeros(longest, np.float32), np.ones(1, np.float32)]
    for number in range(SOUNDS - len(sounds)):
        size = max(1, int(longest * generator.uniform(0.02, 1.3)))
        time = np.arange(size) / settings.sample_rate
        pitch = generator.uniform(60, 0.4 * settings.sample_rate)
        sound = np.sin(2 * np.pi * pitch * time * (1 + generator.uniform(-0.3, 0.3) * time / (time[-1] + 1e-3)))
        sound += generator.normal(0, generator.choice([1e-4, 0.01, 0.3]), size)
        sound *= np.exp(-generator.uniform(0, 5) * time) * 10 ** generator.uniform(-3, 0)
        sounds.append(
            (sound / max(1.0, np.abs(sound).max())).astype(np.float32) if number else sound.astype(np.float32)
        )
    return sounds


def _difference(engine: TorchEngine, graph: bytes, parts: ModelParts, settings: SoundSettings) -> float:
    """The largest difference between netpick's answers to test sounds and the graph's. Raises ModelFileError."""
    import onnxruntime

    sounds = trial_sounds(settings)
    (name,) = parts.inputs
    frames = log_mel([as_read(sound, settings) for sound in sounds], settings)
    values = np.zeros((len(sounds), settings.frames, settings.mels), np.uint8)
    for row, made in enumerate(frames):
        values[row, : len(made)] = made
    lengths = np.array([len(made) for made in frames], np.int32)
    first = engine.outputs({name: values, f"{name}.lengths": lengths})
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (second,) = session.run([ANSWERS], filled_up(sounds))
    difference = float(np.abs(first - second).max()) / max(1.0, float(np.abs(first).max()))
    if not difference <= LARGEST_DIFFERENCE:
        raise ModelFileError(
            f"The graph that takes samples differs from netpick's answers by {difference:.2g} on test sounds, but at most "
            f"{LARGEST_DIFFERENCE:g} is accepted. Nothing was written. Leave --samples out."
        )
    return difference


def filled_up(sounds: list[Samples]) -> dict[str, Array]:
    """Sounds of different lengths as the graph reads them."""
    values = np.zeros((len(sounds), max(len(sound) for sound in sounds)), np.float32)
    for row, sound in enumerate(sounds):
        values[row, : len(sound)] = sound
    return {SAMPLES: values, LENGTHS: np.array([len(sound) for sound in sounds], np.int32)}


def as_read(sound: Samples, settings: SoundSettings) -> Samples:
    """As read_sound gives the samples of a file."""
    largest = float(np.abs(sound).max())
    return sound if settings.absolute or largest <= 1e-30 else np.asarray(sound / np.float32(largest), np.float32)
