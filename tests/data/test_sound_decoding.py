"""Sounds to log-mel frames: settings from the data, the filter bank, odd files, and files decoded as those of training."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from netpick.columns.kinds import KINDS
from netpick.data.decode import start_decoding
from netpick.data.decoders.base import DecodeRequest, UnreadableFileError
from netpick.data.decoders.sound_features import (
    Header,
    SoundSettings,
    choose_range,
    choose_settings,
    log_mel,
    mel_weights,
    num_frames,
    read_header,
    read_sound,
)
from netpick.data.sources import open_files
from netpick.errors import DataError
from netpick.types import ArrayColumn, Source

RATE = 8_000
SETTINGS = SoundSettings(sample_rate=RATE, window=200, hop=80, frames=60)


def tone(hertz: float, seconds: float = 0.4, rate: int = RATE, loudness: float = 0.5) -> npt.NDArray[np.float32]:
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write(path: Path, samples: npt.NDArray[np.float32], rate: int = RATE, **how: str) -> Path:
    soundfile.write(path, samples, rate, **how)
    return path


def header(rate: int = RATE, seconds: float = 1.0) -> Header:
    return Header(rate=rate, channels=1, seconds=seconds, format="WAV")


def decoded(files: list[Path], **request: object) -> Source:
    source = open_files(files, column="sound", kind="audio")
    return start_decoding(source, DecodeRequest(**request)).finish()  # type: ignore[arg-type]


def column_of(source: Source) -> ArrayColumn:
    column = source.columns["sound"]
    assert isinstance(column, ArrayColumn)
    return column


def frames_of(path: Path, settings: SoundSettings) -> npt.NDArray[np.uint8]:
    (frames,) = log_mel([read_sound(str(path), settings).samples], settings)
    return frames


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "hop", "frames"),
    [(0.01, 0.0125, 1), (0.5, 0.0125, 40), (1.2, 0.0125, 96), (1.6, 1.6 / 96, 96), (5.0, 0.02, 250), (8.0, 8.0 / 256, 256), (60.0, 0.04, 256)],
)  # fmt: skip
def test_the_hop_grows_with_the_length_and_frames_are_bounded(seconds: float, hop: float, frames: int) -> None:
    settings = choose_settings([header(16_000, seconds)] * 10)
    assert settings.hop == pytest.approx(hop * 16_000, abs=1)
    assert settings.frames == pytest.approx(frames, abs=1)
    assert settings.window >= 2 * settings.hop


def test_the_most_common_rate_counts_and_is_bounded() -> None:
    assert choose_settings([header(8_000)] * 3 + [header(44_100)] * 2).sample_rate == 8_000
    assert choose_settings([header(8_000)] * 2 + [header(44_100)] * 3).sample_rate == 16_000
    assert choose_settings([]).sample_rate == 16_000


def test_one_sound_much_longer_than_all_others_is_cut() -> None:
    assert choose_settings([header(seconds=0.5)] * 200 + [header(seconds=3_000.0)]).seconds == pytest.approx(0.5)
    assert choose_settings([header(seconds=0.5)] * 200 + [header(seconds=0.6)]).seconds == pytest.approx(0.6)


def test_the_range_follows_what_the_sounds_hold() -> None:
    clean = [tone(hertz, 0.4) for hertz in (300, 700, 1500)]
    noisy = [sound + 0.1 * np.random.default_rng(0).normal(size=len(sound)).astype(np.float32) for sound in clean]
    assert choose_range(noisy, SETTINGS) < choose_range(clean, SETTINGS) <= 100
    assert choose_range([], SETTINGS) == 80


# --- log-mel ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "window", "mels"), [(8_000, 200, 64), (16_000, 400, 64), (2_000, 50, 64), (44_100, 4_000, 20)]
)
def test_every_band_has_weights_that_sum_to_one(rate: int, window: int, mels: int) -> None:
    settings = SoundSettings(sample_rate=rate, window=window, hop=window // 2, frames=1, mels=mels)
    weights = mel_weights(rate, settings.window, mels)
    assert weights.shape == (settings.window // 2 + 1, mels)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-5)
    assert weights.min() >= 0
    centres = weights.argmax(axis=0)
    assert (np.diff(centres) >= 0).all()


def test_a_tone_is_loudest_in_its_band() -> None:
    for hertz in (250.0, 1_000.0, 3_000.0):
        (frames,) = log_mel([tone(hertz)], SETTINGS)
        assert frames.shape == (40, 64)
        weights = mel_weights(RATE, SETTINGS.window, 64)
        expected = weights[round(hertz * SETTINGS.window / RATE)].argmax()
        assert abs(int(frames[5:-5].mean(axis=0).argmax()) - int(expected)) <= 1
        assert frames.max() == 255


def test_decibels_are_right() -> None:
    quiet = tone(1_000.0, loudness=0.05)
    (frames,) = log_mel([np.concatenate([tone(1_000.0), quiet])], SETTINGS)
    band = int(frames[10].argmax())
    step = SETTINGS.range_db / 255
    assert (int(frames[20, band]) - int(frames[60 - 1, band])) * step == pytest.approx(20, abs=1)


def test_sounds_made_together_are_as_made_alone() -> None:
    generator = np.random.default_rng(0)
    sounds = [generator.normal(size=n).astype(np.float32) for n in (1, 79, 80, 81, 4_000, 100_000, 700)]
    together = log_mel(sounds, SETTINGS)
    for sound, frames in zip(sounds, together, strict=True):
        assert len(frames) == num_frames(len(sound), SETTINGS)
        (alone,) = log_mel([sound], SETTINGS)
        assert np.abs(alone.astype(int) - frames).max() <= 1
    assert log_mel([], SETTINGS) == []


def test_how_loud_a_file_is_does_not_count(tmp_path: Path) -> None:
    loud, quiet = tone(500, loudness=0.9), tone(500, loudness=0.09)
    made = [
        frames_of(write(tmp_path / f"{i}.wav", sound, subtype="FLOAT"), SETTINGS)
        for i, sound in enumerate((loud, quiet))
    ]
    assert np.abs(made[0].astype(int) - made[1]).max() <= 1


def test_silence_is_zero() -> None:
    (frames,) = log_mel([np.zeros(1_000, np.float32)], SETTINGS)
    assert frames.shape == (13, 64)
    assert not frames.any()


# --- files -----------------------------------------------------------------------------------------------------------

FORMATS = {
    "a.wav": {"subtype": "PCM_16"},
    "b.wav": {"subtype": "PCM_24"},
    "c.wav": {"subtype": "FLOAT"},
    "d.wav": {"subtype": "PCM_U8"},
    "e.flac": {},
    "f.ogg": {},
    "g.mp3": {},
    "h.aiff": {},
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_give_about_the_same_frames(name: str, tmp_path: Path) -> None:
    sound = tone(1_000.0, 0.4, rate=16_000) + tone(2_500.0, 0.4, rate=16_000, loudness=0.2)
    path = write(tmp_path / name, sound, 16_000, **FORMATS[name])
    read = read_sound(str(path), SETTINGS)
    assert read.header.rate == 16_000
    assert len(read.samples) == pytest.approx(0.4 * RATE, abs=600)  # MP3 and OGG may add some samples
    (frames,) = log_mel([read.samples], SETTINGS)
    (expected,) = log_mel([tone(1_000.0) + tone(2_500.0, loudness=0.2)], SETTINGS)
    loud = expected[15] > 200
    assert np.abs(frames[15:25, loud].astype(int).mean(axis=0) - expected[15:25, loud].mean(axis=0)).max() < 12


@pytest.mark.parametrize(("rate", "channels"), [(192_000, 1), (44_100, 2), (11_025, 8), (8_000, 3)])
def test_rates_and_channels_are_brought_to_one(rate: int, channels: int, tmp_path: Path) -> None:
    sound = tone(900.0, 0.5, rate=rate)
    path = write(tmp_path / "x.wav", np.stack([sound] * channels, axis=1), rate)
    read = read_sound(str(path), SETTINGS)
    assert len(read.samples) == pytest.approx(0.5 * RATE, abs=3)
    (frames,) = log_mel([read.samples], SETTINGS)
    (expected,) = log_mel([tone(900.0, 0.5)], SETTINGS)
    assert frames[10:40].mean(axis=0).argmax() == expected[10:40].mean(axis=0).argmax()


def test_only_the_beginning_of_a_long_file_is_read(tmp_path: Path) -> None:
    sound = np.concatenate([tone(500, SETTINGS.seconds), tone(2_000, 30.0)])
    read = read_sound(str(write(tmp_path / "x.wav", sound)), SETTINGS)
    assert len(read.samples) <= SETTINGS.frames * SETTINGS.hop + 1
    assert read.header.seconds == pytest.approx(30 + SETTINGS.seconds)


def lying_wav(path: Path, claimed: int) -> Path:
    """A WAV whose header claims so many bytes of samples, but that holds a tenth of a second."""
    samples = (tone(500, 0.1) * 32_000).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", min(claimed + 36, 2**32 - 1)) + b"WAVE" + form + b"data"
        + struct.pack("<I", claimed) + samples
    )  # fmt: skip
    return path


def lying_flac(path: Path) -> Path:
    """A FLAC whose header claims some 150 hours."""
    write(path, tone(500, 0.1))
    data = bytearray(path.read_bytes())
    place = 8 + 13  # of the last 36 bits' first byte in STREAMINFO: the number of samples
    data[place : place + 5] = bytes([data[place] & 0xF0 | 0x1]) + b"\x00\x00\x00\x00"
    path.write_bytes(bytes(data))
    return path


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that cannot be read, and words of the reason."""
    good = write(folder / "good.flac", np.random.default_rng(0).normal(0, 0.1, 4_000).astype(np.float32))
    cut = folder / "cut.flac"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text = folder / "text.wav"
    text.write_text("a,b\n1,2\n")
    empty = folder / "empty.wav"
    empty.touch()
    broken = tone(500)
    broken[7] = math.nan
    return {
        "cut": (cut, ""),
        "text": (text, "it is no sound that can be read ("),
        "empty": (empty, "it is empty (0 bytes)"),
        "no samples": (write(folder / "none.wav", np.zeros(0, np.float32)), "it holds no samples"),
        "NaN": (write(folder / "nan.wav", broken, subtype="FLOAT"), "no numbers (NaN or infinite)"),
        "lying flac": (lying_flac(folder / "lying.flac"), ""),
        "absent": (folder / "absent.wav", "there is no such file"),
        "folder": (folder, "it is no plain file"),
    }


