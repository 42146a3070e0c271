"""Networks for tables: embeddings, members, sizes, and small problems that they must solve."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.contest.candidates import Contestants, make_candidates
from netpick.errors import ModelFileError, RequestError
from netpick.models.infer import Members, answers_of, values_of
from netpick.models.networks import MODELS
from netpick.models.networks.base import Features
from netpick.models.networks.blocks import ACTIVATIONS, Dropout, last_valid, masked_max, masked_mean, reverse_valid
from netpick.models.networks.heads import PooledHead
from netpick.models.networks.module import UserModule
from netpick.models.networks.network import Network, build_network, settings_from_json
from netpick.models.networks.table_inputs import CodeEmbedding, OneHot, PiecewiseLinear, TableInput
from netpick.models.networks.tabular_mlp import TabularMlpSettings
from netpick.models.networks.variants import apply, parse_models
from netpick.training.optimizers.adam import Adam
from netpick.types import Inputs, InputSpec

NUMBERS: Inputs = {"vector": InputSpec(form="vector", shape=(4,))}
TABLE: Inputs = {**NUMBERS, "codes": InputSpec(form="codes", shape=(2,), cardinalities=(3, 80))}
IMAGE: Inputs = {"grid": InputSpec(form="grid", shape=(1, 8, 8), mean=(0.5,), std=(0.25,))}


def learn(network: nn.Module, batch: dict[str, Tensor], target: Tensor, steps: int, rate: float) -> float:
    """Full-batch training; the mean loss of the last step."""
    optimizer = Adam([list(network.parameters())], lr=rate, weight_decays=[0.01])
    network.train()
    loss = torch.zeros(())
    for _ in range(steps):
        outputs = values_of(network(batch))
        rows = target.repeat_interleave(outputs.shape[1]) if outputs.ndim == 3 else target
        loss = functional.cross_entropy(outputs.flatten(0, -2), rows)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.eval()
    return loss.item()


def test_one_hot_marks_one_place_for_each_column() -> None:
    codes = torch.tensor([[0, 3], [2, 0]])
    expected = torch.tensor([[1.0, 0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0, 0]])
    assert torch.equal(OneHot((3, 4))(codes), expected)


def test_columns_share_one_embedding_table_without_overlap() -> None:
    embedding = CodeEmbedding((3, 2, 4), 5)
    first, last = torch.tensor([[0, 0, 0]]), torch.tensor([[2, 1, 3]])
    rows = torch.cat([embedding(first), embedding(last)]).flatten(0, 1)
    assert torch.equal(rows, embedding.table.weight[[0, 3, 5, 2, 4, 8]])


def test_large_categories_are_embedded_and_small_ones_one_hot() -> None:
    table = TableInput(TABLE, one_hot_up_to=50)
    assert table.width == 4 + 3 + round(6 * 80**0.25)
    assert table({"vector": torch.randn(5, 4), "codes": torch.zeros(5, 2, dtype=torch.int64)}).shape == (5, table.width)


def test_piecewise_linear_curves_bend_only_at_their_edges() -> None:
    torch.manual_seed(0)
    curve = PiecewiseLinear(1, 3, 8)
    nn.init.normal_(curve.bends)
    left, right = curve.edges, curve.edges + curve.widths
    at = [curve((left + share * (right - left)).unsqueeze(1)) for share in (0.1, 0.5, 0.9)]
    torch.testing.assert_close(at[1], (at[0] + at[2]) / 2, rtol=1e-4, atol=1e-5)
    assert torch.all(curve.widths > 0)


def test_a_new_piecewise_linear_curve_is_a_straight_line() -> None:
    curve = PiecewiseLinear(2, 3, 16)
    x = torch.linspace(-4, 4, 9)
    values = curve(torch.stack([x, x], dim=1))
    torch.testing.assert_close(values[4:5] + values[8:9], 2 * values[6:7])


def test_members_have_heads_of_their_own() -> None:
    torch.manual_seed(0)
    head = PooledHead(6, 2, members=3)
    pooled = torch.randn(4, 3, 6)
    outputs = values_of(head(Features(pooled), pooled))
    assert outputs.shape == (4, 3, 2)
    alone = pooled[:, 1] @ head.weight[1] + head.bias[1]
    torch.testing.assert_close(outputs[:, 1], alone)


def test_the_members_differ_from_the_start() -> None:
    torch.manual_seed(0)
    network = build_network("mlp", TabularMlpSettings(members=4), NUMBERS, 3)
    outputs = network({"vector": torch.randn(6, 4)})
    assert isinstance(outputs, Members)
    assert outputs.values.shape == (6, 4, 3)
    assert outputs.values.std(dim=1).min() > 0


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "none"])
def test_xor_is_solved_with_every_activation(activation: str) -> None:
    inputs: Inputs = {"vector": InputSpec(form="vector", shape=(2,))}
    batch = {"vector": torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])}
    target = torch.tensor([0, 1, 1, 0])
    architecture = MODELS["mlp", "table"]
    torch.manual_seed(0)
    (variant,) = parse_models(f"mlp[activation={activation}]", inputs)
    network = build_network("mlp", apply(architecture.presets(inputs, 4, 2), variant.settings), inputs, 2)
    learn(network, batch, target, 300, architecture.recipe(inputs, 4, 2).learning_rate)
    assert torch.equal(answers_of(Tensor.float, network(batch)).argmax(dim=1), target)


@pytest.mark.parametrize("text", ["mlp[activation=relu]", "mlp[activation=sigmoid]", "transformer"])
def test_iris_is_learned_from_a_hundred_rows(text: str) -> None:
    from sklearn.datasets import load_iris

    data = load_iris()
    x = torch.tensor(data.data, dtype=torch.float32)
    x, y = (x - x.mean(0)) / x.std(0), torch.tensor(data.target)
    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    train, test = order[:100], order[100:]
    (variant,) = parse_models(text, NUMBERS)
    architecture = MODELS[variant.family, "table"]
    settings = apply(architecture.presets(NUMBERS, 100, 3), variant.settings)
    torch.manual_seed(0)
    network = build_network(variant.family, settings, NUMBERS, 3)
    learn(network, {"vector": x[train]}, y[train], 150, architecture.recipe(NUMBERS, 100, 3).learning_rate)
    answers = answers_of(lambda outputs: outputs.softmax(-1), network({"vector": x[test]}))
    assert (answers.argmax(dim=1) == y[test]).float().mean() >= 0.88


def test_dropout_keeps_the_mean_and_drops_its_share() -> None:
    torch.manual_seed(0)
    layer, ones = Dropout(0.25), torch.ones(1000, 333)
    out = layer.train()(ones)
    assert abs((out == 0).float().mean().item() - 0.25) < 0.005
    assert abs(out.mean().item() - 1) < 0.01
    assert layer.eval()(ones) is ones
    assert Dropout(0.0).train()(ones) is ones
    torch.manual_seed(3)
    first = layer.train()(ones)
    torch.manual_seed(3)
    assert torch.equal(first, layer(ones))


def test_pooling_reads_valid_steps_only() -> None:
    steps = torch.tensor([[[1.0], [2], [9]], [[-3], [9], [9]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert masked_mean(steps, mask).flatten().tolist() == [1.5, -3]
    assert masked_max(steps, mask).flatten().tolist() == [2, -3]
    assert last_valid(steps, mask).flatten().tolist() == [2, -3]
    assert reverse_valid(steps, mask)[0].flatten().tolist() == [2, 1, 9]
    assert masked_max(steps, torch.zeros(2, 3, dtype=torch.bool)).flatten().tolist() == [0, 0]


def test_mixed_rows_get_one_trunk_for_each_form() -> None:
    mixed: Inputs = {**TABLE, **IMAGE}
    settings = MODELS["cnn", "grid"].presets(IMAGE, 100, 2)
    network = build_network("cnn", settings, mixed, 2)
    assert isinstance(network, Network)
    assert list(network.trunks) == ["grid", "table"]
    batch = {
        "vector": torch.randn(3, 4), "codes": torch.zeros(3, 2, dtype=torch.int64),
        "grid": torch.zeros(3, 1, 8, 8, dtype=torch.uint8),
    }  # fmt: skip
    assert network(batch).shape == (3, 2)


def test_a_family_that_does_not_read_the_form_is_refused() -> None:
    with pytest.raises(
        RequestError, match=r"There is no cnn for data of this form \(table\)\. Choose from: mlp, transf"
    ):
        build_network("cnn", None, TABLE, 2)
    settings = apply(MODELS["transformer", "table"].presets(TABLE, 100, 2), {"width": 30})
    with pytest.raises(
        RequestError, match=r"width 30 is not a multiple of its 4 heads\. Write for example transformer\["
    ):
        build_network("transformer", settings, TABLE, 2)


@pytest.mark.parametrize("data", [{"width": "8"}, {"width": -1}, {"depth": 3}, {"activation": "__import__"}])
def test_settings_of_a_damaged_model_file_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="The model file's setting"):
        settings_from_json("mlp", TABLE, data)
    with pytest.raises(ModelFileError, match="The model file names the family 'spam'"):
        settings_from_json("spam", TABLE, {})


class Flat(nn.Module):
    """A user's network."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.norm(x.flatten(1)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("inputs", "size", "batch"),
    [
        (TABLE, 4 + 3 + 80, {"vector": torch.randn(2, 4), "codes": torch.tensor([[1, 5], [2, 79]])}),
        (IMAGE, 64, {"grid": torch.zeros(2, 1, 8, 8, dtype=torch.uint8)}),
        ({"series": InputSpec(form="series", shape=(7, 2))}, 14, {"series": torch.randn(2, 7, 2)}),
    ],
    ids=["table", "grid", "series"],
)
def test_a_users_module_gets_one_float_tensor(inputs: Inputs, size: int, batch: dict[str, Tensor]) -> None:
    module = Flat(size, 3)
    network = UserModule(module, inputs, 3)
    assert network(batch).shape == (2, 3)
    assert module.training
    assert module.norm.num_batches_tracked == 1  # by the line above, not by the trial


def test_a_users_module_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        UserModule(Flat(4, 1), NUMBERS, 3)
    assert str(caught.value) == (
        "Your module Flat returned shape (B, 1) for input (B, 4), but 3 outputs per row are needed, shape (B, 3): one logit "
        "per class, or one value per target. End it with nn.Linear(..., 3)."
    )
    with pytest.raises(RequestError, match=r"Your module Flat got a float tensor of shape \(B, 4\) and failed: "):
        UserModule(Flat(5, 3), NUMBERS, 3)


def test_trainings_of_a_users_module_share_no_weights() -> None:
    """Small data are trained twice, and it is the first network that answers the validation rows."""
    module = Flat(4, 3)
    asked = Contestants(
        inputs=NUMBERS, num_outputs=3, num_rows=100, labels=("a", "b", "c"), device="cpu", seed=0, modules=(module,)
    )
    (candidate,) = make_candidates(asked)
    first, second = candidate.build(), candidate.build()
    batch = {"vector": torch.ones(8, 4)}
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    learn(second, batch, torch.zeros(8, dtype=torch.int64), 5, 0.1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in first.state_dict().items())
    assert not torch.equal(second.state_dict()["module.linear.weight"], before["module.linear.weight"])
