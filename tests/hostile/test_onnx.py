"""Graphs that say one thing to a reader and another to a runtime, or ask for more than they weigh: each is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from netpick.errors import ModelFileError
from netpick.saved.engines import OnnxEngine
from netpick.saved.onnx_file import checked_graph
from netpick.saved.onnx_file.rules import MOST_NODES
from netpick.saved.onnx_file.wire import MOST_FIELDS, varint_bytes
from netpick.types import InputSpec
from tests.hostile.onnx_mutations import judge, seeds, try_many

HERE = Path("m.onnx")


def model(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", 1])
    out = helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["batch", 1])
    graph = helper.make_graph(list(nodes), "g", [value], [out], list(weights))
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def constant(name: str, values: list[int] | list[float], dtype: str = "int64") -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype), name)


def field(number: int, content: bytes, high: int = 0) -> bytes:
    return varint_bytes((number << 3 | 2) + (high << 32)) + varint_bytes(len(content)) + content


MUL = helper.make_node("Mul", ["vector", "w"], ["answers"])
WEIGHT = constant("w", [2.0], "float32")


def inside(outer: int, content: bytes) -> bytes:
    """A graph whose only node or weight is written by hand."""
    good = model(MUL, weights=(WEIGHT,))
    del good.graph.node[:], good.graph.initializer[:]
    return good.SerializeToString() + b"" if outer == 0 else _with_graph(good, field(outer, content))


def _with_graph(good: onnx.ModelProto, more: bytes) -> bytes:
    graph = good.graph.SerializeToString() + more
    without = onnx.ModelProto()
    without.CopyFrom(good)
    without.ClearField("graph")
    return without.SerializeToString() + field(7, graph)


def hidden_loop() -> bytes:
    """Field 4 (op_type) twice; the second, whose key has bit 32 set, is the one that a runtime keeps."""
    return inside(1, MUL.SerializeToString() + field(4, b"Loop", high=1))


def hidden_external() -> bytes:
    """External data behind a key with bit 32 set: /etc/passwd as weights."""
    entry = onnx.StringStringEntryProto(key="location", value="passwd").SerializeToString()
    return inside(5, WEIGHT.SerializeToString() + field(13, entry, high=1))


def hidden_domain() -> bytes:
    return inside(1, MUL.SerializeToString() + field(7, b"com.example", high=1))


def second_operator() -> bytes:
    return inside(1, MUL.SerializeToString() + field(4, b"RandomUniformLike"))


def second_graph() -> bytes:
    good = model(MUL, weights=(WEIGHT,)).SerializeToString()
    return bytes(good + field(7, b""))


def unknown_field() -> bytes:
    return bytes(model(MUL, weights=(WEIGHT,)).SerializeToString() + field(99, b"hello"))


def long_key() -> bytes:
    return bytes(model(MUL, weights=(WEIGHT,)).SerializeToString() + b"\x8a\x80\x00\x01x")


def wide_type() -> bytes:
    """2^32 + 1 is FLOAT to a runtime that keeps 32 bits."""
    return inside(5, b"\x08\x01\x10" + varint_bytes((1 << 32) + 1) + field(8, b"w") + field(9, b"\0\0\0\0"))


def both_of_a_choice() -> bytes:
    good = model(MUL, weights=(WEIGHT,))
    size = field(1, b"\x08\x05" + field(2, b"batch"))
    type_ = field(1, b"\x08\x01" + field(2, size))
    return _with_graph(good, field(12, field(1, b"more") + field(2, type_)))


def random_numbers() -> bytes:
    return bytes(model(helper.make_node("RandomUniformLike", ["vector"], ["answers"])).SerializeToString())


def filled(operator: str, *sizes: list[int], first: int = 0) -> bytes:
    """An operator whose constants ask for much more than they weigh."""
    weights = tuple(constant(f"s{number}", list(size)) for number, size in enumerate(sizes))
    inputs = ["vector"] * first + [weight.name for weight in weights]
    made = model(helper.make_node(operator, inputs, ["answers"]), weights=weights)
    return bytes(made.SerializeToString())


def too_many_steps() -> bytes:
    names = ["vector", *(f"v{number}" for number in range(MOST_NODES)), "answers"]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)]
    return bytes(model(*nodes).SerializeToString())


def short_constant() -> bytes:
    weight = constant("w", [1.0, 2.0], "float32")
    weight.dims[0] = 1 << 40
    return bytes(model(MUL, weights=(weight,)).SerializeToString())


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (hidden_loop, "a number that none can have"),
        (hidden_external, "a number that none can have"),
        (hidden_domain, "a number that none can have"),
        (second_operator, "NodeProto gives op_type twice"),
        (second_graph, "ModelProto gives graph twice"),
        (unknown_field, "the unknown field 99 of ModelProto"),
        (long_key, "a number is longer than it need be"),
        (wide_type, "data_type is a number of more than 32 bits"),
        (both_of_a_choice, "Dimension gives value twice"),
        (random_numbers, "it holds the operator RandomUniformLike"),
        (lambda: filled("ConstantOfShape", [250_000_000]), "asks for 250,000,000 values at once"),
        (lambda: filled("ConstantOfShape", [10_000, 1_000_000]), "asks for 10,000,000,000 values"),
        (lambda: filled("Expand", [1 << 40, 1], first=1), "operator Expand asks for"),
        (lambda: filled("Tile", [1 << 30, 1], first=1), "operator Tile asks for"),
        (lambda: filled("Pad", [0, 0, 1 << 40, 0], first=1), "operator Pad asks for"),
        (lambda: filled("Range", [0], [1 << 50], [1]), "operator Range asks for"),
        (too_many_steps, f"more than {MOST_NODES:,} steps"),
        (short_constant, "not what its shape needs"),
        (lambda: b"\x3a\x00" * (MOST_FIELDS + 1), "ModelProto gives graph twice"),
        (lambda: b"\x42\x00" * (MOST_FIELDS + 1), f"more than {MOST_FIELDS:,} fields"),
    ],
)
def test_a_graph_that_hides_something_is_refused(attack: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ModelFileError, match=f"not a graph that can be trusted: .*{words}"):
        checked_graph(attack(), HERE)


def test_what_we_write_is_what_we_read() -> None:
    for content in (*seeds(), model(MUL, weights=(WEIGHT,)).SerializeToString()):
        assert checked_graph(content, HERE) == content


def test_nothing_that_is_accepted_means_something_else_to_another_reader() -> None:
    """A sample of `make hostile-onnx`, which tries 100,000."""
    found, wrong = try_many(2_000, seed=7)
    assert wrong == []
    assert found["refused"] > 1_000
    assert found["same"] > 200


def test_the_judge_can_say_that_something_is_wrong() -> None:
    """With the check left out, the hidden domain is exactly what is looked for."""
    assert judge(hidden_domain()) == "refused"
    theirs = onnx.ModelProto.FromString(second_operator())
    assert theirs.graph.node[0].op_type == "RandomUniformLike"


def test_a_graph_that_computes_something_huge_fails_in_words() -> None:
    """Sizes that no constant states: (2^14, 1) + (1, 2^14) values, twice over, are 2^60."""
    nodes = [
        helper.make_node("Expand", ["vector", "s"], ["wide"]),
        helper.make_node("Transpose", ["wide"], ["tall"], perm=[1, 0]),
        helper.make_node("Add", ["wide", "tall"], ["square"]),
        helper.make_node("Reshape", ["square", "column"], ["long"]),
        helper.make_node("Transpose", ["long"], ["row"], perm=[1, 0]),
        helper.make_node("Add", ["long", "row"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["answers"], keepdims=1),
    ]
    content = model(*nodes, weights=(constant("s", [1, 1 << 13]), constant("column", [-1, 1])))
    graph = checked_graph(content.SerializeToString(), HERE)
    engine = OnnxEngine(graph, {"vector": InputSpec(form="vector", shape=(1,))}, threads=1, path=HERE)
    with pytest.raises(ModelFileError, match=r"m.onnx cannot be run: .*Export the model again"):
        engine.outputs({"vector": np.ones((1, 1), np.float32)})
