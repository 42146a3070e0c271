"""Sounds that libsndfile does not open (M4A, AAC, WMA, Matroska, AMR, AC-3), by FFmpeg through PyAV; by their first bytes."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from netpick.data.decoders.base import UnreadableFileError

ENDINGS = (".m4a", ".m4b", ".aac", ".wma", ".mka", ".amr", ".ac3")
DEMUXERS = (
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"#!AMR", "amr"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (4, b"ftyp", "mov"),
)
MOST_CHANNELS = 64
MOST_RATE = 1_000_000
TRUNCATED = 0.9  # of the length in the header; less is a damaged file
NAMES = {"mov": "M4A", "asf": "WMA", "aac": "AAC", "matroska": "MKA", "amr": "AMR", "ac3": "AC-3"}


def is_container(path: str) -> bool:
    """Whether a file is one of these by its name; what it is, its first bytes say."""
    return path.lower().endswith(ENDINGS)


def read_container(path: str, seconds: float, most_bytes: int) -> tuple[int, float, str, npt.NDArray[np.float32]]:
    """Rate, length in seconds, format in words, and the first samples (n, channels). Raises UnreadableFileError."""
    import av

    demuxer = _demuxer(path)
    try:
        with av.open(path, format=demuxer, options={"protocol_whitelist": "file"}, metadata_errors="ignore") as file:
            if not file.streams.audio:
                raise UnreadableFileError("it holds no sound")
            stream: Any = file.streams.audio[0]
            rate, channels = int(stream.rate or 0), int(stream.codec_context.channels)
            if not 1 <= channels <= MOST_CHANNELS or not 1_000 <= rate <= MOST_RATE:
                raise UnreadableFileError(f"it claims {channels:,} channels at {rate:,} Hz")
            stream.codec_context.thread_count = 1
            wanted = int(np.ceil(seconds * rate)) + 1
            pieces, count = _samples(file, stream, wanted, most_bytes // (4 * channels))
            promised = float(stream.duration * stream.time_base) if stream.duration else (file.duration or 0) / 1e6
    except UnreadableFileError:
        raise
    except (
        av.FFmpegError,
        OSError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise UnreadableFileError(_reason(error)) from None
    if not count:
        raise UnreadableFileError("it holds no samples")
    if count < TRUNCATED * min(wanted, promised * rate):
        raise UnreadableFileError(f"it ends after {count / rate:.2f} s, but its header says {promised:,.2f} s")
    samples = np.concatenate(pieces)[:wanted]
    return rate, max(promised, count / rate), f"{NAMES[demuxer]}, {rate:,} Hz", samples


def _samples(file: Any, stream: Any, wanted: int, most: int) -> tuple[list[npt.NDArray[np.float32]], int]:
    """The first samples, in pieces (n, channels), and how many."""
    import av

    resampler = av.AudioResampler(format="fltp")
    pieces: list[npt.NDArray[np.float32]] = []
    count = 0
    for frame in file.decode(stream):
        for part in resampler.resample(frame):
            pieces.append(part.to_ndarray().T.astype(np.float32))
            count += len(pieces[-1])
        if count > most:
            raise UnreadableFileError("its samples take too much memory")
        if count >= wanted:
            break
    return pieces, count


def _demuxer(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise UnreadableFileError("it is no plain file")
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise UnreadableFileError("there is no such file") from None
    except OSError as error:
        raise UnreadableFileError(f"it cannot be opened ({error.strerror})") from None
    if not head:
        raise UnreadableFileError("it is empty (0 bytes)")
    for place, magic, name in DEMUXERS:
        if head[place:].startswith(magic):
            return name
    raise UnreadableFileError("it is no M4A, AAC, WMA, MKA, AMR or AC-3 by its first bytes")


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    reason = re.sub(r"^\[Errno [^\]]*\] |: '.*'$|; last error log.*$", "", text)
    return f"it is damaged ({reason[:1].lower()}{reason[1:]})".replace(".)", ")")
