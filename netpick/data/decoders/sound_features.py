"""From sound files to log-mel frames: reading, mixing down, resampling, and the filter bank. Pure functions.

soundfile, soxr and scipy are imported where they are used: data without sounds never load them.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from netpick.data.decoders.base import UnreadableFileError
from netpick.data.decoders.sound_containers import is_container, read_container

Samples = npt.NDArray[np.float32]  # (n,), one channel
Frames = npt.NDArray[np.uint8]  # (T, F)

MAX_RATE = 16_000  # Hz; speech and most everyday sounds lie below 8 kHz, and twice the rate is twice the work
MELS = 64
LOWEST = 30.0  # Hz; below lie hum and offsets
WINDOW = 0.025  # seconds, and at least twice the hop
SHORT_HOP, HOP, LONG_HOP = 0.0125, 0.020, 0.040  # seconds
FEW_FRAMES, MOST_FRAMES = 96, 256
SPEECH_HOP, SPEECH_MELS = 0.010, 40
LONGEST_WHOLE = 60.0  # seconds of a sound that is read as one recording
RANGE = 80.0  # dB below a sound's loudest value that are told apart
RANGES = (40.0, 100.0)
MOST_CHANNELS = 64
MOST_BYTES = 256 << 20  # of samples in memory for one file
PLAIN_WAV = 1 << 20  # bytes
UNKNOWN_LENGTH = (1 << 31) - (1 << 16)  # bytes
MOST_CHUNKS = 100
TRUNCATED = 0.9  # of the length in the header; less is a damaged file, or a header that lies
GROUP = 8  # neighbouring bands that are summed together
FRAMES_AT_ONCE = 512  # transformed together: enough to hide the calls, too few for BLAS to start threads of its own
WHOLE = (0.0, math.inf)  # seconds of a file that are read
SILENCE = 1e-10  # power, of a window whose samples reach 1


@dataclass(frozen=True, kw_only=True)
class SoundSettings:
    """How a sound becomes frames: plain numbers, kept in the model file."""

    sample_rate: int  # Hz
    window: int  # samples
    hop: int  # samples
    frames: int  # T, at most
    mels: int = MELS  # F
    range_db: float = RANGE  # from a sound's loudest value (255) down to 0
    absolute: int = 0  # 1: from full scale, not from a sound's own loudest value; how loud it is counts then
    whole: int = 0  # 1: nothing is cut, and a longer sound is refused

    @property
    def seconds(self) -> float:
        """The longest part of a sound that is read."""
        return self.frames * self.hop / self.sample_rate

    def to_mapping(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in ("absolute", "whole") or value}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SoundSettings:
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about itself."""

    rate: int  # Hz
    channels: int
    seconds: float
    format: str  # "WAV 16 bit, 8,000 Hz"


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One channel at the settings' rate, and what the file said."""

    samples: Samples
    header: Header
    is_silent: bool = False


def choose_settings(headers: Sequence[Header]) -> SoundSettings:
    """The most common rate, at most 16 kHz, and as many frames as the longest of 99 % of the sounds need.

    The hop is 12.5 ms where that gives at most 96 frames, up to 20 ms to keep to them, and up to 40 ms to keep to 256;
    what is longer than 256 frames of 40 ms is cut.
    """
    rates = [header.rate for header in headers] or [MAX_RATE]
    commonest = max(sorted(set(rates)), key=rates.count)
    rate = min(commonest, MAX_RATE)
    seconds = np.array([header.seconds for header in headers] or [1.0])
    most = float(np.percentile(seconds, 99))
    longest = float(seconds.max()) if seconds.max() <= 1.25 * most else most
    wanted = float(np.clip(longest / FEW_FRAMES, SHORT_HOP, HOP))
    wanted = float(np.clip(longest / MOST_FRAMES, wanted, LONG_HOP))
    hop = max(1, math.ceil(wanted * rate))
    frames = min(MOST_FRAMES, max(1, math.ceil(longest * rate / hop)))
    from scipy.fft import next_fast_len

    window = next_fast_len(max(16, round(max(WINDOW * rate, 2 * hop))), real=True)
    return SoundSettings(sample_rate=rate, window=window, hop=hop, frames=frames)


def whole_settings(headers: Sequence[Header]) -> SoundSettings:
    """What is said needs all of a sound, and frames that are shorter than any of its letters: 25 ms every 10 ms.

    The commonest rate, at most 16 kHz; as many frames as the longest sound needs, of up to a minute.
    """
    from scipy.fft import next_fast_len

    rates = [header.rate for header in headers] or [MAX_RATE]
    rate = min(max(sorted(set(rates)), key=rates.count), MAX_RATE)
    lengths = [header.seconds for header in headers if header.seconds <= LONGEST_WHOLE]
    hop = max(1, round(SPEECH_HOP * rate))
    frames = max(1, math.ceil(max(lengths, default=1.0) * rate / hop))
    window = next_fast_len(max(16, round(WINDOW * rate)), real=True)
    return SoundSettings(sample_rate=rate, window=window, hop=hop, frames=frames, mels=SPEECH_MELS, whole=1)


