import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import netpick
from netpick.contest.affordable import LEAST_ROWS, affordable_rows
from netpick.contest.prepare import FitOptions, prepare
from netpick.data.decoders.base import DecodeRequest
from netpick.data.sources import open_source
from netpick.errors import RequestError
from netpick.training.keeping import read_json

PICTURES = LEAST_ROWS + 100
LITTLE = 0.01  # seconds


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    noise = np.random.default_rng(0).integers(0, 256, (PICTURES, 8, 8), dtype=np.uint8)
    for label in ("a", "b"):
        (folder / label).mkdir()
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / "ab"[number % 2] / f"{number}.png")
    return folder


def test_what_the_budget_can_pay_for_is_read(pictures: Path) -> None:
    source = open_source(pictures)
    assert affordable_rows(source, DecodeRequest(), 3600, 0) is None
    assert affordable_rows(source, DecodeRequest(), LITTLE, 0) == LEAST_ROWS
    table = open_source(pl.DataFrame({"x": range(PICTURES), "y": range(PICTURES)}))
    assert affordable_rows(table, DecodeRequest(), LITTLE, 0) is None


def test_a_small_budget_draws_pictures_and_says_so(pictures: Path) -> None:
    prepared = prepare(pictures, FitOptions(budget=LITTLE))
    assert prepared.rows == prepared.source.num_rows == LEAST_ROWS
    note = next(note for note in prepared.source.notes if note.subject == "rows")
    assert note.text.startswith(f"{LEAST_ROWS:,} of {PICTURES:,} rows, drawn at random")
    assert note.override == "--rows"
    again = prepare(pictures, FitOptions(steps=1, rows=prepared.rows))
    assert again.source.row_names == prepared.source.row_names
    assert prepare(pictures, FitOptions(steps=1)).rows is None


def test_a_run_of_drawn_rows_can_be_repeated_from_its_plan(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(400, 2)).round(3)
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "label": np.where(x[:, 0] > x[:, 1], "yes", "no")})
    netpick.fit(frame, "label", rows=120, steps=3, models="mlp", out=tmp_path / "first")
    plan = read_json(tmp_path / "first" / "plan.json")
    assert sum(plan["rows"].values()) == plan["request"]["options"]["rows"] == 120
    netpick.fit(frame, plan=tmp_path / "first" / "plan.json", out=tmp_path / "second")
    first, second = (zipfile.ZipFile(tmp_path / run / "model.netpick") for run in ("first", "second"))
    assert first.read("weights.safetensors") == second.read("weights.safetensors")
    tables = [(tmp_path / run / "predictions.parquet").read_bytes() for run in ("first", "second")]
    assert tables[0] == tables[1]


def test_rows_of_a_forecast_cannot_be_drawn() -> None:
    frame = pl.DataFrame(
        {"day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 12, 31), eager=True), "y": range(366)}
    )
    with pytest.raises(RequestError, match="needs what follows each other"):
        prepare(frame, FitOptions(rows=100, horizon=7))
    with pytest.raises(RequestError, match="Pass --rows 20 or more"):
        prepare(pl.DataFrame({"x": range(366), "y": range(366)}), FitOptions(target=("y",), rows=5))
