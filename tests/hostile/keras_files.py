"""Files that pretend to be models of Keras, each with what must be said of it."""

from __future__ import annotations

import io
import json
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile.containers import PICKLE
from tests.keras_files import stored

Case = tuple[str, bytes, str]  # its name, the file, and what its refusal says

DENSE = {"name": "dense", "units": 2, "activation": "softmax", "use_bias": True}


def layer(kind: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None, **more}


def sequence(*layers: dict[str, Any], shape: Any = (None, 3)) -> dict[str, Any]:
    first = layer("InputLayer", {"batch_shape": list(shape), "dtype": "float32", "name": "input"})
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [first, *layers]}}


def tensor(name: str) -> dict[str, Any]:
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 3], "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def reading(kind: str, name: str, *reads: str, calls: int = 1, **config: Any) -> dict[str, Any]:
    nodes = [{"args": [tensor(read) for read in reads], "kwargs": {}}] * calls
    return layer(kind, {"name": name, **config}, name=name, inbound_nodes=nodes)


def graph(*layers: dict[str, Any], inputs: Any = ("input", 0, 0), outputs: Any = ("dense", 0, 0)) -> dict[str, Any]:
    first = layer("InputLayer", {"batch_shape": [None, 3], "name": "input"}, name="input", inbound_nodes=[])
    config = {"name": "g", "layers": [first, *layers], "input_layers": list(inputs), "output_layers": list(outputs)}
    return {"module": "keras", "class_name": "Functional", "config": config}


GOOD = sequence(layer("Dense", DENSE))


def keras(
    config: Any = GOOD, weights: bytes = b"", *, change: Callable[[zipfile.ZipFile], None] | None = None
) -> bytes:
    """A .keras file with this description; weights of the small good model unless said otherwise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", weights or stored()["hostile/good.h5"])
        if change is not None:
            change(archive)
    return buffer.getvalue()


def linked(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("assets")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def bomb(size: int) -> bytes:
    """A description that grows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(zipfile.ZipInfo("config.json"), "w", force_zip64=True) as file:
            for _ in range(size >> 20):
                file.write(b" " * (1 << 20))
        archive.writestr("model.weights.h5", b"")
    return buffer.getvalue()


