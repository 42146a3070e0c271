"""Chords as files that can be heard: MIDI, and WAV by additive synthesis."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from netpick.data.notes import chords_of, text_of_chords
from netpick.data.sources.chord_folder import piece_of
from netpick.data.sources.midi import MIDI_ENDINGS, STEPS_A_BEAT, UnreadablePiece, midi_bytes
from netpick.disk.files import write_whole
from netpick.errors import RequestError
from netpick.types import Array

RATE = 22_050  # samples a second
BEATS = 90.0  # a minute
PARTIALS = 8
FALL = 1.4  # partial k is 1 / k ** FALL as loud as the first
ATTACK, RELEASE = 0.012, 0.06  # seconds
DECAY = 1.1  # of the loudness, a second
LOUDEST = 0.85
WAV = ".wav"
LONGEST = 6_000  # chords that are made audible


def sound_of(chords: Array, beats_a_minute: float = BEATS) -> Array:
    """(n,) float32 samples between -1 and 1 of chords (T, V); a note that stays is held."""
    step = 60 / beats_a_minute / STEPS_A_BEAT
    tail = round(RELEASE * RATE)
    made = np.zeros(round(len(chords) * step * RATE) + tail + 1, dtype=np.float32)
    for voice in chords.T:
        turns = np.flatnonzero(np.diff(voice, prepend=-1, append=-1))
        for start, end in zip(turns[:-1].tolist(), turns[1:].tolist(), strict=True):
            if voice[start] > 0:
                begin = round(start * step * RATE)
                tone = _tone(int(voice[start]), round(end * step * RATE) - begin + tail)
                made[begin : begin + len(tone)] += tone
    peak = float(np.abs(made).max(initial=0.0))
    return made * np.float32(LOUDEST / peak) if peak > 0 else made


def _tone(note: int, length: int) -> Array:
    """One note: partials of its frequency, the higher the softer, with a beginning and an end."""
    times = np.arange(length, dtype=np.float32) / RATE
    frequency = 440.0 * 2 ** ((note - 69) / 12)
    partials = [k for k in range(1, PARTIALS + 1) if k * frequency < RATE / 2.2]
    tone = sum((np.sin(2 * np.pi * k * frequency * times) / k**FALL for k in partials), start=np.zeros_like(times))
    rises = np.minimum(times / ATTACK, 1.0) * np.exp(-DECAY * times)
    falls = np.minimum((length / RATE - times) / RELEASE, 1.0)
    return np.asarray(tone * rises * falls, dtype=np.float32)


def wav_bytes(chords: Array) -> bytes:
    """A WAV file of 16 bits, one channel."""
    samples = (sound_of(chords) * 32_767).astype("<i2")
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return held.getvalue()


def prompt_text(prompt: str, voices: int) -> str:
    """A prompt of chords: those of a file where it names one. Raises RequestError or DataError."""
    path = Path(prompt)
    if not prompt.strip() or not prompt.lower().endswith((".csv", *MIDI_ENDINGS)):
        return prompt
    if not path.is_file():
        raise RequestError(
            f"There is no file {prompt}, but a prompt of music is a CSV or MIDI file, or chords: '67 62 59 43 / 67 62 59 43'."
        )
    try:
        chords = piece_of(path)
    except UnreadablePiece as error:
        raise RequestError(f"{prompt} cannot be continued: {error}.") from None
    if len(chords) and chords.shape[1] != voices:
        raise RequestError(
            f"{prompt} has {chords.shape[1]} voices, but the model was trained on {voices}. Pass such a piece."
        )
    return text_of_chords(chords.tolist())


def require_output(output: Path, *, heard: bool) -> None:
    """Raises RequestError for a file that music is not written to, and where no music is made."""
    if not heard:
        raise RequestError(
            f"--output {output} was given, but only music is written to files. Leave it out, and redirect the text: > FILE"
        )
    if output.suffix and output.suffix.lower() not in (*MIDI_ENDINGS, WAV):
        raise RequestError(
            f"--output {output} ends with {output.suffix}, but {MIDI_ENDINGS[0]} or {WAV} was expected, or no ending for both."
        )


def write_music(text: str, output: Path, voices: int) -> list[Path]:
    """Writes chords as MIDI and WAV, or as the one that the name's ending says; the files."""
    ending = output.suffix
    lines = text.split("\n")
    whole = [line for line in lines if len(line.split()) == voices]
    chords = chords_of("\n".join(whole), voices)[:LONGEST]
    files = [output] if ending else [output.with_suffix(MIDI_ENDINGS[0]), output.with_suffix(WAV)]
    for file in files:
        write_whole(file, wav_bytes(chords) if file.suffix.lower() == WAV else midi_bytes(chords, beats_a_minute=BEATS))
    return files
