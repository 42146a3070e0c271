"""Ports of what comes in files: pictures, sounds, clips. They are decoded as those of training were."""

from __future__ import annotations

import base64
import binascii
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np

from netpick.columns.kinds import KINDS
from netpick.data.decode_worker import TooManyPixelsError, UnreadableImageError, decode, open_image
from netpick.data.decoders import DECODERS
from netpick.data.decoders.base import UnreadableFileError
from netpick.data.sources.picture_cells import picture_in
from netpick.serve.faults import refuse, shown
from netpick.serve.ports.base import Cells, Joined, PaddedCells, Port, Tensor, joined_cells
from netpick.serve.wanted import still_wanted
from netpick.types import Array, ArrayColumn, Column

ONE_LARGE = threading.Lock()  # one large picture at a time: each may take 200 MB while it is unpacked
BRIGHT = 1.5  # standard deviations of the training pixels that a whole picture's mean may be off
FLAT = 0.1  # of their standard deviation
COLOURED = 8  # of 255, between the channels of a pixel on average
SQUEEZED = 1.6  # times another aspect ratio than the network's
LIGHT_PICTURE, LIGHT_WAV = 64 << 10, 256 << 10  # bytes; samples of a WAV take no more than it weighs, packed sounds may
ENDINGS = ((b"RIFF", ".wav"), (b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"ID3", ".mp3"), (b"FORM", ".aiff"))


class _FilePort(Port):
    """Cells that are the bytes of a file: base64 in JSON, BYTES in a tensor, parts of a form."""

    @abstractmethod
    def decoded(self, data: bytes, row: int, most_pixels: int) -> PaddedCells:
        """One row of a file's bytes. Raises Fault. most_pixels: that may be unpacked for it."""

    def _all(self, cells: Iterable[Any], decoded: Callable[[Any, int, int], PaddedCells]) -> PaddedCells:
        """The rows of one request, which together may unpack so many pixels."""
        left, parts_read = self.limits.request_pixels, []
        for row, cell in enumerate(cells):
            still_wanted()
            parts_read.append(decoded(cell, row, left))
            left -= parts_read[-1].unpacked
        return _stacked(parts_read)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64", "description": f"A whole file: {self._expected()}."}

    def read(self, cells: Sequence[Any]) -> Cells:
        return self._all(cells, self._cell)

    def read_file(self, data: bytes, most_pixels: int) -> Cells | None:
        return self.decoded(data, 0, most_pixels)

    def tensor(self) -> Tensor:
        return Tensor(datatype="BYTES", shape=(-1,))

    def from_tensor(self, values: Array) -> Cells:
        if values.dtype.kind != "O" or values.ndim > 2:
            refuse(
                "invalid_value",
                f"Input '{self.name}' is {values.dtype} of shape {list(values.shape)}, but BYTES of shape [rows] were "
                f"expected, a whole file each: {self._expected()}.",
                field=self.name,
            )
        cells = (cell if isinstance(cell, bytes) else str(cell).encode() for cell in values.ravel().tolist())
        return self._all(cells, self.decoded)

    def join(self, parts: Sequence[Cells]) -> Joined:
        return joined_cells(parts)

    def of_column(self, column: Column) -> Joined:
        assert isinstance(column, ArrayColumn)
        return PaddedCells(values=column.values, lengths=column.lengths)

    def column(self, joined: Joined) -> Column:
        kind = DECODERS[self.kind].kind
        like = dict(KINDS[self.kind].decoding(self.state))
        return ArrayColumn(name=self.name, values=joined.values, kind=kind, lengths=joined.lengths, decoding=like)

    def _expected(self) -> str:
        return DECODERS[self.kind].expected.rstrip(",")

    def _cell(self, cell: Any, row: int, most_pixels: int) -> PaddedCells:
        if not isinstance(cell, str) or not cell:
            refuse(
                "invalid_value",
                f"Field '{self.name}' (row {row}) holds {shown(cell)}, but the base64 text of a file was expected: "
                f"{self._expected()}.",
                field=self.name,
                row=row,
            )
        text = cell.partition(",")[2] if cell.startswith("data:") else cell
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            refuse(
                "invalid_value",
                f"Field '{self.name}' (row {row}) is no base64 text, but that of a whole file was expected: "
                f"{self._expected()}.",
                field=self.name,
                row=row,
            )
        return self.decoded(data, row, most_pixels)

    def _unreadable(self, reason: str, row: int) -> NoReturn:
        expected = self._expected()
        refuse(
            "unreadable_file",
            f"The {DECODERS[self.kind].noun.removesuffix('s')} (row {row}) cannot be read: {reason}. "
            f"{expected[0].upper()}{expected[1:]} was expected. Send another file.",
            field=self.name,
            row=row,
        )


