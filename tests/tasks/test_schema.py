"""What is inferred about columns, target and task, and that it is said."""

from __future__ import annotations

import math
import re

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.cli.console import show_look
from netpick.columns.kinds.cells import as_moderate_numbers, as_numbers
from netpick.errors import DataError, RequestError
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import Field, Schema, Source, TableColumn

N = 200
rng = np.random.default_rng(0)


def schema_of(options: SchemaOptions | None = None, **cells: object) -> Schema:
    columns = {name: pl.Series(name, values) for name, values in cells.items()}
    source = Source(
        name="sample",
        origin="test",
        layout="frame",
        num_rows=N,
        fingerprint="0",
        columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
    )
    return infer_schema(source, options or SchemaOptions())


def field(schema: Schema, name: str) -> Field:
    return next(f for f in schema.fields if f.name == name)


x = rng.normal(size=N)
y = ["ab"[i % 2] for i in range(N)]


def test_kinds_and_roles() -> None:
    schema = schema_of(
        number_of_rows=[*range(1, N + 1)],
        price=x,
        city=["abc"[i % 3] for i in range(N)],
        member=[i % 2 for i in range(N)],
        day=[f"2020-01-{1 + i % 28:02d}" for i in range(N)],
        name=[f"person {i}" for i in range(N)],
        fixed=["same"] * N,
        note=[None] * N,
        zip_code=[f"0{i % 40:02d}" for i in range(N)],
        target=y,
    )
    kinds = {f.name: (f.kind, f.role) for f in schema.fields}
    assert kinds == {
        "number_of_rows": (None, "left_out"),
        "price": ("number", "feature"),
        "city": ("category", "feature"),
        "member": ("boolean", "feature"),
        "day": ("datetime", "feature"),
        "name": (None, "left_out"),
        "fixed": (None, "left_out"),
        "note": (None, "left_out"),
        "zip_code": ("category", "feature"),
        "target": ("category", "target"),
    }
    assert "numbers the rows" in field(schema, "number_of_rows").reason
    assert "every cell is different" in field(schema, "name").reason
    assert "constant" in field(schema, "fixed").reason
    assert "missing" in field(schema, "note").reason


def test_the_target_is_found_by_name_then_by_place_and_said() -> None:
    by_name = schema_of(label=y, x=x, z=["pq"[i % 2] for i in range(N)])
    assert by_name.targets[0].name == "label"
    last = schema_of(x=x, first=["pq"[i % 2] for i in range(N)], second=y)
    assert last.targets[0].name == "second"
    assert any("second" in note.text and note.override == "--target" for note in last.notes)


def test_numbers_stored_as_text_with_stray_cells_are_numbers_with_those_cells_named() -> None:
    cells = [f"{v:.3f}" for v in x]
    cells[17] = "n.d."
    schema = schema_of(x=cells, y=y)
    assert field(schema, "x").kind == "number"
    assert list(field(schema, "x").stray) == [(17, "n.d.")]


def test_tasks() -> None:
    assert schema_of(x=x, y=y).task == "classify"
    assert schema_of(x=x, y=[i % 3 for i in range(N)]).task == "classify"
    assert schema_of(SchemaOptions(target=("y",)), x=x, y=x * 2).task == "regress"
    assert schema_of(SchemaOptions(target=("y", "z")), x=x, y=x * 2, z=x + 1).task == "regress"
    flags = {"a": [i % 2 == 0 for i in range(N)], "b": [i % 3 == 0 for i in range(N)]}
    assert schema_of(SchemaOptions(target=("a", "b")), x=x, **flags).task == "multilabel"
    assert schema_of(SchemaOptions(task="regress"), x=x, y=[i % 3 for i in range(N)]).task == "regress"