def squeezed(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(GOOD))
        archive.writestr("model.weights.h5", bytes(size), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def zips() -> Iterator[Case]:
    yield "a pickle", PICKLE, "neither a .keras file"
    yield "nothing", b"", "neither a .keras file"
    yield "a path out", keras(change=lambda a: a.writestr("../../evil.py", "x")), "leads out of it"
    yield "a whole path", keras(change=lambda a: a.writestr("/tmp/evil.py", "x")), "leads out of it"
    yield "a path with a drive", keras(change=lambda a: a.writestr("C:\\evil.py", "x")), "leads out of it"
    yield "a link", keras(change=linked), "is a link"
    yield "many members", keras(change=lambda a: [a.writestr(f"m{n}", "") for n in range(200)] and None), "members"
    yield "cut short", keras()[:-200], "damaged"
    yield "a wrong checksum", keras().replace(b'"units": 2', b'"units": 3'), "damaged"
    yield "a bomb", squeezed(300 << 20), "grows to"
    yield "no description", keras(b""), "JSON"
    yield "no JSON", keras(b"{'class_name': 'Sequential'}"), "JSON"
    yield "a key twice", keras(b'{"class_name": "Sequential", "class_name": "Model"}'), "twice"
    yield "deep JSON", keras(b"[" * 100_000 + b"]" * 100_000), "deep"


def descriptions() -> Iterator[Case]:
    dense = layer("Dense", DENSE)
    body = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    yield (
        "a Lambda",
        keras(sequence(layer("Lambda", {"name": "mine", "function": body}), dense)),
        "'mine' (Lambda) runs code",
    )
    yield (
        "a custom layer",
        keras(sequence({**dense, "registered_name": "Custom>Dense"})),
        "'dense' (Dense) is of the maker's own code",
    )
    yield (
        "a module of the maker's",
        keras(sequence({**dense, "module": "os"})),
        "'dense' (Dense) is of the maker's own code",
    )
    yield (
        "a call of the system",
        keras(sequence({**dense, "class_name": "system", "module": "os"})),
        "(system) is of the maker's own code",
    )
    yield (
        "a saved TensorFlow graph",
        keras(sequence(layer("TFSMLayer", {"name": "t", "filepath": "/tmp/x"}), dense)),
        "'t' (TFSMLayer)",
    )
    function = {"class_name": "function", "config": "evil", "module": "builtins", "registered_name": "evil"}
    yield (
        "a custom activation",
        keras(sequence(layer("Dense", {**DENSE, "activation": function}))),
        "a function of its own",
    )
    yield (
        "an unknown activation",
        keras(sequence(layer("Dense", {**DENSE, "activation": "__import__"}))),
        "does not know",
    )
    yield "an unknown setting", keras(sequence(layer("Dense", {**DENSE, "twist": 3}))), "sets twist = 3"
    yield "a subclass", keras({**GOOD, "class_name": "MyModel"}), "'MyModel'"
    yield "no layers", keras(sequence()), "0 layers"
    yield "10^6 layers", keras(sequence(*[layer("ReLU", {})] * 1_000_000)), "config.json"
    yield "10^5 layers", keras(sequence(*[layer("ReLU", {})] * 100_000)), "layers"
    yield "a billion units", keras(sequence(layer("Dense", {**DENSE, "units": 10**9}))), "units"
    yield "more units than weights", keras(sequence(layer("Dense", {**DENSE, "units": 512}))), "shape"
    yield "no units", keras(sequence(layer("Dense", {**DENSE, "units": -1}))), "units"
    yield "a huge row", keras(sequence(dense, shape=(None, 10**12))), "shape"
    larger = layer("UpSampling2D", {"name": "up", "size": [2**20, 2**20]})
    yield "a huge picture", keras(sequence(larger, dense, shape=(None, 4, 4, 1))), "'up' (UpSampling2D)"
    nested: dict[str, Any] = dense
    for _ in range(12):
        nested = {"module": "keras", "class_name": "Sequential", "config": {"name": "n", "layers": [nested]}}
    yield "models within models", keras(sequence(nested)), "deep"
    yield (
        "channels first",
        keras(
            sequence(
                layer("Conv2D", {"name": "c", "filters": 1, "kernel_size": [1, 1], "data_format": "channels_first"}),
                dense,
            )
        ),
        "channels first",
    )
    yield "a shared layer", keras(graph(reading("Dense", "dense", "input", units=2, calls=2))), "shared"
    yield (
        "a circle",
        keras(graph(reading("ReLU", "a", "b"), reading("ReLU", "b", "a"), reading("Dense", "dense", "b", units=2))),
        "reads what comes of itself",
    )
    yield "a layer that is not there", keras(graph(reading("Dense", "dense", "nowhere", units=2))), "'nowhere'"
    yield (
        "two inputs",
        keras(graph(reading("Dense", "dense", "input", units=2), inputs=(["input", 0, 0], ["other", 0, 0]))),
        "2 inputs",
    )
    yield (
        "two outputs",
        keras(graph(reading("Dense", "dense", "input", units=2), outputs=(["dense", 0, 0], ["input", 0, 0]))),
        "2 outputs",
    )
    yield "an answer for each step", keras(sequence(dense, shape=(None, 5, 3))), "of shape (5, 2)"


def arrays() -> Iterator[Case]:
    said = {
        "external link": "newer way",
        "soft link": "soft link",
        "hard link": "linked to twice",
        "virtual dataset": "virtual dataset",
        "references": "references to other objects",
        "chunks": "in chunks",
        "filter": "compressed or filtered",
        "plugin": "compressed or filtered",
        "external storage": "other files",
        "texts": "not numbers",
        "records": "records, not numbers",
        "big endian": "other way round",
        "whole numbers": "not float32",
        "other shape": "and (3, 2) fits",
        "NaN": "NaN",
        "nothing": "holds no kernel",
        "a group": "holds no kernel",
        "newer layout": "newer way",
    }
    for name, words in said.items():
        yield name, keras(weights=stored()[f"hostile/{name}.h5"]), words
    good = stored()["hostile/good.h5"]
    yield "HDF5 cut short", keras(weights=good[:1_000]), "HDF5"
    yield "no HDF5", keras(weights=PICKLE), "not an HDF5 file"
    tree = good.index(b"TREE")
    looped = bytearray(good)
    looped[tree + 5], looped[tree + 32 : tree + 40] = 1, tree.to_bytes(8, "little")
    yield "a tree that reads itself", keras(weights=bytes(looped)), "no end"
    yield "weights alone", stored()["mnist_cnn.weights.h5"], "weights only"


def mutations(count: int) -> Iterator[tuple[str, bytes]]:
    """Files with changed bytes, which may be read where these do not matter."""
    drawn = random.Random(0)
    good, whole = stored()["hostile/good.h5"], stored()["mnist_cnn.h5"]
    for number in range(count):
        for name, content in (("weights", good), ("whole", whole)):
            changed = bytearray(content)
            for _ in range(drawn.choice((1, 4, 30))):
                changed[drawn.randrange(4_000)] = drawn.choice((0, 1, 255, drawn.randrange(256)))
            yield f"{name} {number}", keras(weights=bytes(changed)) if name == "weights" else bytes(changed)
