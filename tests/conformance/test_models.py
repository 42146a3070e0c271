"""What every architecture must do, run over each entry of MODELS and over several spelled-out networks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import values_of
from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.grid_cnn import GridCnnSettings
from netpick.models.networks.layers import LayersSettings
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.rnn import TextRnnSettings
from netpick.models.networks.text_transformer import TextTransformerSettings
from netpick.models.summary import layers_of
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

VECTOR = InputSpec(form="vector", shape=(5,))
CODES = InputSpec(form="codes", shape=(3,), cardinalities=(4, 2, 90))
IDS = InputSpec(form="codes", shape=(3,), cardinalities=(150, 2, 120))
SERIES = InputSpec(form="series", shape=(20, 3))
PADDED = InputSpec(form="series", shape=(20, 3), padded=True)
GREY = InputSpec(form="grid", shape=(1, 16, 16), mean=(0.3,), std=(0.25,))
COLOUR = InputSpec(form="grid", shape=(3, 18, 14), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
TEXT = InputSpec(form="tokens", shape=(20,), cardinalities=(50,), padded=True)
WORDS = InputSpec(form="tokens", shape=(20,), cardinalities=(900,), padded=True)
SENTENCE = InputSpec(form="words", shape=(20, 7), cardinalities=(30, 40, 9, 12, 12, 12, 12), padded=True, ahead=(1, 3))
CLIP = InputSpec(form="clip", shape=(6, 1, 12, 12), mean=(0.3,), std=(0.25,))
SOUND = InputSpec(form="spectrogram", shape=(20, 16), padded=True, mean=(0.4,) * 16, std=(0.2,) * 16)

INPUTS: dict[str, dict[str, Inputs]] = {
    "table": {
        "vector": {"vector": VECTOR},
        "codes": {"codes": CODES},
        "ids": {"vector": VECTOR, "codes": IDS},
        "both": {"vector": VECTOR, "codes": CODES},
    },
    "series": {"equal": {"series": SERIES}, "padded": {"series": PADDED}},
    "grid": {"grey": {"grid": GREY}, "colour": {"grid": COLOUR}},
    "clip": {"clip": {"clip": CLIP}},
    "tokens": {"text": {"tokens": TEXT}, "words": {"tokens": WORDS}},
    "spectrogram": {"sound": {"spectrogram": SOUND}},
    "words": {"sentence": {"words": SENTENCE}},
}

SIZED: dict[str, Any] = {  # settings that no preset for inputs as small as these has
    "cnn": GridCnnSettings(
        width=8, widest=12, stages=3, first_blocks=1, kernel=5, stride=2, shrink=2, pooling="mean_max"
    ),
}

SIZED_TEXTS: dict[str, Any] = {  # as long texts get them
    "rnn": TextRnnSettings(cell="lstm", width=8, embedding=6, patch=2),
    "transformer": TextTransformerSettings(width=8, heads=2, context=3, patch=2),
}

SPELLED: dict[str, tuple[str, ...]] = {
    "table": ("dense 16 relu, batchnorm, dropout 0.2, dense 8 tanh", "residual(dense 24 gelu, layernorm) silu"),
    "series": (
        "conv 8 5 relu, maxpool 2, conv 8 3 same leaky_relu, globalpool max",
        "lstm 8 bidirectional, gru 8, dense 8 relu",
        "conv 8 3 same, batchnorm, relu, attention 2, avgpool 2, flatten, dense 16 relu",
        "dense 16 relu, residual(attention 4, layernorm), globalpool",
        "gru 6 bidirectional sequences, dropout 0.1, flatten",
    ),
    "grid": (
        "conv 8 3 relu, maxpool 2, conv 8 3 relu, flatten, dense 16 relu",
        "conv 8 3 same stride=2 relu, batchnorm, residual(conv 16 3 same silu, conv 16 3 same) relu, globalpool",
        "lstm 12, dense 8 sigmoid",
        "conv 4 3 same softmax, avgpool 2, layernorm, gru 8 bidirectional, rnn 8",
    ),
    "spectrogram": ("conv 8 3 relu, maxpool 2, conv 8 3 relu, globalpool", "lstm 12 bidirectional, dense 8 relu"),
}


ELSEWHERE = (
    "window",
    "stream",
    "pair",
    "speech",
    "chords",
    "scene",
    "objects",
    "record",
)  # each has a suite of its own


@dataclass(frozen=True)
class Case:
    """One network to test: how it is named, its inputs, and its settings (None: presets)."""

    name: str
    family: str
    inputs: Inputs
    settings: Any = None

    def chosen(self, num_rows: int = 200) -> Any:
        if self.settings is not None:
            return self.settings
        return MODELS[self.family, main_form(self.inputs)].presets(self.inputs, num_rows, 3)

    def build(self, num_outputs: int = 3, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return build_network(self.family, self.chosen(), self.inputs, num_outputs)


NOT_DRAWN = (
    "_pretrained",
    "imported",
)  # whose weights or layers come from elsewhere: test_backbones.py, test_keras_equal.py
OWN = [(family, form) for family, form in MODELS if not family.endswith(NOT_DRAWN)]


def cases() -> Iterator[Case]:
    for family, form in OWN:
        for name, inputs in INPUTS.get(form, {}).items():
            yield Case(f"{family}-{form}-{name}", family, inputs)
    for form, specs in SPELLED.items():
        name, inputs = list(INPUTS[form].items())[-1]
        for i, spec in enumerate(specs):
            yield Case(f"spelled-{form}-{name}-{i}", "layers", inputs, LayersSettings(spec=spec))
    for family, settings in SIZED.items():
        yield Case(f"sized-{family}-grid", family, INPUTS["grid"]["colour"], settings)
    for family, settings in SIZED_TEXTS.items():
        yield Case(f"sized-{family}-tokens", family, INPUTS["tokens"]["words"], settings)
    table: Inputs = {"vector": VECTOR, "codes": CODES}
    for family, form in OWN:
        if form == "grid":
            yield Case(f"mixed-{family}-grid", family, {**table, "grid": GREY})
        elif form == "series":
            yield Case(f"mixed-{family}-series", family, {"vector": VECTOR, "series": PADDED})
        elif form == "tokens":
            yield Case(f"mixed-{family}-tokens", family, {**table, "tokens": TEXT, "tokens:note": TEXT})
        elif form == "clip":
            yield Case(f"mixed-{family}-clip", family, {"vector": VECTOR, "clip": CLIP, "tokens": TEXT, "grid": GREY})


CASES = list(cases())
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
PADDED_CASES = [case for case in CASES if any(spec.padded for spec in case.inputs.values())]
padded_cases = pytest.mark.parametrize("case", PADDED_CASES, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_batch(inputs: Inputs, rows: int, seed: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch: dict[str, Tensor] = {}
    for name, spec in inputs.items():
        if name == "codes":
            columns = [torch.randint(0, size, (rows,), generator=generator) for size in spec.cardinalities]
            columns[-1] = torch.randperm(spec.cardinalities[-1], generator=generator)[
                :rows
            ]  # so that no two rows agree
            batch[name] = torch.stack(columns, dim=1)
        else:
            batch[name] = random_values(spec, rows, generator)
        if spec.padded:
            lengths = torch.randint(6, 15, (rows,), generator=generator)
            mask = torch.arange(spec.shape[0]) < lengths[:, None]
            batch[f"{name}.mask"] = mask
            batch[name] = batch[name].masked_fill(~over_values(mask, spec), 0)
    return batch


def random_values(spec: InputSpec, rows: int, generator: torch.Generator) -> Tensor:
    if spec.form == "words":
        columns = [torch.randint(1, size, (rows, spec.shape[0]), generator=generator) for size in spec.cardinalities]
        return torch.stack(columns, dim=2)
    if spec.form == "tokens":
        return torch.randint(1, spec.cardinalities[0], (rows, *spec.shape), generator=generator)
    if spec.form in ("grid", "spectrogram", "clip"):
        return torch.randint(0, 256, (rows, *spec.shape), generator=generator, dtype=torch.uint8)
    return torch.randn((rows, *spec.shape), generator=generator)


def over_values(mask: Tensor, spec: InputSpec) -> Tensor:
    """(B, T) with as many further dimensions of one as the values have."""
    return mask.view(*mask.shape, *[1] * (len(spec.shape) - 1))


def taken(batch: dict[str, Tensor], change: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    return {name: change(tensor) for name, tensor in batch.items()}


def run(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Outputs (B, O), or (B, M, O) of members."""
    return values_of(network(batch))


