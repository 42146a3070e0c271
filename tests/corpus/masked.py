"""Pictures with masks, and what is none."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from corpus.build import chunk, file, flipped, png
from corpus.case import Case, Make
from corpus.folders import FINE, case

COUNT, SIDE = 24, 24
LEFT = "it is left out by name"


def stored(values: np.ndarray, form: str = "PNG") -> bytes:
    """A picture (h, w) or (h, w, 3) as a file."""
    out = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).save(out, form)
    return out.getvalue()


def square(number: int, value: int = 255, side: int = SIDE) -> np.ndarray:
    """A mask (side, side): a square of `value` somewhere."""
    mask = np.zeros((side, side), np.uint8)
    top, left = 2 + number % 7, 3 + number * 5 % 11
    mask[top : top + 8, left : left + 8] = value
    return mask


def seen(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 80, (SIDE, SIDE, 3))
    return stored(noise + (square(number) > 0)[:, :, None] * 120)


def folder(change: Mapping[str, bytes | str | None] | None = None, value: int = 255) -> Make:
    """images/0.png beside masks/0.png, some files changed, added or left out."""

    def make(root: Path) -> Path:
        contents: dict[str, bytes | str | None] = {f"images/{n}.png": seen(n) for n in range(COUNT)}
        contents |= {f"masks/{n}.png": stored(square(n, value)) for n in range(COUNT)}
        for name, content in {**contents, **(change or {})}.items():
            if content is not None:
                file(f"cells/{name}", content)(root)
        return root / "cells"

    return make


def every(mask: bytes | None = None, picture: bytes | None = None) -> Make:
    """All masks, or all pictures, are one file."""
    masks = {} if mask is None else {f"masks/{n}.png": mask for n in range(COUNT)}
    pictures = {} if picture is None else {f"images/{n}.png": picture for n in range(COUNT)}
    return folder({**masks, **pictures})


def by_suffix(root: Path) -> Path:
    for n in range(COUNT):
        file(f"cells/{n}.png", seen(n))(root)
        file(f"cells/{n}_mask.png", stored(square(n)))(root)
    return root / "cells"


def by_class(root: Path) -> Path:
    for n in range(COUNT):
        file(f"cells/images/{n}.png", seen(n))(root)
        file(f"cells/masks/wall/{n}.png", stored(square(n)))(root)
        file(f"cells/masks/core/{n}.png", stored(square(n + 3)))(root)
    return root / "cells"


def in_parts(root: Path) -> Path:
    for n in range(COUNT * 2):
        part = "train" if n < COUNT else "test"
        file(f"cells/{part}/images/{n}.png", seen(n))(root)
        file(f"cells/{part}/masks/{n}.png", stored(square(n)))(root)
    return root / "cells"


def linked(root: Path) -> Path:
    made = folder()(root)
    (made / "masks" / "99.png").symlink_to("/etc/passwd")
    return made


NOISE = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE))
HUGE = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", (60_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
    + chunk(b"IEND", b"")
)

CASES: tuple[Case, ...] = (
    case("masks", "control", folder(), 0, why=FINE),
    case("masks", "control, beside each other", by_suffix, 0, why=FINE),
    case("masks", "control, a folder a class", by_class, 0, why=FINE),
    case("masks", "parts", in_parts, 0, why=FINE),
    case("masks", "values of 0 and 1", folder(value=1), 0, why=FINE),
    case("masks", "names of classes", folder({"classes.txt": "ground\ncell\n"}, value=1), 0, why=FINE),
    case("masks", "names that are binary", folder({"classes.txt": bytes(range(256))}), 0, why="no names are read from it"),
    case("masks", "an empty mask file", folder({"masks/3.png": b""}), (2, 3), "3.png"),
    case("masks", "a mask cut short", folder({"masks/3.png": stored(square(3))[:40]}), (2, 3), "3.png"),
    case("masks", "a mask with flipped bits", folder({"masks/3.png": flipped(lambda: stored(square(3)), 5)()}), (0, 2, 3), "3.png",
         why="a flipped bit of a pixel is a value"),
    case("masks", "a mask that is a text", folder({"masks/3.png": "no mask\n"}), (2, 3), "3.png"),
    case("masks", "a mask of 60,000 x 60,000", folder({"masks/3.png": HUGE}), (2, 3), "3.png"),
    case("masks", "a picture of 60,000 x 60,000", folder({"images/3.png": HUGE}), (2, 3), "3.png"),
    case("masks", "a picture cut short", folder({"images/3.png": seen(3)[:60]}), (2, 3), "3.png"),
    case("masks", "all masks damaged", every(mask=b"\x89PNG\r\n\x1a\nrubbish"), (2, 3), "cells"),
    case("masks", "all pictures damaged", every(picture=b"\x89PNG\r\n\x1a\nrubbish"), (2, 3), "png"),
    case("masks", "a mask of another shape", folder({"masks/3.png": stored(square(3)[:, :12])}), 2, "3.png", "12 x 24", "24 x 24"),
    case("masks", "a mask of half the size", folder({"masks/3.png": stored(square(3)[::2, ::2])}), 0, why="it is brought to its picture's"),
    case("masks", "a picture without its mask", folder({"masks/3.png": None}), 0, why=LEFT),
    case("masks", "a mask without its picture", folder({"images/3.png": None}), 0, why=LEFT),
    case("masks", "no mask of any picture", folder({f"masks/{n}.png": None for n in range(COUNT)} | {"masks/x.png": stored(square(1))}), 2, "cells"),
    case("masks", "masks of one value", every(mask=stored(square(1, 0))), 2, "one value only (0)"),
    case("masks", "masks of one value, 255", every(mask=stored(square(1, 0) + 255)), 2, "one value only (255)"),
    case("masks", "masks of noise", every(mask=stored(NOISE)), (0, 2, 3), "cells", why="they are classes, if many"),
    case("masks", "masks of edges made soft", every(mask=stored(np.where(square(1) > 0, NOISE // 2 + 100, 0))), (0, 2, 3), "cells",
         why="they are classes, if many"),
    case("masks", "a mask in colour", folder({"masks/3.png": stored(np.stack([square(3)] * 3, 2))}), (0, 2), "3.png", why="three equal channels are one"),
    case("masks", "masks with colours for classes", every(mask=stored(np.stack([square(1), square(1) * 0, square(1) // 2], 2))), (0, 2, 3), "cells", why="colours are classes"),
    case("masks", "a mask as JPEG", folder({"masks/3.png": stored(square(3), "JPEG")}), (0, 2), "3.png", why="its soft edges are values"),
    case("masks", "a mask of ever new values", folder({"masks/3.png": stored(NOISE)}), (0, 2), "3.png", why="they are classes, if many"),
    case("masks", "two pictures", folder({f"{place}/{n}.png": None for n in range(2, COUNT) for place in ("images", "masks")}), 0, why="none is held out, and that is said"),
    case("masks", "one picture throughout", folder({f"{place}/{n}.png": content for n in range(COUNT) for place, content in (("images", seen(0)), ("masks", stored(square(0))))}),
         2, "only 1 of 24 rows differ"),
    case("masks", "a picture of one pixel", folder({"images/3.png": png(1, 1), "masks/3.png": stored(np.zeros((1, 1)))}), 0, why="small is no fault"),
    case("masks", "a link out of the folder", linked, 2, "99.png", "/etc/passwd"),
    case("masks", "an empty folder of masks", folder({f"masks/{n}.png": None for n in range(COUNT)}), 2, "'images'"),
    case("masks", "a folder of masks that is not there", folder(), 2, "nowhere", masks="nowhere"),
    case("masks", "no masks, asked for", lambda root: file("cells/0.png", seen(0))(root).parent, 2, "cells", task="segment"),
    case("masks", "as classes", folder(), 2, "cells", "--task", task="classify"),
    case("masks", "another task", folder(), 2, "cells", task="forecast"),
    case("masks", "another target", folder(), 2, "--target", target="depth"),
)  # fmt: skip
