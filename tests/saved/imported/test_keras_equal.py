"""Networks of Keras 3 give here what they gave there: outputs that Keras stored, through the whole way to a model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netpick
from netpick.api.importing import import_model
from netpick.models.imported.graph import GraphNetwork
from netpick.saved.imported.arrays import arrays_of
from netpick.saved.imported.config import read_config
from netpick.saved.imported.files import read_keras
from netpick.types import Array
from tests.keras_files import model_names, truth, written

TOLERANCE = 1e-5
OPEN = {
    "traps": "image",
    "masked": "table",
    "text_bilstm": "table",
}  # what rows are where their shape says several things


@pytest.mark.parametrize("name", model_names())
def test_every_layer_gives_what_keras_gave(name: str, tmp_path: Path) -> None:
    file = read_keras(written(tmp_path, name))
    described = read_config(file.config, file.version)
    network = GraphNetwork(described.nodes, tuple(extent or 0 for extent in described.shape)).eval()
    states = arrays_of(file, network.placed, described.places)
    network.load_state_dict(
        {
            f"parts.{layer}.{key}": torch.from_numpy(array)
            for layer, state in zip(network.names, states, strict=True)
            for key, array in state.items()
        }
    )
    rows, outputs = truth(name)
    with torch.no_grad():
        assert np.abs(network(torch.from_numpy(rows)).numpy() - outputs).max() < TOLERANCE


@pytest.mark.parametrize("name", [name for name in model_names() if name.endswith(".keras")])
def test_a_model_file_gives_what_keras_gave(name: str, tmp_path: Path) -> None:
    made = import_model(written(tmp_path, name), form=OPEN.get(name.split(".")[0]))
    model = netpick.load(made.path)
    rows, outputs = truth(name)
    answers = model.engine.outputs(_encoded(model, rows))
    expected = np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] < answers.shape[1] else outputs
    if name.startswith("table_mlp"):  # from logits
        expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    assert np.abs(answers - expected).max() < TOLERANCE


def _encoded(model: netpick.Model, rows: Array) -> dict[str, Array]:
    """Rows as the encoders would have stored them; pictures are floats here, since bytes have not all values."""
    ((name, spec),) = model.parts.inputs.items()
    if spec.form == "grid":
        mean, std = (np.asarray(values, np.float32)[:, None, None] for values in (spec.mean, spec.std))
        return {
            name: (np.moveaxis(rows.reshape(len(rows), *spec.shape[1:], -1), -1, 1) * std + mean).astype(np.float32)
        }
    if spec.form == "series":
        return {name: rows.reshape(len(rows), *spec.shape)}
    return {name: (rows.reshape(len(rows), -1) / (1 << 20)).astype(np.float32)}
