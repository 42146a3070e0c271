"""What a graph may be made of: operators, shapes and constants that our exporter writes for networks, and no more.

A graph is a plain function of its inputs: nothing random, no loops or branches, nothing of other libraries. Constants lie in the
file, so that they cost what they weigh; and a constant that says how large something becomes is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from netpick.saved.onnx_file.fields import ATTRIBUTE_TYPES
from netpick.saved.onnx_file.wire import Message, WireError

OPSETS = range(18, 24)
IR_VERSIONS = range(8, 12)
OWN_DOMAINS = ("", "ai.onnx")
MOST_NODES = 10_000  # the largest network of our own has some hundred
MOST_VALUES = 1_000  # inputs and outputs of the graph
MOST_DIMENSIONS = 8
MOST_ELEMENTS = 1 << 24  # that a constant may ask for: 64 MB of numbers
LARGEST_ATTRIBUTE = 1 << 31  # of whole numbers: widths, axes, strides

# Pure functions of tensors that torch's exporter writes for layers. Left out: what draws numbers, repeats or chooses parts of a graph,
# reads files or pictures, keeps sequences, or makes a text of its own.
OPERATORS = frozenset(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot
    BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum
    DepthToSpace Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm
    GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax
    Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization
    LpPool MatMul Max MaxPool Mean Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow RNN Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round
    ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt
    Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
    """.split()  # noqa: SIM905
)
# Operators whose inputs of these numbers say how large their answer becomes.
SIZES = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "OneHot": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Resize": (2, 3),
    "Tile": (1,),
}

STRING = 8
# TensorProto.data_type, as numpy calls it.
TYPES = {
    1: "<f4",
    2: "u1",
    3: "i1",
    4: "<u2",
    5: "<i2",
    6: "<i4",
    7: "<i8",
    9: "?",
    10: "<f2",
    11: "<f8",
    12: "<u4",
    13: "<u8",
}


def require_ours(model: Message) -> None:
    """Raises WireError when a model holds anything that our exporter does not write."""
    if len(model.messages("graph")) != 1:
        raise WireError("it holds no graph")
    if model.integer("ir_version") not in IR_VERSIONS:
        raise WireError(f"its version of the format is {model.integer('ir_version')}")
    opsets = [(opset.text("domain"), opset.integer("version")) for opset in model.messages("opset_import")]
    for domain, _ in opsets:
        _require_own(domain)
    if len(opsets) != 1 or opsets[0][1] not in OPSETS:
        raise WireError(f"it needs the operators of the versions {[version for _, version in opsets][:4]}")
    _once((entry.text("key") for entry in model.messages("metadata_props")), "an entry of its metadata")
    _require_graph(model.messages("graph")[0])


def _require_graph(graph: Message) -> None:
    nodes = graph.messages("node")
    if len(nodes) > MOST_NODES:
        raise WireError(f"it has more than {MOST_NODES:,} steps")
    weights = graph.messages("initializer")
    ends = [*graph.messages("input"), *graph.messages("output")]
    if len(ends) > MOST_VALUES:
        raise WireError(f"it has more than {MOST_VALUES:,} inputs and outputs")
    for value in ends:
        _require_value(value)
    for weight in weights:
        _require_tensor(weight)
    constants = {weight.text("name"): weight for weight in weights}
    for node in nodes:
        _require_node(node)
        if node.text("op_type") == "Constant":
            constants |= {name: _constant(node) for name in node.texts("output")}
    computed = [name for node in nodes for name in node.texts("output") if name]
    inputs = [value.text("name") for value in graph.messages("input")]
    _once((*(weight.text("name") for weight in weights), *computed, *inputs), "a value")
    for node in nodes:
        _require_sizes(node, constants)


def _require_node(node: Message) -> None:
    _require_own(node.text("domain"))
    operator = node.text("op_type")
    if operator not in OPERATORS:
        raise WireError(f"it holds the operator {operator[:40]}")
    _once((attribute.text("name") for attribute in node.messages("attribute")), f"an attribute of {operator}")
    for attribute in node.messages("attribute"):
        _require_attribute(attribute)


