"""DECODERS: one kind of media per file, from files to one array. To add one: a file, a line here, a sample in the tests."""

from __future__ import annotations

from netpick.decoders.base import Decoder
from netpick.decoders.clip import ClipDecoder
from netpick.decoders.image import ImageDecoder
from netpick.decoders.sound import SoundDecoder

DECODERS: dict[str, Decoder] = {decoder.kind: decoder for decoder in (ImageDecoder(), SoundDecoder(), ClipDecoder())}

__all__ = ["DECODERS", "Decoder"]
