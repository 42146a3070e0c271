"""Graphs say what torch says: every architecture, every decoding, every size; and what is no such graph is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import nn

from netpick.answers import PLAIN
from netpick.answers.calibration import Calibration, Curve
from netpick.answers.conformal import Interval
from netpick.columns.store import Store
from netpick.errors import ModelFileError
from netpick.models.infer import DeviceData, answers_of, predict_outputs
from netpick.models.networks import MODELS, main_form
from netpick.models.networks.network import build_network
from netpick.saved.engines import OnnxEngine
from netpick.saved.export.convert import NotTracedError, to_graph
from netpick.saved.export.graph import ExportedModel, resized
from netpick.saved.export.proof import largest_difference
from netpick.saved.generated import generated_rows
from netpick.saved.onnx_file import checked_graph, read_metadata
from netpick.tasks import TASKS
from netpick.tasks.classify import ClassifyState
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timesteps import Step
from netpick.tasks.multilabel import MultilabelState
from netpick.tasks.regress import RegressState
from netpick.types import Array, Inputs, InputSpec
from netpick.types.results import DecisionRule
from tests.conformance.test_forecasters import INPUTS as WINDOWS
from tests.conformance.test_forecasters import build as build_forecaster
from tests.conformance.test_models import CASES, Case

QUICK = {"rnn-tokens-text", "cnn-series-equal"}  # the others: make slow
SLOW = pytest.mark.slow


class Plain:
    """torch alone, without a model file."""

    name = "torch"

    def __init__(self, network: nn.Module, inputs: Inputs, task: str) -> None:
        self.network, self.inputs, self.task = network.eval(), inputs, task

    def outputs(self, arrays: dict[str, Array]) -> Array:
        data = DeviceData(Store(arrays=arrays), self.inputs, "cpu")
        rows = np.arange(len(next(iter(arrays.values()))), dtype=np.int64)
        return np.asarray(answers_of(TASKS[self.task].answer.answer, predict_outputs(self.network, data, rows)).numpy())


class Nothing(nn.Module):
    names = ()

    def forward(self, answers: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return ()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def exported(network: nn.Module, inputs: Inputs, task: str, decoding: nn.Module | None = None) -> bytes:
    """As `proved_graph` does it: rows of any length where torch can trace that, else filled up inside."""
    padded = any(spec.padded for spec in inputs.values())
    for whole in (False, True) if padded else (False,):
        try:
            return to_graph(ExportedModel(network.eval(), inputs, TASKS[task].answer, decoding or Nothing(), whole))
        except NotTracedError:
            continue
    raise AssertionError("not traced")


@cache
def graph_of_case(name: str) -> tuple[nn.Module, bytes, Inputs]:
    """One of the conformance suite's networks and its graph."""
    case = next(c for c in CASES if c.name == name)
    network = case.build()
    return network, exported(network, case.inputs, "classify"), case.inputs


def agree(network: nn.Module, inputs: Inputs, task: str) -> None:
    compare(Plain(network, inputs, task), exported(network, inputs, task))


def compare(plain: Plain, graph: bytes) -> None:
    engine = OnnxEngine(graph, plain.inputs, threads=1)
    stored = generated_rows(plain.inputs, 4, seed=3)
    assert largest_difference(plain, engine, stored, plain.inputs) <= 1e-5  # type: ignore[arg-type]


@pytest.mark.parametrize("case", [pytest.param(c, id=c.name, marks=() if c.name in QUICK else SLOW) for c in CASES])
def test_every_architecture_agrees_with_its_graph(case: Case) -> None:
    network, graph, inputs = graph_of_case(case.name)
    compare(Plain(network, inputs, "classify"), graph)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        pytest.param(family, name, marks=() if (family, name) == ("rnn", "covariates") else SLOW)
        for family, form in MODELS
        if form == "window"
        for name in WINDOWS
    ],
)
def test_every_forecaster_agrees_with_its_graph(family: str, name: str) -> None:
    agree(build_forecaster(family, WINDOWS[name]), WINDOWS[name], "forecast")


@SLOW
@pytest.mark.parametrize("cell", ["simple", "lstm", "gru"])
@pytest.mark.parametrize("change", [{}, {"bidirectional": False}, {"layers": 2}, {"recurrent_dropout": 0.2}])
@pytest.mark.parametrize("pooling", ["last", "attention", "max"])
def test_every_recurrence_agrees_with_its_graph(cell: str, change: dict[str, Any], pooling: str) -> None:
    case = next(c for c in CASES if c.name == "rnn-series-padded")
    settings = MODELS["rnn", "series"].Settings(cell=cell, width=8, pooling=pooling, **change)
    torch.manual_seed(1)
    agree(build_network("rnn", settings, case.inputs, 3), case.inputs, "classify")


