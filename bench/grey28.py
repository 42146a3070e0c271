"""Grey pictures of 28 x 28 in ten classes, 60,000 to learn from and 10,000 to test: of the size and difficulty of Fashion-MNIST.

MNIST's digits turned, stretched and sheared, with the texture of photographs in front and behind, and in part overlaid by a
weaker second digit, so that some rows cannot be told for certain. Nearest neighbours reach about 0.85, as on Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.make_mnist_png import read_part
from bench.measure import CACHE, SHARED_DATA, need

SIDE = 28
TURN, STRETCH, SHEAR, MOVE = 0.08, 0.06, 0.05, 0.4  # standard deviations: radians, share, share, pixels
OVERLAID = 0.22  # share of the rows with a second digit
WEAKEST, STRONGEST = 0.4, 1.05  # brightness of the second digit, of the first one's
BACKGROUND = 0.15  # brightness of the photograph behind
PATCHES = 60  # pieces of texture from a photograph

Floats = npt.NDArray[np.float32]


def textures(shared: Path) -> Floats:
    """(N, 28, 28) pieces of photographs, each stretched to 0..1."""
    pieces = []
    for number, path in enumerate(sorted(need(shared / "cats_dogs").rglob("*.jpg"))[::4]):
        draws = np.random.default_rng(number)
        photograph = Image.open(path).convert("L")
        photograph.thumbnail((200, 200))
        values = np.asarray(photograph, dtype=np.float32)
        for _ in range(PATCHES):
            down, right = (int(draws.integers(0, max(1, size - SIDE))) for size in values.shape)
            piece = values[down : down + SIDE, right : right + SIDE]
            if piece.shape == (SIDE, SIDE):
                pieces.append((piece - piece.min()) / max(1.0, float(np.ptp(piece))))
    return np.stack(pieces)


def bent(digits: npt.NDArray[np.uint8], draws: np.random.Generator) -> Floats:
    """(N, 28, 28) in 0..1: each digit by an affine map of its own."""
    import torch
    from torch.nn import functional

    count = len(digits)
    turn = draws.normal(0, TURN, count)
    across, along = np.exp(draws.normal(0, STRETCH, (2, count)))
    shear = draws.normal(0, SHEAR, count)
    move = draws.normal(0, MOVE, (2, count)) * 2 / SIDE
    first = np.stack([across * np.cos(turn), -np.sin(turn) + shear, move[0]], axis=1)
    second = np.stack([np.sin(turn), along * np.cos(turn), move[1]], axis=1)
    maps = torch.from_numpy(np.stack([first, second], axis=1).astype(np.float32))
    pictures = torch.tensor(digits).unsqueeze(1).float() / 255
    made = [
        functional.grid_sample(
            part, functional.affine_grid(theta, list(part.shape), align_corners=False), align_corners=False
        )
        for part, theta in zip(pictures.split(1_000), maps.split(1_000), strict=True)
    ]
    return torch.cat(made).squeeze(1).numpy()  # type: ignore[no-any-return]


def pictures_of(digits: npt.NDArray[np.uint8], pieces: Floats, seed: int) -> npt.NDArray[np.uint8]:
    """One picture for each digit."""
    draws = np.random.default_rng(seed)
    first = bent(digits, draws)
    second = bent(digits[draws.permutation(len(digits))], draws)
    strength = draws.uniform(WEAKEST, STRONGEST, (len(digits), 1, 1)) * (draws.random((len(digits), 1, 1)) < OVERLAID)
    front, behind = (pieces[draws.integers(0, len(pieces), len(digits))] for _ in range(2))
    shape = np.maximum(first, (strength * second).astype(np.float32))
    made = shape * (0.45 + 0.55 * front) + (1 - shape) * BACKGROUND * behind
    return (made * 255).round().clip(0, 255).astype(np.uint8)


def make_grey28(shared: Path, target: Path) -> Path:
    """Writes the four IDX files of MNIST's names into the folder `target` unless they are there; returns it."""
    pieces: Floats | None = None
    target.mkdir(parents=True, exist_ok=True)
    for seed, (part, prefix) in enumerate((("train", "train"), ("test", "t10k"))):
        path = target / f"{prefix}-images-idx3-ubyte.gz"
        if path.exists():
            continue
        pieces = textures(shared) if pieces is None else pieces
        digits, labels = read_part(need(shared / "mnist"), part)
        write_idx(target / f"{prefix}-labels-idx1-ubyte.gz", labels)
        write_idx(path, pictures_of(digits, pieces, seed))
    return target


def write_idx(path: Path, values: npt.NDArray[np.uint8]) -> None:
    """The array as an .idx file of bytes."""
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">u4").tobytes()
    path.write_bytes(gzip.compress(head + values.tobytes(), compresslevel=1, mtime=0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, nargs="?", default=CACHE / "grey28", help="folder to write")
    arguments = parser.parse_args()
    print(make_grey28(SHARED_DATA, arguments.target))
