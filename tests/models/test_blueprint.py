"""Every architecture can be built within the ceiling that its own weights set, and none beyond it."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
import torch
from annotated_types import Le

from netpick.contest.candidates import Contestants, make_candidates
from netpick.disk.strict import RefusedError
from netpick.disk.strict.tensors import TensorSpec, specs_of
from netpick.errors import RequestError
from netpick.models import blueprint
from netpick.models.blueprint import TooLargeError, build_fitting, build_within, rehearse
from netpick.models.networks import MODELS, main_form
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network
from netpick.types import Inputs, InputSpec
from tests.conformance.test_models import CASES, Case

WINDOW: Inputs = {
    "window": InputSpec(form="window", shape=(48, 3), names=("a", "b", "c"), ahead=(1, 12, 24)),
    "window.series": InputSpec(form="window", shape=(1,), names=("a",)),
    "window.future": InputSpec(form="window", shape=(12, 1), names=("c",)),
}
EVERY = [*CASES, *(Case(f"{family}-window", family, WINDOW) for family, form in MODELS if form == "window")]


def builder(case: Case) -> Any:
    return partial(build_network, case.family, case.chosen(), case.inputs, 3)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_a_network_is_built_within_the_ceiling_of_its_own_weights(case: Case) -> None:
    whole = builder(case)()
    built = build_within(builder(case), weights=specs_of(whole.state_dict()))
    assert specs_of(built.state_dict()) == specs_of(whole.state_dict())
    kept = set(whole.state_dict())
    computed = {name: tensor for name, tensor in whole.named_buffers() if name not in kept}
    assert all(torch.equal(tensor, dict(built.named_buffers())[name]) for name, tensor in computed.items())


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_answers_can_be_rehearsed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearse(builder(case), case.inputs, 2, widest=1 << 40)  # as if it were too wide to be let through without
    monkeypatch.setattr(blueprint, "MOST_ANSWER_VALUES", 2)
    with pytest.raises(RefusedError, match="its answers take too much"):
        rehearse(builder(case), case.inputs, 2, widest=1)


def test_a_network_that_is_larger_than_its_weights_is_never_there() -> None:
    inputs: Inputs = {"vector": InputSpec(form="vector", shape=(5,))}
    few = {"weight": TensorSpec(dtype="float32", shape=(10, 5))}
    for spec in (
        "dense 1000000 relu, dense 1000000",
        ", ".join(["dense 8"] * 2_000),
        "dense 1000000, " * 50 + "relu",
    ):
        with pytest.raises(RefusedError, match="larger than the weights"):
            build_within(lambda spec=spec: build_network("layers", LayersSettings(spec=spec), inputs, 2), weights=few)


def asked(inputs: Inputs, models: str | None, layers: tuple[str, ...] = ()) -> Contestants:
    return Contestants(
        inputs=inputs, num_outputs=3, num_rows=200, labels=(), device="cpu", seed=0, models=models, layers=layers
    )


def unbounded() -> list[tuple[Case, str]]:
    """Every whole number that an architecture lets anyone set as high as they like."""
    seen, found = set(), []
    for case in EVERY:
        key = case.family, main_form(case.inputs)
        if case.family == "layers" or key in seen:
            continue
        seen.add(key)
        for name, field in MODELS[key].Settings.__pydantic_fields__.items():
            if field.annotation is int and not any(isinstance(limit, Le) for limit in field.metadata):
                found.append((case, name))
    return found


@pytest.mark.parametrize("value", [4 * 10**12, 4 * 10**20])
@pytest.mark.parametrize(
    ("case", "name"), unbounded(), ids=[f"{c.family}-{main_form(c.inputs)}-{n}" for c, n in unbounded()]
)
def test_no_setting_asks_for_more_memory_than_there_is(case: Case, name: str, value: int) -> None:
    text = f"{case.family}[{name}={value}]"
    said = ""
    try:
        (candidate,) = make_candidates(asked(case.inputs, text))
    except RequestError as error:
        said = str(error)
    if said:
        assert "smaller one: its preset" in said or "heads=" in said
        assert f"Setting '{name}' is {value:,} (in {text})" in said or "heads" in said
    else:  # the data have fewer steps or pixels than that: it changes nothing
        assert candidate.plan.parameters < 10_000_000


def test_layers_spelled_out_ask_for_no_more_memory_than_there_is() -> None:
    spec = ", ".join(["dense 400000 relu"] * 6)
    for one in (asked(EVERY[0].inputs, None, (spec,)), asked(EVERY[0].inputs, f"layers[{spec}]")):
        with pytest.raises(
            RequestError, match=r"^The layers 'dense 400000 .*\.\.\.' were asked for, .* 8\d\d,\d\d\d,\d\d\d,\d\d\d "
        ):
            make_candidates(one)


def test_a_setting_that_would_fit_a_larger_machine_is_refused_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netpick.contest.candidates.machine_memory", lambda device: 10**8)
    with pytest.raises(
        RequestError, match=r"width=3000,layers=4\]\), and the network would have 2\d,\d{3},\d{3} weights"
    ) as caught:
        make_candidates(asked(EVERY[0].inputs, "mlp[width=3000,layers=4]"))
    assert "Setting 'width' is 3,000" in str(caught.value)
    assert "but there are 0.1 GB" in str(caught.value)


def test_a_large_network_is_measured_first_and_then_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    build = builder(EVERY[0])
    torch.manual_seed(5)
    expected = build().state_dict()
    monkeypatch.setattr(blueprint, "SMALL_CALLS", 5)  # as if it were large
    torch.manual_seed(5)
    built = build_fitting(build, most=10**9).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in built.items())
    monkeypatch.setattr(blueprint, "MOST_CALLS", 5)
    with pytest.raises(TooLargeError):
        build_fitting(build, most=10**9)


def test_random_numbers_stay_where_they_are() -> None:
    case = EVERY[0]
    weights = specs_of(builder(case)().state_dict())
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    build_within(builder(case), weights=weights)
    assert torch.equal(torch.rand(2), expected)


def test_building_a_network_and_its_optimizer_imports_no_compiler() -> None:
    """torch would, for some calls, and loading or training a model would take a second longer."""
    import subprocess

    code = (
        "import sys, torch\n"
        "from netpick.models.blueprint import build_within\n"
        "from netpick.disk.strict.tensors import specs_of\n"
        "from tests.models.test_blueprint import EVERY, builder\n"
        "for case in EVERY:\n"
        "    build_within(builder(case), weights=specs_of(builder(case)().state_dict()))\n"
        "from netpick.training.optimizers import make_optimizers\n"
        "from netpick.types.recipe import Recipe\n"
        "make_optimizers(torch.nn.Linear(2, 2), Recipe())\n"
        "assert 'torch._dynamo' not in sys.modules and 'sympy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