def test_kind_and_drop_override_what_is_inferred() -> None:
    options = SchemaOptions(kinds=(("code", "category"),), drop=("x",))
    schema = schema_of(options, code=[i % 7 for i in range(N)], x=x, y=y)
    assert field(schema, "code").kind == "category"
    assert field(schema, "x").role == "left_out"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SchemaOptions(target=("prise",)), "Did you mean price"),
        (SchemaOptions(target=("y",), task="clasify"), "Did you mean classify"),
        (SchemaOptions(target=("y",), kinds=(("price", "nmber"),)), "Did you mean number"),
    ],
)
def test_unknown_names_list_near_matches(options: SchemaOptions, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        schema_of(options, price=x, y=y)


def test_no_target_and_nothing_to_learn_from_are_errors() -> None:
    with pytest.raises(RequestError, match=r"The likeliest: 'b' .the last column, numbers.: --target b"):
        schema_of(a=x, b=x * 2)
    with pytest.raises(DataError, match="no column left to learn from"):
        schema_of(fixed=["same"] * N, y=y)
    with pytest.raises(DataError, match="empty in all 200 rows"):
        schema_of(SchemaOptions(target=("y",)), x=x, y=[None] * N)


def test_arrays_with_several_targets_name_them_all() -> None:
    columns = {"x": pl.Series("x", x), "y1": pl.Series("y1", x * 2), "y2": pl.Series("y2", x + 1)}
    source = Source(
        name="arrays",
        origin="arrays",
        layout="arrays",
        num_rows=N,
        fingerprint="0",
        target="y1,y2",
        columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
    )
    schema = infer_schema(source)
    assert [f.name for f in schema.targets] == ["y1", "y2"]
    assert schema.task == "regress"


def test_codes_with_leading_zeros_are_names_and_may_be_the_target() -> None:
    schema = schema_of(x=x, last=["0010", "0100", "1000"] * 66 + ["0010", "0100"])
    assert schema.targets[0].name == "last"
    assert schema.task == "classify"


def test_a_table_of_very_many_columns_is_not_listed_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = np.random.default_rng(0).normal(size=(30, 500))
    columns = {f"g{i}": column for i, column in enumerate(numbers.T)}
    columns["g400"] = np.zeros(30)  # left out, and told
    frame = pl.DataFrame({**columns, "label": ["a", "b"] * 15})
    show_look(netpick.look(frame))
    said = capsys.readouterr().out
    listed = [line.split()[0] for line in said.splitlines() if re.match(r"g\d+ ", line)]
    assert listed == [*(f"g{i}" for i in range(200)), "g400"]
    assert "and 299 columns more." in said
    assert re.search(r"^label +target", said, re.MULTILINE)


@pytest.mark.parametrize("cells", [[1.5, 2.0], [1.5, None, math.nan, math.inf, -math.inf], [1e300, -1e300], []])
def test_numbers_of_a_column_are_finite_or_missing(cells: list[float | None]) -> None:
    series = pl.Series("x", cells, dtype=pl.Float64)
    finite = [cell if cell is not None and math.isfinite(cell) else None for cell in cells]
    assert as_numbers(series).to_list() == finite
    assert as_moderate_numbers(series).to_list() == [
        None if cell is None else min(max(cell, -1e100), 1e100) for cell in finite
    ]
    assert as_numbers(series.cast(pl.String)).to_list() == finite


def test_parts_of_a_time_are_not_offered_as_targets() -> None:
    """Beijing's air: 'hour' was among the three likeliest, and what was measured was not."""
    with pytest.raises(RequestError, match="The likeliest") as caught:
        schema_of(hour=[i % 24 for i in range(N)], week=[i // 168 for i in range(N)], dust=x, damp=x * 2, rain=x + 1)
    assert "--target dust" in str(caught.value)
    assert "--target hour" not in str(caught.value)
    assert "--target week" not in str(caught.value)


@pytest.mark.parametrize("pair", [(-1, 1), (0, 1), ("no", "yes")])
def test_the_last_of_many_attributes_is_no_target(pair: tuple[object, object]) -> None:
    bits = {f"attribute {k}": [pair[(i >> k) % 2] for i in range(N)] for k in range(6)}
    with pytest.raises(RequestError, match="the last of 6 columns that hold the same two values") as refused:
        schema_of(x=x, **bits)
    assert f"--target '{','.join(bits)}'" in str(refused.value)
    schema = schema_of(SchemaOptions(target=tuple(bits)), x=x, **bits)
    assert schema.task == "multilabel"


def test_a_category_written_as_columns_is_no_target() -> None:
    towns = {f"city_{name}": [int(i % 3 == k) for i in range(N)] for k, name in enumerate(("Oslo", "Paris", "Rome"))}
    with pytest.raises(RequestError, match="the last of 3 columns") as refused:
        schema_of(x=x, **towns)
    assert "may hold together" not in str(refused.value)
    assert schema_of(x=x, city_Oslo=towns["city_Oslo"], left=[i % 2 for i in range(N)]).targets[0].name == "left"


@pytest.mark.parametrize("kind", ["image", "audio", "series", "clip"])
def test_a_kind_that_cells_cannot_be_is_refused(kind: str) -> None:
    with pytest.raises(RequestError, match=f"--kind town={kind} was given, but column 'town' holds cells of a table"):
        schema_of(SchemaOptions(kinds=(("town", kind),), target=("y",)), town=["a", "b"] * (N // 2), y=y)