def answers(outputs: Tensor) -> Tensor:
    return outputs.mean(dim=1) if outputs.ndim == 3 else outputs


def mean_loss(outputs: Tensor, target: Tensor) -> Tensor:
    if outputs.ndim == 3:  # every member learns by its own loss
        target = target.repeat_interleave(outputs.shape[1])
        outputs = outputs.flatten(0, 1)
    return functional.cross_entropy(outputs.float(), target)


def test_the_suite_covers_every_entry() -> None:
    # Forecasters and networks of symbols answer in geometries of their own: test_forecasters.py and test_text_networks.py.
    assert {(case.family, main_form(case.inputs)) for case in CASES} == {key for key in OWN if key[1] not in ELSEWHERE}
    every = {(f, form) for form, choices in INPUTS.items() for inputs in choices.values() for f in families_for(inputs)}
    assert every == {
        key for key in OWN if key[0] != "layers" and key[1] not in ELSEWHERE
    }  # each competes for some inputs


@every_case
@pytest.mark.parametrize("num_outputs", [1, 4])
def test_outputs_have_the_right_shape(case: Case, num_outputs: int) -> None:
    network = case.build(num_outputs)
    for rows in (1, 7):
        network.eval()
        outputs = run(network, make_batch(case.inputs, rows))
        assert outputs.shape in {(rows, num_outputs), (rows, outputs.shape[1], num_outputs)}
        assert torch.isfinite(outputs).all()