@pytest.mark.parametrize("what", ["cut", "text", "empty", "no samples", "NaN", "lying flac", "absent", "folder"])
def test_bad_files_have_a_reason(what: str, tmp_path: Path) -> None:
    path, words = bad_files(tmp_path)[what]
    with pytest.raises(UnreadableFileError) as caught:
        read_sound(str(path), SETTINGS)
    assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not str(caught.value).endswith(".")


@pytest.mark.parametrize("claimed", [2**31, 2**32 - 1])
def test_a_wav_header_that_claims_hours_allocates_nothing(claimed: int, tmp_path: Path) -> None:
    path = lying_wav(tmp_path / "x.wav", claimed)
    try:
        read = read_sound(str(path), SETTINGS)
    except UnreadableFileError:
        return
    assert len(read.samples) <= 0.11 * RATE  # libsndfile believes the file's size rather than its header


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", np.zeros((100, 100), np.float32))
    with pytest.raises(UnreadableFileError, match="it claims 100 channels at 8,000 Hz"):
        read_header(str(path))


# --- columns ---------------------------------------------------------------------------------------------------------


def mixed(folder: Path) -> list[Path]:
    files = [write(folder / f"{i}.wav", tone(300 + 100 * i, 0.2 + 0.01 * i)) for i in range(20)]
    files.append(write(folder / "stereo.flac", np.stack([tone(440, rate=44_100)] * 2, axis=1), 44_100))
    files.append(write(folder / "silent.wav", np.zeros(1_000, np.float32)))
    return files


