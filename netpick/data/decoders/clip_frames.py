"""From one clip to frames: a video file, or a folder of numbered pictures, to bytes (T, C, H, W) evenly spaced over it.

Videos are read by PyAV (FFmpeg) with the demuxer that their first bytes ask for: FFmpeg's own guessing would also follow
playlists, which name other files and addresses. What a header says is used to refuse, never to trust: frames are counted
while they are decoded.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netpick.data.decode_worker import (
    PILLOW_ERRORS,
    UnreadableImageError,
    decode,
    is_grey,
    open_image,
    read_file,
    upright_size,
)
from netpick.data.decoders.base import UnreadableFileError
from netpick.data.sources.paths import IMAGE_SUFFIXES
from netpick.types import Array

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_PIXELS = 4096 * 2304  # of a frame
MAX_SECONDS = 600
MAX_FRAMES = 20_000
KEPT = 8  # frames kept while decoding for each one wanted: the chosen ones are then even to an eighth of their distance
LEAST_SHARE = 0.9  # of the frames that the header promises: with fewer the file was cut off
LEAST_TIME = 0.5  # of the length that it promises, where it counts no frames: sound may go on after the last frame
COUNTED = 64  # frames that are counted where the header does not say
LOOKED_AT = 4  # frames at the beginning and in the middle that tell whether a clip has colour
COLOUR = 10  # levels by which red, green and blue of grey frames may differ: compression mixes them a little


@dataclass(frozen=True, kw_only=True)
class ClipShape:
    """What every clip is brought to."""

    frames: int
    channels: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class ClipLook:
    """What a clip is: about how many frames (at most COUNTED where they had to be counted), their size, and grey or not."""

    frames: int
    size: tuple[int, int]  # (width, height)
    grey: bool


class ReadClip(NamedTuple):
    """A clip's frames (T, C, H, W) uint8, how many it had, and what its file was: "MP4 320 x 240, 25 frames a second"."""

    frames: Array
    seen: int
    format: str


def read_clip(path: Path, shape: ClipShape, *, most_seconds: float = math.inf) -> ReadClip:
    """The clip as frames of that shape. Raises UnreadableFileError, also when decoding takes longer than `most_seconds`.

    Frames are evenly spaced from the first to the last; a clip with fewer repeats some. The whole picture is kept: other
    aspect ratios are squeezed.
    """
    return _read_folder(path, shape) if path.is_dir() else _read_video(path, shape, most_seconds)


def look_at(path: Path) -> ClipLook:
    """The clip's length, size and colour from its header and a few frames. Raises UnreadableFileError."""
    return _look_at_folder(path) if path.is_dir() else _look_at_video(path)


