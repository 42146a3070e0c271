"""Sounds: headers are looked at for a rate and a length, then every file becomes log-mel frames (N, T, F), once."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from netpick.data.decoders.base import (
    PIECE,
    Decoded,
    Decoder,
    DecodeRequest,
    UnreadableFileError,
    Work,
    cores,
)
from netpick.data.decoders.silences import in_pieces
from netpick.data.decoders.sound_features import (
    WHOLE,
    Header,
    Samples,
    SoundSettings,
    choose_range,
    choose_settings,
    is_cut,
    log_mel,
    read_header,
    read_sound,
    whole_settings,
)
from netpick.data.sources.paths import AUDIO_SUFFIXES
from netpick.disk.files import mapped
from netpick.errors import RequestError
from netpick.types import Array, ArrayColumn, FileColumn, Media, Note, Source

HEADERS, SOUNDS = 100, 8  # of how many files headers and samples are looked at before decoding
SMALL_WAV = 200_000  # bytes, on average
MODERATE_RANGE = (1.0, 1_000.0)  # dB, of a received model
MOST_TRIED = 1 << 20  # samples


class SoundDecoder(Decoder):
    """Sounds of all rates and lengths to frames of one kind, by threads: libsndfile, soxr and numpy let go of the lock."""

    kind: ClassVar[Media] = "audio"
    noun: ClassVar[str] = "sounds"
    expected: ClassVar[str] = "a whole WAV, FLAC, OGG, MP3, AIFF, AU, M4A or WMA"
    endings: ClassVar[tuple[str, ...]] = AUDIO_SUFFIXES

    def try_settings(self, like: Mapping[str, Any]) -> None:
        """See Decoder."""
        settings = SoundSettings.from_mapping(like)
        if not MODERATE_RANGE[0] <= settings.range_db <= MODERATE_RANGE[1]:
            raise ValueError("sounds of as many decibels as are told apart")
        steps = np.arange(min(4 * settings.window, MOST_TRIED), dtype=np.float32)
        with np.errstate(invalid="raise"):
            (frames,) = log_mel([np.sin(steps)], settings)
        if frames.shape[1] != settings.mels:
            raise ValueError("sounds of as many bands as are read")

    def in_pieces(self, source: Source, name: str, like: Mapping[str, Any]) -> Source:
        """See Decoder: recordings whose words are asked for."""
        settings = SoundSettings.from_mapping(like)
        return in_pieces(source, name, settings) if settings.whole else source

    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        column = source.columns[name]
        assert isinstance(column, FileColumn)
        settings = SoundSettings.from_mapping(request.like) if request.like else _look(column, request)
        several = sum(isinstance(other, FileColumn) for other in source.columns.values()) > 1
        return SoundWork(column, settings, request, prefix=f"{name}: " if several else "")


@dataclass
class _Piece:
    """What became of some neighbouring rows."""

    headers: dict[int, Header] = field(default_factory=dict)
    failures: list[tuple[int, str]] = field(default_factory=list)
    silent: int = 0


class SoundWork:
    """Decoding of one column of sounds under way; each thread writes the frames of its rows into the one array."""

    def __init__(self, column: FileColumn, settings: SoundSettings, request: DecodeRequest, *, prefix: str) -> None:
        self._column, self._settings, self._prefix, self._like = column, settings, prefix, bool(request.like)
        shape = (len(column), settings.frames, settings.mels)
        in_memory = request.memory_limit is None or int(np.prod(shape)) <= request.memory_limit
        self._values: Array = np.zeros(shape, np.uint8) if in_memory else _mapped(shape, request.cache)
        self._lengths = np.zeros(len(column), np.int32)
        workers = request.workers or (1 if _are_small_wavs(column) else cores())
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
        self._futures: list[Future[_Piece]] = [
            self._pool.submit(self._decode, range(start, min(start + PIECE, len(column))))
            for start in range(0, len(column), PIECE)
        ]

    def finish(self) -> Decoded:
        pieces = [future.result() for future in self._futures]
        self.cancel()
        headers = {row: header for piece in pieces for row, header in piece.headers.items()}
        column = ArrayColumn(
            name=self._column.name,
            values=self._values,
            kind="audio",
            lengths=self._lengths,
            decoding=self._settings.to_mapping(),
            formats=[headers[row].format if row in headers else "" for row in range(len(self._column))],
        )
        notes = _notes(list(headers.values()), self._settings, sum(piece.silent for piece in pieces), self._prefix)
        failures = [failure for piece in pieces for failure in piece.failures]
        return Decoded(column=column, failures=failures, notes=[] if self._like else notes)

    def cancel(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _decode(self, rows: range) -> _Piece:
        piece = _Piece()
        read: list[int] = []
        sounds: list[Samples] = []
        for row in rows:
            try:
                sound = read_sound(_path(self._column, row), self._settings, _span(self._column, row))
            except UnreadableFileError as error:
                piece.failures.append((row, str(error)))
                continue
            if is_cut(sound.header, self._settings) and self._settings.whole:
                piece.failures.append((row, _too_long(sound.header, self._settings)))
                continue
            read.append(row)
            sounds.append(sound.samples)
            piece.headers[row] = sound.header
            piece.silent += sound.is_silent
        for row, frames in zip(read, log_mel(sounds, self._settings), strict=True):
            self._values[row, : len(frames)] = frames
            self._lengths[row] = len(frames)
        return piece


def _look(column: FileColumn, request: DecodeRequest) -> SoundSettings:
    """Settings from a hundred headers (from all where nothing may be cut), and from the samples of a few files, spread over all rows."""
    rows = _spread(len(column), len(column) if request.every_word else HEADERS)
    with ThreadPoolExecutor(1 if _are_small_wavs(column) else cores(), thread_name_prefix="look") as pool:
        read = dict(zip(rows, pool.map(lambda row: _header_or_none(column, row), rows), strict=True))
        headers = {row: header for row, header in read.items() if header is not None}
        choose = whole_settings if request.every_word else choose_settings
        settings = replace(choose(list(headers.values())), absolute=int(request.loudness == "kept"))
        some = [list(headers)[place] for place in _spread(len(headers), SOUNDS)]
        made = pool.map(lambda row: _samples_or_none(column, row, settings), some)
        sounds = [samples for samples in made if samples is not None]
    return SoundSettings(**{**settings.to_mapping(), "range_db": choose_range(sounds, settings)})


def _too_long(header: Header, settings: SoundSettings) -> str:
    return (
        f"it lasts {header.seconds:,.1f} s, but at most {settings.seconds:,.1f} s are read as one recording. Cut it where nobody speaks, and its "
        "transcript alike"
    )


def _path(column: FileColumn, row: int) -> str:
    return os.path.join(column.root, column.paths[row])


def _span(column: FileColumn, row: int) -> tuple[float, float]:
    return WHOLE if column.spans is None else column.spans[row]


def _header_or_none(column: FileColumn, row: int) -> Header | None:
    """None where it cannot be read; the decoding itself names it then."""
    try:
        return read_header(_path(column, row), _span(column, row))
    except UnreadableFileError:
        return None


def _samples_or_none(column: FileColumn, row: int, settings: SoundSettings) -> Samples | None:
    try:
        return read_sound(_path(column, row), settings, _span(column, row)).samples
    except UnreadableFileError:
        return None


def _are_small_wavs(column: FileColumn) -> bool:
    """Whether the files take so little time that threads would wait for Python's lock longer than they work.

    On a busy machine of two cores, two threads decoded 3,000 WAVs of half a second at half the speed of one.
    """
    paths = [_path(column, row) for row in _spread(len(column), SOUNDS)]
    if not all(path.lower().endswith(".wav") for path in paths):
        return False
    sizes = [os.path.getsize(path) for path in paths if os.path.isfile(path)]
    return sum(sizes) < SMALL_WAV * len(sizes)


def _spread(count: int, most: int) -> list[int]:
    return np.linspace(0, count - 1, min(most, count)).astype(int).tolist()  # type: ignore[no-any-return]


def _mapped(shape: tuple[int, ...], cache: Path | None) -> Array:
    """A zeroed array in a file that ends with it: on POSIX a mapping outlives its file's name."""
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="netpick-", dir=cache) as folder:
        try:
            return mapped(Path(folder) / "frames", shape, "uint8")
        except OSError as error:
            raise RequestError(
                f"There is no room for {np.prod(shape) / 1e6:,.0f} MB of decoded sounds in {Path(folder).parent} "
                f"({error.strerror}). Free some space there."
            ) from None