def test_a_column_of_sounds_becomes_frames_and_all_of_it_is_said(tmp_path: Path) -> None:
    source = decoded(mixed(tmp_path))
    column = column_of(source)
    frames = column.decoding["frames"]
    assert column.kind == "audio"
    assert column.values.shape == (22, frames, 64)
    assert column.lengths is not None
    assert column.lengths.tolist() == [*(math.ceil(16 + 0.8 * i) for i in range(20)), 32, 10]
    for values, length in zip(column.values, column.lengths, strict=True):
        assert not values[length:].any()
    assert column.formats is not None
    assert column.formats[-2:] == ["FLAC 16 bit, 44,100 Hz", "WAV 16 bit, 8,000 Hz"]
    said = " ".join(note.text for note in source.notes)
    assert "22 sounds of 0.12 to 0.40 s" in said
    assert "1 of 44,100 Hz are resampled to 8,000 Hz, the most common rate." in said
    assert "1 with 2 channels are mixed down to one." in said
    assert "1 is silent throughout." in said
    assert "log-mel frames: 64 bands up to 4,000 Hz, windows of 25 ms every 12.5 ms" in said


def test_unreadable_sounds_leave_the_data(tmp_path: Path) -> None:
    bad = bad_files(tmp_path)
    files = mixed(tmp_path)
    source = decoded([*files[:3], bad["text"][0], *files[3:], bad["NaN"][0]])
    assert source.num_rows == len(files)
    assert [(row.row, row.path) for row in source.unreadable] == [(3, "text.wav"), (23, "nan.wav")]
    column = column_of(source)
    assert column.formats is not None
    assert len(column.formats) == len(column) == len(files)
    assert np.array_equal(column.values, column_of(decoded(files)).values)


