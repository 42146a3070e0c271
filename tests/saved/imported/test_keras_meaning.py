"""What is understood of a model of Keras, what is said, and what goes back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import netpick
from netpick.api.importing import import_model
from netpick.api.pages import write_export
from netpick.disk.hdf5 import Dataset, Group, read_hdf5, write_hdf5
from netpick.errors import RequestError
from netpick.models.imported.graph import GraphNetwork, Node
from netpick.saved.export.keras import keras_order
from netpick.saved.imported.config import read_config
from tests.hostile.keras_files import DENSE, graph, keras, layer, reading, sequence
from tests.keras_files import model_names, stored, truth, written


def imported(folder: Path, content: bytes, name: str = "m.keras", **settings: Any) -> netpick.Model:
    (folder / name).write_bytes(content)
    return netpick.load(import_model(folder / name, folder / "m.netpick", **settings).path)


def test_pictures_are_answered_as_by_keras(tmp_path: Path) -> None:
    """Through files: bytes, the scale 0 to 1, labels in the order of the outputs."""
    rows, _ = truth("mnist_cnn")
    pictures = np.round(np.abs(rows[..., 0]) / 2 * 255).astype(np.uint8)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    made = import_model(written(tmp_path, "mnist_cnn.keras"), labels=[f"d{n}" for n in range(10)])
    table = netpick.load(made.path).predict([str(tmp_path / f"{n}.png") for n in range(3)])
    assert set(table["prediction"]) <= {f"d{n}" for n in range(10)}
    assert any("as values from 0 to 1" in line for line in made.lines)


def test_a_rescaling_layer_reads_pixels_as_they_are(tmp_path: Path) -> None:
    made = import_model(written(tmp_path, "colour_cnn.keras"))
    assert any("as values from 0 to 255 (its first layer is Rescaling" in line for line in made.lines)
    model = netpick.load(made.path)
    rows, outputs = truth("colour_cnn")
    answers = model.engine.outputs({"grid": np.moveaxis(rows.astype(np.uint8), -1, 1)})
    assert np.abs(answers[:, 1:] - outputs).max() < 1e-5


def test_texts_are_read_by_the_words_of_a_file(tmp_path: Path) -> None:
    words = ["", "[UNK]", *(f"w{n}" for n in range(2, 30))]
    (tmp_path / "words.txt").write_text("\n".join(words) + "\n")
    rows, _ = truth("text_bilstm")
    model = imported(tmp_path, stored()["text_bilstm.keras"], vocabulary=tmp_path / "words.txt")
    texts = [" ".join(words[n] for n in row if n > 1) for row in rows]
    with torch.no_grad():
        assert model.parts.record.inputs["tokens"].shape == (16,)
    kept = [list(row[row > 1]) for row in rows]
    expected = imported(tmp_path, stored()["text_bilstm.keras"], "t.keras", form="table")
    filled = np.array([row + [0] * (16 - len(row)) for row in kept])
    frame = pl.DataFrame({f"x{n + 1}": filled[:, n] for n in range(16)})
    got = model.predict(pl.DataFrame({"text": texts})).select("probability_1").to_numpy()
    assert np.abs(got - expected.predict(frame).select("probability_1").to_numpy()).max() < 1e-6


def test_tables_are_scored(tmp_path: Path) -> None:
    model = imported(tmp_path, stored()["table_mlp.keras"], columns=["a", "b", "c", "d"], target="kind")
    rows, outputs = truth("table_mlp")
    kinds = outputs.argmax(axis=1)
    frame = pl.DataFrame({**{name: rows[:, n] for n, name in enumerate("abcd")}, "kind": kinds})
    assert model.predict(frame)["prediction"].to_list() == kinds.tolist()
    assert model.score(frame)["accuracy"].value == 1.0


def test_the_rim_of_average_pooling_is_left_out() -> None:
    """Under an uneven rim as TensorFlow has it; Keras' torch backend repeats the edge there."""
    node = Node(
        name="p", kind="AveragePooling1D", inputs=(0,), options={"pool_size": [3], "strides": [2], "padding": "same"}
    )
    rows = torch.tensor([[[1.0], [2.0], [4.0], [8.0]]])
    assert GraphNetwork([node], (4, 1))(rows).flatten().tolist() == pytest.approx([7 / 3, 6.0])


def test_same_padding_under_a_stride_adds_the_odd_one_behind() -> None:
    node = Node(
        name="p", kind="MaxPooling1D", inputs=(0,), options={"pool_size": [2], "strides": [2], "padding": "same"}
    )
    assert GraphNetwork([node], (3, 1))(torch.tensor([[[1.0], [2.0], [-4.0]]])).flatten().tolist() == [2.0, -4.0]