def in_order(name: str) -> list[tuple[int, str]]:
    """The key that sorts frame_2 before frame_10."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]{1,18})", name.lower()) if part
    ]


class Sampler:
    """Frames evenly spaced over a clip whose length is not known: every n-th is kept, and n doubles when there are many."""

    def __init__(self, wanted: int) -> None:
        self._wanted, self._stride = wanted, 1
        self._kept: list[Array] = []
        self.seen = 0

    def wants_next(self) -> bool:
        """Whether the next frame is worth converting."""
        return self.seen % self._stride == 0

    def add(self, frame: Array | None) -> None:
        """Takes the next frame; None where it was not wanted."""
        if frame is not None:
            self._kept.append(frame)
        self.seen += 1
        if len(self._kept) >= 2 * KEPT * self._wanted:
            self._kept, self._stride = self._kept[::2], 2 * self._stride

    def chosen(self) -> list[Array]:
        """The frames wanted."""
        places = np.linspace(0, self.seen - 1, self._wanted) / self._stride
        return [self._kept[min(round(place), len(self._kept) - 1)] for place in places.tolist()]


# --- folders of pictures ---------------------------------------------------------------------------------------------


def _frame_names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.lower().endswith(IMAGE_SUFFIXES) and not e.name.startswith(".")]
    if not names:
        raise UnreadableFileError("the folder holds no pictures")
    if len(names) > MAX_FRAMES:
        raise UnreadableFileError(
            f"it has {len(names):,} frames, and at most {MAX_FRAMES:,} are read; cut it into clips"
        )
    return sorted(names, key=in_order)


def _read_folder(folder: Path, shape: ClipShape) -> ReadClip:
    names = _frame_names(folder)
    chosen = [names[round(place)] for place in np.linspace(0, len(names) - 1, shape.frames).tolist()]
    pixels: dict[str, Array] = {}
    for name in chosen:
        if name in pixels:
            continue
        try:
            data = decode(read_file(str(folder / name)), shape.channels, shape.height, shape.width).pixels
        except (UnreadableImageError, OSError) as error:
            raise UnreadableFileError(f"{name}: {error}") from None
        pixels[name] = np.frombuffer(data, np.uint8).reshape(shape.channels, shape.height, shape.width)
    frames = np.stack([pixels[name] for name in chosen])
    return ReadClip(frames, len(names), f"{Path(names[0]).suffix[1:].upper()} frames")


def _look_at_folder(folder: Path) -> ClipLook:
    names = _frame_names(folder)
    sizes, grey = [], True
    for name in {names[0], names[len(names) // 2]}:
        try:
            with open_image(read_file(str(folder / name))) as image:
                sizes.append(upright_size(image))
                grey = grey and is_grey(image)
        except (UnreadableImageError, *PILLOW_ERRORS) as error:
            raise UnreadableFileError(f"{name}: {error}") from None
    return ClipLook(frames=len(names), size=sizes[0], grey=grey)


# --- videos ----------------------------------------------------------------------------------------------------------


def _read_video(path: Path, shape: ClipShape, most_seconds: float) -> ReadClip:
    sampler, last, ends = Sampler(shape.frames), 0.0, time.monotonic() + most_seconds
    with _opened(path) as (container, stream):
        promised, seconds = stream.frames, (container.duration or 0) / 1_000_000
        size, rate = f"{stream.codec_context.width} x {stream.codec_context.height}", round(stream.average_rate or 0)
        for frame in _frames(container, stream, sampler):
            if time.monotonic() > ends:
                raise UnreadableFileError(
                    f"it takes longer than {most_seconds:g} s to decode; send a shorter or smaller one"
                )
            sampler.add(_pixels(frame, shape) if sampler.wants_next() else None)
            last = frame.time or last
    if sampler.seen == 0:
        raise UnreadableFileError("it holds no frame that can be decoded")
    if sampler.seen < LEAST_SHARE * promised:
        raise UnreadableFileError(f"it ends after {sampler.seen:,} of {promised:,} frames")
    if not promised and sampler.seen > 1 and last < LEAST_TIME * seconds:
        raise UnreadableFileError(f"its pictures end after {last:.1f} of {seconds:.1f} s")
    described = f"{path.suffix[1:].upper()} {size}, {rate} frames a second"
    return ReadClip(np.stack(sampler.chosen()), sampler.seen, described)


def _look_at_video(path: Path) -> ClipLook:
    with _opened(path) as (container, stream):
        frames, looked = stream.frames, []
        for _, frame in zip(range(LOOKED_AT), container.decode(stream), strict=False):
            looked.append(_rgb(frame))
        with suppress(*_av_errors()):  # not every file can be entered in its middle
            container.seek((container.duration or 0) // 2)
            for _, frame in zip(range(LOOKED_AT), container.decode(stream), strict=False):
                looked.append(_rgb(frame))
    if not looked:
        raise UnreadableFileError("it holds no frame that can be decoded")
    if frames == 0:
        with _opened(path) as (container, stream):
            packets = (packet for packet in container.demux(stream) if packet.size)
            frames = sum(1 for _ in zip(range(COUNTED), packets, strict=False))
    height, width = looked[0].shape[:2]
    return ClipLook(frames=frames, size=(width, height), grey=not any(_has_colour(image) for image in looked))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream, set to decode in this thread alone. Errors become UnreadableFileError."""
    import av

    try:
        demuxer = _demuxer(path)
        with av.open(
            str(path), format=demuxer, options={"protocol_whitelist": "file"}, metadata_errors="ignore"
        ) as container:
            if not container.streams.video:
                raise UnreadableFileError("it holds no pictures, only sound or nothing")
            stream = container.streams.video[0]
            codec: Any = stream.codec_context
            if codec is None:  # its types do not say so
                raise UnreadableFileError("its pictures are in a format that is not known here")
            codec.thread_count = 1  # the clips are spread over the cores, not their frames
            codec.options = {"max_pixels": str(MAX_PIXELS)}
            _check_header(container, stream)
            yield container, stream
    except UnreadableFileError:
        raise
    except _av_errors() as error:
        raise UnreadableFileError(_reason(error)) from None