@every_case
def test_every_parameter_gets_a_gradient(case: Case) -> None:
    network = case.build().train()
    mean_loss(run(network, make_batch(case.inputs, 32)), torch.arange(32) % 3).backward()  # type: ignore[no-untyped-call]
    missing = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not missing
    # One-hot columns and embeddings of values that this batch lacks stay at 0; whole tensors may not.
    idle = [name for name, p in network.named_parameters() if p.grad is not None and not p.grad.any()]
    assert not [name for name in idle if "bends" not in name]


@every_case
def test_one_small_batch_can_be_learned_by_heart(case: Case) -> None:
    network = case.build()
    batch, target = make_batch(case.inputs, 6), torch.arange(6) % 3
    optimizer = Adam([list(network.parameters())], lr=5e-3, weight_decays=[0.01])
    for step in range(300):
        loss = mean_loss(run(network.train(), batch), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        # Running statistics need some steps to arrive.
        if loss.item() < 0.1 and step % 4 == 0 and knows(network, batch, target):
            break
    assert knows(network, batch, target)


def knows(network: nn.Module, batch: dict[str, Tensor], target: Tensor) -> bool:
    with torch.no_grad():
        return torch.equal(answers(run(network.eval(), batch)).argmax(dim=1), target)


@every_case
def test_rows_do_not_affect_each_other(case: Case) -> None:
    network = case.build().eval()
    batch = make_batch(case.inputs, 6)
    together = run(network, batch)
    alone = torch.cat([run(network, taken(batch, lambda tensor, i=i: tensor[i : i + 1])) for i in range(6)])  # type: ignore[misc]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@padded_cases
def test_the_values_of_padded_steps_do_not_matter(case: Case) -> None:
    network = case.build().eval()
    batch = make_batch(case.inputs, 6)
    noisy = dict(batch)
    for name, spec in case.inputs.items():
        if spec.padded:
            noise = random_values(spec, 6, torch.Generator().manual_seed(9))
            noise = noise * 100 if noise.is_floating_point() else noise
            noisy[name] = torch.where(over_values(batch[f"{name}.mask"], spec), batch[name], noise)
    torch.testing.assert_close(run(network, batch), run(network, noisy), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case",
    # Other families read a fixed number of steps of a series, and that is what they always get; other forms are trimmed.
    [c for c in PADDED_CASES if "series" not in c.inputs or c.family in ("cnn", "rnn", "layers")],
    ids=lambda case: case.name,
)
def test_the_number_of_padded_steps_does_not_matter(case: Case) -> None:
    network = case.build().eval()
    batch = make_batch(case.inputs, 6)
    cut = dict(batch)
    for name, spec in case.inputs.items():
        if spec.padded:
            longest = int(batch[f"{name}.mask"].sum(dim=1).max())
            cut |= {key: batch[key][:, :longest] for key in (name, f"{name}.mask")}
    torch.testing.assert_close(run(network, batch), run(network, cut), rtol=1e-4, atol=1e-5)


@every_case
def test_the_same_seed_gives_the_same_network(case: Case) -> None:
    batch = make_batch(case.inputs, 5)
    first, second, other = (run(case.build(seed=seed).eval(), batch) for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@every_case
def test_settings_and_recipe_round_trip_through_json(case: Case) -> None:
    architecture = MODELS[case.family, main_form(case.inputs)]
    for rows in (4, 1_000, 1_000_000):
        settings = case.chosen(rows)
        adapter = TypeAdapter(architecture.Settings)
        text = adapter.dump_json(settings)
        assert adapter.validate_json(text) == settings
        assert settings_from_json(case.family, case.inputs, json.loads(text)) == settings
        recipe = architecture.recipe(case.inputs, rows, 3)
        assert TypeAdapter(Recipe).validate_json(TypeAdapter(Recipe).dump_json(recipe)) == recipe
        assert architecture.build(_main_part(case.inputs), settings).width >= 1


@every_case
def test_bfloat16_gives_about_the_same(case: Case) -> None:
    network = case.build().eval()
    batch = make_batch(case.inputs, 8)
    exact = run(network, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = run(network, batch)
    assert (rough.float() - exact).abs().max() < 0.1 * exact.abs().max() + 0.05
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = mean_loss(run(network.train(), batch), torch.arange(8) % 3)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in network.parameters())


@every_case
def test_the_state_dict_holds_all_that_matters(case: Case) -> None:
    network, batch = case.build(seed=0), make_batch(case.inputs, 8)
    optimizer = Adam([list(network.parameters())], lr=0.05, weight_decays=[0.0])
    for _ in range(3):  # running statistics move too
        mean_loss(run(network.train(), batch), torch.arange(8) % 3).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    other = case.build(seed=9)
    other.load_state_dict(network.state_dict())
    assert torch.equal(run(network.eval(), batch), run(other.eval(), batch))


@every_case
def test_the_layers_hold_all_weights(case: Case) -> None:
    network = case.build()
    layers = layers_of(network, make_batch(case.inputs, 7), 7)
    assert sum(layer.weights for layer in layers) == sum(p.numel() for p in network.parameters())
    assert len({layer.name for layer in layers}) == len(layers)
    assert sum(layer.shape.startswith("(N,") for layer in layers) >= 1
    assert network.training


def _main_part(inputs: Inputs) -> Inputs:
    form = main_form(inputs)
    return inputs if form == "table" else {form: inputs[form]}
