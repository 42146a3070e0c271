"""From a network to the bytes of an ONNX graph: traced by torch, named, labelled, and checked to stand alone."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netpick.columns.forms import FORMS, LENGTHS, stored_as
from netpick.errors import NetpickError, RequestError
from netpick.models.infer import TYPES
from netpick.saved.export.graph import ExportedModel, input_names
from netpick.saved.onnx_file import checked_graph
from netpick.types import Inputs, InputSpec

if TYPE_CHECKING:
    import onnx

    from netpick.saved.export.pairs import ReadModel, WriteModel
    from netpick.saved.export.samples import SamplesModel
    from netpick.saved.export.steps import StepModel

LABELS = "label"  # an output of classifiers: the class in words
OPSET = 20
LONGEST_SIDE = 16_384  # of pictures that are resized inside
EXAMPLE_ROWS = 5
SIZED_EXAMPLE = (
    83,
    117,
)  # pixels, down and across, of pictures to trace with that keep their size: multiples of nothing


class NotTracedError(Exception):
    """Why torch could not trace a network, in words that stand behind a colon."""


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """What a graph reads: names, rows to trace with, and which of their axes may have any size, as arguments of `forward` (*arrays is one)."""

    names: tuple[str, ...]
    example: tuple[Tensor, ...]
    shapes: tuple[Any, ...]
    axes: tuple[dict[int, str], ...] = ()  # what they are called in the graph, where that matters


def feeds_of(inputs: Inputs) -> Feeds:
    """Encoded rows as they lie in a store."""
    names = input_names(inputs)
    example = tuple(_example(name, inputs) for name in names)
    called = tuple(_called(inputs.get(name)) for name in names)
    return Feeds(names=tuple(names), example=example, shapes=(_shapes(names, inputs),), axes=called)


def to_graph(
    model: ExportedModel | SamplesModel | StepModel | ReadModel | WriteModel,
    labels: tuple[str, ...] = (),
    metadata: Mapping[str, str] | None = None,
    feeds: Feeds | None = None,
) -> bytes:
    """The graph of this model. labels: of a classifier, whose numbers become words in one more output. feeds: encoded rows, if not said.

    Raises NotTracedError when the network holds something that torch cannot put into ONNX's words, and RequestError where
    onnxscript is missing.
    """
    feeds = feeds_of(model.inputs) if feeds is None else feeds  # type: ignore[arg-type]
    names = list(feeds.names)
    try:
        with _quiet():
            traced = torch.export.export(
                model,
                feeds.example,
                dynamic_shapes=feeds.shapes,
                strict=False,
                prefer_deferred_runtime_asserts_over_guards=True,
            )
            program = torch.onnx.export(
                traced,
                input_names=names,
                output_names=list(model.outputs),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except ImportError as error:
        raise RequestError(
            f"Exporting needs the packages onnx and onnxscript ({error}). Type: pip install onnx onnxscript"
        ) from None
    except (
        torch._dynamo.exc.TorchDynamoException,
        torch.onnx.errors.OnnxExporterError,
        RuntimeError,
        ValueError,
    ) as error:
        if isinstance(error, NetpickError):
            raise
        raise NotTracedError(f"{(str(error).strip() or type(error).__name__).splitlines()[0][:300]}.") from None
    assert program is not None
    proto = program.model_proto
    for value, axes in zip(proto.graph.input, feeds.axes, strict=False):
        for axis, name in axes.items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    return checked_graph(_finished(proto, names, labels, metadata or {}), Path("the exported graph"))


def _example(name: str, inputs: Inputs) -> Tensor:
    """Rows to trace with: no size in them is 1, or that of another axis."""
    spec_name = name.removesuffix(".lengths") if name.removesuffix(".lengths") in inputs else name
    spec = inputs[spec_name]
    if name != spec_name:
        return torch.full((EXAMPLE_ROWS,), spec.shape[0], dtype=TYPES[LENGTHS])
    shape = list(spec.shape)
    if FORMS[spec.form].pictures:
        shape[-2:] = [shape[-2] + 3, shape[-1] + 5]
    if FORMS[spec.form].sized:
        shape[-2:] = SIZED_EXAMPLE
    return torch.zeros((EXAMPLE_ROWS, *shape), dtype=TYPES[stored_as(spec)])


def _shapes(names: list[str], inputs: Inputs) -> tuple[dict[int, Any], ...]:
    """Which axes of each input may have any size."""
    batch = torch.export.Dim("batch", min=1, max=1 << 24)
    found: list[dict[int, Any]] = []
    for number, name in enumerate(names):
        axes: dict[int, Any] = {0: batch}
        spec = inputs.get(name)
        if spec is not None and spec.padded and spec.shape[0] > 1:
            axes[1] = torch.export.Dim(f"time_{number}", min=1, max=spec.shape[0])
        if spec is not None and FORMS[spec.form].sized:
            any_size = torch.export.Dim.DYNAMIC  # networks round sides up, which no named one may be
            axes = {0: any_size, len(spec.shape) - 1: any_size, len(spec.shape): any_size}
        if spec is not None and FORMS[spec.form].pictures:
            last = len(spec.shape)
            axes[last - 1] = torch.export.Dim(f"height_{number}", min=1, max=LONGEST_SIDE)
            axes[last] = torch.export.Dim(f"width_{number}", min=1, max=LONGEST_SIDE)
        found.append(axes)
    return tuple(found)


def _called(spec: InputSpec | None) -> dict[int, str]:
    """What axes of any size are called in the graph, of inputs whose axes have no name from tracing."""
    if spec is None or not FORMS[spec.form].sized:
        return {}
    return {0: "batch", len(spec.shape) - 1: "height", len(spec.shape): "width"}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says on the way: it is for those who write exporters."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _finished(proto: onnx.ModelProto, names: list[str], labels: tuple[str, ...], metadata: Mapping[str, str]) -> bytes:
    """The graph with the words of its classes and its metadata, without the names of source files that torch left in it."""
    import onnx

    graph = proto.graph
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    del graph.metadata_props[:]
    del graph.value_info[:]
    if labels:
        texts: Any = [word.encode() for word in labels]  # onnx's own types know of numbers alone
        words = onnx.helper.make_tensor("labels", onnx.TensorProto.STRING, [len(labels)], texts)
        graph.initializer.append(words)
        graph.node.append(onnx.helper.make_node("Gather", ["labels", "prediction"], [LABELS], name="label_of_class"))
        batch = graph.output[0].type.tensor_type.shape.dim[0].dim_param or "batch"
        graph.output.append(onnx.helper.make_tensor_value_info(LABELS, onnx.TensorProto.STRING, [batch]))
    used = {node.domain for node in graph.node}
    kept = [opset for opset in proto.opset_import if opset.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    onnx.helper.set_model_props(proto, dict(metadata))
    proto.producer_name, proto.producer_version, proto.doc_string = "netpick", "", ""
    return proto.SerializeToString()  # type: ignore[no-any-return]
