"""Weights of the user's own that a network begins from, and what is none."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from corpus.build import Bytes, file, photos
from corpus.case import Case, Make
from corpus.folders import case

ASKED = "cnn[pretrained=../data/own.safetensors]"
WHY = "a network begins from it"


def shapes() -> dict[str, tuple[int, ...]]:
    """A ResNet-20 for pictures of 32 x 32."""
    made: dict[str, tuple[int, ...]] = {}

    def pair(convolution: str, norm: str, channels: int, before: int) -> None:
        made[f"{convolution}.weight"] = (channels, before, 3, 3)
        made.update({f"{norm}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})

    pair("conv1", "bn1", 16, 3)
    before = 16
    for stage, channels in enumerate((16, 32, 64), 1):
        for block in range(3):
            pair(f"layer{stage}.{block}.conv1", f"layer{stage}.{block}.bn1", channels, before)
            pair(f"layer{stage}.{block}.conv2", f"layer{stage}.{block}.bn2", channels, channels)
            before = channels
    return made


def tensors() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        name: np.ones(shape, np.float32) if "var" in name else generator.normal(0, 0.1, shape).astype(np.float32)
        for name, shape in shapes().items()
    }


def stored(values: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save(dict(values))


def whole() -> bytes:
    return stored(tensors())


def changed(**changes: np.ndarray | None) -> Bytes:
    """With some tensors changed or left out; two underscores stand for a stop."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return lambda: stored({name: value for name, value in {**tensors(), **named}.items() if value is not None})


def header(claims: object, rest: bytes = b"") -> bytes:
    text = json.dumps(claims).encode()
    return struct.pack("<Q", len(text)) + text + rest


def beside(content: bytes | str | Bytes | None) -> Make:
    """Photos, and the weights beside their folder."""

    def make(folder: Path) -> Path:
        if content is not None:
            file("own.safetensors", content)(folder)
        return photos(folder)

    return make


def weights(
    name: str,
    content: bytes | str | Bytes | None,
    code: int | tuple[int, ...] = 2,
    *words: str,
    why: str = "",
    models: str = ASKED,
) -> Case:
    return case("weights", name, beside(content), code, *words, why=why, models=models, accept="D001,D002,D016")


STEM = (16, 3, 3, 3)
CASES: tuple[Case, ...] = (
    weights("control", whole, 0, why=WHY),
    weights("not there", None, 2, "own.safetensors"),
    weights("empty", b"", 2, "own.safetensors", "no whole safetensors"),
    weights("cut", lambda: whole()[:2_000], 2, "own.safetensors", "no whole safetensors"),
    weights("cut in the numbers", lambda: whole()[:-9], 2, "own.safetensors", "no whole safetensors"),
    weights("a text", "no weights at all\n" * 50, 2, "own.safetensors", "no whole safetensors"),
    weights("a pickle", b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.", 2, "own.safetensors", "no whole safetensors"),
    weights("a header of 2^63 bytes", struct.pack("<Q", 1 << 63) + b"{}", 2, "own.safetensors", "no whole safetensors"),
    weights("tensors that claim 4 TB", header({"conv1.weight": {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 1 << 42]}}), 2, "own.safetensors"),
    weights("no tensors", header({}), 2, "own.safetensors"),
    weights("another network's", lambda: stored({"a.weight": np.zeros((3, 3), np.float32)}), 2, "own.safetensors", "Nearest is"),
    weights("a tensor is missing", changed(layer2__1__conv2__weight=None), 2, "layer2.1.conv2.weight"),
    weights("a norm is missing", changed(bn1__running_var=None), 2, "bn1.running_var"),
    weights("a tensor of another shape", changed(conv1__weight=np.zeros((16, 3, 5, 5), np.float32)), 2, "conv1.weight", "(16, 3, 3, 3)"),
    weights("a tensor more", changed(more__weight=np.zeros(1, np.float32)), 2, "more.weight"),
    weights("whole numbers", changed(conv1__weight=np.zeros(STEM, np.int64)), (0, 2), "conv1.weight", why="they are numbers"),
    weights("NaN", changed(conv1__weight=np.full(STEM, np.nan, np.float32)), 2, "conv1.weight"),
    weights("infinite numbers", changed(conv1__weight=np.full(STEM, np.inf, np.float32)), 2, "conv1.weight"),
    weights("a negative variance", changed(bn1__running_var=np.full(16, -1, np.float32)), 2, "bn1.running_var"),
    weights("a network that is none", whole, 2, "resnet50", "efficientnet_lite0", models="cnn[pretrained=resnet50]"),
    weights("a family without such", whole, 2, "mlp", models="mlp[pretrained=../data/own.safetensors]"),
    weights("a folder", whole, 2, "../data", models="cnn[pretrained=../data]"),
)  # fmt: skip
