"""What a person expects of frames and arrays, as the scripts of ../shared/cases make them; see tools/cases.py."""

from __future__ import annotations

import decimal
import tempfile
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tools.case_reading import Reading

FRAMES, PAIRS, ARRAYS = "19-pandas-dtypes", "20-x-and-y", "24-arrays"
N = 120
SPAM, ON = ("ham", "spam"), ("0", "1")


# --- frames of pandas ------------------------------------------------------------------------------------------------


def hole(values: Any) -> Any:
    import pandas as pd

    series = pd.Series(values, dtype=object)
    series[::11] = None
    return series


def column(name: str) -> Any:
    """A column of 120 cells of one of the types that pandas has."""
    import pandas as pd

    rng = np.random.default_rng(19)
    x = rng.normal(size=N)
    words = np.where(np.arange(N) % 3 > 0, "p", "q")
    makers: dict[str, Callable[[], Any]] = {
        "Int64 with NA": lambda: hole(np.arange(N)).astype("Int64"),
        "boolean with NA": lambda: hole(np.arange(N) % 2 == 0).astype("boolean"),
        "string with NA": lambda: hole(words).astype("string"),
        "category of words": lambda: pd.Series(pd.Categorical(words)),
        "ordered category": lambda: pd.Series(pd.Categorical(["S", "M", "L"] * 40, ["S", "M", "L"], ordered=True)),
        "category of ints": lambda: pd.Series(pd.Categorical([10, 20, 30] * 40)),
        "category of floats": lambda: pd.Series(pd.Categorical([0.5, 1.5] * 60)),
        "datetime with zone": lambda: pd.Series(pd.date_range("2024-03-30", periods=N, freq="h", tz="Europe/Berlin")),
        "Decimals": lambda: pd.Series([decimal.Decimal(f"{v:.2f}") for v in x], dtype=object),
        "UUIDs": lambda: pd.Series([uuid.uuid5(uuid.NAMESPACE_DNS, str(i % 3)) for i in range(N)], dtype=object),
        "bytes": lambda: pd.Series([b"a", b"b"] * 60, dtype=object),
        "period months": lambda: pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
        "timedelta": lambda: pd.Series(pd.to_timedelta(np.arange(N) + 1, "min")),
        "uint64 large": lambda: pd.Series(np.array([2**63 + 5 * i for i in range(N)], dtype="uint64")),
        "words with blanks": lambda: pd.Series(np.where(np.arange(N) % 3 > 0, "p ", "q")),
        "complex": lambda: pd.Series(np.arange(N) + 1j),
        "objects of bools and NaN": lambda: pd.Series([True, False, np.nan] * 40, dtype=object),
    }
    return makers[name]()


def frame(name: str, *, as_target: bool) -> Any:
    import pandas as pd

    x = np.random.default_rng(19).normal(size=N)
    if as_target:
        return pd.DataFrame({"x": x, "c": column(name)})
    return pd.DataFrame({"x": x, "c": column(name), "label": np.where(x > 0, "up", "down")})


def of_column(name: str, kind: str, **expected: Any) -> Reading:
    make = partial(frame, name, as_target=False)
    return Reading(path=f"{FRAMES}: {name}", make=make, target="label", roles={"c": kind}, **expected)


def of_target(name: str, task: str, **expected: Any) -> Reading:
    make = partial(frame, name, as_target=True)
    return Reading(path=f"{FRAMES}: {name} as target", make=make, target="c", task=task, **expected)


# --- (X, y) ----------------------------------------------------------------------------------------------------------


