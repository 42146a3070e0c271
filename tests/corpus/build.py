"""Small whole inputs to break, and ways to break them. Everything is deterministic."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

Bytes = Callable[[], bytes]
FRACTIONS = (0.02, 0.3, 0.7, 0.98)  # of a file that are left when it is cut


def table(rows: int = 60, header: str = "x,z,y", end: str = "\n") -> str:
    """Two numbers and two classes."""
    lines = [f"{i * 7 % 13},{i * 0.37 % 5:.2f},{'ab'[i * 7 % 13 > 6]}" for i in range(rows)]
    return end.join(([header] if header else []) + lines) + end


def columns(rows: int = 60) -> dict[str, list[float] | list[str]]:
    """The same table as lists."""
    return {
        "x": [float(i * 7 % 13) for i in range(rows)],
        "z": [i * 0.37 % 5 for i in range(rows)],
        "y": ["ab"[i * 7 % 13 > 6] for i in range(rows)],
    }


def file(name: str, content: str | bytes | Bytes) -> Callable[[Path], Path]:
    """Writes one file of that name."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = content() if callable(content) else content
        path.write_bytes(made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made)
        return path

    return make


def cut(whole: Bytes, share: float) -> Bytes:
    """The first part of a file."""
    return lambda: (data := whole())[: max(1, int(len(data) * share))]


def flipped(whole: Bytes, seed: int, count: int = 3) -> Bytes:
    """Some bits turned over."""

    def make() -> bytes:
        data = bytearray(whole())
        generator = np.random.default_rng(seed)
        for place in generator.integers(0, len(data), count).tolist():
            data[place] ^= 1 << int(generator.integers(8))
        return bytes(data)

    return make


def patched(whole: Bytes, place: int, new: bytes) -> Bytes:
    """Bytes written over those at a place."""

    def make() -> bytes:
        data = bytearray(whole())
        data[place : place + len(new)] = new
        return bytes(data)

    return make


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def gzip_bomb(megabytes: int) -> bytes:
    """Zeros that unpack a thousandfold."""
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    return b"".join([*(made.compress(block) for _ in range(megabytes)), made.flush()])


def parquet() -> bytes:
    import polars as pl

    out = io.BytesIO()
    pl.DataFrame(columns()).write_parquet(out)
    return out.getvalue()


def arrow() -> bytes:
    import polars as pl

    out = io.BytesIO()
    pl.DataFrame(columns()).write_ipc(out)
    return out.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **arrays)
    return out.getvalue()


def plain_npz() -> bytes:
    x = np.random.default_rng(0).normal(size=(60, 4))
    return npz(x=x, y=(x[:, 0] > 0).astype(np.int64))


