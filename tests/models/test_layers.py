"""Networks spelled out: the grammar, the shapes, the parameters, and the messages."""

from __future__ import annotations

import contextlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch import nn

from netpick.errors import RequestError
from netpick.models.networks.layer_table import LAYERS, LayerSpec
from netpick.models.networks.layers import Layers, LayersSettings, parse_layers
from netpick.models.networks.network import build_network
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec

CLASSIC = "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, flatten, dense 64 relu"
MNIST: Inputs = {"grid": InputSpec(form="grid", shape=(1, 28, 28), mean=(0.13,), std=(0.31,))}
SERIES: Inputs = {"series": InputSpec(form="series", shape=(30, 4))}
PADDED: Inputs = {"series": InputSpec(form="series", shape=(30, 4), padded=True)}
NUMBERS: Inputs = {"vector": InputSpec(form="vector", shape=(2,))}
TABLE: Inputs = {**NUMBERS, "codes": InputSpec(form="codes", shape=(2,), cardinalities=(4, 300))}


def build(spec: str, inputs: Inputs, num_outputs: int = 10) -> nn.Module:
    torch.manual_seed(0)
    return build_network("layers", LayersSettings(spec=spec), inputs, num_outputs)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_classic_cnn_has_as_many_parameters_as_in_keras() -> None:
    assert count(build(CLASSIC, MNIST)) == 121_930


def test_a_layer_is_read_into_numbers_words_options_and_activation() -> None:
    (layer,) = parse_layers("conv 64 3 same stride=2 relu")
    assert layer == LayerSpec(
        name="conv", numbers=(64, 3), words=("same",), options={"stride": 2}, activation="relu",
        text="conv 64 3 same stride=2 relu",
    )  # fmt: skip


def test_residual_blocks_nest_and_keep_their_commas() -> None:
    outer, last = parse_layers("residual(conv 8 3 same relu, residual(conv 8 3 same, batchnorm)) silu, globalpool")
    assert (outer.name, outer.activation, last.name) == ("residual", "silu", "globalpool")
    assert [layer.name for layer in outer.inner] == ["conv", "residual"]
    assert [layer.name for layer in outer.inner[1].inner] == ["conv", "batchnorm"]


def test_parsed_layers_are_plain_data() -> None:
    layers = parse_layers(f"residual({CLASSIC.split(', maxpool')[0]} same) relu, lstm 8 bidirectional, dropout 0.25")
    plain_data = TypeAdapter(tuple[LayerSpec, ...])
    assert plain_data.validate_json(plain_data.dump_json(layers)) == layers


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_the_example_of_every_layer_can_be_parsed(name: str) -> None:
    example = LAYERS[name].example
    assert parse_layers(example if name == "residual" else example.split(" (")[0])[0].name == name


@pytest.mark.parametrize(
    ("spec", "inputs", "width"),
    [
        ("dense 8", NUMBERS, 8),
        ("relu", TABLE, 2 + 4 + 300),  # small and large categories enter one-hot
        ("embedding 5, relu", TABLE, 2 + 2 * 5),
        ("flatten", SERIES, 120),
        ("conv 8 5, flatten", SERIES, 8 * 26),
        ("conv 8 4 same stride=2, flatten", SERIES, 8 * 15),
        ("conv 8 5, maxpool 3 stride=2, globalpool", SERIES, 8),
        ("lstm 6", SERIES, 6),
        ("lstm 6 bidirectional, dropout 0.1, gru 7", SERIES, 7),
        ("gru 6 bidirectional sequences, flatten", SERIES, 12 * 30),
        ("rnn 5 sequences, globalpool max", PADDED, 5),
        ("lstm 6", MNIST, 6),  # images are read row by row
        ("attention 4, globalpool", MNIST, 28),
        ("conv 6 3 same stride=2, avgpool 2 same stride=2, flatten", MNIST, 6 * 49),
        ("residual(conv 6 3 same relu, conv 6 3 same) relu, globalpool", MNIST, 6),
    ],
)
def test_shapes_are_followed_through_the_list(spec: str, inputs: Inputs, width: int) -> None:
    settings = LayersSettings(spec=spec)
    assert Layers().build(inputs, settings).width == width


def test_a_bidirectional_layer_reads_what_packed_sequences_would_give() -> None:
    network = build("lstm 5 bidirectional sequences, flatten", PADDED).eval()
    step = network.get_submodule("trunks.series.steps.0")
    x, lengths = torch.randn(3, 30, 4), torch.tensor([30, 12, 1])
    mask = torch.arange(30) < lengths[:, None]
    reference = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
    ahead, back = (
        dict(step.get_submodule("ahead").named_parameters()),
        dict(step.get_submodule("back").named_parameters()),
    )
    reference.load_state_dict({**ahead, **{f"{name}_reverse": tensor for name, tensor in back.items()}})
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    expected, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True, total_length=30)
    got, _ = step(x * mask.unsqueeze(-1), mask)
    torch.testing.assert_close(got * mask.unsqueeze(-1), expected)