def pair(name: str) -> Any:
    import pandas as pd
    import scipy.sparse as sp
    import torch

    x = np.random.default_rng(20).normal(size=(N, 3))
    y = (x[:, 0] > 0).astype(int)
    words = np.where(y, "spam", "ham")
    table = pd.DataFrame(x, columns=["a", "b", "c"])
    labels = [[label for label, value in zip("xyz", row, strict=True) if value > 0] for row in x]
    makers: dict[str, Callable[[], Any]] = {
        "Series of words": lambda: (table, pd.Series(words, name="mail")),
        "Series that is called as a column": lambda: (table, pd.Series(words, name="a")),
        "Series boolean with NA": lambda: (table, hole(y == 1).astype("boolean")),
        "Series string with NA": lambda: (table, hole(words).astype("string")),
        "Series object with nan": lambda: (table, hole(words).where(lambda s: s.notna(), np.nan)),
        "category of ints": lambda: (table, pd.Series(pd.Categorical(y + 5))),
        "frame of three targets": lambda: (table, pd.DataFrame({"t1": x[:, 0], "t2": x[:, 1] + 1, "t3": x[:, 2] * 2})),
        "polars Series": lambda: (pl.DataFrame(x, schema=["a", "b", "c"]), pl.Series("mail", words)),
        "torch with gradients": lambda: (torch.tensor(x, requires_grad=True), torch.tensor(y)),
        "torch bfloat16": lambda: (torch.tensor(x).bfloat16(), torch.tensor(y)),
        "scipy sparse": lambda: (sp.csr_matrix(x), y),
        "structured array": lambda: np.array(
            [(a, b, w) for (a, b, _), w in zip(x.tolist(), words, strict=True)],
            dtype=[("a", "f8"), ("b", "f8"), ("mail", "U8")],
        ),
        "dict of columns": lambda: {"a": x[:, 0], "mail": words},
        "records": lambda: [{"a": float(a), "mail": str(w)} for a, w in zip(x[:, 0], words, strict=True)],
        "two records": lambda: [{"a": 1.0, "mail": "x"}, {"a": 2.0, "mail": "y"}],
        "Enum target": lambda: pl.DataFrame(
            {"a": x[:, 0], "size": pl.Series(["S", "M", "L"] * 40, dtype=pl.Enum(["S", "M", "L"]))}
        ),
        "lists of labels": lambda: pl.DataFrame({"a": x[:, 0], "labels": labels}),
        "struct": lambda: pl.DataFrame({"a": [{"u": 1, "v": 2.5}] * N, "b": x[:, 1], "mail": words}),
        "array of numbers": lambda: pl.DataFrame(
            {"emb": pl.Series(x.tolist(), dtype=pl.Array(pl.Float64, 3)), "mail": words}
        ),
        "texts, labels": lambda: (
            pd.Series([f"mail number {i} says word {i % 5} and little else" for i in range(N)], name="mail"),
            words.tolist(),
        ),
    }
    return makers[name]()


def of_pair(name: str, infers: str, labels: tuple[str, ...], task: str = "classify", **expected: Any) -> Reading:
    return Reading(
        path=f"{PAIRS}: {name}", make=partial(pair, name), infers=infers, labels=labels, task=task, **expected
    )


# --- arrays ----------------------------------------------------------------------------------------------------------


