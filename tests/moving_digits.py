"""Moving digits: clips whose class is the direction in which a digit moves, so that no single frame tells it.

A digit glides over the frame and comes in again on the other side. Its starting point is drawn evenly over the frame, so the
places at which it is seen are spread alike for every direction, in every frame; only their order differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

DIRECTIONS = {  # down, right
    "right": (0, 1),
    "down": (1, 0),
    "left": (0, -1),
    "up": (-1, 0),
    "down_right": (1, 1),
    "down_left": (1, -1),
    "up_left": (-1, -1),
    "up_right": (-1, 1),
}


def moving_digits(
    digits: Bytes, count: int, *, directions: int = 4, frames: int = 10, side: int = 32, seed: int = 0
) -> tuple[Bytes, list[str]]:
    """Clips (count, frames, side, side) of digits (n, h, w), and the name of each clip's direction.

    The speed is one to three pixels a frame, different from clip to clip.
    """
    generator = np.random.default_rng(seed)
    names = list(DIRECTIONS)[:directions]
    labels = [names[i % directions] for i in range(count)]
    clips = np.zeros((count, frames, side, side), np.uint8)
    for clip, label in zip(clips, labels, strict=True):
        digit = digits[generator.integers(len(digits))]
        start, speed = generator.uniform(0, side, 2), generator.uniform(1.0, 3.0)
        for moment, frame in enumerate(clip):
            place = start + moment * speed * np.array(DIRECTIONS[label])
            rows, columns = ((np.arange(size) + round(at)) % side for size, at in zip(digit.shape, place, strict=True))
            frame[np.ix_(rows, columns)] = digit
    return clips, labels


def drawn_digits(size: int = 20) -> Bytes:
    """Digits (50, size, size) drawn with Pillow's own font, in five turns: for tests without any data."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=size)
    made = []
    for digit in range(10):
        image = Image.new("L", (size, size))
        ImageDraw.Draw(image).text((size / 2, size / 2), str(digit), fill=255, font=font, anchor="mm")
        made += [np.asarray(image.rotate(angle)) for angle in (-16, -8, 0, 8, 16)]
    return np.stack(made)


def write_videos(clips: Bytes, labels: Sequence[str], folder: Path, ending: str = ".mp4") -> None:
    """folder/LABEL/00012.mp4: ten frames a second, H.264 (MPEG-4 in .avi, VP9 in .webm)."""
    codec = {".avi": "mpeg4", ".webm": "libvpx-vp9"}.get(ending, "libx264")
    for number, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        write_video(clip, folder / label / f"{number:05d}{ending}", codec)


def write_video(clip: Bytes, path: Path, codec: str = "libx264") -> None:
    """One clip (T, H, W), or (T, H, W, 3) in colour."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in clip:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24" if clip.ndim == 4 else "gray")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_frames(clips: Bytes, labels: Sequence[str], folder: Path) -> None:
    """folder/LABEL/00012/frame_01.png."""
    from PIL import Image

    for number, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        inner = folder / label / f"{number:05d}"
        inner.mkdir(parents=True, exist_ok=True)
        for moment, frame in enumerate(clip, start=1):
            Image.fromarray(frame).save(inner / f"frame_{moment:02d}.png", compress_level=1)
