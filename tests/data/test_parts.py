"""Tables whose rows are parts of long recordings: only the part is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from netpick.data.decode import start_decoding
from netpick.data.parts import read_parts, with_parts, with_windows
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.types import Array, ArrayColumn, FileColumn, Parts, TableColumn

RATE = 8_000
SPANS = [(0.25, 0.75), (1.0, 1.25), (2.0, 2.6)]


def sound(seed: int, seconds: float = 4.0) -> Array:
    time = np.arange(int(RATE * seconds)) / RATE
    sweep = 0.4 * np.sin(2 * np.pi * (300 + 100 * seed + 200 * time) * time)
    return np.asarray(sweep + np.random.default_rng(seed).normal(0, 0.01, len(time)), np.float32)


@pytest.fixture
def table(tmp_path: Path) -> pl.DataFrame:
    for number in range(3):
        soundfile.write(tmp_path / f"r{number}.wav", sound(number), RATE, subtype="FLOAT")
    rows = [(f"r{n}.wav", start, end, "ab"[k % 2]) for n in range(3) for k, (start, end) in enumerate(SPANS)]
    return pl.DataFrame(rows, schema=["file", "start", "end", "label"], orient="row")


def written(table: pl.DataFrame, folder: Path) -> Path:
    table.write_csv(folder / "parts.csv")
    return folder / "parts.csv"


def test_a_part_is_what_a_file_of_its_own_would_be(table: pl.DataFrame, tmp_path: Path) -> None:
    source = with_parts(open_source(written(table, tmp_path)))
    assert set(source.columns) == {"file", "label", "recording"}
    assert source.groups == ["recording"]
    assert source.notes[-1].text.startswith("Rows are parts of 3 recordings: columns 'start' and 'end'")
    alone = tmp_path / "alone"
    alone.mkdir()
    for n in range(3):
        for k, (start, end) in enumerate(SPANS):
            part = sound(n)[round(start * RATE) : round(end * RATE)]
            soundfile.write(alone / f"{n}{k}.wav", part, RATE, subtype="FLOAT")
    files = [f"{n}{k}.wav" for n in range(3) for k in range(len(SPANS))]
    parts = start_decoding(source).finish().columns["file"]
    assert isinstance(parts, ArrayColumn)
    other = {"file": FileColumn(name="file", root=alone, paths=files, kind="audio")}
    wanted = start_decoding(
        source.__class__(**{**source.__dict__, "columns": other}), like={"file": parts.decoding or {}}
    )
    column = wanted.finish().columns["file"]
    assert isinstance(column, ArrayColumn)
    assert np.abs(parts.values.astype(int) - column.values.astype(int)).max() <= 1
    assert parts.lengths is not None
    assert len(set(parts.lengths.tolist())) == 3


@pytest.mark.parametrize(
    ("start", "end"),
    [("Begin Time (s)", "End Time (s)"), ("onset", "offset"), ("start_sec", "end_sec"), ("tmin", "tmax")],
)
def test_names_that_people_give(start: str, end: str, table: pl.DataFrame, tmp_path: Path) -> None:
    source = with_parts(open_source(written(table.rename({"start": start, "end": end}), tmp_path)))
    assert source.parts == Parts(file="file", start=start, end=end)


def test_a_length_instead_of_an_end(table: pl.DataFrame, tmp_path: Path) -> None:
    lasts = table.with_columns(duration=pl.col("end") - pl.col("start")).drop("end").rename({"start": "onset"})
    source = with_parts(open_source(written(lasts, tmp_path)))
    assert source.parts == Parts(file="file", start="onset", end="duration", lasts=True)
    column = source.columns["file"]
    assert isinstance(column, FileColumn)
    np.testing.assert_allclose(np.array(column.spans), np.array(SPANS * 3))


@pytest.mark.parametrize("why", ["said", "one row a file", "no numbers"])
def test_other_tables_stay_as_they_are(why: str, table: pl.DataFrame, tmp_path: Path) -> None:
    if why == "one row a file":
        table = table[::3]
    if why == "no numbers":
        table = table.with_columns(start=pl.Series(["x", "y", "z"] * 3))
    source = open_source(written(table, tmp_path))
    assert with_parts(source, ("start",) if why == "said" else ()) is source


def test_a_part_that_ends_before_it_begins_is_refused_by_row(table: pl.DataFrame, tmp_path: Path) -> None:
    source = open_source(written(table, tmp_path))
    ends = table["end"].to_list()
    ends[4] = 0.5
    columns = {**source.columns, "end": TableColumn(name="end", values=pl.Series("end", ends))}
    with pytest.raises(DataError, match=r"Row 5 of parts reads r1.wav from 1 to 0.5 s"):
        read_parts(
            source.__class__(**{**source.__dict__, "columns": columns}), Parts(file="file", start="start", end="end")
        )


def test_a_part_behind_the_end_of_its_file_is_named(table: pl.DataFrame, tmp_path: Path) -> None:
    late = table.with_columns(
        start=pl.col("start") + pl.Series([0.0] * 8 + [9.0]), end=pl.col("end") + pl.Series([0.0] * 8 + [9.0])
    )
    source = start_decoding(with_parts(open_source(written(late, tmp_path)))).finish()
    (unreadable,) = source.unreadable
    assert (unreadable.row, unreadable.reason) == (8, "it ends at 4.00 s, but is to be read from 11.00 s on")
    assert source.num_rows == 8


def test_long_sounds_of_one_label_are_cut_into_windows(table: pl.DataFrame, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", sound(9, 0.6), RATE)
    frame = pl.DataFrame({"file": ["r0.wav", "r1.wav", "short.wav", "r2.wav"], "label": list("abba")})
    source = with_windows(open_source(written(frame, tmp_path)), 1)
    column, label = source.columns["file"], source.columns["label"]
    assert isinstance(column, FileColumn)
    assert isinstance(label, TableColumn)
    assert column.paths == ["r0.wav"] * 4 + ["r1.wav"] * 4 + ["short.wav"] + ["r2.wav"] * 4
    assert column.spans is not None
    assert column.spans[:4] == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]
    assert label.values.to_list() == list("aaaabbbbbaaaa")
    assert source.groups == ["recording"]
    assert source.notes[-1].text.startswith("4 sounds are 13 windows of up to 1 s, each an example.")
    decoded = start_decoding(source).finish()
    assert decoded.num_rows == 13
    with pytest.raises(RequestError, match="--cut 2 was to cut sounds"):
        with_windows(open_source(pl.DataFrame({"x": [1, 2], "y": [1, 2]})), 2)
