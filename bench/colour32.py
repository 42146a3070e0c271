"""Colour pictures of 32 x 32 in ten classes, 50,000 to learn from and 10,000 to test: about as hard as CIFAR-10.

Crops of photographs at many scales, named by a ResNet-20 that was trained on CIFAR-10: the class is what that network sees
in the crop, so it depends on shape, texture and colour as CIFAR's classes do. Crops of one photograph stand on one side of the
split. The same file comes out on every machine, but for rounding of the network's answers.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.measure import CACHE, SHARED_DATA, need

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
CROPS = 110  # of a photograph
SMALLEST = 0.15  # share of the photograph's shorter side
CONFIDENCE = 0.5  # of the naming network, below which a crop is left out
TRAIN, TEST = 50_000, 10_000
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # that the naming network was trained with

Pictures = npt.NDArray[np.uint8]


def crops_of(path: Path, number: int) -> Pictures:
    """(CROPS, 3, 32, 32) squares of one photograph, sizes and places drawn from its number."""
    draws = np.random.default_rng(number)
    photograph = Image.open(path).convert("RGB")
    width, height = photograph.size
    made = np.empty((CROPS, 3, SIDE, SIDE), dtype=np.uint8)
    for crop in made:
        side = max(SIDE, round(min(width, height) * draws.uniform(SMALLEST, 1.0)))
        left, top = draws.uniform(0, max(width - side, 0)), draws.uniform(0, max(height - side, 0))
        part = photograph.resize(
            (SIDE, SIDE), Image.Resampling.BOX, (left, top, min(left + side, width), min(top + side, height))
        )
        crop[:] = np.asarray(part).transpose(2, 0, 1)
    return made


def name(pictures: Pictures, weights: dict[str, Tensor]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """What the ResNet-20 sees in each picture, and how sure it is."""
    import torch

    labels, confidences = [], []
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(pictures), 500):
            batch = torch.from_numpy(pictures[start : start + 500]).float() / 255
            outputs = resnet20(((batch - mean) / deviation).contiguous(memory_format=torch.channels_last), weights)
            most = outputs.float().softmax(dim=1).max(dim=1)
            labels.append(most.indices.numpy())
            confidences.append(most.values.numpy())
    return np.concatenate(labels), np.concatenate(confidences)


def resnet20(x: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Outputs (B, 10): three stages of three blocks with shortcuts without parameters (He et al. 2016)."""
    from torch.nn import functional

    def convolve(x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
        x = functional.conv2d(x, weights[f"{convolution}.weight"], stride=stride, padding=1)
        parts = (weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *parts)

    x = convolve(x, "conv1", "bn1").relu()
    for stage in (1, 2, 3):
        for block in range(3):
            prefix, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            made = convolve(x, f"{prefix}conv1", f"{prefix}bn1", stride).relu()
            made = convolve(made, f"{prefix}conv2", f"{prefix}bn2")
            if stride == 2:
                added = made.shape[1] - x.shape[1]
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, added // 2, added // 2))
            x = (made + x).relu()
    return functional.linear(x.mean(dim=(2, 3)), weights["linear.weight"], weights["linear.bias"])


def chosen(labels: npt.NDArray[np.int64], sure: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.int64]:
    """`count` rows that are sure, as evenly over the classes as there are, in random order."""
    draws = np.random.default_rng(0)
    heaps = [draws.permutation(np.flatnonzero(sure & (labels == label))) for label in range(len(CLASSES))]
    most = next(most for most in range(1, count + 1) if sum(min(most, len(heap)) for heap in heaps) >= count)
    return draws.permutation(np.concatenate([heap[:most] for heap in heaps]))[:count]


def make_colour32(shared: Path, target: Path) -> Path:
    """Writes the .npz file unless it is there already; returns its path."""
    from safetensors.torch import load_file

    if target.exists():
        return target
    weights = load_file(need(shared / "weights" / "cifar10_resnet20.safetensors"))
    photographs = sorted(need(shared / "cats_dogs").rglob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(photographs))
    border = len(photographs) * TEST // (TRAIN + TEST)
    arrays = {}
    for part, numbers, count in (("test", order[:border], TEST), ("train", order[border:], TRAIN)):
        pictures = np.concatenate([crops_of(photographs[number], number) for number in numbers])
        labels, confidences = name(pictures, weights)
        rows = chosen(labels, confidences >= CONFIDENCE, count)
        arrays[f"{part}_images"] = pictures[rows].transpose(0, 2, 3, 1)
        arrays[f"{part}_labels"] = np.array(CLASSES)[labels[rows]]
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, **arrays)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, nargs="?", default=CACHE / "colour32.npz", help="file to write")
    arguments = parser.parse_args()
    print(make_colour32(SHARED_DATA, arguments.target))