class ImagePort(_FilePort):
    """A picture: a file, or its pixels at the network's own size."""

    def is_light(self, data: bytes) -> bool:
        return len(data) <= LIGHT_PICTURE

    def describe(self) -> dict[str, Any]:
        channels, height, width = self.state.shape
        drawn = channels == 1 and max(height, width) <= 64  # by hand: a digit, a letter, a sketch
        return {
            "channels": channels, "height": height, "width": width, "drawn": drawn, "dark": self.state.mean[0] < 0.5,
            "accept": ",".join(DECODERS[self.kind].endings),
        }  # fmt: skip

    def schema(self) -> dict[str, Any]:
        channels, height, width = self.state.shape
        pixel = {"type": "integer", "minimum": 0, "maximum": 255}
        place = (
            pixel if channels == 1 else {"type": "array", "items": pixel, "minItems": channels, "maxItems": channels}
        )
        row = {"type": "array", "items": place, "minItems": width, "maxItems": width}
        pixels = {"type": "array", "items": row, "minItems": height, "maxItems": height}
        return {"anyOf": [super().schema(), pixels]}

    def tensor(self) -> Tensor:
        return Tensor(datatype="UINT8", shape=(-1, *self.state.shape))

    def from_tensor(self, values: Array) -> Cells:
        if values.dtype.kind == "O":
            return super().from_tensor(values)
        shape = tuple(self.state.shape)
        if values.dtype != np.uint8 or values.shape[1:] not in (
            shape,
            (*shape[1:], shape[0]),
            shape[1:] if shape[0] == 1 else shape,
        ):
            refuse(
                "invalid_value",
                f"Input '{self.name}' is {values.dtype} of shape {list(values.shape)}, but UINT8 of shape "
                f"{[-1, *shape]} (rows, channels, height, width) was expected, or BYTES of whole files.",
                field=self.name,
            )
        if values.size > self.limits.values:
            refuse(
                "too_large",
                f"{values.size:,} pixels are more than the {self.limits.values:,} of one request. Send fewer rows.",
            )
        if values.ndim == 4 and values.shape[1:] != shape:
            values = values.transpose(0, 3, 1, 2)
        return PaddedCells(values=np.ascontiguousarray(values.reshape(len(values), *shape)))

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        state = self.state
        values = joined.values.reshape(len(joined), joined.values.shape[1], -1)
        means = values.mean(axis=2, dtype=np.float32) / 255
        spreads = values.std(axis=2, dtype=np.float32) / 255
        off = np.abs(means - np.asarray(state.mean)).max(axis=1) > BRIGHT * np.asarray(state.std).max()
        flat = (spreads < FLAT * np.asarray(state.std)).all(axis=1)
        for row in np.flatnonzero(off | flat).tolist():
            if flat[row]:
                yield row, f"{self.name} is nearly one colour throughout."
            else:
                side = "brighter" if means[row].mean() > np.mean(state.mean) else "darker"
                yield row, f"{self.name} is much {side} than the training pictures; are its colours inverted?"

    def decoded(self, data: bytes, row: int, most_pixels: int) -> PaddedCells:
        channels, height, width = self.state.shape
        remarks: tuple[tuple[int, str], ...] = ()
        try:
            image = decode(data, channels, height, width, min(self.limits.pixels, most_pixels), alone=ONE_LARGE)
        except TooManyPixelsError as error:
            together = (
                "" if most_pixels >= self.limits.pixels else f" ({self.limits.request_pixels:,} for all of a request)"
            )
            refuse(
                "too_large",
                f"The picture (row {row}) is too large: {error}{together}. Send a smaller one.",
                field=self.name,
                row=row,
            )
        except UnreadableImageError as error:
            self._unreadable(str(error), row)
        size = image.size
        stretch = (size[0] * height) / (size[1] * width)
        if not 1 / SQUEEZED < stretch < SQUEEZED:
            remarks += (
                (
                    row,
                    f"The picture of {size[0]:,} x {size[1]:,} pixels was squeezed to {width} x {height}, as the network reads.",
                ),
            )
        if image.greyed and _is_coloured(data):
            remarks += ((row, "The picture is in colour, but the network knows grey alone; its colours were dropped."),)
        values = np.frombuffer(image.pixels, np.uint8).reshape(1, channels, height, width)
        return PaddedCells(values=values, remarks=remarks, unpacked=size[0] * size[1])

    def _cell(self, cell: Any, row: int, most_pixels: int) -> PaddedCells:
        channels, height, width = self.state.shape
        if isinstance(cell, str) and (pixels := picture_in(cell, (channels, height, width))) is not None:
            return PaddedCells(values=pixels)
        if not isinstance(cell, list):
            return super()._cell(cell, row, most_pixels)
        wanted = (height, width) if channels == 1 else (height, width, channels)
        flat = _pixels_of(cell, wanted)
        if flat is None:
            refuse(
                "invalid_value",
                f"Field '{self.name}' (row {row}) holds a list, but {height} rows of {width} pixels"
                f"{f' of {channels} values' if channels > 1 else ''} were expected, whole numbers from 0 to 255.",
                field=self.name,
                row=row,
            )
        pixels = np.array(flat, np.uint8).reshape(1, height, width, channels)
        return PaddedCells(values=np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


class AudioPort(_FilePort):
    """A sound file."""

    is_heavy: ClassVar[bool] = True

    def is_light(self, data: bytes) -> bool:
        return len(data) <= LIGHT_WAV and data.startswith(b"RIFF")

    def describe(self) -> dict[str, Any]:
        like = self.state.decoding
        return {
            "rate": like.get("sample_rate"), "seconds": self._seconds(),
            "accept": ",".join(DECODERS[self.kind].endings),
        }  # fmt: skip

    def decoded(self, data: bytes, row: int, most_pixels: int) -> PaddedCells:
        from netpick.data.decoders.sound_features import SoundSettings, log_mel, read_sound

        settings = SoundSettings.from_mapping(self.state.decoding)
        ending = next((ending for head, ending in ENDINGS if data.startswith(head)), ".mp3")
        with tempfile.NamedTemporaryFile(prefix="netpick-", suffix=ending) as file:
            file.write(data)
            file.flush()
            try:
                sound = read_sound(file.name, settings)
            except UnreadableFileError as error:
                self._unreadable(str(error), row)
        (frames,) = log_mel([sound.samples], settings)
        remarks = []
        if sound.is_silent:
            remarks.append((row, "The sound is silent throughout."))
        if sound.header.seconds > 1.05 * settings.seconds:
            cut = f"The sound lasts {sound.header.seconds:.1f} s; only its first {settings.seconds:.1f} s count, the most in training."
            remarks.append((row, cut))
        values = np.zeros((1, settings.frames, frames.shape[1]), np.uint8)
        values[0, : len(frames)] = frames
        return PaddedCells(values=values, lengths=np.array([len(frames)], np.int32), remarks=tuple(remarks))

    def _seconds(self) -> float | None:
        from netpick.data.decoders.sound_features import SoundSettings

        return round(SoundSettings.from_mapping(self.state.decoding).seconds, 2)


class ClipPort(_FilePort):
    """A video file."""

    is_heavy: ClassVar[bool] = True

    def describe(self) -> dict[str, Any]:
        frames, channels, height, width = self.state.shape
        return {
            "frames": frames, "channels": channels, "height": height, "width": width,
            "accept": ",".join(DECODERS[self.kind].endings),
        }  # fmt: skip

    def decoded(self, data: bytes, row: int, most_pixels: int) -> PaddedCells:
        from netpick.data.decoders.clip_frames import ClipShape, read_clip

        shape = ClipShape(**KINDS[self.kind].decoding(self.state))
        with tempfile.NamedTemporaryFile(prefix="netpick-", suffix=".mp4") as file:
            file.write(data)
            file.flush()
            try:
                frames, _, _ = read_clip(Path(file.name), shape, most_seconds=self.limits.decode_seconds)
            except UnreadableFileError as error:
                self._unreadable(str(error), row)
        return PaddedCells(values=np.ascontiguousarray(frames)[None])


def _stacked(parts_read: Sequence[PaddedCells]) -> PaddedCells:
    one = joined_cells(parts_read)
    remarks = tuple(remark for part in parts_read for remark in part.remarks)
    unpacked = sum(part.unpacked for part in parts_read)
    return PaddedCells(values=one.values, lengths=one.lengths, remarks=remarks, unpacked=unpacked)


def _pixels_of(cell: list[Any], shape: tuple[int, ...]) -> list[int] | None:
    """The grey levels of nested lists of exactly this shape; None for anything else. Looked at before numpy makes an array."""
    level: list[Any] = [cell]
    for side in shape:
        if any(type(part) is not list or len(part) != side for part in level):
            return None
        level = [value for part in level for value in part]
    if set(map(type, level)) != {int} or min(level) < 0 or max(level) > 255:
        return None
    return level


def _is_coloured(data: bytes) -> bool:
    """Whether a picture that could hold colours does; drawings on a canvas are in RGB and grey."""
    from PIL import Image

    with open_image(data) as image, ONE_LARGE:
        image.draft("RGB", (32, 32))
        # Some pixels as they are: the whole picture in another mode would take as much memory once more.
        some = image.resize((32, 32), Image.Resampling.NEAREST)
        small = np.asarray(some.convert("RGB"), dtype=np.int16)
    return bool((small.max(axis=2) - small.min(axis=2)).mean() > COLOURED)


def size_of_png(data: bytes) -> tuple[int, int] | None:
    """Width and height as a PNG's first chunk says, to guess how long it takes; decoding refuses one that says another later."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
