"""Finer points of the checks: identical rows, spelling, leaks that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpick.checks import CHECKS, CheckContext, variants_finding
from netpick.contest.prepare import FitOptions, prepare
from netpick.tasks.label_variants import label_variants
from netpick.tasks.repeats import repeats_by_chance
from netpick.tasks.row_groups import row_groups
from netpick.types import Array, ArrayColumn, Column, Field, FileColumn, Finding, Schema, Source, TableColumn


def source_of(columns: dict[str, Column]) -> Source:
    return Source(
        name="s", origin="s", layout="csv", columns=columns, num_rows=len(next(iter(columns.values()))), fingerprint="0"
    )


def schema_of(kinds: dict[str, str], task: str = "classify", distinct: int = 1000, target: str | None = None) -> Schema:
    fields = [
        Field(
            name=name,
            kind=kind,
            role="target" if name == target else "feature",
            reason="",
            num_missing=0,
            num_distinct=distinct,
        )
        for name, kind in kinds.items()
    ]
    return Schema(fields=fields, task=task)


def table(**columns: list[object] | Array) -> dict[str, Column]:
    return {
        name: TableColumn(name=name, values=pl.Series(name, cells, strict=False)) for name, cells in columns.items()
    }


def same(groups: Array) -> list[int]:
    """Groups renumbered by first appearance."""
    seen: dict[int, int] = {}
    return [seen.setdefault(int(g), len(seen)) for g in groups]


# --- identical rows --------------------------------------------------------------------------------------------------


def test_rows_of_a_table_are_identical_when_every_feature_is() -> None:
    columns = table(a=[1.0, 1.0, 1.0, None, None], b=["x", "x", "y", "x", "x"], target=[0, 1, 0, 1, 0])
    groups = row_groups(
        source_of(columns), schema_of({"a": "number", "b": "category", "target": "boolean"}, target="target")
    )
    assert groups.dtype == np.int64
    assert same(groups) == [0, 0, 1, 2, 2]


def test_columns_do_not_swap() -> None:
    columns = table(a=[1, 2], b=[2, 1])
    assert same(row_groups(source_of(columns), schema_of({"a": "number", "b": "number"}))) == [0, 1]


@given(st.lists(st.lists(st.integers(0, 255), min_size=11, max_size=11), min_size=1, max_size=12), st.integers(0, 5))
def test_images_are_identical_when_every_pixel_is(rows: list[list[int]], repeats: int) -> None:
    rows = [*rows, *rows[:repeats]]
    pixels = np.array(rows, dtype=np.uint8).reshape(len(rows), 1, 1, 11)
    groups = row_groups(source_of({"i": ArrayColumn(name="i", values=pixels, kind="image")}), schema_of({"i": "image"}))
    expected: dict[tuple[int, ...], int] = {}
    assert same(groups) == [expected.setdefault(tuple(row), len(expected)) for row in rows]


def test_images_whose_hashes_collide_are_told_apart() -> None:
    """Pixels that differ only in the highest byte of two words: products of these meet in one case of 256."""
    pixels = np.zeros((256 * 256, 1, 1, 16), dtype=np.uint8)
    high, low = np.divmod(np.arange(len(pixels)), 256)
    pixels[:, 0, 0, 7], pixels[:, 0, 0, 15] = high, low
    groups = row_groups(source_of({"i": ArrayColumn(name="i", values=pixels, kind="image")}), schema_of({"i": "image"}))
    assert len(np.unique(groups)) == len(pixels)


def test_series_of_equal_padding_and_other_length_differ() -> None:
    values = np.zeros((3, 4, 2), dtype=np.float32)
    column = ArrayColumn(name="s", values=values, kind="series", lengths=np.array([3, 4, 4], dtype=np.int32))
    assert same(row_groups(source_of({"s": column}), schema_of({"s": "series"}))) == [0, 1, 1]


def test_images_with_numbers_beside_them_need_both_equal() -> None:
    pixels = np.zeros((3, 1, 2, 2), dtype=np.uint8)
    columns = {**table(a=[1, 1, 2]), "i": ArrayColumn(name="i", values=pixels, kind="image")}
    assert same(row_groups(source_of(columns), schema_of({"a": "number", "i": "image"}))) == [0, 0, 1]


def test_files_that_are_not_decoded_go_by_their_path() -> None:
    column = FileColumn(name="i", root=Path("x"), paths=["a.png", "b.png", "a.png"])
    assert same(row_groups(source_of({"i": column}), schema_of({"i": "image"}))) == [0, 1, 0]


def duplicates(columns: dict[str, Column], schema: Schema, num_test: int) -> list[Finding]:
    source = source_of(columns)
    rows = np.arange(source.num_rows)
    context = CheckContext(
        source=source,
        schema=schema,
        train=rows[num_test:],
        validation=rows[:0],
        test=rows[:num_test],
        target=np.zeros(len(rows), dtype=np.int64),
        labels=("a", "b"),
        row_groups=row_groups(source, schema),
    )
    return CHECKS["D001"].run(context) or []


def test_identical_rows_of_few_values_are_no_surprise() -> None:
    generator = np.random.default_rng(0)
    columns = table(a=generator.integers(0, 2, 400), b=generator.integers(0, 3, 400))
    schema = schema_of({"a": "boolean", "b": "category"}, distinct=3)
    (finding,) = duplicates(columns, schema, 100)
    source = source_of(columns)
    assert repeats_by_chance(source, schema, row_groups(source, schema)).all()
    assert finding.severity == "info"
    assert "100 of 100" in finding.evidence
    assert "take so few values that rows repeat" in finding.advice
    assert "better than theirs will be: then remove the repeated rows." in finding.advice
    assert "no leak" not in finding.advice  # a network that remembers a row answers its copy right


@pytest.mark.parametrize(("copies", "severity"), [(1, "info"), (20, "warning"), (150, "severe")])
def test_the_more_copies_the_graver(copies: int, severity: str) -> None:
    values = np.random.default_rng(0).normal(size=1000)
    values[:copies] = values[500 : 500 + copies]
    (finding,) = duplicates(table(a=values), schema_of({"a": "number"}, distinct=100_000), 200)
    assert finding.severity == severity
    assert len(finding.rows) == min(copies, 20)


# --- classes that no row to learn from has ---------------------------------------------------------------------------


def of_new_classes(tested: list[int]) -> list[Finding]:
    """Of classes a and b there are 40 rows to learn from each, of c and d none."""
    target = np.array([0, 1] * 40 + tested)
    columns = table(x=np.arange(len(target), dtype=np.float64), y=[str(one) for one in target])
    rows = np.arange(len(target))
    context = CheckContext(
        source=source_of(columns),
        schema=schema_of({"x": "number", "y": "category"}, target="y"),
        train=rows[:70],
        validation=rows[70:80],
        test=rows[80:],
        target=target,
        labels=("a", "b", "c", "d"),
    )
    return CHECKS["D003"].run(context) or []


def test_test_rows_of_classes_that_nobody_learned_are_counted() -> None:
    finding = of_new_classes([0, 1, 2, -1, 0, 1])[0]
    assert finding.severity == "warning"
    assert finding.evidence == (
        "1 of 5 test rows (20.0%) are of 'c', but no row to learn from is: every answer to them is wrong, and the accuracy is "
        "80.0% at most."
    )
    assert finding.rows == [82]


def test_a_test_part_of_new_classes_alone_stops_the_run() -> None:
    finding = of_new_classes([2, 3, 2, -1])[0]
    assert finding.severity == "severe"
    assert finding.evidence.startswith("All 3 of 3 test rows (100.0%) are of 'c', 'd', but no row to learn from is")
    assert finding.rows == [80, 81, 82]


# --- spelling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "variants"),
    [
        (["<=50K", ">50K"], ["<=50K.", ">50K."], {"<=50K.": "<=50K", ">50K.": ">50K"}),
        (["yes", "no"], ["Yes", " no", "\u00a0YES\t"], {"Yes": "yes", " no": "no", "\u00a0YES\t": "yes"}),
        (["1", "2"], ["1.0", "2.0"], {"1.0": "1", "2.0": "2"}),
        (["New York"], ["new  york"], {"new  york": "New York"}),
        (["a", "A"], ["a.", "A."], {}),  # cannot tell which
        (["a", "A"], ["a", "A"], {}),
        (["+", "-"], ["+1", "--"], {}),
        (["<5", "<=5"], [">5"], {}),
        (["7"], ["007", ".7", "-7"], {}),
        (["cat", "dog"], ["mouse"], {}),
        (["."], ["!"], {}),
    ],
)
def test_labels_that_only_look_different(train: list[str], test: list[str], variants: dict[str, str]) -> None:
    assert label_variants({"train": train, "test": test}) == variants


@given(st.lists(st.text(max_size=6), max_size=8), st.lists(st.text(max_size=6), max_size=8))
def test_variants_always_lead_from_unknown_to_known_labels(train: list[str], test: list[str]) -> None:
    for variant, meant in label_variants({"train": train, "test": test}).items():
        assert variant in test
        assert variant not in train
        assert meant in train


def test_the_finding_tells_the_counts() -> None:
    parts = {"train": ["<=50K"] * 5, "test": ["<=50K."] * 3}
    finding = variants_finding("income", label_variants(parts), [cell for cells in parts.values() for cell in cells])
    assert (finding.code, finding.severity, finding.columns) == ("D004", "warning", ("income",))
    assert (
        finding.evidence
        == "In column 'income' the test rows spell labels in another way; read '<=50K.' as '<=50K' (3 rows)."
    )


def test_classes_are_counted_after_their_spellings_were_made_one(tmp_path: Path) -> None:
    """adult: "4 classes" was said of two."""
    for part, stop, count in (("train", "", 60), ("test", ".", 40)):
        rows = "".join(f"{k * 7 % 50},{'no' if k % 3 else 'yes'}{stop}\n" for k in range(count))
        (tmp_path / f"people_{part}.csv").write_text(f"age,paid\n{rows}")
    prepared = prepare(tmp_path, FitOptions(accept=tuple(CHECKS)))
    assert [note.text for note in prepared.schema.notes if note.subject == "task"] == ["classify ('paid': 2 classes)"]


# --- columns that tell too much --------------------------------------------------------------------------------------


def leaks(
    columns: dict[str, Column], kinds: dict[str, str], target: Array, task: str = "classify"
) -> list[tuple[str, str]]:
    rows = np.arange(len(target))
    source = source_of(columns)
    context = CheckContext(
        source=source,
        schema=schema_of(kinds, task),
        train=rows,
        validation=rows[:0],
        test=rows[:0],
        target=target,
        labels=(),
    )
    found = CHECKS["D002"].run(context)
    return [] if found is None else [(f.columns[0], f.severity) for f in found]


def test_iris_petals_and_xor_are_not_leaks() -> None:
    from sklearn.datasets import load_iris

    values, target = load_iris(return_X_y=True)
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    columns = table(**{name: values[:, i] for i, name in enumerate(names)})
    assert leaks(columns, dict.fromkeys(names, "number"), target) == []
    xor = table(a=[0, 0, 1, 1], b=[0, 1, 0, 1])
    assert leaks(xor, {"a": "number", "b": "number"}, np.array([0, 1, 1, 0])) == []


@pytest.mark.parametrize("rare", [0.5, 0.05])
def test_forms_of_the_target_are_leaks_of_classes(rare: float) -> None:
    generator = np.random.default_rng(0)
    target = (generator.random(4000) < rare).astype(np.int64)
    columns = table(
        honest=generator.normal(size=4000) + target,
        words=np.where(target == 1, "refunded", np.where(generator.random(4000) < 0.5, "paid", "open")),
        filled=np.where(target == 1, generator.random(4000), np.nan),  # only known afterwards
        text=[f"{v:.3f}" for v in target * 2 + generator.random(4000)],
    )
    kinds = {"honest": "number", "words": "category", "filled": "number", "text": "number"}
    assert leaks(columns, kinds, target) == [("words", "severe"), ("filled", "severe"), ("text", "severe")]


def test_forms_of_the_target_are_leaks_of_numbers() -> None:
    generator = np.random.default_rng(0)
    target = generator.normal(size=(3000, 1))
    columns = table(
        other_unit=target[:, 0] * 2.54 + 7,
        close=target[:, 0] + 0.05 * generator.normal(size=3000),
        squared=np.exp(target[:, 0]),
        honest=target[:, 0] + generator.normal(size=3000),
    )
    kinds = dict.fromkeys(columns, "number")
    found = dict(leaks(columns, kinds, target, "regress"))
    assert found["other_unit"] == "severe"
    assert found["close"] == "warning"
    assert found["squared"] in ("warning", "severe")
    assert "honest" not in found


def test_the_only_column_is_allowed_to_tell_all() -> None:
    values = np.linspace(-1, 1, 500)
    assert leaks(table(x=values), {"x": "number"}, (values > 0).astype(np.int64)) == [("x", "warning")]


def test_a_leak_of_one_of_several_labels_counts() -> None:
    generator = np.random.default_rng(0)
    target = generator.integers(0, 2, (600, 3))
    columns = table(a=target[:, 2] * 1.0, b=generator.normal(size=600))
    assert leaks(columns, {"a": "number", "b": "number"}, target, "multilabel") == [("a", "severe")]


def test_real_tables_have_no_leaks(shared_data: Path) -> None:
    for name, target in (("adult_train", "income"), ("telco_churn", "Churn"), ("titanic", "Survived")):
        frame = pl.read_csv(shared_data / "tables" / f"{name}.csv")
        truth = frame[target].cast(pl.String).rank("dense").fill_null(1).to_numpy().astype(np.int64) - 1
        kinds = {c: "number" if frame[c].dtype.is_numeric() else "category" for c in frame.columns if c != target}
        columns: dict[str, Column] = {c: TableColumn(name=c, values=frame[c]) for c in kinds}
        assert leaks(columns, kinds, truth) == []


def background(generator: np.random.Generator, n: int = 4000) -> dict[str, Column]:
    """Most rows have the smallest value in every column, others in some of them, as in pictures of tissue."""
    empty = generator.random(n) < 0.4
    cells = {}
    for name, share in (("a", 0.2), ("b", 0.3), ("c", 0.5), ("d", 0.7)):
        values = generator.lognormal(size=n)
        values[empty | (generator.random(n) < share)] = -0.5
        cells[name] = values
    return table(**cells)


def numbers(columns: dict[str, Column]) -> Schema:
    return schema_of(dict.fromkeys(columns, "number"), distinct=100_000)


def test_a_row_of_common_values_is_no_copy() -> None:
    columns = background(np.random.default_rng(0))
    source, schema = source_of(columns), numbers(columns)
    groups = row_groups(source, schema)
    names, counts = np.unique(groups, return_counts=True)
    largest = groups == names[counts.argmax()]
    assert largest.sum() > 1500
    assert repeats_by_chance(source, schema, groups)[largest].all()


def test_copies_beside_rows_of_common_values_are_copies() -> None:
    generator = np.random.default_rng(0)
    once = background(generator)
    rows = np.concatenate([np.arange(4000), np.flatnonzero(once["a"].values.to_numpy() > 0)[:300]])  # type: ignore[union-attr]
    columns = table(**{name: column.values.to_numpy()[rows] for name, column in once.items()})  # type: ignore[union-attr]
    source, schema = source_of(columns), numbers(columns)
    by_chance = repeats_by_chance(source, schema, row_groups(source, schema))
    assert by_chance[4000:].mean() < 0.1


def test_copies_of_numbers_are_never_chance() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    for columns in (table(a=np.tile(values, 3)), table(a=np.tile(values, 3), b=np.tile([0, 1, 1, 0], 750))):
        source, schema = source_of(columns), numbers(columns)
        assert not repeats_by_chance(source, schema, row_groups(source, schema)).any()


def test_as_many_twins_as_chance_makes_are_chance() -> None:
    generator = np.random.default_rng(0)
    columns = table(**{name: generator.geometric(0.2, 3000) for name in "abcd"})
    source, schema = source_of(columns), numbers(columns)
    groups = row_groups(source, schema)
    repeated = np.unique(groups, return_counts=True)[1] > 1
    assert repeated.sum() > 20
    assert repeats_by_chance(source, schema, groups).sum() > repeated.sum()
