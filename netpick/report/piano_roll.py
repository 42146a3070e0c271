"""A piece of music as a picture: time goes right, pitch goes up, a bar for as long as a note is held, a colour a voice."""

from __future__ import annotations

import numpy as np

from netpick.data.notes import chords_of
from netpick.report.markup import Html, element
from netpick.types import Array

STEP, TONE = 9, 5  # pixels of a step, and of a half tone
BEAT, BAR = 4, 16  # steps
EDGE = 30  # pixels to the left, for names of notes
SPARE = 2  # half tones above and below
COLOURS = ("#1f77b4", "#d97706", "#2a9d60", "#b4439a", "#6b6bd6", "#a05a2c", "#4a9aa8", "#888888")
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def piano_roll(text: str, told: int, alternative: str) -> Html | None:
    """The picture of a piece; told: chords at its beginning that were given. None where it holds no sounding chord."""
    chords = whole_chords(text)
    sounding = chords[chords > 0]
    if not len(sounding):
        return None
    low, high = int(sounding.min()) - SPARE, int(sounding.max()) + SPARE
    width, height = EDGE + len(chords) * STEP + 2, (high - low + 1) * TONE + 2
    parts = [
        element("title", alternative),
        element("rect", x=EDGE, y=0, width=told * STEP, height=height, fill="currentColor", fill_opacity="0.08"),
        *_lines(len(chords), low, high, height, width),
        *(bar for voice in range(chords.shape[1]) for bar in _voice(chords[:, voice], voice, high)),
    ]
    return element(
        "svg", *parts, viewBox=f"0 0 {width} {height}", width=width, role="img", style="max-width:100%;height:auto"
    )


def whole_chords(text: str) -> Array:
    """The chords of a text that may end in a part of one."""
    lines = [line.split() for line in text.split("\n") if line.strip()]
    voices = len(lines[0]) if lines else 0
    return chords_of("\n".join(" ".join(line) for line in lines if len(line) == voices), voices)


def _voice(notes: Array, voice: int, high: int) -> list[Html]:
    turns = np.flatnonzero(np.diff(notes, prepend=-1, append=-1))
    return [
        element(
            "rect",
            x=EDGE + start * STEP + 0.5,
            y=(high - int(notes[start])) * TONE + 1,
            width=(end - start) * STEP - 1,
            height=TONE - 0.5,
            rx=1.5,
            fill=COLOURS[voice % len(COLOURS)],
        )
        for start, end in zip(turns[:-1].tolist(), turns[1:].tolist(), strict=True)
        if notes[start] > 0
    ]


def _lines(steps: int, low: int, high: int, height: int, width: int) -> list[Html]:
    """Bars and beats, and the C of each octave with its name."""
    upright = [
        element(
            "line",
            x1=x,
            x2=x,
            y1=0,
            y2=height,
            stroke="currentColor",
            stroke_opacity="0.35" if step % BAR == 0 else "0.12",
        )
        for step in range(0, steps + 1, BEAT)
        for x in (EDGE + step * STEP,)
    ]
    octaves = [note for note in range(low, high + 1) if note % 12 == 0]
    across = [
        part
        for note in octaves
        for y in ((high - note) * TONE + 1 + TONE,)
        for part in (
            element("line", x1=EDGE, x2=width, y1=y, y2=y, stroke="currentColor", stroke_opacity="0.25"),
            element("text", f"{NAMES[note % 12]}{note // 12 - 1}", x=2, y=y - 1, font_size="9", fill="currentColor"),
        )
    ]
    return [*upright, *across]
