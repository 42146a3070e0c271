"""BasicMotions with scales over six decades: `python -m bench.scales FOLDER` writes FOLDER/plain and FOLDER/scaled.

Each series of `scaled` is multiplied by a factor of its own, from a thousandth to a thousand; `plain` is as it is distributed.

    netpick fit FOLDER/scaled --budget 90s
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from bench.measure import SHARED_DATA

NAME, DECADES = "BasicMotions", 6.0


def scaled(line: str, factor: float) -> str:
    """A line of a .ts file: channels divided by colons, the class last."""
    *channels, label = line.split(":")
    return ":".join([*(",".join(f"{float(v) * factor:.9g}" for v in c.split(",")) for c in channels), label])


def main(folder: Path) -> None:
    """Writes both, train and test part."""
    for kind in ("plain", "scaled"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed, part in enumerate(("TRAIN", "TEST")):
        chance = random.Random(seed)
        text = (SHARED_DATA / "series" / NAME / f"{NAME}_{part}.ts").read_text("utf-8")
        (folder / "plain" / f"{NAME}_{part}.ts").write_text(text, "utf-8")
        head, mark, rows = text.partition("@data\n")
        lines = [
            scaled(row, 10 ** chance.uniform(-DECADES / 2, DECADES / 2)) if row.strip() else row
            for row in rows.split("\n")
        ]
        (folder / "scaled" / f"{NAME}_{part}.ts").write_text(head + mark + "\n".join(lines), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
