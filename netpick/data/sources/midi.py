"""Standard MIDI files as chords: the notes that sound at each sixteenth, the highest first; and the way back.

mido reads them (the extra netpick[music]); a file is bounded in bytes and so in events. What a person hears as a voice is a track or channel where
each of these has one note at a time, and else the place of a note among those that sound together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netpick.data.notes import HIGHEST, MOST_CHORDS, MOST_VOICES
from netpick.errors import RequestError
from netpick.types import Array

MIDI_ENDINGS = (".mid", ".midi")
STEPS_A_BEAT = 4  # a step is a sixteenth
MOST_TOGETHER = 8  # voices that are kept of notes that sound together
DRUMS = 9  # the channel whose notes are no pitches
MOST_MIDI = 1 << 20  # bytes; three a note's event at least, so some hundred thousand of them
TICKS = 480  # a beat, of files that are written
LOUD = 80


class UnreadablePiece(Exception):
    """Why a file is left out."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A note from one step to another."""

    start: int
    end: int
    note: int
    voice: int  # track and channel


def midi_chords(path: Path) -> Array:
    """(n, V) chords. Raises UnreadablePiece for a file that is broken or too long, RequestError without mido."""
    try:
        import mido
    except ImportError:
        raise RequestError(
            f"{path.name} is a MIDI file, which takes the package mido, but it is not installed. Type: pip install 'netpick[music]'"
        ) from None
    if (size := path.stat().st_size) > MOST_MIDI:
        raise UnreadablePiece(f"it has {size:,} bytes, but a MIDI file of at most {MOST_MIDI:,} was expected")
    try:
        with path.open("rb") as file:
            read = mido.MidiFile(file=file, clip=True)
            ticks, tracks = read.ticks_per_beat, [list(track) for track in read.tracks]
    except (
        OSError,
        EOFError,
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
        mido.KeySignatureError,
    ) as error:
        raise UnreadablePiece(
            f"it is no MIDI file that can be read ({str(error)[:80] or 'it ends too early'})"
        ) from None
    if not 0 < ticks < 1 << 15:
        raise UnreadablePiece("its times are those of films, but beats were expected")
    held = [one for number, track in enumerate(tracks) for one in _held(track, number, ticks / STEPS_A_BEAT)]
    if not held:
        return np.zeros((0, 1), dtype=np.int32)
    length = max(one.end for one in held)
    if length > MOST_CHORDS:
        raise UnreadablePiece(f"it has {length:,} steps of a sixteenth, but at most {MOST_CHORDS:,} were expected")
    chords = _by_voice(held, length)
    chords = _together(held, length) if chords is None else chords
    sounding = np.flatnonzero(chords.any(axis=1))
    return chords[sounding[0] : sounding[-1] + 1] if len(sounding) else chords[:0]


def _held(track: list[object], number: int, ticks: float) -> list[Held]:
    """The notes of one track, to the nearest step, one step long at least."""
    now, found = 0, list[Held]()
    open_notes: dict[tuple[int, int], int] = {}
    for message in track:
        now += int(getattr(message, "time", 0))
        kind = getattr(message, "type", "")
        if kind not in ("note_on", "note_off"):
            continue
        channel, note = int(getattr(message, "channel", 0)), int(getattr(message, "note", 0))
        if channel == DRUMS or not 0 < note <= HIGHEST:
            continue
        begun = open_notes.pop((channel, note), None)
        if begun is not None:
            start = round(begun / ticks)
            end = max(round(now / ticks), start + 1)
            found.append(Held(start=start, end=end, note=note, voice=16 * number + channel))
        if kind == "note_on" and getattr(message, "velocity", 0):
            open_notes[channel, note] = now
    return found


def _by_voice(held: list[Held], length: int) -> Array | None:
    """(n, V) where each track and channel has one note at a time; the highest voice first. None where some have more."""
    voices: defaultdict[int, list[Held]] = defaultdict(list)
    for one in held:
        voices[one.voice].append(one)
    if not 2 <= len(voices) <= min(MOST_TOGETHER, MOST_VOICES):
        return None
    chords = np.zeros((length, len(voices)), dtype=np.int32)
    order = sorted(voices, key=lambda voice: -float(np.mean([one.note for one in voices[voice]])))
    for place, voice in enumerate(order):
        for one in sorted(voices[voice], key=lambda one: one.start):
            if chords[one.start : one.end, place].any():
                return None
            chords[one.start : one.end, place] = one.note
    return chords


def _together(held: list[Held], length: int) -> Array:
    """(n, V) of all that sounds at each step, the highest first, as many voices as sound together at most."""
    steps: list[set[int]] = [set() for _ in range(length)]
    for one in held:
        for step in range(one.start, one.end):
            steps[step].add(one.note)
    width = min(max(map(len, steps)), MOST_TOGETHER)
    chords = np.zeros((length, max(1, width)), dtype=np.int32)
    for step, notes in enumerate(steps):
        highest = sorted(notes, reverse=True)[:width]
        chords[step, : len(highest)] = highest
    return chords


def midi_bytes(chords: Array, *, beats_a_minute: float = 90.0) -> bytes:
    """A file of format 1, a track a voice; a note that stays is held."""
    tempo = round(60e6 / beats_a_minute)
    tracks = [b"\0\xff\x51\x03" + tempo.to_bytes(3, "big")]
    step = TICKS // STEPS_A_BEAT
    for voice in range(chords.shape[1]):
        notes, events, last = chords[:, voice].tolist(), bytearray(), 0
        channel = voice if voice < DRUMS else voice + 1
        sounding = 0
        for place, note in enumerate([*notes, 0]):
            if note == sounding:
                continue
            if sounding:
                events += _length((place - last) * step) + bytes([0x80 | channel % 16, sounding, 0])
                last = place
            if note:
                events += _length((place - last) * step) + bytes([0x90 | channel % 16, note, LOUD])
                last = place
            sounding = note
        tracks.append(bytes(events))
    head = b"MThd" + (6).to_bytes(4, "big") + b"".join(n.to_bytes(2, "big") for n in (1, len(tracks), TICKS))
    ends = b"\0\xff\x2f\0"
    return head + b"".join(b"MTrk" + len(track + ends).to_bytes(4, "big") + track + ends for track in tracks)


def _length(ticks: int) -> bytes:
    """A number in pieces of seven bits."""
    pieces = [ticks & 0x7F]
    while ticks := ticks >> 7:
        pieces.append(ticks & 0x7F | 0x80)
    return bytes(reversed(pieces))