def test_all_unreadable_is_an_error(tmp_path: Path) -> None:
    bad = bad_files(tmp_path)
    with pytest.raises(DataError, match=r"None of the 2 sounds of 2 files can be read \(text.wav: it is no sound"):
        decoded([bad["text"][0], bad["NaN"][0]])


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_and_storage_do_not_matter(workers: int, tmp_path: Path) -> None:
    files = mixed(tmp_path)
    plain = column_of(decoded(files))
    other = column_of(decoded(files, workers=workers, memory_limit=1_000, cache=tmp_path / "cache"))
    assert isinstance(other.values, np.memmap)
    assert np.array_equal(plain.values, other.values)
    assert list((tmp_path / "cache").iterdir()) == []  # the file ends with the array


def test_new_files_are_decoded_as_those_of_training(tmp_path: Path) -> None:
    files = mixed(tmp_path)
    column = column_of(decoded(files))
    state = KINDS["audio"].fit(column, np.arange(len(files)))
    like = KINDS["audio"].decoding(state)
    new = [write(tmp_path / "long.ogg", tone(500, 3.0, rate=48_000), 48_000), files[4]]
    again = decoded(new, like=like)
    assert again.notes == []
    assert column_of(again).values.shape[1:] == column.values.shape[1:]
    assert np.array_equal(column_of(again).values[1], column.values[4])
    assert np.array_equal(frames_of(files[4], SoundSettings.from_mapping(like)), column.values[4, :20])


@pytest.mark.parametrize("ending", ["m4a", "aac"])
def test_containers_that_libsndfile_does_not_open_are_read(tmp_path: Path, ending: str) -> None:
    import av

    path = tmp_path / f"tone.{ending}"
    wave = (0.5 * np.sin(np.arange(16_000) / 9)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    header = read_header(str(path))
    assert (header.rate, header.channels, round(header.seconds)) == (16_000, 1, 1)
    assert header.format.startswith(ending.upper())
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UnreadableFileError):
        read_header(str(path))
