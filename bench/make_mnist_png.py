"""Writes the 70,000 MNIST digits as PNG files in class folders: CACHE/train/7/00001.png, CACHE/test/3/00042.png."""

from __future__ import annotations

import argparse
import gzip
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array of an .idx file: two zero bytes, the type, the number of sides, each side as big-endian uint32."""
    raw = gzip.decompress(path.read_bytes())
    sides = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sides)


def read_part(mnist: Path, part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images (N, 28, 28) and labels (N,) of "train" or "test"."""
    prefix = PARTS[part]
    return read_idx(mnist / f"{prefix}-images-idx3-ubyte.gz"), read_idx(mnist / f"{prefix}-labels-idx1-ubyte.gz")


def write_part(mnist: Path, cache: Path, part: str) -> int:
    """Writes one part, numbered from 1 in the order of the file; returns how many."""
    images, labels = read_part(mnist, part)
    for label in range(10):
        (cache / part / str(label)).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
        Image.fromarray(image).save(cache / part / str(label) / f"{number:05d}.png")
    return len(images)


def make_folder(mnist: Path, cache: Path) -> Path:
    """Makes the folder unless it is whole already; returns it."""
    finished = cache.with_name(f"{cache.name}.finished")
    if not finished.exists():
        with ProcessPoolExecutor(2) as pool:
            written = list(pool.map(write_part, [mnist] * 2, [cache] * 2, PARTS))
        finished.write_text(f"{sum(written)}\n")
    return cache


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path, help="folder to write")
    parser.add_argument("--mnist", type=Path, default=Path("../shared/data/mnist"), help="folder with the .gz files")
    arguments = parser.parse_args()
    print(make_folder(arguments.mnist, arguments.cache))
