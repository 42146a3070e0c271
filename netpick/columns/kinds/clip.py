"""Clips: the frames that decoders/clip.py chose, all of one size; they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Extent, Scale
from netpick.columns.kinds.pixels import Pixels
from netpick.types import STRICT, Form, Media

NAMES_OF_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}


@dataclass(config=STRICT, kw_only=True)
class ClipState:
    """The shape (T, C, H, W), and the mean and deviation of each channel in 0..1."""

    shape: tuple[Extent, Extent, Extent, Extent]
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    pixels: tuple[float, float] | None = None  # values of arrays that the bytes 0 and 255 stand for

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[1]:
            raise ValueError("a mean and a deviation of every channel")


class Clip(Pixels):
    """A moving picture, as frames evenly spaced over it."""

    name: ClassVar[Media] = "clip"
    form: ClassVar[Form] = "clip"
    State = ClipState
    noun, files, axes, sampled = "clips", "video clips", "frames, channels, height, width", 500

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        channels = state.shape[1]
        return NAMES_OF_CHANNELS.get(channels, tuple(f"{name} {i + 1}" for i in range(channels)))

    def decoding(self, state: Any) -> Mapping[str, Any]:
        frames, channels, height, width = state.shape
        return {"frames": frames, "channels": channels, "height": height, "width": width}
