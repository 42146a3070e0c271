"""Events in long recordings: when something is heard, and what a model of short sounds takes it for.

The rule: what lies between pauses is one event. A pause is a tenth of a second in which nothing comes within 30 dB of the loudest
hundredth of the recording, or nothing rises 9 dB above its quietest tenth. What lasts longer
than the model reads of a sound is divided into stretches of that length, half overlapping; neighbouring stretches of one answer
are one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.decoders import DECODERS
from netpick.data.decoders.base import UnreadableFileError
from netpick.data.decoders.sound_features import Samples, SoundSettings, log_mel, read_sound
from netpick.errors import DataError, RequestError
from netpick.saved.use import Model, media_files
from netpick.types import Array, ArrayColumn, Source

LEVEL = 0.010  # seconds, in which loudness is measured
PAUSE = 0.10  # seconds without a sound that part two events
SHORTEST = 0.05  # seconds; what is shorter is a click
AROUND = 0.03  # seconds before and behind that belong to an event
BELOW_LOUD, ABOVE_QUIET = 30.0, 9.0  # dB
LOUD, QUIET = 0.99, 0.10  # shares of the moments that are less loud
MOST_SECONDS = 4 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a recording that is answered for, in samples, and the event that it is of."""

    start: int
    end: int
    event: int


def find_events(model: Model, data: object) -> pl.DataFrame:
    """A row an event of a recording, several or a folder of them: file, start and end in seconds, then the model's answer.

    Raises RequestError for models of anything but sounds, DataError for files that cannot be read.
    """
    encoders = model.parts.encoders
    if len(encoders) != 1 or encoders[0].kind != "audio" or not model.parts.task.answer.one_class:
        raise RequestError(
            "Events are found in recordings by a model that tells classes of sounds, but this model reads or answers something else. "
            "Leave --events out."
        )
    settings = SoundSettings.from_mapping(encoders[0].state.decoding)
    paths = media_files(data, DECODERS["audio"])
    if not paths:
        raise RequestError(
            f"{data} is no recording and no folder of them, but --events looks for events in such. Name sound files."
        )
    return pl.concat([_of_file(model, path, settings) for path in paths])


def _of_file(model: Model, path: Path, settings: SoundSettings) -> pl.DataFrame:
    longer = replace(settings, frames=max(settings.frames, int(MOST_SECONDS * settings.sample_rate / settings.hop)))
    try:
        samples = read_sound(str(path), longer).samples
    except UnreadableFileError as error:
        raise DataError(f"{path} cannot be read: {error}. A whole recording was expected. Pass another file.") from None
    stretches = divided(events_in(samples, settings.sample_rate), settings)
    if not stretches:
        stretches = [Stretch(start=0, end=min(len(samples), settings.frames * settings.hop), event=0)]
    answers = _answered(model, samples, stretches, settings)
    return _joined(answers, stretches, str(path), settings.sample_rate)


def events_in(samples: Samples, rate: int) -> list[tuple[int, int]]:
    """Where something is heard, in samples."""
    step = max(1, round(LEVEL * rate))
    count = len(samples) // step
    if not count:
        return [(0, len(samples))] if len(samples) else []
    power = np.square(samples[: count * step].reshape(count, step)).mean(axis=1)
    level = 10 * np.log10(np.maximum(power, 1e-12))
    loud, quiet = np.quantile(level, LOUD), np.quantile(level, QUIET)
    limit = max(loud - BELOW_LOUD, min(quiet + ABOVE_QUIET, loud - ABOVE_QUIET))
    heard = np.concatenate([[False], level > limit, [False]])
    starts, ends = np.flatnonzero(~heard[:-1] & heard[1:]), np.flatnonzero(heard[:-1] & ~heard[1:])
    events: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if events and start - events[-1][1] < round(PAUSE / LEVEL):
            events[-1] = (events[-1][0], end)
        else:
            events.append((start, end))
    around = round(AROUND * rate)
    kept = [(start, end) for start, end in events if end - start >= round(SHORTEST / LEVEL)]
    return [(max(0, start * step - around), min(len(samples), end * step + around)) for start, end in kept]


def divided(events: Sequence[tuple[int, int]], settings: SoundSettings) -> list[Stretch]:
    """What is answered for of each event: all of it, or stretches as long as the model reads, half overlapping."""
    longest = settings.frames * settings.hop
    made = []
    for number, (start, end) in enumerate(events):
        if end - start <= 1.25 * longest:
            made.append(Stretch(start=start, end=end, event=number))
            continue
        count = -(-2 * (end - start - longest) // longest) + 1
        firsts = np.linspace(start, end - longest, count).astype(int)
        made += [Stretch(start=int(first), end=int(first) + longest, event=number) for first in firsts]
    return made


def _answered(model: Model, samples: Samples, stretches: Sequence[Stretch], settings: SoundSettings) -> pl.DataFrame:
    frames = log_mel([samples[one.start : one.end] for one in stretches], settings)
    values = np.zeros((len(frames), settings.frames, settings.mels), np.uint8)
    for row, made in enumerate(frames):
        values[row, : len(made)] = made
    name = model.parts.encoders[0].column
    lengths = np.array([len(made) for made in frames], np.int32)
    column = ArrayColumn(name=name, values=values, kind="audio", lengths=lengths)
    source = Source(
        name="events", origin="events", layout="files", columns={name: column}, num_rows=len(frames), fingerprint=""
    )
    return model.predict(source)


def _joined(answers: pl.DataFrame, stretches: Sequence[Stretch], path: str, rate: int) -> pl.DataFrame:
    """Neighbouring stretches of one event and one answer are one row, with the means of their probabilities."""
    chosen = answers["prediction"].to_list()
    run = np.zeros(len(stretches), np.int64)
    for row in range(1, len(stretches)):
        same = stretches[row].event == stretches[row - 1].event and chosen[row] == chosen[row - 1]
        run[row] = run[row - 1] + (not same)
    first: Array = np.flatnonzero(np.diff(run, prepend=-1))
    last: Array = np.append(first[1:], len(run)) - 1
    numbers = [name for name in answers.columns if answers[name].dtype.is_float()]
    means = answers.with_columns(pl.Series("run", run)).group_by("run", maintain_order=True).agg(pl.col(numbers).mean())
    rows = answers[first.tolist()].with_columns(means[name] for name in numbers)
    start = pl.Series("start", [stretches[row].start / rate for row in first.tolist()]).round(3)
    end = pl.Series("end", [stretches[row].end / rate for row in last.tolist()]).round(3)
    return pl.DataFrame([pl.Series("file", [path] * len(rows)), start, end, *rows.get_columns()])