def is_cut(header: Header, settings: SoundSettings) -> bool:
    """Whether a sound is longer than what is read of it."""
    return header.seconds > settings.seconds + 0.5 * settings.hop / settings.sample_rate


def choose_range(sounds: Sequence[Samples], settings: SoundSettings) -> float:
    """How many dB below its loudest value a sound still says something: all but the quietest hundredth of the values."""
    widest = SoundSettings(**{**settings.to_mapping(), "range_db": RANGES[1]})
    values = [frames.ravel() for frames in log_mel(sounds, widest)]
    if not values:
        return RANGE
    quiet = RANGES[1] * (1 - float(np.percentile(np.concatenate(values), 1)) / 255)
    return float(np.clip(5 * math.ceil(quiet / 5), *RANGES))


def read_header(path: str, span: tuple[float, float] = WHOLE) -> Header:
    """Of a file, or of its part between two seconds. Reads no samples, but of containers. Raises UnreadableFileError."""
    if is_container(path):
        return _of_part(_by_ffmpeg(path, 0.0)[0], span)
    with _opened(path) as file:
        return _of_part(_header(file), span)


def read_sound(path: str, settings: SoundSettings, span: tuple[float, float] = WHOLE) -> Sound:
    """The first `settings.seconds` of a file, or of its part between two seconds, mixed down and resampled. Raises
    UnreadableFileError.

    Nothing is allocated for what a header claims beyond that, and what it claims within has to be there.
    """
    start, seconds = span[0], min(settings.seconds, span[1] - span[0])
    if is_container(path):
        header, samples = _by_ffmpeg(path, start + seconds)
        samples = samples[min(round(start * header.rate), len(samples) - 1) :]
    elif span == WHOLE:
        header, samples = _plain_wav(path, seconds) or _by_libsndfile(path, seconds)
    else:
        header, samples = _by_libsndfile(path, seconds, start)
        samples = samples[: max(1, round(seconds * header.rate))]
    header = _of_part(header, span)
    mono = samples[:, 0]
    if header.channels > 1:  # a mean along the second axis takes thirty times as long
        mono = samples @ np.full(header.channels, 1 / header.channels, np.float32)
    largest = max(float(mono.max()), -float(mono.min()))
    if not math.isfinite(largest):
        raise UnreadableFileError("it holds samples that are no numbers (NaN or infinite)")
    if largest > 0 and not settings.absolute:
        mono *= np.float32(1 / largest) if largest > 1e-30 else np.float32(1)
    if header.rate != settings.sample_rate:
        import soxr

        mono = soxr.resample(mono, header.rate, settings.sample_rate)
    return Sound(samples=np.asarray(mono, dtype=np.float32), header=header, is_silent=largest == 0)


def _of_part(header: Header, span: tuple[float, float]) -> Header:
    """Raises UnreadableFileError where the part begins behind the file's end."""
    if span == WHOLE:
        return header
    if span[0] * header.rate >= header.seconds * header.rate - 1:
        raise UnreadableFileError(f"it ends at {header.seconds:,.2f} s, but is to be read from {span[0]:,.2f} s on")
    return replace(header, seconds=min(span[1], header.seconds) - span[0])


def _by_ffmpeg(path: str, seconds: float) -> tuple[Header, npt.NDArray[np.float32]]:
    """The header and the first samples (n, channels)."""
    rate, length, words, samples = read_container(path, seconds, MOST_BYTES)
    return Header(rate=rate, channels=samples.shape[1], seconds=length, format=words), samples


def _by_libsndfile(path: str, seconds: float, start: float = 0.0) -> tuple[Header, npt.NDArray[np.float32]]:
    """The header and the samples (n, channels) from a second on."""
    _refuse_cut_wav(path)
    with _opened(path) as file:
        header = _header(file)
        before = round(start * header.rate)
        wanted = min(file.frames - before, math.ceil(seconds * header.rate) + 1)
        if wanted < 1:
            return header, np.zeros((1, header.channels), np.float32)  # refused by whoever asked
        if wanted * header.channels * 4 > MOST_BYTES:
            raise UnreadableFileError(_claims(header.channels, header.rate))
        try:
            file.seek(before)
            samples = file.read(wanted, dtype="float32", always_2d=True)
        except RuntimeError as error:
            raise UnreadableFileError(f"it is damaged ({_first_words(error)})") from None
    if len(samples) < TRUNCATED * wanted:
        got = start + len(samples) / header.rate
        raise UnreadableFileError(f"it ends after {got:.2f} s, but its header says {header.seconds:,.2f} s")
    return header, samples