def test_xor_is_learned_from_four_rows() -> None:
    network = build("dense 8 relu, dense 4 relu", NUMBERS, 2)
    x, y = torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]), torch.tensor([0, 1, 1, 0])
    recipe = Layers().recipe(NUMBERS, 4, 2)
    optimizer = Adam([list(network.parameters())], lr=recipe.learning_rate, weight_decays=[0.01])
    for _ in range(500):
        loss = nn.functional.cross_entropy(network({"vector": x}), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (network({"vector": x}).argmax(dim=1) == y).all()
    assert loss.item() < 0.05


@pytest.mark.parametrize(
    ("spec", "inputs", "message"),
    [
        (
            "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, dense 64 relu",
            MNIST,
            "Layer 5 'dense 64 relu' needs one row of numbers or steps, but gets a map of 5 x 5 with 64 channels. "
            "Add 'flatten' before it.",
        ),
        (
            "dense 4, conv 8 3",
            NUMBERS,
            "Layer 2 'conv 8 3' needs a map (image) or steps, but gets one row of 4 numbers. Leave it out, or use dense layers.",
        ),
        (
            "conv 8 3, relu",
            MNIST,
            "The network ends after layer 2 'relu' with a map of 26 x 26 with 8 channels, but its output layer needs one row "
            "of numbers. Add 'flatten' or 'globalpool' at the end.",
        ),
        (
            "maxpool 4, maxpool 4, conv 8 3",
            MNIST,
            "Layer 3 'conv 8 3' looks at 3 neighbours, but gets a map of 1 x 1 with 1 channels. Use a smaller window, or "
            "'same', or fewer pooling layers before it.",
        ),
        ("cnov 8 3", MNIST, "Layer 1 'cnov 8 3': there is no layer 'cnov'. Did you mean conv? Known: "),
        ("flatten, dense 8 rellu", MNIST, "Layer 2 'dense 8 rellu': 'rellu' means nothing here. Did you mean relu"),
        (
            "conv 8 3 strides=2",
            MNIST,
            "Layer 1 'conv 8 3 strides=2': 'conv' has no option 'strides'. Did you mean stride?",
        ),
        (
            "conv 8 3 stride=two",
            MNIST,
            "Layer 1 'conv 8 3 stride=two': 'two' is no number. Write for example conv 32 3",
        ),
        ("dense", NUMBERS, "Layer 1 'dense': needs 1 numbers, but has 0. Write dense 64 relu."),
        ("dense 2.5", NUMBERS, "Layer 1 'dense 2.5': its numbers must be whole and at least 1. Write dense 64 relu."),
        (
            "dropout 30",
            NUMBERS,
            "Layer 1 'dropout 30': its number must be a share from 0 to below 1. Write dropout 0.3.",
        ),
        (
            "residual, flatten",
            MNIST,
            "Layer 1 'residual': only residual holds layers in parentheses, and it needs some.",
        ),
        ("dense(relu)", NUMBERS, "Layer 1 'dense(relu)': only residual holds layers in parentheses"),
        ("residual(conv 8 3", MNIST, "The parentheses of 'residual(conv 8 3' do not match."),
        (
            "residual(conv 8 3), flatten",
            MNIST,
            "Layer 1 'residual(conv 8 3)' adds its input, a map of 28 x 28 with 1 channels, to what its layers make of it, "
            "a map of 26 x 26 with 8 channels; only the number of channels may differ.",
        ),
        (
            "residual(conv 8 3 same, dense 3)",
            MNIST,
            "Layer 1.2 'dense 3' needs one row of numbers or steps, but gets a map",
        ),
        (
            "embedding 8, dense 8",
            NUMBERS,
            "Layer 1 'embedding 8' turns categories or words into numbers, so it can only be the first",
        ),
        (
            "attention 3, globalpool",
            SERIES,
            "Layer 1 'attention 3' splits its numbers over 3 heads, but gets 30 steps of 4",
        ),
        (" , ", NUMBERS, "A network without layers was given"),
    ],
)
def test_messages_name_the_layer_and_what_to_type(spec: str, inputs: Inputs, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        build(spec, inputs)
    assert str(caught.value).startswith(message)


@given(st.text(alphabet="conv dense(),=.0123456789 relu", max_size=40))
def test_any_text_is_either_layers_or_a_clear_error(text: str) -> None:
    layers: tuple[LayerSpec, ...] = ()
    with contextlib.suppress(RequestError):
        layers = parse_layers(text)
    assert all(layer.name in LAYERS for layer in layers)