# --- what is said ----------------------------------------------------------------------------------------------------


def _notes(headers: Sequence[Header], settings: SoundSettings, silent: int, prefix: str) -> list[Note]:
    if not headers:
        return []
    texts = [_length_text(headers)]
    rates = Counter(header.rate for header in headers)
    others = {rate: count for rate, count in sorted(rates.items()) if rate != settings.sample_rate}
    if others:
        resampled = ", ".join(f"{count:,} of {rate:,} Hz" for rate, count in others.items())
        why = "the most common rate" if settings.sample_rate in rates else "enough for what networks read"
        texts.append(f"{resampled} are resampled to {settings.sample_rate:,} Hz, {why}.")
    else:
        texts[0] = f"{texts[0][:-1]}, all at {settings.sample_rate:,} Hz."
    mixed = sum(header.channels > 1 for header in headers)
    if mixed:
        most = max(header.channels for header in headers)
        texts.append(f"{mixed:,} with 2 {f'to {most} ' if most > 2 else ''}channels are mixed down to one.")
    cut = sum(is_cut(header, settings) for header in headers)
    if cut and not settings.whole:
        texts.append(
            f"{cut:,} longer than {settings.seconds:.2f} s are cut: only their beginning is read. To learn from all of them, pass "
            "--cut SECONDS (a row a window), or a table with the columns file, start, end and label (a row a part)."
        )
    if silent:
        texts.append(f"{silent:,} {'is' if silent == 1 else 'are'} silent throughout.")
    texts.append(_frames_text(settings))
    return [Note(subject="sounds", text=prefix + text) for text in texts]


def _length_text(headers: Sequence[Header]) -> str:
    seconds = np.array([header.seconds for header in headers])
    reach = f"{seconds.min():.2f} to {seconds.max():.2f} s (median {np.median(seconds):.2f} s)"
    return f"{len(headers):,} sound{'s' if len(headers) != 1 else ''} of {reach}."


def _frames_text(settings: SoundSettings) -> str:
    rate = settings.sample_rate
    below = (
        "full scale (how loud a file is counts)"
        if settings.absolute
        else "its own loudest value (how loud a file is as a whole does not count)"
    )
    return (
        f"Each becomes up to {settings.frames} log-mel frames: {settings.mels} bands up to {rate // 2:,} Hz, windows of "
        f"{1000 * settings.window / rate:.0f} ms every {1000 * settings.hop / rate:.3g} ms, the {settings.range_db:.0f} dB below "
        f"{below}."
    )