def _require_attribute(attribute: Message) -> None:
    fields = [name for name in ATTRIBUTE_TYPES if name in attribute.values]
    name = attribute.text("name")[:40]
    stated = attribute.integer("type")
    if (
        len(fields) > 1
        or stated not in ATTRIBUTE_TYPES.values()
        or [ATTRIBUTE_TYPES[f] for f in fields] not in ([], [stated])
    ):
        raise WireError(f"its attribute {name} has another value than its type says")
    if not fields and stated in (
        ATTRIBUTE_TYPES["t"],
        ATTRIBUTE_TYPES["i"],
        ATTRIBUTE_TYPES["f"],
        ATTRIBUTE_TYPES["s"],
    ):
        raise WireError(f"its attribute {name} has no value")
    if any(abs(number) > LARGEST_ATTRIBUTE for key in ("i", "ints") for number in attribute.integers(key)):
        raise WireError(f"its attribute {name} is larger than any is")
    for tensor in attribute.messages("t"):
        _require_tensor(tensor)


def _require_tensor(tensor: Message) -> None:
    """Its numbers lie in the file, as many as its shape says."""
    shape, kind = tensor.integers("dims"), tensor.integer("data_type")
    name = tensor.text("name")[:40]
    if len(shape) > MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise WireError(f"its constant {name} has an impossible shape")
    texts = len(tensor.values.get("string_data", ()))
    if kind == STRING:
        if "raw_data" in tensor.values or texts != prod(shape):
            raise WireError(f"its constant {name} holds {texts} texts instead of {prod(shape):,}")
        return
    if kind not in TYPES:
        raise WireError(f"its constant {name} is of the type {kind}")
    size = len(tensor.raw("raw_data"))
    if texts or size != prod(shape) * np.dtype(TYPES[kind]).itemsize:
        raise WireError(f"its constant {name} holds {size:,} bytes, which is not what its shape needs")


def _require_value(value: Message) -> None:
    """An input or output of the graph: a tensor of a known type; dimensions are numbers or names."""
    for tensor in (t for kind in value.messages("type") for t in kind.messages("tensor_type")):
        shape = [size for dims in tensor.messages("shape") for size in dims.messages("dim")]
        if len(shape) > MOST_DIMENSIONS or any(not 0 <= size.integer("dim_value") <= MOST_ELEMENTS for size in shape):
            raise WireError(f"its input or output {value.text('name')[:40]} has an impossible shape")
        if tensor.integer("elem_type") not in (*TYPES, STRING):
            raise WireError(f"its input or output {value.text('name')[:40]} is of an unknown type")


def _constant(node: Message) -> Message:
    """The tensor of a Constant. Raises WireError where it says its value in another way."""
    tensors = [tensor for attribute in node.messages("attribute") for tensor in attribute.messages("t")]
    if len(node.messages("attribute")) != 1 or len(tensors) != 1:
        raise WireError("it holds a constant that is no tensor")
    return tensors[0]


def _require_sizes(node: Message, constants: dict[str, Message]) -> None:
    operator, inputs = node.text("op_type"), node.texts("input")
    for place in SIZES.get(operator, ()):
        tensor = constants.get(inputs[place]) if place < len(inputs) else None
        if tensor is None or tensor.integer("data_type") not in TYPES:
            continue
        values = np.frombuffer(tensor.raw("raw_data"), TYPES[tensor.integer("data_type")])[: MOST_ELEMENTS + 1]
        with np.errstate(over="ignore", invalid="ignore"):
            asked = float(np.prod(np.maximum(np.abs(values.astype(np.float64)), 1.0)))
        if not asked <= MOST_ELEMENTS:
            raise WireError(
                f"its operator {operator} asks for {asked:,.0f} values at once, and at most {MOST_ELEMENTS:,} are possible"
            )


def _require_own(domain: str) -> None:
    if domain not in OWN_DOMAINS:
        raise WireError(f"it needs operators of the domain '{domain[:40]}'")


def _once(names: Iterator[str] | tuple[str, ...], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise WireError(f"{what} has the name {name[:40]!r} of another one")
        seen.add(name)
