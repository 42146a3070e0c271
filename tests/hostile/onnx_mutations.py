"""Mutations of an ONNX file that know its structure: tags, lengths, order, duplicates, wire types, numbers; and their judge.

Run by itself, it tries many (`make hostile-onnx`):

    python -m tests.hostile.onnx_mutations 100000
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from netpick.errors import ModelFileError
from netpick.saved.onnx_file import checked_graph
from netpick.saved.onnx_file.fields import KINDS
from netpick.saved.onnx_file.wire import DELIMITED, Kinds, parts_of, varint_bytes

Node = list["Part"]


class Part:
    """One field as it is going to be written; every detail of the writing can be changed."""

    def __init__(self, number: int, wire: int, value: int | bytes | Node, kind: str = "") -> None:
        self.number, self.wire, self.value, self.kind = number, wire, value, kind
        self.padding = 0  # bytes by which its key is longer than it need be
        self.value_padding = 0  # and its number or length
        self.high = 0  # bits of the key above the 32nd
        self.length_error = 0

    def written(self) -> bytes:
        key = _long(varint_bytes((self.number << 3 | self.wire) + (self.high << 32)), self.padding)
        if isinstance(self.value, int):
            return key + _long(varint_bytes(self.value & ((1 << 64) - 1)), self.value_padding)
        content = self.value if isinstance(self.value, bytes) else written(self.value)
        if self.wire != DELIMITED:
            return key + content
        return key + _long(varint_bytes(max(0, len(content) + self.length_error)), self.value_padding) + content


def written(parts: Node) -> bytes:
    return b"".join(part.written() for part in parts)


def tree(content: bytes, kind: str, kinds: Kinds = KINDS) -> Node:
    made: Node = []
    for number, wire, value in parts_of(memoryview(content)):
        inner = kinds[kind][number].kind
        if isinstance(value, int):
            made.append(Part(number, wire, value))
        elif inner in kinds:
            made.append(Part(number, wire, tree(bytes(value), inner), inner))
        else:
            made.append(Part(number, wire, bytes(value)))
    return made


def seeds() -> list[bytes]:
    """Small graphs of every kind of message that the exporter writes."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])
    out = helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["batch", 2])
    weight = numpy_helper.from_array(np.array([[1.5, -2.0]], "float32"), "w")
    shape = numpy_helper.from_array(np.array([2], "int64"), "s")
    labels = helper.make_tensor("labels", TensorProto.STRING, [2], [b"no", b"yes"])  # type: ignore[list-item]
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["ones"], value=numpy_helper.from_array(np.ones(1, "float32"))),
        helper.make_node("Mul", ["x", "w"], ["y"], name="first"),
        helper.make_node("Add", ["y", "ones"], ["z"]),
        helper.make_node("Softmax", ["z"], ["answers"], axis=-1),
        helper.make_node("Transpose", ["z"], ["t"], perm=[1, 0]),
        helper.make_node("LeakyRelu", ["t"], ["u"], alpha=0.25),
        helper.make_node("GRU", ["t", "a", "b"], ["g"], direction="forward", hidden_size=4),
    ]
    graph = helper.make_graph(nodes, "g", [value], [out], [weight, shape, labels])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    helper.set_model_props(model, {"task": "classify", "title": "größe"})
    model.producer_name = "netpick"
    return [model.SerializeToString()]


def mutant(content: bytes, chance: random.Random) -> tuple[str, bytes]:
    """One to three changes, and what the first of them is called."""
    parts = tree(content, "ModelProto")
    names = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice(list(CHANGES))
        names.append(name)
        places = list(_places(parts))
        siblings = chance.choice(places)
        CHANGES[name](siblings, chance.randrange(len(siblings)), chance)
    made = written(parts)
    if names[0] == "a byte":
        at = chance.randrange(len(made))
        made = made[:at] + bytes([chance.randrange(256)]) + made[at + 1 :]
    return names[0], made


def judge(content: bytes) -> str:
    """'refused'; 'same' where onnx understands the original as it does what the runtime is given; else what is wrong."""
    try:
        given = checked_graph(content, Path("m.onnx"))
    except ModelFileError:
        return "refused"
    try:
        theirs = onnx.ModelProto.FromString(content)
    except DecodeError:
        return "accepted, though onnx cannot read it"
    ours = onnx.ModelProto.FromString(given)
    if theirs.SerializeToString(deterministic=True) != ours.SerializeToString(deterministic=True):
        return "accepted with another meaning"
    return (
        "same" if ours.SerializeToString(deterministic=True) == given else "written in another way than onnx writes it"
    )


