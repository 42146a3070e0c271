"""Broken and hostile files of columns and arrays: Parquet, Arrow, JSON lines, npz and IDX."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from corpus.build import (
    FRACTIONS,
    arrow,
    cut,
    file,
    flipped,
    gzip_bomb,
    idx,
    idx_labels,
    npy_header,
    npz,
    packed,
    parquet,
    patched,
    plain_npz,
    table,
    zipped,
)
from corpus.case import Case

FINE = "it reads as the table that it is"
FLIPPED = "a bit of a value or of padding is no damage that a reader could see"


def case(
    reader: str, name: str, made: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = ""
) -> Case:
    make = content if callable(content) and getattr(content, "__name__", "") == "make_folder" else file(made, content)
    return Case(
        name=f"{reader}: {name}",
        make=make,
        code=code if isinstance(code, tuple) else (code,),
        words=words or (made,),
        why=why,
    )


def frame(**cells: Any) -> Callable[[], bytes]:
    """A Parquet file of these columns."""

    def make() -> bytes:
        import polars as pl

        out = io.BytesIO()
        pl.DataFrame(cells).write_parquet(out)
        return out.getvalue()

    return make


def arrow_table(build: Callable[[Any], Any], form: str = "parquet") -> Callable[[], bytes]:
    """A file that pyarrow writes of what `build` makes."""

    def make() -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        made = build(pa)
        out = io.BytesIO()
        if form == "parquet":
            pq.write_table(made, out)
        else:
            with (pa.ipc.new_stream if form == "stream" else pa.ipc.new_file)(out, made.schema) as writer:
                writer.write_table(made)
        return out.getvalue()

    return make


def with_y(pa: Any, **more: Any) -> Any:
    return pa.table({**more, "y": ["ab"[i % 3 > 0] for i in range(60)]})


X = [float(i % 7) for i in range(60)]
Y = ["ab"[i % 3 > 0] for i in range(60)]

PARQUET = (
    case("parquet", "control", "data.parquet", parquet, 0, why=FINE),
    case("parquet", "empty", "data.parquet", b""),
    case("parquet", "magic only", "data.parquet", b"PAR1"),
    case("parquet", "magic twice", "data.parquet", b"PAR1PAR1"),
    case("parquet", "footer longer than the file", "data.parquet", b"PAR1" + b"\0" * 40 + b"\xff\xff\xff\x7fPAR1"),
    case("parquet", "footer of rubbish", "data.parquet", b"PAR1" + b"\x15\x15" * 40 + b"\x50\0\0\0PAR1"),
    case("parquet", "encrypted footer", "data.parquet", b"PARE" + b"\0" * 40 + b"\x20\0\0\0PARE"),
    case("parquet", "a table of text", "data.parquet", table()),
    case("parquet", "Arrow called parquet", "data.parquet", arrow),
    case("parquet", "parquet called csv", "data.csv", parquet, 0, why="by its first bytes it is Parquet"),
    case("parquet", "no rows", "data.parquet", frame(x=[], y=[]), 2, "data.parquet", "no rows"),
    case("parquet", "no columns", "data.parquet", frame(), 2),
    case("parquet", "one row", "data.parquet", frame(x=[1.0], y=["a"]), 2),
    case("parquet", "all missing", "data.parquet", frame(x=[None] * 60, y=[None] * 60), 2, "y"),
    case("parquet", "only lists", "data.parquet", frame(x=[[1, 2]] * 60, z=[[1]] * 60), 2),
    case("parquet", "lists beside plain cells", "data.parquet", frame(x=[[1, 2]] * 60, z=X, y=Y), 0, why="nested columns are left out, and that is said"),
    case("parquet", "structs beside plain cells", "data.parquet", frame(x=[{"a": 1}] * 60, z=X, y=Y), 0, why="nested columns are left out, and that is said"),
    case("parquet", "bytes beside plain cells", "data.parquet", frame(x=[b"\0\xff"] * 60, z=X, y=Y), 0, why="nested columns are left out, and that is said"),
    case("parquet", "nested target", "data.parquet", frame(x=X, y=[[[1]]] * 60), 2, "data.parquet"),
    case("parquet", "infinity", "data.parquet", frame(x=[float("inf"), *X[1:]], y=Y), 2, "'x' (row 1) holds inf"),
    case("parquet", "NaN everywhere", "data.parquet", frame(x=[float("nan")] * 60, y=Y), 2, "x"),
    case("parquet", "texts with NULs", "data.parquet", frame(x=["a\0b", "c"] * 30, z=X, y=Y), 0, why="cells are only cells"),
    case("parquet", "names with NULs", "data.parquet", frame(**{"x\0": X, "y": Y}), 0, why="names are only names"),
    case("parquet", "durations", "data.parquet", arrow_table(lambda pa: with_y(pa, x=X, z=pa.array(range(60), pa.duration("us")))), 0, why="a column that no kind reads is left out"),
    case("parquet", "times of day", "data.parquet", arrow_table(lambda pa: with_y(pa, x=X, z=pa.array(range(60), pa.time64("us")))), 0, why="a column that no kind reads is left out"),
    case("parquet", "dates at the ends of time", "data.parquet", arrow_table(lambda pa: with_y(pa, x=X, z=pa.array([2**62 * (-1) ** i for i in range(60)], pa.timestamp("us")))), (0, 2), "z", why="dates are numbers"),
    case("parquet", "decimals of 38 digits", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array([10**37 + i % 7 for i in range(60)], pa.decimal128(38, 0)), z=X)), 0, why="decimals are numbers"),
    case("parquet", "decimals of 76 digits", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array([10**70 + i % 7 for i in range(60)], pa.decimal256(76, 0)), z=X)), (0, 2), why="decimals are numbers where they can be read"),
    case("parquet", "unsigned integers of 64 bits", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array([2**64 - 1 - i % 7 for i in range(60)], pa.uint64()), z=X)), 0, why="they are numbers"),
    case("parquet", "half floats", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array(np.arange(60, dtype=np.float16) % 7), z=X)), 0, why="they are numbers"),
    case("parquet", "dictionaries", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array(Y).dictionary_encode(), z=X)), 0, why="they are categories"),
    case("parquet", "nulls as a type", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.nulls(60), z=X)), 0, why="a column without cells is left out"),
    case("parquet", "maps", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array([[("a", 1)]] * 60, pa.map_(pa.string(), pa.int64())), z=X)), 0, why="nested columns are left out, and that is said"),
    case("parquet", "lists 60 deep", "data.parquet", arrow_table(lambda pa: with_y(pa, x=pa.array([deep_list(60)] * 60), z=X)), (0, 2), why="nested columns are left out, and that is said"),
    case("parquet", "columns of one name", "data.parquet", arrow_table(lambda pa: pa.Table.from_arrays([pa.array(X), pa.array(X), pa.array(Y)], names=["x", "x", "y"])), (0, 2), why="numbered where they can be read"),
    case("parquet", "names that are empty", "data.parquet", arrow_table(lambda pa: pa.Table.from_arrays([pa.array(X), pa.array(Y)], names=["", "y"])), 0, why="called by their place"),
    case("parquet", "4,000 columns", "data.parquet", frame(**{f"c{i}": [1.0, 2.0] for i in range(4000)}, y=["a", "b"]), 2, "'y'"),
    *(case("parquet", f"cut to {share:.0%}", "data.parquet", cut(parquet, share)) for share in FRACTIONS),
    *(case("parquet", f"flipped bits {seed}", "data.parquet", flipped(parquet, seed), (0, 2), "data", why=FLIPPED) for seed in range(12)),
)  # fmt: skip


def deep_list(depth: int) -> Any:
    made: Any = 1
    for _ in range(depth):
        made = [made]
    return made


ARROW = (
    case("arrow", "control", "data.arrow", arrow, 0, why=FINE),
    case("arrow", "control, stream", "data.arrows", arrow_table(lambda pa: with_y(pa, x=X), "stream"), 0, why=FINE),
    case("arrow", "empty", "data.arrow", b""),
    case("arrow", "magic only", "data.arrow", b"ARROW1"),
    case("arrow", "magic twice", "data.arrow", b"ARROW1\0\0ARROW1"),
    case("arrow", "stream of rubbish", "data.arrows", b"\xff\xff\xff\xff\x10\0\0\0" + b"\1" * 40),
    case("arrow", "stream that claims 2 GB of header", "data.arrows", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\0" * 40),
    case("arrow", "feather of version 1", "data.feather", b"FEA1" + b"\0" * 60 + b"FEA1"),
    case("arrow", "a table of text", "data.feather", table(), 2, "data.feather"),
    case("arrow", "no rows", "data.arrow", arrow_table(lambda pa: pa.table({"x": pa.array([], pa.float64())}), "file"), 2),
    case("arrow", "only lists", "data.arrow", arrow_table(lambda pa: pa.table({"x": [[1]] * 60}), "file"), 2),
    case("arrow", "infinity", "data.arrow", arrow_table(lambda pa: with_y(pa, x=[float("-inf"), *X[1:]]), "file"), 2, "'x' (row 1) holds -inf"),
    case("arrow", "unions", "data.arrow", arrow_table(lambda pa: with_y(pa, x=pa.UnionArray.from_sparse(pa.array([0] * 60, pa.int8()), [pa.array(X)]), z=X), "file"), (0, 2), why="nested columns are left out where they can be read"),
    case("arrow", "extension types", "data.arrow", arrow_table(lambda pa: with_y(pa, x=pa.array([b"0123456789abcdef"] * 60, pa.uuid()) if hasattr(pa, "uuid") else X, z=X), "file"), (0, 2), why="bytes are left out where they can be read"),
    *(case("arrow", f"cut to {share:.0%}", "data.arrow", cut(arrow, share)) for share in FRACTIONS),
    *(case("arrow", f"flipped bits {seed}", "data.arrow", flipped(arrow, seed), (0, 2), "data", why=FLIPPED) for seed in range(12)),
    *(case("arrow", f"length {place} patched", "data.arrow", patched(arrow, place, b"\xff\xff\xff\x7f"), (0, 2), "data", why=FLIPPED) for place in (12, 40, 200, 600)),
)  # fmt: skip


def objects(count: int = 60, **more: Any) -> list[dict[str, Any]]:
    return [{"x": i % 7, "y": "ab"[i % 3 > 0], **more} for i in range(count)]


def json_lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def line_replaced(number: int, new: str) -> str:
    rows = json_lines(objects()).split("\n")
    rows[number - 1] = new
    return "\n".join(rows)


def jsonl(name: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "") -> Case:
    return case("json lines", name, "data.jsonl", content, code, *words, why=why)


GOOD_LINES = json_lines(objects())
JSON = (
    jsonl("control", GOOD_LINES, 0, why=FINE),
    jsonl("empty", b""),
    jsonl("blank lines", b"\n\n\n"),
    jsonl("one object", '{"x": 1, "y": "a"}\n', 2, "data.jsonl"),
    jsonl("empty objects", "{}\n" * 60),
    jsonl("an array of objects", json.dumps(objects()), 2, "line 1"),
    jsonl("an object over many lines", json.dumps(objects()[0], indent=1), 2, "line 1"),
    jsonl("not closed", line_replaced(20, '{"x": 1, "y": "a"'), 2, "line 20"),
    jsonl("last line cut", GOOD_LINES[:-9], 2, "line 60"),
    jsonl("two objects on a line", line_replaced(20, '{"x": 1, "y": "a"} {"x": 1, "y": "a"}'), (0, 2), "line 20", why="some write it so"),
    jsonl("single quotes", line_replaced(20, "{'x': 1, 'y': 'a'}"), 2, "line 20"),
    jsonl("comment", line_replaced(20, "// a comment"), 2, "line 20"),
    jsonl("comma behind the last", line_replaced(20, '{"x": 1, "y": "a",}'), 2, "line 20"),
    jsonl("NaN", line_replaced(20, '{"x": NaN, "y": "a"}'), 0, why="Python and pandas write missing numbers so"),
    jsonl("Infinity", line_replaced(20, '{"x": Infinity, "y": "a"}'), 0, why="Python and pandas write infinity so"),
    jsonl("number beyond float64", line_replaced(20, '{"x": 1e999, "y": "a"}'), 2, "20"),
    jsonl("integer of 400 digits", line_replaced(20, '{"x": ' + "9" * 400 + ', "y": "a"}'), 2, "20"),
    jsonl("integer of 64 bits and more", line_replaced(20, '{"x": 18446744073709551617, "y": "a"}'), (0, 2), "20", why="a number"),
    jsonl("duplicate keys", line_replaced(20, '{"x": 1, "x": 2, "y": "a"}'), (0, 2), "20", why="the last one counts"),
    jsonl("keys that are empty", json_lines([{"": i % 7, "y": "ab"[i % 3 > 0]} for i in range(60)]), 0, why="called by their place"),
    jsonl("different types in a column", json_lines([{"x": i if i % 2 else f"t{i % 5}", "y": "ab"[i % 3 > 0]} for i in range(60)]), (0, 2), "x", why="read as text"),
    jsonl("objects in cells", json_lines(objects(z={"a": 1})), 0, why="nested columns are left out, and that is said"),
    jsonl("lists in cells", json_lines(objects(z=[1, [2]])), 0, why="nested columns are left out, and that is said"),
    jsonl("all cells nested", json_lines([{"x": [i]} for i in range(60)]), 2),
    jsonl("lists and numbers in a column", json_lines([{"x": [i] if i % 2 else i, "z": i % 5, "y": "ab"[i % 3 > 0]} for i in range(60)]), (0, 2), "x", why="left out"),
    jsonl("nested 200 deep", line_replaced(20, '{"x": ' + "[" * 200 + "]" * 200 + ', "y": "a"}'), (0, 2), "data.jsonl", why="nested columns are left out, and that is said"),
    jsonl("nested 5,000 deep", line_replaced(20, '{"x": ' + "[" * 5_000 + "]" * 5_000 + ', "y": "a"}'), 2, "line 20"),
    jsonl("nested a million deep", line_replaced(20, '{"x": ' + "[" * 1_000_000 + "]" * 1_000_000 + ', "y": "a"}'), 2, "line 20"),
    jsonl("nested a million deep, never closed", line_replaced(20, '{"x": ' + "[" * 1_000_000), 2, "line 20"),
    jsonl("objects nested 100,000 deep", line_replaced(20, '{"a":' * 100_000 + "1" + "}" * 100_000), 2, "line 20"),
    jsonl("nested deep in the first line", '{"x": ' + "[" * 50_000 + "]" * 50_000 + "}\n" + GOOD_LINES, 2, "line 1"),
    jsonl("brackets in texts", json_lines([{"x": "[" * (i % 7) * 500, "z": i % 5, "y": "ab"[i % 3 > 0]} for i in range(60)]), 0, why="brackets of a text open nothing"),
    jsonl("100,000 keys in a line", line_replaced(20, json.dumps({f"k{i}": i for i in range(100_000)})), 2, "data.jsonl", "100,00"),
    jsonl("another key on each of 30,000 lines", "".join(f'{{"k{i}": 1}}\n' for i in range(30_000)), 2, "data"),
    jsonl("text of 30 MB", lambda: json_lines([*objects(), {"x": 1, "y": "word " * 6_000_000}]), (0, 2), "y", why="a label is a label"),
    jsonl("escaped NULs in texts", json_lines([{"x": f"a\0b{i % 4}", "z": i % 5, "y": "ab"[i % 3 > 0]} for i in range(60)]), 0, why="cells are only cells"),
    jsonl("plain NUL", GOOD_LINES.encode().replace(b'"a"', b'"a\0"', 1), 2),
    jsonl("NUL behind the first megabyte", lambda: json_lines(objects(40_000)).encode() + b'{"x": 1, "y": "a\0"}\n', 2),
    jsonl("lone surrogate escaped", line_replaced(20, '{"x": 1, "y": "\\ud800"}'), 2, "'y'"),
    jsonl("lone surrogate in UTF-8", GOOD_LINES.encode().replace(b'"a"', b'"\xed\xa0\x80"', 1), (0, 2), "'y'", why="guessed as Western, and that is said"),
    jsonl("Latin-1", json_lines([{"x": i % 7, "y": ("süß", "öd")[i % 2]} for i in range(60)]).encode("latin-1"), 0, why="guessed, and that is said"),
    jsonl("UTF-16", GOOD_LINES.encode("utf-16"), 0, why="it has its mark"),
    jsonl("UTF-16 cut", GOOD_LINES.encode("utf-16")[:-1], 2),
    jsonl("UTF-32", GOOD_LINES.encode("utf-32"), 0, why="it has its mark"),
    jsonl("mark of UTF-8", b"\xef\xbb\xbf" + GOOD_LINES.encode(), 0, why=FINE),
    jsonl("Windows line ends", GOOD_LINES.replace("\n", "\r\n"), 0, why=FINE),
    jsonl("old Macintosh line ends", GOOD_LINES.replace("\n", "\r"), (0, 2), "line 1", why="blanks between objects"),
    jsonl("Unicode line separators", json_lines([{"x": i % 7, "y": "ab"[i % 3 > 0] + "\u2028"} for i in range(60)]), 0, why="they end no line"),
    jsonl("CSV", table(), 2, "line 1"),
    jsonl("YAML", "x: 1\ny: a\n" * 60, 2, "line 1"),
    case("json lines", "gzip bomb", "data.jsonl.gz", lambda: gzip_bomb(3_000), 2, "data.jsonl.gz"),
    case("json lines", "gzip bomb of a line", "data.jsonl.gz", lambda: packed(b'{"x": "' + b"a" * 800_000_000), 2, "data.jsonl.gz"),
    *(case("json lines", f"gzip cut to {share:.0%}", "data.jsonl.gz", cut(lambda: packed(GOOD_LINES.encode()), share), 2, "data.jsonl.gz") for share in FRACTIONS),
    case("json", "a list of objects", "data.json", json.dumps(objects()), 0, why="it is a table"),
    case("json", "a list that is cut", "data.json", json.dumps(objects())[:-9], 2, "data.json"),
    case("json", "a list of numbers", "data.json", json.dumps([1, 2, 3]), 2, "data.json"),
    case("json", "a list nested 100,000 deep", "data.json", "[" * 100_000, 2, "data.json"),
)  # fmt: skip


def array(name: str, content: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "") -> Case:
    return case("npz", name, "data.npz", content, code, *words, why=why)


def saved(**arrays: Any) -> Callable[[], bytes]:
    return lambda: npz(**{name: np.asarray(value) for name, value in arrays.items()})


def members(*pairs: tuple[str, bytes]) -> Callable[[], bytes]:
    return lambda: zipped(pairs, zipfile.ZIP_STORED)


LABELS = np.arange(60) % 2


def objects_array() -> bytes:
    return npz(x=np.array([{"a": 1}, [2], None] * 20, dtype=object), y=LABELS)


class Runs:
    """What pickle would run on loading; nothing of ours ever does."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, ("code-was-run",)


