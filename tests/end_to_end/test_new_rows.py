"""New rows say the same thing however they are written, or a word is said: by path, frame, dict, and whatever else a person has."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from quick_models import quick_model

from netpick.errors import DataError, RequestError, UnreadCells, UnseenValues
from netpick.saved.use import Model

FIVE = [
    (30, 2500.0, "yes", "Bern", "2023-02-05", "01"),
    (55, 7800.5, "no", "Genf", "2023-09-01", "10"),
    (41, 5000.0, "yes", "Bern", "2023-08-15", "02"),
    (22, 1000.0, "no", "Zürich", "2023-01-31", "01"),
    (67, 8999.99, "yes", "Bern", "2023-12-24", "10"),
]
NAMES = ("age", "income", "smoker", "city", "joined", "branch")


def swiss(day: str) -> str:
    return f"{day[8:]}.{day[5:7]}.{day[:4]}"


def training(folder: Path, *, plain: bool) -> Path:
    """400 people; incomes and dates as a program writes them, or as a Swiss ledger does."""
    generator = np.random.default_rng(34)
    rows = []
    for _ in range(400):
        income, smoker = round(float(generator.uniform(900, 9000)), 2), bool(generator.random() < 0.5)
        city, month = str(generator.choice(["Zürich", "Bern", "Genf"])), int(generator.integers(1, 13))
        day = f"2023-{month:02d}-{int(generator.integers(1, 29)):02d}"
        risk = "high" if (income > 4500) + smoker + (city == "Bern") + (month > 6) > 2 else "low"
        money = f"{income}" if plain else f"CHF {income:,.2f}".replace(",", "'")
        told = day if plain else swiss(day)
        branch = str(generator.choice(["01", "02", "10"]))
        rows.append(
            f"{int(generator.integers(18, 80))};{money};{'yes' if smoker else 'no'};{city};{told};{branch};{risk}"
        )
    path = folder / "train.csv"
    path.write_text("\n".join([";".join([*NAMES, "risk"]), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return quick_model(str(training(tmp_path_factory.mktemp("plain"), plain=True)), target=("risk",), models="mlp")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return quick_model(str(training(tmp_path_factory.mktemp("ledger"), plain=False)), target=("risk",), models="mlp")


def as_frame() -> pl.DataFrame:
    return pl.DataFrame(FIVE, schema=list(NAMES), orient="row")


WAYS = {
    "as a program": {},
    "dollars": {"income": lambda v: f"${v:,.2f}"},
    "thousands": {"income": lambda v: f"{v:,.2f}"},
    "decimal commas": {"income": lambda v: f"{v:.2f}".replace(".", ",")},
    "a ledger": {"income": lambda v: f"CHF {v:,.2f}".replace(",", "'"), "joined": swiss},
    "dates with times": {"joined": lambda v: f"{v} 00:00:00"},
    "dates of a log": {"joined": lambda v: f"{v}T00:00:00Z"},
    "dates with points": {"joined": swiss},
    "Y and N": {"smoker": lambda v: v[0].upper()},
    "true and false": {"smoker": lambda v: v == "yes"},
    "one and zero": {"smoker": lambda v: int(v == "yes")},
    "whole numbers for codes": {"branch": int},
    "capitals": {"city": str.upper},
    "blanks": {"city": lambda v: f" {v} "},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["path", "frame", "rows"])
def test_the_same_people_get_the_same_answers(plain: Model, ledger: Model, tmp_path: Path, way: str, form: str) -> None:
    changes = WAYS[way]
    if "decimal" in way and form != "path":
        pytest.skip("2500,00 without its file could be anything")
    people = [
        {name: changes[name](cell) if name in changes else cell for name, cell in zip(NAMES, row, strict=True)}
        for row in FIVE
    ]
    for model in (plain, ledger):
        if way == "dollars" and model is ledger:
            continue  # another currency
        expected = model.predict(as_frame())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if form == "rows":
                found = pl.concat([model.predict(person) for person in people])
            elif form == "frame":
                found = model.predict(pl.DataFrame(people))
            else:
                path = tmp_path / "new.csv"
                pl.DataFrame(people).write_csv(path, separator=";")
                found = model.predict(path)
        assert found["prediction"].to_list() == expected["prediction"].to_list()
        assert np.allclose(found.select(pl.col(pl.Float64)).to_numpy(), expected.select(pl.col(pl.Float64)).to_numpy())


def test_a_model_keeps_how_its_columns_were_written(ledger: Model) -> None:
    formats = ledger.parts.record.formats
    assert formats["income"].words.startswith("numbers written like CHF ")
    assert formats["joined"].words.startswith("dates written like ")
    assert "age" not in formats


def test_what_cannot_be_read_is_counted_and_named(plain: Model) -> None:
    odd = as_frame().with_columns(income=pl.Series(["2500", "a lot", "5000", "little", "9 or 10"]))
    words = "3 cells of 'income' are written otherwise than in training and are read as missing: 'a lot' \\(row 2\\), 'little' \\(row 4\\)"
    with pytest.warns(UnreadCells, match=words):
        answers = plain.predict(odd)
    assert len(answers) == 5
    with pytest.raises(DataError, match="leave --strict out"):
        plain.predict(odd, strict=True)


def test_another_currency_or_unit_is_not_converted(ledger: Model) -> None:
    euros = as_frame().with_columns(income=pl.Series([f"€{row[1]:.2f}" for row in FIVE]))
    with pytest.warns(UnreadCells, match="5 cells of 'income'"):
        ledger.predict(euros)


def test_values_that_no_training_row_has_are_noted(plain: Model) -> None:
    rows = as_frame().with_columns(
        city=pl.Series(["Basel", *["Bern"] * 4]), income=pl.Series([2500.0] * 4 + [250_000.0])
    )
    with pytest.warns(UnseenValues) as warned:
        assert len(plain.predict(rows, strict=True)) == 5  # what can be read is answered
    income, city = sorted((str(warning.message) for warning in warned), key=len, reverse=True)
    assert city == "1 cell of 'city' holds a value that no training row has: 'Basel'."
    assert income.startswith("1 cell lies far outside of the training values of 'income'")
    assert [n.text for n in plain.read(rows).notes if n.subject == "unseen values"] == [income, city]


def test_a_share_is_not_taken_for_a_percentage() -> None:
    rows = pl.DataFrame({"p": [f"{n / 4} %" for n in range(80)], "label": ["a", "b"] * 40})
    model = quick_model(rows, target=("label",), models="mlp")
    with pytest.warns(UnreadCells, match="1 cell of 'p' is written otherwise"):
        model.predict(pl.DataFrame({"p": ["0.125", "12.5 %"]}))


def test_what_is_said_of_a_file_of_new_rows_outranks_what_the_model_keeps(ledger: Model, tmp_path: Path) -> None:
    expected = ledger.predict(as_frame())
    path = tmp_path / "odd.txt"
    rows = [f"{a}~{b:.2f}~{c}~{d}~{day[5:7]}/{day[8:]}/{day[:4]}~{f}" for a, b, c, d, day, f in FIVE]
    path.write_text("\n".join(["~".join(NAMES), *rows]), encoding="cp1252")
    said = ledger.reading(separator="~", encoding="cp1252", formats={"joined": "%m/%d/%Y", "income": "1,234.56"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert said.predict(str(path)).equals(expected)
    with pytest.raises(RequestError, match="There is no column 'joind'"):
        ledger.reading(formats={"joind": "%m"}).predict(as_frame())


def test_words_that_mean_missing_in_new_rows(plain: Model, tmp_path: Path) -> None:
    lines = [";".join(NAMES), "30;keine;yes;Bern;2023-02-05;01"]
    (tmp_path / "new.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.warns(UnreadCells, match="'keine'"):
        expected = plain.predict(str(tmp_path / "new.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plain.reading(missing=["keine"]).predict(str(tmp_path / "new.csv")).equals(expected)


def test_a_column_of_new_rows_has_one_order_of_days_and_one_decimal_sign(plain: Model, ledger: Model) -> None:
    """01/09/2023 beside 24/12/2023 is the first of September, also where it could be read as in training."""
    kept = ledger.predict(as_frame())
    american = as_frame().with_columns(joined=pl.Series([f"{d[5:7]}/{d[8:]}/{d[:4]}" for *_, d, _ in FIVE]))
    assert ledger.predict(american).equals(kept)
    short = as_frame().with_columns(joined=pl.Series([f"{d[8:]}.{d[5:7]}.{d[2:4]}" for *_, d, _ in FIVE]))
    assert ledger.predict(short).equals(kept)
    commas = as_frame().with_columns(income=pl.Series(["2.500", "7.800,5", "5.000", "1.000", "8.999,99"]))
    assert plain.predict(commas).equals(plain.predict(as_frame()))


def test_numbers_of_another_size_are_named(plain: Model) -> None:
    cents = as_frame().with_columns(income=pl.col("income") * 100)
    assert any(
        "5 cells lie far outside of the training values of 'income'" in note.text for note in plain.read(cents).notes
    )
    assert not any("far outside" in note.text for note in plain.read(as_frame()).notes)


def test_times_of_day_keep_their_unit() -> None:
    hours = [f"{1 + i % 12}:{i % 60:02d} {'AM' if i % 3 else 'PM'}" for i in range(80)]
    table = pl.DataFrame({"at": hours, "x": [i % 7 for i in range(80)], "label": ["a", "b"] * 40})
    model = quick_model(table, target=("label",), models="mlp")
    expected = model.predict(pl.DataFrame({"at": ["1:30 PM", "9:05 AM"], "x": [1, 2]}))
    assert model.predict(pl.DataFrame({"at": ["13:30", "09:05"], "x": [1, 2]})).equals(expected)