# --- changes ------------------------------------------------------------------------------------------------------------


def _high_key(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].high = chance.choice((1, 2, 1 << 16, 1 << 28, (1 << 31) - 1))


def _hidden(parts: Node, at: int, chance: random.Random) -> None:
    """A field of the tables, with a key that a runtime of 32 bits reads and others do not."""
    number = chance.choice((1, 2, 4, 5, 6, 7, 8, 13, 14, 20, 25))
    part = Part(number, DELIMITED, chance.choice((b"", b"Loop", b"\x0a\x08location\x12\x01w", b"com.example")))
    part.high = chance.choice((0, 1, 1 << 20))
    parts.insert(at, part)


def _long_key(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].padding = chance.randint(1, 9)


def _long_value(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].value_padding = chance.randint(1, 9)


def _length(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].length_error = chance.choice((-2, -1, 1, 2, 100, 1 << 31, 1 << 62))


def _order(parts: Node, at: int, chance: random.Random) -> None:
    chance.shuffle(parts)


def _twice(parts: Node, at: int, chance: random.Random) -> None:
    parts.insert(chance.randrange(len(parts) + 1), parts[at])


def _gone(parts: Node, at: int, chance: random.Random) -> None:
    del parts[at]


def _wire(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].wire = chance.randrange(8)


def _number(parts: Node, at: int, chance: random.Random) -> None:
    parts[at].number = chance.choice(
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 20, 22, 25, 100, (1 << 29) - 1, 1 << 29)
    )


def _value(parts: Node, at: int, chance: random.Random) -> None:
    part = parts[at]
    if isinstance(part.value, int):
        part.value = chance.choice((0, 1, -1, 8, 1 << 31, -(1 << 31), 1 << 32, (1 << 32) + 1, 1 << 63, (1 << 64) - 1))
    elif isinstance(part.value, bytes):
        part.value = chance.choice((b"", b"\xff", b"\0", b"Loop", part.value + b"x", part.value[:-1], b"\xed\xa0\x80"))
    else:
        part.value = written(part.value)[: chance.randrange(20)]


def _moved(parts: Node, at: int, chance: random.Random) -> None:
    if isinstance(parts[at].value, list):
        parts[at].value = [*parts[at].value, Part(chance.randrange(1, 30), parts[chance.randrange(len(parts))].wire, 1)]  # type: ignore[misc]


def _split(parts: Node, at: int, chance: random.Random) -> None:
    """One message as two of the same field, which protobuf merges where the field is singular."""
    part = parts[at]
    if isinstance(part.value, list) and len(part.value) > 1:
        place = chance.randrange(1, len(part.value))
        first, rest = part.value[:place], part.value[place:]
        part.value = first
        parts.insert(at + 1, Part(part.number, part.wire, rest, part.kind))


def _nothing(parts: Node, at: int, chance: random.Random) -> None:
    """A byte is changed in what was written."""


CHANGES = {
    "bits above the 32nd of a key": _high_key, "a field that is hidden": _hidden, "a key longer than it need be": _long_key,
    "a number longer than it need be": _long_value, "a length": _length, "the order": _order, "a field twice": _twice,
    "a field gone": _gone, "a wire type": _wire, "a field's number": _number, "a value": _value,
    "a field in another message": _moved, "a message in two": _split, "a byte": _nothing,
}  # fmt: skip


def _places(parts: Node) -> list[Node]:
    """All messages with at least one field."""
    made = [parts] if parts else []
    for part in parts:
        if isinstance(part.value, list):
            made += _places(part.value)
    return made


def _long(number: bytes, padding: int) -> bytes:
    if not padding:
        return number
    return number[:-1] + bytes([number[-1] | 0x80]) + b"\x80" * (padding - 1) + b"\0"


def try_many(count: int, seed: int) -> tuple[Counter[str], list[tuple[str, bytes]]]:
    """How many mutants came to which judgement, and those that must not be."""
    chance, originals = random.Random(seed), seeds()
    found: Counter[str] = Counter()
    wrong: list[tuple[str, bytes]] = []
    for _ in range(count):
        name, content = mutant(chance.choice(originals), chance)
        what = judge(content)
        found[what] += 1
        if what not in ("refused", "same"):
            wrong.append((f"{name}: {what}", content))
    return found, wrong


if __name__ == "__main__":
    counts, bad = try_many(int(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(dict(counts))  # noqa: T201
    for name, content in bad[:10]:
        print(name, content.hex())  # noqa: T201
    sys.exit(1 if bad else 0)
