"""Which identical rows are copies of each other, and which are alike by chance, because common values meet.

Copies belong on one side of a split. Rows that are alike by chance do not: new rows will be alike them as often, and one
common row may be most of the data (of 11,183 mammograms, 4,000 have the smallest value in every column).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from netpick.types import Array, Field, Schema, Source, TableColumn

CHANCE = 10  # up to so many times more possible rows than rows, a row has a twin by chance in one case of ten or more
EXPECTED = 1.0  # other rows like it: a row that chance makes so often is no copy
EXCESS = 2.0  # as many pairs of identical rows as chance makes, and that many times more, are still chance
MOST_ROWS = 200_000  # that the shares of a column's values are counted in
HOPELESS = 1e-9  # expected rows, below which no further column is looked at
NAMING = 3  # columns of most values that are tried as names, which say what other columns hold
ROWS_A_NAME = 5  # at least: a column of ever new values says everything, and a copied one, too

Mask = npt.NDArray[np.bool_]


def repeats_by_chance(source: Source, schema: Schema, groups: Array) -> Mask:
    """Rows (N,) that are identical to others by chance; `groups` (N,) are equal for identical rows.

    The null is that columns are independent of each other, but for those that another one says: a row is then expected as often as the shares of its values,
    counted in the rows that are not identical to it, multiply to. A text, picture, sound or series is never twice by
    chance, however few different ones there are.
    """
    none = np.zeros(source.num_rows, dtype=bool)
    fields = {f.name: f for f in schema.features}
    tables = [column for name in fields if isinstance(column := source.columns[name], TableColumn)]
    if len(tables) < len(fields) or not tables or any(f.kind == "text" for f in schema.features):
        return none
    if pl.Series(groups).n_unique() == len(groups):  # a tenth of the time of sorting them
        return none
    _, first, unit, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    repeated = sizes > 1
    tables = _free(tables)
    if _few_possible_rows(source, [fields[table.name] for table in tables]):
        return np.asarray(repeated[unit])
    expected = np.zeros(len(sizes))
    expected[repeated] = _expected(tables, unit, sizes, first[repeated])
    common = expected >= EXPECTED
    rest = repeated & ~common
    pairs = (sizes[rest] * (sizes[rest] - 1)).sum()
    alone = np.flatnonzero(~repeated)
    looked_at = alone[:: max(1, -(-len(alone) // MOST_ROWS))]
    by_chance = _expected(tables, unit, sizes, first[looked_at])
    chance_pairs = (sizes[rest] * expected[rest]).sum()
    chance_pairs += by_chance[by_chance < EXPECTED].sum() * len(alone) / max(1, len(looked_at))
    if pairs <= EXCESS * chance_pairs:
        return np.asarray(repeated[unit])
    return np.asarray((repeated & common)[unit])


def among(values: Array, known: Array) -> Mask:
    """Which of a few values occur in a long array; np.isin takes 20 seconds where this takes a tenth of one."""
    last_bits = np.int64(2**22 - 1)
    marked = np.zeros(2**22, dtype=bool)
    marked[values & last_bits] = True
    possible = np.sort(known[marked[known & last_bits]])
    if not len(possible):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(possible, values), len(possible) - 1)
    return np.asarray(possible[place] == values)


def _free(tables: list[TableColumn]) -> list[TableColumn]:
    """The columns that no other one says: what an item is called and costs follows from its id, and repeats with it."""
    distinct = {table.name: table.values.n_unique() for table in tables}
    naming = [t for t in tables if distinct[t.name] * ROWS_A_NAME <= len(t) and not t.values.dtype.is_float()]
    naming.sort(key=lambda table: -distinct[table.name])
    said: set[str] = set()
    for name in naming[:NAMING]:
        if name.name in said:
            continue
        # All rows of some names: of rows drawn one by one too few would share a name.
        hashes = name.values.hash(seed=0)
        rows = (hashes % max(1, len(name) // MOST_ROWS) == 0).fill_null(True)
        names = name.values.filter(rows)
        different = names.n_unique()
        for table in tables:
            if table is not name and table.name not in said and distinct[table.name] <= distinct[name.name]:
                pairs = pl.DataFrame([names.alias("a"), table.values.filter(rows).alias("b")])
                said |= {table.name} if pairs.n_unique() == different else set()
    return [table for table in tables if table.name not in said]


def _few_possible_rows(source: Source, fields: list[Field]) -> bool:
    """Whether all values of all columns can be put together in so few ways that identical rows must occur."""
    possible = 1
    for field in fields:
        possible *= max(1, field.num_distinct + (field.num_missing > 0))
        if not field.num_distinct or possible > CHANCE * source.num_rows:
            return False
    return True


def _expected(tables: list[TableColumn], unit: Array, sizes: Array, rows: Array) -> Array:
    """How many rows like each of `rows` (R,), one of each group, chance makes among the rows of other groups."""
    total = len(unit)
    looked_at = np.arange(total)[:: max(1, -(-total // MOST_ROWS))]
    own = np.bincount(unit[looked_at], minlength=len(sizes))[unit[rows]]
    others = len(looked_at) - own
    expected = (total - sizes[unit[rows]]).astype(np.float64)
    for table in sorted(tables, key=lambda column: column.values.n_unique(), reverse=True):
        hashes = table.values.hash(seed=0).to_numpy()
        values, counts = np.unique(hashes[looked_at], return_counts=True)
        at = np.minimum(np.searchsorted(values, hashes[rows]), len(values) - 1)
        alike = np.where(values[at] == hashes[rows], counts[at], 0) - own
        expected *= np.maximum(alike, 0) / np.maximum(others, 1)
        if expected.max(initial=0.0) < HOPELESS:
            break
    return expected