def running_array() -> bytes:
    return npz(x=np.array([Runs()] * 60, dtype=object), y=LABELS)


NUMBERS = np.random.default_rng(0).normal(size=(60, 4))
NPZ = (
    array("control", plain_npz, 0, why=FINE),
    array("control, images", saved(x=np.random.default_rng(0).integers(0, 255, (60, 8, 8)).astype(np.uint8), y=LABELS), 0, why=FINE),
    array("empty", b""),
    array("no zip", b"not a zip at all"),
    array("empty zip", members()),
    array("empty arrays", saved(x=np.zeros((0, 4)), y=np.zeros(0))),
    array("no columns", saved(x=np.zeros((60, 0)), y=LABELS)),
    array("names that say nothing", saved(foo=NUMBERS, bar=LABELS), 2, "data.npz", "foo"),
    array("fewer labels than rows", saved(x=NUMBERS, y=LABELS[:50]), 2, "60", "50"),
    array("labels of three dimensions", saved(x=NUMBERS, y=LABELS.reshape(60, 1, 1)), 2, "y"),
    array("a single number", saved(x=np.float64(3), y=np.float64(1))),
    array("five dimensions", saved(x=np.zeros((60, 2, 2, 2, 2)), y=LABELS), 2, "(60, 2, 2, 2, 2)"),
    array("nine dimensions", saved(x=np.zeros((60, 1, 1, 1, 1, 1, 1, 1, 1)), y=LABELS)),
    array("complex numbers", saved(x=NUMBERS.astype(complex), y=LABELS), 2, "complex"),
    array("complex images", saved(x=np.zeros((60, 8, 8), complex), y=LABELS), 2, "complex"),
    array("Python objects", objects_array, 2, "objects"),
    array("Python objects that run code", running_array, 2, "objects"),
    array("records", saved(x=np.zeros(60, [("a", "f8"), ("b", "i4")]), y=LABELS)),
    array("dates", saved(x=np.arange(60).astype("datetime64[D]"), y=LABELS), 0, why="a column of dates"),
    array("dates at the ends of time", saved(x=np.array([2**62, -(2**62)] * 30).astype("datetime64[s]"), y=LABELS), 2, "data.npz"),
    array("times that are none", saved(x=np.array(["NaT"] * 60, "datetime64[D]"), y=LABELS), 2),
    array("durations", saved(x=(np.arange(60) % 7).astype("timedelta64[s]"), y=LABELS), 0, why="durations are numbers of seconds"),
    array("texts", saved(x=np.array(["red", "blue"] * 30), y=LABELS), 0, why="a category"),
    array("bytes that are no UTF-8", saved(x=np.array([b"\xff\xfe", b"a"] * 30), y=LABELS), 2, "x1"),
    array("texts with NULs", saved(x=np.array(["a\0b", "c"] * 30), y=LABELS), 0, why="cells are only cells"),
    array("labels of bytes that are no UTF-8", saved(x=NUMBERS, y=np.array([b"\xff\xfe", b"a"] * 30)), 2, "label"),
    array("booleans", saved(x=NUMBERS > 0, y=LABELS), 0, why="they are yes and no"),
    array("all NaN", saved(x=NUMBERS * np.nan, y=LABELS), 2),
    array("infinity", saved(x=np.where(np.eye(60, 4) > 0, np.inf, NUMBERS), y=LABELS), 2, "inf"),
    array("infinite series", saved(x=np.full((60, 12, 2), np.inf), y=LABELS), 2, "inf"),
    array("infinity in one step of a series", saved(x=np.where(np.arange(60 * 24).reshape(60, 12, 2) == 700, np.inf, 1.5 * np.arange(2)), y=LABELS), 2, "inf"),
    array("NaN in all series", saved(x=np.full((60, 12, 2), np.nan), y=LABELS), 2, "missing"),
    array("huge series", saved(x=np.random.default_rng(0).normal(size=(60, 12, 2)) * 1e300, y=LABELS), 2, "data"),
    array("series of no steps", saved(x=np.zeros((60, 0, 2)), y=LABELS)),
    array("constant series", saved(x=np.full((60, 12, 2), 1.5), y=LABELS), 2, "constant"),
    array("images of one pixel", saved(x=np.zeros((60, 1, 1, 1), np.uint8), y=LABELS), 2, "constant"),
    array("images of 2 x 2", saved(x=np.arange(240).astype(np.uint8).reshape(60, 2, 2), y=LABELS), (0, 2, 3), "data", why="read as series of two steps"),
    array("images of NaN", saved(x=np.full((60, 8, 8, 1), np.nan), y=LABELS), 2),
    array("images of infinity", saved(x=np.full((60, 8, 8, 1), np.inf), y=LABELS), 2),
    array("images of -5 to 300", saved(x=np.linspace(-5, 300, 60 * 64).reshape(60, 8, 8, 1), y=LABELS), 0, why="floats are brought from their own range, and it is said"),
    array("images of two channels", saved(x=np.zeros((60, 8, 8, 2)), y=LABELS), 2, "'image'"),
    array("images of 128 bits", saved(x=np.zeros((60, 8, 8, 1), np.longdouble), y=LABELS), 2, "constant"),
    array("labels of NaN", saved(x=NUMBERS, y=np.full(60, np.nan)), 2, "target"),
    array("labels of infinity", saved(x=NUMBERS, y=np.array([np.inf, 1.5] * 30)), 2, "inf"),
    array("one class", saved(x=NUMBERS, y=np.zeros(60, int)), 2, "'label'"),
    array("unsigned labels above 2**63", saved(x=NUMBERS, y=np.array([2**64 - 1, 2**64 - 2] * 30, np.uint64)), 0, why="labels are labels"),
    array("unsigned numbers above 2**63", saved(x=np.array([[2**64 - 1 - i % 5] for i in range(60)], np.uint64), y=LABELS), (0, 2), why="numbers are numbers"),
    array("big-endian numbers", saved(x=NUMBERS.astype(">f8"), y=LABELS.astype(">i4")), 0, why="numbers are numbers"),
    array("Fortran order", saved(x=np.asfortranarray(NUMBERS), y=LABELS), 0, why="numbers are numbers"),
    array("a header that claims 80 GB", members(("x.npy", npy_header("(100000, 100000)") + b"\0" * 999), ("y.npy", npy_header("(60,)") + b"\0" * 480)), 2, "100000x100000"),
    array("a header of negative length", members(("x.npy", npy_header("(-1, 4)") + b"\0" * 999), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of astronomic length", members(("x.npy", npy_header(f"({10**30}, 4)") + b"\0" * 999), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of zero times astronomic", members(("x.npy", npy_header(f"(0, {10**15})")), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of a million dimensions", members(("x.npy", npy_header("(" + "1," * 3000 + ")") + b"\0" * 8), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header with True as a side", members(("x.npy", npy_header("(True, 4)") + b"\0" * 32), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header that is code", members(("x.npy", npy_header("__import__('os').mkdir('code-was-run')") + b"\0" * 32), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of a deep type", members(("x.npy", npy_header("(60,)", dtype="[" * 90 + "]" * 90) + b"\0" * 480), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of a type of 2 GB", members(("x.npy", npy_header("(60,)", dtype="'|S2000000000'") + b"\0" * 480), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of a subarray type", members(("x.npy", npy_header("(60,)", dtype="('<f8', (100000, 100000))") + b"\0" * 480), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of objects that claims none", members(("x.npy", npy_header("(60,)", dtype="'|O'") + b"cos\nsystem\n."), ("y.npy", npy_header("(60,)") + b"\0" * 480)), 2, "objects"),
    array("a header without end", members(("x.npy", b"\x93NUMPY\x01\x00\xff\xff{'descr'"), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of 4 GB", members(("x.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{"), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("a header of version 9", members(("x.npy", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16), ("y.npy", npy_header("(60,)") + b"\0" * 480))),
    array("members that are no arrays", members(("x.npy", b"hello"), ("y.npy", b"world"))),
    array("members that leave the zip", members(("../x.npy", npy_header("(60,)") + b"\0" * 480), ("../y.npy", npy_header("(60,)") + b"\0" * 480)), 2),
    array("members of one name", members(("x.npy", npy_header("(60,)") + b"\0" * 480), ("x.npy", npy_header("(60,)") + b"\0" * 480), ("y.npy", npy_header("(60,)") + b"\0" * 480)), 2),
    array("20,000 members", lambda: zipped([(f"a{i}.npy", npy_header("(1,)") + b"\0" * 8) for i in range(20_000)], zipfile.ZIP_STORED), 2),
    array("zeros that unpack a thousandfold", lambda: zipped([("x.npy", npy_header("(60, 1250000)") + b"\0" * 600_000_000), ("y.npy", npy_header("(60,)") + b"\0" * 480)]), 2, "data.npz"),
    *(array(f"cut to {share:.0%}", cut(plain_npz, share)) for share in FRACTIONS),
    *(array(f"flipped bits {seed}", flipped(plain_npz, seed, 2), (0, 2), "data", why=FLIPPED) for seed in range(10)),
    case("npz", "a single .npy file", "data.npy", lambda: npy_header("(60,)") + b"\0" * 480, 2, "data.npy"),
)  # fmt: skip


def pair(
    name: str, images: Any, labels: Any, code: int | tuple[int, ...] = 2, *words: str, why: str = "", ending: str = ""
) -> Case:
    def make(folder: Path) -> Path:
        if labels is not None:
            file(f"small-labels-idx1-ubyte{ending}", labels)(folder)
        return file(f"small-images-idx3-ubyte{ending}", images)(folder)

    return Case(
        name=f"idx: {name}",
        make=make,
        code=code if isinstance(code, tuple) else (code,),
        words=words or ("small-images-idx3-ubyte",),
        why=why,
    )


IMAGES = idx([40, 8, 8])
IDX = (
    pair("control", IMAGES, idx_labels(40), 0, why=FINE),
    pair("control, gzip", lambda: packed(IMAGES), lambda: packed(idx_labels(40)), 0, why=FINE, ending=".gz"),
    pair("no labels", IMAGES, None, 2, "labels"),
    pair("empty images", b"", idx_labels(40)),
    pair("empty labels", IMAGES, b"", 2, "small-labels-idx1-ubyte"),
    pair("header only", IMAGES[:16], idx_labels(40), 2, "40 x 8 x 8"),
    pair("header cut", IMAGES[:9], idx_labels(40)),
    pair("fewer labels", IMAGES, idx_labels(39), 2, "40", "39"),
    pair("labels twice", idx_labels(40), idx_labels(40), (0, 2), why="numbers of one column"),
    pair("images twice", IMAGES, IMAGES, 2, "small-labels"),
    pair("too many bytes", IMAGES + b"\0", idx_labels(40)),
    pair("no images", idx([0, 8, 8], b""), idx_labels(0)),
    pair("images without pixels", idx([40, 0, 0], b""), idx_labels(40)),
    pair("five dimensions", bytes([0, 0, 8, 5]) + IMAGES[4:], idx_labels(40)),
    pair("no dimensions", bytes([0, 0, 8, 0]) + IMAGES[4:], idx_labels(40)),
    pair("unknown type", bytes([0, 0, 7, 3]) + IMAGES[4:], idx_labels(40)),
    pair("other magic", b"\x7fELF" + IMAGES[4:], idx_labels(40), 2, "7f 45 4c 46"),
    pair("claims 4 billion images", bytes([0, 0, 8, 3]) + struct.pack(">III", 2**32 - 1, 8, 8) + b"\0" * 2560, idx_labels(40), 2, "4294967295"),
    pair("claims 2**96 values", bytes([0, 0, 8, 3]) + struct.pack(">III", *[2**32 - 1] * 3) + b"\0" * 2560, idx_labels(40)),
    pair("floats of NaN", idx([40, 8, 8], struct.pack(">f", float("nan")) * 2560, 0x0D), idx_labels(40)),
    pair("floats of infinity", idx([40, 8, 8], struct.pack(">f", float("inf")) * 2560, 0x0D), idx_labels(40)),
    pair("doubles near the end of numbers", idx([40, 8, 8], struct.pack(">d", 1e308) * 2560, 0x0E), idx_labels(40)),
    pair("one class", IMAGES, idx([40], bytes(40)), 2, "'label'"),
    pair("40 classes of one image", IMAGES, idx([40], bytes(range(40))), 0, why="labels that all differ are numbers to regress"),
    pair("gzip bomb", lambda: packed(bytes([0, 0, 8, 3]) + struct.pack(">III", 40, 8, 8)) + gzip_bomb(2_000), lambda: packed(idx_labels(40)), 2, ending=".gz"),
    pair("gzip bomb as it claims", lambda: packed(bytes([0, 0, 8, 3]) + struct.pack(">III", 40, 8000, 8000) + b"\0" * (40 * 64_000_000 // 8)), lambda: packed(idx_labels(40)), 2, ending=".gz"),
    *(pair(f"gzip cut to {share:.0%}", cut(lambda: packed(IMAGES), share), lambda: packed(idx_labels(40)), 2, ending=".gz") for share in FRACTIONS),
    *(pair(f"cut to {share:.0%}", cut(lambda: IMAGES, share), idx_labels(40)) for share in FRACTIONS),
)  # fmt: skip

CASES = (*PARQUET, *ARROW, *JSON, *NPZ, *IDX)
