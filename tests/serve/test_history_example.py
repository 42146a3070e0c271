"""The page of a forecaster says what has to be known ahead, and has a history that works as it stands."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from quick_models import quick_model

from netpick.serve.describe import example_body, schema_of
from netpick.serve.forms import frame_of_rows, read_table
from netpick.serve.history import ServedHistory
from netpick.serve.models import served_model
from netpick.serve.options import Limits

STEPS = 150


def days(written: str | None = None) -> list[Any]:
    found = [date(2024, 1, 1) + timedelta(days=i) for i in range(STEPS)]
    return found if written is None else [day.strftime(written) for day in found]


def sales(written: str | None = None) -> pl.DataFrame:
    """Two shops in two towns, a promotion and a kind of day that are known ahead, and weather that is not."""
    generator = np.random.default_rng(0)
    parts = []
    for town, shop in (("Bern", "a"), ("Ulm", "b")):
        promo = generator.random(STEPS) < 0.3
        parts.append(
            pl.DataFrame(
                {
                    "day": days(written),
                    "town": town,
                    "shop": shop,
                    "sales": 20 + 5 * promo + generator.normal(size=STEPS),
                    "promo": promo,
                    "kind": np.where(np.arange(STEPS) % 7 < 5, "work", "rest, or feast"),
                    "weather": generator.normal(size=STEPS),
                }
            )
        )
    return pl.concat(parts)


def served(frame: pl.DataFrame, **options: Any) -> ServedHistory:
    model = quick_model(frame, models="mlp", **options)
    made = served_model("shop", Path("none.netpick"), model, Limits())
    assert isinstance(made, ServedHistory)
    return made


@pytest.mark.parametrize("written", [None, "%Y-%m-%d", "%d.%m.%Y"])
def test_the_example_is_answered_as_csv_and_as_json(written: str | None) -> None:
    shop = served(
        sales(written), target=("sales",), horizon=5, context=21, known=("promo", "kind"), ids=("town", "shop")
    )
    outlook = schema_of(shop)["forecast"]
    assert outlook["needs"] == (
        "Behind the last known sales of each series, add 5 rows with promo and kind filled in and sales left empty."
    )
    assert outlook["band"] == {"low": "low", "high": "high", "share": pytest.approx(0.8)}
    table = shop.answered(read_table(shop, outlook["example"].encode()))
    assert len(table) == 5
    assert table["town"].to_list() == ["Bern"] * 5
    rows = shop.example_history
    assert len(rows) == 26
    assert [row["sales"] for row in rows[21:]] == [None] * 5
    assert [row["weather"] for row in rows[21:]] == [None] * 5
    assert all(row["promo"] is not None and row["kind"] is not None for row in rows)
    body = example_body(shop)
    assert body is not None
    assert body["rows"] == rows
    again = shop.answered(frame_of_rows(shop, json.dumps(body).encode()))
    assert again["prediction"].to_list() == pytest.approx(table["prediction"].to_list())


def test_one_series_needs_nothing_ahead_and_quantiles_name_the_band() -> None:
    frame = sales().filter(pl.col("shop") == "a").select("day", "sales")
    shop = served(frame, target=("sales",), horizon=5, context=21, quantiles=(0.025, 0.5, 0.975), every="1d")
    outlook = schema_of(shop)["forecast"]
    assert outlook["needs"] == ""
    assert outlook["band"] == {"low": "q0.025", "high": "q0.975", "share": pytest.approx(0.95)}
    table = shop.answered(read_table(shop, outlook["example"].encode()))
    assert table.columns == ["day", "prediction", "q0.025", "q0.5", "q0.975"]
    assert len(outlook["example"].splitlines()) == 22


def test_columns_of_words_are_texts_in_the_schema() -> None:
    shop = served(sales(), target=("sales",), horizon=5, context=21, known=("promo", "kind"), ids=("town", "shop"))
    cells = shop.cells()
    assert {name for name, cell in cells.items() if "string" in cell["type"]} == {
        "day",
        "town",
        "shop",
        "promo",
        "kind",
    }