@SLOW
@pytest.mark.parametrize("spec", ["maxpool 3 same stride=1, globalpool", "avgpool 3 same, flatten, dense 4 tanh"])
@pytest.mark.parametrize("form", ["series", "grid"])
def test_pools_with_borders_agree_with_their_graph(spec: str, form: str) -> None:
    """onnxruntime takes paddings into the pools behind them."""
    case = next(c for c in CASES if c.name == f"layers-{form}-{'padded' if form == 'series' else 'colour'}")
    settings = MODELS["layers", form].Settings(spec=spec.replace(" stride=1", ""))
    torch.manual_seed(1)
    agree(build_network("layers", settings, case.inputs, 3), case.inputs, "classify")


@pytest.mark.parametrize(
    ("family", "windows"),
    [
        *(("cnn", 0), ("rnn", 2), ("transformer", 2)),
        *(pytest.param(*case, marks=SLOW) for case in (("cnn", 2), ("rnn", 0), ("transformer", 0))),
    ],
)
def test_long_texts_in_windows_agree_with_their_graph(family: str, windows: int) -> None:
    inputs = {"tokens": InputSpec(form="tokens", shape=(50,), cardinalities=(40,), padded=True)}
    architecture = MODELS[family, "tokens"]
    settings = replace(architecture.presets(inputs, 500, 3), window=8, windows=windows)
    torch.manual_seed(4)
    agree(build_network(family, settings, inputs, 3), inputs, "classify")


def test_the_quick_cases_are_there() -> None:
    assert {case.name for case in CASES} >= QUICK
    # Forecasts, texts that go on and recordings are exported in tests of their own; pairs are not exported yet.
    elsewhere = {"window", "stream", "speech", "pair", "chords", "scene", "objects", "record"}
    assert {main_form(case.inputs) for case in CASES} | elsewhere == {form for _, form in MODELS}


# --- what stands around the network ----------------------------------------------------------------------------------


def run(graph: bytes, arrays: dict[str, Array]) -> dict[str, Array]:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return dict(zip([node.name for node in session.get_outputs()], session.run(None, arrays), strict=True))


def test_classes_come_out_as_numbers_and_words_with_the_threshold() -> None:
    case = next(c for c in CASES if c.name == "mlp-table-vector")
    network = case.build(num_outputs=2)
    state = ClassifyState(labels=("no", "yes"), variants={})
    model = ExportedModel(
        network.eval(),
        case.inputs,
        TASKS["classify"].answer,
        TASKS["classify"].answer.graph(DecisionRule(threshold=0.45), state),
        False,
    )
    graph = to_graph(model, ("no", "yes"), {"task": "classify", "title": "größe"})
    assert read_metadata(graph) == {"task": "classify", "title": "größe"}
    found = run(graph, generated_rows(case.inputs, 50))
    decided = TASKS["classify"].answer.decide(
        TASKS["classify"].answer.decode(found["answers"], state), DecisionRule(threshold=0.45)
    )
    assert found["prediction"].tolist() == decided.tolist()  # type: ignore[union-attr]
    assert found["label"].tolist() == [state.labels[number] for number in found["prediction"]]
    assert 0 < found["prediction"].sum() < 50


@pytest.mark.parametrize("task", ["multilabel", "regress"])
def test_other_answers_come_out_as_the_task_words_them(task: str) -> None:
    case = next(c for c in CASES if c.name == "mlp-table-vector")
    states: dict[str, Any] = {
        "multilabel": MultilabelState(labels=("a", "b", "c"), one_column=False, delimiter=""),
        "regress": RegressState(names=("a", "b", "c"), mean=(5.0, -1e4, 0.0), std=(2.0, 3e3, 1e-3)),
    }
    graph = exported(case.build(), case.inputs, task, TASKS[task].answer.graph(PLAIN, states[task]))
    found = run(graph, generated_rows(case.inputs, 30))
    expected = TASKS[task].answer.decode(found["answers"], states[task])
    if task == "regress":
        np.testing.assert_allclose(found["prediction"], expected.values, rtol=1e-12)
    else:
        assert (found["prediction"] == TASKS[task].answer.decide(expected)).all()


BENT = Curve(slope=1.7, offset=-0.3, at=(-0.5, 0.4), bends=(-0.9, 1.5))
COSTS = ((0.0, 5.0, 1.0), (1.0, 0.0, 1.0), (2.0, 1.0, 0.0))