def _av_errors() -> tuple[type[BaseException], ...]:
    """What PyAV raises on damaged files."""
    import av

    return (av.FFmpegError, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, MemoryError)


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    reason = re.sub(r"^\[Errno [^\]]*\] |: '.*'$|; last error log.*$", "", text)
    return f"{reason[:1].lower()}{reason[1:]}".rstrip(".")


def _demuxer(path: Path) -> str:
    """FFmpeg's name of the format by the file's first bytes, never by its name."""
    if path.exists() and not path.is_file():
        raise UnreadableFileError("it is no plain file")
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        raise UnreadableFileError("the file is empty (0 bytes)")
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"pnot"):
        return "mov"
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        return "avi"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:4] == b"\0\0\x01\xba":
        return "mpeg"
    if head[:4] == b"\0\0\x01\xb3":
        return "mpegvideo"
    raise UnreadableFileError("it is no MP4, MOV, AVI, MKV, WebM or MPEG video by its first bytes")


def _check_header(container: InputContainer, stream: VideoStream) -> None:
    """Refuses before anything is decoded."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise UnreadableFileError(
            f"its frames of {width:,} x {height:,} pixels are larger than the {MAX_PIXELS:,} pixels that are read"
        )
    seconds = (container.duration or 0) / 1_000_000
    if seconds > MAX_SECONDS:
        raise UnreadableFileError(
            f"it lasts {seconds:,.0f} s, and at most {MAX_SECONDS:,} s are read; cut it into clips"
        )
    if stream.frames > MAX_FRAMES:
        raise UnreadableFileError(
            f"it has {stream.frames:,} frames, and at most {MAX_FRAMES:,} are read; cut it into clips"
        )


def _frames(container: InputContainer, stream: VideoStream, sampler: Sampler) -> Iterator[VideoFrame]:
    """All frames in the order in which they are shown. Raises UnreadableFileError where decoding breaks off."""
    try:
        for frame in container.decode(stream):
            if sampler.seen >= MAX_FRAMES:
                raise UnreadableFileError(f"it has more than {MAX_FRAMES:,} frames; cut it into clips")
            if frame.is_corrupt:  # FFmpeg fills in what is missing
                raise UnreadableFileError(f"frame {sampler.seen + 1:,} is damaged")
            yield frame
    except _av_errors() as error:
        raise UnreadableFileError(f"frame {sampler.seen + 1:,} does not decode: {_reason(error)}") from None


def _pixels(frame: VideoFrame, shape: ClipShape) -> Array:
    """(C, H, W), upright: phones store films lying, with the turn in the header."""
    turns = _turns(frame)
    width, height = (shape.height, shape.width) if turns % 2 else (shape.width, shape.height)
    same = (frame.width, frame.height) == (width, height)
    layout = "gray" if shape.channels == 1 else "rgb24"
    image = frame.reformat(width, height, layout, interpolation="POINT" if same else "AREA").to_ndarray()
    if turns:
        image = np.rot90(image, turns)
    return np.ascontiguousarray(image[None] if image.ndim == 2 else image.transpose(2, 0, 1))


def _rgb(frame: VideoFrame) -> Array:
    image: Array = frame.to_ndarray(format="rgb24")
    turns = _turns(frame)
    return np.rot90(image, turns) if turns else image


def _turns(frame: Any) -> int:
    """Quarter turns against the clock that bring a frame upright."""
    angle = frame.rotation
    return round(angle / 90) % 4 if math.isfinite(angle) else 0


def _has_colour(image: Array) -> bool:
    red, green, blue = (image[..., channel].astype(np.int16) for channel in range(3))
    return bool(max(np.abs(red - green).max(), np.abs(green - blue).max()) > COLOUR)