def array(name: str) -> Any:
    rng = np.random.default_rng(24)
    grey = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    colour = rng.integers(0, 256, (60, 24, 32, 3), dtype=np.uint8)
    makers: dict[str, Callable[[], Any]] = {
        "grey uint8": lambda: grey,
        "grey 0..1": lambda: grey / 255,
        "grey -1..1": lambda: grey / 127.5 - 1,
        "grey 0..255 resized": lambda: grey * np.float32(0.998) + 0.1,
        "grey uint16 of 12 bits": lambda: grey.astype(np.uint16) * 16,
        "grey 0..1 not square": lambda: colour[..., 0] / 255,
        "grey 0..1 with rounding errors": lambda: grey / 255 * 1.0000001,
        "grey standardised": lambda: ((grey - 128.0) / 74)[..., None],
        "uint16 4-D": lambda: (grey.astype(np.uint16) * 257)[..., None],
        "colour 0..255 resized": lambda: colour * np.float32(0.999) + 0.05,
        "colour normalised": lambda: (colour / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        "two channels": lambda: rng.integers(0, 256, (60, 24, 24, 2), dtype=np.uint8),
        "13 bands": lambda: rng.random((60, 16, 16, 13)),
        "objects": lambda: np.array([*colour, None], dtype=object)[:-1],
        "flat": lambda: grey.reshape(60, -1),
        "series (N, T, C)": lambda: rng.normal(size=(60, 100, 3)),
        "series (N, C, T)": lambda: rng.normal(size=(60, 3, 100)),
        "series (N, 1, T)": lambda: rng.normal(size=(60, 1, 100)),
        "series (N, 9, 128)": lambda: rng.normal(size=(60, 9, 128)),
        "walks (N, 64, 64)": lambda: np.cumsum(rng.normal(size=(60, 64, 64)), axis=1) / 60 + 0.5,
        "noise (N, 64, 64) in 0..1": lambda: rng.random((60, 64, 64)),
        "videos": lambda: rng.integers(0, 256, (60, 8, 16, 16, 3), dtype=np.uint8),
        "volumes": lambda: rng.random((60, 16, 16, 16)),
        "series of several lengths": lambda: _of_lengths([rng.normal(size=5 + i % 4) for i in range(60)]),
    }
    return makers[name](), np.arange(60) % 3


def _of_lengths(rows: list[Any]) -> Any:
    made = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        made[place] = row
    return made


def of_array(name: str, kind: str, shape: tuple[int, ...], **expected: Any) -> Reading:
    return Reading(path=f"{ARRAYS}: {name}", make=partial(array, name), arrays={kind: (kind, shape)}, **expected)


def npz(name: str) -> str:
    """A file of arrays with names as people give them."""
    x, y = array("grey uint8")
    named: dict[str, dict[str, Any]] = {
        "x and y without names": {"arr_0": x, "arr_1": y},
        "X and Y": {"X": x, "Y": y},
        "X_train and so on": {"X_train": x, "y_train": y, "X_test": x[:20], "y_test": y[:20]},
        "data and label": {"data": x, "label": y},
        "x_train and t_train": {"x_train": x, "t_train": y},
        "features and target": {"features": x / 255, "target": y},
        "imgs and labels": {"imgs": x, "labels": y},
        "four without names": {"arr_0": x, "arr_1": x[:20], "arr_2": y, "arr_3": y[:20]},
        "labels of objects": {"x": x, "y": np.array(["cat", "dog", "cow"], dtype=object)[y]},
    }
    path = Path(tempfile.mkdtemp(prefix="netpick-case-"), "arrays.npz")
    np.savez(path, allow_pickle=True, **named[name])
    return str(path)


def of_npz(name: str, rows: int, parts: tuple[int, int, int] | None = None) -> Reading:
    shape = {"image": ("image", (rows, 1, 28, 28))}
    return Reading(path=f"{ARRAYS}: npz of {name}", make=partial(npz, name), arrays=shape, parts=parts)


PICTURES = (60, 1, 28, 28)
OBJECTS: tuple[Reading, ...] = (
    of_column("Int64 with NA", "number", cells={"c": [None, 1, 2]}),
    of_target("boolean with NA", "classify", labels=("false", "true")),
    of_column("string with NA", "category", cells={"c": [None, "p", "p", "q"]}),
    of_target("category of words", "classify", labels=("p", "q")),
    of_target("ordered category", "classify", labels=("S", "M", "L")),
    of_column("category of ints", "category", cells={"c": ["10", "20", "30"]}),
    of_target("category of ints", "classify", labels=("10", "20", "30")),
    of_column("category of floats", "category", cells={"c": ["0.5", "1.5"]}),
    of_target("category of floats", "classify", labels=("0.5", "1.5")),
    of_column("datetime with zone", "datetime"),
    of_column("Decimals", "number"),
    of_column("UUIDs", "category", values={"c": 3}),
    of_column("bytes", "category", cells={"c": ["a", "b"]}),
    of_column("period months", "datetime"),
    of_column("timedelta", "number", cells={"c": [60.0, 120.0]}),
    of_column("uint64 large", "left_out", cells={"c": [str(2**63), str(2**63 + 5)]}, says="beyond 2^53"),
    of_column("words with blanks", "category", cells={"c": ["q", "p", "p"]}, values={"c": 2}),
    of_column("objects of bools and NaN", "boolean", cells={"c": [True, False, None]}),
    Reading(
        path=f"{FRAMES}: complex",
        make=partial(frame, "complex", as_target=False),
        target="label",
        cells={"c.real": [0.0, 1.0], "c.imag": [1.0, 1.0]},
        says="read as 2 columns: 'c.real', 'c.imag'",
    ),
    of_pair("Series of words", "mail", SPAM),
    of_pair("Series that is called as a column", "a_2", SPAM, says="X has a column 'a' as well"),
    of_pair("Series boolean with NA", "label", ("false", "true"), values={"label": 2}),
    of_pair("Series string with NA", "label", SPAM, values={"label": 2}),
    of_pair("Series object with nan", "label", SPAM, values={"label": 2}),
    of_pair("category of ints", "label", ("5", "6")),
    of_pair("frame of three targets", "t1,t2,t3", ("t1", "t2", "t3"), "regress"),
    of_pair("polars Series", "mail", SPAM),
    *(of_pair(name, "label", ON) for name in ("torch with gradients", "torch bfloat16", "scipy sparse")),
    *(of_pair(name, "mail", SPAM) for name in ("structured array", "dict of columns", "records")),
    Reading(
        path=f"{PAIRS}: two records", make=partial(pair, "two records"), cells={"a": [1.0, 2.0], "mail": ["x", "y"]}
    ),
    of_pair("Enum target", "size", ("S", "M", "L")),
    of_pair("lists of labels", "labels", ("x", "y", "z"), "multilabel"),
    of_pair("struct", "mail", SPAM, cells={"a.u": [1, 1], "a.v": [2.5, 2.5]}),
    of_pair("array of numbers", "mail", SPAM, roles={"emb_1": "number", "emb_3": "number"}),
    of_pair("texts, labels", "label", SPAM, roles={"mail": "text"}),
    *(
        of_array(name, "image", PICTURES)
        for name in (
            *("grey uint8", "grey 0..1", "grey -1..1", "grey 0..255 resized", "grey uint16 of 12 bits"),
            *("grey 0..1 with rounding errors", "grey standardised", "uint16 4-D"),
        )
    ),
    of_array("grey 0..1 not square", "image", (60, 1, 24, 32)),
    *(of_array(name, "image", (60, 3, 24, 32)) for name in ("colour 0..255 resized", "colour normalised", "objects")),
    of_array("two channels", "image", (60, 2, 24, 24)),
    of_array("13 bands", "image", (60, 13, 16, 16)),
    Reading(path=f"{ARRAYS}: flat", make=partial(array, "flat"), values={"label": 3}),
    of_array("series (N, T, C)", "series", (60, 100, 3)),
    of_array("series (N, C, T)", "series", (60, 100, 3), says="Its longer side is time"),
    of_array("series (N, 1, T)", "series", (60, 100, 1)),
    of_array("series (N, 9, 128)", "series", (60, 128, 9)),
    of_array("walks (N, 64, 64)", "series", (60, 64, 64)),
    of_array("noise (N, 64, 64) in 0..1", "image", (60, 1, 64, 64), says="If they are series, say so"),
    Reading(
        path=f"{ARRAYS}: noise (N, 64, 64) in 0..1",
        make=partial(array, "noise (N, 64, 64) in 0..1"),
        kinds=(("image", "series"),),
        arrays={"image": ("series", (60, 64, 64))},
    ),
    of_array("videos", "clip", (60, 8, 3, 16, 16)),
    of_array("series of several lengths", "series", (60, 8, 1)),
    Reading(path=f"{ARRAYS}: volumes", make=partial(array, "volumes"), refuses="volumes, which are not read"),
    of_npz("x and y without names", 60),
    of_npz("X and Y", 60),
    of_npz("X_train and so on", 80, (60, 0, 20)),
    of_npz("data and label", 60),
    of_npz("x_train and t_train", 60),
    of_npz("features and target", 60),
    of_npz("imgs and labels", 60),
    of_npz("four without names", 80, (60, 0, 20)),
    Reading(
        path=f"{ARRAYS}: npz of labels of objects",
        make=partial(npz, "labels of objects"),
        refuses="it holds Python objects",
    ),
)
