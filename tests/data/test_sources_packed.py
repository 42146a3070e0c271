"""Tables in zips, folders and JSON; columns of objects and lists; files named for what they are."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import wave
import zipfile
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import TEST, FileColumn, Source, TableColumn

TABLE = "x,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))


def zipped(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def cells(source: Source) -> dict[str, list[object]]:
    return {name: c.values.to_list() for name, c in source.columns.items() if isinstance(c, TableColumn)}


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_one_table_of_a_zip(tmp_path: Path) -> None:
    source = open_source(zipped(tmp_path / "archive.zip", **{"data/__MACOSX/._t.csv": b"\0", "data/t.csv": TABLE}))
    assert (source.num_rows, source.name) == (20, "archive")
    assert source.origin == str(tmp_path / "archive.zip")
    assert not any("netpick-zip" in note.text for note in source.notes)


def test_train_and_test_of_a_zip_give_the_split(tmp_path: Path) -> None:
    source = open_source(
        zipped(tmp_path / "x.zip", **{"train.csv": TABLE, "test.csv": TABLE, "sampleSubmission.csv": "id\n1\n"})
    )
    assert source.given_split is not None
    assert int((source.given_split == TEST).sum()) == 20


def test_a_table_that_names_the_pictures_of_its_zip(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {f"d/images/{i}.png": png() for i in range(4)}
    members["d/labels.csv"] = "id,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(4))
    source = open_source(zipped(tmp_path / "x.zip", **members))
    column = source.columns["id"]
    assert isinstance(column, FileColumn)
    assert (column.in_zip, column.root, column.paths[0]) == (True, tmp_path / "x.zip", "d/images/0.png")


def test_several_tables_of_a_zip_are_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", **{"one.csv": TABLE, "two.csv": TABLE})
    with pytest.raises(RequestError, match=r"x\.zip holds several data files \(one\.csv, two\.csv\)"):
        open_source(path)


def test_a_table_that_leaves_its_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leaves the zip"):
        open_source(zipped(tmp_path / "x.zip", **{"../evil.csv": TABLE, "good.csv": TABLE}))


def test_a_table_that_would_explode_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", **{"t.csv": bytes(300 * 1024 * 1024)})
    with pytest.raises(DataError, match="says it unpacks from"):
        open_source(path)


def test_errors_name_the_zip_and_its_member(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_source(zipped(tmp_path / "x.zip", **{"t.csv": "a,b\n1,2\n3\n4,5\n"}))
    assert f"{tmp_path / 'x.zip'}: t.csv, line 3" in str(caught.value)


@pytest.mark.parametrize(("ending", "pack"), [("bz2", bz2.compress), ("xz", lzma.compress)])
def test_packed_tables(tmp_path: Path, ending: str, pack: object) -> None:
    assert callable(pack)
    path = tmp_path / f"t.csv.{ending}"
    path.write_bytes(pack(TABLE.encode()))
    source = open_source(path)
    assert (source.num_rows, source.name) == (20, "t")


@pytest.mark.parametrize(
    "value",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"a": [1, 2], "b": ["x", "y"]},
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]},
        {"count": 2, "results": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
        [["a", "b"], [1, "x"], [2, "y"]],
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_json_that_is_one_value(tmp_path: Path, value: object, indent: int | None) -> None:
    (tmp_path / "t.json").write_text(json.dumps(value, indent=indent))
    assert cells(open_source(tmp_path / "t.json")) == {"a": [1, 2], "b": ["x", "y"]}


def test_json_lines_called_json(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"a": 1, "u": {"v": 5}}\n{"a": 2, "u": {"v": 6}}\n')
    assert cells(open_source(tmp_path / "t.json")) == {"a": [1, 2], "u.v": [5, 6]}


def test_folders_of_parquet_are_one_table(tmp_path: Path) -> None:
    spark = tmp_path / "spark"
    spark.mkdir()
    (spark / "_SUCCESS").touch()
    for part in (0, 1):
        pl.DataFrame({"x": [part, part], "label": ["a", "b"]}).write_parquet(spark / f"part-0000{part}.snappy.parquet")
    assert cells(open_source(spark))["x"] == [0, 0, 1, 1]
    hive = tmp_path / "hive"
    for year in (2020, 2021):
        (hive / f"year={year}").mkdir(parents=True)
        pl.DataFrame({"x": [1.5]}).write_parquet(hive / f"year={year}" / "0.parquet")
    assert cells(open_source(hive)) == {"x": [1.5, 1.5], "year": [2020, 2021]}


def test_pieces_of_a_table_are_one_table(tmp_path: Path) -> None:
    for part in (0, 1):
        (tmp_path / f"part-0000{part}.csv").write_text(f"x,label\n{part},a\n{part + 0.5},b\n")
    (tmp_path / "_SUCCESS").touch()
    source = open_source(tmp_path)
    assert cells(source)["x"] == [0, 0.5, 1, 1.5]
    assert source.notes[-1].text == "2 parts are read as one table."


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.xls", b"<html><table><tr><td>1</td></tr></table></html>", "an HTML table called .xls"),
        ("t.csv", b"<!DOCTYPE html><html><body>Please log in</body></html>", "a web page called .csv"),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of an old spreadsheet"),
        ("t.pkl", b"\x80\x04\x95\0\0\0", "a Python pickle, which can run any code and is never opened"),
        ("t.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"),
        ("t.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("t.npy", b"\x93NUMPY\x01\0", "does not begin like a numpy array"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_source(tmp_path / name)
    assert what in str(caught.value)
    assert str(caught.value).endswith(".")


def test_names_of_files_are_never_learned_from(tmp_path: Path) -> None:
    rows = "".join(f"photo_{i}_{'ab'[i % 2]}.jpg,{i * i % 11}.5,{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("file,size,label\n" + rows)
    schema = infer_schema(open_source(tmp_path / "t.csv"), SchemaOptions(target=("label",)))
    assert {f.name: f.role for f in schema.fields} == {"file": "left_out", "size": "feature", "label": "target"}


def wav(value: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(value.to_bytes(2, "little") * 400)
    return buffer.getvalue()


def test_class_folders_of_sounds_in_a_zip(tmp_path: Path) -> None:
    members = {f"sounds/{label}/{i}.wav": wav(i) for label in ("yes", "no") for i in range(4)}
    path = zipped(tmp_path / "words.zip", **members, **{"__MACOSX/sounds/yes/._0.wav": b"x"})
    source = open_source(path)
    column = source.columns["sound"]
    assert isinstance(column, FileColumn)
    assert (source.num_rows, source.name, source.origin) == (8, "words", str(path))
    assert all((column.root / file).is_file() for file in column.paths)
    assert not any("netpick-zip" in note.text for note in source.notes)
    assert open_source(path).fingerprint == source.fingerprint


def test_a_table_of_sounds_in_a_zip(tmp_path: Path) -> None:
    members = {f"esc/audio/{i}.wav": wav(i) for i in range(8)}
    rows = "".join(f"{i}.wav,{i % 2},{['dog', 'rain'][i % 2]}\n" for i in range(8))
    source = open_source(
        zipped(tmp_path / "esc.zip", **members, **{"esc/meta/esc.csv": f"filename,fold,category\n{rows}"})
    )
    assert isinstance(source.columns["filename"], FileColumn)
    assert source.columns["filename"].kind == "audio"


def test_sounds_of_a_zip_must_stay_in_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", **{"../a.wav": wav(1), "b.wav": wav(2)})
    with pytest.raises(DataError, match="leaves the zip"):
        open_source(path)


def test_json_of_other_jobs_and_of_maps(tmp_path: Path) -> None:
    coco = tmp_path / "coco.json"
    coco.write_text(json.dumps({"images": [{"id": 1}], "annotations": [{"bbox": [1]}], "categories": [{"id": 1}]}))
    with pytest.raises(DataError, match=r"coco\.json holds boxes, but no pictures lie beside it"):
        open_source(coco)
    coco.write_text(json.dumps({"images": [{"id": 1}], "annotations": [{"caption": "a dog"}]}))
    with pytest.raises(DataError, match=r"holds annotations of pictures without boxes or outlines \(COCO\)"):
        open_source(coco)
    features = [{"type": "Feature", "geometry": None, "properties": {"x": i, "label": "ab"[i % 2]}} for i in range(6)]
    (tmp_path / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert cells(open_source(tmp_path / "map.geojson"))["label"] == list("ababab")


def test_nan_in_json_lines_is_missing_and_said(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1.5, "b": "x"}\n{"a": NaN, "b": "NaN, or so"}\n')
    source = open_source(path)
    assert cells(source) == {"a": [1.5, None], "b": ["x", "NaN, or so"]}
    assert any("NaN and Infinity" in note.text for note in source.notes)


def test_files_that_differ_in_their_numbers_are_one_table(tmp_path: Path) -> None:
    for month in (1, 2, 3):
        (tmp_path / f"2021-0{month}.csv").write_text(f"x,label\n{month},a\n{month},b\n")
    assert cells(open_source(tmp_path))["x"] == [1, 1, 2, 2, 3, 3]
    (tmp_path / "2021-04.csv").write_text("other,label\n4,a\n")
    with pytest.raises(RequestError, match="holds several data files"):
        open_source(tmp_path)


def test_several_tables_of_a_zip_are_named_with_what_can_be_typed(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"\(a.csv, b.csv\), but one was expected. Unpack it, and name the one to read.$"
    ):
        open_source(zipped(tmp_path / "x.zip", **{"a.csv": TABLE, "b.csv": TABLE}))