@pytest.mark.parametrize(
    ("labels", "calibration", "rule"),
    [
        (("a", "b", "c"), Calibration(temperature=0.6), PLAIN),
        (("a", "b", "c"), Calibration(temperature=1.8, shared=0.01), DecisionRule(costs=COSTS)),
        (("a", "b", "c"), None, DecisionRule(costs=COSTS)),
        (("a", "b"), Calibration(curves=(BENT,)), DecisionRule(threshold=0.4)),
    ],
)
def test_calibrated_classes_come_out_as_the_task_decodes_them(
    labels: tuple[str, ...], calibration: Calibration | None, rule: DecisionRule
) -> None:
    case = next(c for c in CASES if c.name == "mlp-table-vector")
    state = ClassifyState(labels=labels, variants={}, calibration=calibration)
    network = case.build(num_outputs=len(labels))
    found = run(
        exported(network, case.inputs, "classify", TASKS["classify"].answer.graph(rule, state)),
        generated_rows(case.inputs, 60),
    )
    expected = TASKS["classify"].answer.decode(found["answers"], state)
    np.testing.assert_allclose(found["probabilities"], expected.probabilities, rtol=1e-6)
    assert (found["prediction"] == TASKS["classify"].answer.decide(expected, rule)).all()


def test_calibrated_labels_and_intervals_come_out_as_the_task_decodes_them() -> None:
    case = next(c for c in CASES if c.name == "mlp-table-vector")
    labels = MultilabelState(
        labels=("a", "b", "c"),
        one_column=False,
        delimiter="",
        calibration=Calibration(curves=(BENT, Curve(), Curve(offset=0.5))),
    )
    found = run(
        exported(case.build(), case.inputs, "multilabel", TASKS["multilabel"].answer.graph(PLAIN, labels)),
        generated_rows(case.inputs, 30),
    )
    expected = TASKS["multilabel"].answer.decode(found["answers"], labels)
    np.testing.assert_allclose(found["probabilities"], expected.probabilities, rtol=1e-6)
    assert (found["prediction"] == TASKS["multilabel"].answer.decide(expected)).all()
    numbers = RegressState(
        names=("a", "b", "c"), mean=(5.0, -1e4, 0.0), std=(2.0, 3e3, 1e-3),
        intervals=(Interval(at=(0.0,), half=(1.5,)), Interval(at=(-1.2e4, -1e4, -9e3), half=(10.0, 300.0, 20.0)), Interval(at=(0.0, 1e-3), half=(1.0, 2.0))),
    )  # fmt: skip
    found = run(
        exported(case.build(), case.inputs, "regress", TASKS["regress"].answer.graph(PLAIN, numbers)),
        generated_rows(case.inputs, 30),
    )
    expected = TASKS["regress"].answer.decode(found["answers"], numbers)
    np.testing.assert_allclose(found["low"], expected.low, rtol=1e-6)
    np.testing.assert_allclose(found["high"], expected.high, rtol=1e-6)


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {
            "point": "median",
            "quantiles": (0.05, 0.5, 0.8),
            "reach": tuple((((w, 2 * w),) * 4) for w in (1.2, 0.0, 0.7)),
        },
    ],
)
def test_forecasts_come_out_in_their_units_and_unknown_series_as_nan(stated: dict[str, Any]) -> None:
    inputs = WINDOWS["short"]  # two targets, four steps ahead
    two = ((0.0, 3.0), (10.0, -2.0))
    state = ForecastState(
        targets=("a", "b"), time_columns=(), id_columns=(), ids=("x", "y"), step=Step(unit="row", size=1, anchor=0),
        horizon=4, context=3, season=1, log=(True, False), location=two, scale=((1.0, 2.0), (0.5, 4.0)),
        deviation=two, naive=((1.0, 1.0), (1.0, 1.0)), stretch=((1.5, 0.5),) * 4, **stated,
    )  # fmt: skip
    graph = exported(build_forecaster("mlp", inputs), inputs, "forecast", TASKS["forecast"].answer.graph(PLAIN, state))
    rows = generated_rows(inputs, 6)
    rows["window.series"][:] = np.array([0, 1, 1, 0, 1, 2])[:, None]
    found = run(graph, rows)
    known = TASKS["forecast"].answer.decode(found["answers"][:5], state)
    np.testing.assert_allclose(found["prediction"][:5].reshape(5, -1), known.values, rtol=1e-12)
    _, quantiles = known.stated_quantiles
    np.testing.assert_allclose(found["quantiles"][:5].reshape(5, -1, 3), quantiles, rtol=1e-12)
    assert np.isnan(found["prediction"][5]).all()
    assert np.isnan(found["quantiles"][5]).all()


