"""DECODERS: one kind of media per file, from files to one array. To add one: a file, a line here, a sample in the tests."""

from __future__ import annotations

from netpick.data.decoders.base import Decoder
from netpick.data.decoders.clip import ClipDecoder
from netpick.data.decoders.image import ImageDecoder
from netpick.data.decoders.mask import MaskDecoder
from netpick.data.decoders.scene import SceneDecoder
from netpick.data.decoders.sound import SoundDecoder

DECODERS: dict[str, Decoder] = {
    decoder.kind: decoder for decoder in (ImageDecoder(), SoundDecoder(), ClipDecoder(), SceneDecoder(), MaskDecoder())
}

__all__ = ["DECODERS", "Decoder"]
