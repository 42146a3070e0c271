"""Tables of steps become windows of one label and person; tables that only look like it do not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from netpick.contest.prepare import FitOptions, prepare
from netpick.data.sources import open_source
from netpick.data.steps import cut_steps
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import Prepared
from netpick.types import ArrayColumn, Cut


def sensor(people: int = 6, steps: int = 150) -> pl.DataFrame:
    """Walking and sitting, twice each."""
    generator = np.random.default_rng(0)
    parts = []
    for person in range(people):
        for activity in ("walk", "sit", "walk", "sit"):
            size = 1.0 if activity == "walk" else 0.1
            curve = size * np.sin(np.arange(steps) / 4 + generator.uniform(0, 6))
            axes = {axis: curve + generator.normal(0, 0.02, steps) for axis in "xyz"}
            parts.append(pl.DataFrame({"subject": [f"s{person}"] * steps, **axes, "activity": [activity] * steps}))
    return pl.concat(parts)


def looked(frame: pl.DataFrame, target: str = "activity", **options: object) -> Prepared:
    return prepare(frame, FitOptions(target=(target,), accept=("D001", "D018", "D019"), **options))  # type: ignore[arg-type]


def test_a_sensor_table_is_cut_into_windows_and_split_by_person() -> None:
    prepared = looked(sensor())
    series = prepared.source.columns["series"]
    assert isinstance(series, ArrayColumn)
    assert series.values.shape == (6 * 4 * 4, 37, 3)
    assert prepared.source.cut == Cut(channels=("x", "y", "z"), steps=37, apart=("subject", "activity"))
    assert prepared.split.method == "group"
    assert prepared.split.by == "subject"
    assert "3,600 steps are 96 windows of 37" in prepared.source.notes[-1].text


def test_without_persons_the_windows_of_a_run_stay_together() -> None:
    prepared = looked(sensor().drop("subject"))
    assert prepared.split.by == "run"


def test_windows_can_be_asked_for_and_refused() -> None:
    assert looked(sensor(), cut=50).source.columns["series"].values.shape[:2] == (72, 50)  # type: ignore[union-attr]
    assert "series" not in looked(sensor(), cut=0).source.columns


def test_a_table_that_is_sorted_by_class_is_no_recording() -> None:
    from netpick.cli.demo import demo_data

    iris = demo_data("iris")
    assert "series" not in looked(iris, target="target").source.columns  # type: ignore[arg-type]


def test_new_rows_are_cut_the_same_way_without_a_label() -> None:
    cut = Cut(channels=("x", "y", "z"), steps=37, apart=("subject",))
    source = cut_steps(open_source(sensor().drop("activity")), cut)
    assert source.num_rows == 6 * (600 // 37)
    assert source.row_names is not None
    assert source.row_names[0] == "rows 1 to 37"


def test_what_cannot_be_cut_is_said() -> None:
    with pytest.raises(
        DataError, match="has no 400 steps of one subject and activity in a row, but a window takes as many; the "
    ):
        looked(sensor(), cut=400)
    words = pl.DataFrame({"word": ["a", "b"] * 50, "label": ["x", "y"] * 50})
    with pytest.raises(RequestError, match="--cut 5 cuts the steps of a table into windows, but "):
        looked(words, target="label", cut=5)
