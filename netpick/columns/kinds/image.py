"""Images, decoded by decode.py to equal sizes; they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Extent, Scale
from netpick.columns.kinds.pixels import Pixels
from netpick.types import STRICT, Form, Media


@dataclass(config=STRICT, kw_only=True)
class ImageState:
    """The shape (C, H, W), and the mean and deviation of each channel in 0..1."""

    shape: tuple[Extent, Extent, Extent]
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    pixels: tuple[float, float] | None = None  # values of arrays that the bytes 0 and 255 stand for

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError("a mean and a deviation of every channel")


class Image(Pixels):
    """A picture."""

    name: ClassVar[Media] = "image"
    form: ClassVar[Form] = "grid"
    State = ImageState
    noun, files, axes, sampled = "images", "image files", "channels, height, width", 2_000

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        channels = state.shape[0]
        names = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
        return names.get(channels, tuple(f"channel {number}" for number in range(1, channels + 1)))

    def decoding(self, state: Any) -> Mapping[str, Any]:
        channels, height, width = state.shape
        return {"size": (height, width), "channels": channels}
