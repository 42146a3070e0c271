"""What people hand over from Python: frames and arrays that cannot be what they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from corpus.case import Case, nothing

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.arange(60) % 2
LETTERS = ["ab"[i % 3 > 0] for i in range(60)]


def value(
    name: str, frame: Callable[[], Any], code: int | tuple[int, ...] = 2, *words: str, why: str = "", **options: str
) -> Case:
    return Case(
        name=f"python: {name}",
        make=nothing,
        frame=frame,
        code=code if isinstance(code, tuple) else (code,),
        words=words,
        why=why,
        options={f"--{key.replace('_', '-')}": text for key, text in options.items()},
    )


def polars(**cells: Any) -> Callable[[], Any]:
    def make() -> Any:
        import polars as pl

        return pl.DataFrame(cells, strict=False)

    return make


def pandas(build: Callable[[Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        import pandas as pd

        return build(pd)

    return make


class Strange:
    """An object that answers everything with an error."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array")

    def __len__(self) -> int:
        raise RuntimeError("no length")


CASES = (
    value("control, polars", polars(x=X[:, 0], y=LETTERS), 0, why="it reads as the table that it is"),
    value("control, pandas", pandas(lambda pd: pd.DataFrame({"x": X[:, 0], "y": LETTERS})), 0, why="it reads as the table that it is"),
    value("control, arrays", lambda: (X, Y), 0, why="they read as the table that they are"),
    value("None", lambda: None, 2, "None"),
    value("a number", lambda: 5, 2, "int"),
    value("an empty string", lambda: "", 2, "expected"),
    value("a string with a NUL", lambda: "a\0b.csv", 2, "a"),
    value("bytes", lambda: b"x,y\n1,a\n", 2, "bytes"),
    value("columns of one row", lambda: {"x": [1], "y": [2]}, 2, "x"),
    value("columns of other lengths", lambda: {"x": [1, 2], "y": [2]}, 2, "x", "y"),
    value("a set", lambda: {1, 2}, 2, "set"),
    value("a generator", lambda: (i for i in range(3)), 2, "generator"),
    value("a function", lambda: len, 2, "builtin"),
    value("one array", lambda: X, 2, "(60, 4)"),
    value("three arrays", lambda: (X, Y, Y), 2, "tuple"),
    value("an empty list", list, 2, "list"),
    value("two empty lists", lambda: ([], []), 2, "X"),
    value("ragged lists", lambda: ([[1, 2], [3]], [0, 1]), 2, "X"),
    value("two numbers", lambda: (3, 4), 2, "X"),
    value("two Nones", lambda: (None, None), 2, "X"),
    value("objects that raise", lambda: (Strange(), Y), 2, "X"),
    value("an object that raises", Strange, 2, "Strange"),
    value("arrays of other lengths", lambda: (X, Y[:50]), 2, "60", "50"),
    value("a frame and labels of another length", lambda: (polars(x=X[:, 0])(), Y[:50]), 2, "60", "50"),
    value("arrays of Python objects", lambda: (np.array([{"a": 1}, [2], None] * 20, dtype=object), Y), (0, 2), why="they are read as text"),
    value("a masked array", lambda: (np.ma.masked_array(X, X > 2), Y), 0, why="masked cells are read as they are"),
    value("an array of strings that is 3-d", lambda: (np.full((60, 8, 8), "x"), Y), 2, "(60, 8, 8)"),
    value("arrays of infinity", lambda: (np.full((60, 4), np.inf), Y), 2, "inf"),
    value("series with an infinity", lambda: (np.where(np.arange(60 * 24).reshape(60, 12, 2) == 700, -np.inf, 1.5), Y), 2, "inf"),
    value("a polars frame without columns", polars(), 2),
    value("a polars frame without rows", polars(x=[], y=[]), 2, "no rows"),
    value("a polars frame of one row", polars(x=[1.0], y=["a"]), 2),
    value("a polars frame of objects", polars(x=[Strange() for _ in range(60)], y=LETTERS), 2, "DataFrame"),
    value("a polars frame of nested cells", polars(x=[[1]] * 60, y=[{"a": 1}] * 60), 2, "DataFrame"),
    value("a polars frame of Nones", polars(x=[None] * 60, y=[None] * 60), 2, "y"),
    value("a polars frame with an empty name", lambda: polars(x=X[:, 0], y=LETTERS)().rename({"x": ""}), 0, why="a name may be empty"),
    value("a polars frame of dates at the ends of time", polars(x=np.array([2**60, -(2**60)] * 30).astype("datetime64[us]"), y=LETTERS), (0, 2), "x", why="dates are numbers"),
    value("a lazy frame of a file that is gone", lambda: __import__("polars").scan_csv("nowhere.csv"), 2, "nowhere.csv"),
    value("a lazy frame that fails", lambda: polars(x=["a"] * 60, y=LETTERS)().lazy().with_columns(__import__("polars").col("nope")), 2, "nope"),
    value("a pandas frame with columns of one name", pandas(lambda pd: pd.DataFrame(np.c_[X[:, :2], Y], columns=["x", "x", "y"])), 0, why="they are numbered, and that is said"),
    value("a pandas frame with numbers as names", pandas(lambda pd: pd.DataFrame({0: X[:, 0], 1: LETTERS})), 0, why="they are called 0 and 1"),
    value("a pandas frame with levels of names", pandas(lambda pd: pd.DataFrame({("a", "b"): X[:, 0], ("c", ""): LETTERS})), 0, why="levels are joined"),
    value("a pandas frame of mixed cells", pandas(lambda pd: pd.DataFrame({"x": [1, "two", None, 3.5] * 15, "y": LETTERS})), (0, 2), "x", why="they become text"),
    value("a pandas frame of lists", pandas(lambda pd: pd.DataFrame({"x": [[1, 2]] * 60, "y": LETTERS})), 2, "x"),
    value("a pandas frame of objects", pandas(lambda pd: pd.DataFrame({"x": [Strange() for _ in range(60)], "y": LETTERS})), 2, "x"),
    value("a pandas frame of complex numbers", pandas(lambda pd: pd.DataFrame({"x": X[:, 0] + 1j, "y": LETTERS})), 0, why="they become text"),
    value("a pandas frame of intervals", pandas(lambda pd: pd.DataFrame({"x": pd.cut(X[:, 0], 4), "y": LETTERS})), 0, why="they are categories"),
    value("a pandas frame of periods", pandas(lambda pd: pd.DataFrame({"x": pd.period_range("2024-01", periods=60, freq="M"), "y": LETTERS})), 0, why="they are dates"),
    value("a pandas frame with an index of its column's name", pandas(lambda pd: pd.DataFrame({"x": X[:, 0], "y": LETTERS}).rename_axis("x")), (0, 2), "x", why="numbered where it can be"),
    value("a pandas frame without rows", pandas(lambda pd: pd.DataFrame({"x": [], "y": []})), 2, "no rows"),
    value("a pandas frame without columns", pandas(lambda pd: pd.DataFrame(index=range(60))), 2),
    value("a pandas frame of sparse cells", pandas(lambda pd: pd.DataFrame({"x": pd.arrays.SparseArray(np.where(X[:, 0] > 0, X[:, 0], 0.0)), "y": LETTERS})), (0, 2), "x", why="they are numbers"),
    value("a pandas series", pandas(lambda pd: pd.Series(X[:, 0])), 2, "Series"),
    value("an arrow table with columns of one name", lambda: __import__("pyarrow").Table.from_arrays([__import__("pyarrow").array(X[:, 0].tolist())] * 2 + [__import__("pyarrow").array(LETTERS)], names=["x", "x", "y"]), 0, why="they are numbered, and that is said"),
    value("an arrow table without rows", lambda: __import__("pyarrow").table({"x": __import__("pyarrow").array([], "float64")}), 2),
    value("a target that is not there", polars(x=X[:, 0], y=LETTERS), 2, "'z'", target="z"),
    value("a budget that cannot be read", polars(x=X[:, 0], y=LETTERS), 2, "soon", budget="soon"),
    value("layers that cannot be read", polars(x=X[:, 0], y=LETTERS), 2, "dens", layers="dens 8"),
    value("layers of a billion units", polars(x=X[:, 0], y=LETTERS), 2, "dense", layers="dense 1000000000"),
    value("layers nested 500 deep", polars(x=X[:, 0], y=LETTERS), 2, "residual", layers="residual(" * 500 + "dense 8" + ")" * 500),
    value("layers of NaN", polars(x=X[:, 0], y=LETTERS), 2, "nan", layers="dense nan"),
    value("layers of 1e999", polars(x=X[:, 0], y=LETTERS), 2, "dense", layers="dense 1e999"),
    value("models with open brackets", polars(x=X[:, 0], y=LETTERS), 2, "mlp[", models="mlp[" * 50),
    value("recipe of NaN", polars(x=X[:, 0], y=LETTERS), 2, "learning_rate", recipe="learning_rate=nan"),
    value("split by a column that is not there", polars(x=X[:, 0], y=LETTERS), 2, "nope", split="time:nope"),
)  # fmt: skip