def _refuse_cut_wav(path: str) -> None:
    """Raises UnreadableFileError for a WAV with less behind its header than that promises; libsndfile reads what is there.

    A length near 2 or 4 GB is no promise: programs that write into a pipe do not know it.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(4) != b"RIFF":
                return
            place = 12
            for _ in range(MOST_CHUNKS):
                file.seek(place)
                head = file.read(8)
                if len(head) < 8:
                    return
                length = int.from_bytes(head[4:], "little")
                if head[:4] == b"data":
                    break
                place += 8 + length + length % 2
            else:
                return
    except OSError:
        return
    there = size - place - 8
    if there < TRUNCATED * length < TRUNCATED * UNKNOWN_LENGTH:
        raise UnreadableFileError(f"it ends after {there:,} of {length:,} bytes of sound")


def _plain_wav(path: str, seconds: float) -> tuple[Header, npt.NDArray[np.float32]] | None:
    """What _by_libsndfile gives, for a small WAV of 16 bits whose two chunks are just as they should be; None for all others.

    Most sounds to learn from are such files, of a second or so, and libsndfile takes four times as long for them.
    """
    if not path.lower().endswith(".wav") or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read(PLAIN_WAV)
    except OSError:
        return None
    if len(data) < 46 or data[:4] != b"RIFF" or data[8:20] != b"WAVEfmt \x10\x00\x00\x00" or data[36:40] != b"data":
        return None
    kind, channels, rate, _, size, bits, _, length = struct.unpack_from("<HHIIHHII", data, 20)
    if (
        (kind, bits, size) != (1, 16, 2 * channels)
        or not 1 <= channels <= MOST_CHANNELS
        or not 1_000 <= rate <= 1_000_000
    ):
        return None
    if length == 0 or length % size or 44 + length > len(data):
        return None
    wanted = min(length // size, math.ceil(seconds * rate) + 1)
    samples = np.frombuffer(data, "<i2", wanted * channels, 44).reshape(wanted, channels).astype(np.float32)
    samples *= np.float32(1 / 32_768)
    seconds = length / size / rate
    return Header(rate=rate, channels=channels, seconds=seconds, format=_format("WAV", "PCM_16", rate)), samples


def _opened(path: str) -> Any:
    """A soundfile.SoundFile, with every failure as an UnreadableFileError."""
    import soundfile

    if os.path.exists(path) and not os.path.isfile(path):  # libsndfile would wait for the other end of a pipe
        raise UnreadableFileError("it is no plain file")
    try:
        return soundfile.SoundFile(path)
    except (RuntimeError, TypeError, OSError) as error:
        raise UnreadableFileError(_why_not_opened(path, error)) from None


def _why_not_opened(path: str, error: Exception) -> str:
    try:
        size = os.path.getsize(path)
    except FileNotFoundError:
        return "there is no such file"
    except OSError as trouble:
        return f"it cannot be opened ({trouble.strerror})"
    return f"it is no sound that can be read ({_first_words(error)})" if size else "it is empty (0 bytes)"


def _first_words(error: Exception) -> str:
    """libsndfile's own words, without the path that soundfile puts in front and without a full stop."""
    return str(error).splitlines()[0].rpartition(": ")[2].rstrip(".") or type(error).__name__


def _header(file: Any) -> Header:
    rate, channels, frames = int(file.samplerate), int(file.channels), int(file.frames)
    if frames <= 0:
        raise UnreadableFileError("it holds no samples")
    if not 1 <= channels <= MOST_CHANNELS or not 1_000 <= rate <= 1_000_000:
        raise UnreadableFileError(_claims(channels, rate))
    return Header(rate=rate, channels=channels, seconds=frames / rate, format=_format(file.format, file.subtype, rate))


def _claims(channels: int, rate: int) -> str:
    return f"it claims {channels:,} channel{'s' if channels != 1 else ''} at {rate:,} Hz"


@cache
def _format(container: str, subtype: str, rate: int) -> str:
    """In words: "WAV 16 bit, 8,000 Hz"."""
    subtype = subtype.replace("PCM_S8", "PCM_8").replace("PCM_U8", "PCM_8")
    depth = f"{subtype.removeprefix('PCM_')} bit" if subtype.startswith("PCM_") else subtype.lower().replace("_", " ")
    container = container.replace("WAVEX", "WAV")
    what = container if container in ("OGG", "MP3") else f"{container} {depth}"
    return f"{what}, {rate:,} Hz"


