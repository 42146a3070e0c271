"""Writes moving-MNIST clips: python tools/moving_mnist.py OUT [--count 3000] [--format mp4|avi|webm|frames] [--directions 4].

The class is the direction of motion (tests/moving_digits.py), the digits come from ../shared/data/mnist.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from moving_digits import moving_digits, write_frames, write_videos  # noqa: E402

DIGIT_SIDE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "mnist")
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--directions", type=int, default=4, choices=range(2, 9))
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--format", default="mp4", choices=("mp4", "avi", "mkv", "webm", "frames"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with gzip.open(given.data / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[: 10 * given.count]
    digits = np.stack([np.asarray(Image.fromarray(one).resize((DIGIT_SIDE, DIGIT_SIDE))) for one in pixels])
    clips, labels = moving_digits(
        digits, given.count, directions=given.directions, frames=given.frames, side=given.side, seed=given.seed
    )
    if given.format == "frames":
        write_frames(clips, labels, given.out)
    else:
        write_videos(clips, labels, given.out, f".{given.format}")
    sys.stdout.write(f"{given.count:,} clips of {given.frames} frames in {given.out}\n")


if __name__ == "__main__":
    main()
