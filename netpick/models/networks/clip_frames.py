"""Clips as many images: what networks that read a clip frame by frame share."""

from __future__ import annotations

import torch
from torch import Tensor

from netpick.models.networks.base import Batch
from netpick.types import Inputs, InputSpec


def frame_inputs(inputs: Inputs, together: int = 1) -> dict[str, InputSpec]:
    """The inputs of a network for the frames of these clips (T, C, H, W): images (C, H, W), or (n * C, H, W) where n
    neighbouring frames are taken together."""
    spec = inputs["clip"]
    channels, height, width = spec.shape[1:]
    shape = (together * channels, height, width)
    return {"grid": InputSpec(form="grid", shape=shape, mean=spec.mean * together, std=spec.std * together)}


def frames_of(batch: Batch, together: int = 1) -> dict[str, Tensor]:
    """Clips (B, T, C, H, W) as a batch of B * T images, or of B * ceil(T / n); the last frame is repeated where one lacks."""
    clips = batch["clip"]
    missing = -clips.shape[1] % together
    if missing:
        clips = torch.cat([clips, clips[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
    return {"grid": clips.reshape(-1, together * clips.shape[2], *clips.shape[3:])}
