"""ARFF files of the UEA archive: a table in each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netpick.data.sources import open_source
from netpick.errors import DataError
from netpick.types import ArrayColumn, TableColumn

HEADER = (
    "@relation moves\n@attribute rel relational\n  @attribute t0 numeric\n  @attribute t1 numeric\n  @attribute t2 numeric\n@end rel\n"
    "@attribute activity {walk,run}\n@data\n"
)


def written(folder: Path, rows: str) -> Path:
    path = folder / "moves.arff"
    path.write_text(HEADER + rows)
    return path


def test_series_of_several_channels(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "'1,2,3\\n4,5,6',walk\n\"7,8,?\\n9,1,?\",run\n"))
    series, label = source.columns["series"], source.columns["activity"]
    assert isinstance(series, ArrayColumn)
    assert isinstance(label, TableColumn)
    assert series.values.shape == (2, 3, 2)
    assert np.array_equal(series.values[0], [[1, 4], [2, 5], [3, 6]])
    assert series.lengths is not None
    assert series.lengths.tolist() == [3, 2]
    assert label.values.to_list() == ["walk", "run"]
    assert source.target == "activity"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,2,3,walk\n", "line 9: found '1,2,3,walk', but a quoted series and its class were expected"),
        ("'1,2\\n3',walk\n", "line 9: its channels are of different lengths"),
        ("'1,x',walk\n", "but numbers divided by commas were expected"),
        ("'1,2',walk\n'1,2\\n3,4',run\n", "has series of 1 to 2 channels"),
        ("", "has no rows behind @data"),
    ],
)
def test_what_does_not_fit_is_named(rows: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        open_source(written(tmp_path, rows))
    assert words in str(refused.value)
