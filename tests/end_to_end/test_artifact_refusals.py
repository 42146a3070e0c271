"""A model file that is not what `netpick fit` wrote is refused before anything of it is used."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

import netpick
from netpick.disk.strict import manifest_of, write_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.saved.record import FORMAT

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(80, 3))
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)}).with_columns(
        y=pl.Series(["ab"[int(v > 0)] for v in x[:, 0]])
    )
    run = netpick.fit(
        frame, models="mlp", prefer="network", steps=5, accept=("D002",), out=tmp_path_factory.mktemp("model") / "run"
    )
    with zipfile.ZipFile(run.folder / "model.netpick") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members) -> Path:
    """A model file of these members in their order, with a manifest that fits them."""
    contents = {name: content for name, content in members.items() if name != MANIFEST}
    with path.open("wb") as file:
        write_archive(file, {MANIFEST: manifest_of(FORMAT, contents), **contents})
    return path


def with_model(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    model = json.loads(members["model.json"])
    change(model)
    return {**members, "model.json": json.dumps(model).encode()}


def with_weights(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    weights = {name: array.copy() for name, array in load_arrays(members["weights.safetensors"]).items()}
    change(weights)
    return {**members, "weights.safetensors": save_arrays(weights)}


def first(weights: dict[str, Any]) -> str:
    """The same matrix each time: safetensors hands its names out in no fixed order."""
    return min(name for name, array in weights.items() if array.dtype == np.float32 and array.ndim > 1)


HOSTILE: dict[str, Callable[[Members], Members]] = {
    "an unknown family": lambda m: with_model(m, lambda d: d.update(family="os.system")),
    "an unknown kind": lambda m: with_model(m, lambda d: d["encoders"][0].update(kind="builtins.eval")),
    "an unknown task": lambda m: with_model(m, lambda d: d.update(task="__import__")),
    "an extra key": lambda m: with_model(m, lambda d: d.update(code="import os")),
    "a missing key": lambda m: with_model(m, lambda d: d.pop("labels")),
    "a setting of another type": lambda m: with_model(m, lambda d: d["settings"].update(width="128")),
    "a setting out of range": lambda m: with_model(m, lambda d: d["settings"].update(width=-3)),
    "another input shape": lambda m: with_model(m, lambda d: d["inputs"]["vector"].update(shape=[4])),
    "other weights": lambda m: with_weights(m, lambda w: w[first(w)].__iadd__(0.5)),
    "weights that are no numbers": lambda m: with_weights(m, lambda w: w[first(w)].fill(np.nan)),
    "weights of another shape": lambda m: with_weights(m, lambda w: w.update({first(w): w[first(w)].reshape(-1)})),
    "weights that are missing": lambda m: with_weights(m, lambda w: w.pop(first(w))),
    "a duplicate key": lambda m: {
        **m,
        "model.json": m["model.json"].replace(b'"format": 1', b'"format": 1, "format": 1'),
    },
    "NaN in its JSON": lambda m: {
        **m,
        "model.json": m["model.json"].replace(b'"threshold": ', b'"threshold": NaN, "x": '),
    },
    "deep JSON": lambda m: {**m, "model.json": b"[" * 100_000 + b"]" * 100_000},
    "JSON that is none": lambda m: {**m, "model.json": b"\x80\x04\x95cposix\nsystem\n"},
    "a pickle for weights": lambda m: {**m, "weights.safetensors": b"\x80\x04\x95cposix\nsystem\n(S'true'\ntR."},
    "one member more": lambda m: {**m, "run.py": b"import os"},
    "a path that leaves": lambda m: {**{k: v for k, v in m.items() if k != "card.md"}, "../card.md": b"x"},
    "one member less": lambda m: {k: v for k, v in m.items() if k != "check.safetensors"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str, members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "model.netpick", HOSTILE[name](members))
    with pytest.raises(netpick.ModelFileError) as refusal:
        netpick.load(path)
    assert len(str(refusal.value)) < 600


def test_the_rewritten_original_loads(members: Members, tmp_path: Path) -> None:
    assert netpick.load(write(tmp_path / "model.netpick", members)).labels == ("a", "b")


def test_a_compressed_file_a_wrong_sum_and_a_cut_file_are_refused(members: Members, tmp_path: Path) -> None:
    path = tmp_path / "model.netpick"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    with pytest.raises(netpick.ModelFileError, match="compressed"):
        netpick.load(path)
    with path.open("wb") as file:
        write_archive(file, {**members, "card.md": b"another card"})
    with pytest.raises(netpick.ModelFileError, match="manifest states another size"):
        netpick.load(path)
    whole = write(path, members).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:size])
        with pytest.raises(netpick.ModelFileError, match="Nothing was loaded"):
            netpick.load(path)


def test_a_model_file_is_what_pythons_zipfile_writes(members: Members, tmp_path: Path) -> None:
    """So any tool opens it, and files of the first versions are read."""
    ours, theirs = write(tmp_path / "ours", members), tmp_path / "theirs"
    with zipfile.ZipFile(theirs, "w", compression=zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
    assert ours.read_bytes() == theirs.read_bytes()


def test_no_model_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(netpick.RequestError, match="There is no model file"):
        netpick.load(tmp_path / "nothing.netpick")