@pytest.mark.parametrize("size", [(16, 16), (40, 23), (9, 31), (8, 8)])
def test_pictures_are_resized_as_pillow_does(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    smooth = np.kron(random.integers(0, 256, (4, 4, 3)), np.ones((size[0] // 4 + 1, size[1] // 4 + 1, 1)))
    picture = smooth[: size[0], : size[1]].astype(np.uint8)
    made = resized(torch.from_numpy(picture.transpose(2, 0, 1)[None]), 16, 16).numpy()[0]
    wanted = np.asarray(Image.fromarray(picture).resize((16, 16), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert np.abs(made.astype(int) - wanted).max() <= (0 if size == (16, 16) else 2)


def test_a_graph_resizes_pictures_of_any_size() -> None:
    case = next(c for c in CASES if c.name == "mlp-grid-grey")
    network = case.build().eval()
    engine = OnnxEngine(exported(network, case.inputs, "classify"), case.inputs, threads=1)
    large = np.random.default_rng(0).integers(0, 256, (3, 1, 37, 50)).astype(np.uint8)
    fitting = resized(torch.from_numpy(large), 16, 16).numpy()
    expected = Plain(network, case.inputs, "classify").outputs({"grid": fitting})
    # A pixel that lies between two grey levels may fall to either side.
    np.testing.assert_allclose(engine.outputs({"grid": large}), expected, atol=0.02)


def test_rows_together_give_what_rows_alone_give() -> None:
    _, graph, inputs = graph_of_case("rnn-tokens-text")
    engine = OnnxEngine(graph, inputs, threads=1)
    rows = generated_rows(inputs, 30)
    alone = np.concatenate([engine.outputs({name: a[i : i + 1] for name, a in rows.items()}) for i in range(30)])
    np.testing.assert_allclose(engine.outputs(rows), alone, atol=1e-6)


# --- files that are no graphs of ours --------------------------------------------------------------------------------


def graph_of(change: Callable[[onnx.ModelProto], None], node: onnx.NodeProto | None = None) -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    weight = numpy_helper.from_array(np.array([2.0], np.float32), "w")
    node = node or helper.make_node("Mul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [value], [out], [weight])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    change(model)
    return model.SerializeToString()  # type: ignore[no-any-return]


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_in_a_node(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.ones(1, np.float32))
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example"


def imported(model: onnx.ModelProto) -> None:
    model.opset_import.add(domain="ai.onnx.contrib", version=1)


def function(model: onnx.ModelProto) -> None:
    model.functions.append(helper.make_function("", "F", ["a"], ["b"], [], model.opset_import))


def branch(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    model.graph.node.append(helper.make_node("Add", ["x"], ["z"], body=inner))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external, "keeps weights in another file"),
        (external_in_a_node, "keeps weights in another file"),
        (domain, "operators of the domain 'com.example'"),
        (imported, "operators of the domain 'ai.onnx.contrib'"),
        (function, "brings functions"),
        (branch, "graphs inside of its graph"),
    ],
)
def test_a_graph_that_does_not_stand_alone_is_refused(change: Callable[[Any], None], words: str) -> None:
    checked_graph(graph_of(lambda model: None), Path("m.onnx"))
    with pytest.raises(ModelFileError, match=f"m.onnx is not a graph that can be trusted: .*{words}"):
        checked_graph(graph_of(change), Path("m.onnx"))


def test_loops_and_branches_are_refused() -> None:
    with pytest.raises(ModelFileError, match="it holds the operator Loop"):
        checked_graph(graph_of(lambda model: None, helper.make_node("Loop", ["x"], ["y"])), Path("m.onnx"))


def test_damaged_files_are_refused_and_never_crash() -> None:
    whole = graph_of(lambda model: None)
    for content in (b"", b"\x08", b"not a graph at all", b"\xff" * 100, whole[:-3], whole + b"\x3a\x7f"):
        with pytest.raises(ModelFileError, match="is not a graph that can be trusted"):
            checked_graph(content, Path("m.onnx"))
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] = random.integers(256)
        try:
            checked_graph(bytes(damaged), Path("m.onnx"))
        except ModelFileError as error:
            assert "Nothing was loaded" in str(error)  # noqa: PT017


def test_a_graph_of_other_inputs_is_refused() -> None:
    case = next(c for c in CASES if c.name == "mlp-table-vector")
    with pytest.raises(ModelFileError, match=r"reads \['x'\], but its model.json says \['vector'\]"):
        OnnxEngine(graph_of(lambda model: None), case.inputs)
    with pytest.raises(ModelFileError, match="cannot be run"):
        OnnxEngine(graph_of(lambda model: None, helper.make_node("MatMul", ["x", "nothing"], ["y"])), case.inputs)
