"""MNIST from PNG files: our whole command against peers' whole processes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.make_mnist_png import make_folder
from bench.measure import (
    CACHE,
    PYTHON,
    SHARED_DATA,
    Section,
    fit,
    median,
    need,
    peer,
    percent,
    run_command,
    spread,
    test_value,
)

SEEDS = (0, 1, 2, 3, 4)
FAMILIES = ("mlp", "cnn", "rnn", "transformer")


def digits_folder() -> Path:
    """The folder of PNG digits, read once so that every contestant finds it in the page cache."""
    folder = make_folder(need(SHARED_DATA / "mnist"), CACHE / "mnist_png")
    for path in folder.rglob("*.png"):
        path.read_bytes()
    run_command([PYTHON, "-c", "import torch, sklearn.ensemble, netpick.api"])  # and the libraries likewise
    return folder


def measure_mnist_10s() -> Section:
    """`netpick fit mnist_png --models cnn --budget 10s`, five seeds."""
    folder, seconds, accuracies = digits_folder(), [], []
    with tempfile.TemporaryDirectory() as runs:
        for seed in SEEDS:
            options = ("--models", "cnn", "--budget", "10s", "--seed", str(seed))
            finished, report = fit(folder, Path(runs) / str(seed), *options)
            seconds.append(finished.seconds)
            accuracies.append(test_value(report, "cnn", "accuracy"))
    each = ", ".join(percent(accuracy) for accuracy in accuracies)
    rows = [
        ["wall clock, report and model file included", spread(seconds), "within 11 s, all seeds"],
        ["accuracy on the 10,000 test digits, median", percent(median(accuracies)), "98.6 %"],
        ["accuracy of each seed", each, ""],
    ]
    return Section(
        title="MNIST as PNG files, CNN, `--budget 10s`", columns=["what", "netpick", "goal"], rows=rows,
        note="Whole processes; the 70,000 files lie in the page cache for everybody.",
    )  # fmt: skip


def measure_mnist_60s() -> Section:
    """All four families within one minute."""
    folder = digits_folder()
    with tempfile.TemporaryDirectory() as runs:
        finished, report = fit(folder, Path(runs) / "run", "--budget", "60s")
    rows = [["wall clock", f"{finished.seconds:.1f} s", "within 63 s"]]
    for family in FAMILIES:
        goal = "99.2 %" if family == "cnn" else "finished"
        rows.append([family, percent(test_value(report, family, "accuracy")), goal])
    rows += [
        [baseline["name"], percent(baseline["test"]["accuracy"]["value"]), ""]
        for baseline in report["baselines"]
        if baseline["status"] == "ok"
    ]
    return Section(
        title="MNIST as PNG files, all families, `--budget 60s`", columns=["what", "netpick", "goal"], rows=rows,
        note="Accuracy on the 10,000 test digits; seed 0.",
    )  # fmt: skip


def measure_peers() -> Section:
    """What the peers need for the same digits."""
    folder, arrays = digits_folder(), str(need(SHARED_DATA / "mnist"))
    keras = peer("keras", "mnist.py", arrays)
    fastai = peer("fastai", "mnist_png.py", str(folder))
    bare = peer("bare_torch", "mnist.py", arrays)
    rows = [
        [
            f"{keras['peer']}, classic CNN from arrays, epoch {p['epoch']}",
            f"{p['seconds']:.1f} s",
            percent(p["accuracy"]),
        ]
        for p in keras["points"]
    ]
    rows.append(
        [
            f"{fastai['peer']}, strided CNN from PNG files, one epoch",
            f"{fastai['wall']:.1f} s",
            percent(fastai["accuracy"]),
        ]
    )
    rows.append(
        [f"{bare['peer']}, strided CNN from arrays, one epoch", f"{bare['wall']:.1f} s", percent(bare["accuracy"])]
    )
    note = f"Seconds since the process started. The classic CNN has {keras['parameters']:,} parameters in Keras."
    return Section(title="MNIST: the peers", columns=["what", "seconds", "accuracy"], rows=rows, note=note)
