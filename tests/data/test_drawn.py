import numpy as np
import polars as pl

from netpick.data.drawn import LEAST, drawn, rows_of
from netpick.types import TEST, TRAIN, Source, TableColumn


def table(labels: list[str], given: list[int] | None = None) -> Source:
    number = TableColumn(name="number", values=pl.Series("number", range(len(labels))))
    label = TableColumn(name="label", values=pl.Series("label", labels))
    return Source(
        name="rows",
        origin="rows",
        layout="frame",
        columns={"number": number, "label": label},
        num_rows=len(labels),
        fingerprint="0" * 64,
        given_split=None if given is None else np.array(given, np.int8),
        strays={"number": [(7, "seven"), (len(labels) - 1, "last")]},
    )


def numbers(source: Source) -> list[int]:
    column = source.columns["number"]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def test_rows_are_drawn_in_their_order_with_their_names_and_alike_for_a_seed() -> None:
    some = drawn(table(["a"] * 1000), 100, seed=3)
    assert some.num_rows == len(numbers(some)) == 100
    assert numbers(some) == sorted(set(numbers(some)))
    assert list(some.row_names or ()) == [f"row {number + 1}" for number in numbers(some)]
    assert numbers(drawn(table(["a"] * 1000), 100, seed=3)) == numbers(some)
    assert numbers(drawn(table(["a"] * 1000), 100, seed=4)) != numbers(some)


def test_every_part_and_class_has_its_share_and_small_ones_stay_whole() -> None:
    labels = ["often"] * 9000 + ["seldom"] * 30 + ["often"] * 970
    given = [TRAIN] * 9030 + [TEST] * 970
    some = drawn(table(labels, given), 1000, seed=0, target="label")
    kept = [labels[row] for row in numbers(some)]
    assert kept.count("seldom") == 30 < LEAST
    assert some.given_split is not None
    assert 80 <= int((some.given_split == TEST).sum()) <= 200
    assert some.num_rows == 1000


def test_a_column_that_differs_in_most_rows_is_no_class() -> None:
    some = drawn(table([str(row) for row in range(500)]), 100, seed=0, target="label")
    assert some.num_rows == 100


def test_cells_that_were_not_read_keep_their_rows() -> None:
    some = rows_of(table(["a"] * 10), np.array([2, 7, 9]))
    assert some.strays == {"number": [(1, "seven"), (2, "last")]}
