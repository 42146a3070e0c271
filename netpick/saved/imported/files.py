"""What a model of Keras lies in: a .keras zip, an .h5 file, or a folder of what such a zip holds."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netpick.disk.hdf5 import Group, read_hdf5
from netpick.disk.strict import RefusedError, parse_json, read_file
from netpick.errors import RequestError

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MOST_CONFIG = 32 << 20  # bytes: 5,000 layers take some 10 MB
MOST_CONTAINERS = 400_000
MOST_WEIGHTS = 2 << 30
MOST_MEMBERS = 64
MOST_GAIN = 100  # times that a member may be larger than what is stored of it
FREE = 1 << 20  # bytes that may be larger all the same
Bytes = bytes | bytearray
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class KerasFile:
    """A model as it was saved."""

    config: Any  # parsed JSON
    weights: Group
    version: str  # of Keras, "" where it is not said
    legacy: bool  # an .h5 file of the whole model, with weights by the names of layers
    name: str


def read_keras(path: Path) -> KerasFile:
    """The description and the arrays of a saved model. Raises RefusedError, or RequestError where there is none."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise RequestError(f"There is no file {path}. Pass a model of Keras: model.keras, or model.h5.")
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == ZIP:
        return _zip(path)
    if start == HDF5:
        return _hdf5(path)
    if path.suffix.lower() == ".onnx":
        raise RefusedError(
            "it is a graph of ONNX, which this version does not import. Save the network as a .keras file where it was made"
        )
    raise RefusedError("it is neither a .keras file, nor an .h5 file of Keras")


def _zip(path: Path) -> KerasFile:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise RefusedError(f"its zip has {len(members):,} members, and a model of Keras has three")
            names = [member.filename for member in members]
            for member in members:
                _require_plain(member)
            if len(set(names)) != len(names):
                raise RefusedError("its zip holds a member twice")
            if CONFIG not in names:
                raise RefusedError(f"its zip has no {CONFIG}: it is not a model of Keras")
            if WEIGHTS not in names:
                raise RefusedError(f"its zip has no {WEIGHTS}. Save it again: model.save('model.keras')")
            config = _member(archive, CONFIG, MOST_CONFIG)
            metadata = _member(archive, METADATA, 1 << 20) if METADATA in names else b"{}"
            weights = _member(archive, WEIGHTS, MOST_WEIGHTS)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"its zip is damaged ({str(error)[:80]})") from None
    return _parsed(config, metadata, weights, path)


def _require_plain(member: zipfile.ZipInfo) -> None:
    """Raises RefusedError for a member that leads elsewhere, is locked, or is larger than it can be."""
    name = member.filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name or "\0" in name:
        raise RefusedError(f"its zip has a member '{name[:60]}', whose name leads out of it")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise RefusedError(f"its zip has a member '{name[:60]}' that is a link")
    if member.flag_bits & 1:
        raise RefusedError(f"its zip has a member '{name[:60]}' that is encrypted")
    if member.file_size > FREE + MOST_GAIN * member.compress_size:
        raise RefusedError(f"its zip has a member '{name[:60]}' that grows to {member.file_size:,} bytes")


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    stated = archive.getinfo(name).file_size
    if stated > most:
        raise RefusedError(f"its {name} has {stated:,} bytes, and at most {most:,} are read")
    with archive.open(name) as file:
        content = file.read(stated + 1)
    if len(content) != stated:
        raise RefusedError(f"its {name} is not as long as its zip states")
    return content


def _folder(path: Path) -> KerasFile:
    if not (path / CONFIG).is_file():
        what = (
            "a SavedModel of TensorFlow, which holds code"
            if (path / "saved_model.pb").exists()
            else f"without a {CONFIG}"
        )
        raise RefusedError(
            f"it is a folder {what}. Load it where it was made and save it as one file: model.save('model.keras')"
        )
    if not (path / WEIGHTS).is_file():
        raise RefusedError(f"it is a folder without {WEIGHTS}. Save it again: model.save('model.keras')")
    metadata = read_file(path / METADATA, 1 << 20) if (path / METADATA).is_file() else b"{}"
    return _parsed(read_file(path / CONFIG, MOST_CONFIG), metadata, read_file(path / WEIGHTS, MOST_WEIGHTS), path)


def _parsed(config: Bytes, metadata: Bytes, weights: Bytes, path: Path) -> KerasFile:
    said = parse_json(bytes(metadata), 1 << 20)
    version = said.get("keras_version", "") if isinstance(said, dict) else ""
    parsed = parse_json(bytes(config), MOST_CONFIG, containers=MOST_CONTAINERS)
    return KerasFile(parsed, read_hdf5(weights), str(version)[:20], legacy=False, name=path.name)


def _hdf5(path: Path) -> KerasFile:
    root = read_hdf5(read_file(path, MOST_WEIGHTS))
    config, version = root.attributes.get("model_config"), root.attributes.get("keras_version", "")
    if not isinstance(config, str):
        raise RefusedError(
            "it holds weights only, and does not say of what layers. Where the model is made, load them and save all of it: "
            f"model.load_weights({json.dumps(path.name)}); model.save('model.keras')"
        )
    weights = root.group("model_weights")
    if weights is None:
        raise RefusedError("it holds no weights. Save it again: model.save('model.keras')")
    parsed = parse_json(config.encode(), MOST_CONFIG, containers=MOST_CONTAINERS)
    return KerasFile(parsed, weights, str(version)[:20], legacy=True, name=path.name)