def npy_header(shape: str, dtype: str = "'<f8'", more: str = "") -> bytes:
    """The start of an .npy member with whatever it claims."""
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}{more}}}".encode()
    text += b" " * (64 - (len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def zipped(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def idx(shape: Sequence[int], content: bytes | None = None, kind: int = 0x08) -> bytes:
    if content is None:
        content = np.random.default_rng(0).integers(0, 256, int(np.prod(shape))).astype(np.uint8).tobytes()
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


def idx_labels(count: int) -> bytes:
    return idx([count], bytes(i % 2 for i in range(count)))


# --- pictures --------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int = 8, height: int = 8, shade: int = 0, claimed: tuple[int, int] | None = None, colour: int = 0
) -> bytes:
    """A grey PNG; `claimed` is what its header says of its size."""
    rows = b"".join(b"\0" + bytes((shade + x * y) % 256 for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", *(claimed or (width, height)), 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(kind: str, side: int = 12, seed: int = 0) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def photos(folder: Path, per_class: int = 12, name: str = "photos", ending: str = ".png") -> Path:
    """Two classes of small pictures."""
    for number, label in enumerate(("cat", "dog")):
        (folder / name / label).mkdir(parents=True)
        for i in range(per_class):
            (folder / name / label / f"{i}{ending}").write_bytes(png(shade=i * 9 + number * 3))
    return folder / name


def photos_with(broken: bytes | Bytes, name: str = "broken.png") -> Callable[[Path], Path]:
    """Whole pictures and one that is not."""

    def make(folder: Path) -> Path:
        root = photos(folder)
        (root / "cat" / name).write_bytes(broken() if callable(broken) else broken)
        return root

    return make


# --- sounds and clips ------------------------------------------------------------------------------------------------


def wav(samples: int = 400, rate: int = 8000, channels: int = 1, tone: float = 440.0) -> bytes:
    wave = np.sin(np.arange(samples) * tone * 2 * np.pi / rate)
    data = np.repeat((wave * 9000).astype("<i2")[:, None], channels, axis=1).tobytes()
    return wav_header(len(data), rate=rate, channels=channels) + data


def wav_header(length: int, *, rate: int = 8000, channels: int = 1, bits: int = 16, kind: int = 1) -> bytes:
    size = channels * bits // 8
    fields = struct.pack("<HHIIHH", kind, channels % 65536, rate, min(rate * size, 2**32 - 1), min(size, 65535), bits)
    riff = (36 + length) % 2**32
    return (
        b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt \x10\0\0\0" + fields + b"data" + struct.pack("<I", length % 2**32)
    )


def sound(kind: str, samples: int = 4000, rate: int = 8000) -> bytes:
    import soundfile

    out = io.BytesIO()
    wave = np.sin(np.arange(samples) * 0.3) * 0.4
    soundfile.write(out, wave, rate, format=kind)
    return out.getvalue()


def sounds(folder: Path, per_class: int = 12, name: str = "calls") -> Path:
    for number, label in enumerate(("owl", "wren")):
        (folder / name / label).mkdir(parents=True)
        for i in range(per_class):
            (folder / name / label / f"{i}.wav").write_bytes(wav(400 + 8 * i, tone=300 + 400 * number + 11 * i))
    return folder / name


def sounds_with(broken: bytes | Bytes, name: str = "broken.wav") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        root = sounds(folder)
        (root / "owl" / name).write_bytes(broken() if callable(broken) else broken)
        return root

    return make


def video(container: str = "mp4", frames: int = 6, side: int = 24, shift: int = 0) -> bytes:
    """A bright square that wanders."""
    import av

    out = io.BytesIO()
    codec = {"mp4": "mpeg4", "avi": "mjpeg", "matroska": "mpeg4"}[container]
    with av.open(out, "w", format=container) as made:
        stream = made.add_stream(codec, rate=10)
        stream.width = stream.height = side
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for moment in range(frames):
            pixels = np.zeros((side, side, 3), np.uint8)
            pixels[4:12, (2 * moment + shift) % side : (2 * moment + shift) % side + 6] = 220
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(stream.encode(None))
    return out.getvalue()


def clips(folder: Path, per_class: int = 6, name: str = "moves") -> Path:
    for number, label in enumerate(("left", "right")):
        (folder / name / label).mkdir(parents=True)
        for i in range(per_class):
            (folder / name / label / f"{i}.mp4").write_bytes(video(frames=5 + number, shift=i))
    return folder / name


def clips_with(broken: bytes | Bytes, name: str = "broken.mp4") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        root = clips(folder)
        (root / "left" / name).write_bytes(broken() if callable(broken) else broken)
        return root

    return make


# --- texts and series ------------------------------------------------------------------------------------------------


def texts(folder: Path, per_class: int = 15, name: str = "letters") -> Path:
    for label, word in (("glad", "happy"), ("sad", "gloomy")):
        (folder / name / label).mkdir(parents=True)
        for i in range(per_class):
            (folder / name / label / f"{i}.txt").write_text(f"A {word} day number {i}, and what a day it was!")
    return folder / name


def texts_with(broken: bytes, name: str = "broken.txt") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        root = texts(folder)
        (root / "glad" / name).write_bytes(broken)
        return root

    return make


def lines(folder: Path, name: str = "names") -> Path:
    (folder / name).mkdir(parents=True)
    for label, ending in (("Irish", "oy"), ("Polish", "ski")):
        (folder / name / f"{label}.txt").write_text("".join(f"Name{i}{ending}\n" for i in range(30)))
    return folder / name


def ts(rows: int = 40, steps: int = 12, head: str = "@problemName p\n@classLabel true up down\n@data\n") -> str:
    made = []
    for i in range(rows):
        values = ",".join(f"{(j * (1 if i % 2 else -1)) + i % 5:.1f}" for j in range(steps))
        made.append(f"{values}:{'up' if i % 2 else 'down'}")
    return head + "\n".join(made) + "\n"


def hours(rows: int = 120, start: str = "2024-03-01") -> list[str]:
    first = np.datetime64(start, "m")
    return [str(first + np.timedelta64(i, "h")).replace("T", " ") for i in range(rows)]


def load_table(rows: int = 120, times: Sequence[str] | None = None) -> str:
    """An hourly load: a table to forecast."""
    stamps = times if times is not None else hours(rows)
    return "time,load\n" + "".join(
        f"{stamp},{10 + 4 * np.sin(i * 0.26) + 0.01 * i:.3f}\n" for i, stamp in enumerate(stamps)
    )
