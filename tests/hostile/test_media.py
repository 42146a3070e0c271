"""Sounds and videos that say one size and hold another: what was checked is what is decoded, over forged and mutated files."""

from __future__ import annotations

import io
import math
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from netpick.data.decoders.base import UnreadableFileError
from netpick.data.decoders.clip_frames import MAX_PIXELS, ClipShape, read_clip
from netpick.data.decoders.sound_features import SoundSettings, choose_settings, read_header, read_sound

MUTATED_SOUNDS, MUTATED_VIDEOS = 400, 100
SHAPE = ClipShape(frames=4, channels=3, height=16, width=16)


def wav(seconds: float = 0.5, rate: int = 8_000) -> bytes:
    steps = np.sin(np.arange(int(seconds * rate)) / 9).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, steps, rate, format="WAV")
    return buffer.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> SoundSettings:
    path = tmp_path / "good.wav"
    path.write_bytes(wav())
    sound_settings: SoundSettings = choose_settings([read_header(str(path))])
    return sound_settings


def test_a_mutated_wav_never_becomes_more_samples_than_the_settings_allow(
    settings: SoundSettings, tmp_path: Path
) -> None:
    """Random bytes of the header, and what a forger would do: rates, widths, channels, lengths, chunks given twice."""
    whole, random, path = wav(), np.random.default_rng(2), tmp_path / "x.wav"
    most = math.ceil((settings.seconds + 0.003) * settings.sample_rate)  # a sample of the lowest rate more
    opened = 0
    for number in range(MUTATED_SOUNDS):
        data = bytearray(whole)
        for place in random.integers(8, 60, random.integers(1, 4)):
            data[place] = random.integers(256)
        if number % 3 == 1:  # a field of the format, as a whole
            form, place = [("<H", 22), ("<I", 24), ("<I", 28), ("<H", 32), ("<H", 34), ("<I", 40)][number % 6]
            data[:] = whole
            struct.pack_into(form, data, place, int(random.choice([0, 1, 2, 8, 255, 65_535])))
        if number % 3 == 2:  # the format given twice, with other channels and another rate
            other = bytearray(whole[12:36])
            struct.pack_into("<HI", other, 10, int(random.integers(1, 9)), int(random.choice([1_000, 8_000, 96_000])))
            data[:] = whole[:36] + bytes(other) + whole[36:]
        path.write_bytes(bytes(data))
        try:
            sound = read_sound(str(path), settings)
        except UnreadableFileError:
            continue
        opened += 1
        assert len(sound.samples) <= most
        assert np.isfinite(sound.samples).all()
    assert opened > MUTATED_SOUNDS // 20


def motion_jpeg(path: Path, sides: list[int]) -> None:
    """An AVI that says 64 x 64, of JPEGs that have other sizes."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number, side in enumerate(sides):
            buffer = io.BytesIO()
            Image.new("RGB", (side, side), (200, 30, 90)).save(buffer, "JPEG")
            packet = av.Packet(buffer.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 10)
            container.mux(packet)


def test_a_frame_that_is_larger_than_the_header_says_is_not_unpacked_beyond_the_limit(tmp_path: Path) -> None:
    honest, lying = tmp_path / "honest.avi", tmp_path / "lying.avi"
    motion_jpeg(honest, [64] * 6)
    assert read_clip(honest, SHAPE).seen == 6
    side = math.isqrt(MAX_PIXELS) + 64
    motion_jpeg(lying, [64, 64, side, side, 64, 64])
    with pytest.raises(UnreadableFileError):
        read_clip(lying, SHAPE)


def test_a_mutated_video_gives_frames_of_the_asked_size_or_is_refused(tmp_path: Path) -> None:
    good, path, random = tmp_path / "good.mp4", tmp_path / "x.mp4", np.random.default_rng(3)
    with av.open(str(good), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 30 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole, opened = good.read_bytes(), 0
    for _ in range(MUTATED_VIDEOS):
        data = bytearray(whole)
        for place in random.integers(0, len(data), random.integers(1, 5)):
            data[place] = random.integers(256)
        path.write_bytes(bytes(data))
        try:
            clip = read_clip(path, SHAPE, most_seconds=5.0)
        except UnreadableFileError:
            continue
        opened += 1
        assert clip.frames.shape == (4, 3, 16, 16)
    assert 0 < opened < MUTATED_VIDEOS
