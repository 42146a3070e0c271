"""Every architecture can be built within the ceiling that its own weights set, and none beyond it."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
import torch

from netpick import blueprint
from netpick.blueprint import build_within, rehearse
from netpick.models import MODELS
from netpick.models.layers import LayersSettings
from netpick.models.network import build_network
from netpick.strict import RefusedError
from netpick.strict.tensors import TensorSpec, specs_of
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


def test_random_numbers_stay_where_they_are() -> None:
    case = EVERY[0]
    weights = specs_of(builder(case)().state_dict())
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    build_within(builder(case), weights=weights)
    assert torch.equal(torch.rand(2), expected)


def test_building_imports_no_compiler() -> None:
    """torch would, for some calls, and loading a model would take a second longer."""
    import subprocess

    code = (
        "import sys, torch\n"
        "from netpick.blueprint import build_within\n"
        "from netpick.strict.tensors import specs_of\n"
        "from tests.unit.test_blueprint import EVERY, builder\n"
        "for case in EVERY:\n"
        "    build_within(builder(case), weights=specs_of(builder(case)().state_dict()))\n"
        "assert 'torch._dynamo' not in sys.modules and 'sympy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
