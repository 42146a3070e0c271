"""The part of onnx.proto3 that an exported graph is made of. Every other field is refused, by name where people will ask why."""

from __future__ import annotations

from netpick.saved.onnx_file.wire import Field, Kinds

OTHER_FILE = "it keeps weights in another file"
INNER_GRAPH = "it holds graphs inside of its graph, or sparse tensors"
OWN_FUNCTIONS = "it brings functions or training steps of its own"
SPARSE = "it holds sparse tensors"

# AttributeProto.type of each field that an attribute's value may stand in.
ATTRIBUTE_TYPES = {"f": 1, "i": 2, "s": 3, "t": 4, "floats": 6, "ints": 7, "strings": 8}

KINDS: Kinds = {
    "ModelProto": {
        1: Field(name="ir_version", kind="int64"),
        2: Field(name="producer_name"),
        3: Field(name="producer_version"),
        4: Field(name="domain"),
        5: Field(name="model_version", kind="int64"),
        6: Field(name="doc_string"),
        7: Field(name="graph", kind="GraphProto"),
        8: Field(name="opset_import", kind="OperatorSetIdProto", repeated=True),
        14: Field(name="metadata_props", kind="StringStringEntryProto", repeated=True),
        20: Field(name="training_info", refused=OWN_FUNCTIONS),
        25: Field(name="functions", refused=OWN_FUNCTIONS),
    },
    "OperatorSetIdProto": {1: Field(name="domain"), 2: Field(name="version", kind="int64")},
    "StringStringEntryProto": {1: Field(name="key"), 2: Field(name="value")},
    "GraphProto": {
        1: Field(name="node", kind="NodeProto", repeated=True),
        2: Field(name="name"),
        5: Field(name="initializer", kind="TensorProto", repeated=True),
        10: Field(name="doc_string"),
        11: Field(name="input", kind="ValueInfoProto", repeated=True),
        12: Field(name="output", kind="ValueInfoProto", repeated=True),
        15: Field(name="sparse_initializer", refused=SPARSE),
    },
    "NodeProto": {
        1: Field(name="input", repeated=True),
        2: Field(name="output", repeated=True),
        3: Field(name="name"),
        4: Field(name="op_type"),
        5: Field(name="attribute", kind="AttributeProto", repeated=True),
        6: Field(name="doc_string"),
        7: Field(name="domain"),
    },
    "AttributeProto": {
        1: Field(name="name"),
        2: Field(name="f", kind="float"),
        3: Field(name="i", kind="int64"),
        4: Field(name="s", kind="bytes"),
        5: Field(name="t", kind="TensorProto"),
        6: Field(name="g", refused=INNER_GRAPH),
        7: Field(name="floats", kind="float", repeated=True),
        8: Field(name="ints", kind="int64", repeated=True),
        9: Field(name="strings", kind="bytes", repeated=True),
        11: Field(name="graphs", refused=INNER_GRAPH),
        13: Field(name="doc_string"),
        20: Field(name="type", kind="int32"),
        22: Field(name="sparse_tensor", refused=INNER_GRAPH),
        23: Field(name="sparse_tensors", refused=INNER_GRAPH),
    },
    "TensorProto": {
        1: Field(name="dims", kind="int64", repeated=True),
        2: Field(name="data_type", kind="int32"),
        6: Field(name="string_data", kind="bytes", repeated=True),
        8: Field(name="name"),
        9: Field(name="raw_data", kind="bytes"),
        12: Field(name="doc_string"),
        13: Field(name="external_data", refused=OTHER_FILE),
        14: Field(name="data_location", refused=OTHER_FILE),
    },
    "ValueInfoProto": {1: Field(name="name"), 2: Field(name="type", kind="TypeProto"), 3: Field(name="doc_string")},
    "TypeProto": {1: Field(name="tensor_type", kind="TypeProto.Tensor")},
    "TypeProto.Tensor": {1: Field(name="elem_type", kind="int32"), 2: Field(name="shape", kind="TensorShapeProto")},
    "TensorShapeProto": {1: Field(name="dim", kind="Dimension", repeated=True)},
    "Dimension": {
        1: Field(name="dim_value", kind="int64", choice="value"),
        2: Field(name="dim_param", choice="value"),
    },
}