def test_descriptions_of_keras_2_are_read() -> None:
    """Calls as lists, shapes at the first layer, another hard_sigmoid, groups where Keras 3 refuses them."""
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 8, 8, 3], "name": "in"},
            "name": "in",
            "inbound_nodes": [],
        },
        {
            "class_name": "DepthwiseConv2D",
            "config": {
                "name": "d",
                "kernel_size": [3, 3],
                "strides": [2, 2],
                "padding": "same",
                "groups": 1,
                "activation": "hard_sigmoid",
            },
            "name": "d",
            "inbound_nodes": [[["in", 0, 0, {}]]],
        },
        {
            "class_name": "ReLU",
            "config": {"name": "r", "max_value": 6.0},
            "name": "r",
            "inbound_nodes": [[["d", 0, 0, {}]]],
        },
        {
            "class_name": "Add",
            "config": {"name": "a"},
            "name": "a",
            "inbound_nodes": [[["d", 0, 0, {}], ["r", 0, 0, {}]]],
        },
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["a", 0, 0]]}
    described = read_config({"class_name": "Functional", "config": config}, "2.4.0")
    assert described.shape == (8, 8, 3)
    assert [(node.kind, node.inputs) for node in described.nodes] == [
        ("DepthwiseConv2D", (0,)),
        ("ReLU", (1,)),
        ("Add", (1, 2)),
    ]
    assert described.nodes[0].options["activation"] == "hard_sigmoid_2"
    assert GraphNetwork(described.nodes, (8, 8, 3)).shape == (4, 4, 3)
    described = read_config(
        {
            "class_name": "Sequential",
            "config": [layers[1] | {"config": layers[1]["config"] | {"batch_input_shape": [None, 4, 4, 1]}}],
        },
        "1.2.0",
    )  # type: ignore[operator]
    assert described.shape == (4, 4, 1)


def test_what_the_file_leaves_open_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(keras(sequence(layer("Dense", DENSE), shape=(None, None, 3))))
    with pytest.raises(RequestError, match=r"Say which size it is to read: --shape 100,3"):
        import_model(path)
    path.write_bytes(keras())
    with pytest.raises(RequestError, match="--labels names 3, and the model tells 2 apart"):
        import_model(path, labels=["a", "b", "c"])
    with pytest.raises(RequestError, match="--as picture is nothing that a row can be"):
        import_model(path, form="picture")
    with pytest.raises(RequestError, match="--task regress does not fit this model: its 2 outputs end in softmax"):
        import_model(path, task="regress")


def test_a_model_file_that_lies_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(keras())
    (tmp_path / "m.netpick").write_bytes(b"another model")
    with pytest.raises(RequestError, match=r"exists already, and may be another model\. Pass --out"):
        import_model(path)
    assert (tmp_path / "m.netpick").read_bytes() == b"another model"
    assert import_model(path, tmp_path / "m.netpick").path.stat().st_size > 20


def test_weights_alone_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model.load_weights\(\"mnist_cnn.weights.h5\"\); model.save"):
        import_model(written(tmp_path, "mnist_cnn.weights.h5"))


def test_a_folder_of_the_parts_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path, "nested.keras")) as archive:
        archive.extractall(tmp_path / "folder")
    assert netpick.load(import_model(tmp_path / "folder").path).labels == ("0", "1", "2")


# --- back to Keras ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in model_names() if name.endswith(".keras")])
def test_what_goes_back_has_the_same_arrays(name: str, tmp_path: Path) -> None:
    """Keras itself loads these files in `make keras`."""
    form = {"traps": "image"}.get(name.split(".")[0])
    first = import_model(written(tmp_path, name), form=form).path
    back = write_export(first, "keras", tmp_path / "back.keras")
    again = import_model(back, tmp_path / "again.netpick", form=form).path
    one, other = netpick.load(first), netpick.load(again)
    states = [model.loaded.network.state_dict() for model in (one, other)]
    if one.parts.record.task == "regress" or one.parts.record.labels == other.parts.record.labels:
        assert [t.shape for t in states[0].values()] == [t.shape for t in states[1].values()]
        for a, b in zip(_sorted(states[0]), _sorted(states[1]), strict=True):
            assert torch.allclose(a, b)


def _sorted(state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return sorted(state.values(), key=lambda t: (tuple(t.shape), t.double().flatten().tolist()))


def test_layers_are_counted_as_keras_counts_them() -> None:
    """The farthest from the output first; among equals, the one that is met first on the way back."""
    reads = [[], [0], [0], [1], [3, 2], [4]]
    assert keras_order(reads) == [0, 1, 3, 2, 4, 5]


def test_what_is_written_as_hdf5_is_read() -> None:
    drawn = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    tree = {
        "layers": {f"dense_{n}": {"vars": {"0": drawn + n}} for n in range(700)},
        "vars": {},
        "one": np.array(2.0, dtype=np.float32),
    }
    root = read_hdf5(write_hdf5(tree))
    layers = root.group("layers")
    assert isinstance(layers, Group)
    assert len(layers.members) == 700
    group = root.group("layers", "dense_699", "vars")
    assert group is not None
    kernel, one = group.members["0"], root.members["one"]
    assert isinstance(kernel, Dataset)
    assert isinstance(one, Dataset)
    assert (kernel.array() == drawn + 699).all()
    assert one.shape == ()


def test_the_last_layer_decides_the_task(tmp_path: Path) -> None:
    several = keras(sequence(layer("Dense", {**DENSE, "activation": "sigmoid"})))
    assert imported(tmp_path, several, labels=["sea", "beach"]).parts.record.task == "multilabel"
    numbers = keras(sequence(layer("Dense", {**DENSE, "activation": "linear"})))
    assert imported(tmp_path, numbers).parts.record.task == "regress"
    assert imported(tmp_path, numbers, task="classify").parts.record.task == "classify"
    behind = graph(
        reading("Dense", "dense", "input", units=2),
        reading("Activation", "act", "dense", activation="softmax"),
        outputs=("act", 0, 0),
    )
    assert imported(tmp_path, keras(behind)).parts.record.task == "classify"
    compiled = {
        **sequence(layer("Dense", {**DENSE, "activation": "linear"})),
        "compile_config": json.loads(
            '{"loss": {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": true}}}'
        ),
    }
    assert imported(tmp_path, keras(compiled)).parts.record.task == "classify"
