"""A table of pictures and numbers in which neither alone says anything: the class is (odd digit) XOR (positive number)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def write_mixed_table(digits: Bytes, labels: npt.NDArray[np.int64], folder: Path, count: int, seed: int = 0) -> Path:
    """folder/table.csv with the columns picture (a path), reading, and verdict (yes, no), and folder/pictures/.

    digits (n, h, w) with their labels (n,) in 0..9. Both classes, all digits and both signs are equally frequent, each given
    the other, so that a picture or a number alone is right half of the time.
    """
    from PIL import Image

    generator = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True)
    by_parity = [np.flatnonzero(labels % 2 == parity) for parity in (0, 1)]
    lines = ["picture,reading,verdict"]
    for row in range(count):
        odd, positive = row & 1, row >> 1 & 1
        Image.fromarray(digits[generator.choice(by_parity[odd])]).save(folder / f"pictures/{row:05d}.png")
        reading = (0.1 + abs(generator.normal())) * (1 if positive else -1)
        lines.append(f"pictures/{row:05d}.png,{reading:.4f},{'yes' if odd ^ positive else 'no'}")
    order = generator.permutation(count)
    path = folder / "table.csv"
    path.write_text("\n".join([lines[0], *(lines[1 + row] for row in order)]) + "\n")
    return path