# --- log-mel ---------------------------------------------------------------------------------------------------------


def num_frames(samples: int, settings: SoundSettings) -> int:
    """Frames of a sound of so many samples: one a hop, at least one, at most `settings.frames`."""
    return min(settings.frames, max(1, -(-samples // settings.hop)))


def log_mel(sounds: Sequence[Samples], settings: SoundSettings) -> list[Frames]:
    """Each sound as (T, F) uint8: 255 is its own loudest value (or full scale, see SoundSettings), 0 is `range_db` below it and less.
    Silence is all 0.

    Power of Hann windows in triangular bands, evenly spaced on the mel scale (Davis & Mermelstein 1980; Stevens et al.
    1937), each the mean of what lies in it. Window t is centred on the t-th hop.
    """
    made: list[Frames] = []
    counts = [num_frames(len(samples), settings) for samples in sounds]
    start = 0
    while start < len(sounds):
        stop, total = start + 1, counts[start]
        while stop < len(sounds) and total + counts[stop] <= FRAMES_AT_ONCE:
            total += counts[stop]
            stop += 1
        made += _log_mel(sounds[start:stop], counts[start:stop], settings)
        start = stop
    return made


def _log_mel(sounds: Sequence[Samples], counts: Sequence[int], settings: SoundSettings) -> list[Frames]:
    from scipy.fft import rfft

    window, hop = settings.window, settings.hop
    before = (window - hop) // 2
    taper = hann(window)
    frames = np.empty((sum(counts), window), dtype=np.float32)
    first = 0
    for samples, count in zip(sounds, counts, strict=True):
        padded = np.zeros((count - 1) * hop + window, dtype=np.float32)
        part = samples[: len(padded) - before]
        padded[before : before + len(part)] = part
        view = np.ndarray((count, window), np.float32, padded, strides=(4 * hop, 4))  # neighbours overlap
        np.multiply(view, taper, out=frames[first : first + count])
        first += count
    spectrum = rfft(frames, axis=1, overwrite_x=True)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)  # (frames, window / 2 + 1)
    groups = _band_groups(settings.sample_rate, window, settings.mels)
    bands = np.concatenate([power[:, low:high] @ weights for low, high, weights in groups], axis=1)
    starts = np.cumsum([0, *counts[:-1]])
    loudest = np.maximum.reduceat(bands.ravel(), starts * settings.mels)
    loudest = np.where(loudest > SILENCE, loudest, np.float32(math.inf))  # of silence everything is far below
    if settings.absolute:
        loudest = np.ones_like(loudest)
        np.minimum(bands, np.float32(1), out=bands)
    bands /= np.repeat(loudest, counts)[:, None]
    values = np.log10(np.maximum(bands, 10 ** (-settings.range_db / 10), out=bands), out=bands)
    values *= 10 * 255 / settings.range_db
    values += 255.5  # rounds, as what follows cuts off
    levels = values.astype(np.uint8)
    return [levels[start : start + count] for start, count in zip(starts.tolist(), counts, strict=True)]


@cache
def hann(window: int) -> Samples:
    """Sums to 1 with itself at half a window's distance, scaled so that a full-scale tone has about unit power."""
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(window) + 0.5) / window)
    return np.asarray(shape * 2 / shape.sum(), dtype=np.float32)


@cache
def mel_weights(rate: int, window: int, mels: int) -> npt.NDArray[np.float32]:
    """(window / 2 + 1, F): what each frequency of the transform adds to each band; every band's weights sum to 1.

    A band may be narrower than the distance of two frequencies, so triangles are averaged over that distance, and no band
    is empty.
    """
    edges = _hertz(np.linspace(_mel(LOWEST), _mel(rate / 2), mels + 2))
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    fine = 16  # points looked at between two frequencies
    points = ((np.arange((window // 2 + 1) * fine) + 0.5) / fine - 0.5)[:, None] * rate / window
    triangles = np.minimum((points - left) / (centre - left), (right - points) / (right - centre)).clip(0)
    weights = triangles.reshape(-1, fine, mels).mean(axis=1)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


@cache
def _band_groups(rate: int, window: int, mels: int) -> list[tuple[int, int, npt.NDArray[np.float32]]]:
    """The weights of every 8 bands, with the first and last frequency that has any: a fifth of the products of the whole."""
    weights = mel_weights(rate, window, mels)
    groups = []
    for start in range(0, mels, GROUP):
        part = weights[:, start : start + GROUP]
        used = np.flatnonzero(part.any(axis=1))
        low, high = int(used[0]), int(used[-1]) + 1
        groups.append((low, high, np.ascontiguousarray(part[low:high])))
    return groups


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 700 * (10 ** (mels / 2595) - 1)
