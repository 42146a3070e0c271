"""The labs of beginners' courses with their own settings: one network, several optimizers, `netpick fit` as a user runs it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from bench.measure import CACHE, SHARED_DATA, Section, fit, need, percent, test_value

MNIST_CNN = "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, flatten, dense 64 relu"
LSTM = "lstm 64, lstm 64"
PHOTOGRAPHS_CNN = (
    "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, conv 128 3 relu, maxpool 2, flatten, dense 128 relu"
)
BUDGET = "10m"  # more than any of them needs: the epochs end them


def measure_labs() -> Section:
    """Test accuracy of each lab with each of its optimizers."""
    mnist = need(SHARED_DATA / "mnist")
    digits, photographs = digits_file(CACHE / "digits8.npz"), photographs_folder(CACHE / "photographs64")
    optimizers = ("", "optimizer=adam", "optimizer=rmsprop", "optimizer=sgd")
    rows = [
        lab("MNIST, CNN, 3 epochs", mnist, MNIST_CNN, "optimizer=adam,learning_rate=1e-3,batch_size=32,epochs=3"),
        *(lab("MNIST, rows as steps, 2 LSTM, 3 epochs", mnist, LSTM, _joined(name, "epochs=3")) for name in optimizers),
        *(lab("digits 8x8, 2 LSTM, 60 epochs", digits, LSTM, _joined(name, "epochs=60")) for name in optimizers),
        *(
            lab(
                "photographs 64x64, CNN, 15 epochs",
                photographs,
                PHOTOGRAPHS_CNN,
                _joined(name, "batch_size=32,epochs=15"),
            )
            for name in ("", "optimizer=adam,learning_rate=1e-3", "optimizer=rmsprop,learning_rate=1e-3")
        ),
    ]
    return Section(
        title="Labs of courses", columns=["lab", "recipe", "test accuracy"], rows=rows,
        note="Whatever a recipe does not name is the preset's; an empty one is AdamW. Seed 0.",
    )  # fmt: skip


def lab(title: str, data: Path, layers: str, recipe: str) -> Sequence[str]:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--layers", layers, "--budget", BUDGET, "--seed", "0"]
        _, report = fit(data, Path(folder) / "run", *options, *(["--recipe", recipe] if recipe else []))
    return [title, recipe or "preset", percent(test_value(report, "layers", "accuracy"))]


def _joined(*parts: str) -> str:
    return ",".join(part for part in parts if part)


def digits_file(path: Path) -> Path:
    """scikit-learn's digits as an .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    np.savez(path, images=(digits.images * 15).astype(np.uint8), labels=digits.target)
    return path


def photographs_folder(folder: Path) -> Path:
    """Cats and dogs at 64 x 64."""
    source = need(SHARED_DATA / "cats_dogs")
    for path in sorted(source.rglob("*.jpg")):
        made = folder / path.relative_to(source).with_suffix(".png")
        if not made.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            Image.open(path).convert("RGB").resize((64, 64), Image.Resampling.BOX).save(made)
    return folder


if __name__ == "__main__":
    for row in measure_labs().rows:
        print(*row, sep=" | ")
