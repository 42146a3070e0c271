"""Long recordings cut where nobody speaks: each piece is read by itself, and what is said in them is joined."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl

from netpick.data.decoders.base import UnreadableFileError
from netpick.data.decoders.sound_features import WHOLE, Samples, SoundSettings, is_cut, read_header, read_sound
from netpick.types import FileColumn, Source, TableColumn

PIECE_OF = "piece of file"  # the column that says which file a row is a piece of
LONGEST = 4 * 3_600.0  # seconds of a recording
LEVEL, PAUSE = 0.01, 0.15  # seconds of one measurement of loudness, and of a pause that is looked for


def in_pieces(source: Source, name: str, settings: SoundSettings) -> Source:
    """A source of sounds alone, with a row a piece where one is longer than what is read at once; as it is where none is."""
    column = source.columns[name]
    assert isinstance(column, FileColumn)
    spans = [pieces_of(os.path.join(column.root, path), settings) for path in column.paths]
    if all(len(one) == 1 for one in spans):
        return source
    rows = [row for row, pieces in enumerate(spans) for _ in pieces]
    names = source.row_names
    cut = replace(column, paths=[column.paths[row] for row in rows], spans=[piece for one in spans for piece in one])
    files = TableColumn(name=PIECE_OF, values=pl.Series(PIECE_OF, rows, dtype=pl.Int64))
    return replace(
        source,
        columns={name: cut, PIECE_OF: files},
        num_rows=len(rows),
        row_names=None if names is None else [names[row] for row in rows],
    )


def pieces_of(path: str, settings: SoundSettings) -> Sequence[tuple[float, float]]:
    """From which second to which each piece is read; whoever decodes the file says why it cannot be read, where that is so."""
    try:
        header = read_header(path)
        if not is_cut(header, settings) or header.seconds > LONGEST:
            return [WHOLE]
        frames = int(header.seconds * settings.sample_rate / settings.hop) + 1
        samples = read_sound(path, replace(settings, frames=frames)).samples
    except UnreadableFileError:
        return [WHOLE]
    return quiet_cuts(samples, settings)


def quiet_cuts(samples: Samples, settings: SoundSettings) -> list[tuple[float, float]]:
    """Pieces (seconds) that are no longer than what is read at once, each cut at the quietest moment of its second half."""
    step = max(1, round(LEVEL * settings.sample_rate))
    count = -(-len(samples) // step)
    power = np.square(np.pad(samples, (0, count * step - len(samples)))).reshape(count, step).mean(axis=1)
    width = round(PAUSE / LEVEL)
    around = np.convolve(power, np.ones(width) / width, mode="same")
    most = max(2, int(settings.seconds / LEVEL) - 1)
    ends = [0]
    while count - ends[-1] > most:
        first = ends[-1] + most // 2
        ends.append(first + int(around[first : ends[-1] + most].argmin()) + 1)
    ends.append(count)
    return [(start * LEVEL, end * LEVEL) for start, end in pairwise(ends)]
