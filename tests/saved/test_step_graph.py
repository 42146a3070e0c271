"""Graphs of one step of a text: equal to torch for prompts of several lengths, and whatever no step of ours does is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from netpick.errors import ModelFileError
from netpick.models.networks import MODELS
from netpick.models.networks.network import build_network
from netpick.models.networks.text_network import TextNetwork
from netpick.saved.export.steps import step_difference, step_graph
from netpick.saved.onnx_steps import StepGraph
from netpick.saved.readers import NetworkReader
from netpick.tasks.text.state import NextState, stream_inputs

STATE = NextState(column="text", level="characters", symbols=tuple("abcdefg"), apart=False, block=8, context=20)
USUAL = [("rnn", {"cell": "gru", "layers": 2}), ("transformer", {"layers": 1})]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("rnn", {"cell": "lstm"}),
    ("rnn", {"cell": "simple"}),
    ("cnn", {}),
    ("mlp", {}),
    ("mlp", {"window": 1}),
    ("transformer", {"width": 20, "heads": 4}),
]


@pytest.mark.parametrize(
    ("family", "settings"), [*USUAL, *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS)]
)
def test_a_step_says_what_torch_says(family: str, settings: dict[str, Any]) -> None:
    inputs = stream_inputs(STATE)
    torch.manual_seed(0)
    network = build_network(family, replace(MODELS[family, "stream"].presets(inputs, 100, 1), **settings), inputs, 16)
    assert isinstance(network, TextNetwork)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    step = StepGraph(step_graph(network.eval(), {}), inputs, threads=1)
    assert step_difference(lambda: NetworkReader(network), step.reader, STATE) <= 1e-5


def made(state: list[int | str], *, twice: bool) -> bytes:
    """A graph that gives back the state, or the state twice."""
    symbols = helper.make_tensor_value_info("symbols", TensorProto.INT32, ["batch", "length"])
    before = helper.make_tensor_value_info("before.0", TensorProto.FLOAT, state)
    said = helper.make_tensor_value_info("following", TensorProto.FLOAT, ["batch", 3])
    after = helper.make_tensor_value_info("after.0", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Identity", ["w"], ["following"]),
        helper.make_node("Concat", ["before.0"] * (1 + twice), ["after.0"], axis=0),
    ]
    weight = numpy_helper.from_array(np.zeros((1, 3), dtype=np.float32), "w")
    graph = helper.make_graph(nodes, "g", [symbols, before], [said, after], [weight])
    model: onnx.ModelProto = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    return model.SerializeToString()  # type: ignore[no-any-return]


def test_a_state_that_is_too_large_or_grows_otherwise_is_refused() -> None:
    with pytest.raises(ModelFileError, match="a state of more than"):
        StepGraph(made([1 << 13, 1 << 13], twice=False), {})
    fine = StepGraph(made([1, 4], twice=False), {}).reader()
    assert fine.read(np.ones(2, dtype=np.int32)).shape == (3,)
    with pytest.raises(ModelFileError, match="its state has another shape"):
        StepGraph(made([1, 4], twice=True), {}).reader().read(np.ones(2, dtype=np.int32))


def test_what_reads_something_else_is_no_step() -> None:
    content = made([1, 4], twice=False).replace(b"before.0", b"behind.0")
    with pytest.raises(ModelFileError, match="no step of a text"):
        StepGraph(content, {})
